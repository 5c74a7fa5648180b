// bench/chain.ts: the whole chain on real clouds laid side by side: points a second, peak memory of all processes, seconds by stage.
//
//   node bench/chain.ts FOLDER_WITH_BCTS [--copies 2x2] [--workers 2] [--chm p2r|pit-free] [--ground classified|smrf] [--tile 500] [--layers 1]
//
// The chain of the fastest C++ peer is --chm p2r (with pit filling) and --ground classified.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Plan } from '../src/pipeline/plan.ts';
import type { RunRecord } from '../src/pipeline/run-record.ts';
import { layOut } from './lay-out.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    copies: { type: 'string', default: '2x2' }, workers: { type: 'string', default: '2' }, chm: { type: 'string', default: 'p2r' },
    ground: { type: 'string', default: 'classified' }, tile: { type: 'string', default: '500' }, layers: { type: 'string', default: '1' },
  },
});
const [across, down] = values.copies.split('x').map(Number) as [number, number];
const source = resolve(positionals[0] ?? '../shared/data/lidar');
const cli = fileURLToPath(new URL('../bin/understory.js', import.meta.url));

const dir = await mkdtemp(join(tmpdir(), 'understory-chain-'));
try {
  await layOut([1, 2, 3, 4].map((n) => join(source, `bcts_${n}.laz`)), join(dir, 'lidar'), { across, down, stepM: 1000, layers: Number(values.layers) });
  await writeFile(join(dir, 'job.yaml'), `
survey: chain
output: out
inputs: { lidar: { files: [lidar/*.laz] } }
tiles: { size_m: ${values.tile} }
ground: { method: ${values.ground} }
chm: ${values.chm === 'p2r' ? '{ method: p2r, pit_fill: true }' : '{ method: pit-free }'}
run: { workers: ${values.workers} }
`);
  const run = () => {
    const started = performance.now(), { status, stderr } = spawnSync(process.execPath, [cli, 'run', join(dir, 'job.yaml')], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the run ended with ${status}:\n${stderr}`);
    return (performance.now() - started) / 1000;
  };
  const seconds = run(), again = run();
  const record = JSON.parse(await readFile(join(dir, 'out', 'run.json'), 'utf8')) as RunRecord;
  const { survey } = JSON.parse(await readFile(join(dir, 'out', 'plan.json'), 'utf8')) as Plan;
  const points = survey.lidar.reduce((sum, { pointCount }) => sum + pointCount, 0);
  const hectares = (record.counts['canopy_chm_valid_px'] ?? 0) * record.job.chm.resolution_m ** 2 / 1e4;
  console.log(`| copies | points | workers | chm | ground | tile m | seconds | M points/s | peak MB, all processes | rerun s | decoded | trees | valid ha | machine |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| ${values.copies}x${values.layers} | ${points} | ${values.workers} | ${values.chm} | ${values.ground} | ${values.tile} | ${seconds.toFixed(1)} | ${(points / seconds / 1e6).toFixed(3)} | ${record.cost?.peak_memory_mb} | ${again.toFixed(1)} | ${record.decoded_ratio} | ${record.canonical['tree']?.rows} | ${hectares.toFixed(1)} | ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version} |`);
  console.log(`\nseconds by stage, summed over workers: ${JSON.stringify(record.profile)}`);
} finally {
  await rm(dir, { recursive: true });
}
