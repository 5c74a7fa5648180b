// measure/allometry/registry.ts: the equations that a job file may name, and those that its trees get. Pure.
import { UsageError } from '../../errors.ts';
import type { Site } from '../site.ts';
import { chave2014, chaveWithoutHeight } from './chave-2014.ts';
import { chojnacky2014 } from './chojnacky-2014.ts';
import type { Equation, EquationSet } from './equation.ts';
import { jucker2017 } from './jucker-2017.ts';
import { onPredictedDbh } from './pair.ts';
import { setsOfTable } from './table.ts';

const PUBLISHED: readonly EquationSet[] = [...jucker2017, ...chave2014, ...chojnacky2014];

/** Names that stand for no set here, but may be written all the same. */
const NO_HEIGHT = 'chave-2014/no-height';

/**
 * Which equation a tree gets: a name for all trees, or one by an attribute of its stand (`from`, `map`), else by its species group, else `default`.
 * `none` and null: the figure stays NULL.
 */
export type EquationChoice = string | null | {
  from?: string | undefined;
  map?: Readonly<Record<string, string>> | undefined;
  gymnosperm?: string | undefined;
  angiosperm?: string | undefined;
  default?: string | undefined;
};

export interface AllometryRequest {
  dbh: EquationChoice;
  agb: EquationChoice;
  /** null, or left out: no tree has one, and an equation that needs it is refused */
  wood_density?: object | null | undefined;
  /** Chave's E, for chave-2014/no-height */
  environmental_stress?: number | null | undefined;
}

export type EquationOf = (site: Pick<Site, 'group' | 'attributes'>) => Equation | null;

/** Stem diameter and biomass of a tree by where it stands; every equation that may be used, for table `equation`. */
export interface Allometry {
  dbh: EquationOf;
  /** on the diameter that `dbh` gives, where it takes one */
  agb: EquationOf;
  equations: Equation[];
}

/** Names of equations that a choice holds. */
export const namesOf = (choice: EquationChoice): string[] => {
  const names = choice === null || typeof choice === 'string' ? [choice] : [choice.gymnosperm, choice.angiosperm, choice.default, ...Object.values(choice.map ?? {})];
  return [...new Set(names.filter((name) => name !== null && name !== undefined && name !== 'none'))] as string[];
};

/** The file that a name is in: `tables/my.json` of `tables/my.json/spruce`; null for a published equation. */
export const fileOf = (name: string): string | null => /^(.+\.(?:json|csv))(?:\/[^/]+)?$/i.exec(name)?.[1] ?? null;

/**
 * The equations of a job.
 *
 * @param request  as in the job file
 * @param files    what the tables and fits hold that the request names, by the file's name there
 * @throws {UsageError} for a name that no equation has, or an equation that needs what the job does not give; {InvalidInput} for a file that holds no equations
 */
export function allometryOf(request: AllometryRequest, files: Readonly<Record<string, unknown>> = {}): Allometry {
  const sets = [
    ...PUBLISHED, ...(typeof request.environmental_stress === 'number' ? chaveWithoutHeight(request.environmental_stress) : []),
    ...Object.entries(files).flatMap(([file, table]) => setsOfTable(file, table)),
  ];
  const find = (name: string, key: 'dbh' | 'agb'): EquationSet => setOf(name, key, sets, request);
  const dbhSets = new Map(namesOf(request.dbh).map((name) => [name, find(name, 'dbh')])), agbSets = new Map(namesOf(request.agb).map((name) => [name, find(name, 'agb')]));
  const dbh = chooser(request.dbh, dbhSets), plain = chooser(request.agb, agbSets);
  const diameters = [...dbhSets.values()].flatMap(({ equations }) => equations), biomasses = [...agbSets.values()].flatMap(({ equations }) => equations);
  const pairs = new Map(biomasses.filter(takesDbh).flatMap((agb) => diameters.filter(({ group }) => group === null || agb.group === null || group === agb.group)
    .map((d): [string, Equation] => [pairKey(agb, d), onPredictedDbh(agb, d)])));
  const agb: EquationOf = (site) => {
    const own = plain(site);
    if (own === null || !takesDbh(own)) return own;
    const diameter = dbh(site);
    return diameter === null ? null : pairs.get(pairKey(own, diameter)) ?? null;
  };
  return { dbh, agb, equations: unique([...diameters, ...biomasses.filter((each) => !takesDbh(each)), ...pairs.values()]) };
}

const takesDbh = ({ needs }: Equation): boolean => needs.includes('dbhCm');
const pairKey = (agb: Equation, dbh: Equation): string => `${agb.id}+${dbh.id}`;
const unique = (equations: readonly Equation[]): Equation[] => [...new Map(equations.map((equation) => [equation.id, equation])).values()];

function setOf(name: string, key: 'dbh' | 'agb', sets: readonly EquationSet[], { wood_density, environmental_stress }: AllometryRequest): EquationSet {
  const gives = key === 'dbh' ? 'dbh_cm' : 'agb_kg', path = `allometry.${key}`, set = sets.find((each) => each.name === name && each.gives === gives);
  if (!set && name === NO_HEIGHT && key === 'agb' && typeof environmental_stress !== 'number') {
    throw new UsageError(`${path}: ${name} needs the environmental stress E of the place; add allometry.environmental_stress (Chave et al. 2014), or use chave-2014, which takes the height`, { path: 'allometry.environmental_stress', name });
  }
  if (!set) {
    const file = fileOf(name), here = sets.filter((each) => each.gives === gives && (file === null || fileOf(each.name) === file)).map((each) => each.name);
    throw new UsageError(`${path}: no equation is called '${name}'; use one of ${here.join(', ') || `the names of a file that gives ${key}`}${file === null ? ', or a .json or .csv file of your own' : ''}`, { path, name });
  }
  if (set.equations.some(({ needs }) => needs.includes('woodDensity')) && !wood_density) {
    throw new UsageError(`${path}: ${name} needs wood density; add allometry.wood_density: { default: 0.6 } (g/cm3), or from: and map: by an attribute of the stands`, { path: 'allometry.wood_density', name });
  }
  return set;
}

const byGroup = ({ equations }: EquationSet, group: Site['group']): Equation | null =>
  equations.find((each) => each.group !== null && each.group === group) ?? equations.find((each) => each.group === null) ?? null;

function chooser(choice: EquationChoice, sets: ReadonlyMap<string, EquationSet>): EquationOf {
  return ({ group, attributes }) => {
    const name = nameFor(choice, group, attributes), set = name === null ? undefined : sets.get(name);
    return set ? byGroup(set, group) : null;
  };
}

function nameFor(choice: EquationChoice, group: Site['group'], attributes: Site['attributes']): string | null {
  if (choice === null || typeof choice === 'string') return choice;
  const { from, map = {} } = choice, value = from === undefined ? undefined : attributes?.[from.replace(/^stands\./, '')];
  if (value !== null && value !== undefined && Object.hasOwn(map, String(value))) return map[String(value)]!;
  return (group === null ? undefined : choice[group]) ?? choice.default ?? null;
}
