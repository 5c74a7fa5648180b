// cloud/voxels.ts: points by cubic voxel anchored to the CRS origin, in a hash table. Pure.

/** Occupied voxels v = 0 .. count - 1 with their integer places; points of v are items[start[v] .. start[v + 1]). */
export interface Voxels {
  size: number;
  count: number;
  ix: Int32Array;
  iy: Int32Array;
  iz: Int32Array;
  start: Uint32Array;
  items: Uint32Array;
  /** voxel of each point */
  voxelOf: Uint32Array;
  /** hash slot -> voxel, -1 free */
  slots: Int32Array;
}

/** Sort points into voxels of `size` units. */
export function voxelise(x: Float64Array, y: Float64Array, z: Float64Array, size: number): Voxels {
  const n = x.length;
  const slots = new Int32Array(1 << Math.max(4, Math.ceil(Math.log2(2 * n + 1)))).fill(-1);
  const v: Voxels = {
    size, count: 0, ix: new Int32Array(n), iy: new Int32Array(n), iz: new Int32Array(n),
    start: new Uint32Array(n + 1), items: new Uint32Array(n), voxelOf: new Uint32Array(n), slots,
  };
  for (let i = 0; i < n; i++) {
    const a = Math.floor(x[i]! / size), b = Math.floor(y[i]! / size), c = Math.floor(z[i]! / size);
    const s = slotOf(v, a, b, c);
    if (slots[s]! < 0) {
      slots[s] = v.count;
      v.ix[v.count] = a;
      v.iy[v.count] = b;
      v.iz[v.count++] = c;
    }
    v.voxelOf[i] = slots[s]!;
    v.start[slots[s]! + 1]!++;
  }
  for (let k = 0; k < v.count; k++) v.start[k + 1]! += v.start[k]!;
  const next = v.start.slice(0, v.count);
  for (let i = 0; i < n; i++) v.items[next[v.voxelOf[i]!]!++] = i;
  return v;
}

/** The voxel at integer place (a, b, c), or -1. */
export const voxelAt = (v: Voxels, a: number, b: number, c: number): number => v.slots[slotOf(v, a, b, c)]!;

/** Slot that holds the voxel, or the free slot where it would be. */
function slotOf({ slots, ix, iy, iz }: Voxels, a: number, b: number, c: number): number {
  const mask = slots.length - 1;
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  let s = (h ^ (h >>> 13)) & mask;
  while (slots[s]! >= 0 && (ix[slots[s]!] !== a || iy[slots[s]!] !== b || iz[slots[s]!] !== c)) s = (s + 1) & mask;
  return s;
}
