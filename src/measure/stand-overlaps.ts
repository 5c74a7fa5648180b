// measure/stand-overlaps.ts: where stands of a layer overlap, by valid pixels. Pure.
import { bboxOf, pixelsInside, windowOfPolygons } from '../geo/polygon.ts';
import { boxesMeet } from '../geo/box.ts';
import { contains, indexIn } from '../geo/lattice.ts';
import type { Raster, Stand, Tile } from '../types.ts';
import { areaOfPixels, windowOfCore } from './window-of-core.ts';

/** The ground that two stands share in one tile; `standId` < `otherId`. */
export interface StandOverlap {
  standId: string;
  otherId: string;
  areaM2: number;
}

/**
 * Pairs of stands that share valid pixels of a tile's core, with the area of those whose centre lies in both: shares of tiles add up exactly, and say
 * nothing of which tiles there are.
 * Of three stands on one pixel each pair is told. Neighbours that share a border share no pixel.
 *
 * @param chm  of the core: its valid pixels are counted
 * @returns by standId, then otherId
 */
export function standOverlaps(tile: Tile, stands: readonly Stand[], { lattice, window: held, mask }: Raster): StandOverlap[] {
  const core = windowOfCore(lattice, tile.core), near = stands.filter(({ polygons }) => { const box = bboxOf(polygons); return box !== null && boxesMeet(box, tile.core); });
  if (near.length < 2) return [];
  const owners = new Array<number[] | undefined>(core.width * core.height), pairs = new Map<string, { standId: string; otherId: string; pixels: number }>();
  const first = new Int32Array(owners.length).fill(-1);
  near.forEach(({ polygons }, s) => {
    const window = windowOfPolygons(polygons, lattice, core), inside = pixelsInside(polygons, lattice, window);
    for (let i = 0; i < inside.length; i++) {
      if (!inside[i]) continue;
      const col = window.col + (i % window.width), row = window.row + Math.floor(i / window.width), at = indexIn(core, col, row);
      if (!contains(held, col, row) || !mask[indexIn(held, col, row)]) continue;
      if (first[at]! < 0) {
        first[at] = s;
        continue;
      }
      for (const other of [first[at]!, ...(owners[at] ?? [])]) count(pairs, near[other]!.standId, near[s]!.standId);
      owners[at] = [...(owners[at] ?? []), s];
    }
  });
  return [...pairs.values()].map(({ standId, otherId, pixels }) => ({ standId, otherId, areaM2: areaOfPixels(pixels, lattice) })).sort((a, b) => (a.standId < b.standId ? -1 : a.standId > b.standId ? 1 : a.otherId < b.otherId ? -1 : 1));
}

function count(pairs: Map<string, { standId: string; otherId: string; pixels: number }>, a: string, b: string): void {
  const [standId, otherId] = a < b ? [a, b] : [b, a], key = JSON.stringify([standId, otherId]), pair = pairs.get(key) ?? { standId, otherId, pixels: 0 };
  pair.pixels++;
  pairs.set(key, pair);
}
