// pipeline/plan.ts: the tasks of a survey with their content keys and needs. Pure: headers in, records out.
import { dirname, relative } from 'node:path';
import type { Box, Lattice, TaskKind, Tile } from '../types.ts';
import { contentKey } from '../files/hash.ts';
import { boxesMeet, extentsMeet, growBox, unionBox } from '../geo/box.ts';
import { boxIndex } from '../geo/box-index.ts';
import { anchoredLattice } from '../geo/lattice.ts';
import type { Block } from '../infer/patches.ts';
import { bandOf, byTile, tilesOfBox } from '../tile/grid.ts';
import type { CanopyParams } from './canopy-params.ts';
import { canopyParams, crownStageParams } from './canopy-params.ts';
import { clipHashes, relationToArea } from './clip.ts';
import { canopyHalos, chmHalos, valueReachM } from './halo.ts';
import type { Job } from './job-schema.ts';
import { fileBoxes, layerReader } from './plan-layers.ts';
import { areaReaches, fuseReachM, readReachM } from './image-reach.ts';
import type { PlannedModel } from './plan-models.ts';
import { mapReachM, networkOf, planModels } from './plan-models.ts';
import type { HeightLayer, ImageLayer, LidarFile, SideFile, Survey } from './survey.ts';

/** Raised when the results of a kind of task change; not the package's version. */
export const STAGE_VERSIONS: Readonly<Record<TaskKind, number>> = { bucket: 1, canopy: 1, model: 1, measure: 4, merge: 1 };

export type TaskUnit =
  | { file: number }
  | { tile: string }
  | { model: number; block: Block }
  | { model: number; tile: string }
  | { survey: string };

export interface Task {
  key: string;
  kind: TaskKind;
  /** `12.model.1`: band of tile rows, kind, level */
  step: string;
  unit: TaskUnit;
  needs: string[];
  resources: { memory_mb: number; gpu: boolean };
}

export interface Plan {
  format: 1;
  run_id: string;
  created: string;
  config_hash: string;
  /** the job with its defaults, and where it stands */
  job: Job;
  job_file: string;
  output: string;
  survey: Survey;
  tasks: Task[];
}

export interface PlanRequest {
  job: Job;
  jobFile: string;
  output: string;
  survey: Survey;
  now: Date;
}

/** Make the plan of a survey: buckets, canopy tiles, model blocks, measure tiles and one merge, in the order in which they run. */
export function makePlan({ job, jobFile, output, survey, now }: PlanRequest): Plan {
  const params = canopyParams(job, survey.groundMethod), reaches = areaReaches(survey, job), near = surveyTiles(survey, job.tiles.size_m, { valueM: valueReachM(params), areaM: reaches.canopyM });
  const tiles = near.filter(({ core }) => relationToArea(survey.area, core) !== 'outside');
  const buckets = survey.lidar.map((file) => bucketKey(file, job, survey));
  const canopies = survey.canopySource === 'lidar' ? planCanopies(near, survey.lidar, buckets, job, params) : survey.chm ? planHeights(near, survey.chm, job, survey) : [];
  const blocks = planModels({ survey, sizeM: job.tiles.size_m, tiles: near, canopies, reachesM: reaches.modelsM });
  const measures = planMeasures(tiles, { near, canopies, blocks }, job, survey);
  const tasks = inOrder([...planBuckets(buckets, canopies, job), ...canopies, ...blocks.map(({ task }) => task), ...measures, planMerge(measures, { job, jobFile, survey })]);
  const body = { format: 1 as const, config_hash: contentKey(job), job, job_file: jobFile, output, survey, tasks };
  const created = now.toISOString().replace(/\.\d+Z$/, 'Z');
  return { ...body, created, run_id: `${created.replace(/[-:]/g, '')}-${planHash(body).slice(0, 8)}` };
}

/** Every file that a survey reads. */
export const inputsOf = ({ survey }: Pick<Plan, 'survey'>): { path: string; fingerprint: string }[] =>
  [...survey.lidar, ...rastersOf(survey).flatMap(({ files }) => files), ...vectorsOf(survey).map(({ file }) => file)];

/** Every raster layer of a survey. */
export const rastersOf = ({ chm, dtm, images }: Survey): ImageLayer[] => [...(chm ? [chm] : []), ...(dtm ? [dtm] : []), ...images];

/** Every vector layer and table of a survey, by the input that names it. */
export function vectorsOf({ area, masks, stands, plots, reference, equations, models }: Survey): { input: string; file: SideFile }[] {
  return [
    ...(area ? [{ input: 'area', file: area }] : []), ...masks.map((file) => ({ input: 'mask', file })),
    ...(stands && stands.path !== area?.path ? [{ input: 'stands', file: stands }] : []),
    ...(plots ? [{ input: 'plots', file: plots.file }] : []), ...(plots?.trees ? [{ input: 'plots', file: plots.trees }] : []),
    ...Object.values(reference ?? {}).flatMap((file) => (file ? [{ input: 'reference', file }] : [])), ...equations.map((file) => ({ input: 'allometry', file })), ...models.flatMap(({ match }) => (match ? [{ input: 'models', file: match }] : [])),
  ];
}

/** The plan's identity: its task keys and the job, without time or place. */
const planHash = (body: { config_hash: string; tasks: readonly Task[] }): string => contentKey([body.config_hash, body.tasks.map(({ key }) => key)]);

/**
 * Tiles in which any input gives a value, of the area and around it, in the survey's order.
 *
 * @param valueM  how far from a return the canopy's rasters have values, metres
 * @param areaM   how far beyond the area a tile may lie
 */
function surveyTiles(survey: Survey, sizeM: number, { valueM, areaM }: { valueM: number; areaM: number }): Tile[] {
  const tiles = new Map<string, Tile>();
  const clouds = survey.lidar.map(({ box }) => growBox(box, valueM));
  const read = survey.models.flatMap(({ inputs }) => inputs.flatMap(({ layer }) => layer ?? [])), rasters = [...(survey.canopySource === 'chm' ? [survey.chm!] : []), ...survey.images, ...read];
  for (const box of [...clouds, ...rasters.flatMap(fileBoxes)]) for (const tile of tilesOfBox(box, sizeM)) tiles.set(tile.id, tile);
  return [...tiles.values()].filter(({ core }) => relationToArea(survey.area, growBox(core, areaM)) !== 'outside').sort(byTile);
}

const bucketKey = (file: LidarFile, job: Job, survey: Survey): string => contentKey({
  kind: 'bucket', version: STAGE_VERSIONS.bucket, fingerprint: file.fingerprint, box: file.box, epsg: survey.crs.epsg, drop: job.inputs.lidar!.drop, tile_m: job.tiles.size_m,
  ...(file.conversion && { conversion: file.conversion }),
});

function planCanopies(tiles: readonly Tile[], files: readonly LidarFile[], buckets: readonly string[], job: Job, params: CanopyParams): Task[] {
  const haloM = canopyHalos(params).points, filesIn = boxIndex(files.map(({ box }) => box));
  return tiles.map((tile) => {
    const needs = filesIn(growBox(tile.core, haloM)).map((i) => buckets[i]!);
    return {
      key: contentKey({ kind: 'canopy', version: STAGE_VERSIONS.canopy, core: tile.core, points: needs.toSorted(), params }),
      kind: 'canopy' as const, step: `${bandOf(tile, job.tiles.size_m)}.canopy.1`, unit: { tile: tile.id }, needs, resources: { memory_mb: 700, gpu: false },
    };
  });
}

/** Canopy tasks of height rasters: a tile reads the pixels of its core and of the crowns' halo. */
function planHeights(tiles: readonly Tile[], chm: HeightLayer, job: Job, { dtm }: Survey): Task[] {
  const params = { ...crownStageParams(job), lattice: chm.lattice, resample: chm.resample ?? null, zToMetre: chm.zToMetre };
  const reachM = chmHalos(params, chm.lattice.resM).surface, read = layerReader(chm), terrain = dtm ? { params: [dtm.lattice, dtm.resample ?? null, dtm.zToMetre], read: layerReader(dtm) } : null;
  return tiles.map((tile) => ({
    key: contentKey({ kind: 'canopy', version: STAGE_VERSIONS.canopy, core: tile.core, params, heights: read(growBox(tile.core, reachM)), terrain: terrain && [terrain.params, terrain.read(tile.core)] }),
    kind: 'canopy', step: `${bandOf(tile, job.tiles.size_m)}.canopy.1`, unit: { tile: tile.id }, needs: [], resources: { memory_mb: 400, gpu: false },
  }));
}

/** A file belongs to the first band that needs it. */
function planBuckets(buckets: readonly string[], canopies: readonly Task[], job: Job): Task[] {
  const firstBand = new Map<string, number>();
  for (const { needs, step } of canopies) {
    const band = Number.parseInt(step, 10);
    for (const need of needs) firstBand.set(need, Math.min(band, firstBand.get(need) ?? Infinity));
  }
  const planned = new Set<string>();
  return buckets.flatMap((key, file) => {
    const band = firstBand.get(key);
    if (band === undefined || planned.has(key)) return []; // two copies of one file are one bucket
    planned.add(key);
    return [{ key, kind: 'bucket' as const, step: `${band}.bucket.1`, unit: { file }, needs: [], resources: { memory_mb: 600, gpu: false } }];
  });
}

/** @param near  the tiles of `canopies`, in their order */
function planMeasures(tiles: readonly Tile[], { near: around, canopies, blocks }: { near: readonly Tile[]; canopies: readonly Task[]; blocks: readonly PlannedModel[] }, job: Job, survey: Survey): Task[] {
  const blocksIn = boxIndex(blocks.map(({ core }) => core));
  const entries = survey.stands?.entries ?? [], standsIn = boxIndex(entries.map(({ box }) => box));
  const params = {
    survey: survey.name, epsg: survey.crs.epsg, allometry: job.allometry, equations: survey.equations.map(({ name, table }) => ({ name, table })), openings_below_m: job.openings.below_m, cell_m: job.cells.size_m, chm: canopyLattice(job, survey), source: survey.canopySource,
    models: survey.models.map(({ name, primary, card }) => ({ name, primary, card })), crowns: job.crowns.max_radius_m,
  };
  const reachM = mapReachM(survey), fuseM = fuseReachM(survey, job), canopiesIn = boxIndex(canopies.length === 0 ? [] : around.map(({ core }) => core)), canopyOf = new Map(canopies.map(({ key }, i) => [around[i]!.id, key]));
  const reaches = survey.models.map((model) => (model.grid ? readReachM(model, survey, job) : 0)), farthestM = Math.max(0, ...reaches);
  const networks = survey.models.map((_, index) => networkOf(survey, index)), networkReaches = survey.models.map((_, index) => Math.max(...reaches.filter((__, other) => networks[other] === index), 0));
  const reachOf = ({ model, task: { unit } }: PlannedModel): number => ('tile' in unit ? 0 : networkReaches[model]!);
  return tiles.map((tile) => {
    const images = blocksIn(growBox(tile.core, farthestM)).filter((b) => boxesMeet(blocks[b]!.core, growBox(tile.core, reachOf(blocks[b]!)))).map((b) => blocks[b]!.task.key);
    const wide = growBox(tile.core, fuseM), own = canopyOf.get(tile.id), neighbours = fuseM === 0 ? [] : canopiesIn(wide).filter((c) => around[c]!.id !== tile.id && boxesMeet(around[c]!.core, wide)).map((c) => canopies[c]!.key);
    const near = growBox(tile.core, reachM), stands = standsIn(near).filter((s) => extentsMeet(entries[s]!.box, near)).map((s) => entries[s]!.hash).sort();
    const needs = [...(own === undefined ? [] : [own]), ...neighbours, ...images], clip = clipHashes(survey, near);
    return {
      key: contentKey({ kind: 'measure', version: STAGE_VERSIONS.measure, core: tile.core, needs, stands, clip, params }),
      kind: 'measure' as const, step: `${bandOf(tile, job.tiles.size_m)}.measure.1`, unit: { tile: tile.id }, needs, resources: { memory_mb: 400, gpu: false },
    };
  });
}

function planMerge(measures: readonly Task[], { job, jobFile, survey }: Pick<PlanRequest, 'job' | 'jobFile' | 'survey'>): Task {
  const needs = measures.map(({ key }) => key), named = (path: string) => relative(dirname(jobFile), path);
  const key = contentKey({
    kind: 'merge', version: STAGE_VERSIONS.merge, needs, openings: job.openings, epsg: survey.crs.epsg, stands: survey.stands?.hash ?? null, area: survey.area?.hash ?? null, masks: survey.masks.map(({ hash }) => hash).sort(), plots: [survey.plots, survey.reference].map(printsOf), reference: job.reference ?? null, plots_crs: job.inputs.plots?.crs ?? null,
    inputs: inputsOf({ survey }).map(({ path, fingerprint }) => [named(path), fingerprint]), faults: survey.faults.map(({ input, path, reason }) => [input, named(path), reason.replaceAll(path, named(path))]), allometry: job.allometry,
  });
  return { key, kind: 'merge', step: 'merge', unit: { survey: survey.name }, needs, resources: { memory_mb: 1500, gpu: false } };
}

/** Fingerprints of files by their role. */
const printsOf = (files: Record<string, SideFile | null> | null): Record<string, string | null> | null =>
  files && Object.fromEntries(Object.entries(files).map(([role, file]) => [role, file?.fingerprint ?? null]));

const KIND_ORDER: readonly TaskKind[] = ['bucket', 'canopy', 'model', 'measure', 'merge'];

/** By band, then by kind: buckets of about two bands are on disk at once. */
function inOrder(tasks: readonly Task[]): Task[] {
  const rank = ({ kind, step }: Task): number => (kind === 'merge' ? Infinity : Number.parseInt(step, 10) * KIND_ORDER.length + KIND_ORDER.indexOf(kind));
  return tasks.map((task) => ({ task, rank: rank(task) })).sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank)).map(({ task }) => task);
}

/** The box of everything that the survey covers, or null for nothing. */
export function surveyBox(survey: Survey): Box | null {
  const boxes = [...survey.lidar.map(({ box }) => box), ...rastersOf(survey).map(({ box }) => box)];
  return boxes.length === 0 ? null : boxes.reduce(unionBox);
}

/** The pixels of the survey's canopy height model: those of the files where it was made elsewhere. */
export const canopyLattice = (job: Job, { canopySource, chm }: Survey): Lattice => (canopySource === 'chm' ? chm!.lattice : anchoredLattice(job.chm.resolution_m));
