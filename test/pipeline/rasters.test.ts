import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFile } from '../../src/files/byte-source.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { recutLidar, runVariant, writeVariant } from './survey.ts';

let scratch: string, dir: string, job: string, whole: RunRecord;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-rasters-'));
  dir = join(scratch, 'whole');
  job = await writeVariant(dir, { tileM: 500 });
  whole = (await runVariant(job)).record;
});
afterAll(() => rm(scratch, { recursive: true }));

const rasterPath = (name: string): string => join(dir, 'out', 'rasters', `${name}.tif`);

async function readRaster(name: string) {
  const raster = await openRaster(await openFile(rasterPath(name))), { header } = raster;
  const { data, mask } = await raster.readWindow([0], { col: 0, row: 0, width: header.width, height: header.height });
  await raster.close();
  return { header, data: [...data[0]!], mask: [...mask] };
}

/** When each file was put in place: another inode is another file. */
const inodes = async (): Promise<Record<string, number>> =>
  Object.fromEntries(await Promise.all(['chm', 'dtm', 'valid_area', 'stems'].map(async (name) => [name, (await stat(rasterPath(name))).ino])));

test('a run leaves CHM, DTM, valid area and one map a model, in the survey\'s CRS, and says their hashes', async () => {
  expect((await readdir(dirname(rasterPath('chm')))).sort()).toEqual(['chm.tif', 'dtm.tif', 'rasters.json', 'stems.tif', 'valid_area.tif']);
  expect(Object.keys(whole.canonical_rasters).sort()).toEqual(['chm', 'dtm', 'stems', 'valid_area']);
  const chm = await readRaster('chm'), valid = await readRaster('valid_area');
  expect(chm.header).toMatchObject({ epsg: 32611, nodata: -9999, affine: { resX: 0.5, resY: 0.5 } });
  expect(valid.data).toEqual(chm.mask);
  expect(whole.canonical_rasters['chm']!.valid_px).toBe(chm.mask.filter((ok) => ok === 1).length);
});

test('rasters are the same in tiles of 60 m from returns shuffled, cut into other files and delivered twice', async () => {
  const other = await writeVariant(join(scratch, 'recut'), { tileM: 60, workers: 2 });
  await recutLidar(dirname(other));
  expect((await runVariant(other)).record.canonical_rasters).toEqual(whole.canonical_rasters);
});

test('a new equation leaves the files of the rasters alone; one that is gone is made again', async () => {
  const before = await inodes();
  await rm(rasterPath('dtm'));
  await writeVariant(dir, { tileM: 500, edit: (text) => text.replace('allometry:', 'allometry:\n  dbh: jucker-2017/nearctic-conifer') });
  const { record } = await runVariant(job), after = await inodes();
  expect(record.canonical_rasters).toEqual(whole.canonical_rasters);
  expect({ ...after, dtm: 0 }).toEqual({ ...before, dtm: 0 });
});

test('a survey without its model loses the map, and a coarser CHM replaces the old one', async () => {
  await writeVariant(dir, { tileM: 500, edit: (text) => `${text.replace(/^models:\n.*\n/m, '')}chm: { method: p2r, resolution_m: 1 }\n` });
  const { record } = await runVariant(job);
  expect((await readdir(dirname(rasterPath('chm')))).sort()).toEqual(['chm.tif', 'dtm.tif', 'rasters.json', 'valid_area.tif']);
  expect((await readRaster('chm')).header.affine).toMatchObject({ resX: 1, resY: 1 });
  expect(record.canonical_rasters['dtm']).toEqual(whole.canonical_rasters['dtm']);
  expect(record.canonical_rasters['chm']).not.toEqual(whole.canonical_rasters['chm']);
});
