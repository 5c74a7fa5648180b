// measure/allometry/equation.ts: what an allometric equation is, and its limits. Pure.
import type { SpeciesGroup } from '../../types.ts';

/** What an equation may use of a tree. */
export interface TreeSize {
  heightM: number;
  crownDiameterM: number;
}

/** One published equation with the errors that intervals are built on. */
export interface Equation {
  /** as in tree.dbh_equation and tree.agb_equation */
  id: string;
  gives: 'dbh_cm' | 'agb_kg';
  /** null: serves both groups */
  group: SpeciesGroup | null;
  /** the height and the height x crown diameter in which `sigma` was measured; outside, a tree is flagged `outside_equation` */
  range: { heightM: [number, number]; heightByDiameterM2: [number, number] };
  /** error of one tree on the log scale */
  sigma: number;
  /** error shared by a survey on the log scale; null where unknown: then there is no interval */
  tau: number | null;
  /** sum of observed D2 / sum of predicted D2; null where not fitted */
  squareFactor: number | null;
  source: string;
  /** cm or kg */
  apply(size: TreeSize): number;
}

/** Equations by species group: null where the tree's group is unknown and matters, or the publication has none for it. */
export type EquationOf = (group: SpeciesGroup | null) => Equation | null;

/** One name of the job file and the equations that it stands for. */
export interface EquationSet {
  name: string;
  gives: Equation['gives'];
  equations: Equation[];
}

export const inRange = ({ range }: Equation, { heightM, crownDiameterM }: TreeSize): boolean =>
  heightM >= range.heightM[0] && heightM <= range.heightM[1]
  && heightM * crownDiameterM >= range.heightByDiameterM2[0] && heightM * crownDiameterM <= range.heightByDiameterM2[1];

/**
 * 95 % limits of one tree's value about its mean m: log-normal with v = sigma^2 + tau^2, m exp(-v/2 -+ 1.96 sqrt(v)).
 *
 * @returns null where tau is unknown: never narrow limits
 */
export function limitsOf(mean: number, { sigma, tau }: Equation): [number, number] | null {
  if (tau === null) return null;
  const v = sigma ** 2 + tau ** 2;
  return [mean * Math.exp(-v / 2 - 1.96 * Math.sqrt(v)), mean * Math.exp(-v / 2 + 1.96 * Math.sqrt(v))];
}
