// bench/real.ts: the product with its defaults on real clouds: time, memory, trees, stems. (CHM and DTM beside others': bench/defaults.ts.)
//
//   node bench/real.ts FOLDER_OF_SHARED_DATA
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunRecord } from '../src/pipeline/run-record.ts';

const data = resolve(process.argv[2] ?? '../shared/data');
const cli = fileURLToPath(new URL('../bin/understory.js', import.meta.url));

/** What the files do not say is given: heights instead of elevations, a CRS. */
const SURVEYS = [
  { name: 'bcts_1-4', files: ['lidar/bcts_*.laz'] },
  { name: 'MixedConifer', files: ['lidar/MixedConifer.laz'], lidar: 'z: height' },
  { name: 'MixedEucaNat', files: ['lidar/MixedEucaNat.laz'] },
  { name: 'Megaplot', files: ['lidar/Megaplot.laz'], lidar: 'z: height' },
  { name: 'pycrown', files: ['lidar/pycrown/POINTS.laz'], lidar: 'z: height' },
  { name: 'OSBS_006', files: ['crowns/plots/OSBS_006.laz'], lidar: 'crs: EPSG:32617' },
];

const dir = await mkdtemp(join(tmpdir(), 'understory-real-'));
try {
  console.log('| survey | points | seconds | points/s | peak MB, all processes | ground | trees | valid ha | stems/ha | canopy cover |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const survey of SURVEYS) console.log(await measured(survey));
  console.log(`\n${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}; each run with its process starts, two workers, defaults.`);
} finally {
  await rm(dir, { recursive: true });
}

async function measured({ name, files, lidar = '' }: (typeof SURVEYS)[number]): Promise<string> {
  const job = join(dir, `${name}.yaml`);
  await writeFile(job, `survey: ${name}\noutput: ${name}\nroots: [${data}]\ninputs: { lidar: { files: [${files.map((file) => join(data, file)).join(', ')}]${lidar ? `, ${lidar}` : ''} } }\nrun: { workers: 2 }\n`);
  const started = performance.now(), { status, stderr } = spawnSync(process.execPath, [cli, 'run', job], { encoding: 'utf8' });
  if (status !== 0) return `| ${name} | exit ${status}: ${stderr.trim().split('\n').at(-1)} |`;
  const seconds = (performance.now() - started) / 1000, record = JSON.parse(await readFile(join(dir, name, 'run.json'), 'utf8')) as RunRecord;
  const [figures] = JSON.parse(spawnSync(process.execPath, [cli, 'query', job, '@survey', '--format', 'json'], { encoding: 'utf8' }).stdout) as Record<string, number>[];
  const points = JSON.parse(spawnSync(process.execPath, [cli, 'query', job, 'SELECT sum(points)::DOUBLE AS points FROM input_file', '--format', 'json'], { encoding: 'utf8' }).stdout) as [{ points: number }];
  return `| ${[name, points[0].points, seconds.toFixed(1), Math.round(points[0].points / seconds), record.cost?.peak_memory_mb, record.ground, record.canonical['tree']?.rows,
    figures!['valid_ha_lidar']!.toFixed(2), Math.round(figures!['stems_per_ha']!), figures!['canopy_cover']!.toFixed(2)].join(' | ')} |`;
}
