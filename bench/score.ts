// bench/score.ts: the shipped models on real pictures, through the product's own evaluation, and what their cards say of places left
// out of the training: the table of models/README.md.
//
//   npm run score -- [--data FOLDER_OF_SHARED_DATA] [--models models] [--model NAME] [--print]
//
// Without --print the table is written between the markers in models/README.md.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../src/files/atomic.ts';
import { roundTo } from '../src/geo/units.ts';
import { isTableCard, modelPath, readAnyCard, readCard } from '../src/infer/card.ts';
import type { AnyCard } from '../src/infer/card.ts';
import { evaluatePictures } from '../src/pipeline/pictures.ts';
import type { PictureOptions, PictureRow } from '../src/pipeline/pictures.ts';

const root = fileURLToPath(new URL('..', import.meta.url)), BEGIN = '<!-- score: begin (npm run score) -->', END = '<!-- score: end -->';

/** One line of the table: which score, and what others reach. */
interface Line {
  metric: string;
  stratum?: string;
  floor?: string;
  published?: string;
}

/** One run of a model over pictures. */
interface Run {
  model: string;
  pictures: string;
  split: string;
  what: string;
  options?: PictureOptions;
  /** table of boxes, of which those without an area are left out: where a picture was cut into patches, an edge may leave a line of a crown */
  boxes?: string;
  lines: Line[];
}

const RGBN = ['red', 'green', 'blue', 'nir'], RGB = RGBN.slice(0, 3);
/** Floors and published figures: those of the data's own README, each with its protocol there. */
const NDVI = '12.9 to 22.3 (linear on NDVI cover, one city left out)', VENTURA = '(Ventura et al. 2024; places shared by train and test)', DEEPFOREST = '(DeepForest on NeonTreeEvaluation)';
const COUNTS: Line[] = [{ metric: 'count_mae', floor: NDVI }, { metric: 'count_r2' }, { metric: 'count_bias' }];
const POINTS: Line[] = [
  { metric: 'f1_at_6m' }, { metric: 'precision_at_6m', published: `0.736 ${VENTURA}` }, { metric: 'recall_at_6m', published: `0.733 ${VENTURA}` }, { metric: 'position_rmse_m_at_6m', published: `2.16 ${VENTURA}` }, { metric: 'f1_at_2.4m' },
];
const DEAD: Line[] = [
  { metric: 'pixel_iou', floor: '0.22 (logistic regression on pixels, unseen state)', published: '0.106 (TreeMort, Poland)' },
  { metric: 'object_f1', published: '0.61 (deadtrees.earth, finer imagery), 0.63 (TreeMort, instances)' }, { metric: 'object_precision' }, { metric: 'object_recall' }, { metric: 'tree_f1' },
];
const BOXES: Line[] = [
  { metric: 'f1_at_iou40', floor: '0.51 (CHM local maxima, forest)' }, { metric: 'precision_at_iou40', published: `0.55 ${DEEPFOREST}` }, { metric: 'recall_at_iou40', published: `0.65 ${DEEPFOREST}` }, { metric: 'mean_iou_at_iou40' }, { metric: 'ap50' },
];
const siteIn = (...sites: string[]) => (name: string): boolean => sites.some((site) => name.startsWith(`${site}_`));
const plots = (sites: string[], lines: Line[]): Run => ({ model: 'tree-crown-rgb', pictures: 'crowns/plots', split: 'val', what: `NEON plots, ${sites.join(' and ')}`, options: { bands: RGB, only: siteIn(...sites) }, lines });
const ofStratum = (stratum: string, lines: readonly Line[]): Line[] => lines.map(({ metric }) => ({ metric, stratum })), F1_AP50 = [BOXES[0]!, BOXES[4]!];

const RUNS: Run[] = [
  { model: 'tree-count-urban', pictures: 'counting', split: 'val', what: '56 places of 5 cities', options: { split: 'val', bands: RGBN }, lines: [...COUNTS, { metric: 'count_bias', stratum: 'trees:90-' }, ...POINTS] },
  { model: 'tree-count-urban', pictures: 'counting', split: 'val', what: 'the same, red, green, blue alone', options: { split: 'val', bands: RGB }, lines: [...ofStratum('all', COUNTS), { metric: 'count_bias', stratum: 'trees:90-' }, { metric: 'f1_at_6m' }, { metric: 'f1_at_2.4m' }] },
  { model: 'dead-tree-naip', pictures: 'dead-trees', split: 'val', what: '21 pictures, other counties of WA', options: { split: 'val', bands: RGBN }, lines: DEAD },
  { model: 'dead-tree-naip', pictures: 'dead-trees', split: 'val', what: 'the same, matched to the card by mean and deviation', options: { split: 'val', bands: RGBN, match: 'fit' }, lines: DEAD.slice(0, 2) },
  { model: 'dead-tree-naip', pictures: 'dead-trees', split: 'val', what: 'the same, red, green, blue alone', options: { split: 'val', bands: RGB }, lines: DEAD.slice(0, 2) },
  plots(['HARV', 'OSBS'], [...BOXES, ...ofStratum('site:HARV', F1_AP50), ...ofStratum('site:OSBS', F1_AP50)]), plots(['SJER'], ofStratum('all', BOXES)),
  { model: 'tree-crown-rgb', pictures: 'crowns/urban_ortho_A.tif', split: 'val', what: 'Campo Grande, one orthophoto, whose boxes end every 512 px, so that crowns there count as two', options: { bands: RGB, gsdM: 0.1 }, boxes: 'crowns/urban_ortho_A.csv', lines: ofStratum('all', BOXES) },
  { model: 'crown-alive-dead', pictures: 'alive-dead-crops', split: 'trained on: only shows that the program reads crops as the training did', what: '500 NEON crops', lines: [{ metric: 'balanced_accuracy', stratum: 'crop:whole' }] },
];

/** Scores on places left out, by networks that never saw them: from the cards, as the training has them. */
const LEFT_OUT: Readonly<Record<string, Line[]>> = {
  'tree-count-urban': [{ metric: 'mae', floor: NDVI }, { metric: 'bias_from_90_trees' }],
  'dead-tree-naip': [DEAD[0]!, { metric: 'pixel_iou_matched' }, DEAD[1]!, { metric: 'object_f1_matched' }],
  'tree-crown-rgb': [{ ...BOXES[0]!, metric: 'f1_iou40', published: '' }, { metric: 'ap50' }],
  'crown-alive-dead': [{ metric: 'balanced_accuracy' }, { metric: 'recall_alive' }, { metric: 'recall_dead' }],
  'stand-volume-boreal': [{ metric: 'rmse_percent', floor: '26.9 (ridge on ALS metrics)' }, { metric: 'r2', floor: '0.85 (ridge on ALS metrics)' }, { metric: 'within_limits_percent' }],
  'tree-dbh': [{ metric: 'rmse_cm', floor: 'Jucker 2017: the line below' }, { metric: 'rmse_cm_jucker_2017' }, { metric: 'within_limits_percent' }],
};
/** Lines of a card that are another thing: val, scored above by the program itself, and checks of its numbers. */
const NO_PLACE_LEFT_OUT = /^val|^ONNX Runtime|^Patches moved/;

const { values: args } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' }, models: { type: 'string', default: join(root, 'models') }, model: { type: 'string' }, print: { type: 'boolean', default: false } } });

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);
const digits = (value: number): string => String(roundTo(value, Math.abs(value) < 10 ? 3 : 1));

const rows: string[] = [], heading = ['| model | MB | GSD, m | data | split | metric | floor | published | ours [95 %] |', '| --- | --- | --- | --- | --- | --- | --- | --- | --- |'];
console.log(heading.join('\n'));
const isAsked = (model: string): boolean => args.model === undefined || model === args.model;
const parts = [...RUNS.filter(({ model }) => isAsked(model)).map((run) => () => scored(run)), ...Object.keys(LEFT_OUT).filter(isAsked).map((model) => () => fromCard(model))];
for (const part of parts) {
  const more = await part();
  if (more.length > 0) console.log(more.join('\n'));
  rows.push(...more);
}
if (!args.print && rows.length > 0) await write([...heading, ...rows].join('\n'));

async function scored(run: Run): Promise<string[]> {
  if (run.boxes === undefined || !(await exists(join(args.data, run.boxes)))) return scoredAs(run);
  const folder = await mkdtemp(join(tmpdir(), 'understory-score-'));
  try {
    const reference = join(folder, 'boxes.csv'), [head = '', ...boxes] = (await readFile(join(args.data, run.boxes), 'utf8')).trim().split(/\r?\n/), kept = boxes.filter((line) => hasArea(head.split(','), line.split(',')));
    await writeFile(reference, [head, ...kept, ''].join('\n'));
    return await scoredAs({ ...run, what: kept.length < boxes.length ? `${run.what}; ${boxes.length - kept.length} of ${boxes.length} boxes have no area and are left out` : run.what, options: { ...run.options, reference } });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function hasArea(columns: readonly string[], values: readonly string[]): boolean {
  const of = (column: string): number => Number(values[columns.indexOf(column)]);
  return of('xmax') > of('xmin') && of('ymax') > of('ymin');
}

async function scoredAs({ model, pictures, split, what, options, lines }: Run): Promise<string[]> {
  const dir = join(args.models, model), path = join(args.data, pictures);
  for (const [needed, name] of [[join(dir, 'card.json'), `model ${model}`], [path, `data ${pictures}`]] as const) {
    if (await exists(needed)) continue;
    console.error(`${model}, ${what}: left out: no ${name} at ${needed}`);
    return [];
  }
  const card = await readCard(dir), head = await headOf(dir, card), evaluation = await evaluatePictures(dir, path, options);
  console.error(`${model} ${card.version}, ${what}: ${evaluation.pictures} pictures\n  ${evaluation.notes.join('\n  ')}`);
  return lines.flatMap(({ metric, stratum = 'all', floor = '', published = '' }) => {
    const row = evaluation.rows.find((each) => each.metric === metric && each.stratum === stratum);
    return row ? [`${head} | ${pictures}: ${what} | ${split} | ${stratum === 'all' ? metric : `${metric}, ${stratum}`} | ${floor} | ${published} | ${figure(row)} |`] : [];
  });
}

/** The first columns of a model's rows. */
async function headOf(dir: string, card: AnyCard): Promise<string> {
  return `| ${card.name} ${card.version} | ${roundTo((await stat(modelPath(dir))).size / 1e6, 1)} | ${isTableCard(card) ? '' : card.input.gsdM}`;
}

async function fromCard(model: string): Promise<string[]> {
  const dir = join(args.models, model);
  if (!(await exists(join(dir, 'card.json')))) return [];
  const card = await readAnyCard(dir), head = await headOf(dir, card);
  return LEFT_OUT[model]!.flatMap(({ metric, floor = '', published = '' }) => card.scores.filter((score) => score.metric === metric && !NO_PLACE_LEFT_OUT.test(score.split)).map(({ data, split, value, interval }) =>
    `${head} | card: ${data} | ${split} | ${metric} | ${floor} | ${published} | ${figure({ value, lo: interval?.[0] ?? null, hi: interval?.[1] ?? null })} |`));
}

function figure({ value, lo, hi }: Pick<PictureRow, 'value' | 'lo' | 'hi'>): string {
  if (value === null) return '';
  return lo === null || hi === null ? digits(value) : `${digits(value)} [${digits(lo)}, ${digits(hi)}]`;
}

/** Put the table between its markers; at the end of the page where there are none. */
async function write(text: string): Promise<void> {
  const page = join(args.models, 'README.md'), old = await readFile(page, 'utf8').catch(() => '# Models\n'), block = `${BEGIN}\n${text}\n${END}`, from = old.indexOf(BEGIN), to = old.indexOf(END);
  if (args.model !== undefined) {
    console.error(`${page} is left as it is: --model makes a part of the table`);
    return;
  }
  await writeFileAtomically(page, from >= 0 && to > from ? `${old.slice(0, from)}${block}${old.slice(to + END.length)}` : `${old.trimEnd()}\n\n## Scores\n\n${block}\n`);
  console.error(`${page}: ${rows.length} scores`);
}
