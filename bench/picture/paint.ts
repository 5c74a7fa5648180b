// bench/picture/paint.ts: rasters as pixels of colour: heights by viridis under a light from the north-west, orthos as they are. Pure.
import type { RasterAffine } from '../../src/ingest/geotiff-reader.ts';
import type { Box, PixelArray } from '../../src/types.ts';

/** A whole raster file. */
export interface Grid {
  width: number;
  height: number;
  bands: PixelArray[];
  mask: Uint8Array;
  affine: RasterAffine;
}

/** A picture of the box at the raster's own resolution, RGB. */
export interface Painted {
  rgb: Uint8Array;
  width: number;
  height: number;
  /** height of the brightest colour, metres; 0 without a scale */
  topM: number;
}

export interface Panel extends Painted {
  title: string;
  /** draw crowns and treetops on it */
  trees?: boolean;
}

type Colour = readonly [number, number, number];

/** Nine steps of matplotlib's viridis (CC0). */
const VIRIDIS: readonly Colour[] = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];
const VOID: Colour = [232, 232, 232];

export function viridis(share: number): Colour {
  const at = Math.max(0, Math.min(1, share)) * (VIRIDIS.length - 1), k = Math.min(VIRIDIS.length - 2, Math.floor(at)), [low, high] = [VIRIDIS[k]!, VIRIDIS[k + 1]!];
  return [0, 1, 2].map((band) => low[band]! + (at - k) * (high[band]! - low[band]!)) as [number, number, number];
}

/** Heights by colour, darker where the canopy falls away from the light; voids grey. The brightest colour is the 99.5th percentile. */
export function shadeHeights(chm: Grid, box: Box): Painted {
  const topM = percentile(chm, 0.995), [z] = chm.bands, step = 2 * chm.affine.resX;
  return paint(chm, box, topM, (i) => {
    const at = (j: number): number => (chm.mask[j] ? z![j]! : z![i]!);
    const dx = (at(i + 1) - at(i - 1)) / step, dy = (at(i - chm.width) - at(i + chm.width)) / step; // rise eastward, rise northward
    const facing = (0.45 * dx - 0.45 * dy + 1.6) / Math.sqrt(dx * dx + dy * dy + 2.56); // slopes are flattened: leaves scatter light
    const light = 0.45 + 0.65 * Math.max(0, facing);
    return viridis(z![i]! / topM).map((value) => Math.min(255, value * light)) as [number, number, number];
  });
}

export const colourOrtho = (ortho: Grid, box: Box): Painted =>
  paint(ortho, box, 0, (i) => ortho.bands.map((band) => band[i]!).slice(0, 3) as [number, number, number]);

function paint({ width, height, mask, affine: { x0, y0, resX } }: Grid, box: Box, topM: number, colourAt: (i: number) => Colour): Painted {
  const out = { width: Math.round((box.x1 - box.x0) / resX), height: Math.round((box.y1 - box.y0) / resX) }, rgb = new Uint8Array(out.width * out.height * 3);
  const [left, top] = [Math.round((box.x0 - x0) / resX), Math.round((y0 - box.y1) / resX)];
  for (let row = 0, to = 0; row < out.height; row++) {
    for (let col = 0; col < out.width; col++, to += 3) {
      const [c, r] = [col + left, row + top], inside = c > 0 && r > 0 && c < width - 1 && r < height - 1, i = r * width + c;
      rgb.set(inside && mask[i] ? colourAt(i) : VOID, to);
    }
  }
  return { ...out, rgb, topM };
}

function percentile({ bands, mask }: Grid, share: number): number {
  const valid = Float32Array.from(bands[0]!.filter((_, i) => mask[i] === 1)).sort();
  return Math.max(1, valid[Math.floor(share * (valid.length - 1))]!);
}
