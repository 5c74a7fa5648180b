// One survey in metres, in US feet, in another zone and in degrees, its stands in a third CRS: one inventory. And what is said where a file does not say enough.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { crsFromEpsg, transformer } from '../../src/geo/crs.ts';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { readSurvey } from '../../src/pipeline/read-survey.ts';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { planSurvey } from '../../src/pipeline/run.ts';
import { openDuck } from '../../src/store/duck.ts';
import type { Rewriting } from './rewrite-las.ts';
import { rewriteLidar } from './rewrite-las.ts';
import { runVariant, writeVariant } from './survey.ts';

const US_FOOT = 1200 / 3937;
const NAD83 = 'GEOGCS["NAD83",DATUM["North_American_Datum_1983",SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4269"]]';
const UTM = `PROJCS["WGS 84 / UTM zone 11N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],UNIT["metre",1],AUTHORITY["EPSG","32611"]]`;
const FEET = `PROJCS["NAD83 / California zone 4 (ftUS)",${NAD83},PROJECTION["Lambert_Conformal_Conic_2SP"],UNIT["US survey foot",0.304800609601219],AUTHORITY["EPSG","2228"]]`;
const ALBERS = `PROJCS["NAD83 / California Albers",${NAD83},PROJECTION["Albers_Conic_Equal_Area"],UNIT["metre",1],AUTHORITY["EPSG","3310"]]`;
const vertical = (name: string, unit: string, code: number) => `VERT_CS["${name}",VERT_DATUM["North American Vertical Datum 1988",2005],${unit},AXIS["Up",UP],AUTHORITY["EPSG","${code}"]]`;
const IN_METRES = vertical('NAVD88 height', 'UNIT["metre",1]', 5703), IN_FEET = vertical('NAVD88 height (ftUS)', 'UNIT["US survey foot",0.304800609601219]', 6360);
const compound = (horizontal: string, height: string) => `COMPD_CS["both",${horizontal},${height}]`;

/** A pixel of the CHM as a share of the smallest stand, 0.2 ha: an opening has it or has it not. */
const ONE_PIXEL = 0.25 / 1900;

const METRES_FILE: Rewriting = { epsg: 32611, zToMetre: 1, scale: [1e-4, 1e-4, 0.001], wkt: UTM };
/** Finer than any scanner, so that rounding to 1e-5 m gives the same numbers again. */
const FEET_FILE: Rewriting = { epsg: 2228, zToMetre: US_FOOT, scale: [1e-6, 1e-6, 1e-6], wkt: compound(FEET, IN_FEET) };
const ALBERS_FILE: Rewriting = { epsg: 3310, zToMetre: 1, scale: [1e-6, 1e-6, 0.001], wkt: ALBERS };
/** As files are delivered: 0.3 mm, and a tenth of a millimetre. */
const COARSE_FEET_FILE: Rewriting = { ...FEET_FILE, scale: [0.001, 0.001, 0.001] };
const DEGREES_FILE: Rewriting = { epsg: 4269, zToMetre: 1, scale: [1e-9, 1e-9, 0.001], wkt: compound(NAD83, IN_METRES) };

let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-units-')); });
afterAll(() => rm(scratch, { recursive: true }));

/** The sample without its picture, written again; `keys` are lines of the job file's top, `lidar` keys of its point clouds. */
async function surveyIn(name: string, rewritings: Rewriting[], { keys = '', lidar = '' }: { keys?: string; lidar?: string } = {}): Promise<string> {
  const job = await writeVariant(join(scratch, name), { tileM: 500, edit: (text) => keys + text.replace(/ {2}images:\n.*\n/, '').replace(/models:\n.*\n/, '').replace(/exports:[^]*?(?=run:)/, '').replace('[lidar/*.las]', `[lidar/*.las]${lidar}`) });
  for (const rewriting of rewritings) await rewriteLidar(dirname(job), rewriting);
  return job;
}

interface Tree {
  id: string;
  x: number;
  y: number;
  height: number;
}

interface Inventory {
  record: RunRecord;
  trees: Tree[];
  stands: Record<string, unknown>[];
}

async function inventoryOf(job: string): Promise<Inventory> {
  const { record } = await runVariant(job), duck = await openDuck(join(dirname(job), 'out', 'survey.duckdb'), { readOnly: true });
  try {
    const rows = async (sql: string) => (await duck.connection.runAndReadAll(sql)).getRowObjectsJS();
    const trees = await rows('SELECT tree_id AS id, x_m AS x, y_m AS y, height_m AS height FROM tree ORDER BY tree_id') as unknown as Tree[];
    return { record, trees, stands: await rows('SELECT * FROM stand_metrics ORDER BY stand_id') };
  } finally {
    duck.close();
  }
}

/** The stands in another CRS than the files and the survey. */
async function moveStands(job: string, epsg: number): Promise<void> {
  interface Layer { features: { geometry: { coordinates: [number, number][][] } }[] }
  const path = join(dirname(job), 'stands.geojson'), layer = JSON.parse(await readFile(path, 'utf8')) as Layer, transform = transformer(crsFromEpsg(4326), crsFromEpsg(epsg));
  for (const { geometry } of layer.features) geometry.coordinates = geometry.coordinates.map((ring) => ring.map(([x, y]) => transform(x, y)));
  await writeFile(path, JSON.stringify({ ...layer, crs: { type: 'name', properties: { name: `urn:ogc:def:crs:EPSG::${epsg}` } } }));
}

describe('one survey is one inventory', () => {
  let metres: Inventory;
  beforeAll(async () => { metres = await inventoryOf(await surveyIn('metres', [METRES_FILE])); }, 240_000);

  test('bit for bit, with one file in US feet and feet of height, one in another projection, stands in a third CRS, and no line in the job file', { timeout: 240_000 }, async () => {
    const job = await surveyIn('mixed', [{ ...FEET_FILE, only: (name) => name.endsWith('1.las') }, { ...ALBERS_FILE, only: (name) => name.endsWith('2.las') }]);
    await moveStands(job, 26910);
    const { record } = await inventoryOf(job);
    expect(metres.trees.length).toBeGreaterThan(300);
    expect(record.canonical).toEqual(metres.record.canonical);
    // the terrain is filled in beyond the returns, up to the box of the inputs: that box is larger here
    const { chm, valid_area } = metres.record.canonical_rasters;
    expect(record.canonical_rasters).toMatchObject({ chm, valid_area });
  });

  test('trees to 2 cm, heights to 1 cm, figures to 0.1 %, with one file in US survey feet of 0.001 and one in degrees of 1e-9', { timeout: 240_000 }, async () => {
    const job = await surveyIn('coarse', [{ ...COARSE_FEET_FILE, only: (name) => name.endsWith('1.las') }, { ...DEGREES_FILE, only: (name) => name.endsWith('2.las') }], { keys: 'crs: EPSG:32611\n' });
    const { trees, stands } = await inventoryOf(job);
    expect(trees.map(({ id }) => id)).toEqual(metres.trees.map(({ id }) => id)); // an id is the place of the apex in whole centimetres
    const worst = (of: (tree: Tree) => number) => Math.max(...metres.trees.map((tree, i) => Math.abs(of(tree) - of(trees[i]!))));
    expect(worst(({ x }) => x)).toBeLessThan(0.01);
    expect(worst(({ y }) => y)).toBeLessThan(0.01);
    expect(worst(({ height }) => height)).toBeLessThan(0.01);
    for (const [i, stand] of metres.stands.entries()) {
      for (const [figure, value] of Object.entries(stand)) {
        const other = stands[i]![figure];
        if (typeof value !== 'number') expect(other, figure).toEqual(value);
        else expect(Math.abs((other as number) - value), `${figure} of stand ${String(stand['stand_id'])}`).toBeLessThanOrEqual(Math.max(0.001 * Math.abs(value), figure === 'gap_share' ? ONE_PIXEL : 0));
      }
    }
  });
});

describe('where a file does not say enough, or says what cannot be', () => {
  const FEET_ONLY = { ...FEET_FILE, wkt: FEET };
  const refusal = async (name: string, rewriting: Rewriting, job: { keys?: string; lidar?: string } = {}): Promise<string> => {
    const path = await surveyIn(name, [rewriting], job), loaded = await loadJob(path);
    const error = await readSurvey(loaded).then(() => null, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message.replaceAll(`${dirname(path)}/`, '');
  };

  test('no CRS: the line to add', async () => {
    expect(await refusal('none', { ...FEET_FILE, wkt: null }, { keys: 'crs: EPSG:32611\n' })).toBe('lidar/tiny-1.las: its CRS is unknown: it states no CRS; add the line `crs: EPSG:N` to inputs.lidar in job.yaml');
  });

  test('feet without a unit of height: the line to add, and with it the run goes on', async () => {
    expect(await refusal('no-z', FEET_ONLY)).toBe('lidar/tiny-1.las: the unit of its heights is unknown: x and y are in US survey foot (EPSG:2228 (NAD83 / California zone 4 (ftUS))), and no vertical CRS is stated; add the line `z_unit: us-foot` (or metre, or foot) to inputs.lidar in job.yaml');
    const { survey, notes } = await readSurvey(await loadJob(await surveyIn('with-z', [FEET_ONLY], { lidar: ', z_unit: us-foot' })));
    expect(survey.crs.epsg).toBe(32611);
    expect(survey.lidar.map(({ conversion }) => conversion)).toEqual([{ epsg: 2228, zToMetre: US_FOOT }, { epsg: 2228, zToMetre: US_FOOT }]);
    expect(notes.inputs.find((note) => note.startsWith('lidar:'))).toMatch(/^lidar: 2 files in EPSG:2228 .*, brought to EPSG:32611 .*; z in US survey feet, as the job file says$/);
  });

  test('degrees without a unit of height', async () => {
    expect(await refusal('degrees-no-z', { ...DEGREES_FILE, wkt: NAD83 })).toBe('lidar/tiny-1.las: the unit of its heights is unknown: x and y are in degree (EPSG:4269 (NAD83)), and no vertical CRS is stated; add the line `z_unit: metre` (or foot, or us-foot) to inputs.lidar in job.yaml');
  });

  test('a job file that contradicts the files', async () => {
    expect(await refusal('other-crs', FEET_FILE, { lidar: ', crs: EPSG:2229' })).toBe('lidar/tiny-1.las: states EPSG:2228 (NAD83 / California zone 4 (ftUS)), but inputs.lidar.crs is EPSG:2229 (NAD83 / California zone 5 (ftUS)); correct it, or add `override: true` to inputs.lidar in job.yaml');
    expect(await refusal('other-z', FEET_FILE, { lidar: ', z_unit: metre' })).toBe('lidar/tiny-1.las: states heights in US survey feet (EPSG:6360 (NAVD88 height (ftUS))), but inputs.lidar.z_unit is metre; correct it, or add `override: true` to inputs.lidar in job.yaml');
  });

  test('coordinates that lie off their CRS are a fault of the file, not a place', async () => {
    const { survey, notes } = await readSurvey(await loadJob(await surveyIn('off', [{ ...FEET_FILE, wkt: compound(NAD83, IN_METRES), only: (name) => name.endsWith('2.las') }], { keys: 'crs: EPSG:32611\n' })));
    expect(survey.lidar.map(({ path }) => path)).toEqual([expect.stringContaining('tiny-1.las')]);
    expect(notes.faults).toEqual([{ input: 'lidar', path: expect.stringContaining('tiny-2.las'), reason: expect.stringMatching(/the box of its header lies at longitude \d+\.\d+, latitude \d+\.\d+, off the area of use of EPSG:4269 \(NAD83\); correct the CRS with crs and override: true/) }]);
  });
});

test('a box from another CRS holds every return of the file, and its key changes with the unit', async () => {
  const job = await surveyIn('box', [FEET_FILE]), own = await readSurvey(await loadJob(await surveyIn('own', [METRES_FILE]))), other = await readSurvey(await loadJob(job));
  own.survey.lidar.forEach(({ box, conversion }, i) => {
    const grown = other.survey.lidar[i]!.box;
    expect(conversion).toBeNull();
    expect([grown.x0 < box.x0, grown.y0 < box.y0, grown.x1 > box.x1, grown.y1 > box.y1]).toEqual([true, true, true, true]);
    expect(grown.x1 - grown.x0 - (box.x1 - box.x0)).toBeLessThan(10); // turned by a degree, and a metre on each side
  });
  const keys = async (z: string) => (await planSurvey(await loadJob(await surveyIn(`key-${z}`, [{ ...FEET_FILE, wkt: FEET }], { lidar: `, z_unit: ${z}` })))).tasks.filter(({ kind }) => kind === 'bucket').map(({ key }) => key);
  const [foot, usFoot] = [await keys('foot'), await keys('us-foot')];
  expect(foot).toHaveLength(2);
  expect(foot.some((key) => usFoot.includes(key))).toBe(false);
});
