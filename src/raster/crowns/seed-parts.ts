// raster/crowns/seed-parts.ts: keep of each crown the part that hangs together with its top. Pure.
import type { Surface } from '../surface.ts';

/**
 * Keep the pixels of each crown that are 4-connected to its seed through pixels of the same crown.
 *
 * @param owner  labels over the surface, margin (at least 1 px) included: i + 1 = the crown of seeds[i]; no label in the margin. Overwritten on the way
 * @param seeds  index of each top in the surface
 * @returns labels over the surface's window, 0 = none
 */
export function keepSeedParts(owner: Int32Array, seeds: Int32Array, { stride, pad, window }: Surface): Int32Array {
  const { width, height } = window, queue = new Int32Array(width * height), north = -stride;
  let tail = 0;
  const take = (i: number, label: number): void => {
    if (owner[i] !== label) return;
    owner[i] = -label; // kept, and nobody asks for it again
    queue[tail++] = i;
  };
  for (let s = 0, head = 0; s < seeds.length; s++) {
    const label = s + 1;
    take(seeds[s]!, label);
    for (; head < tail; head++) {
      const i = queue[head]!;
      take(i + north, label);
      take(i - 1, label);
      take(i + 1, label);
      take(i + stride, label);
    }
  }
  const kept = new Int32Array(width * height);
  for (let row = 0, i = 0; row < height; row++) {
    for (let j = (row + pad) * stride + pad, end = j + width; j < end; j++, i++) if (owner[j]! < 0) kept[i] = -owner[j]!;
  }
  return kept;
}
