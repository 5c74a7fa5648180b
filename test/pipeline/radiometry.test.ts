// A picture of half the brightness, with and without its match: what the network counts, and what the run says of it.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sampleModels } from '../../data-samples/make/onnx.ts';
import { fit } from '../../src/cli/commands/fit.ts';
import { anchoredLattice } from '../../src/geo/lattice.ts';
import { RadiometricMatch } from '../../src/infer/radiometry.ts';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { openFingerprints } from '../../src/pipeline/fingerprints.ts';
import { readModels } from '../../src/pipeline/models.ts';
import { writeMatchFit } from '../../src/pipeline/radiometry.ts';
import { readSurvey } from '../../src/pipeline/read-survey.ts';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { readRunRecord } from '../../src/pipeline/run-record.ts';
import { planSurvey, runSurvey } from '../../src/pipeline/run.ts';
import { openTaskRunner } from '../../src/pipeline/tasks/run-task.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import { openDuck } from '../../src/store/duck.ts';

const WIDTH = 420, HEIGHT = 340, window = { col: 600_000, row: -8_000_000, width: WIDTH, height: HEIGHT };
/** Even grey values, so that half of them is a grey value too: 40 to 214, brighter to the east. */
const bright = (i: number): number => 40 + 2 * ((Math.imul(i * 2654435761, 40503) >>> 24) % 48) + 2 * Math.floor((i % WIDTH) / 10);
const redOf = Array.from({ length: WIDTH * HEIGHT }, (_, i) => bright(i)), mean = redOf.reduce((a, b) => a + b) / redOf.length;
const sd = Math.sqrt(redOf.reduce((sum, value) => sum + (value - mean) ** 2, 0) / redOf.length);

let dir: string;

async function writePicture(name: string, valueOf: (i: number) => number): Promise<void> {
  const red = Uint8Array.from(redOf, (_, i) => valueOf(i)), green = red.map((value) => 255 - value), blue = red.map(() => 90);
  await writeFile(join(dir, name), encodeGeoTiff({ lattice: anchoredLattice(0.5), window, bands: [red, green, blue], epsg: 32611, bandNames: ['red', 'green', 'blue'] }));
}

/** The model, with the statistics of the bright picture's red on its card. */
async function writeModel(name: string, statistics: object): Promise<void> {
  const { model, card } = sampleModels()['red-density']!, record = JSON.parse(card) as { input: object };
  await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, name, 'model.onnx'), model);
  await writeFile(join(dir, name, 'card.json'), JSON.stringify({ ...record, name, input: { ...record.input, statistics } }));
}

async function writeJob(name: string, { ortho = 'dark.tif', match = '', use = 'counter', tileM = 500, more = '' } = {}): Promise<string> {
  await writeFile(join(dir, `${name}.yaml`), `survey: s\noutput: out-${name}\ninputs:\n  images: { ortho: { files: [${ortho}], bands: [red, green, blue] } }\nmodels:\n  - { name: stems, use: ${use}, on: ortho${match && `, match: ${match}`} }\ntiles: { size_m: ${tileM} }\n${more}run: { workers: 2 }\n`);
  return join(dir, `${name}.yaml`);
}

/** An area: the picture's western edge, so many metres wide. Its pixels of 0.5 m begin at column 600,000 and row -8,000,000. */
async function writeArea(name: string, widthM: number): Promise<void> {
  const x = 300_000, y = 4_000_000, ring = [[x, y], [x, y - HEIGHT / 2], [x + widthM, y - HEIGHT / 2], [x + widthM, y], [x, y]];
  await writeFile(join(dir, name), JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } }] }));
}

interface Ran {
  record: RunRecord;
  model: RunRecord['models'][number];
}

/** Run all tasks of a survey that have no part yet, in this process. */
async function run(path: string): Promise<Ran> {
  const loaded = await loadJob(path), plan = await planSurvey(loaded), runner = openTaskRunner(plan);
  for (const task of plan.tasks) await runner.run(task);
  await runner.close();
  const record = (await readRunRecord(loaded.output))!;
  return { record, model: record.models[0]! };
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'understory-radiometry-'));
  await writePicture('bright.tif', bright);
  await writePicture('dark.tif', (i) => bright(i) / 2);
  await writeModel('counter', { red: { mean, sd, quantiles: [...redOf].sort((a, b) => a - b).filter((_, i) => i % 1000 === 0) } });
  await writeModel('plain', {});
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(() => { vi.spyOn(console, 'error').mockImplementation(() => {}); });

const fitted = async (name: string, options: object = {}, job: object = {}): Promise<RadiometricMatch> => {
  await fit(await writeJob('to-fit', job), 'radiometry', { output: join(dir, 'fits', name), ...options });
  return RadiometricMatch.parse(JSON.parse(await readFile(join(dir, 'fits', name), 'utf8')));
};

describe('a picture of half the brightness', () => {
  let plain: Ran, original: Ran;
  beforeAll(async () => {
    original = await run(await writeJob('original', { ortho: 'bright.tif' }));
    plain = await run(await writeJob('plain'));
    vi.spyOn(console, 'error').mockImplementation(() => {});
    await fitted('ortho.json');
  });

  test('gets a gain of 2 and no offset, of all its pixels', async () => {
    const match = await fitted('ortho.json');
    expect(match.bands).toEqual({ red: { method: 'mean-sd', gain: expect.closeTo(2, 9), offset: expect.closeTo(0, 6), image: { mean: expect.closeTo(mean / 2, 6), sd: expect.closeTo(sd / 2, 6) }, card: { mean, sd } } });
    expect(match.sample).toEqual({ block_px: 256, one_in: 1, pixels: WIDTH * HEIGHT });
    expect(match.images).toMatchObject([{ input: 'ortho', file: 'dark.tif' }]);
  });

  test('gives half the stems without its match, all of them with it', async () => {
    const { model } = await run(await writeJob('matched', { match: 'fits/ortho.json' }));
    const stems = (each: Ran['model']): number => each.domain!.outputs['stems']!.mean;
    expect(stems(plain.model) / stems(original.model)).toBeCloseTo(0.5, 6);
    expect(stems(model) / stems(original.model)).toBeCloseTo(1, 6);
    expect(model.domain!.outputs['stems']!.count).toBe(original.model.domain!.outputs['stems']!.count);
  });

  test('is warned of without its match: by the run, in run.json and in the table model', async () => {
    const [shift, contrast, ...more] = plain.model.warnings!;
    expect(shift).toBe(`red: mean ${Number((mean / 2).toPrecision(3))} is ${Number((mean / 2 / sd).toPrecision(3))} standard deviations from the ${Number(mean.toPrecision(3))} of the training images`);
    expect(contrast).toMatch(/^red: standard deviation .* is 0\.5 times the /);
    expect(more).toEqual([]);
    const said: string[] = [], loaded = await loadJob(await writeJob('plain', { more: 'openings: { min_area_m2: 11 }\n' })); // merges again, from the same parts
    await runSurvey(loaded, { watch: { warn: (text) => void said.push(text) } });
    expect(said).toEqual(plain.model.warnings!.map((text) => `model stems: ${text}`));
    const duck = await openDuck(join(dir, 'out-plain', 'survey.duckdb'), { readOnly: true });
    const [[warnings, ratio]] = (await duck.connection.runAndReadAll("SELECT to_json(warnings)::VARCHAR, (domain->'$.bands.red.sd_ratio')::DOUBLE FROM model")).getRowsJS() as [[string, number]];
    duck.close();
    expect(JSON.parse(warnings)).toEqual(plain.model.warnings);
    expect(ratio).toBeCloseTo(0.5, 6);
  });

  test('is not warned of with it, nor is the picture itself', async () => {
    const { model } = await run(await writeJob('matched', { match: 'fits/ortho.json' }));
    expect(model.domain!.bands['red']).toMatchObject({ mean: expect.closeTo(mean, 4), shift_sd: expect.closeTo(0, 6), sd_ratio: expect.closeTo(1, 6), outside_share: 0 });
    expect([model.warnings, original.model.warnings]).toEqual([[], []]);
  });

  test('has the same figures in tiles of 60 m and after a run that stopped half-way', async () => {
    const { model } = await run(await writeJob('small', { tileM: 60 }));
    expect(model.domain).toEqual(plain.model.domain);
    const path = await writeJob('resumed'), loaded = await loadJob(path), plan = await planSurvey(loaded), runner = openTaskRunner(plan), blocks = plan.tasks.filter(({ kind }) => kind === 'model');
    await runner.run(blocks[0]!);
    await runner.close();
    expect((await run(path)).model.domain).toEqual(plain.model.domain);
  });

  test('is looked at where the survey has its area, in patches that meet it', async () => {
    await writeArea('area.geojson', 20); // 40 of 420 columns: the patches that meet it are 96 pixels wide
    const { model } = await run(await writeJob('west', { more: 'area: area.geojson\n' })), { model: small } = await run(await writeJob('west-small', { more: 'area: area.geojson\n', tileM: 60 })), columns = model.domain!.valid_px / HEIGHT;
    expect(columns).toBeGreaterThanOrEqual(40);
    expect(columns).toBeLessThan(40 + 2 * 96);
    expect(small.domain).toEqual(model.domain);
  });

  test('by the histogram too gets its stems back', async () => {
    const match = await fitted('histogram.json', { method: 'histogram' });
    expect(match.bands['red']!.method).toBe('histogram');
    const { model } = await run(await writeJob('histogram', { match: 'fits/histogram.json' }));
    expect(model.domain!.outputs['stems']!.mean / original.model.domain!.outputs['stems']!.mean).toBeCloseTo(1, 2);
    expect(model.warnings).toEqual([]);
  });

  test('says in the next run that the light has changed since', async () => {
    const path = await writeJob('nights', { ortho: 'bright.tif', use: 'plain' }), first = await run(path);
    const second = await run(await writeJob('nights', { ortho: 'dark.tif', use: 'plain' }));
    expect(first.model).toMatchObject({ domain: { notes: ['no statistics on the card'], last_run: null }, warnings: [] });
    expect(second.model.domain!.last_run).toMatchObject({ run_id: first.record.run_id, outputs: { stems: expect.closeTo(0.5, 6) } });
    expect(second.model.warnings!.join()).toMatch(/red: its mean lies .* in the last run.*stems: its mean .* is 0\.5 times that in the last run/);
  });
});

describe('a match in the job', () => {
  const refused = async (path: string): Promise<string> => readSurvey(await loadJob(path)).then(() => '', (error: Error) => error.message);

  test('of another network is refused with its line', async () => {
    const match = await fitted('ortho.json');
    await writeFile(join(dir, 'fits', 'other.json'), JSON.stringify({ ...match, card: { ...match.card, name: 'elms', sha256: 'e'.repeat(64) } }));
    expect(await refused(await writeJob('wrong', { match: 'fits/other.json' }))).toMatch(/wrong\.yaml:6: models\.0\.match: fits\/other\.json was made for elms .*, the model is counter .*understory fit JOB radiometry/);
  });

  test('that is none, is not there, or names another band is refused', async () => {
    const match = await fitted('ortho.json');
    await writeFile(join(dir, 'fits', 'odd.json'), JSON.stringify({ ...match, bands: { nr: match.bands['red'] } }));
    await writeFile(join(dir, 'fits', 'none.json'), '{"equations": []}');
    expect(await refused(await writeJob('wrong', { match: 'fits/odd.json' }))).toMatch(/:6: models\.0\.match: .*matches nr, the card has red, green, blue, nir/);
    expect(await refused(await writeJob('wrong', { match: 'fits/none.json' }))).toMatch(/none\.json is no radiometric match/);
    expect(await refused(await writeJob('wrong', { match: 'fits/nowhere.json' }))).toMatch(/:6: models\.0\.match: fits\/nowhere\.json matches no file/);
  });

  test('of other images is a note, and of the same none', async () => {
    await fitted('ortho.json');
    const notes = async (ortho: string) => (await readSurvey(await loadJob(await writeJob('noted', { ortho, match: 'fits/ortho.json' })))).notes.inputs.filter((text) => text.includes('match'));
    expect(await notes('dark.tif')).toEqual([]);
    expect(await notes('bright.tif')).toEqual([expect.stringMatching(/stems: its match ortho\.json was made from 1 image file\(s\), bright\.tif not among them/)]);
  });

  test('belongs to the keys of its blocks by what it does, not by where it lies', async () => {
    const match = await fitted('ortho.json'), keys = async (name: string) => (await planSurvey(await loadJob(await writeJob('keys', { match: name && `fits/${name}` })))).tasks.filter(({ kind }) => kind === 'model').map(({ key }) => key);
    await writeFile(join(dir, 'fits', 'copy.json'), JSON.stringify(match));
    await writeFile(join(dir, 'fits', 'brighter.json'), JSON.stringify({ ...match, bands: { red: { method: 'mean-sd', gain: 3, offset: 0 } } }));
    expect(await keys('copy.json')).toEqual(await keys('ortho.json'));
    expect(await keys('brighter.json')).not.toEqual(await keys('ortho.json'));
    expect(await keys('')).not.toEqual(await keys('ortho.json'));
  });
});

describe('what a match is fitted to', () => {
  test('is the pixels inside the area: of its western half the mean is that of the western half', async () => {
    await writeArea('half.geojson', WIDTH / 4);
    const west = redOf.filter((_, i) => i % WIDTH < WIDTH / 2), match = await fitted('west.json', {}, { more: 'area: half.geojson\n' });
    expect(match.sample!.pixels).toBe(west.length);
    expect(match.bands['red']).toMatchObject({ image: { mean: expect.closeTo(west.reduce((a, b) => a + b) / west.length / 2, 6) } });
  });

  test('of a large picture is one block in n, the same each time', async () => {
    const loaded = await loadJob(await writeJob('sampled')), { survey } = await readSurvey(loaded), made = async (name: string) => writeMatchFit(loaded, survey, { method: 'mean-sd', model: null, output: join(dir, name), enoughPx: 50_000 });
    const one = await made('a.json'), two = await made('b.json');
    expect(one.match.sample!.one_in).toBe(3); // 142,800 pixels, 50,000 wanted
    expect(one.match.sample!.pixels).toBeLessThan(WIDTH * HEIGHT);
    expect(await readFile(join(dir, 'a.json'), 'utf8')).toBe(await readFile(join(dir, 'b.json'), 'utf8'));
    expect(two.left).toEqual(['green: no statistics on the card', 'blue: no statistics on the card', 'nir: no input gives it']);
  });

  test('is refused where no card has statistics, or the name is of no model', async () => {
    await expect(fitted('x.json', {}, { use: 'plain' })).rejects.toThrow(/no model has an image and statistics of its bands on the card/);
    await expect(fitted('x.json', { model: 'elms' })).rejects.toThrow(/--model elms: no model of that name; there are stems/);
  });

  test('does not need the file that the job names already', async () => {
    expect((await fitted('later.json', {}, { match: 'fits/not-yet.json' })).bands['red']).toBeDefined();
    await expect(readModels(await loadJob(await writeJob('later', { match: 'fits/not-yet.json' })), await openFingerprints(dir, dir))).rejects.toThrow(/matches no file/);
  });
});
