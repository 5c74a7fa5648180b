// evaluate/detection-rate.ts: how many trees the inventory finds for each that stands there, with its error. Pure.

/** Trees found and trees that stand in one plot. */
export interface PlotCount {
  found: number;
  reference: number;
}

export interface DetectionRate {
  /** found / reference over all plots; above 1 where more are found than stand there; null where none stands there, or none was found */
  rate: number | null;
  /** standard error of ln(rate), by the differences between plots; null for fewer than two plots */
  logError: number | null;
  /** plots with a tree, found or standing */
  n: number;
}

/**
 * The detection rate r of plots: stems found / r are the stems that stand there.
 *
 * Found trees count whether or not they are right, since a stand's count has its false trees too: r = recall / precision, not recall.
 * The ratio of sums, with the variance of a ratio estimator (Cochran 1977, section 2.11, without the correction for a finite population):
 * var(r) = sum (f_i - r R_i)^2 / (n (n - 1) mean(R)^2), and the error of ln r is sqrt(var(r)) / r.
 * Plots are taken as a simple random sample of the survey; where they were laid out otherwise, the error is not this one.
 */
export function detectionRate(plots: readonly PlotCount[]): DetectionRate {
  const counted = plots.filter(({ found, reference }) => found + reference > 0), n = counted.length;
  const found = counted.reduce((sum, plot) => sum + plot.found, 0), reference = counted.reduce((sum, plot) => sum + plot.reference, 0);
  if (found === 0 || reference === 0) return { rate: null, logError: null, n };
  const rate = found / reference, meanReference = reference / n;
  if (n < 2) return { rate, logError: null, n };
  const squares = counted.reduce((sum, plot) => sum + (plot.found - rate * plot.reference) ** 2, 0);
  return { rate, logError: Math.sqrt(squares / (n * (n - 1))) / meanReference / rate, n };
}

/** What was found and what stands on a plot, for rates by height. */
export interface PlotHeights {
  /** heights of the trees found, metres */
  found: readonly number[];
  /** trees that stand there */
  standingCount: number;
  /** their heights; null where not all were measured */
  standing: readonly number[] | null;
}

/** A row of table `detection`, without its source. */
export interface DetectionClass extends DetectionRate {
  /** `all`, or `10-25 m` */
  layer: string;
  /** null: no lower bound */
  fromM: number | null;
  /** null: no upper bound */
  toM: number | null;
}

/** A class is made wider until as many trees were found in it, and as many stand there: 1 / rate of fewer would be a guess. */
export const LEAST_IN_CLASS = 20;
const STEP_M = 5;

/**
 * Detection rates of all trees, and by classes of height that together hold every height.
 *
 * Classes are multiples of 5 m, joined from the top down until each has `LEAST_IN_CLASS` found and standing trees; what is left at the bottom joins the
 * lowest. Each tree counts in the class of its own height, found trees too, so that a found tree can be corrected by what is known of it.
 *
 * @returns `all`, then classes from low to high where there are at least two; nothing where no rate exists
 */
export function detectionByHeight(plots: readonly PlotHeights[]): DetectionClass[] {
  const all = detectionRate(plots.map(({ found, standingCount }) => ({ found: found.length, reference: standingCount })));
  if (all.rate === null) return [];
  const bounds = classBounds(plots), classes = bounds.map(([fromM, toM]): DetectionClass => {
    const holds = (heightM: number): boolean => (fromM === null || heightM >= fromM) && (toM === null || heightM < toM);
    const counts = plots.map(({ found, standing }) => ({ found: found.filter(holds).length, reference: (standing ?? []).filter(holds).length }));
    return { layer: fromM === null ? `below ${toM} m` : toM === null ? `${fromM} m and taller` : `${fromM}-${toM} m`, fromM, toM, ...detectionRate(counts) };
  });
  return [{ layer: 'all', fromM: null, toM: null, ...all }, ...classes];
}

function classBounds(plots: readonly PlotHeights[]): [number | null, number | null][] {
  if (plots.some(({ standing }) => standing === null)) return [];
  const stepOf = (heightM: number): number => Math.floor(heightM / STEP_M), counts = new Map<number, { found: number; standing: number }>();
  const count = (heightM: number, key: 'found' | 'standing'): void => {
    const step = stepOf(heightM), of = counts.get(step) ?? { found: 0, standing: 0 };
    of[key]++;
    counts.set(step, of);
  };
  for (const { found, standing } of plots) {
    for (const heightM of found) count(heightM, 'found');
    for (const heightM of standing ?? []) count(heightM, 'standing');
  }
  const cuts: number[] = [];
  let found = 0, standing = 0;
  for (const [step, of] of [...counts].sort(([a], [b]) => b - a)) {
    found += of.found;
    standing += of.standing;
    if (Math.min(found, standing) < LEAST_IN_CLASS) continue;
    cuts.unshift(step * STEP_M);
    found = standing = 0;
  }
  const edges = cuts.slice(1); // what is below the lowest cut joins the class above it
  return edges.length === 0 ? [] : [null, ...edges].map((fromM, i) => [fromM, edges[i] ?? null]);
}
