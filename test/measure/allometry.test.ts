import { expect, test } from 'vitest';
import { allometryOf, equationNames } from '../../src/measure/allometry/registry.ts';
import { limitsOf } from '../../src/measure/allometry/equation.ts';

const jucker = allometryOf({ dbh: 'jucker-2017', agb: 'jucker-2017' });

test.each([
  [10, 3, 8.74, 49.03, 15.37],
  [20, 5, 23.149, 423.12, 173.44],
  [30, 8, 47.003, 2027.9, 1010.5],
])('Jucker 2017: H %d m and crown %d m give the published figures', (heightM, crownDiameterM, dbh, gymnosperm, angiosperm) => {
  const size = { heightM, crownDiameterM };
  expect(jucker.dbh(null)!.apply(size)).toBeCloseTo(dbh, 3);
  // the vectors carry 4 to 5 digits, the last one cut off
  expect(Math.abs(jucker.agb('gymnosperm')!.apply(size) / gymnosperm - 1)).toBeLessThan(2e-4);
  expect(Math.abs(jucker.agb('angiosperm')!.apply(size) / angiosperm - 1)).toBeLessThan(3e-4);
});

test('a biome gives each species group its own diameter', () => {
  const conifer = allometryOf({ dbh: 'jucker-2017/nearctic-conifer', agb: null }), size = { heightM: 25, crownDiameterM: 4 };
  expect(conifer.dbh('gymnosperm')!.apply(size)).toBeCloseTo(0.589 * 10 ** (2 * 0.817), 10); // H x CD = 100
  expect(conifer.dbh('angiosperm')!.apply(size)).toBeCloseTo(0.343 * 10 ** (2 * 0.844), 10);
  expect(conifer.dbh(null)).toBeNull();
  expect(conifer.agb('gymnosperm')).toBeNull();
  expect(allometryOf({ dbh: 'jucker-2017/neotropic-tropical', agb: null }).dbh('gymnosperm')).toBeNull(); // the paper has none
});

test('limits hold both errors, and there are none where the shared one is unknown', () => {
  const v = 0.32 ** 2 + 0.38 ** 2; // 0.2468, sqrt 0.49679
  const [low, high] = limitsOf(20, jucker.dbh(null)!)!;
  expect(low).toBeCloseTo(20 * Math.exp(-v / 2 - 1.96 * 0.496790), 4);
  expect(high).toBeCloseTo(20 * Math.exp(-v / 2 + 1.96 * 0.496790), 4);
  expect(limitsOf(100, jucker.agb('gymnosperm')!)).toBeNull();
});

test('every equation has an id of its own, and a wrong name lists the right ones', () => {
  const ids = equationNames('dbh_cm').flatMap((dbh) => allometryOf({ dbh, agb: null }).equations.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBe(1 + 15 + 9); // global, angiosperms of 15 biomes, gymnosperms of 9
  expect(() => allometryOf({ dbh: 'jucker-2017/nearctic-forest', agb: null })).toThrow(/allometry.dbh: no equation.*nearctic-conifer/);
});
