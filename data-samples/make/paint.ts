// make/paint.ts: the forest from above: an orthophoto in red, green, blue and nir, and the true canopy height. Pure.
import type { Lattice, Window } from '../../src/types.ts';
import { crownShare } from './crown.ts';
import { length } from './exact.ts';
import type { Forest, PlantedTree } from './forest.ts';
import { noise } from './random.ts';
import type { Surface } from './surface.ts';

type Colour = [number, number, number, number];

/** What an orthophoto was flown with, and when. */
export interface View {
  /** pixels of the picture, metres */
  pixelM: number;
  /** what lies between the trees, and how much of it */
  between: { colour: Colour; share: number };
}

const LITTER: Colour = [122, 100, 76, 112], HERBS: Colour = [104, 124, 66, 178];
/** From a plane in summer, on dry litter. */
export const FROM_AFAR: View = { pixelM: 0.5, between: { colour: LITTER, share: 0.7 } };
/** From a drone in spring, on herbs: networks that look for dead trees take shaded litter for them. */
export const CLOSE: View = { pixelM: 0.1, between: { colour: HERBS, share: 0.9 } };

/** The pixels of the extent on the lattice anchored to the CRS origin. */
export function pixelWindow({ recipe: { extent } }: Forest, { pixelM }: Pick<View, 'pixelM'> = FROM_AFAR): { lattice: Lattice; window: Window } {
  const { x0, y0, widthM, heightM } = extent, px = (metres: number): number => Math.round(metres / pixelM);
  return {
    lattice: { resM: pixelM, x0M: 0, y0M: 0 },
    window: { col: px(x0), row: -px(y0 + heightM), width: px(widthM), height: px(heightM) },
  };
}

/** Height of the highest surface of each pixel of 0.5 m above the ground there, metres, whole centimetres; rows southward. */
export function paintCanopyHeight(forest: Forest, { top, ground, width, height }: Surface): Float32Array {
  const { window } = pixelWindow(forest), out = new Float32Array(window.width * window.height);
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const i = row * width + col, to = ((height - 1 - row) >> 1) * window.width + (col >> 1);
      out[to] = Math.max(out[to]!, Math.round((top[i]! - ground[i]!) * 100) / 100);
    }
  }
  return out;
}

const SUN: [number, number, number] = [-0.42, 0.42, 0.8]; // from the north-west, high, as relief is shaded on maps
const NEEDLES: Colour = [58, 86, 56, 150], LEAVES: Colour = [88, 114, 60, 205], DEAD: Colour = [186, 166, 148, 126];
const SOIL: Colour = [172, 150, 118, 140], GRASS: Colour = [140, 142, 88, 172];

/**
 * Red, green, blue and nir of 0..255, rows southward: light and shade on crowns and ground, the mean of the rays of a pixel.
 *
 * @param surface  a ray for each of its pixels; a pixel of the picture holds whole ones
 */
export function paintOrtho(forest: Forest, surface: Surface, view: View = FROM_AFAR): Uint8Array[] {
  const { window } = pixelWindow(forest, view), { width, height } = surface, side = Math.round(view.pixelM / surface.resM);
  const sums = Array.from({ length: 4 }, () => new Float64Array(window.width * window.height));
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const light = lightAt(surface, col, row), colour = colourAt(forest, surface, col, row, view);
      const to = Math.floor((height - 1 - row) / side) * window.width + Math.floor(col / side);
      for (let band = 0; band < 4; band++) sums[band]![to]! += colour[band]! * light;
    }
  }
  return sums.map((sum) => Uint8Array.from(sum, (v) => Math.max(1, Math.min(255, Math.round(v / side ** 2)))));
}

/** Sunlight on the slope of the surface, less in the shadow of what stands toward the sun, and what the sky gives. */
function lightAt({ resM, top, width, height }: Surface, col: number, row: number): number {
  const at = (c: number, r: number): number => top[Math.max(0, Math.min(height - 1, r)) * width + Math.max(0, Math.min(width - 1, c))]!;
  const dx = (at(col + 1, row) - at(col - 1, row)) / (4 * resM), dy = (at(col, row + 1) - at(col, row - 1)) / (4 * resM); // half the true slope: leaves scatter light
  const facing = (SUN[2] - dx * SUN[0] - dy * SUN[1]) / Math.sqrt(1 + dx * dx + dy * dy);
  return 0.48 + 0.86 * Math.max(0, facing) * (inShadow(at, col, row, resM) ? 0.3 : 1);
}

function inShadow(at: (col: number, row: number) => number, col: number, row: number, resM: number): boolean {
  const z = at(col, row), flat = length(SUN[0], SUN[1]), [ux, uy] = [SUN[0] / flat, SUN[1] / flat];
  for (let k = Math.round(0.75 / resM), far = 20 / resM; k < far; k += 2) { // from 0.75 to 20 m away
    if (at(Math.round(col + k * ux), Math.round(row + k * uy)) > z + 0.4 + (k * resM * SUN[2]) / flat) return true;
  }
  return false;
}

function colourAt({ recipe, trees }: Forest, { resM, topTree, width }: Surface, col: number, row: number, { between }: View): Colour {
  const x = (col + 0.5) * resM, y = (row + 0.5) * resM, owner = topTree[row * width + col]!;
  return owner === 0 ? groundColour(recipe.seed, x, y, between) : crownColour(trees[owner - 1]!, x, y);
}

function groundColour(seed: number, x: number, y: number, { colour, share }: View['between']): Colour {
  const grassy = noise(seed + 21, x / 9, y / 9) * 0.7 + noise(seed + 22, x / 2, y / 2) * 0.3, covered = noise(seed + 23, x / 5, y / 5);
  const grain = 0.86 + 0.28 * noise(seed + 24, x / 0.35, y / 0.35);
  return mix(mix(SOIL, GRASS, grassy), colour, share * covered, grain);
}

/** Each tree has its own shade; foliage is darker toward the edge and streaked along the branches. */
function crownColour(tree: PlantedTree, x: number, y: number): Colour {
  const dx = x - tree.x, dy = y - tree.y, r = length(dx, dy) || 1;
  const living = tree.speciesGroup === 'gymnosperm' ? NEEDLES : LEAVES;
  const own = noise(tree.shapeSeed + 5, 0.5, 0.5), warmth = noise(tree.shapeSeed + 6, 0.5, 0.5);
  const branches = noise(tree.shapeSeed + 7, 90 + (5 * dx) / r, 90 + (5 * dy) / r), leaves = noise(tree.shapeSeed + 8, 40 + dx / 0.4, 40 + dy / 0.4);
  const brightness = (0.84 + 0.32 * own) * (0.8 + 0.2 * branches + 0.24 * leaves) * (1.08 - 0.22 * Math.min(1, crownShare(tree, dx, dy)));
  return mix(tree.status === 'dead' ? DEAD : living, tree.status === 'dead' ? SOIL : GRASS, 0.3 * warmth, brightness);
}

const mix = (a: Colour, b: Colour, share: number, brightness = 1): Colour =>
  a.map((v, i) => (v * (1 - share) + b[i]! * share) * brightness) as Colour;
