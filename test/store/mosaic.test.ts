import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { InvalidInput, IoError } from '../../src/errors.ts';
import { openFile } from '../../src/files/byte-source.ts';
import { cropRaster, growWindow, indexIn, pixelCount } from '../../src/geo/lattice.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import { mosaicTiles, stageMosaic, type Mosaic, type MosaicLayer, type MosaicPart } from '../../src/store/mosaic.ts';
import { OverviewCascade, pyramid } from '../../src/raster/overview.ts';
import { RasterHash } from '../../src/store/raster-hash.ts';
import type { RasterLimits, StagedRaster } from '../../src/store/raster-writer.ts';
import type { Raster, Window } from '../../src/types.ts';

const folder = mkdtempSync(join(tmpdir(), 'mosaic-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const lattice = { resM: 0.5, x0M: 0, y0M: 0 };
const hasGdal = spawnSync('gdalinfo', ['--version']).status === 0;
/** Pixels as GDAL reads them, raw. */
function gdalPixels(path: string, options: string[] = []): Buffer {
  execFileSync('gdal_translate', ['-q', '-of', 'ENVI', ...options, path, join(folder, 'pixels.raw')]);
  return readFileSync(join(folder, 'pixels.raw'));
}
/** What GDAL says of place, CRS and bands, without files and their layout. */
function gdalInfo(path: string): unknown {
  const { stdout, stderr } = spawnSync('gdalinfo', ['-json', path], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const { size, geoTransform, coordinateSystem, cornerCoordinates, bands } = JSON.parse(stdout) as Record<string, object> & { bands: Record<string, object>[] };
  return { size, geoTransform, coordinateSystem, cornerCoordinates, bands: bands.map(({ overviews, block, ...band }) => band) };
}
let made = 0;
const freshName = (): string => join(folder, `${++made}.tif`);

/** Heights with a name of their own in every pixel, every `holes`-th a void. */
function canopy(window: Window, holes = 7): Raster {
  const data = new Float32Array(pixelCount(window)), mask = new Uint8Array(data.length);
  for (let row = window.row, i = 0; row < window.row + window.height; row++) {
    for (let col = window.col; col < window.col + window.width; col++, i++) {
      mask[i] = (((col * 31 + row * 17) % holes) + holes) % holes === 0 ? 0 : 1;
      data[i] = mask[i] ? col * 1000 + row / 8 + 0.3 : 0; // never the nodata value
    }
  }
  return { lattice, window, data, mask };
}

/** Cut a raster into parts of at most `px` pixels a side on a grid that starts at the lattice's origin, as tiles do. */
function cut(raster: Raster, px: number): MosaicPart[] {
  const parts: MosaicPart[] = [], { window } = raster;
  for (let row = Math.floor(window.row / px) * px; row < window.row + window.height; row += px) {
    for (let col = Math.floor(window.col / px) * px; col < window.col + window.width; col += px) {
      const tile = { col, row, width: px, height: px }, part = cropRaster(raster, tile), path = freshName();
      writeFileSync(path, encodeGeoTiff({ lattice, window: tile, bands: [part.data], mask: part.mask, nodata: -9999, epsg: 32611, tileSize: 16 }));
      parts.push({ path, window: tile });
    }
  }
  return parts;
}

const layerOf = (path: string, tilePx: number): MosaicLayer => ({ path, gives: 'values', image: { type: 'float32', nodata: -9999, overviews: 'mean', epsg: 32611, bandName: 'chm', units: 'm', tilePx } });
const maskLayerOf = (path: string, tilePx: number): MosaicLayer => ({ path, gives: 'mask', image: { type: 'uint8', nodata: null, overviews: 'any', epsg: 32611, bandName: 'valid_area', tilePx } });

async function write(mosaic: Mosaic, tilePx = 32) {
  const [chm, valid] = [freshName(), freshName()], staged = await stageMosaic(mosaic, [layerOf(chm, tilePx), maskLayerOf(valid, tilePx)]);
  for (const raster of staged) await raster.publish();
  return { chm: await read(chm), valid: await read(valid), hashes: staged.map(({ sha256 }) => sha256), validPx: staged.map(({ validPx }) => validPx) };
}

async function read(path: string) {
  const raster = await openRaster(await openFile(path)), { width, height } = raster.header;
  const { data, mask } = await raster.readWindow([0], { col: 0, row: 0, width, height });
  await raster.close();
  return { width, height, data: [...data[0]!], mask: [...mask] };
}

const hashOf = ({ lattice: on, window, data, mask }: Raster): string => {
  const hash = new RasterHash(on);
  hash.add(window, data, mask);
  return hash.digest();
};

describe('a mosaic is the raster that was cut, whatever the cut', () => {
  const cuts = fc.record({
    col: fc.integer({ min: -90, max: 90 }), row: fc.integer({ min: -90, max: 90 }), width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 50 }),
    partPx: fc.constantFrom(16, 24, 40, 100), otherPx: fc.constantFrom(20, 33, 64), holes: fc.constantFrom(1, 2, 7, 5000),
  });

  test('same pixels, voids and hashes for two tile sizes of the survey and of the file', async () => {
    await fc.assert(fc.asyncProperty(cuts, async ({ partPx, otherPx, holes, ...window }) => {
      const raster = canopy(window, holes);
      const one = await write({ lattice, window, parts: cut(raster, partPx) }, 16), other = await write({ lattice, window, parts: cut(raster, otherPx).reverse() }, 48);
      expect(one.chm).toEqual({ width: window.width, height: window.height, data: [...raster.data], mask: [...raster.mask] });
      expect(other.chm).toEqual(one.chm);
      expect(other.hashes).toEqual(one.hashes);
      expect(one.hashes[0]).toBe(hashOf(raster));
      expect(one.valid.data).toEqual([...raster.mask]);
      expect(one.validPx).toEqual([0, 0].map(() => raster.mask.reduce((sum, ok) => sum + ok, 0)));
    }), { seed: 11, numRuns: 25 });
  }, 20_000);

  test('what a tile holds beyond the window is cut off, and what no tile holds is void', async () => {
    const raster = canopy({ col: -10, row: 5, width: 40, height: 30 }, 5000), window = { col: 0, row: 10, width: 50, height: 10 };
    const { chm, valid, hashes } = await write({ lattice, window, parts: cut(raster, 20) });
    const wanted = cropRaster(raster, window);
    expect(chm.data).toEqual([...wanted.data]);
    expect(chm.mask).toEqual([...wanted.mask]);
    expect(hashes[0]).toBe(hashOf(wanted)); // nor does it enter the hash, though the file's last tiles reach there
    expect(valid.data).toEqual([...wanted.mask]);
  });

  test('a survey without a part is all void', async () => {
    const { chm, valid, validPx } = await write({ lattice, window: { col: 0, row: 0, width: 40, height: 40 }, parts: [] });
    expect([chm.mask.includes(1), valid.data.includes(1), validPx]).toEqual([false, false, [0, 0]]);
  });
});

describe('the hash of a raster', () => {
  const raster = canopy({ col: 3, row: -4, width: 20, height: 12 });

  test('does not see the window that a raster comes in', () => {
    expect(hashOf(cropRaster(raster, growWindow(raster.window, 9)))).toBe(hashOf(raster));
  });

  test('does not see what stands under a void', () => {
    const other = { ...raster, data: raster.data.map((height, i) => (raster.mask[i] ? height : 77)) };
    expect(hashOf(other)).toBe(hashOf(raster));
  });

  test.each([
    ['one height in its last bit', () => ({ ...raster, data: raster.data.with(5, Math.fround(raster.data[5]! * (1 + 2 ** -23))) })],
    ['a void in the place of a pixel', () => ({ ...raster, mask: raster.mask.with(5, 0) })],
    ['a shift by one pixel', () => ({ ...raster, window: { ...raster.window, col: 4 } })],
    ['a shift by one row', () => ({ ...raster, window: { ...raster.window, row: -3 } })],
    ['another pixel size', () => ({ ...raster, lattice: { ...lattice, resM: 1 } })],
    ['the void of a row moved by one pixel between equal heights', () => ({ ...flat, mask: flat.mask.with(4, 1).with(5, 0) }), () => flat],
  ] as [string, () => Raster, (() => Raster)?][])('sees %s', (_, changed, from = () => raster) => {
    expect(hashOf(changed())).not.toBe(hashOf(from()));
  });
  const flat: Raster = { lattice, window: { col: 0, row: 0, width: 10, height: 1 }, data: new Float32Array(10).fill(8), mask: new Uint8Array(10).fill(1).with(4, 0) };

  test('is the sha256 that its definition says, written out for two rows', () => {
    // row -1: columns 2, 3 and 5; row 0: nothing; row 1: column 2
    const data = Float32Array.of(1, 2, 0, 4, 0, 0, 0, 0, 9, 0, 0, 0), mask = Uint8Array.of(1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0);
    const sha = (...pieces: (Float64Array | Float32Array)[]) => pieces.reduce((hash, { buffer }) => hash.update(new Uint8Array(buffer)), createHash('sha256')).digest();
    const rows = createHash('sha256').update('{"res":50000,"x0":0,"y0":0}')
      .update(new Uint8Array(Float64Array.of(-1).buffer)).update(sha(Float32Array.of(1, 2, 4))).update(sha(Float64Array.of(2, 2, 5, 1)))
      .update(new Uint8Array(Float64Array.of(1).buffer)).update(sha(Float32Array.of(9))).update(sha(Float64Array.of(2, 1)));
    expect(hashOf({ lattice, window: { col: 2, row: -1, width: 4, height: 3 }, data, mask })).toBe(rows.digest('hex'));
  });

  test('runs of valid pixels go on across pieces of a row', () => {
    const whole = canopy({ col: 0, row: 0, width: 9, height: 3 }, 5000), hash = new RasterHash(lattice);
    for (const [col, width] of [[0, 4], [4, 5]] as const) {
      const piece = cropRaster(whole, { col, row: 0, width, height: 3 });
      hash.add(piece.window, piece.data, piece.mask);
    }
    expect(hash.digest()).toBe(hashOf(whole));
  });
});

describe('a raster on disk', () => {
  const raster = canopy({ col: 0, row: 0, width: 40, height: 40 }), { window } = raster;

  test('stays as it is until the new one is published', async () => {
    const path = freshName();
    writeFileSync(path, 'yesterday');
    const [staged] = await stageMosaic({ lattice, window, parts: cut(raster, 20) }, [layerOf(path, 32)]);
    expect(readFileSync(path, 'utf8')).toBe('yesterday');
    await staged!.publish();
    expect((await read(path)).data).toEqual([...raster.data]);
  });

  test('that is not published leaves nothing', async () => {
    const path = freshName(), [staged] = await stageMosaic({ lattice, window, parts: cut(raster, 20) }, [layerOf(path, 32)]);
    await staged!.discard();
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(path))).toEqual([]);
  });

  test.each([
    ['is gone', IoError, (path: string) => rmSync(path), /cannot be opened/],
    ['is cut short', InvalidInput, (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 60)), /GeoTIFF/],
    ['is that of another tile', InvalidInput, (path: string) => writeFileSync(path, encodeGeoTiff({ lattice, window: { ...window, width: 19 }, bands: [new Float32Array(19 * 40)], epsg: 32611 })), /is 19 x 40 pixels/],
  ] as const)('is not made when the file of a part %s: the part is named, nothing stays', async (_, kind, damage, message) => {
    const path = freshName(), parts = cut(raster, 20);
    damage(parts[3]!.path);
    const failure = await stageMosaic({ lattice, window, parts }, [layerOf(path, 32)]).then(() => null, (error: unknown) => error);
    expect(failure).toBeInstanceOf(kind);
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).toContain(parts[3]!.path);
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(path))).toEqual([]);
  });

  test.runIf(existsSync('/proc/self/fd'))('is made with at most 32 part files open', async () => {
    const wide = canopy({ col: 0, row: 0, width: 16 * 60, height: 16 }), parts = cut(wide, 16), paths = new Set(parts.map(({ path }) => path));
    const openParts = () => readdirSync('/proc/self/fd').filter((fd) => { try { return paths.has(readlinkSync(`/proc/self/fd/${fd}`)); } catch { return false; } }).length;
    let most = 0;
    for await (const tile of mosaicTiles({ lattice, window: wide.window, parts }, { tilePx: 16, across: 60, down: 1 })) {
      most = Math.max(most, openParts());
      expect(tile.data[0]).toBe(wide.data[indexIn(wide.window, tile.window.col, 0)]);
    }
    expect(most).toBe(32);
    expect(openParts()).toBe(0);
  });
});

describe('a raster that passes the limit of one file', () => {
  // 150 x 100 px in files of 64 px of four tiles of 16 px: 3 x 2 files, of which the middle one in the north is void
  const raster = canopy({ col: -37, row: 11, width: 150, height: 100 });
  for (let row = 0; row < 64; row++) raster.mask.fill(0, row * 150 + 64, row * 150 + 128);
  const mosaic = (px = 40): Mosaic => ({ lattice, window: raster.window, parts: cut(raster, px) }), limits = { fileBytes: 20_000, filePx: 64 };
  const dir = (): string => mkdtempSync(join(folder, 'large-'));
  const stage = async (at: string, from: Mosaic, options: RasterLimits = limits): Promise<StagedRaster[]> =>
    stageMosaic(from, [layerOf(join(at, 'chm.tif'), 16), maskLayerOf(join(at, 'valid_area.tif'), 16)], options);
  const publish = async (staged: readonly StagedRaster[]): Promise<void> => { for (const each of staged) await each.publish(); };
  const filesIn = (at: string): string[] => readdirSync(at, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => relative(at, join(parentPath, name))).sort();

  test('becomes a VRT over COGs named by column and row, without one for what is void, and with the hash of one file', async () => {
    const at = dir(), [chm, valid] = await stage(at, mosaic());
    await publish([chm!, valid!]);
    expect(filesIn(at).map((path) => path.replace(/[0-9a-f]{16}/, 'KEY'))).toEqual(['chm.vrt', ...['0_0', '0_1', '1_1', '2_0', '2_1'].map((name) => `chm/KEY/${name}.tif`), 'valid_area.tif']);
    expect([chm!.sha256, valid!.sha256]).toEqual((await write(mosaic())).hashes);
    expect(chm!.files).toEqual(Object.fromEntries(filesIn(at).filter((path) => path.startsWith('chm')).map((path) => [path, statSync(join(at, path)).size])));
  });

  test('has the same bytes in all its files however the survey was cut', async () => {
    const [one, other] = [dir(), dir()];
    await publish(await stage(one, mosaic(40)));
    await publish(await stage(other, { ...mosaic(33), parts: mosaic(33).parts.toReversed() }));
    expect(filesIn(other)).toEqual(filesIn(one));
    for (const path of filesIn(one)) expect(readFileSync(join(other, path)).equals(readFileSync(join(one, path)))).toBe(true);
  });

  test.runIf(hasGdal)('GDAL reads the same pixels, place, name and unit from the VRT as from one file, and the same overviews from its COGs', async () => {
    const [large, whole] = [dir(), dir()];
    await publish(await stage(large, mosaic()));
    await publish(await stage(whole, mosaic(), {}));
    const [vrt, tif] = [join(large, 'chm.vrt'), join(whole, 'chm.tif')], info = gdalInfo(vrt), pixels = gdalPixels(vrt);
    expect(pixels.length).toBe(150 * 100 * 4);
    expect(pixels.equals(gdalPixels(tif))).toBe(true);
    expect(info).toEqual(gdalInfo(tif));
    expect(info).toMatchObject({ bands: [{ noDataValue: -9999, description: 'chm', unit: 'm' }] });
    const cog = join(large, filesIn(large).find((path) => path.endsWith('2_1.tif'))!), overview = gdalPixels(cog, ['-oo', 'OVERVIEW_LEVEL=0']);
    expect(overview.equals(gdalPixels(tif, ['-oo', 'OVERVIEW_LEVEL=0', '-srcwin', '64', '32', '11', '18']))).toBe(true); // 22 x 36 px from (128, 64), at half the size
  });

  test.runIf(hasGdal)('a void mask of ones and zeros is zero in a VRT too', async () => {
    const at = dir();
    await publish(await stage(at, mosaic(), { ...limits, fileBytes: 100 }));
    expect([...gdalPixels(join(at, 'valid_area.vrt'))]).toEqual([...raster.mask]);
  });

  test('replaces one file, an older VRT, and is replaced by one file: nothing of the old one stays', async () => {
    const at = dir(), higher = { ...raster, data: raster.data.map((height) => height + 1) };
    await publish(await stage(at, mosaic(), {}));
    expect(filesIn(at)).toEqual(['chm.tif', 'valid_area.tif']);
    await publish(await stage(at, mosaic()));
    const first = filesIn(at);
    await publish(await stage(at, { ...mosaic(), parts: cut(higher, 40) }));
    expect(filesIn(at)).toHaveLength(first.length);
    expect(filesIn(at).filter((path) => first.includes(path))).toEqual(['chm.vrt', 'valid_area.tif']); // all COGs are in a folder of another name
    await publish(await stage(at, mosaic(), {}));
    expect(readdirSync(at).sort()).toEqual(['chm.tif', 'valid_area.tif']);
  });

  test('leaves the one in place as it is until it is published, and when it is not', async () => {
    const at = dir();
    await publish(await stage(at, mosaic()));
    const before = filesIn(at), bytes = before.map((path) => readFileSync(join(at, path)));
    for (const parts of [mosaic().parts, cut({ ...raster, data: raster.data.map((height) => height + 1) }, 40)]) { // the same pixels again, and others
      for (const staged of await stage(at, { ...mosaic(), parts })) await staged.discard();
      expect(filesIn(at)).toEqual(before);
      before.forEach((path, i) => expect(readFileSync(join(at, path)).equals(bytes[i]!)).toBe(true));
    }
  });

  test('leaves nothing when it is not published, nor when a part is gone', async () => {
    const at = dir(), { parts } = mosaic();
    for (const staged of await stage(at, mosaic())) await staged.discard();
    expect(readdirSync(at)).toEqual([]);
    rmSync(parts[3]!.path);
    await expect(stage(at, { ...mosaic(), parts })).rejects.toThrow(IoError);
    expect(readdirSync(at)).toEqual([]);
  });
});

describe('memory of a mosaic', () => {
  test('follows its width, not its height: overviews hold one row of tiles a level', () => {
    const across = 64, tilePx = 16, made: number[] = [];
    for (const down of [8, 512]) {
      const levels = pyramid({ width: across * tilePx, height: down * tilePx }, tilePx);
      let pixels = 0;
      const cascade = new OverviewCascade(levels, { tilePx, rule: 'mean', make: (n) => (pixels += n, new Float32Array(n)) }), data = new Float32Array(tilePx ** 2).fill(3), mask = new Uint8Array(tilePx ** 2).fill(1);
      for (let row = 0; row < down; row++) for (let col = 0; col < across; col++) for (const tile of cascade.add({ level: 0, col, row, data, mask })) expect(tile.data[0]).toBe(3);
      made.push(pixels / tilePx ** 2 / across);
    }
    expect(made[0]).toBeLessThan(1); // 1/2 + 1/4 + ... of a row of the image's tiles
    expect(made[1]! - made[0]!).toBeLessThan(0.05); // levels of one tile across: a tile each
  });
});
