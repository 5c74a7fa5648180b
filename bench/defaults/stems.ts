// bench/defaults/stems.ts: tops and crowns against stems that crews measured: OSBS_006, Nouragues, NEON's crown diameters. IO.
import { readFile } from 'node:fs/promises';
import type { MatchLimits, TreePlace } from '../../src/evaluate/match-trees.ts';
import { matchTrees } from '../../src/evaluate/match-trees.ts';
import { openFile } from '../../src/files/byte-source.ts';
import { xOfCol, yOfRow } from '../../src/geo/lattice.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import { smoothGaussian } from '../../src/raster/focal.ts';
import { findTreetops } from '../../src/raster/treetops.ts';
import type { Points, Raster } from '../../src/types.ts';
import { WINDOWS, dataPath, heightsOf, loadCloud, runChain } from './clouds.ts';
import type { Setting } from './clouds.ts';
import { csvRecords, markdownTable, meanOf, quantileOf, rmseOf, shareOf } from './tables.ts';

const records = async (path: string): Promise<Record<string, string>[]> => csvRecords(await readFile(dataPath(path), 'utf8'));

interface Stem extends TreePlace { genus: string; plot: string; crownM: number }

/** Live stems with height and both crown diameters, the latest visit of each. */
async function neonStems(): Promise<Stem[]> {
  const latest = new Map<string, Record<string, string>>();
  for (const stem of (await records('biomass/neon_stems.csv')).toSorted((a, b) => (a['date']! < b['date']! ? -1 : 1))) latest.set(stem['individualID']!, stem);
  return [...latest.values()].filter((s) => s['plantStatus']!.startsWith('Live') && Number(s['height']) >= 3 && Number(s['stemDiameter']) >= 10 && Number(s['ninetyCrownDiameter']) > 0 && Number(s['maxCrownDiameter']) > 0)
    .map((s) => ({
      plot: s['plotID']!, genus: s['scientificName']!.split(' ')[0]!, heightM: Number(s['height']), crownM: (Number(s['maxCrownDiameter']) + Number(s['ninetyCrownDiameter'])) / 2,
      xM: Number(s['itcEasting']), yM: Number(s['itcNorthing']),
    }));
}

const CONIFERS = new Set('Abies Calocedrus Chamaecyparis Juniperus Larix Picea Pinus Pseudotsuga Sequoia Taxodium Taxus Thuja Tsuga'.split(' '));

/** Crown diameters by height class, and the windows' diameters at the class's middle. */
export async function crownTable(): Promise<string> {
  const stems = await neonStems(), classes = [[3, 6], [6, 10], [10, 15], [15, 20], [20, 25], [25, 30], [30, 60]] as const;
  const rows = [true, false].flatMap((conifer) => classes.map(([from, to]) => {
    const crowns = stems.filter(({ genus, heightM }) => CONIFERS.has(genus) === conifer && heightM >= from && heightM < to).map(({ crownM }) => crownM);
    const middle = quantileOf(stems.filter(({ heightM }) => heightM >= from && heightM < to).map(({ heightM }) => heightM), 0.5);
    const window = (name: string): number => { const { window: w } = WINDOWS.find((each) => each.name === name)!; return Math.min(w.maxM, w.baseM + w.perHeight * middle); };
    if (crowns.length < 20) return [`${conifer ? 'conifer' : 'broadleaf'} ${from}-${to} m`, crowns.length, ...Array.from({ length: 7 }, () => null), middle, ...['2 + 0.05 h', '3 + 0.07 h'].map(window)];
    return [`${conifer ? 'conifer' : 'broadleaf'} ${from}-${to} m`, crowns.length, ...[0.05, 0.25, 0.5, 0.75, 0.95].map((q) => quantileOf(crowns, q)),
      100 * shareOf(crowns, (m) => m > 12), 100 * shareOf(crowns, (m) => m > 16), middle, ...['2 + 0.05 h', '3 + 0.07 h'].map(window)];
  }));
  return markdownTable(['NEON stems', 'stems', '5 %', '25 %', 'median', '75 %', '95 %', 'wider than 12 m, %', '16 m, %', 'median height', '2 + 0.05 h', '3 + 0.07 h'], rows, 1);
}

/** Stems stand up to 4 m from the top as it is seen, and were measured in other years than the cloud. */
const OSBS_LIMITS: MatchLimits = { distance: { baseM: 4, perHeight: 0, maxM: 4 }, height: { leastM: 5, perHeight: 0 } };

const CHMS: Setting[] = [{ chm: 'p2r' }, { chm: 'p2r', smooth: 'gaussian' }, {}, { smooth: 'mean' }, { smooth: 'median' }, { smooth: 'gaussian' }];
export const nameOf = ({ chm = 'pit-free', smooth = 'none' }: Setting): string => (smooth === 'none' ? chm : `${chm}, ${smooth}`);

/** The nine stems of OSBS_006: how many are found, and how many tops stand in the box round them. */
export async function osbsTables(): Promise<string> {
  const heights = heightsOf(await loadCloud('crowns/plots/OSBS_006.laz')), stems = (await neonStems()).filter(({ plot }) => plot === 'OSBS_006');
  const tops = WINDOWS.map(({ name, window }) => [name, ...CHMS.map((chm) => osbsTops(heights, stems, { ...chm, window }))]);
  const crowns = (['watershed', 'dalponte', 'silva'] as const).flatMap((method) => [4, 6, 8, 10].map((maxRadiusM) => [method, maxRadiusM, ...osbsCrowns(heights, stems, { crowns: method, maxRadiusM })]));
  return [
    markdownTable(['window', ...CHMS.map(nameOf)], tops),
    markdownTable(['crowns', 'R, m', 'matched', 'height: bias, m', 'diameter: bias, m', 'RMSE, m', 'baseline 2 + 0.12 h: bias, m', 'RMSE, m'], crowns),
  ].join('\n\n');
}

/** Stems found / tops of 5 m and more in the stems' box, grown by 2 m. */
function osbsTops(heights: Points, stems: readonly Stem[], setting: Setting): string {
  const { crowns } = runChain(heights, setting), pairs = matchTrees(crowns, stems, OSBS_LIMITS), [xs, ys] = [stems.map(({ xM }) => xM), stems.map(({ yM }) => yM)];
  const inBox = crowns.filter(({ xM, yM, heightM }) => heightM >= 5 && xM >= Math.min(...xs) - 2 && xM <= Math.max(...xs) + 2 && yM >= Math.min(...ys) - 2 && yM <= Math.max(...ys) + 2);
  return `${pairs.length} / ${inBox.length}`;
}

function osbsCrowns(heights: Points, stems: readonly Stem[], setting: Setting): number[] {
  const { crowns } = runChain(heights, setting), pairs = matchTrees(crowns, stems, OSBS_LIMITS);
  const errors = pairs.map(({ found, reference }) => 2 * Math.sqrt(crowns[found]!.areaM2 / Math.PI) - stems[reference]!.crownM);
  const baseline = pairs.map(({ found, reference }) => 2 + 0.12 * crowns[found]!.heightM - stems[reference]!.crownM);
  return [pairs.length, meanOf(pairs.map(({ heightErrorM }) => heightErrorM)), meanOf(errors), rmseOf(errors), meanOf(baseline), rmseOf(baseline)];
}

interface TropicalStem { xM: number; yM: number; dbhCm: number }

/** Nouragues, 1 m CHM: large stems with a top near, beside what tops moved elsewhere find by chance. */
export async function nouraguesTable(): Promise<string> {
  const raw = await nouraguesChm(), stems = await nouraguesStems(), large = stems.filter(({ dbhCm }) => dbhCm >= 40);
  const rows = [{ name: 'none', chm: raw }, { name: 'gaussian', chm: smoothGaussian(raw, { sigmaPx: 0.7, radiusPx: 1 }) }].flatMap(({ name, chm }) => WINDOWS.map(({ name: window, window: params }) => {
    const tops = findTreetops(chm, { minHeightM: 2, window: params }).map(({ col, row, heightM }) => ({ xM: xOfCol(chm.lattice, col), yM: yOfRow(chm.lattice, row), heightM }));
    const hit = (dx: number, dy: number): number => matchedShare(tops.map((t) => ({ ...t, xM: t.xM + dx, yM: t.yM + dy })), large);
    const chance = meanOf([[25, 0], [-25, 0], [0, 25], [0, -25], [18, 18], [-18, 18], [18, -18], [-18, -18]].map(([dx, dy]) => hit(dx!, dy!)));
    const perHa = (tops.length / chm.mask.reduce((sum, valid) => sum + valid, 0)) * 1e4;
    return [name, window, perHa, 100 * hit(0, 0), 100 * chance, 100 * (hit(0, 0) - chance)];
  }));
  const perHa = (least: number): string => (stems.filter(({ dbhCm }) => dbhCm >= least).length / 4).toFixed(0);
  return `Stems a hectare on the four plots: ${perHa(10)} of 10 cm and more, ${perHa(20)} of 20 cm, ${perHa(30)} of 30 cm, ${perHa(40)} of 40 cm.\n\n`
    + markdownTable(['smoothing', 'window', 'tops/ha', 'stems of 40 cm with a top within 4 m, %', 'by chance, %', 'difference'], rows, 1);
}

/** Heights of the stems are unknown: distance alone decides. */
const matchedShare = (tops: readonly TreePlace[], stems: readonly TropicalStem[]): number =>
  matchTrees(tops.map((top) => ({ ...top, heightM: 0 })), stems.map((stem) => ({ ...stem, heightM: 0 })), OSBS_LIMITS).length / stems.length;

async function nouraguesChm(): Promise<Raster> {
  const file = await openRaster(await openFile(dataPath('biomass/NouraguesRaster.tif'))), { width, height, affine } = file.header;
  const { data, mask } = await file.readWindow([0], { col: 0, row: 0, width, height });
  await file.close();
  return { lattice: { resM: 1, x0M: affine!.x0, y0M: affine!.y0 }, window: { col: 0, row: 0, width, height }, data: Float32Array.from(data[0]!), mask };
}

/** Stems in UTM: a plot's corners give its place; three corners make the map, the fourth is off by 0.2 m at most. */
async function nouraguesStems(): Promise<TropicalStem[]> {
  const corners = await records('biomass/NouraguesCoords.csv');
  return (await records('biomass/NouraguesTrees.csv')).flatMap((tree) => {
    const own = corners.filter((corner) => corner['Plot'] === tree['Plot']), x0 = Math.min(...own.map((c) => Number(c['Xfield']))), y0 = Math.min(...own.map((c) => Number(c['Yfield'])));
    const at = (dx: number, dy: number): [number, number] => {
      const corner = own.find((c) => Number(c['Xfield']) === x0 + dx && Number(c['Yfield']) === y0 + dy)!;
      return [Number(corner['Xutm']), Number(corner['Yutm'])];
    };
    const [o, right, up] = [at(0, 0), at(100, 0), at(0, 100)], fx = (Number(tree['Xfield']) - x0) / 100, fy = (Number(tree['Yfield']) - y0) / 100, dbhCm = Number(tree['D']);
    if (!Number.isFinite(fx + fy + dbhCm)) return [];
    return [{ xM: o[0] + fx * (right[0] - o[0]) + fy * (up[0] - o[0]), yM: o[1] + fx * (right[1] - o[1]) + fy * (up[1] - o[1]), dbhCm }];
  });
}
