import { expect, test } from 'vitest';
import { equationRow, inRange, limitsOf, valueOf } from '../../src/measure/allometry/equation.ts';
import { chojnacky2014 } from '../../src/measure/allometry/chojnacky-2014.ts';
import { jucker2017 } from '../../src/measure/allometry/jucker-2017.ts';
import { allometryOf, type EquationChoice } from '../../src/measure/allometry/registry.ts';
import type { SpeciesGroup } from '../../src/types.ts';

const at = (group: SpeciesGroup | null, attributes: Record<string, unknown> | null = null) => ({ group, attributes });
const jucker = allometryOf({ dbh: 'jucker-2017', agb: 'jucker-2017' });
const agbOn = (agb: EquationChoice, dbh: EquationChoice = 'jucker-2017') => allometryOf({ dbh, agb, wood_density: { default: 0.6 } });

test.each([
  [10, 3, 8.74, 49.03, 15.37],
  [20, 5, 23.149, 423.12, 173.44],
  [30, 8, 47.003, 2027.9, 1010.5],
])('Jucker 2017: H %d m and crown %d m give the published figures', (heightM, crownDiameterM, dbh, gymnosperm, angiosperm) => {
  const size = { heightM, crownDiameterM };
  expect(valueOf(jucker.dbh(at(null))!, size)).toBeCloseTo(dbh, 3);
  // the vectors carry 4 to 5 digits, the last one cut off
  expect(Math.abs(valueOf(jucker.agb(at('gymnosperm'))!, size)! / gymnosperm - 1)).toBeLessThan(2e-4);
  expect(Math.abs(valueOf(jucker.agb(at('angiosperm'))!, size)! / angiosperm - 1)).toBeLessThan(3e-4);
});

test('a biome gives each species group its own diameter', () => {
  const conifer = allometryOf({ dbh: 'jucker-2017/nearctic-conifer', agb: null }), size = { heightM: 25, crownDiameterM: 4 };
  expect(valueOf(conifer.dbh(at('gymnosperm'))!, size)).toBeCloseTo(0.589 * 10 ** (2 * 0.817), 10); // H x CD = 100
  expect(valueOf(conifer.dbh(at('angiosperm'))!, size)).toBeCloseTo(0.343 * 10 ** (2 * 0.844), 10);
  expect(conifer.dbh(at(null))).toBeNull();
  expect(conifer.agb(at('gymnosperm'))).toBeNull();
  expect(allometryOf({ dbh: 'jucker-2017/neotropic-tropical', agb: null }).dbh(at('gymnosperm'))).toBeNull(); // the paper has none
});

// coefficients and exponents of D = a (H CD)^b from the paper's table, at H CD = 100: a 10^(2 b)
test.each([
  ['afrotropic-tropical', 0.428, 0.821, null, null], ['afrotropic-woodland', 1.268, 0.75, null, null], ['australasia-mixed', 0.769, 0.811, 0.603, 0.891], ['australasia-woodland', 0.519, 0.89, null, null],
  ['indo-malaya-tropical', 0.486, 0.802, null, null], ['nearctic-boreal', 0.286, 0.865, 0.815, 0.771], ['nearctic-conifer', 0.343, 0.844, 0.589, 0.817], ['nearctic-mixed', 0.367, 0.887, 0.861, 0.755],
  ['nearctic-woodland', 0.617, 0.79, 1.133, 0.745], ['neotropic-tropical', 0.591, 0.781, null, null], ['palearctic-boreal', 0.467, 0.839, 1.43, 0.649], ['palearctic-conifer', 0.273, 0.927, 0.974, 0.748],
  ['palearctic-mixed', 0.694, 0.73, 1.004, 0.73], ['palearctic-tropical', 0.54, 0.791, null, null], ['palearctic-woodland', 0.91, 0.738, 1.373, 0.717],
])('Jucker 2017 %s has the pairs of the published table', (biome, a, b, aConifer, bConifer) => {
  const { dbh } = allometryOf({ dbh: `jucker-2017/${biome}`, agb: null }), size = { heightM: 20, crownDiameterM: 5 };
  expect(valueOf(dbh(at('angiosperm'))!, size)).toBeCloseTo(a * 10 ** (2 * b), 10);
  if (aConifer === null) expect(dbh(at('gymnosperm'))).toBeNull();
  else expect(valueOf(dbh(at('gymnosperm'))!, size)).toBeCloseTo(aConifer * 10 ** (2 * bConifer!), 10);
});

test('Chave 2014: a tree of D 30, H 25, wood density 0.6 weighs 723.137 kg', () => {
  const chave = agbOn('chave-2014').agb(at(null))!;
  expect(chave.apply({ dbhCm: 30, heightM: 25, woodDensity: 0.6, crownDiameterM: NaN })).toBeCloseTo(723.137, 3);
  expect(valueOf(chave, { dbhCm: 30, heightM: 25 })).toBeNull(); // no wood density, no biomass
});

test('Chave 2014 without height agrees with the paper at E = 0 and falls with stress', () => {
  const on = (stress: number) => valueOf(allometryOf({ dbh: 'jucker-2017', agb: 'chave-2014/no-height', wood_density: { default: 0.6 }, environmental_stress: stress }).agb(at(null))!, { dbhCm: 30, woodDensity: 0.6 })!;
  // -2.023977 + 0.92023559 ln 0.6 + 2.79495823 ln 30 - 0.04606298 (ln 30)^2 = -2.023977 - 0.470081 + 9.506214 - 0.532867 = 6.479289
  expect(Math.log(on(0))).toBeCloseTo(6.47929, 4);
  expect(Math.log(on(0) / on(0.5))).toBeCloseTo(0.44781753, 6);
  expect(() => allometryOf({ dbh: null, agb: 'chave-2014/no-height', wood_density: {} })).toThrow(/environmental_stress/);
});

test.each([
  ['abies-light', 291.31], // 30^2.3482 e^-2.3123
  ['pinus-dense', Math.exp(-3.0506) * 30 ** 2.6465], ['betulaceae-very-dense', Math.exp(-2.2652) * 30 ** 2.5349], ['salicaceae-dense', Math.exp(-2.4441) * 30 ** 2.4561],
])('Chojnacky 2014: D 30 cm of %s', (taxon, kg) => {
  expect(valueOf(agbOn(`chojnacky-2014/${taxon}`).agb(at(null))!, { dbhCm: 30 })).toBeCloseTo(kg, 2);
});

test('Chojnacky 2014 has the 31 taxa of trees, and a taxon without a class lists them', () => {
  expect(new Set(chojnacky2014.map(({ name }) => name)).size).toBe(31);
  expect(() => agbOn('chojnacky-2014/pinus')).toThrow(/allometry.agb: no equation.*chojnacky-2014\/pinus-dense/);
});

test('biomass on a predicted diameter has the errors of both: those of D count as often as its exponent', () => {
  const pair = agbOn('chave-2014').agb(at('angiosperm'))!, dbh = jucker.dbh(at(null))!;
  expect([pair.id, pair.onDbh]).toEqual(['chave-2014+jucker-2017-dbh', 'jucker-2017-dbh']);
  expect(pair.sigma).toBeCloseTo(Math.sqrt(0.31 ** 2 + (1.952 * dbh.sigma!) ** 2), 10);
  expect(pair.tau).toBeCloseTo(Math.sqrt(0.19 ** 2 + (1.952 * dbh.tau!) ** 2), 10);
  expect(pair.source).toMatch(/Chave et al. 2014.*Jucker et al. 2017/);
  expect(agbOn('chave-2014', 'jucker-2017/palearctic-mixed').agb(at('angiosperm'))!.tau).toBeNull(); // one unknown, the whole unknown
});

test('biomass that takes a diameter has no equation where there is no diameter', () => {
  expect(agbOn('chave-2014', null).agb(at(null))).toBeNull();
  expect(agbOn('chave-2014', 'jucker-2017/neotropic-tropical').agb(at('gymnosperm'))).toBeNull();
});

test('an equation by species group, by the stand, else the default', () => {
  const { agb, equations } = agbOn({ gymnosperm: 'chojnacky-2014/pinus-dense', default: 'jucker-2017', from: 'stands.species', map: { fir: 'chojnacky-2014/abies-light', rock: 'none' } });
  expect(agb(at('gymnosperm'))!.id).toBe('chojnacky-2014/pinus-dense+jucker-2017-dbh');
  expect(agb(at('gymnosperm', { species: 'fir' }))!.id).toBe('chojnacky-2014/abies-light+jucker-2017-dbh');
  expect(agb(at('angiosperm', { species: 'oak' }))!.id).toBe('jucker-2017-agb/angiosperm');
  expect(agb(at('gymnosperm', { species: 'rock' }))).toBeNull();
  expect(new Set(equations.map(({ id }) => id)).size).toBe(equations.length);
  expect(equations.map(({ id }) => id)).toContain('chojnacky-2014/abies-light+jucker-2017-dbh');
});

test('limits hold both errors, and there are none where the shared one is unknown', () => {
  const [low, high] = limitsOf(20, { sigma: 0.3, tau: 0.4 })!; // v = 0.25
  expect(low).toBeCloseTo(20 * Math.exp(-0.125 - 0.98), 9);
  expect(high).toBeCloseTo(20 * Math.exp(-0.125 + 0.98), 9);
  expect(limitsOf(100, { sigma: 0.3, tau: null })).toBeNull();
  expect(limitsOf(100, { sigma: null, tau: 0.3 })).toBeNull();
});

test('a size outside any limit is outside; one that is not known is not', () => {
  const chave = agbOn('chave-2014').agb(at(null))!;
  expect(inRange(chave, { dbhCm: 30, heightM: 25, woodDensity: 0.6 })).toBe(true);
  expect(inRange(chave, { dbhCm: 3, heightM: 25, woodDensity: 0.6 })).toBe(false);
  expect(inRange(chave, { dbhCm: 30 })).toBe(true);
  expect(inRange(jucker.dbh(at(null))!, { heightM: 40, crownDiameterM: 30 })).toBe(false); // 1200 m2
});

test('every equation has an id of its own and a row for the table; a wrong name lists the right ones', () => {
  const ids = jucker2017.filter(({ gives }) => gives === 'dbh_cm').flatMap(({ name: dbh }) => allometryOf({ dbh, agb: null }).equations.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBe(1 + 15 + 9); // global, angiosperms of 15 biomes, gymnosperms of 9
  expect(equationRow(jucker.dbh(at(null))!)).toMatchObject({ equationId: 'jucker-2017-dbh', needs: ['height_m', 'crown_diameter_m'], validRange: 'height_m 3 to 60, height_m x crown_diameter_m 9 to 960' });
  expect(() => allometryOf({ dbh: 'jucker-2017/nearctic-forest', agb: null })).toThrow(/allometry.dbh: no equation.*nearctic-conifer/);
  expect(() => allometryOf({ dbh: null, agb: 'chave-2014' })).toThrow(/wood_density: \{ default: 0.6 \}/);
});
