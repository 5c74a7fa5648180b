// pipeline/tasks/model.ts: a network over one block of patches. IO.
import { UnderstoryError } from '../../errors.ts';
import { modelPath } from '../../infer/card.ts';
import { inputReader } from '../../infer/input.ts';
import { modelTask } from '../../infer/registry.ts';
import type { Session } from '../../infer/session.ts';
import { openSession } from '../../infer/session.ts';
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

/** Networks and images stay open for the life of a worker: a model is loaded once. */
const loaded = new Map<string, Promise<Loaded>>();

export async function runModel({ plan, task, watch, requireGpu }: TaskCall, writer: PartWriter): Promise<PartNotes> {
  const { model: index, block } = task.unit as Extract<TaskUnit, { block: unknown }>;
  const model = plan.survey.models[index]!;
  const open = loaded.get(model.name) ?? load(model, plan, requireGpu);
  loaded.set(model.name, open);
  const { session, image, layer } = await open;
  watch.lap('load_model');
  const { runBlock } = await modelTask(model.card);
  const { raster, voids, statistics } = await runBlock(block, model.card, session, inputReader(image, model.card.input), layer.lattice);
  watch.lap('infer');
  await writeFloatRaster(writer, model.card.outputs[0]!.variable, raster, { epsg: plan.survey.crs.epsg, units: model.card.outputs[0]!.unit });
  watch.lap('write');
  return {
    inputs: [{ model: model.name, sha256: model.card.sha256, window: raster.window }],
    voids: voids.map((area) => ({ ...area, source: model.name })),
    counts: { patches_run: statistics.patchesRun, patches_skipped: statistics.patchesSkipped, valid_px: statistics.validPx, void_px: statistics.voidPx },
    provider: session.provider,
  };
}

async function load(model: SurveyModel, plan: Plan, requireGpu: boolean): Promise<Loaded> {
  const layer = plan.survey.images.find(({ name }) => name === model.on);
  if (!layer) throw new UnderstoryError(`model ${model.name}: the image ${model.on} is not in the plan; plan again`, { source: model.name });
  const session = await openSession(modelPath(model.dir), { providers: [...plan.job.run.providers], requireGpu });
  const image = openImage({ ...layer, bands: layer.bands.length, epsg: plan.survey.crs.epsg }, layer.bands);
  return { session, image, layer };
}
