// fuse/dead-crowns.ts: how much of each crown a map of dead wood covers. Pure.
import { bboxOf, pixelsInside } from '../geo/polygon.ts';
import { contains, indexIn, windowOfBox } from '../geo/lattice.ts';
import { toUnits } from '../geo/units.ts';
import type { Lattice, Polygon, Raster, TreeStatus } from '../types.ts';

export interface DeadOptions {
  /** a pixel of at least this probability is dead: `threshold` of the card or the job */
  threshold: number;
  /** a crown is dead from this share of its valid pixels on */
  deadShare?: number;
  /** below this valid share of its pixels nothing is said of a crown */
  leastValidShare?: number;
}

export interface CrownDeath {
  /** dead / valid pixels; null where the crown is not valid enough */
  deadFraction: number | null;
  /** valid / all pixels of the crown, 0 to 1 */
  validShare: number;
  /** dead from `deadShare` on, else alive; unknown where the crown is not valid enough */
  status: TreeStatus;
}

/** Distance around a core to read of the map, metres: crowns whose apex it holds reach `maxRadiusM`, half a pixel of the CHM and one of the map. */
export const deadHaloM = (maxRadiusM: number, chmResM: number, mapResM: number): number => maxRadiusM + chmResM + mapResM;

/**
 * The share of each crown that is dead in a map of probability on a lattice of its own.
 *
 * Pixels are those of the finer lattice of the two (the map's where they are equal): a pixel belongs to the crown whose outline holds
 * its centre (`locatePoint`'s rule), and has the value of the map's pixel that holds it. So neighbouring crowns share no pixel and nothing is interpolated.
 * A crown that holds no centre has no valid pixel.
 *
 * @param crowns      outlines of LiDAR crowns
 * @param chmLattice  of the canopy height model that the crowns lie on
 * @param dead        probability of dead; what is outside its window, or masked, is void
 */
export function deadFractions(crowns: readonly { polygon: Polygon }[], chmLattice: Lattice, dead: Raster, { threshold, deadShare = 0.5, leastValidShare = 0.5 }: DeadOptions): CrownDeath[] {
  const fine = toUnits(chmLattice.resM) < toUnits(dead.lattice.resM) ? chmLattice : dead.lattice;
  return crowns.map(({ polygon }) => {
    const { pixels, valid, deadPixels } = countsOf(polygon, fine, dead, threshold), validShare = pixels === 0 ? 0 : valid / pixels;
    if (valid === 0 || validShare < leastValidShare) return { deadFraction: null, validShare, status: 'unknown' };
    const deadFraction = deadPixels / valid;
    return { deadFraction, validShare, status: deadFraction >= deadShare ? 'dead' : 'alive' };
  });
}

function countsOf(polygon: Polygon, fine: Lattice, dead: Raster, threshold: number): { pixels: number; valid: number; deadPixels: number } {
  const counts = { pixels: 0, valid: 0, deadPixels: 0 }, box = bboxOf([polygon]);
  if (!box) return counts;
  const window = windowOfBox(fine, box), inside = pixelsInside([polygon], fine, window);
  const cols = indices(window.width, (i) => columnIn(dead.lattice, fine, window.col + i)), rows = indices(window.height, (i) => rowIn(dead.lattice, fine, window.row + i));
  for (let r = 0, i = 0; r < window.height; r++) {
    for (let c = 0; c < window.width; c++, i++) {
      if (!inside[i]) continue;
      counts.pixels++;
      if (!contains(dead.window, cols[c]!, rows[r]!)) continue;
      const at = indexIn(dead.window, cols[c]!, rows[r]!);
      if (!dead.mask[at]) continue;
      counts.valid++;
      if (dead.data[at]! >= threshold) counts.deadPixels++;
    }
  }
  return counts;
}

const indices = (length: number, of: (i: number) => number): Int32Array => Int32Array.from({ length }, (_, i) => of(i));

/** Column of `lattice` that holds the centre of a column of `from`, in half units so that it is exact. */
function columnIn(lattice: Lattice, from: Lattice, col: number): number {
  const twice = 2 * toUnits(from.x0M) + (2 * col + 1) * toUnits(from.resM);
  return Math.floor((twice - 2 * toUnits(lattice.x0M)) / (2 * toUnits(lattice.resM)));
}

/** Row of `lattice` that holds the centre of a row of `from`: a centre on an edge belongs to the northern pixel, whose lower edge it is. */
function rowIn(lattice: Lattice, from: Lattice, row: number): number {
  const twice = 2 * toUnits(from.y0M) - (2 * row + 1) * toUnits(from.resM);
  return -Math.floor((twice - 2 * toUnits(lattice.y0M)) / (2 * toUnits(lattice.resM))) - 1;
}
