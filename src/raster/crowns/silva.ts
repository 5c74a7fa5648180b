// raster/crowns/silva.ts: Silva et al. 2016: nearest treetop, cut by height and radius. Pure.
import type { Raster, Treetop } from '../../types.ts';
import { discOf, radius2PxOf, reachPx, surfaceIndex, surfaceOf } from '../surface.ts';
import type { CrownMethod, CrownParams } from './params.ts';
import { checkCrownParams } from './params.ts';
import { keepSeedParts } from './seed-parts.ts';

/**
 * Crowns as the pixels nearest to a treetop that are high and near enough.
 *
 * A pixel's region is that of its nearest top within R (ties: the higher, the earlier in row, col). hmax is the highest pixel of
 * a region; a pixel is crown if z >= exclusion x hmax and its distance to the top <= min(radiusPerHeight x hmax, R).
 *
 * Departs from the paper: regions end at R, so that a crown depends on no farther top; pixels lower than minHeightM are no
 * crown; the part 4-connected to the top is kept, so that a crown is one polygon. As in the usual implementation the factor limits the radius, not the diameter.
 *
 * Halo of a top's crown: 2R + w, w the largest window radius. Proof: its region, hmax included, lies within R of the top; the rivals for
 * a pixel lie within R of it (2R), and whether a pixel is a rival depends on its window (w).
 *
 * @see Silva et al. 2016, doi:10.1080/07038992.2016.1196582
 */
export const silva: CrownMethod = {
  grow: growSilva,
  haloM: ({ maxRadiusM, window }) => 2 * maxRadiusM + window.maxM / 2,
};

function growSilva(chm: Raster, tops: readonly Treetop[], params: CrownParams): Int32Array {
  checkCrownParams(params);
  const { resM } = chm.lattice, { minHeightM, maxRadiusM, exclusion = 0.3, radiusPerHeight = 0.6 } = params;
  const most2 = radius2PxOf(maxRadiusM, resM), surface = surfaceOf(chm, Math.max(1, reachPx(most2)), -Infinity), { z } = surface;
  const { d2, delta } = discOf(most2, surface.stride), seeds = Int32Array.from(tops, ({ col, row }) => surfaceIndex(surface, col, row));
  const owner = new Int32Array(z.length), near2 = new Int32Array(z.length).fill(0x7fffffff);
  const beats = (a: number, b: number): boolean => z[a]! > z[b]! || (z[a] === z[b] && a < b);
  seeds.forEach((seed, t) => {
    if (z[seed] === -Infinity) return;
    owner[seed] = t + 1;
    near2[seed] = 0;
    for (let j = 0; j < delta.length; j++) {
      const i = seed + delta[j]!, far = d2[j]!;
      if (z[i] === -Infinity || far > near2[i]! || (far === near2[i]! && !beats(seed, seeds[owner[i]! - 1]!))) continue;
      owner[i] = t + 1;
      near2[i] = far;
    }
  });
  const highest = new Float64Array(tops.length).fill(-Infinity);
  for (let i = 0; i < z.length; i++) {
    const t = owner[i]! - 1;
    if (t >= 0 && z[i]! > highest[t]!) highest[t] = z[i]!;
  }
  const reach2 = Float64Array.from(highest, (h) => radius2PxOf(Math.min(radiusPerHeight * h, maxRadiusM), resM));
  for (let i = 0; i < z.length; i++) {
    const t = owner[i]! - 1;
    if (t < 0 || i === seeds[t]) continue;
    if (z[i]! < exclusion * highest[t]! || !(z[i]! >= minHeightM) || near2[i]! > reach2[t]!) owner[i] = 0;
  }
  return keepSeedParts(owner, seeds, surface);
}
