// measure/tree.ts: crowns to trees: ids, positions, stem diameter, biomass and their limits. Pure.
import { toUnits, roundTo } from '../geo/units.ts';
import type { Crown, Polygon, SpeciesGroup, Tree, TreeStatus } from '../types.ts';
import { inRange, limitsOf, valueOf, type Equation, type TreeSize } from './allometry/equation.ts';
import type { Allometry } from './allometry/registry.ts';
import type { Site, SiteOf } from './site.ts';

/** Carbon in dry biomass: IPCC 2006 Guidelines, volume 4, table 4.3, the default. */
export const CARBON_FRACTION = 0.47;

/** What images say of a tree that the canopy gave. */
export interface TreeVerdict {
  status: TreeStatus;
  /** share of the crown that is dead */
  deadFraction: number | null;
  /** in the place of the stand's */
  speciesGroup: SpeciesGroup | null;
  /** of the detection that is this tree */
  confidence: number | null;
  /** models whose detection, point or dead object is this tree, in the job's order */
  seenBy: string[];
  /** stem diameter, cm, and biomass, kg, by a model in the place of an equation; null: by the equation */
  dbh: { mean: number; sd: number | null; equation: string } | null;
  agb: { mean: number; sd: number | null; equation: string } | null;
}

/** A tree that only models see. */
export interface SeenTree {
  /** name of the first model in the job that sees it */
  source: string;
  /** names of the others, in the job's order */
  seenBy: string[];
  xM: number;
  yM: number;
  /** score of a detection, probability of an object, heat of a peak; null for a peak of a density alone */
  score: number | null;
  polygon: Polygon | null;
  areaM2: number | null;
  status: TreeStatus;
}

export const nothingSeen = (): TreeVerdict => ({ status: 'unknown', deadFraction: null, speciesGroup: null, confidence: null, seenBy: [], dbh: null, agb: null });

export interface TreeContext {
  /** name of the survey, the first part of each id */
  survey: string;
  /** lidar, chm, or a model's name */
  source: string;
  /** survey CRS to WGS 84 in degrees */
  toLonLat: (xM: number, yM: number) => [number, number];
  allometry: Allometry;
  siteOf: SiteOf;
}

/** `survey:source:X_Y`, the apex in whole centimetres: the same ground gives the same id whatever the tiling and the run. */
export const treeIdOf = (survey: string, source: string, xM: number, yM: number): string =>
  `${survey}:${source}:${wholeCm(xM)}_${wholeCm(yM)}`;

const wholeCm = (metres: number): string => String(Math.round(toUnits(metres) / 1000) || 0);

const seenByFlag = (model: string): string => `seen_by:${model}`;

/** Diameter of the circle of equal area, metres. */
export const crownDiameterOf = (areaM2: number): number => 2 * Math.sqrt(areaM2 / Math.PI);

/**
 * Trees of crowns, in the crowns' order.
 *
 * Heights are rounded to 1 mm, lon and lat to 1e-7 degrees, dbh_cm to 0.01, kilograms to 0.001 (law 5). Stem diameter and biomass come from the
 * stored height, crown diameter and stem diameter, so that a user can compute them again. Limits are NULL where the equation's sigma or tau is unknown.
 * Flags: the crown's own, `outside_equation` where an equation is used beyond the sizes that it, or its errors, were made from,
 * `no_equation` where one is asked for but none serves the tree, `no_wood_density` where one needs it and the stand's is not known, `seen_by:MODEL` for each model
 * whose detection, point or dead object is this tree.
 */
export const measureTrees = (crowns: readonly Crown[], context: TreeContext, verdicts: readonly TreeVerdict[] = []): Tree[] =>
  crowns.map((crown, i) => measureTree(crown, context, verdicts[i] ?? nothingSeen()));

/**
 * Trees that only models see, in their order: without a height, so that no equation serves them. A flag `seen_by:MODEL` names each model that sees it too.
 *
 * @param context  its `source` is not used: each tree has that of its model
 */
export const imageTrees = (seen: readonly SeenTree[], { survey, toLonLat, siteOf }: TreeContext): Tree[] => seen.map(({ source, seenBy, xM, yM, score, polygon, areaM2, status }) => {
  const [lon, lat] = toLonLat(xM, yM), crownAreaM2 = areaM2 === null ? null : roundTo(areaM2, 6);
  return {
    treeId: treeIdOf(survey, source, xM, yM), source, xM, yM, lon: roundTo(lon, 7), lat: roundTo(lat, 7),
    heightM: null, crownAreaM2, crownDiameterM: areaM2 === null ? null : roundTo(crownDiameterOf(areaM2), 6), crownVolumeM3: null, crownBaseM: null,
    dbhCm: null, dbhCmLo: null, dbhCmHi: null, agbKg: null, agbKgLo: null, agbKgHi: null, carbonKg: null, dbhEquation: null, agbEquation: null,
    speciesGroup: siteOf(xM, yM).group, status, deadFraction: null, confidence: score === null ? null : roundTo(score, 6), flags: seenBy.map(seenByFlag), polygon,
  };
});

function measureTree(crown: Crown, { survey, source, toLonLat, allometry, siteOf }: TreeContext, verdict: TreeVerdict): Tree {
  const { xM, yM, areaM2 } = crown, [lon, lat] = toLonLat(xM, yM), there = siteOf(xM, yM), site = verdict.speciesGroup === null ? there : { ...there, group: verdict.speciesGroup };
  const heightM = roundTo(crown.heightM, 3), crownDiameterM = roundTo(crownDiameterOf(areaM2), 6);
  const seen: Partial<TreeSize> = { heightM, crownDiameterM, ...(site.woodDensity === null ? {} : { woodDensity: site.woodDensity }) };
  const dbh = verdict.dbh ? measuredBy(verdict.dbh, 2) : predict(allometry.dbh(site), seen, 2), size = dbh.mean === null ? seen : { ...seen, dbhCm: dbh.mean };
  const agb = verdict.agb ? measuredBy(verdict.agb, 3) : predict(allometry.agb(site), size, 3);
  return {
    treeId: treeIdOf(survey, source, xM, yM), source, xM, yM, lon: roundTo(lon, 7), lat: roundTo(lat, 7),
    heightM, crownAreaM2: roundTo(areaM2, 6), crownDiameterM, crownVolumeM3: null, crownBaseM: null,
    dbhCm: dbh.mean, dbhCmLo: dbh.low, dbhCmHi: dbh.high,
    agbKg: agb.mean, agbKgLo: agb.low, agbKgHi: agb.high, carbonKg: agb.mean === null ? null : roundTo(CARBON_FRACTION * agb.mean, 3),
    dbhEquation: dbh.mean === null ? null : verdict.dbh?.equation ?? dbh.equation!.id, agbEquation: agb.mean === null ? null : verdict.agb?.equation ?? agb.equation!.id,
    speciesGroup: site.group, status: verdict.status, deadFraction: verdict.deadFraction === null ? null : roundTo(verdict.deadFraction, 6), confidence: verdict.confidence === null ? null : roundTo(verdict.confidence, 6), flags: [...crown.flags, ...flagsOf(size, site, allometry, [dbh, agb]), ...verdict.seenBy.map(seenByFlag)], polygon: crown.polygon,
  };
}

interface Prediction {
  equation: Equation | null;
  mean: number | null;
  low: number | null;
  high: number | null;
}

/** A model's figure with 95 % limits of a normal error, never below 0; NULL where it gives no deviation. */
function measuredBy({ mean, sd }: NonNullable<TreeVerdict['dbh']>, decimals: number): Prediction {
  const limit = (sign: number): number | null => (sd === null ? null : roundTo(Math.max(0, mean + sign * 1.96 * sd), decimals));
  return { equation: null, mean: roundTo(mean, decimals), low: limit(-1), high: limit(1) };
}

function predict(equation: Equation | null, size: Partial<TreeSize>, decimals: number): Prediction {
  const mean = equation === null ? null : valueOf(equation, size);
  if (equation === null || mean === null) return { equation, mean: null, low: null, high: null };
  const limits = limitsOf(mean, equation), rounded = (value: number): number => roundTo(value, decimals);
  return { equation, mean: rounded(mean), low: limits && rounded(limits[0]), high: limits && rounded(limits[1]) };
}

function flagsOf(size: Partial<TreeSize>, { woodDensity }: Site, { equations }: Allometry, predictions: readonly Prediction[]): string[] {
  const used = predictions.flatMap(({ equation, mean }) => (equation && mean !== null ? [equation] : [])), asked = new Set(equations.map(({ gives }) => gives)).size;
  const lacksDensity = woodDensity === null && predictions.some(({ equation }) => equation?.needs.includes('woodDensity'));
  return [
    ...(used.some((equation) => !inRange(equation, size)) ? ['outside_equation'] : []),
    ...(predictions.filter(({ equation }) => equation !== null).length < asked ? ['no_equation'] : []),
    ...(lacksDensity ? ['no_wood_density'] : []),
  ];
}
