// cli/commands/model.ts: `understory model list [DIR] | check MODEL | bench MODEL`: what models there are, whether one can run, how fast.
import { join } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { benchModel } from '../../infer/bench-model.ts';
import { isTableCard, readAnyCard } from '../../infer/card.ts';
import type { AnyCard } from '../../infer/card.ts';
import { findModel, listModels } from '../../infer/catalogue.ts';
import type { CatalogueEntry } from '../../infer/catalogue.ts';
import { checkModel } from '../../infer/check-model.ts';
import type { Refused } from '../../infer/session.ts';
import type { GlobalOptions } from '../options.ts';
import { packaged } from '../packaged.ts';
import type { ModelAction } from '../program.ts';
import { bytesText, columnsText } from '../text.ts';

interface ModelOptions extends GlobalOptions {
  /** execution providers in the order in which to try them, with commas */
  providers?: string;
  requireGpu?: boolean;
  /** bench: how long, as text */
  seconds?: string;
}

const ACTIONS: Record<ModelAction, (target: string | undefined, options: ModelOptions) => Promise<ExitCode>> = { list, check, bench };

export const model = (action: ModelAction, target: string | undefined, options: ModelOptions): Promise<ExitCode> => ACTIONS[action](target, options);

/** Models of the package, and those of the folder that one works in. */
const folders = (): string[] => [...new Set([packaged('models'), join(process.cwd(), 'models')])];

const bandsOf = (card: AnyCard): string[] => (isTableCard(card) ? card.post.columns : card.input.bands);
const gsdOf = (card: AnyCard): number | null => (isTableCard(card) ? null : card.input.gsdM);

/** The first score of a card: what its makers put first. */
function headline({ scores: [first] }: AnyCard): string {
  if (!first) return 'no score';
  const { metric, value, interval, data, split } = first;
  return `${metric} ${value}${interval ? ` [${interval.join(', ')}]` : ''} on ${[data, split].filter((each) => each !== '').join(', ')}`;
}

async function list(target: string | undefined, { json }: ModelOptions): Promise<ExitCode> {
  const found = await listModels(target === undefined ? folders() : [target]);
  if (json) console.log(JSON.stringify(found.map(recordOf)));
  else if (found.length === 0) console.error(`no models in ${(target === undefined ? folders() : [target]).join(' and ')}; a model is a folder with model.onnx and card.json`);
  else console.log(columnsText([['name', 'task', 'version', 'licence', 'bands', 'GSD', 'size', 'score'], ...found.map(rowOf)]));
  return EXIT.ok;
}

const recordOf = ({ name, dir, card, bytes, problem }: CatalogueEntry) => card
  ? { name, task: card.task, version: card.version, licence: card.licence, bands: bandsOf(card), gsd_m: gsdOf(card), bytes, score: card.scores[0] ?? null, path: dir }
  : { name, path: dir, bytes, problem };

function rowOf({ name, card, bytes, problem }: CatalogueEntry): string[] {
  if (!card) return [name, '-', '-', '-', '-', '-', bytes === null ? '-' : bytesText(bytes), `cannot be used: ${problem!.replace(/\n\s*/g, ' ')}`];
  const gsdM = gsdOf(card);
  return [name, card.task, card.version, card.licence, bandsOf(card).join(','), gsdM === null ? '-' : `${gsdM} m`, bytes === null ? 'no network' : bytesText(bytes), headline(card)];
}

async function modelOf(target: string | undefined, action: ModelAction): Promise<string> {
  if (target === undefined) throw new UsageError(`understory model ${action}: which model? Give a name, a folder with a card or an ONNX file; understory model list shows those there are`);
  const { dir, tried } = await findModel(target, process.cwd(), folders());
  if (dir !== null) return dir;
  throw new UsageError(`no model ${target}: neither card.json nor model.onnx in ${tried.join(' or ')}`, { source: target });
}

const runOptions = ({ providers = 'cpu', requireGpu = false }: ModelOptions) => ({ providers: providers.split(',').map((each) => each.trim()).filter((each) => each !== ''), requireGpu });
const refusedLines = (refused: readonly Refused[]): string[] => refused.map(({ provider, reason }) => `${provider} was not taken: ${reason}`);

async function check(target: string | undefined, options: ModelOptions): Promise<ExitCode> {
  const dir = await modelOf(target, 'check'), { card, problems, ran } = await checkModel(dir, runOptions(options)), name = card?.name ?? target!;
  if (options.json) console.log(JSON.stringify({ name, path: dir, ok: problems.length === 0, problems, ...(ran && { provider: ran.settled.provider, batch: ran.settled.batch, refused: ran.refused }) }));
  else if (problems.length > 0) console.log(problems.flatMap((problem) => problem.split('\n')).map((line) => `${name}: ${line.trim()}`).join('\n'));
  else console.log([`${name}: ok, ${card!.task}, licence ${card!.licence}, runs on ${ran!.settled.provider} with batch ${ran!.settled.batch}`, ...refusedLines(ran!.refused)].join('\n'));
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

async function bench(target: string | undefined, options: ModelOptions): Promise<ExitCode> {
  const seconds = Number(options.seconds ?? 6);
  if (!(seconds > 0)) throw new UsageError(`--seconds ${options.seconds} is no length of time; give seconds, as 6`);
  const dir = await modelOf(target, 'bench'), card = await readAnyCard(dir);
  const { settled, refused, barePerS, pipelinePerS, peakBytes } = await benchModel(dir, card, { ...runOptions(options), seconds }), what = isTableCard(card) ? 'rows' : 'patches';
  const share = pipelinePerS === null ? null : pipelinePerS / barePerS;
  if (options.json) {
    console.log(JSON.stringify({ name: card.name, provider: settled.provider, batch: settled.batch, refused, unit: what, bare_per_s: barePerS, pipeline_per_s: pipelinePerS, share, peak_bytes: peakBytes }));
    return EXIT.ok;
  }
  console.log(columnsText([
    ['model', card.name], ['provider', `${settled.provider}, batch ${settled.batch}`], ...refusedLines(refused).map((line) => ['', line]),
    ['session alone', `${barePerS.toFixed(1)} ${what}/s`],
    ...(pipelinePerS === null ? [] : [['with pre- and postprocessing', `${pipelinePerS.toFixed(1)} ${what}/s, ${share!.toFixed(2)} of it`]]),
    ['largest memory', bytesText(peakBytes)],
  ]));
  return EXIT.ok;
}
