// pipeline/plan-models.ts: the tasks of networks: blocks of patches, and crops by tile. Pure.
import type { Box, Tile } from '../types.ts';
import { contentKey } from '../files/hash.ts';
import { boxesMeet, growBox } from '../geo/box.ts';
import { boxIndex } from '../geo/box-index.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import { isTableCard } from '../infer/card.ts';
import { planBlocks } from '../infer/patches.ts';
import { bandOf, tilesOfBox } from '../tile/grid.ts';
import { clipHashes, relationToArea } from './clip.ts';
import { RESAMPLE_PX } from './image-reach.ts';
import { mapLatticeOf } from './models.ts';
import type { Task } from './plan.ts';
import { STAGE_VERSIONS } from './plan.ts';
import { layerReader } from './plan-layers.ts';
import type { ModelInput, Survey, SurveyModel } from './survey.ts';

/** Patches along the side of a block: the unit of a model task. Changes no result. */
const BLOCK_PATCHES = 8;

/** A model task and the ground that it speaks for. */
export interface PlannedModel {
  task: Task;
  /** index of the model */
  model: number;
  core: Box;
}

interface ModelContext {
  survey: Survey;
  sizeM: number;
  /** those of the canopy tasks, in their order */
  tiles: readonly Tile[];
  canopies: readonly Task[];
  /** how far beyond the area each model's blocks are needed, metres */
  reachesM: readonly number[];
}

/** What a match does to a model's bands: its content, not where it lies. */
const matchOf = ({ match }: SurveyModel) => match?.match.bands ?? null;

/** The index of the first model that runs the same network on the same inputs: its parts serve both, whatever their names. */
export function networkOf({ models }: Survey, index: number): number {
  let networks = NETWORKS.get(models);
  if (!networks) {
    const keys = models.map((model) => contentKey([model.card, model.inputs, model.grid, model.bands, matchOf(model)]));
    NETWORKS.set(models, networks = keys.map((key) => keys.indexOf(key)));
  }
  return networks[index]!;
}

/** Asked for every block and tile of a survey, whose models do not change once it is read. */
const NETWORKS = new WeakMap<readonly SurveyModel[], readonly number[]>();

/** How far the pixels of model maps reach beyond a tile that holds their centre, metres: stands that near may share them. */
export const mapReachM = ({ models }: Survey): number => Math.max(0, ...models.filter(({ grid }) => grid !== null).map((model) => mapLatticeOf(model).resM));

/** How many kinds of task stand before a model: 1 reads files only, 2 what canopy or a model of level 1 makes ... */
const levelOf = ({ inputs, card }: SurveyModel, levels: readonly number[]): number =>
  Math.max(card.task === 'classify' ? 2 : 1, ...inputs.map(({ product }) => (product === null ? 1 : product.of === 'canopy' ? 2 : levels[product.of]! + 1)));

/** Every network's tasks, in the order of the models. Models of a table have none: measure runs them. */
export function planModels(context: ModelContext): PlannedModel[] {
  const { survey } = context, planned: PlannedModel[] = [], levels: number[] = [];
  survey.models.forEach((model, index) => {
    levels.push(levelOf(model, levels));
    if (model.grid === null || networkOf(survey, index) !== index) return;
    planned.push(...(model.card.task === 'classify' ? planCrops : planPatches)(model, { index, level: levels[index]! }, context, planned));
  });
  return planned;
}

interface Place {
  index: number;
  level: number;
}

function planPatches(model: SurveyModel, { index, level }: Place, context: ModelContext, before: readonly PlannedModel[]): PlannedModel[] {
  const { survey, sizeM } = context, { card, bands, inputs } = model, { lattice, window } = model.grid!, reading = readingOf(model, context, before), reachM = Math.max(...context.reachesM.filter((_, other) => networkOf(survey, other) === index));
  if (isTableCard(card)) return [];
  const files = inputs.find(({ layer }) => layer !== null)?.layer?.files.map((file) => file.window);
  return planBlocks(window, card.input, BLOCK_PATCHES, files).flatMap((block) => {
    const core = boxOfWindow(lattice, block.core), top = tilesOfBox({ ...core, y0: core.y1 }, sizeM)[0]!;
    if (relationToArea(survey.area, growBox(core, reachM)) === 'outside') return [];
    const { read, needs } = reading(boxOfWindow(lattice, block.read));
    const key = contentKey({ kind: 'model', version: STAGE_VERSIONS.model, card, lattice, bands, match: matchOf(model), block, read, needs });
    return [{ model: index, core, task: { key, kind: 'model', step: `${bandOf(top, sizeM)}.model.${level}`, unit: { model: index, block }, needs, resources: { memory_mb: 500, gpu: false } } }];
  });
}

/** Crops of a tile's crowns. */
function planCrops(model: SurveyModel, { index, level }: Place, context: ModelContext, before: readonly PlannedModel[]): PlannedModel[] {
  const { survey, tiles, canopies, sizeM } = context, { card, bands } = model, { lattice } = model.grid!, reading = readingOf(model, context, before);
  if (card.task !== 'classify') return [];
  return tiles.flatMap((tile, i) => {
    const canopy = canopies[i]?.key;
    if (canopy === undefined || relationToArea(survey.area, tile.core) === 'outside') return [];
    const { read, needs: products } = reading(growBox(tile.core, card.post.crop_m)), needs = [...new Set([canopy, ...products])];
    const key = contentKey({ kind: 'model', version: STAGE_VERSIONS.model, card, lattice, bands, match: matchOf(model), core: tile.core, clip: clipHashes(survey, tile.core), read, needs });
    return [{ model: index, core: tile.core, task: { key, kind: 'model', step: `${bandOf(tile, sizeM)}.model.${level}`, unit: { model: index, tile: tile.id }, needs, resources: { memory_mb: 500, gpu: false } } }];
  });
}

/** Answers what of a model's inputs a box reads: the files, and the keys of the tasks that make the rest. */
function readingOf({ inputs, grid }: SurveyModel, { survey, tiles, canopies }: ModelContext, planned: readonly PlannedModel[]): (box: Box) => { read: object[]; needs: string[] } {
  const readers = inputs.map(({ name, layer, product }) => {
    if (layer) {
      const files = layerReader(layer), heights = name === 'chm' ? survey.chm : name === 'dtm' ? survey.dtm : null;
      return (box: Box) => ({ read: { z_to_metre: heights?.zToMetre ?? 1, resample: layer.resample ?? null, alpha: layer.alphaIsBand ?? false, lattice: layer.lattice, bands: layer.bands, files: files(box) }, needs: [] as string[] });
    }
    const makers = makersOf(product!, survey, tiles, canopies, planned), near = boxIndex(makers.map(({ core }) => core)), haloM = RESAMPLE_PX * Math.max(product!.lattice.resM, grid!.lattice.resM);
    return (box: Box) => {
      const wide = growBox(box, haloM);
      return { read: { product }, needs: near(wide).filter((i) => boxesMeet(makers[i]!.core, wide)).map((i) => makers[i]!.key) };
    };
  });
  return (box) => {
    const parts = readers.map((reader) => reader(box));
    return { read: parts.map(({ read }) => read), needs: [...new Set(parts.flatMap(({ needs }) => needs))] };
  };
}

function makersOf({ of }: NonNullable<ModelInput['product']>, survey: Survey, tiles: readonly Tile[], canopies: readonly Task[], planned: readonly PlannedModel[]): { key: string; core: Box }[] {
  if (of === 'canopy') return canopies.map(({ key }, i) => ({ key, core: tiles[i]!.core }));
  const network = networkOf(survey, of);
  return planned.filter(({ model }) => model === network).map(({ task: { key }, core }) => ({ key, core }));
}
