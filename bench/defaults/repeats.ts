// bench/defaults/repeats.ts: no truth, but a question with an answer: do two halves of one cloud hold the same trees? IO.
import { matchTrees, scoreMatches } from '../../src/evaluate/match-trees.ts';
import { selectPoints } from '../../src/cloud/select.ts';
import type { Points } from '../../src/types.ts';
import { WINDOWS, boxOf, heightsOf, loadCloud, runChain, validHa } from './clouds.ts';
import type { Setting } from './clouds.ts';
import { nameOf } from './stems.ts';
import { markdownTable, meanOf, quantileOf, rmseOf, shareOf } from './tables.ts';

const CLOUDS: [string, string][] = [['bcts_1', 'lidar/bcts_1.laz'], ['MixedConifer', 'lidar/MixedConifer.laz'], ['MixedEucaNat', 'lidar/MixedEucaNat.laz'], ['Megaplot', 'lidar/Megaplot.laz']];
const CHMS: Setting[] = [{ chm: 'p2r' }, { chm: 'p2r', pitFill: true }, {}, { pitFill: true }, { smooth: 'mean' }, { smooth: 'median' }, { smooth: 'gaussian' }];
const CHM_WINDOWS = ['3 m', '3 + 0.07 h'];

/** Trees a hectare, and F1 between the trees of two halves of the returns, by CHM and window. */
export async function repeatTables(): Promise<string> {
  const byChm: (string | number | null)[][] = [], byWindow: (string | number | null)[][] = [];
  for (const [name, file] of CLOUDS) {
    const heights = heightsOf(await loadCloud(file)), row = (setting: Setting): (number | null)[] => repeat(heights, setting);
    for (const chm of CHMS) for (const { name: window, window: params } of WINDOWS.filter((w) => CHM_WINDOWS.includes(w.name))) byChm.push([name, nameOf(chm) + (chm.pitFill ? ', pits filled' : ''), window, ...row({ ...chm, window: params })]);
    for (const { name: window, window: params } of WINDOWS) byWindow.push([name, window, ...row({ window: params })]);
  }
  const byCrown = await crownRows();
  return [markdownTable(['cloud', 'CHM of 0.5 m', 'window', ...FIGURES], byChm), markdownTable(['cloud', 'window (pit-free)', ...FIGURES], byWindow),
    markdownTable(['cloud', 'crowns', 'R, m', 'mean diameter, m', '99 %, m', 'crowns cover', 'of a canopy of', 'diameter: RMSE between two halves, m'], byCrown)].join('\n\n');
}

/** The same by pixel size and by the longest edge of a triangle above the base layer. */
export async function pixelTable(): Promise<string> {
  const rows: (string | number | null)[][] = [];
  for (const [name, file] of CLOUDS) {
    const heights = heightsOf(await loadCloud(file));
    for (const [resolutionM, maxEdgeM] of [[0.25, 1], [0.5, 1], [1, 1], [0.5, 1.5], [0.5, 2]]) rows.push([name, `${resolutionM}`, `${maxEdgeM}`, ...repeat(heights, { resolutionM: resolutionM!, maxEdgeM: maxEdgeM! })]);
  }
  return markdownTable(['cloud', 'pixel, m', 'longest edge, m', ...FIGURES], rows);
}

/** How far filters of the CHM lower the tops that they leave. */
export async function loweringTable(): Promise<string> {
  const rows: (string | number | null)[][] = [];
  for (const [name, file] of CLOUDS) {
    const heights = heightsOf(await loadCloud(file)), plain = runChain(heights, {}).crowns;
    for (const setting of CHMS.filter(({ chm, smooth, pitFill }) => !chm && (smooth || pitFill))) {
      const { crowns } = runChain(heights, setting), errors = matchTrees(crowns, plain).map(({ heightErrorM }) => heightErrorM);
      rows.push([name, setting.pitFill ? 'pits filled' : setting.smooth!, crowns.length / plain.length, meanOf(errors), quantileOf(errors, 0.05)]);
    }
  }
  return markdownTable(['cloud', 'filter (pit-free)', 'tops, share of those without', 'height: mean change, m', '5 % quantile, m'], rows);
}

const FIGURES = ['trees/ha', 'trees/ha, half the returns', 'F1 of two halves', 'height RMSE between them, m', 'crowns under 1 m2, %', 'with holes, %'];

function repeat(heights: Points, setting: Setting): (number | null)[] {
  const core = boxOf(heights), whole = runChain(heights, setting, core), [a, b] = [0, 1].map((half) => runChain(halfOf(heights, half), setting, core));
  const { f1, heightRmseM } = scoreMatches(matchTrees(a!.crowns, b!.crowns), a!.crowns.length, b!.crowns.length);
  return [whole.crowns.length / validHa(whole), a!.crowns.length / validHa(a!), f1, heightRmseM,
    100 * shareOf(whole.crowns, ({ areaM2 }) => areaM2 < 1), 100 * shareOf(whole.crowns, ({ polygon }) => polygon.length > 1)];
}

/** The crown methods: how wide, how much of the canopy, and how well two halves of the returns agree on the same tree's diameter. */
async function crownRows(): Promise<(string | number | null)[][]> {
  const rows: (string | number | null)[][] = [];
  for (const [name, file] of CLOUDS) {
    const heights = heightsOf(await loadCloud(file)), core = boxOf(heights), halves = [0, 1].map((half) => halfOf(heights, half));
    for (const method of ['watershed', 'dalponte', 'silva'] as const) {
      for (const maxRadiusM of [6, 8, 12]) {
        const { chm, crowns, crownMask } = runChain(heights, { crowns: method, maxRadiusM }, core), [a, b] = halves.map((half) => runChain(half, { crowns: method, maxRadiusM }, core).crowns);
        const differences = matchTrees(a!, b!).map(({ found, reference }) => diameterM(a![found]!) - diameterM(b![reference]!));
        const valid = chm.mask.reduce((sum, one) => sum + one, 0), canopy = chm.data.reduce((sum, z, i) => sum + (chm.mask[i] && z >= 2 ? 1 : 0), 0), covered = crownMask.reduce((sum, one) => sum + one, 0);
        rows.push([name, method, maxRadiusM, meanOf(crowns.map(diameterM)), quantileOf(crowns.map(diameterM), 0.99), covered / valid, canopy / valid, rmseOf(differences)]);
      }
    }
  }
  return rows;
}

const diameterM = ({ areaM2 }: { areaM2: number }): number => 2 * Math.sqrt(areaM2 / Math.PI);

/** Half of the returns by a hash of their place: the same on every run. */
const halfOf = (points: Points, half: number): Points =>
  selectPoints(points, Uint8Array.from(points.x, (x, i) => ((Math.imul(x % 0x7fffffff, 0x9e3779b1) ^ Math.imul(points.y[i]! % 0x7fffffff, 0x85ebca6b)) >>> 15) & 1).map((bit) => (bit === half ? 1 : 0)));
