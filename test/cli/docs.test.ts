import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { commandDocs } from '../../src/cli/command-docs.ts';
import { jobFileDocs } from '../../src/cli/job-file-docs.ts';
import { FORMATS, makeProgram } from '../../src/cli/program.ts';
import { EPSG_EDITION } from '../../src/cli/doctor/libraries.ts';
import { jobJsonSchema } from '../../src/pipeline/job-json-schema.ts';
import { JobSchema } from '../../src/pipeline/job-schema.ts';
import { jobSchemaText } from '../../pipelines/make-schema.ts';
import { ROW_FORMATS } from '../../src/store/formats.ts';

const committed = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/job-file.md is what the schema says (npx node docs/make-job-file.ts writes it anew)', async () => {
  expect(await committed('docs/job-file.md')).toBe(jobFileDocs());
});

test('docs/commands.md is what the commands say (npx node docs/make-commands.ts writes it anew)', async () => {
  expect(await committed('docs/commands.md')).toBe(commandDocs(makeProgram()));
});

test('every key of a whole job stands in the dictionary of the job file, with its default', () => {
  const job = JobSchema.parse({ survey: 's', output: 'o', inputs: { lidar: { files: ['a.las'] } } }), docs = jobFileDocs();
  const keys = (value: object, prefix: string): [string, unknown][] => Object.entries(value).flatMap(([key, each]) => (typeof each === 'object' && each !== null && !Array.isArray(each) ? keys(each, `${prefix}${key}.`) : [[`${prefix}${key}`, each]]));
  const plain = keys(job, '').filter(([key]) => !['survey', 'output', 'inputs.lidar.files'].includes(key));
  expect(plain.length).toBeGreaterThan(25);
  for (const [key, value] of plain) {
    if (key.endsWith('.method') && key !== 'crowns.method') expect(docs, key).toContain(`| \`${key}: ${String(value)}\` | | | default |`);
    else if (Array.isArray(value) && value.length === 0) expect(docs, key).toMatch(new RegExp(`^(\\| \`${key}\`|## ${key}$)`, 'm'));
    else expect(docs.split('\n').some((line) => line.startsWith(`| \`${key}\` `) && line.includes(`| \`${typeof value === 'string' ? value : JSON.stringify(value)}\` |`)), key).toBe(true);
  }
});

test('the schema that `schema job` prints is the one that `npm run schema` writes for editors', () => {
  expect(jobJsonSchema()).toEqual(JSON.parse(jobSchemaText()));
});

test('what the commands name by hand is what there is', async () => {
  expect([...FORMATS]).toEqual([...ROW_FORMATS.keys(), 'parquet']);
  expect(await committed('src/geo/epsg/README.md')).toContain(`version ${EPSG_EDITION},`);
});
