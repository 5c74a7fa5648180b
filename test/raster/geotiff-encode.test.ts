import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArrayBuffer } from 'geotiff';
import { afterAll, describe, expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import { encodeGeoTiff, type GeoTiffInput } from '../../src/raster/geotiff-encode.ts';
import type { PixelArray } from '../../src/types.ts';

const folder = mkdtempSync(join(tmpdir(), 'geotiff-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lattice = { resM: 0.5, x0M: 0, y0M: 0 };
const window = { col: 640_026, row: -8_200_150, width: 37, height: 21 }; // x from 320013 m, y down from 4100075 m
const fill = <T extends PixelArray>(array: T, value: (i: number) => number): T => {
  for (let i = 0; i < array.length; i++) array[i] = value(i);
  return array;
};
const count = window.width * window.height;

/** One array of each pixel type, with the ends of its range in it. */
const samples: [string, PixelArray][] = [
  ['uint8', fill(new Uint8Array(count), (i) => (i * 37) % 256)],
  ['int8', fill(new Int8Array(count), (i) => ((i * 37) % 256) - 128)],
  ['uint16', fill(new Uint16Array(count), (i) => (i * 9_973) % 65_536)],
  ['int16', fill(new Int16Array(count), (i) => ((i * 9_973) % 65_536) - 32_768)],
  ['uint32', fill(new Uint32Array(count), (i) => (i * 987_654_321) % 2 ** 32)],
  ['int32', fill(new Int32Array(count), (i) => ((i * 987_654_321) % 2 ** 32) - 2 ** 31)],
  ['float32', fill(new Float32Array(count), (i) => (i % 7 === 0 ? -i / 3 : i * 0.1))],
  ['float64', fill(new Float64Array(count), (i) => (i % 5 === 0 ? 1e-300 * i : i / 7))],
];

async function readBack(bytes: Uint8Array) {
  const image = await (await fromArrayBuffer(bytes.slice().buffer)).getImage();
  return { image, bands: (await image.readRasters()) as unknown as PixelArray[] };
}

const hasGdal = spawnSync('gdalinfo', ['--version']).status === 0;

interface GdalInfo {
  geoTransform: number[];
  coordinateSystem?: { wkt: string };
  metadata?: { '': Record<string, string> };
  bands: { description?: string; unit?: string; noDataValue?: number | string; type: string; colorInterpretation: string; metadata?: unknown }[];
}
function gdalInfo(name: string, bytes: Uint8Array): GdalInfo {
  const path = join(folder, `${name}.tif`);
  writeFileSync(path, bytes);
  return JSON.parse(execFileSync('gdalinfo', ['-json', path], { encoding: 'utf8', env: { ...process.env, GDAL_PAM_ENABLED: 'NO' } }));
}
/** Pixels as GDAL reads them: its raw ENVI output, band after band. */
function gdalPixels(name: string, bytes: Uint8Array): Buffer {
  const path = join(folder, `${name}.tif`);
  writeFileSync(path, bytes);
  execFileSync('gdal_translate', ['-q', '-of', 'ENVI', '-co', 'INTERLEAVE=BSQ', path, `${path}.raw`]);
  return readFileSync(`${path}.raw`);
}
const bytesOf = (array: PixelArray): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

describe('every pixel comes back as it went in', () => {
  for (const [name, band] of samples) {
    for (const compression of ['deflate', 'none'] as const) {
      const second = band.slice().reverse();
      const bytes = encodeGeoTiff({ lattice, window, bands: [band, second], epsg: 32611, tileSize: 16, compression });
      test(`${name}, ${compression}, by the geotiff package`, async () => {
        const { bands } = await readBack(bytes);
        expect([...bands[0]!]).toEqual([...band]);
        expect([...bands[1]!]).toEqual([...second]);
        expect(bands[0]!.constructor).toBe(band.constructor);
      });
      test.runIf(hasGdal && name !== 'int8')(`${name}, ${compression}, by GDAL`, () => {
        const pixels = gdalPixels(`${name}-${compression}`, bytes);
        expect(pixels.equals(Buffer.concat([bytesOf(band), bytesOf(second)]))).toBe(true);
      });
    }
  }
});

describe('place, CRS, nodata, names and units', () => {
  const heights = fill(new Float32Array(count), (i) => i / 4);
  const mask = new Uint8Array(count).fill(1);
  mask[5] = 0;
  const chm: GeoTiffInput = { lattice, window, bands: [heights], nodata: -9999, mask, epsg: 32611, bandNames: ['canopy height <above> ground & stumps'], units: 'm' };

  test('a void pixel is written as nodata, its neighbours are not', async () => {
    const { image, bands } = await readBack(encodeGeoTiff(chm));
    expect(image.getGDALNoData()).toBe(-9999);
    expect([...bands[0]!.slice(4, 7)]).toEqual([1, -9999, 1.5]);
  });

  test('the upper-left corner of the first pixel is where the lattice puts it', async () => {
    const { image } = await readBack(encodeGeoTiff(chm));
    expect(image.getBoundingBox()).toEqual([320_013, 4_100_064.5, 320_031.5, 4_100_075]);
    expect(image.getGeoKeys()).toMatchObject({ GTModelTypeGeoKey: 1, GTRasterTypeGeoKey: 1, ProjectedCSTypeGeoKey: 32611 });
  });

  test.runIf(hasGdal)('GDAL reads corner, CRS, nodata, name and unit', () => {
    const info = gdalInfo('chm', encodeGeoTiff(chm));
    expect(info.geoTransform).toEqual([320_013, 0.5, 0, 4_100_075, 0, -0.5]);
    expect(info.coordinateSystem!.wkt).toContain('ID["EPSG",32611]');
    expect(info.metadata![''].AREA_OR_POINT).toBe('Area');
    expect(Object.keys(info.metadata!['']).filter((key) => key.startsWith('TIFFTAG_'))).toEqual([]); // no time, host, software
    expect(info.bands[0]).toMatchObject({ type: 'Float32', noDataValue: -9999, description: 'canopy height <above> ground & stumps', unit: 'm' });
  });

  test.runIf(hasGdal)('a red, green, blue and nir picture opens in colour, with no void', () => {
    const rgbn = [1, 2, 3, 4].map((k) => fill(new Uint8Array(count), (i) => (i * k) % 256));
    const info = gdalInfo('ortho', encodeGeoTiff({ lattice, window, bands: rgbn, epsg: 32611, bandNames: ['red', 'green', 'blue', 'nir'] }));
    expect(info.bands.map((band) => [band.description, band.colorInterpretation, band.noDataValue])).toEqual([
      ['red', 'Red', undefined], ['green', 'Green', undefined], ['blue', 'Blue', undefined], ['nir', 'Undefined', undefined],
    ]);
  });

  test.runIf(hasGdal)('a file without CRS says none, and NaN may be nodata', () => {
    const info = gdalInfo('bare', encodeGeoTiff({ lattice, window, bands: [heights], nodata: NaN, mask, epsg: null }));
    expect(info.coordinateSystem).toBeUndefined();
    expect(info.geoTransform[0]).toBe(320_013);
    expect(info.bands[0]!.noDataValue).toBe('NaN');
  });

  test('the same input gives the same bytes', () => {
    expect(Buffer.from(encodeGeoTiff(chm)).equals(encodeGeoTiff({ ...chm, bands: [heights.slice()], mask: mask.slice() }))).toBe(true);
  });
});

describe('what cannot be read back is refused', () => {
  const band = new Uint8Array(count);
  const mask = new Uint8Array(count);
  const refused: [string, GeoTiffInput, RegExp][] = [
    ['a void without nodata', { lattice, window, bands: [band], mask, epsg: 32611 }, /without a nodata value/],
    ['a valid pixel that equals nodata', { lattice, window, bands: [band], mask: mask.slice().fill(1), nodata: 0, epsg: 32611 }, /would be lost/],
    ['a nodata that the type cannot hold', { lattice, window, bands: [band], mask, nodata: -9999, epsg: 32611 }, /does not fit 8-bit/],
    ['bands of two types', { lattice, window, bands: [band, new Int16Array(count)], epsg: 32611 }, /cannot share/],
    ['a band that does not fill the window', { lattice, window, bands: [new Uint8Array(3)], epsg: 32611 }, /does not fill a window of 37 x 21/],
    ['a tile size that TIFF does not know', { lattice, window, bands: [band], epsg: 32611, tileSize: 100 }, /multiple of 16/],
    ['the predictor of floats on whole numbers', { lattice, window, bands: [band], epsg: 32611, predictor: 3 }, /take 2/],
  ];
  for (const [title, input, message] of refused) {
    test(title, () => {
      expect(() => encodeGeoTiff(input)).toThrow(InvalidInput);
      expect(() => encodeGeoTiff(input)).toThrow(message);
    });
  }

  test('more than 4 GiB', () => {
    const large = { col: 0, row: 0, width: 65_536, height: 65_536 }; // 4 GiB of zeros that are never touched
    const input = { lattice, window: large, bands: [new Uint8Array(65_536 * 65_536)], epsg: 32611, compression: 'none' as const };
    expect(() => encodeGeoTiff(input)).toThrow(/more than a classic TIFF holds/);
  });
});
