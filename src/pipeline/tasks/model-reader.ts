// pipeline/tasks/model-reader.ts: the bands that a network reads, from files and from what earlier tasks made. IO.
import type { Window } from '../../types.ts';
import { UnderstoryError } from '../../errors.ts';
import { unionWindows } from '../../geo/lattice.ts';
import type { ModelCard } from '../../infer/card.ts';
import type { InputWindow, ReadInput } from '../../infer/input.ts';
import { matched } from '../../infer/radiometry.ts';
import { openImage, planImage, readImageWindow, readRasterHeader } from '../../ingest/image-source.ts';
import type { ImagePlan, ImageSource } from '../../ingest/image-source.ts';
import { windowOfCore } from '../../measure/window-of-core.ts';
import type { Part } from '../../store/parts.ts';
import { tileFromId } from '../../tile/grid.ts';
import { sameLattice } from '../model-inputs.ts';
import type { Plan, Task } from '../plan.ts';
import { networkOf } from '../plan-models.ts';
import type { ModelInput, SurveyModel } from '../survey.ts';
import type { TaskCall } from './context.ts';
import { partOf } from './part-of.ts';

/** Files stay open from task to task; what earlier tasks made is opened for one task. */
export interface ModelReader {
  readInput: ReadInput;
  close(): Promise<void>;
}

/** Open the files that a model reads: for the life of a worker. The inputs in their order; null for what earlier tasks make. Heights come in metres. */
export const openInputs = ({ inputs }: SurveyModel, { survey }: Plan): (ImageSource | null)[] =>
  inputs.map(({ layer, name }) => layer && openImage({ ...layer, bands: layer.bands.length, epsg: survey.crs.epsg }, layer.bands, { valueScale: heightScale(name, survey) }));

/**
 * The reader of one task.
 *
 * A pixel is valid where every band that an input gives is; an optional band that no input gives holds the card's fill.
 * Bands that the model's radiometric match names are brought to its training's values.
 */
export async function modelReader(call: TaskCall, model: SurveyModel, card: ModelCard, files: readonly (ImageSource | null)[]): Promise<ModelReader> {
  const products = await Promise.all(model.inputs.map((input) => (input.product ? openProduct(call, model, input) : null)));
  const sources = model.inputs.map((_, i) => files[i] ?? products[i] ?? null);
  const wanted = model.inputs.map((_, input) => [...new Set(model.bands.flatMap((band) => (band?.input === input ? [band.role] : [])))]);
  const { fill } = card.input, matches = card.input.bands.map((band) => model.match?.match.bands[band] ?? null);
  return {
    async readInput(window) {
      const found = await Promise.all(sources.map((source, i) => (wanted[i]!.length === 0 ? null : source ? readImageWindow(source, window, roleNames(model.inputs[i]!, wanted[i]!)) : voidWindow(window, wanted[i]!.length))));
      const read = found.filter((each) => each !== null), mask = new Uint8Array(window.width * window.height).fill(1);
      for (const each of read) for (let i = 0; i < mask.length; i++) mask[i]! &= each.mask[i]!;
      const bands = model.bands.map((band, b) => {
        if (band === null) return new Float32Array(mask.length).fill(fill);
        const values = found[band.input]!.bands[wanted[band.input]!.indexOf(band.role)]!, match = matches[b];
        return match ? matched(values, match) : values;
      });
      return { bands, mask };
    },
    close: async () => { await Promise.all(products.map((product) => product?.close())); },
  };
}

/** Layers of heights have one band, `height`, whatever role a model calls it by. */
const roleNames = ({ layer, name }: ModelInput, roles: string[]): string[] => (layer && (name === 'chm' || name === 'dtm') ? ['height'] : roles);

/** Metres in one unit of a layer of heights. */
const heightScale = (name: string, { chm, dtm }: Plan['survey']): number => (name === 'chm' ? chm?.zToMetre ?? 1 : name === 'dtm' ? dtm?.zToMetre ?? 1 : 1);

const voidWindow = ({ width, height }: Window, bands: number): InputWindow =>
  ({ bands: Array.from({ length: bands }, () => new Float32Array(width * height)), mask: new Uint8Array(width * height) });

/** What earlier tasks made of an input, as far as this task needs it; null where all of it failed: a void. */
async function openProduct(call: TaskCall, model: SurveyModel, { product, roles }: ModelInput): Promise<ImageSource | null> {
  const { plan, task, tasks } = call, { of, raster, lattice } = product!;
  const makers = task.needs.map((key) => tasks.get(key)!).filter((need) => isMaker(need, of, plan));
  const parts = (await Promise.all(makers.map(async (need) => ({ need, ...(await partOf(call, need)) })))).filter((each): each is typeof each & { part: Part } => each.part !== null);
  if (parts.length === 0) return null;
  const placed = parts.map(({ need, part }) => ({ path: part.path(`${raster}.tif`), window: windowOf(need, part, raster, plan, lattice) })).sort((a, b) => (a.path < b.path ? -1 : 1));
  const epsg = plan.survey.crs.epsg, grid = model.grid!.lattice;
  if (sameLattice(lattice, grid)) return openImage({ lattice, window: placed.map(({ window }) => window).reduce(unionWindows), bands: 1, epsg, files: placed }, [...roles]);
  const headers = await Promise.all(placed.map(({ path }) => readRasterHeader(path)));
  const resampled: ImagePlan = planImage(headers.map((header) => ({ ...header, epsg })), { lattice: 'crs', gsdM: grid.resM, surveyEpsg: epsg });
  return openImage(resampled, [...roles]);
}

function isMaker({ kind, unit }: Task, of: 'canopy' | number, { survey }: Plan): boolean {
  return of === 'canopy' ? kind === 'canopy' : 'block' in unit && unit.model === networkOf(survey, of);
}

/** Where a part's raster lies on its lattice. @throws {UnderstoryError} for a part without it */
function windowOf({ unit }: Task, part: Part, raster: string, { job, survey }: Plan, lattice: NonNullable<ModelInput['product']>['lattice']): Window {
  if ('tile' in unit) return windowOfCore(lattice, tileFromId(unit.tile, job.tiles.size_m).core);
  const windows = part.info.inputs[0]?.['windows'] as Record<string, Window> | undefined, window = windows?.[raster];
  if (!window) throw new UnderstoryError(`${part.dir}: holds no raster ${raster}; delete the part and run again`, { source: part.dir, survey: survey.name });
  return window;
}
