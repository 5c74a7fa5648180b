// The cloud kernels on small clouds whose answers were worked out by hand.
import { describe, expect, test } from 'vitest';
import { incircle } from 'robust-predicates';
import { canopyModel, chmHaloM } from '../../src/cloud/chm.ts';
import { groundModel } from '../../src/cloud/dtm.ts';
import { PMF_DEFAULTS, SMRF_DEFAULTS, classifyGround, groundHaloM } from '../../src/cloud/ground.ts';
import { groundSurface } from '../../src/cloud/ground-surface.ts';
import { openGrid } from '../../src/cloud/morphology.ts';
import type { HeightGrid, WindowShape } from '../../src/cloud/morphology.ts';
import { noiseHaloM, noisePoints } from '../../src/cloud/noise.ts';
import { heightsAboveGround } from '../../src/cloud/normalise.ts';
import { pmfWindows } from '../../src/cloud/pmf.ts';
import { drawTin, heightOfTin, triangleIndex } from '../../src/cloud/tin-surface.ts';
import { makeExact, triangulate } from '../../src/cloud/triangulate.ts';
import { InvalidInput } from '../../src/errors.ts';
import { hardInputs, pointsOf, seeded } from './fixtures.ts';
import type { Return } from './fixtures.ts';

const surface = { maxCircumradiusM: 10, fillRadiusM: 20, fillNeighbours: 3 };
const flat = (side: number, z: (x: number, y: number) => number, step = 1): Return[] => {
  const out: Return[] = [];
  for (let y = 0; y < side; y += step) for (let x = 0; x < side; x += step) out.push({ x: x + 0.5, y: y + 0.5, z: z(x, y), c: 2 });
  return out;
};
const groundOf = (p: ReturnType<typeof pointsOf>) => groundSurface(p, classifyGround(p, { method: 'classified' }), surface);

describe('ground surface', () => {
  test('a plane through three ground returns has the height that the plane has', () => {
    const p = pointsOf([{ x: 0, y: 0, z: 100, c: 2 }, { x: 10, y: 0, z: 110, c: 2 }, { x: 0, y: 10, z: 100, c: 2 }]);
    expect(groundOf(p).elevationAt(2e5, 3e5) / 1e5).toBeCloseTo(102, 4);
  });
  test('at a ground return the ground is that return, the lowest of those at one place', () => {
    const p = pointsOf([...flat(6, (x, y) => 50 + x * y), { x: 2.5, y: 3.5, z: 51.25, c: 2 }]);
    expect(groundOf(p).elevationAt(2.5e5, 3.5e5)).toBe(51.25e5);
    expect(groundOf(p).elevationAt(4.5e5, 3.5e5)).toBe(62e5);
  });
  test('outside the TIN it is the mean of the three nearest returns by inverse distance', () => {
    const p = pointsOf([{ x: 0, y: 0, z: 10, c: 2 }, { x: 4, y: 0, z: 16, c: 2 }, { x: 0, y: 30, z: 99, c: 2 }]);
    // from (1, 0): distances 1 and 3, the third return is beyond 20 m: (10 / 1 + 16 / 3) / (1 / 1 + 1 / 3) = 11.5
    expect(groundOf(p).elevationAt(1e5, 0) / 1e5).toBeCloseTo(11.5, 9);
  });
  test('farther than the fill radius from any ground return is a void, and a return there has no height, not 0', () => {
    const p = pointsOf([{ x: 0, y: 0, z: 10, c: 2 }, { x: 21, y: 0, z: 40 }, { x: 20, y: 0, z: 12 }]);
    const { z, valid } = heightsAboveGround(p, groundOf(p));
    expect([...z]).toEqual([0, NaN, 2e5]);
    expect([...valid]).toEqual([1, 0, 1]);
  });
  test('a triangle with a large circle is no ground: between two shores the water is filled, not bridged', () => {
    const shores = pointsOf([{ x: 0, y: 0, z: 0, c: 2 }, { x: 40, y: 0, z: 8, c: 2 }, { x: 0, y: 40, z: 8, c: 2 }]);
    expect(groundOf(shores).elevationAt(5e5, 5e5)).toBe(0); // one return within 20 m
    const dtm = groundModel(shores, { col: 0, row: -40, width: 40, height: 40 }, { ...surface, resolutionM: 1 });
    expect(dtm.mask[(39 - 25) * 40 + 25]).toBe(0); // (25.5, 25.5) is 29 m from two of them and 36 from the third
  });
  test('no ground return at all: everything is a void', () => {
    const p = pointsOf([{ x: 0, y: 0, z: 3 }]);
    expect(heightsAboveGround(p, groundOf(p)).valid[0]).toBe(0);
  });
  test('the size of triangulation blocks changes nothing', () => {
    for (const p of Object.values(hardInputs())) {
      const ground = new Uint8Array(p.count).fill(1);
      const [one, many] = [groundSurface(p, ground, { ...surface, maxCircumradiusM: 3 }, 1e9), groundSurface(p, ground, { ...surface, maxCircumradiusM: 3 }, 1)];
      const u = seeded(9);
      for (let k = 0; k < 2000; k++) {
        const x = p.x[0]! + Math.floor((u() - 0.5) * 128e5), y = p.y[0]! + Math.floor((u() - 0.5) * 128e5);
        expect(many.elevationAt(x, y)).toBe(one.elevationAt(x, y));
      }
    }
  });
});

describe('triangulation', () => {
  test('four returns on a circle are triangulated one way, whatever their order', () => {
    const corners = [[0, 0], [1e5, 0], [0, 1e5], [1e5, 1e5]] as const;
    const edges = (order: readonly number[]) => {
      const at = (k: 0 | 1) => Float64Array.from(order, (i) => 452_000e5 + corners[i]![k]);
      const tin = triangulate({ x: at(0), y: at(1), z: new Float64Array(4) }, { maxCircumradiusM: 5 });
      return Array.from({ length: tin.triangles.length / 3 }, (_, t) => [...tin.triangles.subarray(3 * t, 3 * t + 3)].map((v) => order[v]!).sort().join('')).sort();
    };
    const first = edges([0, 1, 2, 3]);
    expect(first).toHaveLength(2);
    for (const order of [[3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]]) expect(edges(order)).toEqual(first);
  });
  test('every triangle has an empty circle, by exact arithmetic, and every return is a corner', () => {
    const p = hardInputs(24)['ground on a 1 m lattice']!;
    const tin = triangulate({ x: p.x, y: p.y, z: p.z }, { maxCircumradiusM: 1e6 });
    const corners = new Set(tin.triangles);
    expect(corners.size).toBe(p.count);
    for (let t = 0; t < tin.triangles.length; t += 3) {
      const [a, b, c] = [tin.triangles[t]!, tin.triangles[t + 1]!, tin.triangles[t + 2]!];
      const xy = (i: number): [number, number] => [tin.jx[i]!, tin.jy[i]!];
      const ccw = (tin.jx[b]! - tin.jx[a]!) * (tin.jy[c]! - tin.jy[a]!) - (tin.jy[b]! - tin.jy[a]!) * (tin.jx[c]! - tin.jx[a]!) > 0 ? 1 : -1;
      for (let d = 0; d < p.count; d++) if (d !== a && d !== b && d !== c) expect(ccw * incircle(...xy(a), ...xy(b), ...xy(c), ...xy(d))).toBeLessThan(0);
    }
  });
  test('an edge that rounding laid wrong is turned', () => {
    // a kite 10 wide and 2 high, split along its long diagonal: the short one is Delaunay's
    const coords = Float64Array.of(0, 0, 10, 0, 5, 1, 5, -1), triangles = Uint32Array.of(0, 2, 1, 0, 1, 3), halfedges = Int32Array.of(-1, -1, 3, 2, -1, -1);
    expect(makeExact(triangles, halfedges, coords)).toBe(1);
    expect([[...triangles.subarray(0, 3)].sort(), [...triangles.subarray(3)].sort()].map(String).sort()).toEqual(['0,2,3', '1,2,3']);
  });
  test('a triangle stays or goes by the radius of its circle', () => {
    // right angle, legs 6 and 8 m: the circle's diameter is the third side, 10 m
    const places = { x: Float64Array.of(0, 6e5, 0), y: Float64Array.of(0, 0, 8e5), z: new Float64Array(3) };
    expect([4.999, 5.001].map((maxCircumradiusM) => triangulate(places, { maxCircumradiusM }).triangles.length)).toEqual([0, 3]);
  });
  test('where triangles meet the lower height counts, in whichever order they come', () => {
    const z = Float64Array.of(5, 5, 5, 3, 3, 3), span = 1024 * 1e5;
    const corners = { jx: Float64Array.of(0, span, span, 0, span, span), jy: Float64Array.of(0, 0, span, 0, 0, span) };
    for (const triangles of [Uint32Array.of(0, 1, 2, 3, 4, 5), Uint32Array.of(3, 4, 5, 0, 1, 2)]) {
      const tin = { originX: 0, originY: 0, ...corners, z, triangles, flips: 0 };
      expect(heightOfTin(triangleIndex(tin), 0.7e5, 0.3e5)).toBe(3);
      const out = new Float64Array(4).fill(NaN);
      drawTin(tin, { col: 0, row: -2, width: 2, height: 2 }, 0.5e5, out); // the lower right pixel lies inside
      expect(out[3]).toBe(3);
    }
  });
  test('an edge of just the limit stays, one of 1e-5 m more goes', () => {
    const at = (x: number) => ({ x: Float64Array.of(0, x, 0), y: Float64Array.of(0, 0, 0.5e5), z: new Float64Array(3) });
    const kept = (x: number) => triangulate(at(x), { maxCircumradiusM: 5, maxEdgeM: Math.hypot(1, 0.5) }).triangles.length;
    expect([kept(1e5), kept(1e5 + 1)]).toEqual([3, 0]);
  });
  test('fewer than three places, or all on a line, give no triangle and no error', () => {
    for (const n of [0, 1, 2]) expect(triangulate({ x: new Float64Array(n), y: new Float64Array(n).map((_, i) => i), z: new Float64Array(n) }, { maxCircumradiusM: 5 }).triangles).toHaveLength(0);
  });
});

describe('canopy model', () => {
  const window = { col: 0, row: -4, width: 4, height: 4 };
  const p2r = { method: 'p2r', resolutionM: 0.5, subCircleM: 0 } as const;
  const at = (col: number, fromTop: number) => fromTop * 4 + col;
  test('a pixel holds the highest return; a return on its upper edge belongs to the next pixel; empty pixels are voids', () => {
    const chm = canopyModel(pointsOf([{ x: 0.1, y: 0.1, z: 4 }, { x: 0.2, y: 0.2, z: 7 }, { x: 0.5, y: 0.5, z: 3 }]), window, p2r);
    expect(chm.data[at(0, 3)]).toBe(7);
    expect(chm.data[at(1, 2)]).toBe(3); // x = y = 0.5: one pixel east, one north
    expect(chm.mask.reduce((n, m) => n + m, 0)).toBe(2);
  });
  test('a return below ground counts as 0, one without ground not at all', () => {
    const p = pointsOf([{ x: 0.1, y: 0.1, z: -0.4 }, { x: 1.1, y: 0.1, z: 9 }]);
    p.z[1] = NaN;
    const chm = canopyModel(p, window, p2r);
    expect([chm.data[at(0, 3)], chm.mask[at(0, 3)], chm.mask[at(2, 3)]]).toEqual([0, 1, 0]);
  });
  test('with a sub-circle a return is drawn at eight places around it, not at its own', () => {
    const chm = canopyModel(pointsOf([{ x: 1.25, y: 1.25, z: 5 }]), window, { ...p2r, subCircleM: 0.5 });
    // pixel (2, 1 from the top) is [1, 1.5) x [1, 1.5); the circle of 0.5 m leaves it on all sides
    expect(chm.mask[at(2, 1)]).toBe(0);
    expect([at(1, 1), at(3, 1), at(2, 0), at(2, 2), at(3, 0), at(1, 2)].map((i) => chm.data[i])).toEqual([5, 5, 5, 5, 5, 5]);
    expect(chmHaloM({ ...p2r, subCircleM: 0.5 })).toBe(0.5);
  });
  const pitFree = { method: 'pit-free', resolutionM: 1, maxEdgeM: 2, maxCircumradiusM: 3, thresholdsM: [0, 2, 5, 10, 15], thinM: 0 } as const;
  test('a first return that fell through a crown makes no pit where the crown closes over it', () => {
    const crown = flat(9, (x, y) => (x === 4 && y === 4 ? 0.5 : 12));
    const chm = canopyModel(pointsOf(crown), { col: 0, row: -9, width: 9, height: 9 }, pitFree);
    expect(chm.data[4 * 9 + 4]).toBe(12);
    const base = canopyModel(pointsOf(crown), { col: 0, row: -9, width: 9, height: 9 }, { ...pitFree, thresholdsM: [0] });
    expect(base.data[4 * 9 + 4]).toBeLessThan(1); // the base layer alone has the pit
  });
  test('two trees farther apart than the longest edge are not joined, and later returns are not drawn', () => {
    const trees = [...flat(3, () => 12), ...flat(3, () => 12).map((r) => ({ ...r, x: r.x + 6 })), ...flat(9, () => 0).map((r) => ({ ...r, x: r.x + 0.01, y: r.y + 0.01 })), { x: 4.5, y: 1.5, z: 30, r: 2, of: 2 }];
    const chm = canopyModel(pointsOf(trees), { col: 0, row: -3, width: 9, height: 3 }, { ...pitFree, thresholdsM: [0, 5] });
    expect(chm.data[9 + 4]).toBe(0);
    expect(chm.data[9 + 1]).toBe(12);
  });
  test('a pixel size of 0 is refused', () => {
    expect(() => canopyModel(pointsOf([]), window, { ...p2r, resolutionM: 0 })).toThrow(InvalidInput);
  });
});

describe('noise', () => {
  const cluster: Return[] = [0, 1, 2, 3, 4, 5].map((k) => ({ x: 0.1 * k, y: 0, z: 0 }));
  test('a return with too few others in its 27 voxels is noise', () => {
    const p = pointsOf([...cluster, { x: 0, y: 0, z: 9 }, { x: 1.9, y: 0, z: 0 }]);
    // voxels of 1 m: the bird is 9 up; the last return is in the next voxel, with the six beside it
    expect([...noisePoints(p, { method: 'voxels', sizeM: 1, minPoints: 6 })]).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
    expect(noiseHaloM({ method: 'voxels', sizeM: 1, minPoints: 6 })).toBe(2);
  });
  test('a return whose nearest others are far on average is noise, by an absolute distance', () => {
    const p = pointsOf([{ x: 0, y: 0, z: 0 }, { x: 1, y: 0, z: 0 }, { x: 0, y: 3, z: 0 }]);
    // mean of the two nearest: (1 + 3) / 2 = 2; (1 + sqrt 10) / 2 = 2.08; (3 + sqrt 10) / 2 = 3.08
    expect([...noisePoints(p, { method: 'knn', k: 2, maxDistanceM: 2, searchM: 5 })]).toEqual([0, 1, 1]);
    expect([...noisePoints(p, { method: 'knn', k: 2, maxDistanceM: 3, searchM: 5 })]).toEqual([0, 0, 1]);
    // one found only: the other counts as 2.5 m: (1 + 2.5) / 2 = 1.75
    expect([...noisePoints(p, { method: 'knn', k: 2, maxDistanceM: 1.75, searchM: 2.5 })]).toEqual([0, 0, 1]);
  });
});

describe('opening', () => {
  const random = (seed: number, width: number, height: number, share: number): HeightGrid => {
    const u = seeded(seed);
    return { width, height, data: Float64Array.from({ length: width * height }, () => (u() < share ? NaN : Math.floor(u() * 20) - 10)) };
  };
  /** By the definition: the highest window minimum of all windows that hold the cell and are centred on a cell with a height. */
  function byDefinition({ width, height, data }: HeightGrid, r: number, shape: WindowShape): number[] {
    const inside = (dx: number, dy: number) => (shape === 'square' ? Math.max(Math.abs(dx), Math.abs(dy)) <= r : dx * dx + dy * dy <= r * r);
    const cells = Array.from(data, (z, k) => ({ x: k % width, y: Math.floor(k / width), z })).filter(({ z }) => z === z);
    const out: number[] = Array.from(data, () => NaN);
    for (const { x: cx, y: cy } of cells) {
      const held = cells.filter(({ x, y }) => inside(x - cx, y - cy)), low = Math.min(...held.map(({ z }) => z));
      for (const { x, y } of held) if (!(low <= out[y * width + x]!)) out[y * width + x] = low;
    }
    return out;
  }
  test.each([['square', 1], ['square', 3], ['disc', 1], ['disc', 2], ['disc', 5]] as const)('by a %s of radius %i is the highest window minimum, empty cells not counted', (shape, r) => {
    for (const share of [0, 0.3, 0.9]) expect([...openGrid(random(r, 13, 9, share), r, shape)]).toEqual(byDefinition(random(r, 13, 9, share), r, shape));
  });
  test('by squares, opening an opened surface without holes is opening the original', () => {
    const grid = random(4, 30, 30, 0);
    const twice = openGrid({ ...grid, data: openGrid(grid, 2, 'square') }, 5, 'square');
    expect([...twice]).toEqual([...openGrid(grid, 5, 'square')]);
  });
});

describe('ground filters', () => {
  test('a crown at the rim of a hole in the data is no ground', () => {
    // nothing is known east of the crown (water): windows over it must not keep the crown as terrain
    const rim = flat(40, (x) => (x >= 32 ? 9 : 0)).filter((r) => r.x < 36);
    const ground = classifyGround(pointsOf(rim), SMRF_DEFAULTS);
    rim.forEach((r, i) => expect(ground[i]).toBe(r.z > 1 ? 0 : 1));
  });
  // terrain below sea level, rising 10 % eastward; a barn 10 m square and 6 m high; a shrub return at 1.5 m
  const scene = flat(40, (x, y) => -50 + 0.1 * x + (x >= 15 && x < 25 && y >= 15 && y < 25 ? 6 : 0)).concat([{ x: 5.2, y: 5.2, z: -48 }]);
  const isBarn = scene.map((r) => r.x > 15 && r.x < 25 && r.y > 15 && r.y < 25);
  test.each([
    ['SMRF', SMRF_DEFAULTS], ['SMRF with discs', { ...SMRF_DEFAULTS, windowShape: 'disc' as const }], ['PMF', PMF_DEFAULTS],
  ])('%s keeps the slope and drops barn and shrub, below sea level too', (_name, params) => {
    const ground = classifyGround(pointsOf(scene), params);
    scene.forEach((r, i) => expect(ground[i], `${r.x},${r.y}`).toBe(isBarn[i] || i === scene.length - 1 ? 0 : 1));
  });
  test('a return that is not the last of its pulse is never ground', () => {
    expect(classifyGround(pointsOf(scene.map((r, i) => (i === 0 ? { ...r, r: 1, of: 2 } : r))), SMRF_DEFAULTS)[0]).toBe(0);
  });
  test('classified ground is class 2 and needs no halo', () => {
    expect([...classifyGround(pointsOf([{ x: 0, y: 0, z: 0, c: 2 }, { x: 0, y: 0, z: 0, c: 9 }]), { method: 'classified' })]).toEqual([1, 0]);
    expect(groundHaloM({ method: 'classified' })).toBe(0);
  });
  test('PMF windows and thresholds follow Zhang et al.', () => {
    // 2 x 2^k + 1 = 3, 5, 9, 17, 33; s (w_k - w_(k-1)) c + 0.15 = 2.15, 4.15 ... capped at 2.5
    expect(pmfWindows({ ...PMF_DEFAULTS, slope: 1, initialThresholdM: 0.15, maxThresholdM: 2.5 }).map(({ cells, threshold }) => [cells, threshold])).toEqual([[3, 0.15e5], [5, 2.15e5], [9, 2.5e5], [17, 2.5e5], [33, 2.5e5]]);
    // 2 (k + 1) 2 + 1 = 5, 9, 13
    expect(pmfWindows({ ...PMF_DEFAULTS, exponential: false, maxWindowCells: 13 }).map(({ cells }) => cells)).toEqual([5, 9, 13]);
  });
});
