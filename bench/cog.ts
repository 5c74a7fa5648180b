// bench/cog.ts: how fast a survey's raster is written as a COG, and in how much memory, beside gdal_translate -of COG in the same run. IO.
//
//   npx node bench/cog.ts [width in pixels, 8192] [height, 8192] [rounds, 3]
//
// GDAL writes a CHM (float32) and a mask (uint8) without compression into a temporary folder. Each is then written as a COG of 512 px
// tiles, deflated (level 5) with a predictor, overviews by averaging (the mask: any, GDAL: mode): by `stageMosaic` from that file as its one
// part, in a process of its own, and by gdal_translate with one thread. MB are of pixels of the image, overviews not counted, over the
// time inside the process from first read to last fsync; GDAL's whole process is timed, and its file is fsynced too. Rounds are
// interleaved; the median counts. A run at twice the height shows whether memory follows the raster's area.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stageMosaic } from '../src/store/mosaic.ts';
import type { MosaicLayer } from '../src/store/mosaic.ts';

const PYTHON = '/usr/bin/python3';

const MAKE = `
import sys, numpy as np
from osgeo import gdal, osr
path, kind, width, height = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
srs = osr.SpatialReference(); srs.ImportFromEPSG(32611)
rng = np.random.default_rng(1)
ds = gdal.GetDriverByName('GTiff').Create(path, width, height, 1, gdal.GDT_Byte if kind == 'mask' else gdal.GDT_Float32, ['TILED=YES', 'BLOCKXSIZE=512', 'BLOCKYSIZE=512'])
ds.SetGeoTransform((452000, 0.5, 0, 4445000, 0, -0.5)); ds.SetProjection(srs.ExportToWkt())
if kind == 'chm': ds.GetRasterBand(1).SetNoDataValue(-9999)
col = np.arange(width)
for top in range(0, height, 512):
    row = np.arange(top, min(top + 512, height))[:, None]
    # crowns of about 12 px, stands, noise of a canopy, and voids a hundred pixels wide
    canopy = np.maximum(0, 12 + 9 * np.sin(col / 4) * np.cos(row / 3.7) + 6 * np.sin(col / 400 + row / 300) + rng.normal(0, 0.6, (len(row), width)))
    valid = np.sin(col / 150) * np.cos(row / 170) > -0.9
    ds.GetRasterBand(1).WriteArray(valid.astype(np.uint8) if kind == 'mask' else np.where(valid, canopy, -9999).astype(np.float32), 0, top)
ds = None
`;

const GDAL = `
import json, os, resource, subprocess, sys, time
source, out, rule = sys.argv[1:]
start = time.perf_counter()
subprocess.check_call(['gdal_translate', '-q', '-of', 'COG', '-co', 'COMPRESS=DEFLATE', '-co', 'LEVEL=5', '-co', 'PREDICTOR=YES', '-co', 'BLOCKSIZE=512', '-co', 'OVERVIEW_RESAMPLING=' + rule, '-co', 'NUM_THREADS=1', '--config', 'GDAL_CACHEMAX', '64', source, out])
with open(out, 'rb') as file: os.fsync(file.fileno())
print(json.dumps({'seconds': time.perf_counter() - start, 'peakMb': resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}))
`;

interface Figures { seconds: number; peakMb: number }
type Kind = 'chm' | 'mask';

/** Run in a process of its own, whose peak memory is then that of the writing. */
async function writeOurs(source: string, out: string, kind: Kind, width: number, height: number): Promise<void> {
  const window = { col: 904_000, row: -8_890_000, width, height }, lattice = { resM: 0.5, x0M: 0, y0M: 0 };
  const image: MosaicLayer['image'] = { epsg: 32611, bandName: kind, ...(kind === 'mask' ? { type: 'uint8', nodata: null, overviews: 'any' } : { type: 'float32', nodata: -9999, overviews: 'mean' }) };
  const start = performance.now();
  const [staged] = await stageMosaic({ lattice, window, parts: [{ path: source, window }] }, [{ path: out, gives: 'values', image }]);
  await staged!.publish();
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, peakMb: process.resourceUsage().maxRSS / 1024 } satisfies Figures));
}

const figures = (text: string): Figures => JSON.parse(text) as Figures;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function compare(folder: string, kind: Kind, { width, height, rounds }: { width: number; height: number; rounds: number }): void {
  const source = join(folder, `${kind}-source.tif`), paths = { ours: join(folder, 'ours.tif'), gdal: join(folder, 'gdal.tif') }, runs: Record<keyof typeof paths, Figures[]> = { ours: [], gdal: [] };
  execFileSync(PYTHON, ['-c', MAKE, source, kind, String(width), String(height)]);
  for (let round = 0; round < rounds; round++) {
    runs.ours.push(figures(execFileSync(process.execPath, [import.meta.filename, '--write', source, paths.ours, kind, String(width), String(height)], { encoding: 'utf8' })));
    runs.gdal.push(figures(execFileSync(PYTHON, ['-c', GDAL, source, paths.gdal, kind === 'mask' ? 'MODE' : 'AVERAGE'], { encoding: 'utf8' })));
  }
  const mb = (width * height * (kind === 'mask' ? 1 : 4)) / 1e6;
  for (const who of ['ours', 'gdal'] as const) {
    const speed = mb / median(runs[who].map(({ seconds }) => seconds)), peak = Math.max(...runs[who].map(({ peakMb }) => peakMb));
    console.log(`${kind.padEnd(5)} ${`${width} x ${height}`.padEnd(14)} ${who.padEnd(5)} ${speed.toFixed(0).padStart(5)} MB/s  file ${(statSync(paths[who]).size / 1e6).toFixed(1).padStart(7)} MB  peak ${peak.toFixed(0).padStart(5)} MB`);
  }
}

const [first = '', ...rest] = process.argv.slice(2);
if (first === '--write') {
  const [source, out, kind, width, height] = rest;
  await writeOurs(source!, out!, kind as Kind, Number(width), Number(height));
} else {
  const [width = 8192, height = 8192, rounds = 3] = [first || '8192', ...rest].map(Number), folder = mkdtempSync(join(tmpdir(), 'bench-cog-'));
  try {
    compare(folder, 'chm', { width, height, rounds });
    compare(folder, 'chm', { width, height: 2 * height, rounds: 1 });
    compare(folder, 'mask', { width, height, rounds });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
