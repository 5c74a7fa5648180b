// raster/crowns/seed-parts.ts: keep of each crown the part that hangs together with its top. Pure.
import type { Surface } from '../surface.ts';

/**
 * Keep the pixels of each crown that are 4-connected to its seed through pixels of the same crown.
 *
 * @param owner  labels over the surface, margin (at least 1 px) included: i + 1 = the crown of seeds[i]; no label in the margin. Emptied on the way
 * @param seeds  index of each top in the surface
 * @returns labels over the surface's window, 0 = none
 */
export function keepSeedParts(owner: Int32Array, seeds: Int32Array, { stride, pad, window }: Surface): Int32Array {
  const { width, height } = window, kept = new Int32Array(width * height), queue = new Int32Array(width * height);
  const steps = [-stride, -1, 1, stride];
  const toKept = (i: number): number => (Math.floor(i / stride) - pad) * width + (i % stride) - pad;
  for (let s = 0; s < seeds.length; s++) {
    const label = s + 1, seed = seeds[s]!;
    if (owner[seed] !== label) continue;
    let head = 0, tail = 0;
    queue[tail++] = seed;
    kept[toKept(seed)] = label;
    owner[seed] = 0; // taken: nobody asks for it again
    while (head < tail) {
      const i = queue[head++]!;
      for (let k = 0; k < 4; k++) {
        const j = i + steps[k]!;
        if (owner[j] !== label) continue;
        owner[j] = 0;
        kept[toKept(j)] = label;
        queue[tail++] = j;
      }
    }
  }
  return kept;
}
