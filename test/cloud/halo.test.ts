// Every cloud kernel gives the same values with its stated halo as with the whole survey, and other values with less.
import { describe, expect, test } from 'vitest';
import { canopyModel, chmHaloM } from '../../src/cloud/chm.ts';
import type { ChmParams } from '../../src/cloud/chm.ts';
import { dtmHaloM, groundModel } from '../../src/cloud/dtm.ts';
import { PMF_DEFAULTS, SMRF_DEFAULTS, classifyGround, groundHaloM } from '../../src/cloud/ground.ts';
import type { GroundParams } from '../../src/cloud/ground.ts';
import { groundSurface, groundSurfaceHaloM } from '../../src/cloud/ground-surface.ts';
import { cellMetrics } from '../../src/cloud/metrics.ts';
import { noiseHaloM, noisePoints } from '../../src/cloud/noise.ts';
import type { NoiseParams } from '../../src/cloud/noise.ts';
import { heightsAboveGround } from '../../src/cloud/normalise.ts';
import { anchoredLattice, windowOfBox } from '../../src/geo/lattice.ts';
import type { Box, Points, Raster } from '../../src/types.ts';
import { changedValues, hardInputs, perPoint } from './fixtures.ts';
import type { Kernel } from './fixtures.ts';

const inputs = Object.entries(hardInputs());
const surface = { maxCircumradiusM: 4, fillRadiusM: 5, fillNeighbours: 3 };
const filtered = { ...surface, maxCircumradiusM: 2, fillRadiusM: 4 };

const raster = (f: (p: Points, box: Box) => Raster): Kernel => (p, box) => {
  const { data, mask } = f(p, box);
  return [...data, ...mask];
};
/** Heights on the scale of a forest, the last metres below ground: what the canopy model gets. */
const asHeights = (p: Points): Points => ({ ...p, z: p.z.map((z) => z - 302e5) });

const noise = (params: NoiseParams) => ({ kernel: perPoint((p) => noisePoints(p, params)), haloM: noiseHaloM(params) });
const ground = (params: GroundParams) => ({ kernel: perPoint((p) => classifyGround(p, params)), haloM: groundHaloM(params) });
const chm = (params: ChmParams) => ({
  kernel: raster((p, box) => canopyModel(asHeights(p), windowOfBox(anchoredLattice(params.resolutionM), box), params)),
  haloM: chmHaloM(params),
});
const pitFree = { method: 'pit-free', resolutionM: 0.5, maxEdgeM: 1.5, maxCircumradiusM: 3, thresholdsM: [0, 2, 5, 10, 15] } as const;

const stages: Record<string, { kernel: Kernel; haloM: number; lessM: number }> = {
  'noise by voxels': { ...noise({ method: 'voxels', sizeM: 2, minPoints: 6 }), lessM: 0.5 },
  'noise by distance': { ...noise({ method: 'knn', k: 4, maxDistanceM: 2, searchM: 3 }), lessM: 1 },
  'ground by SMRF, discs': { ...ground({ ...SMRF_DEFAULTS, ...filtered, windowM: 4, windowShape: 'disc' }), lessM: 3 },
  'ground by SMRF, squares': { ...ground({ ...SMRF_DEFAULTS, ...filtered, windowM: 4, windowShape: 'square' }), lessM: 3 },
  'ground by PMF': { ...ground({ ...PMF_DEFAULTS, maxWindowCells: 9 }), lessM: 2 },
  'terrain model': {
    kernel: raster((p, box) => groundModel(p, windowOfBox(anchoredLattice(1), box), { ...surface, resolutionM: 1 })), haloM: dtmHaloM(surface), lessM: 2,
  },
  'heights above ground': {
    kernel: perPoint((p) => heightsAboveGround(p, groundSurface(p, p.returnNumber.map((r) => (r === 1 ? 1 : 0)), surface)).z),
    haloM: groundSurfaceHaloM(surface), lessM: 0.5,
  },
  'canopy by highest returns': { ...chm({ method: 'p2r', resolutionM: 0.5, subCircleM: 0.3 }), lessM: 0 },
  'canopy pit-free, thinned': { ...chm(pitFree), lessM: 1 },
  'canopy pit-free, all first returns': { ...chm({ ...pitFree, thinM: 0 }), lessM: 1 },
};

describe.each(Object.entries(stages))('%s', (_, { kernel, haloM, lessM }) => {
  test.each(inputs)('is the same with its halo as with the whole survey, in any order: %s', (_name, points) => {
    expect(changedValues(points, kernel, haloM)).toBe(0);
  });
  test('changes somewhere with less than its halo', () => {
    const changed = inputs.map(([, points]) => changedValues(points, kernel, lessM));
    expect(Math.max(...changed)).toBeGreaterThan(0);
  });
});

test.each(inputs)('cell metrics need no halo and no order: %s', (_name, points) => {
  const kernel: Kernel = (p, box) =>
    cellMetrics(asHeights(p), windowOfBox(anchoredLattice(4), box), { cellSizeM: 4 }).flatMap((cell) => Object.values(cell.values).map((v) => v ?? NaN));
  expect(changedValues(points, kernel, 0)).toBe(0);
});
