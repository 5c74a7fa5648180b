import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { planSurvey } from '../../src/pipeline/run.ts';
import { jobSchemaText } from '../../pipelines/make-schema.ts';

const folder = fileURLToPath(new URL('../../pipelines', import.meta.url)), tiny = fileURLToPath(new URL('../../data-samples/tiny', import.meta.url));
const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-pipelines-')); });
afterAll(() => rm(scratch, { recursive: true }));

test('job.schema.json is that of the program: `npm run schema` would change nothing', async () => {
  expect(await readFile(join(folder, 'job.schema.json'), 'utf8')).toBe(jobSchemaText());
});

test('there are job files to start from', () => { expect(names).toContain('lidar-night.yaml'); });

test.each(names)('%s names the schema, reads without a fault and plans a survey', async (name) => {
  const dir = join(scratch, name), text = await readFile(join(folder, name), 'utf8');
  expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./job.schema.json');
  await mkdir(dir);
  for (const input of ['lidar', 'stands.geojson']) await cp(join(tiny, input), join(dir, input), { recursive: true });
  await writeFile(join(dir, 'job.yaml'), text.replace('*.laz', '*.las').replace(/^settle_minutes:.*\n/m, '').replace(/^crs:.*\n/m, '')); // the sample's files, young and with a CRS of their own
  const plan = await planSurvey(await loadJob(join(dir, 'job.yaml')));
  expect(plan.tasks.filter(({ kind }) => kind === 'bucket')).toHaveLength(2);
  expect(plan.tasks.at(-1)!.kind).toBe('merge');
});
