// measure/allometry/registry.ts: the equations that a job file may name. Pure.
import { UsageError } from '../../errors.ts';
import type { Equation, EquationOf, EquationSet } from './equation.ts';
import { jucker2017 } from './jucker-2017.ts';

const sets: EquationSet[] = [...jucker2017];

/** Stem diameter and biomass of a tree by its species group; every equation in use, for table `equation`. */
export interface Allometry {
  dbh: EquationOf;
  agb: EquationOf;
  equations: Equation[];
}

/** Names that a job file may use for an equation: `jucker-2017`, `jucker-2017/nearctic-conifer` ... */
export const equationNames = (gives: Equation['gives']): string[] => sets.filter((set) => set.gives === gives).map((set) => set.name);

const none: EquationOf = () => null;

/**
 * The equations of a job.
 *
 * @param names  as in the job file; null: the figure stays NULL
 * @throws {UsageError} for a name that no equation has
 */
export function allometryOf(names: { dbh: string | null; agb: string | null }): Allometry {
  const dbh = names.dbh === null ? null : setOf(names.dbh, 'dbh_cm'), agb = names.agb === null ? null : setOf(names.agb, 'agb_kg');
  const equations = [...(dbh?.equations ?? []), ...(agb?.equations ?? [])];
  return { dbh: dbh ? byGroup(dbh) : none, agb: agb ? byGroup(agb) : none, equations };
}

function setOf(name: string, gives: Equation['gives']): EquationSet {
  const set = sets.find((each) => each.name === name && each.gives === gives);
  const key = gives === 'dbh_cm' ? 'dbh' : 'agb';
  if (!set) throw new UsageError(`allometry.${key}: no equation is called '${name}'; use one of ${equationNames(gives).join(', ')}`, { path: `allometry.${key}`, name });
  return set;
}

const byGroup = ({ equations }: EquationSet): EquationOf => (group) => equations.find((each) => each.group === null || each.group === group) ?? null;
