import { expect, test } from 'vitest';
import { licenceProblems, licencesOf, maySell, saleable } from '../../src/infer/licence.ts';

const model = (name: string, licence: string, ...data: string[]) => ({ name, card: { licence, training: data.map((each, i) => ({ data: `set ${i + 1}`, licence: each, region: '' })) } });
const open = ['Apache-2.0', 'MIT', 'CC-BY-4.0'];

test('the licences behind a model are those of its weights and of all data that it was trained on', () => {
  expect(licencesOf([model('stems', 'MIT', 'CC-BY-4.0', 'unknown')]).map(({ licence, data }) => [licence, data])).toEqual([['MIT', null], ['CC-BY-4.0', 'set 1'], ['unknown', 'set 2']]);
});

test('a licence that the job does not allow is named, with the model and what to do; of the data too', () => {
  expect(licenceProblems([model('stems', 'Apache-2.0', 'CC-BY-4.0')], open)).toEqual([]);
  expect(licenceProblems([model('stems', 'GPL-3.0-only', 'CC-BY-NC-4.0'), model('dead', 'MIT')], open)).toEqual([
    'model stems has the licence GPL-3.0-only, which allow_licences does not name (Apache-2.0, MIT, CC-BY-4.0): add GPL-3.0-only to allow_licences if you may use it so, or take the model out',
    'model stems was trained on data of the licence CC-BY-NC-4.0 (set 1), which allow_licences does not name (Apache-2.0, MIT, CC-BY-4.0): add CC-BY-NC-4.0 to allow_licences if you may use it so, or take the model out',
  ]);
});

test('an unknown licence is refused unless the job says that it may be', () => {
  expect(licenceProblems([model('theirs', 'unknown')], open)[0]).toMatch(/theirs has the licence unknown.*ask its makers and write it on the card/);
  expect(licenceProblems([model('theirs', 'unknown')], [...open, 'unknown'])).toEqual([]);
});

test('without allow_licences there is no gate; an empty one allows nothing', () => {
  expect(licenceProblems([model('stems', 'unknown')], undefined)).toEqual([]);
  expect(licenceProblems([model('stems', 'MIT')], [])).toHaveLength(1);
});

test('of alternatives one is enough, of licences joined all are needed', () => {
  expect(licenceProblems([model('a', 'GPL-3.0-only OR mit')], open)).toEqual([]);
  expect(licenceProblems([model('a', 'MIT AND GPL-3.0-only')], open)).toHaveLength(1);
  expect(licenceProblems([model('a', '(MIT OR GPL-3.0-only) AND CC-BY-NC-4.0')], open)).toHaveLength(1);
  expect(licenceProblems([model('a', '(GPL-3.0-only OR MIT) AND (CC-BY-4.0 OR CC-BY-NC-4.0)')], open)).toEqual([]);
});

test.each([
  [['Apache-2.0', 'CC-BY-4.0', 'CC-BY-SA-4.0', 'BSD-3-Clause', 'CC0-1.0', 'ODbL-1.0'], 'yes'], [[], 'yes'],
  [['Apache-2.0', 'CC-BY-NC-4.0'], 'no'], [['CC-BY-NC-SA-4.0', 'unknown'], 'no'], [['LicenseRef-Research-only'], 'no'],
  [['MIT', 'unknown'], 'not known'], [['LicenseRef-Acme'], 'not known'], [['CC-BY-NC-4.0 OR MIT'], 'yes'], [['MIT AND CC-BY-NC-4.0'], 'no'], [['MIT OR unknown'], 'yes'],
])('%j: may outputs be sold? %s', (licences, answer) => {
  expect(saleable(licences)).toBe(answer);
});

test('the report says whether outputs may be sold, and which licence is the reason', () => {
  expect(maySell([model('stems', 'Apache-2.0', 'CC-BY-NC-4.0')])).toBe('Outputs of the models may NOT be sold: stems: CC-BY-NC-4.0 (training data set 1).');
  expect(maySell([model('theirs', 'unknown'), model('b', 'MIT')])).toBe('Whether outputs of the models may be sold is not known: theirs: unknown.');
  expect(maySell([model('b', 'MIT')])).toMatch(/^Outputs of the models may be sold, by their licences: b: MIT\./);
  expect(maySell([])).toMatch(/No model was used/);
});
