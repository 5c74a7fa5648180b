// measure/allometry/equation.ts: what an allometric equation is, what it needs of a tree, and its limits. Pure.
import type { SpeciesGroup } from '../../types.ts';

/** What equations may use of a tree; NaN where it is not known. */
export interface TreeSize {
  heightM: number;
  /** of the circle of the crown's area */
  crownDiameterM: number;
  /** at 1.3 m */
  dbhCm: number;
  /** dry mass / green volume, g/cm3 */
  woodDensity: number;
}

/** Limits of what an equation was made for; a size without limits is not looked at. */
export interface EquationRange {
  heightM?: Limits;
  crownDiameterM?: Limits;
  /** height x crown diameter */
  heightByDiameterM2?: Limits;
  dbhCm?: Limits;
  woodDensity?: Limits;
}

export type Limits = readonly [number, number];

/** One equation with the errors that intervals are built on. */
export interface Equation {
  /** as in tree.dbh_equation and tree.agb_equation */
  id: string;
  gives: 'dbh_cm' | 'agb_kg';
  /** null: serves both groups */
  group: SpeciesGroup | null;
  needs: readonly (keyof TreeSize)[];
  /** outside it, a tree is flagged `outside_equation` */
  range: EquationRange;
  /** error of one tree on the log scale; null where unknown */
  sigma: number | null;
  /** error shared by a survey on the log scale; null where unknown: then there is no interval */
  tau: number | null;
  /** sum of observed D2 / sum of predicted D2; null where not fitted */
  squareFactor: number | null;
  source: string;
  /** d ln AGB / d ln D: how many times it carries D's errors; null for an equation that does not use D */
  dbhExponent: number | null;
  /** the equation that gave D, whose errors are within sigma and tau (see pair.ts); null where D is none or was measured */
  onDbh: string | null;
  /** cm or kg: the mean of trees of this size */
  apply(size: TreeSize): number;
}

/** One name of the job file and the equations that it stands for. */
export interface EquationSet {
  name: string;
  gives: Equation['gives'];
  equations: readonly Equation[];
}

const UNKNOWN: TreeSize = { heightM: NaN, crownDiameterM: NaN, dbhCm: NaN, woodDensity: NaN };

/** What an equation gives for a tree; null where something that it needs is not known. */
export function valueOf(equation: Equation, known: Partial<TreeSize>): number | null {
  const size = { ...UNKNOWN, ...known };
  return equation.needs.every((need) => size[need] > 0) ? equation.apply(size) : null;
}

const sizes: Record<keyof EquationRange, (size: Partial<TreeSize>) => number | undefined> = {
  heightM: ({ heightM }) => heightM,
  crownDiameterM: ({ crownDiameterM }) => crownDiameterM,
  heightByDiameterM2: ({ heightM = NaN, crownDiameterM = NaN }) => heightM * crownDiameterM,
  dbhCm: ({ dbhCm }) => dbhCm,
  woodDensity: ({ woodDensity }) => woodDensity,
};

/** False where any size lies outside the equation's limits; a size that is not known is inside. */
export const inRange = ({ range }: Equation, size: Partial<TreeSize>): boolean =>
  (Object.entries(range) as [keyof EquationRange, Limits][]).every(([key, [low, high]]) => {
    const value = sizes[key](size) ?? NaN;
    return !(value < low || value > high);
  });

/**
 * 95 % limits of one tree's value about its mean m: log-normal with v = sigma^2 + tau^2, m exp(-v/2 -+ 1.96 sqrt(v)).
 *
 * @returns null where sigma or tau is unknown: never narrow limits
 */
export function limitsOf(mean: number, { sigma, tau }: Pick<Equation, 'sigma' | 'tau'>): [number, number] | null {
  if (sigma === null || tau === null) return null;
  const v = sigma ** 2 + tau ** 2;
  return [mean * Math.exp(-v / 2 - 1.96 * Math.sqrt(v)), mean * Math.exp(-v / 2 + 1.96 * Math.sqrt(v))];
}

const UNITS: Record<keyof EquationRange, string> = { heightM: 'height_m', crownDiameterM: 'crown_diameter_m', heightByDiameterM2: 'height_m x crown_diameter_m', dbhCm: 'dbh_cm', woodDensity: 'wood_density_g_per_cm3' };

/** The row of table `equation`, fields as columns in camelCase. */
export const equationRow = ({ id, gives, needs, range, sigma, tau, squareFactor, dbhExponent, onDbh, source }: Equation) => ({
  equationId: id, gives, needs: needs.map((need) => UNITS[need]),
  validRange: (Object.entries(range) as [keyof EquationRange, Limits][]).map(([key, [low, high]]) => `${UNITS[key]} ${low} to ${high}`).join(', ') || null,
  sigma, tau, squareFactor, dbhExponent, onDbhEquation: onDbh, source,
});
