import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { readSurvey } from '../../src/pipeline/read-survey.ts';
import { writeVariant } from './survey.ts';

let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-area-')); });
afterAll(() => rm(scratch, { recursive: true }));

/** The sample, which lies at x 320033 to 320164, y 4100042 to 4100153, with a square of 100 m as its area. */
async function surveyWithArea(name: string, x: number, y: number) {
  const job = await writeVariant(join(scratch, name), { edit: (text) => `area: area.geojson\n${text}` });
  const ring = [[x, y], [x + 100, y], [x + 100, y + 100], [x, y + 100], [x, y]];
  await writeFile(join(dirname(job), 'area.geojson'), JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } }] }));
  return readSurvey(await loadJob(job));
}

test('an area that meets no input stops the job, and says where both lie, before an empty inventory takes the place of the last one', async () => {
  await expect(surveyWithArea('far', 330000, 4100000)).rejects.toThrow(/job\.yaml:1: area: .*area\.geojson meets none of the inputs: in EPSG:32611 it lies at x 330000 to 330100, y 4100000 to 4100100, they lie at x 3200\d\d to 3201\d\d/);
  expect((await surveyWithArea('near', 320160, 4100100)).survey.area).not.toBeNull();
});
