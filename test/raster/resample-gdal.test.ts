// What resampling makes of a surface against gdalwarp, in one CRS and across two (skipped where GDAL is not installed).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFile } from '../../src/files/byte-source.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import { openImage, planImage, readImageWindow, readRasterHeader } from '../../src/ingest/image-source.ts';
import type { Resampling } from '../../src/ingest/image-source.ts';

const python = '/usr/bin/python3';
const hasGdal = (() => {
  try {
    execFileSync(python, ['-c', 'from osgeo import gdal; import numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasGdal)('against gdalwarp', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'understory-warp-'));
    execFileSync(python, [new URL('./resample-gdal.py', import.meta.url).pathname, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const SOURCES: Record<string, string> = { same: 'utm', degrees: 'degrees', feet: 'feet' };

  async function differences(source: string, warped: string, gsdM: number, resample: Resampling) {
    const theirs = await openRaster(await openFile(join(folder, `${warped}.tif`)));
    const { width, height, affine, epsg } = theirs.header;
    const plan = planImage([await readRasterHeader(join(folder, `${source}.tif`))], { lattice: 'crs', gsdM, surveyEpsg: epsg!, resample });
    const image = openImage(plan, ['height']);
    const window = { col: Math.round(affine!.x0 / gsdM), row: -Math.round(affine!.y0 / gsdM), width, height };
    const ours = await readImageWindow(image, window, ['height']), read = await theirs.readWindow([0], { col: 0, row: 0, width, height });
    await Promise.all([image.close(), theirs.close()]);
    let most = 0, squares = 0, both = 0, maskDiffers = 0;
    ours.mask.forEach((valid, i) => {
      if (valid !== read.mask[i]) maskDiffers++;
      if (!valid || !read.mask[i]) return;
      const off = Math.abs(ours.bands[0]![i]! - read.data[0]![i]!);
      most = Math.max(most, off);
      squares += off * off;
      both++;
    });
    return { most, rms: Math.sqrt(squares / both), maskDiffers: maskDiffers / ours.mask.length, both };
  }

  // The surface swings by 16 m over about 14 m, with noise of 0.5 m in one CRS. Made larger, pixels are GDAL's but for float32, save where
  // a cubic meets the void (its own rule there). Made smaller, kernels differ: GDAL rounds the footprint of an average and the support of
  // a stretched kernel to other pixels, and its average is valid where any pixel is, ours where half of the area is.
  test.each([
    ['same-0.2-bilinear', 1e-5, 1e-5, 0.001], ['same-0.2-cubic', 0.01, 0.3, 0.001], ['zone-0.2-bilinear', 1e-5, 1e-4, 0.001], ['zone-0.2-cubic', 1e-5, 1e-4, 0.001],
    ['albers-0.2-bilinear', 1e-5, 1e-4, 0.001], ['albers-0.2-cubic', 1e-5, 1e-4, 0.001],
    ['same-1.7-average', 0.03, 0.4, 0.05], ['same-1.7-bilinear', 0.02, 0.1, 0.02], ['same-1.7-cubic', 0.06, 0.4, 0.02],
    ['zone-1.7-average', 0.03, 0.4, 0.05], ['zone-1.7-bilinear', 0.03, 0.2, 0.02], ['zone-1.7-cubic', 0.06, 0.4, 0.02],
    ['albers-1.7-average', 0.03, 0.4, 0.05], ['albers-1.7-bilinear', 0.03, 0.2, 0.02], ['albers-1.7-cubic', 0.06, 0.4, 0.02],
    ['degrees-0.2-bilinear', 1e-5, 1e-4, 0.001], ['degrees-0.2-cubic', 1e-5, 1e-4, 0.001], ['degrees-1.7-average', 0.05, 0.4, 0.05], ['degrees-1.7-bilinear', 0.03, 0.2, 0.02],
    ['feet-0.2-bilinear', 1e-5, 1e-4, 0.001], ['feet-0.2-cubic', 1e-5, 1e-4, 0.001], ['feet-1.7-average', 0.05, 0.4, 0.05], ['feet-1.7-bilinear', 0.03, 0.2, 0.02],
  ])('%s: root mean square within %s m, every pixel within %s m', async (name, rmsLimit, mostLimit, maskLimit) => {
    const [kind, size, method] = name.split('-');
    const { most, rms, maskDiffers, both } = await differences(SOURCES[kind!] ?? 'smooth', name, Number(size), method as Resampling);
    expect(both).toBeGreaterThan(3000);
    expect([rms < rmsLimit, most < mostLimit, maskDiffers < maskLimit], `rms ${rms}, most ${most}, other masks ${maskDiffers}`).toEqual([true, true, true]);
  });
});
