// bench/plan.ts: how long `plan` takes for a large survey: a LAS file of a few points for each square kilometre, tiles of 500 m.
//
//   node bench/plan.ts [KILOMETRES_A_SIDE]        100: 10,000 files, 40,000 tiles
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeLas } from '../data-samples/make/las.ts';
import { planForest } from '../data-samples/make/forest.ts';
import { recipeOf } from '../data-samples/make/recipes.ts';
import { scanForest } from '../data-samples/make/scan.ts';
import { surfaceOf } from '../data-samples/make/surface.ts';

const side = Number(process.argv[2] ?? 100);
const cli = fileURLToPath(new URL('../bin/understory.js', import.meta.url));
const dir = await mkdtemp(join(tmpdir(), 'understory-plan-'));
try {
  await mkdir(join(dir, 'lidar'));
  const forest = planForest(recipeOf('tiny')), [first] = scanForest(forest, surfaceOf(forest));
  const las = Buffer.from(encodeLas([first!], { x0M: 300_000, y0M: 4_000_000, offsetM: [300_000, 4_000_000, 0], gpsStart: 0, created: { year: 2026, dayOfYear: 182 } }));
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < side; j++) {
      const copy = Buffer.from(las), x = 300_000 + 1000 * i, y = 4_000_000 + 1000 * j;
      [x + 999.9, x, y + 999.9, y].forEach((value, k) => copy.writeDoubleLE(value, 179 + 8 * k));
      await writeFile(join(dir, 'lidar', `${i}_${j}.las`), copy);
    }
  }
  await writeFile(join(dir, 'job.yaml'), 'survey: plan\noutput: out\ninputs: { lidar: { files: [lidar/*.las] } }\nground: { method: classified }\n');
  const started = performance.now(), { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'plan', join(dir, 'job.yaml')], { encoding: 'utf8' });
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(stderr);
  console.log(stdout);
  const megabytes = (await stat(join(dir, 'out', 'plan.json'))).size / 2 ** 20;
  console.log(`| files | seconds | plan.json MB | machine |\n| --- | --- | --- | --- |\n| ${side * side} | ${seconds.toFixed(1)} | ${megabytes.toFixed(0)} | ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version} |`);
} finally {
  await rm(dir, { recursive: true });
}
