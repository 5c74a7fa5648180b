// cloud/metric-names.ts: the LiDAR metrics of a cell as data: lidR's name, unit, meaning. Pure.

/** One column of LiDAR metrics; `name` is lidR's, snake_case, and the key in `CellMetrics.values`. */
export interface Metric {
  readonly name: string;
  /** m, %, 1 (no unit), count, or intensity (the sensor's own counts) */
  readonly unit: string;
  readonly meaning: string;
}

const tenths = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
const twentieths = Array.from({ length: 19 }, (_, i) => 5 * (i + 1));

/** The 36 height metrics, for one set of returns. `prefix` is '', 'f_' or 'l_'. */
function heightMetrics(prefix: string, of: string): Metric[] {
  const metric = (name: string, unit: string, meaning: string): Metric => ({ name: prefix + name, unit, meaning });
  return [
    metric('zmax', 'm', `highest height above ground of ${of}`),
    metric('zmean', 'm', `mean height above ground of ${of}`),
    metric('zsd', 'm', `standard deviation (n - 1) of the heights of ${of}`),
    metric('zskew', '1', `skewness of the heights of ${of}`),
    metric('zkurt', '1', `kurtosis of the heights of ${of}; 3 for a normal distribution (not the excess)`),
    metric('zentropy', '1', `Shannon entropy of the heights of ${of} in bins of 1 m, divided by the log of the number of bins`),
    metric('pzabovezmean', '%', `share of ${of} above their own mean height`),
    metric('pzabove2', '%', `share of ${of} above 2 m`),
    ...twentieths.map((q) => metric(`zq${q}`, 'm', `height below which ${q} % of ${of} lie (R's type 7)`)),
    ...tenths.map((t) => metric(`zpcum${t}`, '%', `share of ${of} below ${t} tenths of zmax`)),
  ];
}

/** Every LiDAR metric of a cell, in the order of its columns. */
export const METRICS: readonly Metric[] = [
  { name: 'n', unit: 'count', meaning: 'returns in the cell with a height above ground' },
  ...heightMetrics('', 'all returns'),
  { name: 'vci', unit: '1', meaning: 'vertical complexity index: entropy of heights in bins of 1 m over a fixed range, the same in every cell' },
  { name: 'itot', unit: 'intensity', meaning: 'sum of intensities' },
  { name: 'imax', unit: 'intensity', meaning: 'highest intensity' },
  { name: 'imean', unit: 'intensity', meaning: 'mean intensity' },
  { name: 'isd', unit: 'intensity', meaning: 'standard deviation (n - 1) of intensities' },
  { name: 'iskew', unit: '1', meaning: 'skewness of intensities' },
  { name: 'ikurt', unit: '1', meaning: 'kurtosis of intensities; 3 for a normal distribution' },
  { name: 'ipground', unit: '%', meaning: 'share of the intensity that ground returns give' },
  ...[10, 30, 50, 70, 90].map((q): Metric =>
    ({ name: `ipcumzq${q}`, unit: '%', meaning: `share of the intensity from returns at or below the ${q} % height quantile` })),
  ...[1, 2, 3, 4, 5].map((k): Metric => ({ name: `p${k}th`, unit: '%', meaning: `share of returns with return number ${k}` })),
  { name: 'pground', unit: '%', meaning: 'share of returns that are ground' },
  { name: 'cover_first_returns', unit: '%', meaning: 'share of first returns above 2 m' },
  ...heightMetrics('f_', 'first returns'),
  ...heightMetrics('l_', 'last returns'),
];
