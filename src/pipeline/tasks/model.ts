// pipeline/tasks/model.ts: a network over one block of patches, or over the crowns of a tile. IO.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Crown } from '../../types.ts';
import { UnderstoryError } from '../../errors.ts';
import { writeOnce } from '../../files/atomic.ts';
import { isTableCard, modelPath } from '../../infer/card.ts';
import type { ModelCard } from '../../infer/card.ts';
import { openModel } from '../../infer/open-model.ts';
import type { Settled } from '../../infer/open-model.ts';
import type { BlockResult, CropTask } from '../../infer/registry.ts';
import { modelTask, patchTask } from '../../infer/registry.ts';
import type { Session } from '../../infer/session.ts';
import { SessionError } from '../../infer/session.ts';
import type { ImageSource } from '../../ingest/image-source.ts';
import { crownDiameterOf } from '../../measure/tree.ts';
import type { PartWriter } from '../../store/parts.ts';
import { readPartTable } from '../../store/part-tables.ts';
import { tileFromId } from '../../tile/grid.ts';
import { openClip } from '../clip.ts';
import { watchBlock, watchCrops } from '../domain.ts';
import type { Plan, TaskUnit } from '../plan.ts';
import type { SurveyModel } from '../survey.ts';
import type { PartNotes, TaskCall } from './context.ts';
import { modelReader, openInputs } from './model-reader.ts';
import { partOf } from './part-of.ts';
import { writeFloatRaster, writeMaskRaster } from './part-rasters.ts';

interface Loaded {
  session: Session;
  card: ModelCard;
  files: (ImageSource | null)[];
}

/** Networks and images stay open for the life of a worker, by plan and model: a model is loaded once, unless its session fails. */
const loaded = new Map<string, Promise<Loaded>>();

const placeOf = ({ name }: SurveyModel, { output, run_id }: Plan): string => JSON.stringify([output, run_id, name]);

/** The raster of a detector's part that says where it has looked. */
export const SEEN = 'seen';

export async function runModel(call: TaskCall, writer: PartWriter): Promise<PartNotes> {
  const { plan, task, watch, requireGpu } = call, { model: index } = task.unit as Extract<TaskUnit, { model: number }>;
  const model = plan.survey.models[index]!, opened = await open(model, plan, requireGpu);
  watch.lap('load_model');
  const reader = await modelReader(call, model, opened.card, opened.files);
  try {
    return await ('block' in task.unit ? runBlock(call, model, { ...opened, reader }, writer) : runCrowns(call, model, { ...opened, reader }, writer));
  } catch (error) {
    if (error instanceof SessionError) forget(model, plan);
    throw error;
  } finally {
    await reader.close();
  }
}

type Opened = Loaded & { reader: Awaited<ReturnType<typeof modelReader>> };

async function runBlock({ plan, task, watch }: TaskCall, model: SurveyModel, { session, card, reader }: Opened, writer: PartWriter): Promise<PartNotes> {
  const { block } = task.unit as Extract<TaskUnit, { block: unknown }>, { runBlock: run } = await patchTask(card);
  const domain = watchBlock(model, card, reader.readInput), result = await run(block, card, session, domain.readInput, model.grid!.lattice), { voids, statistics } = result;
  watch.lap('infer');
  await writeResult(result, plan, writer);
  await domain.write(writer, result);
  watch.lap('write');
  return {
    inputs: [{ sha256: card.sha256, windows: Object.fromEntries([...result.rasters.map(({ name, raster }) => [name, raster.window]), ...(result.valid ? [[SEEN, result.valid.window]] : [])]) }],
    voids: voids.map((area) => ({ ...area, source: model.name })),
    counts: { patches_run: statistics.patchesRun, patches_skipped: statistics.patchesSkipped, valid_px: statistics.validPx, void_px: statistics.voidPx, detections: result.boxes.length },
    provider: session.provider,
  };
}

async function writeResult({ rasters, boxes, valid }: BlockResult, { survey }: Plan, writer: PartWriter): Promise<void> {
  const { epsg } = survey.crs;
  for (const { name, raster, unit } of rasters) await writeFloatRaster(writer, name, raster, { epsg, units: unit });
  if (valid) await writeMaskRaster(writer, SEEN, valid.mask, valid.lattice, valid.window, epsg);
  await writer.table('image_box', boxes);
}

/** Classify the crowns that a tile owns and the survey reports, by crops of the image. */
async function runCrowns(call: TaskCall, model: SurveyModel, { session, card, reader }: Opened, writer: PartWriter): Promise<PartNotes> {
  const { task, tasks, watch } = call, { part } = await partOf(call, task.needs.map((key) => tasks.get(key)!).find(({ kind }) => kind === 'canopy')!);
  const clip = await openClip(call.plan.survey, tileFromId((task.unit as { tile: string }).tile, call.plan.job.tiles.size_m).core);
  const crowns = part ? (await readPartTable<Crown>(part, 'crown')).filter(({ xM, yM }) => clip.holds(xM, yM)) : [], domain = watchCrops(model, card, reader.readInput), { runCrops } = (await modelTask(card)) as CropTask;
  if (card.task !== 'classify') throw new UnderstoryError(`model ${model.name}: task ${card.task} is not run by crowns`, { source: model.name });
  const results = await runCrops(card, session, domain.readInput, model.grid!.lattice, crowns, crownColumns(crowns, card.post.columns, model.name));
  watch.lap('infer');
  const { classes } = card.post, rows = crowns.flatMap(({ col, row }, i) => {
    const result = results[i];
    return result ? [{ col, row, class: classes[result.classIndex]!, probability: result.probabilities[result.classIndex]!, probabilities: Object.fromEntries(classes.map((name, c) => [name, result.probabilities[c]!])) }] : [];
  });
  await writer.table('crown_class', rows);
  await domain.write(writer, rows.map(({ probabilities }) => probabilities));
  watch.lap('write');
  return { inputs: [{ sha256: card.sha256 }], voids: [], counts: { crowns: crowns.length, crowns_classified: rows.length }, provider: session.provider };
}

/** What a classifier may read of a crown beside its picture. */
const CROWN_COLUMNS: Record<string, (crown: Crown) => number> = {
  height_m: ({ heightM }) => heightM, crown_area_m2: ({ areaM2 }) => areaM2, crown_diameter_m: ({ areaM2 }) => crownDiameterOf(areaM2),
};

function crownColumns(crowns: readonly Crown[], columns: readonly string[], model: string): (number | null)[][] {
  return columns.map((column) => {
    const value = CROWN_COLUMNS[column];
    if (!value) throw new UnderstoryError(`model ${model}: its card asks for the column ${column} of a crown; there are ${Object.keys(CROWN_COLUMNS).join(', ')}`, { source: model });
    return crowns.map(value);
  });
}

async function open(model: SurveyModel, plan: Plan, requireGpu: boolean): Promise<Loaded> {
  const place = placeOf(model, plan), opened = loaded.get(place) ?? load(model, plan, requireGpu);
  loaded.set(place, opened);
  try {
    return await opened;
  } catch (error) {
    loaded.delete(place); // the next block tries again
    throw error;
  }
}

/** Let go of a model whose session has failed: the next block loads it anew. */
function forget(model: SurveyModel, plan: Plan): void {
  void shut(placeOf(model, plan)).catch(() => {}); // it has failed already
}

async function shut(place: string): Promise<void> {
  const opened = loaded.get(place);
  loaded.delete(place);
  const { session, files } = await opened!;
  await Promise.all([session.close(), ...files.map((file) => file?.close())]);
}

/** End the threads of all networks: while one lives its process does not end by itself. */
export const closeModels = async (): Promise<void> => void await Promise.all([...loaded.keys()].map(shut));

async function load(model: SurveyModel, plan: Plan, requireGpu: boolean): Promise<Loaded> {
  const { card } = model;
  if (isTableCard(card)) throw new UnderstoryError(`model ${model.name}: reads a table; it has no tasks of its own`, { source: model.name });
  return { session: await settledSession(model, card, plan, requireGpu), card, files: openInputs(model, plan) };
}

/**
 * A session on the provider and batch that this run has settled for the model: the first worker settles them, the others follow,
 * since batch and provider may change a result's last bits.
 */
async function settledSession({ dir }: SurveyModel, card: ModelCard, { job, output, run_id }: Plan, requireGpu: boolean): Promise<Session> {
  const path = modelPath(dir), providers = [...job.run.providers], record = join(output, 'parts', 'providers', `${run_id}-${card.sha256.slice(0, 16)}.json`);
  const known = await readFile(record, 'utf8').catch(() => null);
  if (known !== null) return (await openModel(path, card, { providers, requireGpu, settled: JSON.parse(known) as Settled })).session;
  const { session, settled, refused } = await openModel(path, card, { providers, requireGpu });
  for (const { provider, reason } of refused) console.error(`model ${card.name}: ${provider} is not used: ${reason}`);
  const standing = JSON.parse(await writeOnce(record, JSON.stringify(settled))) as Settled;
  if (standing.provider === settled.provider && standing.batch === settled.batch) return session;
  await session.close();
  return (await openModel(path, card, { providers, requireGpu, settled: standing })).session;
}
