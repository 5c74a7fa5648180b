import { expect, test } from 'vitest';
import { allometryOf } from '../../src/measure/allometry/registry.ts';
import { valueOf } from '../../src/measure/allometry/equation.ts';
import { tableOfRows } from '../../src/measure/allometry/table.ts';

const at = (group: 'angiosperm' | 'gymnosperm' | null, species = '') => ({ group, attributes: { species } });

test('a power of height and crown diameter, in feet and inches, comes out in centimetres', () => {
  const table = { units: { height: 'ft', crown_diameter: 'ft', dbh: 'in' }, equations: [{ gives: 'dbh', form: 'power', coefficients: { factor: 0.5, height: 1, crown_diameter: 0.5 }, range: { height: [10, 100] } }] };
  const equation = allometryOf({ dbh: 't.json', agb: null }, { 't.json': table }).dbh(at(null))!;
  // 65.6168 ft and 16 ft: 0.5 x 65.6168 x 4 = 131.2336 in = 333.333 cm
  expect(valueOf(equation, { heightM: 20, crownDiameterM: 16 * 0.3048 })).toBeCloseTo(333.3333, 3);
  expect(equation.range.heightM![0]).toBeCloseTo(3.048, 9);
  expect([equation.sigma, equation.tau, equation.squareFactor]).toEqual([null, null, null]);
});

test('log-linear biomass on D carries D\'s errors by its exponent; Chapman-Richards gives D from height', () => {
  const table = { equations: [
    { gives: 'agb', form: 'log-linear', coefficients: { intercept: -2, dbh: 2.5 }, correction: 1.1, sigma: 0.3, tau: 0.1 },
    { gives: 'dbh', form: 'chapman-richards', coefficients: { asym: 60, k: 0.05, p: 1.5 }, sigma: 0.2, tau: 0.1, square_factor: 1.01 },
  ] };
  const { dbh, agb } = allometryOf({ dbh: 'my.json', agb: 'my.json' }, { 'my.json': table });
  expect(valueOf(dbh(at(null))!, { heightM: 20 })).toBeCloseTo(60 * (1 - Math.exp(-1)) ** 1.5, 10);
  expect(valueOf(agb(at(null))!, { dbhCm: 20 })).toBeCloseTo(1.1 * Math.exp(-2) * 20 ** 2.5, 9);
  expect(agb(at(null))!.id).toBe('my.json/agb+my.json/dbh');
  expect(agb(at(null))!.tau).toBeCloseTo(Math.hypot(0.1, 2.5 * 0.1), 12);
});

test('a CSV with curves of two species of the user\'s own, by the stand\'s species', () => {
  const file = tableOfRows([
    { gives: 'dbh', group: 'spruce', form: 'power', factor: '1.2', height: '1', height_min: '3', height_max: '40', sigma: '0.2', tau: '', source: 'district 7', height_unit: 'm' },
    { gives: 'dbh', group: 'pine', form: 'power', factor: '1.5', height: '1', height_min: '', height_max: '', sigma: '', tau: '', source: '', height_unit: '' },
  ]);
  const choice = { from: 'stands.species', map: { S: 'c.csv/spruce', P: 'c.csv/pine' } };
  const { dbh } = allometryOf({ dbh: choice, agb: null }, { 'c.csv': file });
  expect([valueOf(dbh(at(null, 'S'))!, { heightM: 10 }), valueOf(dbh(at(null, 'P'))!, { heightM: 10 }), dbh(at(null, 'X'))]).toEqual([12, 15, null]);
  expect(dbh(at(null, 'S'))).toMatchObject({ id: 'c.csv/spruce', sigma: 0.2, tau: null, source: 'district 7', range: { heightM: [3, 40] } });
});

test.each([
  [{ equations: [{ gives: 'dbh', form: 'power', coefficients: { factor: 1, heigth: 1 } }] }, /coefficients.*heigth/],
  [{ equations: [{ gives: 'dbh', form: 'power', coefficients: { factor: 1 } }] }, /no exponent/],
  [{ equations: [{ gives: 'agb', form: 'chapman-richards', coefficients: { asym: 1, k: 1, p: 1 } }] }, /gives dbh from height/],
  [{ equations: [] }, /t.json: equations/],
  [{ units: { dbh: 'mile' }, equations: [] }, /units.dbh/],
  [{ equations: [1, 2].map((factor) => ({ gives: 'dbh', form: 'power', coefficients: { factor, height: 1 } })) }, /two equations give dbh for all trees/],
])('a table that cannot be used says where: %#', (table, message) => {
  expect(() => allometryOf({ dbh: 't.json', agb: null }, { 't.json': table })).toThrow(message);
});

test('a file that does not give what it is named for says what it has', () => {
  const table = { equations: [{ gives: 'dbh', group: 'oak', form: 'power', coefficients: { factor: 1, height: 1 } }] };
  expect(() => allometryOf({ dbh: 't.json', agb: null }, { 't.json': table })).toThrow(/'t.json'; use one of t.json\/oak/);
});
