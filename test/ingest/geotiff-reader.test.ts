import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnderstoryError, UnsupportedInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import { BlockCache, openRaster } from '../../src/ingest/geotiff-reader.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';

const lattice = { resM: 0.5, x0M: 0, y0M: 0 };
const open = (bytes: Uint8Array, name = 'test.tif') => openRaster(bytesSource(name, bytes));

/** Four pixels by two: red 1 to 8, green 11 to 18. */
const small = (options: Partial<Parameters<typeof encodeGeoTiff>[0]> = {}) => encodeGeoTiff({
  lattice, window: { col: 904000, row: -8890000, width: 4, height: 2 }, epsg: 32611, tileSize: 16,
  bands: [Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]), Uint8Array.from([11, 12, 13, 14, 15, 16, 17, 18])], ...options,
});

test('a header says size, type, CRS and the outer corner of the north-western pixel', async () => {
  const { header } = await open(small());
  expect(header).toEqual({
    name: 'test.tif', width: 4, height: 2, bands: 2, sampleType: 'uint8', nodata: null, epsg: 32611, crsIsOwn: false, alpha: null,
    affine: { x0: 452000, y0: 4445000, resX: 0.5, resY: 0.5 },
  });
});

test('a window that reaches outside the file has voids there, and bands come in the order asked for', async () => {
  const { data, mask } = await (await open(small())).readWindow([1, 0], { col: 2, row: -1, width: 3, height: 2 });
  expect([...mask]).toEqual([0, 0, 0, 1, 1, 0]);
  expect([...data[0]!]).toEqual([0, 0, 0, 13, 14, 0]);
  expect([...data[1]!]).toEqual([0, 0, 0, 3, 4, 0]);
});

test('a window wholly outside is all void', async () => {
  const { mask } = await (await open(small())).readWindow([0], { col: 100, row: 100, width: 2, height: 2 });
  expect([...mask]).toEqual([0, 0, 0, 0]);
});

test('a zero that is data stays data: only nodata and masks void', async () => {
  const file = encodeGeoTiff({ lattice, window: { col: 0, row: 0, width: 2, height: 1 }, bands: [Float32Array.from([0, NaN])], epsg: 32611 });
  const { data, mask } = await (await open(file)).readWindow([0], { col: 0, row: 0, width: 2, height: 1 });
  expect([...mask]).toEqual([1, 1]);
  expect([...data[0]!]).toEqual([0, NaN]); // no nodata is declared, so NaN is a legal value
});

test('files that are no TIFF, or are cut short, end in an error that says what to do', async () => {
  await expect(open(new TextEncoder().encode('a,b\n1,2\n'))).rejects.toThrow(/cannot be read as a GeoTIFF.*check/);
  const whole = small({ window: { col: 0, row: 0, width: 64, height: 64 }, bands: [new Uint8Array(4096).map((_, i) => (i * 37) % 251)] });
  const cut = whole.slice(0, whole.length - 200);
  await expect((async () => (await open(cut)).readWindow([0], { col: 0, row: 0, width: 64, height: 64 }))()).rejects.toThrow(UnderstoryError);
});

test('a tile with damaged bytes names itself', async () => {
  const file = small({ window: { col: 0, row: 0, width: 64, height: 64 }, bands: [new Uint8Array(4096).map((_, i) => (i * 37) % 251)], tileSize: 64 });
  file.fill(0xff, file.length - 40);
  await expect((async () => (await open(file)).readWindow([0], { col: 0, row: 0, width: 64, height: 64 }))()).rejects.toThrow(/test.tif: tile 0,0 .*damaged/);
});

test('a band that the file lacks is named', async () => {
  await expect((await open(small())).readWindow([2], { col: 0, row: 0, width: 1, height: 1 })).rejects.toThrow(/has 2 bands, band 3 is asked for/);
});

test('blocks are decoded once while they fit the cache, and again when they do not', async () => {
  let loads = 0;
  const load = async () => (loads++, new Uint8Array(100));
  const cache = new BlockCache(250);
  for (const key of ['a', 'b', 'a', 'b']) await cache.get(key, load);
  expect(loads).toBe(2);
  await cache.get('c', load); // 300 bytes: a, the least recent, goes
  await cache.get('b', load);
  expect(loads).toBe(3);
  await cache.get('a', load);
  expect(loads).toBe(4);
});

test('a block that failed to load is tried again', async () => {
  const cache = new BlockCache();
  await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(cache.get('a', async () => new Uint8Array(1))).resolves.toHaveLength(1);
});

const python = '/usr/bin/python3';
const hasGdal = (() => {
  try {
    execFileSync(python, ['-c', 'from osgeo import gdal'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasGdal)("files that Debian's GDAL wrote (skipped where it is not installed)", () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'understory-tiff-'));
    execFileSync(python, [new URL('./geotiff-gdal.py', import.meta.url).pathname, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const openNamed = (name: string) => open(readFileSync(join(folder, `${name}.tif`)), name);
  const whole = { col: 0, row: 0, width: 75, height: 53 };
  const voidsLeftOf10 = Uint8Array.from({ length: 75 * 53 }, (_, i) => (i % 75 < 10 ? 0 : 1));

  test('every type, layout, codec, predictor and byte order gives the pixels that were written', async () => {
    const files = readdirSync(folder).filter((name) => name.startsWith('layout-'));
    expect(files.length).toBeGreaterThan(100);
    const wrong: string[] = [];
    for (const file of files) {
      const raster = await openNamed(file.slice(0, -4));
      const { data, mask } = await raster.readWindow([0, 2], { col: 20, row: 9, width: 50, height: 41 }); // crosses tiles and strips
      const right = [0, 2].every((band, k) => data[k]!.every((value, i) => value === (7 * (20 + (i % 50)) + 13 * (9 + Math.floor(i / 50)) + 31 * band) % 251));
      if (!right || mask.includes(0)) wrong.push(file);
    }
    expect(wrong).toEqual([]);
  });

  test('pixels of 1 and 4 bits are unpacked', async () => {
    const one = await (await openNamed('bits1')).readWindow([0], whole);
    expect(one.data[0]!.every((value, i) => value === ((i % 75) + Math.floor(i / 75)) % 2)).toBe(true);
    const four = await (await openNamed('bits4')).readWindow([1], whole);
    expect(four.data[0]!.every((value, i) => value === ((i % 75) + Math.floor(i / 75) + 1) % 16)).toBe(true);
  });

  // dark: nodata 0 in all three bands in the west, in blue alone elsewhere; signed: -9999 in one of two bands
  test.each(['alpha', 'mask', 'float-nodata', 'dark', 'signed'])('%s: the western 10 columns are void, the others valid', async (name) => {
    const raster = await openNamed(name), bands = Array.from({ length: raster.header.bands }, (_, i) => i);
    const { data, mask } = await raster.readWindow(bands, whole);
    expect(mask).toEqual(voidsLeftOf10);
    expect(data[0]![0]).toBe(0); // what stands under a void does not come out
  });

  test('an alpha band is no data band', async () => {
    const { header } = await openNamed('alpha');
    expect([header.bands, header.alpha]).toEqual([3, 3]);
  });

  test('NaN as nodata voids, in whichever band it stands; a zero beside it is data', async () => {
    const raster = await openNamed('nan');
    expect((await raster.readWindow([0, 1], whole)).mask).toEqual(voidsLeftOf10);
    expect((await raster.readWindow([0], whole)).mask.includes(0)).toBe(false);
  });

  test('blocks that were never written are voids, not zeros', async () => {
    const { mask } = await (await openNamed('sparse')).readWindow([0], whole);
    expect(mask.subarray(0, 16 * 75).includes(1)).toBe(false);
    expect(mask.subarray(16 * 75).includes(0)).toBe(false);
  });

  test('a file whose tie point is a pixel centre lies where the same file with corners lies', async () => {
    expect((await openNamed('point')).header.affine).toEqual((await openNamed('layout-Byte-tiles')).header.affine);
  });

  test('a file without a place has none; it is not put at the origin', async () => {
    const { header } = await openNamed('noplace');
    expect([header.affine, header.epsg]).toEqual([null, null]);
  });

  test.each([
    ['rotated', /rotated; turn it north-up with gdalwarp/], ['southup', /rows northward.*gdalwarp/], ['gcp', /ground control points; rectify it with gdalwarp/],
    ['palette', /colour table; expand it with gdal_translate -expand rgb/], ['ycbcr', /YCbCr.*gdal_translate/], ['webp', /compression 50001 is not read; convert it with gdal_translate/],
  ])('%s is refused with the command that helps', async (name, message) => {
    await expect(openNamed(name)).rejects.toThrow(UnsupportedInput);
    await expect(openNamed(name)).rejects.toThrow(message);
  });

  test('a float nodata with more digits than a pixel holds still voids', async () => {
    expect((await openNamed('float-nodata')).header.nodata).toBeLessThan(-3e38);
  });
});

const odd = new URL('../../../shared/data/conformance/tiff/', import.meta.url).pathname;

test.skipIf(!existsSync(odd))('odd and broken files are read, or end in an error of ours (skipped where the collection is not at hand)', async () => {
  const outcomes = { read: 0, refused: 0 }, untyped: string[] = [];
  for (const name of readdirSync(odd).filter((name) => /\.tiff?$/.test(name))) {
    try {
      const { header, readWindow } = await open(readFileSync(join(odd, name)), name);
      const all = Array.from({ length: header.bands }, (_, i) => i);
      await readWindow(all, { col: 0, row: 0, width: Math.min(header.width, 700), height: Math.min(header.height, 700) });
      outcomes.read++;
    } catch (error) {
      if (error instanceof UnderstoryError && error.message.startsWith(name)) outcomes.refused++;
      else untyped.push(`${name}: ${String(error)}`);
    }
  }
  expect(untyped).toEqual([]);
  expect(outcomes.read).toBeGreaterThan(90);
});
