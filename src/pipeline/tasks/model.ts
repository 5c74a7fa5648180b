// pipeline/tasks/model.ts: a network over one block of patches. IO.
import { UnderstoryError } from '../../errors.ts';
import { checkGraph } from '../../infer/card-check.ts';
import { modelPath } from '../../infer/card.ts';
import { inputReader } from '../../infer/input.ts';
import { modelTask } from '../../infer/registry.ts';
import type { Session } from '../../infer/session.ts';
import { SessionError, openSession } from '../../infer/session.ts';
import type { ImageSource } from '../../ingest/image-source.ts';
import { openImage } from '../../ingest/image-source.ts';
import type { PartWriter } from '../../store/parts.ts';
import type { Plan, TaskUnit } from '../plan.ts';
import type { ImageLayer, SurveyModel } from '../survey.ts';
import type { PartNotes, TaskCall } from './context.ts';
import { writeFloatRaster } from './part-rasters.ts';

interface Loaded {
  session: Session;
  image: ImageSource;
  layer: ImageLayer;
}

/** Networks and images stay open for the life of a worker, by plan and model: a model is loaded once, unless its session fails. */
const loaded = new Map<string, Promise<Loaded>>();

const placeOf = ({ name }: SurveyModel, { output, run_id }: Plan): string => JSON.stringify([output, run_id, name]);

export async function runModel({ plan, task, watch, requireGpu }: TaskCall, writer: PartWriter): Promise<PartNotes> {
  const { model: index, block } = task.unit as Extract<TaskUnit, { block: unknown }>;
  const model = plan.survey.models[index]!, { session, image, layer } = await open(model, plan, requireGpu);
  watch.lap('load_model');
  const { runBlock } = await modelTask(model.card);
  const { raster, voids, statistics } = await runBlock(block, model.card, session, inputReader(image, model.card.input), layer.lattice).catch((error: unknown) => {
    if (error instanceof SessionError) forget(model, plan);
    throw error;
  });
  watch.lap('infer');
  await writeFloatRaster(writer, model.card.outputs[0]!.variable, raster, { epsg: plan.survey.crs.epsg, units: model.card.outputs[0]!.unit });
  watch.lap('write');
  return {
    inputs: [{ sha256: model.card.sha256, window: raster.window }],
    voids: voids.map((area) => ({ ...area, source: model.name })),
    counts: { patches_run: statistics.patchesRun, patches_skipped: statistics.patchesSkipped, valid_px: statistics.validPx, void_px: statistics.voidPx },
    provider: session.provider,
  };
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
  const { session, image } = await opened!;
  await Promise.all([session.close(), image.close()]);
}

/** End the threads of all networks: while one lives its process does not end by itself. */
export const closeModels = async (): Promise<void> => void await Promise.all([...loaded.keys()].map(shut));

async function load(model: SurveyModel, plan: Plan, requireGpu: boolean): Promise<Loaded> {
  const layer = plan.survey.images.find(({ name }) => name === model.on);
  if (!layer) throw new UnderstoryError(`model ${model.name}: the image ${model.on} is not in the plan; plan again`, { source: model.name });
  const image = openImage({ ...layer, bands: layer.bands.length, epsg: plan.survey.crs.epsg }, layer.bands);
  const session = await openSession(modelPath(model.dir), { providers: [...plan.job.run.providers], requireGpu });
  try {
    checkGraph(model.card, session.inputs, session.outputs); // its one input is the card's input.name: what `run` feeds
  } catch (error) {
    await session.close();
    throw error;
  }
  return { session, image, layer };
}
