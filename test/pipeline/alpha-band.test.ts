import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { readSurvey } from '../../src/pipeline/read-survey.ts';
import type { ImageLayer } from '../../src/pipeline/survey.ts';
import { openImage, readImageWindow } from '../../src/ingest/image-source.ts';
import { writeVariant } from './survey.ts';

const has = (tool: string): boolean => { try { execFileSync(tool, ['--version']); return true; } catch { return false; } };
let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-alpha-')); });
afterAll(() => rm(scratch, { recursive: true }));

test.skipIf(!has('gdal_translate'))('near infrared that a file declares alpha is a band where the job names it, and the mask where not', async () => {
  const job = await writeVariant(join(scratch, 'four')), ortho = join(dirname(job), 'ortho.tif'), plain = join(dirname(job), 'plain.tif');
  await cp(ortho, plain);
  execFileSync('gdal_translate', ['-q', '-colorinterp_4', 'alpha', '-co', 'ALPHA=YES', plain, ortho]);
  const { survey: { images: [four] } } = await readSurvey(await loadJob(job)), nir = await bandOf(four!, 'nir');
  expect(four!.bands).toEqual(['red', 'green', 'blue', 'nir']);
  expect(nir.max).toBeGreaterThan(50);
  expect(nir.valid).toBe(262 * 222); // a NIR of 0 is no void
  const three = await writeVariant(join(scratch, 'three'), { edit: (text) => text.replace(', nir]', ']').replace(/models:\n.*\n/, '') });
  await cp(ortho, join(dirname(three), 'ortho.tif'));
  const { survey: { images: [rgb] } } = await readSurvey(await loadJob(three));
  expect(rgb!.alphaIsBand).toBeUndefined();
});

async function bandOf(layer: ImageLayer, role: string): Promise<{ max: number; valid: number }> {
  const image = openImage({ ...layer, bands: layer.bands.length, epsg: 32611 }, layer.bands);
  try {
    const { bands: [data], mask } = await readImageWindow(image, layer.window, [role]);
    return { max: data!.reduce((a, b) => Math.max(a, b)), valid: mask.reduce((sum, each) => sum + each, 0) };
  } finally {
    await image.close();
  }
}
