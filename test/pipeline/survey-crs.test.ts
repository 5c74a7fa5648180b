import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import type { CrsWords } from '../../src/geo/crs-statement.ts';
import { JobSchema } from '../../src/pipeline/job-schema.ts';
import { settleCrs } from '../../src/pipeline/survey-crs.ts';

const settle = (words: (CrsWords | null)[], { crs, lidar = {} }: { crs?: string; lidar?: object } = {}) => settleCrs(
  JobSchema.parse({ survey: 's', output: 'o', ...(crs ? { crs } : {}), inputs: { lidar: { files: ['*.las'], ...lidar } } }),
  words.map((each, i) => ({ input: 'lidar', path: `file-${i}.las`, words: each, isOwn: false })), 'job.yaml',
);

const refusal = (...args: Parameters<typeof settle>): string => {
  try {
    settle(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message;
  }
  throw new Error('nothing was refused');
};

const UTM11 = { epsg: 32611 };

test('a survey whose files share a CRS in metres needs no line', () => {
  expect(settle([UTM11, UTM11])).toMatchObject({ epsg: 32611, from: 'file-0.las' });
});

test('the job file may name the CRS of files that state none', () => {
  expect(settle([null, UTM11], { crs: 'EPSG:32611' })).toMatchObject({ epsg: 32611, from: 'the job file' });
  expect(settle([null], { lidar: { crs: 'EPSG:32611' } }).epsg).toBe(32611);
});

test('override takes the job\'s word against the file\'s', () => {
  expect(settle([{ epsg: 26911 }], { lidar: { crs: 'EPSG:32611', override: true } }).epsg).toBe(32611);
});

describe('refused, with what to do', () => {
  test('a file that states no CRS: the line to add', () => {
    expect(refusal([null])).toMatch(/file-0\.las: its CRS is unknown.*add the line `crs: EPSG:N` to inputs\.lidar in job\.yaml/);
    expect(refusal([])).toMatch(/add the line `crs: EPSG:N`/);
  });
  test('a CRS that cannot be told: the lines to add', () => {
    expect(refusal([{ wkt: 'PROJCS["My own grid",GEOGCS["x",DATUM["x",SPHEROID["x",6378137,298.257]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],UNIT["metre",1]]' }]))
      .toMatch(/My own grid.*`crs: EPSG:N` and `override: true`/);
  });
  test('US survey feet', () => { expect(refusal([{ epsg: 2226 }])).toMatch(/file-0\.las: EPSG:2226 .* is in US survey foot; a survey is projected and in metres/); });
  test('degrees', () => { expect(refusal([{ epsg: 4326 }])).toMatch(/EPSG:4326 .* is in degrees/); });
  test('degrees in the job file', () => { expect(refusal([null], { crs: 'EPSG:4326' })).toMatch(/EPSG:4326 .* is in degrees/); });
  test('heights in feet over metres', () => { expect(refusal([{ epsg: 32611, verticalEpsg: 6360 }])).toMatch(/file-0\.las: its heights are in units of 0\.3048\d* m; bring them to metres first/); });
  test('depths', () => { expect(refusal([{ epsg: 32611, verticalEpsg: 5715 }])).toMatch(/depths, positive downward/); });
  test('files of two CRS', () => { expect(refusal([UTM11, { epsg: 32610 }])).toMatch(/file-0\.las is in EPSG:32611.*file-1\.las in EPSG:32610.*one projected CRS in metres/); });
  test('a job that contradicts its files', () => { expect(refusal([UTM11], { crs: 'EPSG:32610' })).toMatch(/crs is EPSG:32610.*but file-0\.las is in EPSG:32611.*leave crs out/); });
  test('inputs.lidar.crs that contradicts a file: override is named', () => { expect(refusal([UTM11], { lidar: { crs: 'EPSG:32610' } })).toMatch(/states EPSG:32611.*but inputs\.lidar\.crs is EPSG:32610.*`override: true`/); });
  test('web Mercator, whose metres are none', () => {
    expect(refusal([{ epsg: 3857 }])).toMatch(/EPSG:3857 .* stretched/);
    expect(refusal([null], { crs: 'EPSG:3857' })).toMatch(/stretched.*UTM zone/);
  });
});

describe('the CRS of an image', () => {
  const withImage = (words: CrsWords | null, { isOwn = false, crs, override = false }: { isOwn?: boolean; crs?: string; override?: boolean } = {}) => settleCrs(
    JobSchema.parse({ survey: 's', output: 'o', ...(crs ? { crs } : {}), inputs: { lidar: { files: ['*.las'], ...(override ? { crs: 'EPSG:32611', override } : {}) } } }),
    [{ input: 'lidar', path: 'a.las', words: { epsg: 32611 }, isOwn: false }, { input: 'ortho', path: 'ortho.tif', words, isOwn }], 'job.yaml',
  );

  test('is its own: what overrides the LiDAR files says nothing of it', () => {
    expect(() => withImage({ epsg: 32610 }, { override: true })).toThrow(/a\.las|EPSG:32610/);
    expect(withImage({ epsg: 32611 }, { override: true }).epsg).toBe(32611);
  });

  test('without a code is refused when it is defined in the file, and is the survey\'s where the file says nothing', () => {
    expect(() => withImage(null, { isOwn: true, crs: 'EPSG:32611' })).toThrow(/CRS of its own/);
    expect(() => withImage(null)).toThrow(/ortho\.tif: its CRS is unknown/);
    expect(withImage(null, { crs: 'EPSG:32611' }).epsg).toBe(32611);
  });
});
