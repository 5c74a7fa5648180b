// bench/images.ts: a run of one model over one large orthophoto: patches a second and peak memory of all processes.
//
//   node bench/images.ts [--side 40000] [--gsd 0.5] [--model data-samples/models/red-density] [--workers 2] [--tile 1000]
//
// The orthophoto (uint8, four bands, deflate, 512 px tiles) is written with GDAL through /usr/bin/python3 into a temporary folder: a drawn
// pattern of crowns, repeated, with other noise in each tile of 2,048 px. The survey has the image alone: no LiDAR, no CHM.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RunRecord } from '../src/pipeline/run-record.ts';

const { values } = parseArgs({ options: { side: { type: 'string', default: '40000' }, gsd: { type: 'string', default: '0.5' }, model: { type: 'string', default: 'data-samples/models/red-density' }, workers: { type: 'string', default: '2' }, tile: { type: 'string', default: '1000' } } });
const cli = fileURLToPath(new URL('../bin/understory.js', import.meta.url));

const WRITE = `
import sys, numpy as np
from osgeo import gdal, osr
path, side, gsd = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
srs = osr.SpatialReference(); srs.ImportFromEPSG(32611)
ds = gdal.GetDriverByName('GTiff').Create(path, side, side, 4, gdal.GDT_Byte, ['TILED=YES', 'BLOCKXSIZE=512', 'BLOCKYSIZE=512', 'COMPRESS=DEFLATE', 'PREDICTOR=2', 'ZLEVEL=1', 'BIGTIFF=IF_SAFER', 'INTERLEAVE=PIXEL', 'PHOTOMETRIC=MINISBLACK', 'ALPHA=NO'])
ds.SetGeoTransform((320000, gsd, 0, 4140000, 0, -gsd)); ds.SetProjection(srs.ExportToWkt())
n = 2048; row, col = np.mgrid[0:n, 0:n]
base = [90 + 20 * b + 50 * np.sin(col / 12) * np.cos(row / 11) for b in range(4)]
noise = np.random.default_rng(1).normal(0, 3, (n, n))
for y in range(0, side, n):
    for x in range(0, side, n):
        h, w = min(n, side - y), min(n, side - x)
        turned = np.roll(noise, ((y + x) // n) * 37, axis=1)
        block = np.stack([np.clip(plane + turned, 1, 255).astype(np.uint8)[:h, :w] for plane in base])
        ds.WriteRaster(x, y, w, h, block.tobytes(), w, h, gdal.GDT_Byte)
ds = None
`;

const dir = await mkdtemp(join(tmpdir(), 'understory-images-bench-'));
try {
  execFileSync('/usr/bin/python3', ['-c', WRITE, join(dir, 'ortho.tif'), values.side, values.gsd], { stdio: 'inherit' });
  const bytes = (await stat(join(dir, 'ortho.tif'))).size, model = resolve(values.model);
  await writeFile(join(dir, 'job.yaml'), `
survey: images
output: out
roots: [${JSON.stringify(model)}]
inputs: { images: { ortho: { files: [ortho.tif], bands: [red, green, blue, nir] } } }
tiles: { size_m: ${values.tile} }
models: [{ name: counts, use: ${JSON.stringify(model)}, on: ortho }]
run: { workers: ${values.workers} }
`);
  const started = performance.now(), { status, stderr } = spawnSync(process.execPath, [cli, 'run', join(dir, 'job.yaml')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the run ended with ${status}:\n${stderr}`);
  const seconds = (performance.now() - started) / 1000, record = JSON.parse(await readFile(join(dir, 'out', 'run.json'), 'utf8')) as RunRecord;
  const patches = record.counts['model_patches_run'] ?? 0, infer = record.profile['model']?.['infer'] ?? NaN;
  console.log(`| side px | file GB | model | workers | seconds | patches | patches/s in all | patches/s a worker while it infers | peak MB, all processes | trees | provider | machine |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| ${values.side} | ${(bytes / 1e9).toFixed(2)} | ${record.models[0]?.name} | ${values.workers} | ${seconds.toFixed(0)} | ${patches} | ${(patches / seconds).toFixed(1)} | ${(patches / infer).toFixed(1)} | ${record.cost?.peak_memory_mb} | ${record.canonical['tree']?.rows} | ${record.models[0]?.provider.join(', ')} | ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version} |`);
  console.log(`\nseconds by stage, summed over workers: ${JSON.stringify(record.profile)}`);
} finally {
  await rm(dir, { recursive: true });
}
