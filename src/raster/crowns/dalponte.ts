// raster/crowns/dalponte.ts: Dalponte & Coomes 2016, every seed grown by itself. Pure.
import type { Raster, Treetop } from '../../types.ts';
import type { Surface } from '../surface.ts';
import { surfaceIndex, surfaceOf } from '../surface.ts';
import type { CrownMethod, CrownParams } from './params.ts';
import { checkCrownParams } from './params.ts';
import { keepSeedParts } from './seed-parts.ts';

/**
 * Crowns by region growing from the treetops.
 *
 * A 4-neighbour of the crown joins if z > minHeightM, z > thSeed x seed height, z > thCrown x mean of the crown,
 * z <= maxSeedShare x seed height and |dx|, |dy| < R; passes go on until nothing joins.
 *
 * Departs from the paper and from its usual implementations, in which the result depends on the scan order: each seed grows
 * alone, as if the others were not there; the mean is taken once a pass; a pixel goes to the seed that reached it in the
 * earliest pass (ties: the nearer, the higher, the earlier in row, col); of each crown the part 4-connected to its seed is kept.
 * R is in metres; there is no rule for the raster's outermost rows.
 *
 * Halo of a top's crown: max(3R, 2R + w), w the largest window radius. Proof: its pixels lie in the box of R round the top; the
 * rivals for such a pixel lie within R of it, so within 2R of the top; a rival's growth reads its own box of R (3R), and
 * whether a pixel is a rival at all depends on its window (2R + w).
 *
 * @see Dalponte & Coomes 2016, doi:10.1111/2041-210X.12575
 */
export const dalponte: CrownMethod = {
  grow: growDalponte,
  haloM: ({ maxRadiusM, window }) => Math.max(3 * maxRadiusM, 2 * maxRadiusM + window.maxM / 2),
};

function growDalponte(chm: Raster, tops: readonly Treetop[], params: CrownParams): Int32Array {
  checkCrownParams(params);
  const reach = Math.max(0, Math.ceil(params.maxRadiusM / chm.lattice.resM - 1e-9) - 1); // |dx| < R
  const surface = surfaceOf(chm, reach + 1, -Infinity), { z, stride } = surface;
  const owner = new Int32Array(z.length), pass = new Int32Array(z.length).fill(0x7fffffff);
  const seeds = Int32Array.from(tops, ({ col, row }) => surfaceIndex(surface, col, row));
  const distance2 = (a: number, b: number): number =>
    (((a / stride) | 0) - ((b / stride) | 0)) ** 2 + ((a % stride) - (b % stride)) ** 2;
  const beats = (a: number, b: number, i: number): boolean =>
    (distance2(a, i) - distance2(b, i) || z[b]! - z[a]! || a - b) < 0;
  const grow = grower(surface, reach, params);
  for (let t = 0; t < tops.length; t++) {
    const seed = seeds[t]!;
    if (z[seed] === -Infinity) continue;
    grow(seed, tops[t]!.heightM, (i, at) => {
      if (at > pass[i]! || (at === pass[i]! && !beats(seed, seeds[owner[i]! - 1]!, i))) return;
      pass[i] = at;
      owner[i] = t + 1;
    });
  }
  return keepSeedParts(owner, seeds, surface);
}

type Claim = (i: number, pass: number) => void;

/** Grow one seed alone; `claim` is told every pixel with the pass in which it joined, the seed in pass 0. */
function grower({ z, stride }: Surface, reach: number, params: CrownParams): (seed: number, heightM: number, claim: Claim) => void {
  const { minHeightM, thSeed = 0.45, thCrown = 0.55, maxSeedShare = 1.05 } = params;
  const seen = new Int32Array(z.length), steps = [-stride, -1, 1, stride], box = (2 * reach + 1) ** 2;
  let waiting = new Int32Array(box), later = new Int32Array(box), stamp = 0;
  return (seed, heightM, claim) => {
    const least = Math.max(minHeightM, thSeed * heightM), most = maxSeedShare * heightM;
    const row0 = Math.floor(seed / stride), col0 = seed % stride;
    let count = 0, sum = z[seed]!, pixels = 1, kept = 0;
    const offer = (from: number): void => {
      for (let k = 0; k < 4; k++) {
        const j = from + steps[k]!, jRow = (j / stride) | 0, row = jRow - row0, col = j - jRow * stride - col0;
        if (seen[j] === stamp || row > reach || row < -reach || col > reach || col < -reach) continue;
        seen[j] = stamp;
        if (z[j]! > least && z[j]! <= most) later[kept++] = j;
      }
    };
    seen[seed] = ++stamp;
    claim(seed, 0);
    offer(seed);
    for (let pass = 1; ; pass++) {
      [waiting, later] = [later, waiting];
      count = kept;
      kept = 0;
      const limit = (thCrown * sum) / pixels, before = pixels; // the mean of this pass
      for (let w = 0; w < count; w++) {
        const i = waiting[w]!;
        if (z[i]! > limit) {
          sum += z[i]!;
          pixels++;
          claim(i, pass);
          offer(i);
        } else later[kept++] = i; // the mean may come down to it
      }
      if (pixels === before) return;
    }
  };
}
