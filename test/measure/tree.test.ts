import { expect, test } from 'vitest';
import { allometryOf } from '../../src/measure/allometry/registry.ts';
import { siteRule } from '../../src/measure/site.ts';
import { measureTrees, treeIdOf } from '../../src/measure/tree.ts';
import type { Crown, Ring, Stand } from '../../src/types.ts';

const rectangle = (x0: number, y0: number, x1: number, y1: number): Ring => [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];
const stand = (standId: string, ring: Ring, species: unknown): Stand => ({ standId, attributes: { species }, polygons: [[ring]] });
const crown = (xM: number, yM: number, rest: Partial<Crown> = {}): Crown =>
  ({ col: 0, row: 0, xM, yM, heightM: 20, areaM2: (Math.PI * 25) / 4, polygon: [rectangle(xM - 2, yM - 2, xM + 2, yM + 2)], flags: [], ...rest });
const context = {
  survey: 'demo', source: 'lidar', toLonLat: (x: number, y: number): [number, number] => [x / 1e5 + 1e-9, y / 1e5],
  allometry: allometryOf({ dbh: 'jucker-2017', agb: 'jucker-2017' }), siteOf: () => ({ group: 'gymnosperm' as const, woodDensity: null, attributes: null }),
};

test('a tree of 20 m with a crown 5 m wide has the published diameter and biomass, rounded as stored', () => {
  const [tree] = measureTrees([crown(452_000.25, 4_445_000.75)], context);
  expect(tree).toMatchObject({
    treeId: 'demo:lidar:45200025_444500075', lon: 4.5200025, lat: 44.4500075, heightM: 20, crownDiameterM: 5, dbhCm: 23.15,
    dbhEquation: 'jucker-2017-dbh', agbEquation: 'jucker-2017-agb/gymnosperm', speciesGroup: 'gymnosperm', status: 'unknown', flags: [],
    agbKgLo: null, agbKgHi: null,
  });
  expect(tree!.agbKg).toBeCloseTo(423.12, 1);
  expect(tree!.carbonKg).toBeCloseTo(0.47 * tree!.agbKg!, 3);
  const v = 0.3 ** 2 + 0.59 ** 2; // sigma and tau of the equation: 0.4381, sqrt 0.66189
  expect(tree!.dbhCmLo).toBeCloseTo(23.149 * Math.exp(-v / 2 - 1.96 * 0.66189), 2);
  expect(tree!.dbhCmHi).toBeCloseTo(23.149 * Math.exp(-v / 2 + 1.96 * 0.66189), 1);
});

test('the id is the apex in whole centimetres, west and south of the origin too', () => {
  expect(treeIdOf('s', 'chm', -0.004, 0.004)).toBe('s:chm:0_0');
  expect(treeIdOf('s', 'chm', -12.25, 3.335)).toBe('s:chm:-1225_334');
});

test('a shrub beyond what the errors were measured on is flagged, and so is a group without an equation', () => {
  const flagsOf = (c: Crown, rest = {}): string[] => measureTrees([c], { ...context, ...rest })[0]!.flags;
  expect(flagsOf(crown(0, 0, { heightM: 2.5, flags: ['near_void'] }))).toEqual(['near_void', 'outside_equation']);
  expect(flagsOf(crown(0, 0), { allometry: allometryOf({ dbh: 'jucker-2017/neotropic-tropical', agb: null }) })).toEqual(['no_equation']);
  const bare = measureTrees([crown(0, 0)], { ...context, allometry: allometryOf({ dbh: null, agb: null }) })[0]!;
  expect([bare.dbhCm, bare.agbKg, bare.carbonKg, bare.dbhEquation, bare.flags]).toEqual([null, null, null, null, []]);
});

test('biomass by Chave 2014 comes from the stored diameter, the height and the stand\'s wood density', () => {
  const stands = [stand('1', rectangle(-50, -50, 50, 50), 'teak')], allometry = allometryOf({ dbh: 'jucker-2017', agb: 'chave-2014', wood_density: {} });
  const siteOf = siteRule(stands, { group: { default: 'angiosperm' }, wood_density: { from: 'stands.species', map: { teak: 0.55 } } });
  const [inside, outside] = measureTrees([crown(0, 0), crown(90, 90)], { ...context, allometry, siteOf });
  expect(inside!.agbKg).toBeCloseTo(0.0673 * (0.55 * 20 * 23.15 ** 2) ** 0.976, 3);
  expect([inside!.agbEquation, inside!.flags]).toEqual(['chave-2014+jucker-2017-dbh', []]);
  expect([inside!.agbKgLo! < inside!.agbKg!, inside!.agbKgHi! > inside!.agbKg!]).toEqual([true, true]);
  expect([outside!.agbKg, outside!.agbEquation, outside!.dbhCm, outside!.flags]).toEqual([null, null, 23.15, ['no_wood_density']]);
});

test('in two stands the smaller gives the species group, then the lower id; outside, the default holds', () => {
  const rule = { from: 'stands.species', map: { spruce: 'gymnosperm', beech: 'angiosperm' } as const, default: null };
  const groupAt = (stands: Stand[], x: number, more = {}) => siteRule(stands, { group: { ...rule, ...more } })(x, x).group;
  const large = stand('1', rectangle(0, 0, 100, 100), 'beech'), small = stand('2', rectangle(0, 0, 50, 50), 'spruce');
  const twin = stand('10', rectangle(0, 0, 50, 50), 'beech'); // '10' < '2' as text
  expect(groupAt([large, small], 10)).toBe('gymnosperm');
  expect(groupAt([small, large], 60)).toBe('angiosperm');
  expect(groupAt([small, twin], 10)).toBe('angiosperm');
  expect(groupAt([large, small], 200)).toBeNull();
  expect(groupAt([stand('1', rectangle(0, 0, 9, 9), 'constructor')], 1, { default: 'gymnosperm' })).toBe('gymnosperm');
  expect(() => groupAt([], 1, { from: 'species' })).toThrow('stands.<attribute>');
});
