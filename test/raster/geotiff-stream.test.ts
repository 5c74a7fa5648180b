import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArrayBuffer } from 'geotiff';
import { afterAll, describe, expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import { contains, indexIn, pixelCount } from '../../src/geo/lattice.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import { cogStream, layOutCog, tilesInOrder, tileWindow, type StreamedImage } from '../../src/raster/geotiff-stream.ts';
import type { Window } from '../../src/types.ts';

const folder = mkdtempSync(join(tmpdir(), 'geotiff-stream-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const PYTHON = '/usr/bin/python3';
const hasGdal = spawnSync('gdalinfo', ['--version']).status === 0;
const hasValidator = spawnSync(PYTHON, ['-c', 'import osgeo_utils.samples.validate_cloud_optimized_geotiff']).status === 0;

const window = { col: 640_026, row: -8_200_150, width: 37, height: 21 }; // 3 x 2 tiles of 16 px; x from 320013 m, y down from 4100075 m
const count = window.width * window.height;
const chm: StreamedImage = { lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window, type: 'float32', nodata: -9999, overviews: 'mean', epsg: 32611, bandName: 'chm <top>', units: 'm', tilePx: 16 };
const heights = Float32Array.from({ length: count }, (_, i) => i / 7 - 20);
/** Void: every eleventh pixel, and the whole of the north-western tile. */
const mask = Uint8Array.from({ length: count }, (_, i) => (i % 11 === 3 || (i % window.width < 16 && i < 16 * window.width) ? 0 : 1));
const validArea: StreamedImage = { ...chm, type: 'uint8', nodata: null, overviews: 'any', bandName: 'valid_area' };

function write(image: StreamedImage, pixels: Float32Array | Uint8Array, valid: Uint8Array): Buffer {
  const stream = cogStream(image), { tiles } = stream, framed = new Map<string, Uint8Array>(), n = tiles.tilePx ** 2;
  for (let row = 0; row < tiles.down; row++) {
    for (let col = 0; col < tiles.across; col++) {
      const tile = tileWindow(image, tiles, col, row), data = image.type === 'uint8' ? new Uint8Array(n) : new Float32Array(n), ok = new Uint8Array(n);
      for (let i = 0; i < n; i++) {
        const [c, r] = [tile.col + (i % tiles.tilePx), tile.row + Math.floor(i / tiles.tilePx)];
        if (!contains(image.window, c, r)) continue;
        data[i] = pixels[indexIn(image.window, c, r)]!;
        ok[i] = valid[indexIn(image.window, c, r)]!;
      }
      for (const coded of stream.add(data, ok)) if (coded.framed) framed.set([coded.level, coded.col, coded.row].join(), coded.framed);
    }
  }
  const layout = layOutCog(image, (...place) => framed.get(place.join())?.length ?? 0);
  const file = Buffer.concat([layout.head(), ...[...tilesInOrder(stream.levels)].map(({ level, col, row }) => framed.get([level, col, row].join()) ?? new Uint8Array(0))]);
  expect(file.length).toBe(layout.bytes);
  return file;
}

function onDisk(name: string, bytes: Buffer): string {
  const path = join(folder, `${name}.tif`);
  writeFileSync(path, bytes);
  return path;
}

async function readAll(bytes: Buffer, { width, height }: Window = window) {
  const raster = await openRaster(bytesSource('streamed.tif', bytes));
  return { header: raster.header, ...(await raster.readWindow([0], { col: 0, row: 0, width, height })) };
}

/** A level as GDAL reads it: 0 the first overview, null the image. */
function gdalPixels(path: string, overview: number | null): number[] {
  execFileSync('gdal_translate', ['-q', '-of', 'ENVI', ...(overview === null ? [] : ['-oo', `OVERVIEW_LEVEL=${overview}`]), path, `${path}.raw`]);
  const bytes = readFileSync(`${path}.raw`), isFloat = readFileSync(`${path}.hdr`, 'utf8').includes('data type = 4');
  return [...(isFloat ? new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) : bytes)];
}

/** Faults and warnings of GDAL's own validator, leaders and trailers of all tiles looked at. */
const validate = (path: string): { warnings: string[]; errors: string[] } => JSON.parse(execFileSync(PYTHON, ['-c', `
import json, sys
from osgeo_utils.samples.validate_cloud_optimized_geotiff import validate
warnings, errors, _ = validate(sys.argv[1], full_check=True)
print(json.dumps({'warnings': warnings, 'errors': errors}))`, path], { encoding: 'utf8' }));

interface GdalBand { type: string; noDataValue?: number; description?: string; unit?: string; block: number[]; overviews?: { size: number[] }[] }
interface GdalInfo { geoTransform: number[]; coordinateSystem: { wkt: string }; bands: GdalBand[]; metadata: Record<string, Record<string, string>> }

function gdal(path: string): { info: GdalInfo; warnings: string } {
  const { stdout, stderr } = spawnSync('gdalinfo', ['-json', '--debug', 'off', path], { encoding: 'utf8' });
  return { info: JSON.parse(stdout) as GdalInfo, warnings: stderr };
}

/** What an overview should hold, by its definition, of the level below. */
function halved({ width, height, at }: Level): Level {
  const level: Level = { width: Math.ceil(width / 2), height: Math.ceil(height / 2), at: (col, row) => {
    const four = [[0, 0], [1, 0], [0, 1], [1, 1]].flatMap(([c, r]) => (2 * col + c! < width && 2 * row + r! < height ? [at(2 * col + c!, 2 * row + r!)] : [])).filter((value) => value !== null);
    return four.length === 0 ? null : Math.fround(four.reduce((sum, value) => sum + value, 0) / four.length);
  } };
  return level;
}
interface Level { width: number; height: number; at(col: number, row: number): number | null }
const valuesOf = ({ width, height, at }: Level, empty: number): number[] => Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)) ?? empty);

describe('a COG whose tiles came one by one', () => {
  const bytes = write(chm, heights, mask);

  test('gives back every height and every void', async () => {
    const { data, mask: valid } = await readAll(bytes);
    expect([...valid]).toEqual([...mask]);
    expect([...data[0]!]).toEqual([...heights].map((height, i) => (mask[i] ? height : 0)));
  });

  test('says what it is and where it lies', async () => {
    const { header } = await readAll(bytes);
    expect(header).toMatchObject({ width: 37, height: 21, sampleType: 'float32', nodata: -9999, epsg: 32611, affine: { x0: 320_013, y0: 4_100_075, resX: 0.5, resY: 0.5 } });
  });

  test('holds no byte for a tile without a valid pixel', async () => {
    const directory = (await (await fromArrayBuffer(Uint8Array.from(bytes).buffer)).getImage()).getFileDirectory();
    const offsets = await directory.loadValue('TileOffsets'), counts = await directory.loadValue('TileByteCounts');
    expect([Number(offsets![0]), Number(counts![0])]).toEqual([0, 0]);
    expect(Array.from(counts!, Number).slice(1).every((n) => n > 0)).toBe(true);
  });

  test('says in each overview that it is one, and what its voids are', async () => {
    const file = await fromArrayBuffer(Uint8Array.from(bytes).buffer);
    expect(await file.getImageCount()).toBe(3);
    for (const index of [1, 2]) {
      const image = await file.getImage(index);
      expect([await image.getFileDirectory().loadValue('NewSubfileType'), image.getGDALNoData(), image.getTileWidth()]).toEqual([1, -9999, 16]);
    }
  });

  test('whole or not, 300.2 m, 412.7 Mg/ha, 0 and NaN come back as they were, and only voids as nodata', async () => {
    const values = [300.2, 412.7, 0, -0, NaN, 44, 1e-30, -9998], image = { ...chm, window: { ...window, width: 3, height: 3 } };
    const { data, mask: valid } = await readAll(write(image, Float32Array.of(...values, 7), Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 0)), image.window);
    for (const [i, value] of values.entries()) expect(Object.is(data[0]![i], Math.fround(value))).toBe(true);
    expect([...valid]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0]);
  });

  test.runIf(hasGdal)('GDAL opens it without a warning: corner, CRS, nodata, name, unit, overviews', () => {
    const { info, warnings } = gdal(onDisk('facts', bytes));
    expect(warnings).toBe('');
    expect(info.geoTransform).toEqual([320_013, 0.5, 0, 4_100_075, 0, -0.5]);
    expect(info.coordinateSystem.wkt).toContain('ID["EPSG",32611]');
    expect(info.bands[0]).toMatchObject({ type: 'Float32', block: [16, 16], noDataValue: -9999, description: 'chm <top>', unit: 'm', overviews: [{ size: [19, 11] }, { size: [10, 6] }] });
    expect(info.metadata['IMAGE_STRUCTURE']).toMatchObject({ LAYOUT: 'COG', COMPRESSION: 'DEFLATE', PREDICTOR: '3' });
    expect(Object.keys(info.metadata['']!).filter((key) => key.startsWith('TIFFTAG_'))).toEqual([]); // no time, host, software
  });

  test.runIf(hasGdal)('each overview is the mean of the valid ones of the four pixels under it, and void only where all four are', () => {
    const path = onDisk('means', bytes);
    let level: Level = { width: 37, height: 21, at: (col, row) => (mask[row * 37 + col] ? heights[row * 37 + col]! : null) };
    for (const overview of [0, 1]) {
      level = halved(level);
      expect(gdalPixels(path, overview)).toEqual(valuesOf(level, -9999));
    }
  });

  test.runIf(hasGdal)('an overview of two heights, a NaN and a void is the mean of the two', () => {
    const image = { ...chm, window: { ...window, width: 17, height: 2 } };
    const pixels = new Float32Array(34).fill(NaN), ok = new Uint8Array(34);
    pixels.set([20, 10], 0);
    ok.set([1, 1], 0);
    ok[17] = ok[16] = 1; // NaN, valid; at column 16 there is nothing else
    const [first, ...rest] = gdalPixels(onDisk('nan', write(image, pixels, ok)), 0);
    expect([first, rest.slice(0, 7), rest[7]]).toEqual([15, new Array(7).fill(-9999), NaN]);
  });
});

describe.runIf(hasValidator)("GDAL's validator of cloud optimised GeoTIFFs finds neither fault nor warning", () => {
  const big = { ...window, width: 1100, height: 700 }, n = pixelCount(big);
  const wide = Float32Array.from({ length: n }, (_, i) => 20 + 15 * Math.sin(i / 31)), ok = Uint8Array.from({ length: n }, (_, i) => (i % 1100 < 600 && i < 550 * 1100 ? 0 : 1));
  test.each([
    ['of heights in tiles of 512 px, one of them void', () => write({ ...chm, window: big, tilePx: 512 }, wide, ok)],
    ['of heights in tiles of 256 px', () => write({ ...chm, window: big, tilePx: 256 }, wide, ok)],
    ['of a mask in tiles of 512 px', () => write({ ...validArea, window: big, tilePx: 512 }, ok, ok)],
    ['of one tile', () => write({ ...chm, tilePx: 512 }, heights, mask)],
    ['without a valid pixel', () => write({ ...chm, window: big, tilePx: 512 }, wide, new Uint8Array(n))],
  ])('%s', (name, bytes) => {
    expect(validate(onDisk(name, bytes()))).toEqual({ warnings: [], errors: [] });
  });

  test('and does find one when a tile is not what its leader says', () => {
    const bytes = write({ ...chm, tilePx: 512 }, heights, mask);
    bytes[bytes.length - 1]! ^= 1;
    expect(validate(onDisk('broken', bytes)).errors).toEqual([expect.stringContaining('trailer bytes are invalid')]);
  });
});

describe('a mask as a raster', () => {
  test.runIf(hasGdal)('GDAL counts as many ones as there are valid pixels, zeros in the tile that was never written', () => {
    const path = onDisk('valid', write(validArea, mask, mask));
    expect(gdalPixels(path, null)).toEqual([...mask]);
    expect(gdal(path).info.bands[0]!.noDataValue).toBeUndefined();
  });

  test.runIf(hasGdal)('its overview is 1 where any of four is, as the heights have a value there: 0 and 1, never between', () => {
    const ones = gdalPixels(onDisk('valid', write(validArea, mask, mask)), 0), mean = gdalPixels(onDisk('chm', write(chm, heights, mask)), 0);
    expect(new Set(ones)).toEqual(new Set([0, 1]));
    expect(ones).toEqual(mean.map((height) => (height === -9999 ? 0 : 1)));
  });
});

describe('what cannot be written, or read back, is refused', () => {
  const tile = () => ({ data: new Float32Array(256), ok: new Uint8Array(256).fill(1) });

  test('a valid pixel that equals nodata', () => {
    const { data, ok } = tile();
    data[5] = -9999;
    expect(() => [...cogStream(chm).add(data, ok)]).toThrow(/would be lost/);
  });

  test('a tile too many', () => {
    const stream = cogStream({ ...chm, window: { ...window, width: 16, height: 16 } }), { data, ok } = tile();
    expect([...stream.add(data, ok)]).toHaveLength(1);
    expect(() => [...stream.add(data, ok)]).toThrow(/do not make tile 2 of 1/);
  });

  test('a file that passes 4 GiB: its length is known, it has no head', () => {
    const layout = layOutCog(chm, (level) => (level === 0 ? 800_000_000 : 1000));
    expect(layout.bytes).toBeGreaterThan(4_800_000_000);
    expect(() => layout.head()).toThrow(/more than a classic TIFF holds/);
  });

  test.each([
    ['a nodata that bytes cannot hold', { type: 'uint8' }, /does not fit 8-bit/],
    ['a tile size that TIFF does not know', { tilePx: 100 }, /multiple of 16/],
    ['a window without a pixel', { window: { ...window, width: 0 } }, /window is empty/],
  ] as [string, Partial<StreamedImage>, RegExp][])('%s', (_, change, message) => {
    expect(() => cogStream({ ...chm, ...change })).toThrow(InvalidInput);
    expect(() => cogStream({ ...chm, ...change })).toThrow(message);
  });
});
