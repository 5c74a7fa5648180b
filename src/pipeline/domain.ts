// pipeline/domain.ts: the figures of what networks were given and gave: kept in each part, added up in merge. IO.
import { readFile } from 'node:fs/promises';
import { IoError } from '../errors.ts';
import { boxOfWindow, growWindow, xOfCol, yOfRow } from '../geo/lattice.ts';
import { isTableCard } from '../infer/card.ts';
import type { ModelCard, TableCard } from '../infer/card.ts';
import { cropTally, figuresOfNumbers, patchFigures, patchTally } from '../infer/domain.ts';
import type { Tally, UnitFigures } from '../infer/domain.ts';
import type { Domain } from '../infer/domain-report.ts';
import { DomainSum, domainWarnings, withLastRun } from '../infer/domain-report.ts';
import type { ReadInput } from '../infer/input.ts';
import { patchGrid, trustedCentre } from '../infer/patches.ts';
import type { BlockResult } from '../infer/registry.ts';
import type { Part, PartWriter } from '../store/parts.ts';
import { openClip, relationToArea } from './clip.ts';
import type { Clip } from './clip.ts';
import { networkOf } from './plan-models.ts';
import type { RunRecord } from './run-record.ts';
import { readRunRecord } from './run-record.ts';
import type { Survey, SurveyModel } from './survey.ts';
import type { TaskContext } from './tasks/context.ts';
import { partsOf } from './tasks/part-of.ts';

/** The file of a model's part that holds its figures; of a measured part, those of its tables by model. */
const FILE = 'domain.json';
const PARTS_AT_ONCE = 100;

/** The reader of a task, watched, and what writes down what it has seen. */
export interface DomainWatch<Result> {
  readInput: ReadInput;
  write(writer: PartWriter, result: Result): Promise<void>;
}

const given = ({ bands }: SurveyModel): boolean[] => bands.map((band) => band !== null);

const writeUnits = (writer: PartWriter, units: readonly UnitFigures[] | Record<string, UnitFigures>): Promise<void> => writer.file(FILE, new TextEncoder().encode(`${JSON.stringify(units)}\n`));

/** Write what table models were given and gave, by their names: with each tile that is measured, in surveys that have such models. */
export async function writeTables(writer: PartWriter, { models }: Survey, tables: ReadonlyMap<string, UnitFigures>): Promise<void> {
  if (models.some(({ card }) => isTableCard(card))) await writeUnits(writer, Object.fromEntries(tables));
}

function watched<Gathered, Result>(tally: Tally<Gathered>, read: ReadInput, unitsOf: (gathered: Gathered, result: Result) => UnitFigures[]): DomainWatch<Result> {
  return { readInput: tally.reading(read), write: (writer, result) => writeUnits(writer, unitsOf(tally.gathered(), result)) };
}

/** Watch a block of patches: figures by patch, so that merge can leave out those that the survey does not report. */
export const watchBlock = (model: SurveyModel, { input }: ModelCard, read: ReadInput): DomainWatch<BlockResult> =>
  watched(patchTally(input, given(model)), read, (units, result: BlockResult) => patchFigures(units, result, input, model.grid!.lattice));

/** Watch the crops of a tile's crowns. The result: probabilities by class, of each crown. */
export const watchCrops = (model: SurveyModel, { input }: ModelCard, read: ReadInput): DomainWatch<readonly Record<string, number>[]> =>
  watched(cropTally(input, given(model)), read, (bands, crowns: readonly Record<string, number>[]) => {
    const classes = Object.keys(crowns[0] ?? {});
    return [{ patch: null, bands, outputs: Object.fromEntries(classes.map((name) => [name, figuresOfNumbers(crowns.map((crown) => crown[name]!))])) }];
  });

/** A model's domain in one run, and what is odd about it: a sentence each. */
export interface ModelDomain {
  domain: Domain;
  warnings: string[];
}

/**
 * The domain of each model, from its parts: bit for bit the same whatever the tiling, the blocks and the order, since sums are exact and rounded once.
 * It is compared with the card, and with run.json of the merge before where that ran the same network. A patch counts where its trusted centre
 * meets the area and its middle lies in no mask. What failed is missing from the figures.
 */
export async function modelDomains(context: TaskContext): Promise<ModelDomain[]> {
  const { survey } = context.plan, last = await readRunRecord(context.plan.output), sums = new Map<number, Domain>();
  for (const [index, model] of survey.models.entries()) {
    if (networkOf(survey, index) === index) sums.set(index, isTableCard(model.card) ? await tableDomainOf(context, index, model.card) : await domainOf(context, index, model, model.card));
  }
  return survey.models.map((model, index) => {
    const domain = withLastRun(sums.get(networkOf(survey, index))!, earlierOf(last, model));
    return { domain, warnings: domainWarnings(domain, model.card) };
  });
}

function earlierOf(last: RunRecord | null, { name, card }: SurveyModel): { runId: string; domain: Domain } | null {
  const model = last?.models.find((each) => each.name === name && each.sha256 === card.sha256);
  return last && model?.domain ? { runId: last.run_id, domain: model.domain } : null;
}

async function domainOf(context: TaskContext, index: number, model: SurveyModel, card: ModelCard): Promise<Domain> {
  const tasks = context.plan.tasks.filter(({ kind, unit }) => kind === 'model' && 'model' in unit && unit.model === index), sum = new DomainSum();
  for (let i = 0; i < tasks.length; i += PARTS_AT_ONCE) {
    for (const { task, part } of await partsOf(context, tasks.slice(i, i + PARTS_AT_ONCE))) {
      if (!part) continue;
      const counts = 'block' in task.unit ? await reportedPatches(context.plan.survey, model, card, task.unit.block.core) : () => true;
      for (const unit of await readUnits<UnitFigures[]>(part)) if (unit.patch === null || counts(unit.patch)) sum.add(unit);
    }
  }
  return sum.domain(card, model.grid!.lattice.resM ** 2);
}

/** Of a table: the figures of all tiles that were measured. Models of one network are one: where both were run they say the same. */
async function tableDomainOf(context: TaskContext, index: number, card: TableCard): Promise<Domain> {
  const { survey, tasks } = context.plan, tiles = tasks.filter(({ kind }) => kind === 'measure'), sum = new DomainSum();
  const names = survey.models.flatMap(({ name }, other) => (networkOf(survey, other) === index ? [name] : []));
  for (let i = 0; i < tiles.length; i += PARTS_AT_ONCE) {
    for (const { part } of await partsOf(context, tiles.slice(i, i + PARTS_AT_ONCE))) {
      if (!part) continue;
      const tables = await readUnits<Record<string, UnitFigures>>(part), unit = names.map((name) => tables[name]).find((each) => each !== undefined);
      if (unit) sum.add(unit);
    }
  }
  return sum.domain(card);
}

/** Answers whether a patch counts. @param core  pixels of the block */
async function reportedPatches(survey: Survey, { grid }: SurveyModel, { input }: ModelCard, core: Parameters<typeof boxOfWindow>[1]): Promise<(patch: [number, number]) => boolean> {
  const { lattice } = grid!, patches = patchGrid(input), masked: Clip | null = survey.masks.length === 0 ? null : await openClip({ ...survey, area: null }, boxOfWindow(lattice, growWindow(core, input.patchPx)));
  return ([col, row]) => {
    const centre = trustedCentre(patches, col, row), middle = { col: centre.col + (centre.width - 1) / 2, row: centre.row + (centre.height - 1) / 2 };
    return relationToArea(survey.area, boxOfWindow(lattice, centre)) !== 'outside' && (masked === null || masked.holds(xOfCol(lattice, middle.col), yOfRow(lattice, middle.row)));
  };
}

async function readUnits<Units>(part: Part): Promise<Units> {
  const path = part.path(FILE);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Units;
  } catch (cause) {
    throw new IoError(`${path}: cannot be read; delete the folder ${part.dir} and run again`, { source: path }, { cause });
  }
}
