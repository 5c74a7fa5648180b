// make/places.ts: is a place in a ring, an opening, a box; which trees stand near. Pure.
import type { LocalRing, Recipe } from './recipe.ts';

/** Even-odd rule; the ring need not be closed. */
export function inRing(ring: LocalRing, x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i]!, [xj, yj] = ring[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** True when a place lies in an opening grown by `marginM`. */
export const inOpening = (recipe: Recipe, x: number, y: number, marginM: number): boolean =>
  recipe.openings.some(({ x: cx, y: cy, halfEastM, halfNorthM }) => {
    const u = (x - cx) / (halfEastM + marginM), v = (y - cy) / (halfNorthM + marginM);
    return u * u + v * v < 1;
  });

export const inVoid = (recipe: Recipe, x: number, y: number): boolean =>
  recipe.voids.some(([x0, y0, x1, y1]) => x >= x0 && x < x1 && y >= y0 && y < y1);

/** Things by place in square bins, to ask for neighbours without comparing all with all. */
export class Neighbours<T extends { x: number; y: number }> {
  readonly #binM: number;
  readonly #bins = new Map<string, T[]>();

  constructor(binM: number, items: T[] = []) {
    this.#binM = binM;
    for (const item of items) this.add(item);
  }

  add(item: T): void {
    const key = `${Math.floor(item.x / this.#binM)},${Math.floor(item.y / this.#binM)}`;
    const bin = this.#bins.get(key);
    if (bin) bin.push(item);
    else this.#bins.set(key, [item]);
  }

  /** Everything within a bin's size of a place, and some things a little farther. */
  near(x: number, y: number): T[] {
    const col = Math.floor(x / this.#binM), row = Math.floor(y / this.#binM), found: T[] = [];
    for (let c = col - 1; c <= col + 1; c++) {
      for (let r = row - 1; r <= row + 1; r++) found.push(...(this.#bins.get(`${c},${r}`) ?? []));
    }
    return found;
  }
}
