// bench/seams.ts: does a network see trees twice along the seams of its patches, and does any tile or block change what it gives? IO.
//
//   node bench/seams.ts PICTURE.tif MODEL [--bands red,green,blue] [--epsg 31981] [--tiles 60,100,500] [--blocks 1,3,8]
//
// The picture is a survey of its own. It is run by the command line once for each tile size, and block by block for each block size.
// A pair of trees nearer than d crosses a seam where the line between them does. Each count stands beside that of the same lines moved to
// 12 x 12 other places between two seams: what crosses there has nothing to do with patches.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelPath, readCard } from '../src/infer/card.ts';
import type { ModelCard } from '../src/infer/card.ts';
import { inputReader } from '../src/infer/input.ts';
import { openModel } from '../src/infer/open-model.ts';
import { patchGrid, planBlocks } from '../src/infer/patches.ts';
import { patchTask } from '../src/infer/registry.ts';
import type { BlockResult } from '../src/infer/registry.ts';
import { openImage, planImage, readRasterHeader } from '../src/ingest/image-source.ts';
import type { RunRecord } from '../src/pipeline/run-record.ts';
import { pairsWithin, seamShares } from './seams/pairs.ts';
import type { SeamGrid, TreeAt } from './seams/pairs.ts';

const { values: args, positionals: [picture, model] } = parseArgs({
  allowPositionals: true,
  options: { bands: { type: 'string', default: 'red,green,blue' }, epsg: { type: 'string', default: '31981' }, tiles: { type: 'string', default: '60,100,500' }, blocks: { type: 'string', default: '1,3,8' } },
});
if (!picture || !model) throw new Error('usage: node bench/seams.ts PICTURE.tif MODEL [--bands red,green,blue] [--epsg 31981] [--tiles 60,100,500] [--blocks 1,3,8]');
const numbers = (text: string): number[] => text.split(',').map(Number), bands = args.bands.split(',');
const modelDir = fileURLToPath(new URL(`../models/${model}`, import.meta.url)), cli = fileURLToPath(new URL('../bin/understory.js', import.meta.url)), path = resolve(picture);

const card = await readCard(modelDir), { x0M, y0M, digests } = await runBlocks(card, numbers(args.blocks));
const grid: SeamGrid = { x0M, y0M, spacingM: patchGrid(card.input).stepPx * card.input.gsdM, marginM: card.input.marginPx * card.input.gsdM };
console.log(`${model} ${card.version} on ${path.split('/').at(-1)}: patches every ${grid.spacingM.toFixed(1)} m\n\n| blocks of patches | patches run | maps and detections, sha256 |\n| --- | --- | --- |`);
for (const { blocks, patches, sha256 } of digests) console.log(`| ${blocks} x ${blocks} | ${patches} | ${sha256.slice(0, 16)} |`);

const scratch = await mkdtemp(join(tmpdir(), 'understory-seams-'));
try {
  console.log('\n| tiles, m | trees | table tree | table cell_model | maps |\n| --- | --- | --- | --- | --- |');
  let trees: TreeAt[] = [];
  for (const sizeM of numbers(args.tiles)) {
    const { record, found } = await runTiles(sizeM), hash = (name: string): string => record.canonical[name]?.sum ?? '';
    trees = found;
    console.log(`| ${sizeM} | ${found.length} | ${hash('tree')} | ${hash('cell_model')} | ${createHash('sha256').update(JSON.stringify(record.canonical_rasters)).digest('hex').slice(0, 16)} |`);
  }
  console.log('\n| pairs nearer than, m | pairs | across a seam | across the same lines elsewhere: mean (least to most of 144) |\n| --- | --- | --- | --- |');
  for (const withinM of radiiOf(card)) {
    const pairs = pairsWithin(trees, withinM), { atSeams, elsewhere } = seamShares(pairs, grid);
    console.log(`| ${withinM} | ${pairs.length} | ${atSeams} | ${(elsewhere.reduce((a, b) => a + b) / elsewhere.length).toFixed(1)} (${Math.min(...elsewhere)} to ${Math.max(...elsewhere)}) |`);
  }
} finally {
  await rm(scratch, { recursive: true });
}

/** The localisation error of the card, else that of the counting model, and distances around it. */
function radiiOf({ post }: ModelCard): number[] {
  const own = 'localisation_error_m' in post ? post.localisation_error_m : 2;
  return [...new Set([1, own, 3, 4, 6])].sort((a, b) => a - b);
}

/** All blocks of the picture for each size of block: one digest of every output, in an order that does not depend on the blocks. */
async function runBlocks(model: ModelCard, sizes: number[]) {
  const { session } = await openModel(modelPath(modelDir), model, { providers: ['cpu'] }), { runBlock } = await patchTask(model), digests = [];
  const image = openImage(planImage([await readRasterHeader(path)], { lattice: 'crs', gsdM: model.input.gsdM, surveyEpsg: Number(args.epsg) }), bands), { lattice, window } = image.plan;
  for (const blocks of sizes) {
    const results: BlockResult[] = [];
    for (const block of planBlocks(window, model.input, blocks)) results.push(await runBlock(block, model, session, inputReader(image, model.input), lattice));
    digests.push({ blocks, patches: results.reduce((sum, { statistics }) => sum + statistics.patchesRun, 0), sha256: digestOf(results) });
  }
  await image.close();
  await session.close();
  return { x0M: lattice.x0M, y0M: lattice.y0M, digests };
}

/** Of every valid pixel of each map by its place, row by row, and every detection. */
function digestOf(results: readonly BlockResult[]): string {
  const rows = new Map<string, { col: number; data: Float32Array }[]>(), hash = createHash('sha256');
  for (const { name, raster: { window, data, mask } } of results.flatMap(({ rasters }) => rasters)) {
    for (let row = 0; row < window.height; row++) {
      const key = `${name} ${String(window.row + row + 1e9).padStart(11, '0')}`, pieces = rows.get(key) ?? [];
      pieces.push({ col: window.col, data: Float32Array.from(data.subarray(row * window.width, (row + 1) * window.width), (value, i) => (mask[row * window.width + i] ? value : NaN)) });
      rows.set(key, pieces);
    }
  }
  for (const key of [...rows.keys()].sort()) {
    const values = rows.get(key)!.sort((a, b) => a.col - b.col).flatMap(({ data }) => [...data]);
    hash.update(key).update(Float32Array.from(values));
  }
  for (const line of results.flatMap(({ boxes }) => boxes.map((box) => JSON.stringify(box))).sort()) hash.update(line);
  return hash.digest('hex');
}

async function runTiles(sizeM: number): Promise<{ record: RunRecord; found: TreeAt[] }> {
  const job = join(scratch, `job-${sizeM}.yaml`), output = join(scratch, `out-${sizeM}`);
  await writeFile(job, `survey: seams\noutput: ${JSON.stringify(output)}\nroots: ${JSON.stringify([dirname(path), dirname(modelDir)])}\ninputs: { images: { ortho: { files: [${JSON.stringify(path)}], bands: [${bands.join(', ')}], lattice: crs } } }\ntiles: { size_m: ${sizeM} }\nmodels: [{ name: seen, use: ${JSON.stringify(modelDir)}, on: ortho }]\n`);
  const { status, stderr } = spawnSync(process.execPath, [cli, 'run', job], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the run in tiles of ${sizeM} m ended with ${status}:\n${stderr}`);
  const { stdout } = spawnSync(process.execPath, [cli, 'query', job, "SELECT x_m, y_m FROM tree WHERE source = 'seen' ORDER BY tree_id", '--format', 'json'], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const found = (JSON.parse(stdout) as { x_m: number; y_m: number }[]).map(({ x_m, y_m }) => ({ xM: x_m, yM: y_m }));
  return { record: JSON.parse(await readFile(join(output, 'run.json'), 'utf8')) as RunRecord, found };
}
