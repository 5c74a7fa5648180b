// bench/accuracy.ts: trees found against trees planted: the synthetic forests run through the whole product. IO.
//
//   npx node bench/accuracy.ts [RECIPE ...]      default: plantation mixed-conifer understorey
//
// Prints the tables of bench/ACCURACY.md. The forests are made in a temporary folder, which is removed.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipeOf } from '../data-samples/make/recipes.ts';
import { writeSample } from '../data-samples/make/write.ts';
import type { TreePlace } from '../src/evaluate/match-trees.ts';
import { matchTrees, scoreMatches } from '../src/evaluate/match-trees.ts';
import { crsFromEpsg, transformer } from '../src/geo/crs.ts';
import { locatePoint } from '../src/geo/polygon.ts';
import { readFeatures } from '../src/ingest/vector.ts';
import { loadJob } from '../src/pipeline/job-file.ts';
import { runSurvey } from '../src/pipeline/run.ts';
import { databasePath } from '../src/pipeline/tasks/merge.ts';
import { openDuck } from '../src/store/duck.ts';
import type { MultiPolygon } from '../src/types.ts';

/** Lower trees are not looked for (`treetops.min_height_m`), so they are not missed either. */
const LEAST_HEIGHT_M = 2;

interface FoundTree extends TreePlace { stands: string[] }
interface TrueTree extends TreePlace { stands: string[]; dominant: boolean }

const recipes = process.argv.length > 2 ? process.argv.slice(2) : ['plantation', 'mixed-conifer', 'understorey'];
const [shares, heights, stands]: [string[], string[], string[]] = [[], [], []];
for (const recipe of recipes) await measure(recipe);
table('recipe | trees | dominant | found | precision | recall | F1 | dominant: precision | recall | F1', shares);
table('recipe | pairs | height bias, m | height RMSE, m | dominant: bias, m | RMSE, m', heights);
table('recipe | stand | trees | dominant | found | bias of all stems | bias of dominant stems', stands);

function table(head: string, rows: readonly string[]): void {
  console.log(`| ${head} |\n|${head.replaceAll(/[^|]+/g, ' --- ')}|\n${rows.map((row) => `| ${row} |`).join('\n')}\n`);
}

async function measure(recipe: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'understory-accuracy-'));
  try {
    await writeSample(dir, recipeOf(recipe));
    const inVoid = await voidsOf(join(dir, 'truth', 'voids.geojson'));
    const truth = (await trueTrees(join(dir, 'truth', 'trees.csv'))).filter((tree) => tree.heightM >= LEAST_HEIGHT_M && !inVoid(tree));
    const found = (await runProduct(dir)).filter((tree) => !inVoid(tree));
    compare(recipe, found, truth);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function compare(recipe: string, found: readonly FoundTree[], truth: readonly TrueTree[]): void {
  const pairs = matchTrees(found, truth), all = scoreMatches(pairs, found.length, truth.length);
  // a tree found under the dominant ones is right, but no dominant tree: it counts neither for nor against
  const dominant = pairs.filter(({ reference }) => truth[reference]!.dominant), dominantTrees = truth.filter((tree) => tree.dominant).length;
  const top = scoreMatches(dominant, found.length - (pairs.length - dominant.length), dominantTrees);
  shares.push([recipe, truth.length, dominantTrees, found.length, ...[all.precision, all.recall, all.f1, top.precision, top.recall, top.f1].map(digits(3))].join(' | '));
  heights.push([recipe, pairs.length, ...[all.heightBiasM, all.heightRmseM, top.heightBiasM, top.heightRmseM].map(digits(2))].join(' | '));
  for (const stand of [...new Set(truth.flatMap((tree) => tree.stands))].sort()) {
    const of = <T extends { stands: string[] }>(trees: readonly T[]): T[] => trees.filter((tree) => tree.stands.includes(stand));
    const [there, seen] = [of(truth), of(found).length], large = there.filter((tree) => tree.dominant).length;
    stands.push([recipe, stand, there.length, large, seen, percent(seen / there.length - 1), percent(seen / large - 1)].join(' | '));
  }
}

function digits(n: number): (value: number | null) => string {
  return (value) => (value === null ? 'none' : value.toFixed(n));
}

function percent(share: number): string {
  return `${share < 0 ? '' : '+'}${(100 * share).toFixed(1)} %`;
}

/** Run a job with the defaults and read its trees back. */
async function runProduct(dir: string): Promise<FoundTree[]> {
  const job = 'survey: accuracy\noutput: out\ninputs:\n  lidar: { files: [lidar/*.las] }\n  stands: { file: stands.geojson, id: stand_no }\ntiles: { size_m: 100 }\n';
  await writeFile(join(dir, 'job.yaml'), job);
  const { exitCode, plan } = await runSurvey(await loadJob(join(dir, 'job.yaml')));
  if (exitCode !== 0) throw new Error(`${dir}: the run ended with exit code ${exitCode}`);
  const duck = await openDuck(databasePath(plan.output), { readOnly: true });
  try {
    const rows = await duck.connection.runAndReadAll(`SELECT x_m, y_m, height_m, coalesce(string_agg(stand_id, ';'), '') FROM tree LEFT JOIN tree_stand USING (tree_id) GROUP BY ALL`);
    return rows.getRows().map(([x, y, height, ids]) => ({ xM: Number(x), yM: Number(y), heightM: Number(height), stands: String(ids).split(';') }));
  } finally {
    duck.close();
  }
}

async function trueTrees(path: string): Promise<TrueTree[]> {
  const [head, ...lines] = (await readFile(path, 'utf8')).trim().split('\n').map((line) => line.split(','));
  const column = (name: string): number => head!.indexOf(name), [x, y, height, layer, stand] = ['x_m', 'y_m', 'height_m', 'layer', 'stand_no'].map(column);
  return lines.map((cells) => ({
    xM: Number(cells[x!]), yM: Number(cells[y!]), heightM: Number(cells[height!]), dominant: cells[layer!] === 'dominant', stands: cells[stand!]!.split(';').filter((id) => id !== ''),
  }));
}

/** Where nothing was measured, trees exist but cannot be found. */
async function voidsOf(path: string): Promise<(tree: TreePlace) => boolean> {
  const polygons: MultiPolygon[] = [];
  if (!/"Feature"/.test(await readFile(path, 'utf8'))) return () => false;
  for await (const feature of readFeatures(path)) {
    const toSurvey = transformer(feature.crs, crsFromEpsg(32611));
    polygons.push(feature.polygons.map((rings) => rings.map((ring) => ring.map(([x, y]) => toSurvey(x, y)))));
  }
  return ({ xM, yM }) => polygons.some((polygon) => locatePoint(xM, yM, polygon));
}
