// evaluate/plot-figures.ts: stems, heights, basal area and biomass of one plot, as measured and as the inventory has them. Pure.
import type { Plot, PlotTree } from '../types.ts';

/** Figures of a plot per hectare; null where one is missing. The keys are columns in camelCase. */
export interface PlotFigures {
  stemsPerHa: number | null;
  meanHeightM: number | null;
  loreyHeightM: number | null;
  basalAreaM2PerHa: number | null;
  agbTPerHa: number | null;
}

/** The names of the figures as metrics have them, in the order in which they are told. */
export const PLOT_FIGURES: readonly (readonly [keyof PlotFigures, string])[] = [
  ['stemsPerHa', 'stems_per_ha'], ['meanHeightM', 'mean_height_m'], ['loreyHeightM', 'lorey_height_m'], ['basalAreaM2PerHa', 'basal_area_m2_per_ha'], ['agbTPerHa', 'agb_t_per_ha'],
];

/** A tree as a plot's sums need it. */
export interface SummedTree {
  heightM: number | null;
  /** cross-section of the stem at 1.3 m */
  basalM2: number | null;
  agbKg: number | null;
}

export const basalAreaM2 = (dbhCm: number): number => Math.PI * (dbhCm / 200) ** 2;

/** Sums of trees per hectare. A sum in which one tree's figure is missing is null: a tree without a diameter is not one of diameter 0. */
export function figuresOf(trees: readonly SummedTree[], areaHa: number): PlotFigures {
  const sum = (value: (tree: SummedTree) => number | null): number | null => {
    let total = 0;
    for (const tree of trees) {
      const term = value(tree);
      if (term === null) return null;
      total += term;
    }
    return total;
  };
  const perHa = (total: number | null, unit = 1): number | null => (total === null || areaHa <= 0 ? null : total / unit / areaHa);
  const basal = sum(({ basalM2 }) => basalM2), heights = sum(({ heightM }) => heightM);
  const moment = sum(({ basalM2, heightM }) => (basalM2 === null || heightM === null ? null : basalM2 * heightM));
  return {
    stemsPerHa: perHa(trees.length), meanHeightM: heights === null || trees.length === 0 ? null : heights / trees.length,
    loreyHeightM: moment === null || basal === null || basal === 0 ? null : moment / basal,
    basalAreaM2PerHa: perHa(basal), agbTPerHa: perHa(sum(({ agbKg }) => agbKg), 1000),
  };
}

/**
 * What was measured on a plot: its own columns where they have a value, else the sum of its trees, alive, dead or unknown, of at least `minDbhCm`.
 *
 * A tree without a diameter counts only where no least diameter is asked. The plot's own `heightM` stands for its mean height.
 *
 * @param trees  null where the plot's trees were not listed: only the plot's own figures exist then
 */
export function measuredFigures(plot: Plot, trees: readonly PlotTree[] | null, { minDbhCm = 0 }: { minDbhCm?: number } = {}): PlotFigures {
  const counted = countedTrees(trees ?? [], { minDbhCm });
  const summed = trees === null ? NOTHING : figuresOf(counted.map(({ heightM, dbhCm, agbKg }) => ({ heightM, agbKg, basalM2: dbhCm === null ? null : basalAreaM2(dbhCm) })), plot.areaHa);
  return {
    stemsPerHa: plot.stemsPerHa ?? summed.stemsPerHa, meanHeightM: plot.heightM ?? summed.meanHeightM, loreyHeightM: summed.loreyHeightM,
    basalAreaM2PerHa: plot.basalAreaM2PerHa ?? summed.basalAreaM2PerHa, agbTPerHa: plot.agbTPerHa ?? summed.agbTPerHa,
  };
}

/** The trees of a plot that its sums count. */
export const countedTrees = (trees: readonly PlotTree[], { minDbhCm }: { minDbhCm: number }): PlotTree[] => trees.filter(({ dbhCm }) => minDbhCm <= 0 || (dbhCm !== null && dbhCm >= minDbhCm));

const NOTHING: PlotFigures = { stemsPerHa: null, meanHeightM: null, loreyHeightM: null, basalAreaM2PerHa: null, agbTPerHa: null };
