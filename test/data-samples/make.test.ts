import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proj4 from 'proj4';
import { afterAll, describe, expect, test } from 'vitest';
import { arctangentDeg, exp, log, power } from '../../data-samples/make/exact.ts';
import { planForest } from '../../data-samples/make/forest.ts';
import { ageForest } from '../../data-samples/make/later.ts';
import { encodeLas } from '../../data-samples/make/las.ts';
import { CLOSE, paintCanopyHeight, paintOrtho, pixelWindow } from '../../data-samples/make/paint.ts';
import { inOpening, inRing, inVoid } from '../../data-samples/make/places.ts';
import { noise, randomOf } from '../../data-samples/make/random.ts';
import { largeRecipe, recipes } from '../../data-samples/make/recipes.ts';
import { scanForest } from '../../data-samples/make/scan.ts';
import { surfaceOf } from '../../data-samples/make/surface.ts';
import { writeSample } from '../../data-samples/make/write.ts';
import { sha256 } from '../../src/files/hash.ts';

const committed = new URL('../../data-samples/tiny/', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'sample-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tiny = recipes.get('tiny')!;
const forest = planForest(tiny), surface = surfaceOf(forest), { trees } = forest;
const returns = scanForest(forest, surface);
const filesIn = (dir: string): string[] => readdirSync(dir, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(dir.length).replace(/^\//, '')).sort();

test('the committed sample comes out again byte for byte', async () => {
  await writeSample(folder, tiny);
  expect(filesIn(folder)).toEqual(filesIn(committed));
  for (const file of filesIn(committed)) expect([file, sha256(readFileSync(join(folder, file)))]).toEqual([file, sha256(readFileSync(join(committed, file)))]);
});

test('its birth certificate holds the sha256 of every other file, and it is small', () => {
  const certificate = JSON.parse(readFileSync(join(committed, 'birth-certificate.json'), 'utf8'));
  const files = filesIn(committed).filter((file) => file !== 'birth-certificate.json');
  expect(Object.keys(certificate.sha256).sort()).toEqual(files);
  for (const file of files) expect(certificate.sha256[file]).toBe(sha256(readFileSync(join(committed, file))));
  expect(files.reduce((bytes, file) => bytes + readFileSync(join(committed, file)).length, 0)).toBeLessThan(2_500_000);
});

describe('trees', () => {
  test('DBH and biomass follow Jucker et al. 2017 with scatter of 10 and 20 per cent and no bias', () => {
    const living = trees.filter((t) => t.status === 'alive' && t.heightM > 5);
    const errors = living.map((t) => Math.log(t.dbhCm / (0.557 * (t.heightM * t.crownDiameterM) ** 0.809 * Math.exp(0.056 ** 2 / 2))));
    const mean = errors.reduce((a, b) => a + b) / errors.length, sd = Math.sqrt(errors.reduce((s, e) => s + (e - mean) ** 2, 0) / errors.length);
    expect(Math.abs(mean)).toBeLessThan(4 * 0.1 / Math.sqrt(errors.length));
    expect(sd).toBeGreaterThan(0.085);
    expect(sd).toBeLessThan(0.115);
    const firs = living.filter((t) => t.speciesGroup === 'gymnosperm');
    const kg = (h: number, cd: number) => 0.109 * (h * cd) ** 1.79 * Math.exp(0.204 ** 2 / 2); // (0.016 + 0.093), 2.013 - 0.223
    expect(kg(20, 5)).toBeCloseTo(423.12, 1); // the test vector of FORMULAS
    const ratios = firs.map((t) => t.agbKg / kg(t.heightM, t.crownDiameterM)).sort((a, b) => a - b);
    expect(ratios[ratios.length >> 1]).toBeGreaterThan(0.95);
    expect(ratios[ratios.length >> 1]).toBeLessThan(1.05);
  });

  test('a plantation stands in rows: its nearest neighbours are about 3.6 m away', () => {
    const planted = planForest(recipes.get('plantation')!).trees;
    const nearest = planted.map((t) => Math.min(...planted.filter((o) => o !== t).map((o) => Math.hypot(o.x - t.x, o.y - t.y)))).sort((a, b) => a - b);
    expect(nearest[nearest.length >> 1]).toBeGreaterThan(3.1);
    expect(nearest[nearest.length >> 1]).toBeLessThan(3.7);
    expect(new Set(planted.map((t) => t.speciesGroup))).toEqual(new Set(['gymnosperm']));
  });

  test('an overtopped tree is understorey: no dominant apex lies under another crown', () => {
    const { width, top } = surface;
    for (const t of trees.filter((tree) => tree.layer === 'dominant')) {
      const apexM = t.footM + t.heightM, seenM = top[Math.floor(t.y / 0.25) * width + Math.floor(t.x / 0.25)]!;
      expect(seenM - apexM).toBeLessThan(1.5); // the pixel's centre may lie up to 0.18 m off, under a steeper crown
    }
    expect(trees.filter((t) => t.layer === 'understorey').length).toBeGreaterThan(100);
  });

  test('no stem and no crown stands in the opening, which is larger than 10 m2', () => {
    expect(trees.filter((t) => inOpening(tiny, t.x, t.y, 0))).toEqual([]);
    const chm = paintCanopyHeight(forest, surface), { window } = pixelWindow(forest);
    const open = (i: number): boolean => inOpening(tiny, (i % window.width + 0.5) / 2, (window.height - 1 - Math.floor(i / window.width) + 0.5) / 2, -1);
    const heights = [...chm].filter((_, i) => open(i));
    expect(heights.length / 4).toBeGreaterThan(40);
    expect(Math.max(...heights)).toBeLessThan(2);
  });

  test('overlapping stands share trees, and some trees stand in none', () => {
    const stands = new Set(trees.map((t) => t.standNo));
    expect([...stands].filter((names) => names.includes(';'))).toEqual(expect.arrayContaining(['101;104', '102;104']));
    expect(stands.has('')).toBe(true);
  });

  test('three years on, the living have grown, some have died, those in the cut are gone and no other', () => {
    const later = ageForest(forest), byNo = new Map(later.trees.map((t) => [t.treeNo, t]));
    const { removed } = tiny.later!;
    for (const before of trees) {
      const after = byNo.get(before.treeNo);
      expect(after === undefined).toBe(inRing(removed, before.x, before.y));
      if (after && before.status === 'dead') expect(after.status).toBe('dead');
      if (after?.status === 'alive') {
        expect(after.heightM).toBeGreaterThanOrEqual(before.heightM);
        expect(after.dbhCm).toBeGreaterThanOrEqual(before.dbhCm);
      }
    }
    const died = later.trees.filter((t) => t.status === 'dead').length - trees.filter((t) => t.status === 'dead' && byNo.has(t.treeNo)).length;
    expect(died).toBeGreaterThan(5);
    expect(later.trees.length).toBeLessThan(trees.length);
  });
});

describe('LiDAR', () => {
  test('a third of stand 103 has no return at all, noise included', () => {
    expect(returns.filter((r) => inVoid(tiny, r.x, r.y))).toEqual([]);
    const ring = tiny.stands.find((s) => s.standNo === '103')!.ring;
    let all = 0, empty = 0;
    for (let y = 0.5; y < 111; y++) for (let x = 0.5; x < 131; x++) if (inRing(ring, x, y)) { all++; if (inVoid(tiny, x, y)) empty++; }
    expect(empty / all).toBeGreaterThan(0.3);
    expect(empty / all).toBeLessThan(0.4);
  });

  test('two lines at other times overlap, and the overlap is denser', () => {
    const times = [1, 2].map((line) => returns.filter((r) => r.lineNo === line).map((r) => r.seconds));
    expect(times[0]!.at(-1)!).toBeLessThan(times[1]![0]!);
    const both = (x0: number, x1: number) => new Set(returns.filter((r) => r.y < 20 && r.x >= x0 && r.x < x1).map((r) => r.lineNo)).size;
    expect([both(5, 20), both(58, 66)]).toEqual([1, 2]);
    expect(returns.some((r) => r.overlap)).toBe(true);
  });

  test('ground returns lie on the terrain, vegetation above it and under the crowns, noise far off', () => {
    for (const r of returns) {
      const heightM = r.z - forest.terrain(r.x, r.y);
      if (r.classification === 2) expect(Math.abs(heightM)).toBeLessThan(0.3);
      if (r.classification === 5) { expect(heightM).toBeGreaterThan(2); expect(heightM).toBeLessThan(45); }
      if (r.classification === 7) expect(heightM).toBeLessThan(-3);
      if (r.classification === 18) expect(heightM).toBeGreaterThan(40);
    }
    expect(new Set(returns.map((r) => r.classification))).toEqual(new Set([1, 2, 5, 7, 18]));
    expect(returns.some((r) => r.withheld && r.classification === 1)).toBe(true);
  });

  test('the returns of a pulse go down in order', () => {
    const pulses = new Map<string, typeof returns>();
    for (const r of returns) pulses.set(`${r.lineNo} ${r.seconds}`, [...(pulses.get(`${r.lineNo} ${r.seconds}`) ?? []), r]);
    let several = 0;
    for (const pulse of pulses.values()) {
      if (pulse.length > 1) several++;
      for (let i = 1; i < pulse.length; i++) {
        expect(pulse[i]!.returnNumber).toBe(pulse[i - 1]!.returnNumber + 1);
        expect(pulse[i]!.z).toBeLessThan(pulse[i - 1]!.z);
      }
    }
    expect(several / pulses.size).toBeGreaterThan(0.15);
  });

  test('a point is written as whole millimetres, in 30 bytes of format 6', () => {
    const one = { x: 1.2344, y: 2, z: 2100.5, intensity: 700, returnNumber: 2, returnCount: 3, classification: 5, withheld: true, overlap: true, edgeOfLine: false, scanAngleDeg: -1.5, lineNo: 7, seconds: 0.25 };
    const bytes = encodeLas([one], { x0M: 320033, y0M: 4100041.5, offsetM: [320000, 4100000, 2000], gpsStart: 1000, created: { year: 2026, dayOfYear: 182 } });
    const view = new DataView(bytes.buffer), at = view.getUint32(96, true);
    expect([0, 4, 8].map((o) => view.getInt32(at + o, true))).toEqual([34_234, 43_500, 100_500]);
    expect([view.getUint8(at + 14), view.getUint8(at + 15), view.getUint8(at + 16)]).toEqual([2 + 3 * 16, 4 + 8, 5]);
    expect([view.getInt16(at + 18, true), view.getUint16(at + 20, true), view.getFloat64(at + 22, true)]).toEqual([-250, 7, 1000.25]);
    expect(bytes.length).toBe(at + 30);
  });
});

test('in the ortho dead crowns are brighter in red against nir than living ones', () => {
  const [red, , , nir] = paintOrtho(forest, surface), { window } = pixelWindow(forest);
  const ratio = (status: string): number => {
    const at = trees.filter((t) => t.status === status && t.layer === 'dominant').map((t) => (window.height - 1 - Math.floor(t.y * 2)) * window.width + Math.floor(t.x * 2));
    return at.reduce((sum, i) => sum + nir![i]! / red![i]!, 0) / at.length;
  };
  expect(ratio('alive')).toBeGreaterThan(1.7);
  expect(ratio('dead')).toBeLessThan(1);
});

test('the close ortho shows the same trees at 0.1 m: dead ones bright in red against nir, living ones not, herbs between them', () => {
  const small = planForest({ ...tiny, extent: { ...tiny.extent, widthM: 60, heightM: 60 }, openings: [] }), close = surfaceOf(small, CLOSE.pixelM), far = surfaceOf(small);
  const [red, , , nir] = paintOrtho(small, close, CLOSE), { lattice, window } = pixelWindow(small, CLOSE), [farRed, , , farNir] = paintOrtho(small, far);
  expect([lattice.resM, window.width, window.height, window.col, window.row]).toEqual([0.1, 600, 600, 3_200_330, -41_001_015]);
  const ratios = (status: string): number[] => small.trees.filter((t) => t.status === status && t.layer === 'dominant').map((t) => (599 - Math.floor(t.y * 10)) * 600 + Math.floor(t.x * 10)).map((i) => nir![i]! / red![i]!);
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length, ground = (each: typeof close): number[] => [...each.topTree].flatMap((tree, i) => (tree === 0 ? [i] : []));
  expect(mean(ratios('alive'))).toBeGreaterThan(1.7);
  expect(mean(ratios('dead'))).toBeLessThan(1);
  // rows of a surface go northward, those of a picture southward; a pixel of 0.5 m holds two by two of the surface
  const green = mean(ground(close).map((i) => (599 - Math.floor(i / 600)) * 600 + (i % 600)).map((i) => nir![i]! / red![i]!)), dry = mean(ground(far).map((i) => (119 - (Math.floor(i / 240) >> 1)) * 120 + ((i % 240) >> 1)).map((i) => farNir![i]! / farRed![i]!));
  expect(green).toBeGreaterThan(dry + 0.1);
});

test('stands in WGS 84 come back to their corners within 2 cm, rings closed and counter-clockwise', () => {
  const { features } = JSON.parse(readFileSync(join(committed, 'stands.geojson'), 'utf8'));
  const toUtm = proj4('WGS84', '+proj=utm +zone=11 +datum=WGS84 +units=m +no_defs');
  features.forEach((feature: { properties: object; geometry: { coordinates: [number, number][][] } }, i: number) => {
    const ring = feature.geometry.coordinates[0]!, xy = ring.map((c) => toUtm.forward(c));
    expect(ring.at(-1)).toEqual(ring[0]);
    expect(xy.slice(1).reduce((area, [x, y], k) => area + xy[k]![0]! * y! - x! * xy[k]![1]!, 0)).toBeGreaterThan(0);
    for (const [x, y] of tiny.stands[i]!.ring) expect(Math.min(...xy.map((p) => Math.hypot(p[0]! - tiny.extent.x0 - x, p[1]! - tiny.extent.y0 - y)))).toBeLessThan(0.02);
    expect(Object.keys(feature.properties)).toEqual(['stand_no', 'name', 'species']);
  });
});

test('the large recipe repeats without a step in the ground', () => {
  const { terrain, recipe } = planForest({ ...largeRecipe(2, 2), patches: [], background: null });
  for (const y of [0, 33.3, 150]) expect(terrain(recipe.extent.widthM - 1e-9, y)).toBeCloseTo(terrain(0, y), 6);
});

test('own log, exp, power and arctangent agree with the engine, and draws are uniform', () => {
  for (const x of [1e-9, 0.3, 1, 2.5, 1e6]) expect(log(x)).toBeCloseTo(Math.log(x), 12);
  for (const x of [-20, -0.5, 0, 1, 10]) expect(exp(x) / Math.exp(x)).toBeCloseTo(1, 13);
  expect(power(85, 0.809) / 85 ** 0.809).toBeCloseTo(1, 13);
  expect(arctangentDeg(0.2)).toBeCloseTo((Math.atan(0.2) * 180) / Math.PI, 10);
  const random = randomOf(5, 'test'), draws = Array.from({ length: 20_000 }, () => random.uniform());
  const mean = draws.reduce((a, b) => a + b) / draws.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / draws.length));
  expect(noise(3, 7, 9, 4)).toBe(noise(3, 3, 1, 4)); // repeats after 4
});
