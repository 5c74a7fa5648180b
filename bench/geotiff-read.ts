// bench/geotiff-read.ts: how fast GeoTIFFs are read, by window, beside GDAL's ReadAsArray in the same run. IO.
//
//   npx node bench/geotiff-read.ts [edge in pixels, 8192] [rounds, 3]
//
// Writes RGB uint8 and float32 files with GDAL into a temporary folder, then reads each whole, in aligned windows of one tile and in
// windows that cross tiles: by our reader (`readWindow`), through a mosaic (`readImageWindow`: float32 and mask, as networks take it),
// and by GDAL. MB are of decoded pixels in the file's type. Rounds are interleaved; the median counts. One process, one thread for
// pixels. The files are in the page cache for all.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFile } from '../src/files/byte-source.ts';
import { openRaster } from '../src/ingest/geotiff-reader.ts';
import { openImage, planImage, readImageWindow, readRasterHeader } from '../src/ingest/image-source.ts';
import type { Window } from '../src/types.ts';

const TILE = 512;
const [edge = 8192, rounds = 3] = process.argv.slice(2).map(Number);

const WRITE = `
import sys, numpy as np
from osgeo import gdal, osr
folder, edge = sys.argv[1], int(sys.argv[2])
srs = osr.SpatialReference(); srs.ImportFromEPSG(32611)
rng = np.random.default_rng(1)
cases = {'uint8-deflate-2': ('Byte', 3, ['COMPRESS=DEFLATE', 'PREDICTOR=2']), 'uint8-deflate': ('Byte', 3, ['COMPRESS=DEFLATE']), 'uint8-lzw-2': ('Byte', 3, ['COMPRESS=LZW', 'PREDICTOR=2']),
         'uint8-none': ('Byte', 3, []), 'uint8-jpeg': ('Byte', 3, ['COMPRESS=JPEG', 'PHOTOMETRIC=YCBCR']), 'float32-deflate-3': ('Float32', 1, ['COMPRESS=DEFLATE', 'PREDICTOR=3'])}
for name, (kind, bands, options) in cases.items():
    ds = gdal.GetDriverByName('GTiff').Create(f'{folder}/{name}.tif', edge, edge, bands, getattr(gdal, 'GDT_' + kind), ['TILED=YES', 'BLOCKXSIZE=512', 'BLOCKYSIZE=512'] + options)
    ds.SetGeoTransform((452000, 0.5, 0, 4445000, 0, -0.5)); ds.SetProjection(srs.ExportToWkt())
    col = np.arange(edge)
    for top in range(0, edge, 512):
        row = np.arange(top, min(top + 512, edge))[:, None]
        for b in range(bands):
            # crowns of about 12 px, a slope of light, and noise of a sensor
            surface = 90 + 30 * b + 50 * np.sin(col / 12) * np.cos(row / 11) + 20 * np.sin(col / 400 + row / 300) + rng.normal(0, 3, (len(row), edge))
            ds.GetRasterBand(b + 1).WriteArray(np.clip(surface, 0, 255).astype(np.uint8) if kind == 'Byte' else surface.astype(np.float32), 0, top)
    ds = None
print(' '.join(cases))
`;

const READ = `
import sys, time
from osgeo import gdal
path, step, shift = sys.argv[1], 512, int(sys.argv[2])
gdal.SetCacheMax(64 * 2 ** 20)
ds = gdal.Open(path)
start, count = time.perf_counter(), 0
for row in range(shift, ds.RasterYSize - step + 1, step):
    for col in range(shift, ds.RasterXSize - step + 1, step):
        count += ds.ReadAsArray(col, row, step, step).nbytes
print(count / 1e6 / (time.perf_counter() - start))
`;

function* windows(shift: number): Generator<Window> {
  for (let row = shift; row + TILE <= edge; row += TILE) for (let col = shift; col + TILE <= edge; col += TILE) yield { col, row, width: TILE, height: TILE };
}

async function readerSpeed(path: string, shift: number): Promise<number> {
  const raster = await openRaster(await openFile(path)), bands = Array.from({ length: raster.header.bands }, (_, i) => i), started = performance.now();
  let bytes = 0;
  for (const window of windows(shift)) for (const band of (await raster.readWindow(bands, window)).data) bytes += band.byteLength;
  const seconds = (performance.now() - started) / 1000;
  await raster.close();
  return bytes / 1e6 / seconds;
}

async function mosaicSpeed(path: string, shift: number): Promise<number> {
  const header = await readRasterHeader(path), plan = planImage([header]), roles = ['red', 'green', 'blue'].slice(0, header.bands), image = openImage(plan, roles), started = performance.now();
  let pixels = 0;
  for (const { col, row, ...size } of windows(shift)) pixels += (await readImageWindow(image, { col: col + plan.window.col, row: row + plan.window.row, ...size }, roles)).mask.length * roles.length;
  const seconds = (performance.now() - started) / 1000;
  await image.close();
  return (pixels * (header.sampleType === 'uint8' ? 1 : 4)) / 1e6 / seconds;
}

const gdalSpeed = (path: string, shift: number): number => Number(execFileSync('/usr/bin/python3', ['-c', READ, path, String(shift)], { encoding: 'utf8' }));
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const folder = mkdtempSync(join(tmpdir(), 'understory-bench-'));
try {
  const names = execFileSync('/usr/bin/python3', ['-c', WRITE, folder, String(edge)], { encoding: 'utf8' }).trim().split(' ');
  process.stdout.write(`${edge} px square, tiles of ${TILE} px, median of ${rounds} rounds, MB/s of decoded pixels\n\n| file | windows | readWindow | readImageWindow | GDAL | ours / GDAL |\n| --- | --- | ---: | ---: | ---: | ---: |\n`);
  for (const name of names) {
    for (const [label, shift] of [['one tile', 0], ['across tiles', 200]] as const) {
      const path = join(folder, `${name}.tif`), found: [number, number, number][] = [];
      for (let round = 0; round < rounds; round++) found.push([await readerSpeed(path, shift), await mosaicSpeed(path, shift), gdalSpeed(path, shift)]);
      const [reader, mosaic, gdal] = [0, 1, 2].map((k) => median(found.map((row) => row[k]!))) as [number, number, number];
      process.stdout.write(`| ${name} | ${label} | ${reader.toFixed(0)} | ${mosaic.toFixed(0)} | ${gdal.toFixed(0)} | ${(reader / gdal).toFixed(2)} |\n`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
