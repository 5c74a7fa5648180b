// raster/polygonise.ts: labelled pixels to polygons along pixel edges, exact and canonical. Pure.
import { UnderstoryError } from '../errors.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Lattice, Polygon, Ring, Window } from '../types.ts';

/**
 * A ring of pixel corners, flat: col, row, col, row ... on the lattice (corner (col, row) is the upper left of pixel (col, row)).
 * Open, corners only, from its northernmost, then westernmost corner; interior on the left: outer rings counter-clockwise, holes clockwise.
 */
export type CornerRing = number[];
/** The outer ring, then its holes by (row, col) of their first corner. */
export type CornerPolygon = CornerRing[];

export type Wanted = ReadonlySet<number> | ((label: number) => boolean);

/**
 * Outline labelled regions as polygons in metres.
 *
 * One pass over the window. The same pixels give the same bytes whatever the window: rings start at their northernmost, then
 * westernmost corner, collinear points are dropped, coordinates are whole units of 1e-5 m divided once. Rings touch each other and
 * themselves nowhere but in single points between two rings, so the polygons are valid in the sense of OGC.
 *
 * @param labels  row-major over `window`, 0 = none; every wanted label is one 4-connected region, as `growCrowns` gives them
 * @param wanted  which labels to outline; by default all
 * @returns a polygon a label, in the order of their first pixels
 * @throws {UnderstoryError} when a wanted label has a second outer ring
 */
export function crownPolygons(labels: Int32Array, window: Window, lattice: Lattice, wanted: Wanted = () => true): Map<number, Polygon> {
  const polygons = new Map<number, Polygon>();
  for (const [label, rings] of cornerPolygons(labels, window, wanted)) polygons.set(label, polygonInMetres(rings, lattice));
  return polygons;
}

/** As `crownPolygons`, in corners of the lattice instead of metres. */
export function cornerPolygons(labels: Int32Array, window: Window, wanted: Wanted = () => true): Map<number, CornerPolygon> {
  const { width, height } = window, stride = width + 2, padded = new Int32Array(stride * (height + 2));
  for (let row = 0; row < height; row++) padded.set(labels.subarray(row * width, (row + 1) * width), (row + 1) * stride + 1);
  const isWanted = typeof wanted === 'function' ? wanted : (label: number) => wanted.has(label);
  const walked = new Uint8Array(padded.length), polygons = new Map<number, CornerPolygon>();
  for (let i = stride; i < padded.length - stride; i++) {
    const label = padded[i]!;
    if (label === 0 || padded[i - stride] === label || walked[i] === 1 || !isWanted(label)) continue;
    const ring = firstCornerFirst(cornersOf(trace(padded, stride, i, walked), stride, window));
    const rings = polygons.get(label);
    if (rings === undefined) polygons.set(label, [ring]); // the first edge met is the outer ring's
    else if (isHole(ring)) rings.push(ring);
    else throw new UnderstoryError(`label ${label} is not one 4-connected region: a second part begins at corner (col ${ring[0]}, row ${ring[1]}); label its parts apart`, { label });
  }
  for (const rings of polygons.values()) sortHoles(rings);
  return polygons;
}

/** Indices of a padded window to col, row pairs of the lattice. */
function cornersOf(indices: readonly number[], stride: number, { col, row }: Window): CornerRing {
  const corners: CornerRing = [];
  for (let k = 0; k < indices.length; k++) {
    const r = (indices[k]! / stride) | 0;
    corners.push(indices[k]! - r * stride - 1 + col, r - 1 + row);
  }
  return corners;
}

/**
 * Walk one ring with the interior on the left, from the northern edge of pixel `start` westward. Marks the northern edges walked.
 * Where two pixels of the region meet only in a corner the walk crosses over to the other one (turns right): a 4-connected region closes
 * round one of the two empty pixels there, and that hole then has a ring of its own that touches this one in a point.
 */
function trace(labels: Int32Array, stride: number, start: number, walked: Uint8Array): number[] {
  const label = labels[start]!, corners: number[] = [];
  // Corner v is the upper left of pixel v. Headings west, south, east, north: each is a left turn from the one before.
  const step = [-1, stride, 1, -stride], left = [-1, 0, -stride, -stride - 1], right = [-stride - 1, -1, 0, -stride];
  let v = start + 1, heading = 0;
  do {
    if (heading === 0) walked[v - 1] = 1;
    v += step[heading]!;
    if (labels[v + right[heading]!] === label) {
      corners.push(v);
      heading = (heading + 3) & 3;
    } else if (labels[v + left[heading]!] !== label) {
      corners.push(v);
      heading = (heading + 1) & 3;
    }
  } while (v !== start + 1 || heading !== 0);
  return corners;
}

/** Order of rings by (row, col) of their first corner. */
export const byFirstCorner = (a: CornerRing, b: CornerRing): number => a[1]! - b[1]! || a[0]! - b[0]!;

/** Rotate a ring so that it starts at its northernmost, then westernmost corner, which is never on a straight line. */
export function firstCornerFirst(ring: CornerRing): CornerRing {
  let first = 0;
  for (let k = 2; k < ring.length; k += 2) {
    if (ring[k + 1]! < ring[first + 1]! || (ring[k + 1] === ring[first + 1] && ring[k]! < ring[first]!)) first = k;
  }
  return first === 0 ? ring : [...ring.slice(first), ...ring.slice(0, first)];
}

/** True for a canonical ring that runs clockwise: it leaves its first corner eastward. */
export const isHole = (ring: CornerRing): boolean => ring[3] === ring[1];

/** Bring the holes of a polygon into canonical order, in place. */
export function sortHoles(rings: CornerPolygon): void {
  const holes = rings.splice(1).sort(byFirstCorner);
  for (const hole of holes) rings.push(hole);
}

/** Corners of a lattice to closed rings in metres. */
export const polygonInMetres = (rings: CornerPolygon, lattice: Lattice): Polygon => rings.map((ring) => ringInMetres(ring, lattice));

function ringInMetres(corners: CornerRing, lattice: Lattice): Ring {
  const res = toUnits(lattice.resM), x0 = toUnits(lattice.x0M), y0 = toUnits(lattice.y0M), ring: Ring = [];
  for (let k = 0; k < corners.length; k += 2) {
    ring.push([(x0 + corners[k]! * res) / UNITS_PER_M, (y0 - corners[k + 1]! * res) / UNITS_PER_M]);
  }
  ring.push([ring[0]![0], ring[0]![1]]);
  return ring;
}
