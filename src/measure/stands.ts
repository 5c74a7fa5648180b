// measure/stands.ts: a tile's share of each stand, and which trees stand in it. Pure.
import { boxesMeet, holdsPoint } from '../geo/box.ts';
import { formatDecimal } from '../geo/decimal.ts';
import { indexIn, intersectWindows } from '../geo/lattice.ts';
import { bboxOf, locatePoint, pixelsInside, windowOfPolygons } from '../geo/polygon.ts';
import { pixelShares } from '../geo/polygon-shares.ts';
import type { Box, MultiPolygon, PixelArray, Raster, Stand, StandPart, Tile, Window } from '../types.ts';
import { areaOfPixels, windowOfCore } from './window-of-core.ts';

/** Valid CHM pixels at or above this are canopy. */
export const CANOPY_M = 2;

/** A map of a model. */
export interface ModelMap {
  /** the model's name */
  source: string;
  /** stems and agb_kg (per pixel) add up in stands; dead is the area of dead crowns; others are told by cell only */
  variable: string;
  /** sum: pixels add up; share: not 0 counts as covered; mean: averaged by area */
  kind: 'sum' | 'share' | 'mean';
  raster: Raster<PixelArray>;
  /** standard deviation of each pixel, on the same pixels; only of `mean` and `sum` */
  sd?: Raster<PixelArray> | null;
}

export interface ShareInputs {
  /** `crowns`: not 0 where a crown is, any window of the CHM's lattice; null where crowns are not drawn */
  canopy: { source: string; chm: Raster; crowns: { window: Window; data: PixelArray } | null } | null;
  models: readonly ModelMap[];
  /** the tile's own trees: apex in its core */
  trees: readonly { treeId: string; xM: number; yM: number }[];
}

/** A share with the area of all its pixels, valid or not: it shows which tiles there are, so it says how large voids are and is not stored. */
export type Part = Omit<StandPart, 'standId'> & { areaM2: number };

export interface StandShares {
  /** in the stands' order, then canopy, then models by name; none where the tile holds nothing of the stand */
  standParts: (Part & { standId: string })[];
  treeStands: { standId: string; treeId: string }[];
  /** the whole core, every pixel once: adds up to the survey */
  surveyParts: Part[];
}

/**
 * What a tile adds to each stand: areas by pixel centre within its core, sums with pixels cut at the stand's border.
 *
 * A pixel belongs to the tile whose core holds its centre, on its own lattice; one that a raster does not cover is a void.
 * Areas are whole pixels and sums are decimals, so that the shares of the tiles add up to the same bits whatever the tiling.
 * Rasters may reach beyond the core.
 */
export function standShares(tile: Tile, stands: readonly Stand[], inputs: ShareInputs): StandShares {
  const standParts: StandShares['standParts'] = [], treeStands: StandShares['treeStands'] = [];
  for (const { standId, polygons } of stands) {
    const box = bboxOf(polygons);
    if (box === null || !boxesMeet(growByPixel(box, inputs), tile.core)) continue;
    for (const part of partsOf(tile, polygons, inputs)) if (part.areaM2 > 0 || part.stems !== null || part.agbKg !== null || part.volumeM3 !== null) standParts.push({ standId, ...part });
    for (const { treeId, xM, yM } of inputs.trees) {
      if (holdsPoint(box, xM, yM) && locatePoint(xM, yM, polygons)) treeStands.push({ standId, treeId });
    }
  }
  return { standParts, treeStands, surveyParts: partsOf(tile, null, inputs) };
}

/** A pixel whose centre lies in the core may reach into a stand that does not meet the core. */
function growByPixel(box: Box, { models }: ShareInputs): Box {
  const m = Math.max(0, ...models.map(({ raster }) => raster.lattice.resM));
  return { x0: box.x0 - m, y0: box.y0 - m, x1: box.x1 + m, y1: box.y1 + m };
}

/** Parts of one stand, or of the whole core where `polygons` is null. */
function partsOf(tile: Tile, polygons: MultiPolygon | null, { canopy, models }: ShareInputs): Part[] {
  const parts = new Map<string, Part>();
  if (canopy) parts.set(canopy.source, { ...emptyPart(canopy.source), ...canopyAreas(tile, polygons, canopy) });
  for (const map of models.toSorted((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : a.variable < b.variable ? -1 : 1))) {
    const part = parts.get(map.source) ?? emptyPart(map.source);
    parts.set(map.source, { ...part, ...mapShares(tile, polygons, map) });
  }
  return [...parts.values()];
}

const emptyPart = (source: string): Part => ({ source, areaM2: 0, validM2: 0, canopyM2: null, crownM2: null, deadM2: null, stems: null, agbKg: null, agbSdKg: null, volumeM3: null, volumeSdM3: null, sdVoidM2: null });

/** The stand's pixels by centre that the tile owns: a window and 1 or 0 a pixel. */
function ownPixels(tile: Tile, polygons: MultiPolygon | null, { lattice }: Raster<PixelArray>): { window: Window; inside: Uint8Array } {
  const core = windowOfCore(lattice, tile.core);
  const window = polygons === null ? core : windowOfPolygons(polygons, lattice, core);
  return { window, inside: polygons === null ? new Uint8Array(window.width * window.height).fill(1) : pixelsInside(polygons, lattice, window) };
}

const hasPixels = (window: Window): boolean => window.width > 0 && window.height > 0;

function canopyAreas(tile: Tile, polygons: MultiPolygon | null, { chm, crowns }: NonNullable<ShareInputs['canopy']>): Partial<Part> {
  const { window, inside } = ownPixels(tile, polygons, chm);
  let area = 0, valid = 0, canopy = 0, crown = 0;
  for (let i = 0; i < inside.length; i++) area += inside[i]!;
  const common = intersectWindows(window, chm.window), drawn = crowns ? intersectWindows(common, crowns.window) : null;
  for (let row = common.row; hasPixels(common) && row < common.row + common.height; row++) {
    const at = indexIn(window, common.col, row), from = indexIn(chm.window, common.col, row);
    for (let c = 0; c < common.width; c++) {
      if (!inside[at + c] || !chm.mask[from + c]) continue; // a void is neither canopy nor gap
      valid++;
      if (chm.data[from + c]! >= CANOPY_M) canopy++;
    }
  }
  for (let row = drawn?.row ?? 0; drawn && hasPixels(drawn) && row < drawn.row + drawn.height; row++) {
    const at = indexIn(window, drawn.col, row), from = indexIn(chm.window, drawn.col, row), label = indexIn(crowns!.window, drawn.col, row);
    for (let c = 0; c < drawn.width; c++) if (inside[at + c] && chm.mask[from + c] && crowns!.data[label + c]) crown++;
  }
  const m2 = (count: number): number => areaOfPixels(count, chm.lattice);
  return { areaM2: m2(area), validM2: m2(valid), canopyM2: m2(canopy), crownM2: crowns ? m2(crown) : null };
}

function mapShares(tile: Tile, polygons: MultiPolygon | null, { variable, kind, raster, sd }: ModelMap): Partial<Part> {
  const { window, inside } = ownPixels(tile, polygons, raster);
  let area = 0, valid = 0, dead = 0;
  for (let i = 0; i < inside.length; i++) area += inside[i]!;
  const common = intersectWindows(window, raster.window);
  for (let row = common.row; hasPixels(common) && row < common.row + common.height; row++) {
    const at = indexIn(window, common.col, row), from = indexIn(raster.window, common.col, row);
    for (let c = 0; c < common.width; c++) {
      if (!inside[at + c] || !raster.mask[from + c]) continue;
      valid++;
      if (raster.data[from + c]) dead++;
    }
  }
  const areas = { areaM2: areaOfPixels(area, raster.lattice), validM2: areaOfPixels(valid, raster.lattice) };
  if (kind === 'share') return variable === 'dead' ? { ...areas, deadM2: areaOfPixels(dead, raster.lattice) } : areas;
  if (kind === 'mean') return areas;
  const total = cutSum(tile, polygons, raster);
  if (variable === 'stems') return { ...areas, stems: total };
  const spread = sd ? cutSum(tile, polygons, sd) : null, sdVoidM2 = sd ? areaOfPixels(valid - validOf(sd, window, inside), raster.lattice) : null;
  if (variable === 'agb_kg') return { ...areas, agbKg: total, agbSdKg: spread, sdVoidM2 };
  return variable === 'volume_m3' ? { ...areas, volumeM3: total, volumeSdM3: spread, sdVoidM2 } : areas;
}

/** Valid pixels of a raster among those that are inside. */
function validOf({ window: held, mask }: Raster<PixelArray>, window: Window, inside: Uint8Array): number {
  const common = intersectWindows(window, held);
  let valid = 0;
  for (let row = common.row; hasPixels(common) && row < common.row + common.height; row++) {
    const at = indexIn(window, common.col, row), from = indexIn(held, common.col, row);
    for (let c = 0; c < common.width; c++) if (inside[at + c] && mask[from + c]) valid++;
  }
  return valid;
}

/** A double holds whole numbers exactly up to 2^53. */
const FULL = 2 ** 52;

/**
 * Sum of value x share over the pixels that the tile owns, as decimal text; null where no valid pixel is touched.
 * Each pixel's part is rounded to 1e-9 before it is added.
 */
function cutSum(tile: Tile, polygons: MultiPolygon | null, raster: Raster<PixelArray>): string | null {
  const window = intersectWindows(windowOfCore(raster.lattice, tile.core), raster.window);
  if (!hasPixels(window)) return null;
  const shares = polygons === null ? null : pixelShares(polygons, raster.lattice, window);
  const count = shares ? shares.index.length : window.width * window.height;
  let total = 0n, sum = 0, touched = false;
  for (let k = 0; k < count; k++) {
    const i = shares ? shares.index[k]! : k;
    const from = indexIn(raster.window, window.col, window.row + Math.floor(i / window.width)) + (i % window.width);
    if (!raster.mask[from]) continue;
    const billionths = Math.round(raster.data[from]! * (shares ? shares.share[k]! : 1) * 1e9);
    touched = true;
    if (Math.abs(sum) > FULL || Math.abs(billionths) > FULL) {
      total += BigInt(sum);
      sum = 0;
      if (Math.abs(billionths) > FULL) {
        total += BigInt(billionths);
        continue;
      }
    }
    sum += billionths;
  }
  return touched ? formatDecimal(total + BigInt(sum)) : null;
}
