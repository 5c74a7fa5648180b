// The chain on a real cloud: the same with its halo as whole. Skips where the shared data are not at hand.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { lidarFolder, loadPoints } from '../../bench/cloud-points.ts';
import { canopyModel, chmHaloM } from '../../src/cloud/chm.ts';
import { dtmHaloM, groundModel } from '../../src/cloud/dtm.ts';
import { SMRF_DEFAULTS, classifyGround, groundHaloM } from '../../src/cloud/ground.ts';
import { groundSurface } from '../../src/cloud/ground-surface.ts';
import { boundsOf } from '../../src/cloud/grid-index.ts';
import { heightsAboveGround, withHeights } from '../../src/cloud/normalise.ts';
import { anchoredLattice, windowOfBox } from '../../src/geo/lattice.ts';
import type { Box, Points } from '../../src/types.ts';
import { choose, near, perPoint, shuffled } from './fixtures.ts';

const folder = lidarFolder();
const surface = { maxCircumradiusM: 10, fillRadiusM: 20, fillNeighbours: 3 };
const chm = { method: 'pit-free', resolutionM: 0.5, maxEdgeM: 1, maxCircumradiusM: 3, thresholdsM: [0, 2, 5, 10, 15] } as const;

/** Classified ground, heights and canopy; halos added along the chain: 20 + 6.5 m. */
function canopy(p: Points, box: Box): ArrayLike<number> {
  const heights = heightsAboveGround(p, groundSurface(p, classifyGround(p, { method: 'classified' }), surface));
  const { data, mask } = canopyModel(withHeights(p, heights), windowOfBox(anchoredLattice(0.5), box), chm);
  return [...data, ...mask];
}
function terrain(p: Points, box: Box): ArrayLike<number> {
  const isGround = classifyGround(p, { method: 'classified' });
  const ids = Array.from(isGround.keys()).filter((i) => isGround[i] === 1);
  const { data, mask } = groundModel(choose(p, ids), windowOfBox(anchoredLattice(1), box), { ...surface, resolutionM: 1 });
  return [...data, ...mask];
}

test.skipIf(folder === null)('bcts: terrain, canopy and SMRF ground of a core are the same from its halo as from more (skips without ../shared/data)', async () => {
  const all = await loadPoints([fileURLToPath(new URL('bcts_1.laz', folder!))]);
  const { minX, minY } = boundsOf(all.x, all.y)!;
  const x0 = Math.floor(minX / 1e5) + 80, y0 = Math.floor(minY / 1e5) + 80, core = { x0, y0, x1: x0 + 30, y1: y0 + 30 };
  const p = near(all, core, 75); // all that the widest halo below could ask for, and more
  const smrf = { ...SMRF_DEFAULTS, windowM: 8 };
  const stages = [
    { name: 'terrain', kernel: terrain, haloM: dtmHaloM(surface) },
    { name: 'canopy', kernel: canopy, haloM: dtmHaloM(surface) + chmHaloM(chm) },
    { name: 'SMRF', kernel: perPoint((q) => classifyGround(q, smrf)), haloM: groundHaloM(smrf) },
  ];
  for (const { name, kernel, haloM } of stages) {
    const whole = kernel(p, core);
    const changes = (halo: number) => { const part = kernel(shuffled(near(p, core, halo), 3), core); return Array.from(whole).filter((v, i) => !Object.is(v, part[i])).length; };
    expect(changes(haloM), name).toBe(0);
    expect(changes(0.5), name).toBeGreaterThan(0);
  }
});
