// measure/tree.ts: crowns to trees: ids, positions, stem diameter, biomass and their limits. Pure.
import { toUnits, roundTo } from '../geo/units.ts';
import type { Crown, SpeciesGroup, Tree } from '../types.ts';
import { inRange, limitsOf, type Equation } from './allometry/equation.ts';
import type { Allometry } from './allometry/registry.ts';
import type { GroupOf } from './species-group.ts';

/** Carbon in dry biomass: IPCC 2006 Guidelines, volume 4, table 4.3, the default. */
export const CARBON_FRACTION = 0.47;

export interface TreeContext {
  /** name of the survey, the first part of each id */
  survey: string;
  /** lidar, chm, or a model's name */
  source: string;
  /** survey CRS to WGS 84 in degrees */
  toLonLat: (xM: number, yM: number) => [number, number];
  allometry: Allometry;
  groupOf: GroupOf;
}

/** `survey:source:X_Y`, the apex in whole centimetres: the same ground gives the same id whatever the tiling and the run. */
export const treeIdOf = (survey: string, source: string, xM: number, yM: number): string =>
  `${survey}:${source}:${wholeCm(xM)}_${wholeCm(yM)}`;

const wholeCm = (metres: number): string => String(Math.round(toUnits(metres) / 1000) || 0);

/** Diameter of the circle of equal area, metres. */
export const crownDiameterOf = (areaM2: number): number => 2 * Math.sqrt(areaM2 / Math.PI);

/**
 * Trees of crowns, in the crowns' order.
 *
 * Heights are rounded to 1 mm, lon and lat to 1e-7 degrees, dbh_cm to 0.01, kilograms to 0.001 (law 5). Stem diameter and biomass come from the
 * stored height and crown diameter, so that a user can compute them again. Limits are NULL where the equation's tau is unknown.
 * Flags: the crown's own, `outside_equation` where an equation is used beyond the sizes on which its errors were measured,
 * `no_equation` where one is asked for but none serves the tree's species group.
 */
export const measureTrees = (crowns: readonly Crown[], context: TreeContext): Tree[] => crowns.map((crown) => measureTree(crown, context));

function measureTree(crown: Crown, { survey, source, toLonLat, allometry, groupOf }: TreeContext): Tree {
  const { xM, yM, areaM2 } = crown, [lon, lat] = toLonLat(xM, yM);
  const heightM = roundTo(crown.heightM, 3), crownDiameterM = roundTo(crownDiameterOf(areaM2), 6);
  const group = groupOf(xM, yM), size = { heightM, crownDiameterM };
  const dbh = predict(allometry.dbh(group), size, 2), agb = predict(allometry.agb(group), size, 3);
  const flags = [...crown.flags];
  if ([dbh, agb].some(({ equation }) => equation !== null && !inRange(equation, size))) flags.push('outside_equation');
  if (lacksEquation(allometry, group)) flags.push('no_equation');
  return {
    treeId: treeIdOf(survey, source, xM, yM), source, xM, yM, lon: roundTo(lon, 7), lat: roundTo(lat, 7),
    heightM, crownAreaM2: roundTo(areaM2, 6), crownDiameterM, crownVolumeM3: null, crownBaseM: null,
    dbhCm: dbh.mean, dbhCmLo: dbh.low, dbhCmHi: dbh.high,
    agbKg: agb.mean, agbKgLo: agb.low, agbKgHi: agb.high, carbonKg: agb.mean === null ? null : roundTo(CARBON_FRACTION * agb.mean, 3),
    dbhEquation: dbh.equation?.id ?? null, agbEquation: agb.equation?.id ?? null,
    speciesGroup: group, status: 'unknown', deadFraction: null, confidence: null, flags, polygon: crown.polygon,
  };
}

interface Prediction {
  equation: Equation | null;
  mean: number | null;
  low: number | null;
  high: number | null;
}

function predict(equation: Equation | null, size: { heightM: number; crownDiameterM: number }, decimals: number): Prediction {
  if (equation === null) return { equation, mean: null, low: null, high: null };
  const mean = equation.apply(size), limits = limitsOf(mean, equation);
  const rounded = (value: number): number => roundTo(value, decimals);
  return { equation, mean: rounded(mean), low: limits && rounded(limits[0]), high: limits && rounded(limits[1]) };
}

const lacksEquation = ({ equations, dbh, agb }: Allometry, group: SpeciesGroup | null): boolean =>
  equations.some(({ gives }) => (gives === 'dbh_cm' ? dbh(group) : agb(group)) === null);
