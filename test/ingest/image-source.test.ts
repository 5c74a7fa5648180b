import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import type { RasterHeader } from '../../src/ingest/geotiff-reader.ts';
import { openImage, planImage, readImageWindow, readRasterHeader } from '../../src/ingest/image-source.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import type { Window } from '../../src/types.ts';

const header = (name: string, x0: number, y0: number, more: Partial<RasterHeader> = {}, res = 0.5): RasterHeader => ({
  name, width: 100, height: 80, bands: 4, sampleType: 'uint8', nodata: null, epsg: 32611, crsIsOwn: false, alpha: null, affine: { x0, y0, resX: res, resY: res }, bandFacts: [], verticalEpsg: null, dateTime: null, ...more,
});

describe('files are laid on one lattice', () => {
  test('pixels are counted from the CRS origin, southward: 452000 m is column 904000, 4445000 m is row -8890000', () => {
    const plan = planImage([header('a.tif', 452000, 4445000)]);
    expect(plan.lattice).toEqual({ resM: 0.5, x0M: 0, y0M: 0 });
    expect(plan.window).toEqual({ col: 904000, row: -8890000, width: 100, height: 80 });
  });

  test('a lattice that is off the origin has its pixel (0, -1) hold the origin', () => {
    const { lattice, window } = planImage([header('a.tif', 452000.2, 4445000.1)]);
    expect(lattice).toEqual({ resM: 0.5, x0M: -0.3, y0M: -0.4 });
    expect(lattice.x0M + window.col * 0.5).toBeCloseTo(452000.2, 6);
    expect(lattice.y0M - window.row * 0.5).toBeCloseTo(4445000.1, 6);
  });

  test('however a layer is cut into files, each corner gives the same lattice', () => {
    const corners = fc.record({ col: fc.integer({ min: 0, max: 50_000 }), row: fc.integer({ min: 0, max: 50_000 }), phase: fc.integer({ min: 0, max: 59 }) });
    fc.assert(fc.property(corners, ({ col, row, phase }) => {
      const x = 452000 + phase / 100, y = 4445000 - phase / 100;
      const whole = planImage([header('whole.tif', x, y, {}, 0.6)]), part = planImage([header('part.tif', x + col * 0.6, y - row * 0.6, {}, 0.6)]);
      expect(part.lattice).toEqual(whole.lattice);
      expect([part.window.col - whole.window.col, part.window.row - whole.window.row]).toEqual([col, row]);
    }), { seed: 7, numRuns: 200 });
  });

  test('files come by name, whatever their order and folders', () => {
    const names = ['z/a.tif', 'b.tif', 'a/c.tif'];
    const plan = planImage([names[2]!, names[0]!, names[1]!].map((name, i) => header(name, 452000 + 50 * i, 4445000)));
    expect(plan.files.map(({ path }) => path)).toEqual(names);
    expect(plan.window.width).toBe(300);
  });

  test.each([
    ['another pixel size', header('b.tif', 452050, 4445000, {}, 0.25), /b.tif: its pixels are 0.25 m, those of a.tif are 0.5 m.*gdalwarp/],
    ['pixels off by a tenth', header('b.tif', 452050.05, 4445000), /b.tif: its pixels lie 0.100 px off those of a.tif.*-tap/],
    ['another CRS', header('b.tif', 452050, 4445000, { epsg: 32612 }), /b.tif: its CRS is EPSG:32612, that of a.tif is EPSG:32611/],
    ['no place', header('b.tif', 0, 0, { affine: null }), /b.tif: .*does not say where it lies.*-a_ullr/],
    ['oblong pixels', header('b.tif', 0, 0, { affine: { x0: 0, y0: 0, resX: 0.5, resY: 0.6 } }), /b.tif: its pixels are 0.5 x 0.6, not square/],
    ['a pixel size that drifts off 0.01 mm', header('b.tif', 452050, 4445000, { width: 40_000 }, 0.1234567), /b.tif: its pixel size 0.1234567 m is no whole number of 0.01 mm/],
  ])('%s is refused with the name of the file and a remedy', (_, file, message) => {
    expect(() => planImage([file, header('a.tif', 452000, 4445000)])).toThrow(message);
    expect(() => planImage([file, header('a.tif', 452000, 4445000)])).toThrow(InvalidInput);
  });

  test('an origin off by a thousandth of a pixel or less is taken as on the lattice', () => {
    expect(planImage([header('a.tif', 452000, 4445000), header('b.tif', 452050.0004, 4445000)]).files[1]!.window.col).toBe(904100);
    expect(() => planImage([header('a.tif', 452000, 4445000), header('b.tif', 452050.002, 4445000)])).toThrow(/0.004 px off/);
  });
});

describe('windows of a mosaic', () => {
  let folder = '';
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'understory-image-')); });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const lattice = { resM: 0.5, x0M: 0, y0M: 0 };
  const red = (col: number, row: number) => (col * 7 + row * 13 + 5000) % 200 + 1, nir = (col: number, row: number) => (col + 2 * row + 5000) % 199 + 1;

  /** A file of red and nir over a window; `value` shifts red, and 0 in both bands is nodata. */
  function write(name: string, window: Window, { shift = 0, hole }: { shift?: number; hole?: Window } = {}): string {
    const size = window.width * window.height, bands = [new Uint8Array(size), new Uint8Array(size)], mask = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const col = window.col + (i % window.width), row = window.row + Math.floor(i / window.width);
      if (hole && col >= hole.col && col < hole.col + hole.width && row >= hole.row && row < hole.row + hole.height) continue;
      mask[i] = 1;
      bands[0]![i] = red(col, row) + shift;
      bands[1]![i] = nir(col, row);
    }
    const path = join(folder, name);
    writeFileSync(path, encodeGeoTiff({ lattice, window, bands, mask, nodata: 0, epsg: 32611, tileSize: 32 }));
    return path;
  }
  const openAll = async (paths: string[], options = {}) => openImage(planImage(await Promise.all(paths.map(readRasterHeader))), ['red', 'nir'], options);

  test('bands come by role, and outside the files is void', async () => {
    const image = await openAll([write('one.tif', { col: 10, row: -20, width: 40, height: 30 })]);
    const { bands, mask } = await readImageWindow(image, { col: 8, row: -21, width: 4, height: 3 }, ['nir', 'red']);
    expect([...mask]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1]);
    expect(bands.map((band) => [...band.subarray(6, 8)])).toEqual([[nir(10, -20), nir(11, -20)], [red(10, -20), red(11, -20)]]);
    await expect(readImageWindow(image, { col: 0, row: 0, width: 1, height: 1 }, ['green'])).rejects.toThrow(/has no band green; it has red, nir/);
    await image.close();
  });

  test('where files overlap the first by name that is valid there counts, in any order of reading', async () => {
    const hole = { col: 20, row: 5, width: 4, height: 4 };
    const first = write('1.tif', { col: 0, row: 0, width: 30, height: 20 }, { hole }), second = write('2.tif', { col: 10, row: 0, width: 30, height: 20 }, { shift: 50 });
    const expected = Float32Array.from({ length: 40 * 20 }, (_, i) => {
      const col = i % 40, row = Math.floor(i / 40);
      const inHole = col >= 20 && col < 24 && row >= 5 && row < 9;
      return red(col, row) + (col >= 30 || inHole ? 50 : 0);
    });
    for (const paths of [[first, second], [second, first]]) {
      const image = await openAll(paths, { maxOpen: 1 });
      const whole = await readImageWindow(image, { col: 0, row: 0, width: 40, height: 20 }, ['red']);
      expect(whole.bands[0]).toEqual(expected);
      expect(whole.mask.includes(0)).toBe(false);
      await image.close();
    }
  });

  test('any window of any cut into files is the same part of the same image', async () => {
    const cuts = [[{ col: 0, row: 0, width: 90, height: 70 }], [{ col: 0, row: 0, width: 41, height: 70 }, { col: 41, row: 0, width: 49, height: 33 }, { col: 41, row: 33, width: 49, height: 37 }]];
    const images = await Promise.all(cuts.map((windows, c) => openAll(windows.map((window, i) => write(`cut${c}-${i}.tif`, window)), { maxOpen: 2, cacheBytes: 5000 })));
    const window = fc.record({ col: fc.integer({ min: -5, max: 85 }), row: fc.integer({ min: -5, max: 65 }), width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) });
    await fc.assert(fc.asyncProperty(window, async (w) => {
      const [one, three] = await Promise.all(images.map((image) => readImageWindow(image, w, ['red', 'nir'])));
      expect(three).toEqual(one);
      const value = (i: number) => { const col = w.col + (i % w.width), row = w.row + Math.floor(i / w.width); return col >= 0 && row >= 0 && col < 90 && row < 70 ? red(col, row) : 0; };
      expect(one!.bands[0]).toEqual(Float32Array.from({ length: w.width * w.height }, (_, i) => value(i)));
    }), { seed: 3, numRuns: 60 });
    for (const image of images) await image.close();
  });

  test('more roles than bands, or one twice, is refused', async () => {
    const plan = planImage([await readRasterHeader(write('roles.tif', { col: 0, row: 0, width: 4, height: 4 }))]);
    expect(() => openImage(plan, ['red', 'green', 'blue'])).toThrow(/names 3 bands \(red, green, blue\), the files have 2/);
    expect(() => openImage(plan, ['red', 'red'])).toThrow(/twice/);
  });

  describe('resampled to a lattice anchored to the CRS', () => {
    const openCrs = async (paths: string[], options: Parameters<typeof planImage>[1], more = {}) =>
      openImage(planImage(await Promise.all(paths.map(readRasterHeader)), { lattice: 'crs', ...options }), ['red', 'nir'], more);

    test('a pixel of 1 m over four of 0.5 m is their mean, and valid where at least two of them are', async () => {
      const image = await openCrs([write('mean.tif', { col: 0, row: 0, width: 8, height: 8 }, { hole: { col: 0, row: 0, width: 1, height: 2 } })], { gsdM: 1 });
      expect([image.plan.lattice, image.plan.window, image.plan.epsg]).toEqual([{ resM: 1, x0M: 0, y0M: 0 }, { col: 0, row: 0, width: 4, height: 4 }, 32611]);
      const { bands, mask } = await readImageWindow(image, { col: -1, row: 0, width: 3, height: 1 }, ['red']);
      expect([...mask]).toEqual([0, 1, 1]);
      expect(bands[0]![1]).toBe((red(1, 0) + red(1, 1)) / 2); // the western two are voids
      expect(bands[0]![2]).toBe((red(2, 0) + red(3, 0) + red(2, 1) + red(3, 1)) / 4);
      await image.close();
    });

    test('however the window is cut, the files are ordered and the layer is cut into files, pixels are the same bit for bit', async () => {
      const whole = { col: 3, row: 5, width: 90, height: 70 };
      const parts = [{ col: 3, row: 5, width: 41, height: 70 }, { col: 44, row: 5, width: 49, height: 33 }, { col: 44, row: 38, width: 49, height: 37 }];
      const cuts = [[write('r-whole.tif', whole)], parts.map((window, i) => write(`r-part${i}.tif`, window)).toReversed()];
      for (const { gsdM, resample } of [{ gsdM: 0.8, resample: 'auto' }, { gsdM: 0.3, resample: 'cubic' }, { gsdM: 2.1, resample: 'bilinear' }] as const) {
        const images = await Promise.all(cuts.map((paths) => openCrs(paths, { gsdM, resample, surveyEpsg: 32610 }, { maxOpen: 2, cacheBytes: 5000 })));
        const { window } = images[0]!.plan, all = await readImageWindow(images[0]!, window, ['red', 'nir']);
        expect(all.mask.filter((valid) => valid).length * gsdM * gsdM).toBeCloseTo(90 * 70 / 4, -2.5); // its area in m2
        const cut = fc.record({ col: fc.integer({ min: 0, max: window.width - 2 }), row: fc.integer({ min: 0, max: window.height - 2 }), width: fc.integer({ min: 1, max: 25 }), height: fc.integer({ min: 1, max: 25 }) });
        await fc.assert(fc.asyncProperty(cut, async ({ col, row, width, height }) => {
          const w = { col: window.col + col, row: window.row + row, width: Math.min(width, window.width - col), height: Math.min(height, window.height - row) };
          const [one, three] = await Promise.all(images.map((image) => readImageWindow(image, w, ['red', 'nir'])));
          expect(three).toEqual(one);
          one!.bands.forEach((band, b) => band.forEach((value, i) => expect(value).toBe(all.bands[b]![(row + Math.floor(i / w.width)) * window.width + col + (i % w.width)])));
        }), { seed: 11, numRuns: 12 });
        for (const image of images) await image.close();
      }
    });

    test('a file of other pixels fills where the first by name is void', async () => {
      const first = write('1.tif', { col: 0, row: 0, width: 20, height: 20 }, { hole: { col: 8, row: 8, width: 4, height: 4 } });
      const second = join(folder, '2.tif');
      writeFileSync(second, encodeGeoTiff({ lattice: { resM: 0.3, x0M: 0.1, y0M: 0 }, window: { col: -5, row: -5, width: 60, height: 60 }, bands: [new Uint8Array(3600).fill(200), new Uint8Array(3600).fill(210)], nodata: 0, epsg: 32611 }));
      for (const paths of [[first, second], [second, first]]) {
        const image = await openCrs(paths, { gsdM: 1 });
        const { bands, mask } = await readImageWindow(image, { col: 3, row: 4, width: 4, height: 1 }, ['red']);
        expect([...mask]).toEqual([1, 1, 1, 1]);
        expect([...bands[0]!]).toEqual([(red(6, 8) + red(7, 8) + red(6, 9) + red(7, 9)) / 4, 200, 200, (red(12, 8) + red(13, 8) + red(12, 9) + red(13, 9)) / 4]);
        await image.close();
      }
    });

    test('pixels 900 times as wide as the files\' are whole means, read by pieces, the same in a window of one pixel', async () => {
      const side = 2700, band = new Uint8Array(side * side), path = join(folder, 'fine.tif'); // 9 m of 1 cm pixels: value 10 in the west, 20 in the east, from column 1000
      for (let i = 0; i < band.length; i++) band[i] = i % side < 1000 ? 10 : 20;
      writeFileSync(path, encodeGeoTiff({ lattice: { resM: 0.01, x0M: 0, y0M: 0 }, window: { col: 0, row: 0, width: side, height: side }, bands: [band], epsg: 32611, compression: 'none' }));
      const image = openImage(planImage([await readRasterHeader(path)], { lattice: 'crs', gsdM: 9 }), ['pan']), { window } = image.plan;
      expect([window.width, window.height]).toEqual([3, 3]);
      let most = 0; // pixels read at a time: not all 7.3 million
      const withFile: typeof image.withFile = (file, work) => image.withFile(file, (raster) => work({ ...raster, readWindow: (wanted, w) => {
        most = Math.max(most, w.width * w.height);
        return raster.readWindow(wanted, w);
      } }));
      const { bands, mask } = await readImageWindow({ ...image, withFile }, window, ['pan']);
      expect([most > 0, most <= 2 ** 22, mask.includes(0)]).toEqual([true, true, false]);
      const east = Math.fround((100 * 10 + 800 * 20) / 900); // columns 900 to 999 of the middle pixel
      expect([...bands[0]!]).toEqual([10, east, 20, 10, east, 20, 10, east, 20]);
      expect((await readImageWindow(image, { col: 1, row: 2, width: 1, height: 1 }, ['pan'])).bands[0]![0]).toBe(east);
      await image.close();
    });

    test('values are scaled once they are read: heights in feet become metres', async () => {
      const path = write('feet.tif', { col: 0, row: 0, width: 4, height: 4 });
      const read = async (options: object) => {
        const image = openImage(planImage([await readRasterHeader(path)], options), ['red', 'nir'], { valueScale: 0.3048 });
        const { bands } = await readImageWindow(image, { col: 1, row: 1, width: 1, height: 1 }, ['red']);
        await image.close();
        return bands[0]![0];
      };
      expect(await read({})).toBe(Math.fround(red(1, 1) * 0.3048));
      expect(await read({ lattice: 'crs', gsdM: 0.5 })).toBe(Math.fround(red(1, 1) * 0.3048));
    });

    test('each file names the pixels that depend on it: others keep their values without it', async () => {
      const west = write('w.tif', { col: 0, row: 0, width: 30, height: 20 }), east = write('x.tif', { col: 30, row: 0, width: 30, height: 20 }, { shift: 40 });
      for (const resample of ['auto', 'bilinear', 'cubic'] as const) {
        const both = await openCrs([west, east], { gsdM: 0.4, resample }), alone = await openCrs([west], { gsdM: 0.4, resample });
        const reach = both.plan.files[1]!.window, { window } = both.plan;
        const [a, b] = await Promise.all([both, alone].map((image) => readImageWindow(image, window, ['red'])));
        let differs = 0, outside = 0;
        a!.bands[0]!.forEach((value, i) => {
          if (value === b!.bands[0]![i] && a!.mask[i] === b!.mask[i]) return;
          const col = window.col + (i % window.width);
          if (col >= reach.col && col < reach.col + reach.width) differs++;
          else outside++;
        });
        expect([differs > 0, outside]).toEqual([true, 0]);
        await both.close();
        await alone.close();
      }
    });

    test.each([
      ['no CRS', { epsg: null }, { gsdM: 1 }, /b.tif: its CRS is not known; name it with the key crs/],
      ['a CRS that the table lacks', { epsg: 1024 }, { gsdM: 1, surveyEpsg: 32611 }, /b.tif: EPSG:1024 is no projected/],
      ['two CRS and none for the survey', { epsg: 32612 }, { gsdM: 1 }, /the key crs of the job file/],
      ['a survey in feet', {}, { gsdM: 1, surveyEpsg: 2263 }, /EPSG:2263 .* is in US survey foots?/],
      ['no pixel size', {}, {}, /needs the pixel size/],
      ['a pixel of a thousand pixels', {}, { gsdM: 600 }, /b.tif: a pixel of 600 m holds 1200 of its pixels on a side, more than 1000/],
    ])('%s is refused', (_, more, options, message) => {
      expect(() => planImage([header('b.tif', 452000, 4445000, more), ...(Object.keys(more).includes('epsg') ? [header('c.tif', 452000, 4445000)] : [])], { lattice: 'crs', ...options })).toThrow(message);
    });
  });
});
