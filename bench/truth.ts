// bench/truth.ts: stand figures against the trees that were planted: bias, and whether the interval holds the truth. IO.
//
//   npx node bench/truth.ts [RECIPE ...]      default: tiny plantation mixed-conifer understorey
//
// Prints the tables of docs/figures/synthetic-truth.md. The forests are made in a temporary folder, which is removed.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipeOf } from '../data-samples/make/recipes.ts';
import type { Recipe } from '../data-samples/make/recipe.ts';
import { writeSample } from '../data-samples/make/write.ts';
import { loadJob } from '../src/pipeline/job-file.ts';
import { runSurvey } from '../src/pipeline/run.ts';
import { databasePath } from '../src/pipeline/tasks/merge.ts';
import { openDuck } from '../src/store/duck.ts';

/** Lower trees are not looked for (`treetops.min_height_m`); the crew of the sample's plots measures from this diameter on. */
const LEAST_HEIGHT_M = 2, LEAST_DBH_CM = 7;

interface TrueTree { xM: number; yM: number; heightM: number; dbhCm: number; agbKg: number; stands: string[] }
type Metrics = Record<string, number | null>;
interface Figure {
  name: string;
  column: string;
  digits: number;
  truth(trees: readonly TrueTree[], validHa: number): number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const STEMS: Figure = { name: 'stems/ha', column: 'stems_per_ha', digits: 0, truth: (trees, ha) => trees.length / ha };
const CORRECTED: Figure = { name: 'stems/ha, by plots', column: 'stems_per_ha_corrected', digits: 0, truth: (trees, ha) => trees.filter(({ dbhCm }) => dbhCm >= LEAST_DBH_CM).length / ha };
const BASAL: Figure = { name: 'basal area, m2/ha', column: 'basal_area_m2_per_ha', digits: 1, truth: (trees, ha) => sum(trees.map(({ dbhCm }) => Math.PI * (dbhCm / 200) ** 2)) / ha };
const AGB: Figure = { name: 'biomass, t/ha', column: 'agb_t_per_ha', digits: 1, truth: (trees, ha) => sum(trees.map(({ agbKg }) => agbKg)) / 1000 / ha };
const MEAN: Figure = { name: 'mean height, m', column: 'mean_height_m', digits: 1, truth: (trees) => mean(trees.map(({ heightM }) => heightM)) };
const DOMINANT: Figure = {
  name: 'dominant height, m', column: 'dominant_height_m', digits: 1,
  truth: (trees, ha) => mean(trees.map(({ heightM }) => heightM).sort((a, b) => b - a).slice(0, Math.ceil(100 * ha))),
};

/** What a crew's trees follow in `data-samples/make/forest.ts`, with the errors that they were drawn with: none is shared by a survey. */
const GENERATOR = {
  source: 'data-samples/make/forest.ts: ln D with an error of 0.1, ln AGB with twice the same',
  equations: [
    { gives: 'dbh', form: 'power', coefficients: { factor: 0.557, height: 0.809, crown_diameter: 0.809 }, correction: Math.exp(0.056 ** 2 / 2 + 0.1 ** 2 / 2), sigma: 0.1, tau: 0, square_factor: Math.exp(0.1 ** 2) },
    { gives: 'agb', group: 'gymnosperm', form: 'power', coefficients: { factor: 0.109, height: 1.79, crown_diameter: 1.79 }, correction: Math.exp(0.204 ** 2 / 2 + 0.2 ** 2 / 2), sigma: 0.2, tau: 0 },
    { gives: 'agb', group: 'angiosperm', form: 'power', coefficients: { factor: 0.016, height: 2.013, crown_diameter: 2.013 }, correction: Math.exp(0.204 ** 2 / 2 + 0.2 ** 2 / 2), sigma: 0.2, tau: 0 },
  ],
};

const recipes = process.argv.length > 2 ? process.argv.slice(2) : ['tiny', 'plantation', 'mixed-conifer', 'understorey'];
const [defaults, known]: [string[], string[]] = [[], []];
for (const recipe of recipes) await measure(recipeOf(recipe));
table('Defaults', defaults);
table("The generator's own equations and errors", known);

async function measure(recipe: Recipe): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'understory-truth-'));
  try {
    await writeSample(dir, recipe);
    await writeFile(join(dir, 'generator.json'), JSON.stringify(GENERATOR));
    const truth = trueTrees(await readFile(join(dir, 'truth', 'trees.csv'), 'utf8')).filter((tree) => tree.heightM >= LEAST_HEIGHT_M && !inVoid(tree, recipe));
    defaults.push(...compare(recipe, truth, await standMetrics(dir, ''), [STEMS, CORRECTED, BASAL, AGB, MEAN, DOMINANT]));
    known.push(...compare(recipe, truth, await standMetrics(dir, 'dbh: generator.json, agb: generator.json, '), [BASAL, AGB]));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function compare({ name }: Recipe, truth: readonly TrueTree[], stands: ReadonlyMap<string, Metrics>, figures: readonly Figure[]): string[] {
  return [...stands].flatMap(([stand, metrics]) => {
    const trees = truth.filter((tree) => tree.stands.includes(stand)), validHa = metrics['valid_ha_lidar']!;
    return figures.map((figure) => [name, stand, ...row(figure, figure.truth(trees, validHa), metrics)].join(' | '));
  });
}

function row({ name, column, digits }: Figure, truth: number, metrics: Metrics): string[] {
  const value = metrics[column] ?? null, lo = metrics[`${column}_lo`] ?? null, hi = metrics[`${column}_hi`] ?? null;
  const text = (number: number): string => number.toFixed(digits);
  if (value === null) return [name, text(truth), 'NULL', '', '', ''];
  const bias = 100 * (value / truth - 1), limits = lo === null || hi === null ? ['none', ''] : [`${text(lo)} to ${text(hi)}`, truth >= lo && truth <= hi ? 'yes' : 'no'];
  return [name, text(truth), text(value), `${bias < 0 ? '' : '+'}${bias.toFixed(1)} %`, ...limits];
}

function table(title: string, rows: readonly string[]): void {
  const head = 'recipe | stand | figure | truth | inventory | bias | 95 % limits | truth within';
  console.log(`${title}\n\n| ${head} |\n|${head.replaceAll(/[^|]+/g, ' --- ')}|\n${rows.map((line) => `| ${line} |`).join('\n')}\n`);
}

/** Run the survey, again with other equations: only `measure` and `merge` are due then. */
async function standMetrics(dir: string, equations: string): Promise<Map<string, Metrics>> {
  const job = [
    'survey: truth', 'output: out', 'inputs:', '  lidar:  { files: [lidar/*.las] }', '  stands: { file: stands.geojson, id: stand_no }',
    '  plots:  { file: plots.csv, trees: plot_trees.csv }', 'tiles: { size_m: 100 }',
    `allometry: { ${equations}group: { from: stands.species, map: { pine: gymnosperm, mixed conifer: gymnosperm }, default: angiosperm } }`, '',
  ].join('\n');
  await writeFile(join(dir, 'job.yaml'), job);
  const { exitCode, plan } = await runSurvey(await loadJob(join(dir, 'job.yaml')));
  if (exitCode !== 0) throw new Error(`${dir}: the run ended with exit code ${exitCode}`);
  const duck = await openDuck(databasePath(plan.output), { readOnly: true });
  try {
    const result = await duck.connection.runAndReadAll('SELECT * EXCLUDE (flags) FROM stand_metrics ORDER BY stand_id');
    return new Map(result.getRowObjects().map(({ stand_id: id, ...figures }) => [String(id), Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value === null ? null : Number(value)]))]));
  } finally {
    duck.close();
  }
}

function trueTrees(csv: string): TrueTree[] {
  const [head, ...lines] = csv.trim().split('\n').map((line) => line.split(','));
  const at = (name: string): number => head!.indexOf(name), [x, y, height, dbh, agb, stand] = ['x_m', 'y_m', 'height_m', 'dbh_cm', 'agb_kg', 'stand_no'].map(at);
  return lines.map((cells) => ({
    xM: Number(cells[x!]), yM: Number(cells[y!]), heightM: Number(cells[height!]), dbhCm: Number(cells[dbh!]), agbKg: Number(cells[agb!]), stands: cells[stand!]!.split(';'),
  }));
}

/** Where there is no return, trees exist but cannot be found; their hectares are not valid either. */
function inVoid({ xM, yM }: TrueTree, { voids, extent }: Recipe): boolean {
  return voids.some(([x0, y0, x1, y1]) => xM - extent.x0 >= x0 && xM - extent.x0 < x1 && yM - extent.y0 >= y0 && yM - extent.y0 < y1);
}
