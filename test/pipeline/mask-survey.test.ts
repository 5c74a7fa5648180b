// A survey's own map against a drawn mask: pixels, objects, voids, and what is refused.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crsFromEpsg } from '../../src/geo/crs.ts';
import { evaluateModelMap, isMaskPath } from '../../src/pipeline/mask-survey.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import { mergeSurvey, modelRow, reading, removeDir, runRow, temporaryDir } from '../store/survey.ts';

/** The map: 20 x 20 pixels of 1 m from (320000, 4100020) on, probability 0.5 in columns 4 to 7 of rows 2 to 5, 0.9 in one pixel far off; void in its last column. */
const X0 = 320_000, Y1 = 4_100_020, surveyCrs = crsFromEpsg(32611), SIDE = 20;
let dir: string, database: string;

beforeAll(async () => {
  dir = await temporaryDir();
  const card = { post: { threshold: 0.5, min_area_m2: 2 } };
  ({ path: database } = await mergeSurvey(dir, {}, { run: [runRow], model: [modelRow({ model: 'dead', task: 'segment', card }), modelRow({ model: 'stems' })] }));
  await mkdir(join(dir, 'rasters'));
  const data = new Float32Array(SIDE * SIDE), mask = Uint8Array.from(data, (_, i) => (i % SIDE === SIDE - 1 ? 0 : 1));
  for (let row = 2; row < 6; row++) for (let col = 4; col < 8; col++) data[row * SIDE + col] = 0.5;
  data[15 * SIDE + 15] = 0.9;
  await writeFile(join(dir, 'rasters', 'dead.tif'), encodeGeoTiff({ lattice: { resM: 1, x0M: 0, y0M: 0 }, window: { col: X0, row: -Y1, width: SIDE, height: SIDE }, bands: [data], mask, nodata: -9999, epsg: 32611 }));
}, 60_000);
afterAll(() => removeDir(dir));

/** A mask of half-metre pixels over the map, 255 where drawn; pixels of the map in metres from its corner. */
async function scored(name: string, drawn: (xM: number, southM: number) => boolean, { epsg = 32611, nodata = null as number | null, model = 'dead', east = 0 } = {}) {
  const side = 2 * SIDE, path = join(dir, name), data = Uint8Array.from({ length: side * side }, (_, i) => (drawn(((i % side) + 0.5) / 2, (Math.floor(i / side) + 0.5) / 2) ? 255 : 0));
  await writeFile(path, encodeGeoTiff({ lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window: { col: 2 * (X0 + east), row: -2 * Y1, width: side, height: side }, bands: [data], nodata, epsg }));
  const { rows, notes } = await reading(database, (connection) => evaluateModelMap(connection, model, path, { output: dir, surveyCrs }));
  return { notes, value: (metric: string) => rows.find((row) => row.metric === metric)?.value, metrics: rows.map(({ metric }) => metric) };
}
const box = (x0: number, y0: number, x1: number, y1: number) => (x: number, y: number) => x >= x0 && x < x1 && y >= y0 && y < y1;

describe('a mask of half-metre pixels over a map of 1 m', () => {
  test('that is drawn one metre to the east of what was found shares 12 of 20 m2; a found pixel of 1 m2 is no object', async () => {
    const { value, metrics, notes } = await scored('east.tif', box(5, 2, 9, 6));
    expect(value('pixel_iou')).toBeCloseTo(12 / 21, 6); // the lone pixel is found by mistake: 16 + 1 found, 16 drawn
    expect(value('pixel_precision')).toBeCloseTo(12 / 17, 6);
    expect(value('pixel_recall')).toBeCloseTo(12 / 16, 6);
    expect([value('object_precision'), value('object_recall')]).toEqual([1, 1]); // 12 / 20 of overlap, below 2 m2 none
    expect(metrics.some((metric) => metric.startsWith('tree_'))).toBe(false);
    expect(notes[0]).toBe('the map of dead from 0.5 on, over 95 % of the mask\'s pixels: the rest is void in one of them');
  });

  test('is judged where the map is valid: what is drawn on its void column is no miss', async () => {
    const { value } = await scored('void.tif', (x, y) => box(4, 2, 8, 6)(x, y) || x >= 19);
    expect([value('pixel_recall'), value('object_recall')]).toEqual([1, 1]);
  });

  test('reaches beyond the map: 10 m east of it only the western half is judged', async () => {
    const { value, notes } = await scored('beyond.tif', box(5, 15, 6, 16), { east: 10 }); // metres from the mask's corner: the lone pixel
    expect([value('pixel_precision'), value('pixel_recall')]).toEqual([1, 1]);
    expect(notes[0]).toContain('over 45 % of'); // 9 of its 20 m: 10 lie beyond the map, one is the map's void column
  });
});

test.each([
  ['of another CRS', { epsg: 32610 }, /is in EPSG:32610, the survey in EPSG:32611; bring it there: gdalwarp/],
  ['whose nodata is 0', { nodata: 0 }, /nodata is 0.*-unsetnodata/],
  ['of a model that makes no map of objects', { model: 'stems' }, /--of stems: is a model of task density and makes no map of objects/],
  ['of a model that there is not', { model: 'snags' }, /has no model snags; it has dead, stems/],
  ['beside the map', { east: 1000 }, /no pixel of it lies on valid pixels of the map of dead/],
])('a mask %s is refused with what to do', async (_, options, message) => {
  await expect(scored('refused.tif', box(0, 0, 1, 1), options)).rejects.toThrow(message);
});

test('a reference is a mask by its ending', () => {
  expect(['drawn.tif', 'drawn.TIFF', 'points.csv', 'crowns.geojson'].map(isMaskPath)).toEqual([true, true, false, false]);
});
