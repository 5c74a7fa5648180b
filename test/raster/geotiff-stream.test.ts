import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArrayBuffer } from 'geotiff';
import { afterAll, describe, expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import { contains, indexIn } from '../../src/geo/lattice.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import { geoTiffStream, tileWindow, type StreamedImage } from '../../src/raster/geotiff-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'geotiff-stream-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const hasGdal = spawnSync('gdalinfo', ['--version']).status === 0;

const window = { col: 640_026, row: -8_200_150, width: 37, height: 21 }; // 3 x 2 tiles of 16 px; x from 320013 m, y down from 4100075 m
const count = window.width * window.height;
const chm: StreamedImage = { lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window, type: 'float32', nodata: -9999, epsg: 32611, bandName: 'chm <top>', units: 'm', tilePx: 16 };
const heights = Float32Array.from({ length: count }, (_, i) => i / 7 - 20);
/** Void: every eleventh pixel, and the whole of the north-western tile. */
const mask = Uint8Array.from({ length: count }, (_, i) => (i % 11 === 3 || (i % window.width < 16 && i < 16 * window.width) ? 0 : 1));

function write(image: StreamedImage, pixels: Float32Array | Uint8Array, valid: Uint8Array): Buffer {
  const stream = geoTiffStream(image), { tiles } = stream, pieces: Uint8Array[] = [stream.head];
  const size = () => pieces.reduce((sum, { length }) => sum + length, 0);
  for (let row = 0; row < tiles.down; row++) {
    for (let col = 0; col < tiles.across; col++) {
      const tile = tileWindow(image, tiles, col, row), n = tiles.tilePx ** 2;
      const data = image.type === 'uint8' ? new Uint8Array(n) : new Float32Array(n), ok = new Uint8Array(n);
      for (let i = 0; i < n; i++) {
        const [c, r] = [tile.col + (i % tiles.tilePx), tile.row + Math.floor(i / tiles.tilePx)];
        if (!contains(image.window, c, r)) continue;
        data[i] = pixels[indexIn(image.window, c, r)]!;
        ok[i] = valid[indexIn(image.window, c, r)]!;
      }
      const bytes = stream.add(data, ok, size());
      if (bytes) pieces.push(bytes);
    }
  }
  const { directory, head } = stream.close(size());
  const file = Buffer.concat([...pieces, directory]);
  file.set(head);
  return file;
}

async function readAll(bytes: Buffer) {
  const raster = await openRaster(bytesSource('streamed.tif', bytes));
  return { header: raster.header, ...(await raster.readWindow([0], { col: 0, row: 0, width: window.width, height: window.height })) };
}

interface GdalBand { type: string; noDataValue?: number; description?: string; unit?: string; block: number[]; checksum?: number }
interface GdalInfo { geoTransform: number[]; coordinateSystem: { wkt: string }; bands: GdalBand[]; metadata: Record<string, Record<string, string>> }

function gdal(name: string, bytes: Buffer): { info: GdalInfo; warnings: string } {
  const path = join(folder, `${name}.tif`);
  writeFileSync(path, bytes);
  const { stdout, stderr } = spawnSync('gdalinfo', ['-json', '-checksum', path], { encoding: 'utf8' });
  return { info: JSON.parse(stdout) as GdalInfo, warnings: stderr };
}

describe.each([['classic', false], ['BigTIFF', true]] as const)('a %s whose tiles came one by one', (kind, big) => {
  test('gives back every height and every void', async () => {
    const { data, mask: valid } = await readAll(write({ ...chm, big }, heights, mask));
    expect([...valid]).toEqual([...mask]);
    expect([...data[0]!]).toEqual([...heights].map((height, i) => (mask[i] ? height : 0)));
  });

  test('says in its first bytes what it is, and in its directory where it lies', async () => {
    const bytes = write({ ...chm, big }, heights, mask);
    expect(bytes.readUInt16LE(2)).toBe(big ? 43 : 42);
    const { header } = await readAll(bytes);
    expect(header).toMatchObject({ width: 37, height: 21, sampleType: 'float32', nodata: -9999, epsg: 32611, affine: { x0: 320_013, y0: 4_100_075, resX: 0.5, resY: 0.5 } });
  });

  test('holds no byte for a tile without a valid pixel', async () => {
    const image = await (await fromArrayBuffer(Uint8Array.from(write({ ...chm, big }, heights, mask)).buffer)).getImage();
    const directory = image.getFileDirectory();
    const offsets = await directory.loadValue('TileOffsets'), counts = await directory.loadValue('TileByteCounts');
    expect([Number(offsets![0]), Number(counts![0])]).toEqual([0, 0]);
    expect(Array.from(counts!, Number).slice(1).every((n) => n > 0)).toBe(true);
  });

  test.runIf(hasGdal)('GDAL opens it without a warning: corner, CRS, nodata, name, unit', () => {
    const { info, warnings } = gdal(kind, write({ ...chm, big }, heights, mask));
    expect(warnings).toBe('');
    expect(info.geoTransform).toEqual([320_013, 0.5, 0, 4_100_075, 0, -0.5]);
    expect(info.coordinateSystem.wkt).toContain('ID["EPSG",32611]');
    expect(info.bands[0]).toMatchObject({ type: 'Float32', block: [16, 16], noDataValue: -9999, description: 'chm <top>', unit: 'm' });
    expect(Object.keys(info.metadata['']!).filter((key) => key.startsWith('TIFFTAG_'))).toEqual([]); // no time, host, software
  });
});

describe('a mask as a raster', () => {
  const valid: StreamedImage = { ...chm, type: 'uint8', nodata: null, bandName: 'valid_area' };

  test.runIf(hasGdal)('GDAL counts as many ones as there are valid pixels, zeros in the tile that was never written', () => {
    const path = join(folder, 'valid.tif');
    writeFileSync(path, write(valid, mask, mask));
    const { stdout } = spawnSync('gdalinfo', ['-json', '-stats', '--config', 'GDAL_PAM_ENABLED', 'NO', path], { encoding: 'utf8' });
    const { minimum, maximum, mean, noDataValue } = (JSON.parse(stdout) as { bands: { minimum: number; maximum: number; mean: number; noDataValue?: number }[] }).bands[0]!;
    expect([minimum, maximum, noDataValue]).toEqual([0, 1, undefined]);
    expect(Math.round(mean * count)).toBe(mask.filter((ok) => ok === 1).length);
  });
});

describe('how large a file may get is settled before the first pixel', () => {
  const sized = (type: StreamedImage['type'], side: number) => geoTiffStream({ ...chm, type, nodata: null, tilePx: 512, window: { ...window, width: side, height: side } }).big;

  test('a BigTIFF when its pixels could pass 4 GB: floats from 32,000 px a side, bytes from 64,000', () => {
    expect(sized('float32', 31_000)).toBe(false); // 3.8 GB
    expect(sized('float32', 33_000)).toBe(true); // 4.4 GB
    expect(sized('uint8', 62_000)).toBe(false);
    expect(sized('uint8', 66_000)).toBe(true);
  });

  test('BigTIFF offsets go past 4 GB', async () => {
    const image = { ...chm, big: true, window: { ...window, width: 16, height: 16 } }, stream = geoTiffStream(image);
    stream.add(heights.subarray(0, 256), new Uint8Array(256).fill(1), 5_000_000_000);
    const { directory, head } = stream.close(6_000_000_000);
    expect(Buffer.from(head).readBigUInt64LE(8)).toBe(6_000_000_000n);
    expect(Buffer.from(directory).includes(Buffer.from(BigUint64Array.of(5_000_000_000n).buffer))).toBe(true);
  });

  test('a classic TIFF that passes 4 GB all the same is refused, not written wrong', () => {
    const stream = geoTiffStream({ ...chm, big: false, window: { ...window, width: 16, height: 16 } });
    stream.add(heights.subarray(0, 256), new Uint8Array(256).fill(1), 5_000_000_000);
    expect(() => stream.close(6_000_000_000)).toThrow(/more than a classic TIFF holds/);
  });
});

describe('what cannot be read back is refused', () => {
  const tile = () => ({ data: new Float32Array(256), ok: new Uint8Array(256).fill(1) });

  test('a valid pixel that equals nodata', () => {
    const { data, ok } = tile();
    data[5] = -9999;
    expect(() => geoTiffStream(chm).add(data, ok, 8)).toThrow(/would be lost/);
  });

  test('a file that lacks tiles', () => {
    const stream = geoTiffStream(chm), { data, ok } = tile();
    stream.add(data, ok, 8);
    expect(() => stream.close(100)).toThrow(/has 6 tiles, 1 were written/);
  });

  test.each([
    ['a nodata that bytes cannot hold', { type: 'uint8' }, /does not fit 8-bit/],
    ['a tile size that TIFF does not know', { tilePx: 100 }, /multiple of 16/],
    ['a window without a pixel', { window: { ...window, width: 0 } }, /window is empty/],
  ] as [string, Partial<StreamedImage>, RegExp][])('%s', (_, change, message) => {
    expect(() => geoTiffStream({ ...chm, ...change })).toThrow(InvalidInput);
    expect(() => geoTiffStream({ ...chm, ...change })).toThrow(message);
  });
});
