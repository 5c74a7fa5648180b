// bench/defaults/surfaces.ts: canopy height models against the one that others made of the same points. IO.
import type { Raster } from '../../src/types.ts';
import { loadCloud, runChain } from './clouds.ts';
import type { Setting } from './clouds.ts';
import { movedOnTheirs, theirRaster } from './ground.ts';
import { differences, markdownTable } from './tables.ts';

const SETTINGS: [string, Setting][] = [
  ['p2r', { chm: 'p2r' }], ['p2r, circle 0.2 m', { chm: 'p2r, circle 0.2 m' }], ['p2r, pits filled', { chm: 'p2r', pitFill: true }], ['p2r, median', { chm: 'p2r', smooth: 'median' }],
  ['pit-free', {}], ['pit-free, edges to 1.5 m', { maxEdgeM: 1.5 }], ['pit-free, edges to 2 m', { maxEdgeM: 2 }], ['pit-free, pits filled', { pitFill: true }], ['pit-free, mean', { smooth: 'mean' }], ['pit-free, median', { smooth: 'median' }], ['pit-free, gaussian', { smooth: 'gaussian' }],
];

/** Ours of 1 m on their pixels, for all of them and for those where theirs is 2 m or higher. */
export async function surfaceTable(): Promise<string> {
  const points = movedOnTheirs(await loadCloud('lidar/pycrown/POINTS.laz')), theirs = await theirRaster('CHM');
  const rows = SETTINGS.map(([name, setting]) => {
    const { chm } = runChain(points, { ...setting, resolutionM: 1 });
    return [name, ...differences(errorsAt(chm, theirs, 0)), ...differences(errorsAt(chm, theirs, 2)), voidShare(chm, theirs)];
  });
  const figures = ['median abs. difference, m', 'RMSE, m', 'bias, m', 'within 0.5 m'];
  return markdownTable(['CHM of 1 m', ...figures, ...figures.map((figure) => `canopy: ${figure}`), 'void, %'], rows);
}

function* pixelPairs(ours: Raster, theirs: Raster): Generator<{ height: number; other: number; valid: boolean }> {
  const { window } = theirs;
  for (let i = 0; i < theirs.data.length; i++) {
    if (!theirs.mask[i]) continue;
    const col = window.col + (i % window.width) - ours.window.col, row = window.row + Math.floor(i / window.width) - ours.window.row, j = row * ours.window.width + col;
    yield { height: ours.data[j]!, other: theirs.data[i]!, valid: ours.mask[j] === 1 };
  }
}

const errorsAt = (ours: Raster, theirs: Raster, leastM: number): number[] => {
  const errors: number[] = [];
  for (const { height, other, valid } of pixelPairs(ours, theirs)) if (valid && other >= leastM) errors.push(height - other);
  return errors;
};

function voidShare(ours: Raster, theirs: Raster): number {
  const pixels = [...pixelPairs(ours, theirs)];
  return (100 * pixels.filter(({ valid }) => !valid).length) / pixels.length;
}
