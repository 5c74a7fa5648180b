import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnderstoryError, UnsupportedInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import { BlockCache, heightWarnings, levelFor, openRaster } from '../../src/ingest/geotiff-reader.ts';
import { openImage, planImage, readImageWindow, readRasterHeader } from '../../src/ingest/image-source.ts';
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
    affine: { x0: 452000, y0: 4445000, resX: 0.5, resY: 0.5 }, verticalEpsg: null, dateTime: null,
    bandFacts: [{ name: null, unit: null, scale: 1, offset: 0 }, { name: null, unit: null, scale: 1, offset: 0 }],
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

/** A classic little-endian TIFF of tags alone: [tag, type, count, value or offset]. */
function tiffOf(tags: [number, number, number, number][], { next = 0, size = 4096 } = {}): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  [0x49, 0x49, 42, 0].forEach((byte, i) => view.setUint8(i, byte));
  view.setUint32(4, 8, true);
  writeDirectory(view, 8, tags, next);
  return new Uint8Array(view.buffer);
}
function writeDirectory(view: DataView, start: number, tags: [number, number, number, number][], next: number): void {
  view.setUint16(start, tags.length, true);
  tags.forEach(([tag, type, count, value], i) => {
    const at = start + 2 + 12 * i;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, count, true);
    view.setUint32(at + 8, value, true);
  });
  view.setUint32(start + 2 + 12 * tags.length, next, true);
}
const SHORT = 3, LONG = 4;
const grey = (width: number, height: number, blocks: [number, number, number, number][]): [number, number, number, number][] =>
  [[256, LONG, 1, width], [257, LONG, 1, height], [258, SHORT, 1, 8], [259, SHORT, 1, 1], [262, SHORT, 1, 1], [277, SHORT, 1, 1], ...blocks];
const strips = (count: number, at = 512): [number, number, number, number][] => [[273, LONG, count, at], [278, LONG, 1, 1], [279, LONG, count, at]];

describe('a mask in strips', () => {
  const width = 10, height = 5, valueAt = (col: number, row: number) => 1 + 10 * row + col, isValid = (col: number, row: number) => (col + row) % 3 !== 0;
  /** Bytes in strips of some rows, the last one shorter, with the tables of where they stand and how long they are. */
  function writeStrips(bytes: Uint8Array, rows: Uint8Array[], rowsPerStrip: number, tables: number, at: number): [number, number, number, number][] {
    const view = new DataView(bytes.buffer), count = Math.ceil(height / rowsPerStrip);
    for (let strip = 0, start = at; strip < count; strip++) {
      const data = rows.slice(strip * rowsPerStrip, (strip + 1) * rowsPerStrip).flatMap((row) => [...row]);
      bytes.set(data, start);
      view.setUint32(tables + 4 * strip, start, true);
      view.setUint32(tables + 64 + 4 * strip, data.length, true);
      start += data.length + 3; // strips need not touch
    }
    const listed = (table: number) => (count === 1 ? view.getUint32(table, true) : table); // a single value stands in the tag itself
    return [[273, LONG, count, listed(tables)], [278, LONG, 1, rowsPerStrip], [279, LONG, count, listed(tables + 64)]];
  }
  /** Grey pixels in strips of 2 rows, and a mask of 1 bit a pixel, whose rows are padded to bytes. */
  function masked(rowsPerStrip: number): Uint8Array {
    const bytes = new Uint8Array(4096), rowsOf = (of: (row: number) => Uint8Array) => Array.from({ length: height }, (_, row) => of(row));
    const image = writeStrips(bytes, rowsOf((row) => Uint8Array.from({ length: width }, (_, col) => valueAt(col, row))), 2, 600, 1000);
    const mask = writeStrips(bytes, rowsOf((row) => {
      const bits = new Uint8Array(2);
      for (let col = 0; col < width; col++) if (isValid(col, row)) bits[col >> 3]! |= 0x80 >> (col & 7);
      return bits;
    }), rowsPerStrip, 800, 2000);
    bytes.set(tiffOf(grey(width, height, image), { next: 300, size: 200 }));
    writeDirectory(new DataView(bytes.buffer), 300, [[254, LONG, 1, 4], [256, LONG, 1, width], [257, LONG, 1, height], [258, SHORT, 1, 1], [259, SHORT, 1, 1], [262, SHORT, 1, 4], [277, SHORT, 1, 1], ...mask], 0);
    return bytes;
  }

  test.each([[2, 'as those of the image'], [3, 'others than those of the image'], [8, 'one strip longer than the image']])('of %i rows (%s) voids the pixels that it says, each by its own bit', async (rowsPerStrip) => {
    const raster = await open(masked(rowsPerStrip)), window = { col: 3, row: -1, width: 9, height: 6 }; // crosses strips and the edge
    const { data, mask } = await raster.readWindow([0], window), places = Array.from(mask, (_, i) => [window.col + (i % 9), window.row + Math.floor(i / 9)] as const);
    const right = places.map(([col, row]) => (row >= 0 && col < width && isValid(col, row) ? 1 : 0));
    expect([...mask]).toEqual(right);
    expect([...data[0]!]).toEqual(places.map(([col, row], i) => (right[i] ? valueAt(col, row) : 0)));
  });
});

describe('a header is checked before anything is allocated on its word', () => {
  test.each([
    ['a trillion pixels', tiffOf(grey(2 ** 31, 2 ** 31, strips(1))), /says that it holds 2147483648 x 2147483648 pixels, more than/],
    ['billions of tiles', tiffOf(grey(2 ** 20, 2 ** 19, [[322, LONG, 1, 16], [323, LONG, 1, 16], [324, LONG, 900, 100], [325, LONG, 900, 100]])), /is cut into 2147483648 tiles of 16 x 16 pixels.*BLOCKXSIZE=512/],
    ['offsets that are not there', tiffOf(grey(100, 100, strips(40))), /says where 40 of its 100 strips are/],
    ['a table of offsets beyond the end', tiffOf(grey(100, 100, strips(100, 4000))), /tag 273 of its directory 1 \(at byte 8\) has 100 values up to byte 4400, beyond its end at byte 4096/],
    ['a block that fills the memory', tiffOf(grey(2 ** 20, 2 ** 16, [[273, LONG, 1, 512], [278, LONG, 1, 2 ** 16], [279, LONG, 1, 512]])), /one block holds 1048576 x 65536 pixels.*TILED=YES/],
    ['directories in a circle', tiffOf(grey(4, 4, strips(4)), { next: 8 }), /its chain of directories comes back to byte 8/],
    ['a directory beyond the end', tiffOf(grey(4, 4, strips(4)), { next: 5000 }), /its directory 2 \(at byte 5000\) lies beyond its end at byte 4096/],
    ['no directory', tiffOf([]).map((byte, i) => (i === 4 ? 0 : byte)), /holds no image/],
    ['four bytes', Uint8Array.of(0x49, 0x49, 42, 0), /cannot be read as a GeoTIFF/],
  ])('%s', async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(message);
    await expect(open(bytes)).rejects.toThrow(UnderstoryError);
    await expect(open(bytes)).rejects.toThrow(/^test.tif: .*;/); // which file; what to do
  });

  test('a caller may set a smaller budget of pixels', async () => {
    await expect(openRaster(bytesSource('test.tif', small()), new BlockCache(), { maxPixels: 7 })).rejects.toThrow(/says that it holds 4 x 2 pixels, more than 7/);
  });

  test('a strip that stands beyond the end is named when it is asked for; the others are read', async () => {
    const bytes = tiffOf(grey(4, 2, strips(2))), view = new DataView(bytes.buffer);
    view.setUint32(512, 4, true); // the first of 4 bytes at byte 4; the table of lengths is the same: its own offsets
    view.setUint32(516, 4094, true);
    const raster = await open(bytes);
    expect((await raster.readWindow([0], { col: 0, row: 0, width: 4, height: 1 })).mask).toEqual(Uint8Array.of(1, 1, 1, 1));
    await expect(raster.readWindow([0], { col: 0, row: 1, width: 4, height: 1 })).rejects.toThrow(/strip 0,1 stands at bytes 4094 to 8188, beyond its end at byte 4096/);
  });
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
    ['palette', /colour table; expand it with gdal_translate -expand rgb/], ['rpc', /camera model \(RPC\); orthorectify it with gdalwarp -rpc/],
  ])('%s is refused with the command that helps', async (name, message) => {
    await expect(openNamed(name)).rejects.toThrow(UnsupportedInput);
    await expect(openNamed(name)).rejects.toThrow(message);
  });

  test('a float nodata with more digits than a pixel holds still voids', async () => {
    expect((await openNamed('float-nodata')).header.nodata).toBeLessThan(-3e38);
  });

  test("JPEG, in colour or grey, and WebP give the pixels that GDAL's own decoders give", async () => {
    const names = readdirSync(folder).filter((name) => name.startsWith('picture-') && name.endsWith('.tif')).map((name) => name.slice(0, -4));
    expect(names).toHaveLength(6);
    for (const name of names) {
      const raster = await openNamed(name), raw = new Uint8Array(readFileSync(join(folder, `${name}.raw`)));
      const { data } = await raster.readWindow(Array.from({ length: raster.header.bands }, (_, i) => i), whole);
      expect(data.map((band, b) => band.every((value, i) => value === raw[b * 75 * 53 + i])), name).toEqual(data.map(() => true));
    }
  });

  test('JPEG of four bands, which sharp would take for printing inks, is within 2 of what GDAL gives', async () => {
    const raster = await openNamed('four'), raw = new Uint8Array(readFileSync(join(folder, 'four.raw'))), bands = Array.from({ length: raster.header.bands }, (_, i) => i);
    const { data } = await raster.readWindow(bands, whole);
    expect(data).toHaveLength(4);
    data.forEach((band, b) => expect(Math.max(...band.map((value, i) => Math.abs(value - raw[b * 75 * 53 + i]!)))).toBeLessThanOrEqual(2));
  });

  test('heights are the same pixels in every dress: tiles, strips, BigTIFF, byte orders, codecs, masks, nodata of -9999, NaN, the lowest float, -9999.9', async () => {
    const names = readdirSync(folder).filter((name) => name.startsWith('height-')).map((name) => name.slice(0, -4));
    expect(names).toHaveLength(27);
    const heights = Float32Array.from({ length: 75 * 53 }, (_, i) => { const col = i % 75, row = Math.floor(i / 75); return col < 10 || col > 70 ? 0 : 0.25 * col + 0.125 * row; });
    const mask = Uint8Array.from(heights, (_, i) => (i % 75 < 10 ? 0 : 1));
    const same = (read: { bands: Float32Array[]; mask: Uint8Array }) => read.mask.every((valid, i) => valid === mask[i]) && read.bands[0]!.every((value, i) => value === heights[i]);
    const wrong: string[] = [];
    for (const name of names) {
      const path = join(folder, `${name}.tif`);
      const image = openImage(planImage([await readRasterHeader(path)]), ['height']), { plan } = image;
      const read = await readImageWindow(image, plan.window, ['height']);
      await image.close();
      if (!same(read)) wrong.push(name);
    }
    expect(wrong).toEqual([]);
    // our own encoder
    const path = join(folder, 'own.tif');
    writeFileSync(path, encodeGeoTiff({ lattice, window: { col: 904000, row: -8890000, width: 75, height: 53 }, bands: [heights], mask, nodata: -9999, epsg: 32611 }));
    const image = openImage(planImage([await readRasterHeader(path)]), ['height']), read = await readImageWindow(image, image.plan.window, ['height']);
    expect(same(read)).toBe(true);
    await image.close();
  });

  test('a nodata of 0 voids heights of 0 m, as the file says, and is told of', async () => {
    const raster = await openNamed('zero'), { mask } = await raster.readWindow([0], whole);
    expect(mask.every((valid, i) => valid === (i % 75 < 10 || i % 75 > 70 ? 0 : 1))).toBe(true);
    expect(heightWarnings(raster.header)).toEqual([expect.stringMatching(/zero: declares nodata 0.*gdal_edit.py -unsetnodata/)]);
    expect(heightWarnings((await openNamed('height-tiles-plain')).header)).toEqual([]);
  });

  test('names, units, scale, offset and time are told, and pixels stay as stored', async () => {
    const raster = await openNamed('scaled');
    expect(raster.header.bandFacts).toEqual([{ name: 'canopy & "height"', unit: 'ft', scale: 0.01, offset: -5 }]);
    expect(raster.header.dateTime).toBe('2026:06:03 10:15:00');
    expect(heightWarnings(raster.header).join()).toMatch(/pixel x 0.01 \+ -5, which is not applied.*in ft; name the unit/);
    expect([...(await raster.readWindow([0], { col: 0, row: 0, width: 3, height: 1 })).data[0]!]).toEqual([0, 7, 14]);
  });

  test('a nodata that pixels cannot hold voids nothing', async () => {
    const raster = await openNamed('unheld');
    expect(raster.header.nodata).toBe(-9999);
    expect((await raster.readWindow([0, 1, 2], whole)).mask.includes(0)).toBe(false);
  });

  test('an overview is read when it is asked for, never by itself', async () => {
    const raster = await openNamed('pyramid');
    expect(raster.overviews).toEqual([{ width: 38, height: 27 }, { width: 19, height: 14 }]);
    expect([0.4, 0.5, 0.9, 1.1, 2.2, 50].map((res) => levelFor(raster, res))).toEqual([0, 0, 0, 1, 2, 2]);
    const { data, mask } = await raster.readWindow([0], { col: 2, row: 5, width: 3, height: 1 }, 2);
    expect([[...data[0]!], [...mask]]).toEqual([[0, 4, 4], [0, 1, 1]]); // a quarter of the file's size: 12 void columns are 3
    await expect(raster.readWindow([0], whole, 3)).rejects.toThrow(/has 2 overviews, number 3 is asked for/);
  });
});
