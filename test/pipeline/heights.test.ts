import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { readSurvey } from '../../src/pipeline/read-survey.ts';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { openDuck } from '../../src/store/duck.ts';
import { runVariant, writeVariant } from './survey.ts';

let scratch: string, lidar: RunRecord;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-heights-'));
  lidar = (await runVariant(await writeVariant(join(scratch, 'lidar'), { tileM: 500 }))).record;
});
afterAll(() => rm(scratch, { recursive: true }));

const made = (name: string): string => join(scratch, 'lidar', 'out', 'rasters', `${name}.tif`);
async function rows(name: string, sql: string): Promise<unknown[][]> {
  const duck = await openDuck(join(scratch, name, 'out', 'survey.duckdb'), { readOnly: true });
  try {
    return (await duck.connection.runAndReadAll(sql)).getRowsJS();
  } finally {
    duck.close();
  }
}
const has = (tool: string): boolean => { try { execFileSync(tool, ['--version']); return true; } catch { return false; } };

/** A survey of height rasters alone, with the sample's stands. */
async function writeHeights(name: string, { tileM = 100, workers = 1, chm = made('chm'), keys = '', more = '' } = {}): Promise<string> {
  const dir = join(scratch, name);
  await mkdir(dir, { recursive: true });
  await cp(join(scratch, 'lidar', 'stands.geojson'), join(dir, 'stands.geojson'));
  await cp(chm, join(dir, 'chm.tif'));
  await writeFile(join(dir, 'job.yaml'), `survey: tiny
output: out
inputs:
  chm: { files: [chm.tif]${keys} }
  stands: { file: stands.geojson, id: stand_no }
tiles: { size_m: ${tileM} }
run: { workers: ${workers} }
${more}`);
  return join(dir, 'job.yaml');
}

/** Trees without their ids, which name the source. */
const TREES = "SELECT x_m, y_m, height_m, crown_area_m2, list_contains(flags, 'near_void') FROM tree WHERE source IN ('lidar', 'chm') AND x_m BETWEEN 320050 AND 320150 AND y_m BETWEEN 4100060 AND 4100140 ORDER BY ALL";

describe('a survey of a canopy height model alone', () => {
  test('finds the trees that LiDAR gave on the same pixels, and has no LiDAR metrics', async () => {
    const { record } = await runVariant(await writeHeights('whole', { tileM: 500 }));
    expect(record.canonical['tree']!.rows).toBeGreaterThan(300);
    expect(await rows('whole', TREES)).toEqual(await rows('lidar', TREES));
    expect(await rows('whole', 'SELECT count(*)::INT, count(zmax)::INT, count(canopy_cover) > 0 FROM cell')).toEqual([[expect.any(Number), 0, true]]);
    expect(await rows('whole', 'SELECT DISTINCT source FROM tree')).toEqual([['chm']]);
    const figures = 'SELECT stand_id, stems_per_ha, round(valid_ha_lidar, 3), round(canopy_cover, 4), gap_count FROM stand_metrics ORDER BY stand_id';
    expect(await rows('whole', figures)).toEqual(await rows('lidar', figures));
    expect(record.canonical_rasters['chm']).toEqual(lidar.canonical_rasters['chm']);
  });

  test('gives one result in tiles of 60, 100 and 500 m, by one worker and by two', async () => {
    const large = (await runVariant(join(scratch, 'whole', 'job.yaml'))).record;
    for (const [name, tileM, workers] of [['small', 60, 2], ['middle', 100, 1]] as const) {
      const { record } = await runVariant(await writeHeights(name, { tileM, workers }));
      expect(record.canonical).toEqual(large.canonical);
      expect(record.canonical_rasters).toEqual(large.canonical_rasters);
    }
  });

  test('in feet gives the same heights within 1 mm', async () => {
    if (!has('gdal_translate')) return;
    const feet = join(scratch, 'feet.tif');
    execFileSync('gdal_calc.py', ['-A', made('chm'), `--outfile=${feet}`, '--calc=A/0.3048', '--NoDataValue=-9999', '--type=Float64', '--quiet']);
    await runVariant(await writeHeights('feet', { chm: feet, keys: ', z_unit: foot' }));
    expect(await rows('feet', 'SELECT count(*)::INT FROM tree')).toEqual(await rows('whole', 'SELECT count(*)::INT FROM tree'));
    const tops = (name: string) => rows(name, 'SELECT x_m, y_m, round(height_m, 2) FROM tree ORDER BY height_m DESC, x_m LIMIT 50');
    expect(await tops('feet')).toEqual(await tops('whole'));
  });

  test.skipIf(!has('gdal_translate'))('on a lattice of its own, off the grid of tiles, gives one result whatever the tiling', async () => {
    const off = join(scratch, 'off.tif');
    execFileSync('gdalwarp', ['-q', '-tr', '0.7', '0.7', '-te', '320030.3', '4100040.2', '320166.1', '4100154', '-r', 'average', made('chm'), off]);
    const results = [];
    for (const [name, tileM] of [['off-small', 60], ['off-large', 500]] as const) results.push((await runVariant(await writeHeights(name, { tileM, chm: off }))).record);
    expect(results[0]!.canonical['tree']!.rows).toBeGreaterThan(200);
    expect(results[0]!.canonical).toEqual(results[1]!.canonical);
    expect(results[0]!.canonical_rasters).toEqual(results[1]!.canonical_rasters);
  });

  test.skipIf(!has('gdal_translate'))('stored tiled, striped, as BigTIFF, with NaN, with a mask: the same trees', async () => {
    const forms: Record<string, string[]> = {
      striped: ['-co', 'TILED=NO'], tiled: ['-co', 'TILED=YES', '-co', 'BLOCKXSIZE=64', '-co', 'BLOCKYSIZE=64', '-co', 'COMPRESS=LZW'], big: ['-co', 'BIGTIFF=YES', '-co', 'COMPRESS=DEFLATE', '-co', 'PREDICTOR=3'],
      nan: [], masked: ['-mask', 'mask,1', '--config', 'GDAL_TIFF_INTERNAL_MASK', 'YES'],
    };
    const whole = (await runVariant(join(scratch, 'whole', 'job.yaml'))).record;
    for (const [name, options] of Object.entries(forms)) {
      const file = join(scratch, `${name}.tif`);
      if (name === 'nan') execFileSync('gdalwarp', ['-q', '-dstnodata', 'nan', made('chm'), file]);
      else if (name === 'masked') execFileSync('gdal_translate', ['-q', ...options, '-a_nodata', 'none', made('chm'), file]);
      else execFileSync('gdal_translate', ['-q', ...options, made('chm'), file]);
      const { record } = await runVariant(await writeHeights(`form-${name}`, { chm: file, tileM: 500 }));
      expect(record.canonical['tree'], name).toEqual(whole.canonical['tree']);
      expect(record.canonical_rasters['chm'], name).toEqual(whole.canonical_rasters['chm']);
    }
  });

  test.skipIf(!has('gdal_translate'))('with 0 declared as nodata says so: ground would be missing', async () => {
    const zero = join(scratch, 'zero.tif');
    execFileSync('gdal_calc.py', ['-A', made('chm'), `--outfile=${zero}`, '--calc=A', '--NoDataValue=0', '--quiet']);
    const { notes } = await readSurvey(await loadJob(await writeHeights('zero', { chm: zero })));
    expect(notes.inputs.join('\n')).toMatch(/chm\.tif: declares nodata 0.*gdal_edit\.py -unsetnodata/);
  });
});

describe('area and mask', () => {
  const square = (x0: number, y0: number, x1: number, y1: number) => ({ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]] } });
  const layer = (...features: object[]): string => JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features });

  test('trees count by apex and pixels by centre, whatever the tiling; figures are those of what is left', async () => {
    const results = [];
    for (const [name, tileM] of [['area-small', 60], ['area-large', 500]] as const) {
      const job = await writeHeights(name, { tileM, more: 'area: area.geojson\n' });
      await writeFile(join(scratch, name, 'area.geojson'), layer(square(320060, 4100050, 320110, 4100100), square(320100, 4100090, 320120, 4100110)));
      results.push((await runVariant(job)).record);
    }
    expect(results[0]!.canonical).toEqual(results[1]!.canonical);
    expect(results[0]!.canonical_rasters).toEqual(results[1]!.canonical_rasters);
    const inside = '(x_m >= 320060 AND x_m < 320110 AND y_m >= 4100050 AND y_m < 4100100) OR (x_m >= 320100 AND x_m < 320120 AND y_m >= 4100090 AND y_m < 4100110)';
    expect(await rows('area-large', 'SELECT tree_id FROM tree ORDER BY 1')).toEqual(await rows('whole', `SELECT tree_id FROM tree WHERE ${inside} ORDER BY 1`));
    // 50 x 50 + 20 x 20 - 10 x 10 where they overlap, less voids: pixels of 0.25 m2
    expect(await rows('area-large', 'SELECT round(area_ha, 4) FROM survey_metrics')).toEqual([[0.28]]);
    expect(await rows('area-large', "SELECT sum(valid_m2) <= 2800 FROM survey_part")).toEqual([[true]]);
  });

  test('an area that moves computes again only the tiles on its edge, and no crowns', async () => {
    const job = join(scratch, 'area-small', 'job.yaml');
    await writeFile(join(scratch, 'area-small', 'area.geojson'), layer(square(320060, 4100050, 320110, 4100101), square(320100, 4100090, 320120, 4100110)));
    const { result } = await runVariant(job);
    expect(result.tasksRun).toBeGreaterThan(0);
    expect(result.tasksRun).toBeLessThanOrEqual(result.plan.tasks.filter(({ kind }) => kind === 'measure').length + 1);
  });

  test('nothing is reported inside a mask, and its area is a void with that reason', async () => {
    const job = await writeHeights('mask', { more: '' });
    await writeFile(join(scratch, 'mask', 'clouds.geojson'), layer(square(320060, 4100050, 320080, 4100070)));
    await writeFile(job, (await readFile(job, 'utf8')).replace('  stands:', '  mask: { files: [clouds.geojson] }\n  stands:'));
    const { result } = await runVariant(job);
    expect(result.exitCode).toBe(0);
    expect(await rows('mask', 'SELECT count(*)::INT FROM tree WHERE x_m >= 320060 AND x_m < 320080 AND y_m >= 4100050 AND y_m < 4100070')).toEqual([[0]]);
    expect(await rows('mask', "SELECT round(sum(area_m2)) FROM void WHERE reason = 'masked'")).toEqual([[400]]);
  });
});
