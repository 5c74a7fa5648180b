// pipeline/tasks/merge-rasters.ts: the survey's rasters from the parts of all tiles and blocks: what QGIS opens. IO.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lattice, Window } from '../../types.ts';
import { UsageError } from '../../errors.ts';
import { writeFileAtomically } from '../../files/atomic.ts';
import { contentKey } from '../../files/hash.ts';
import { unionBox } from '../../geo/box.ts';
import { anchoredLattice, intersectWindows, windowOfBox } from '../../geo/lattice.ts';
import { bboxOf } from '../../geo/polygon.ts';
import { outputLattice } from '../../infer/patches.ts';
import { windowOfCore } from '../../measure/window-of-core.ts';
import { stageMosaic } from '../../store/mosaic.ts';
import type { Mosaic, MosaicLayer, MosaicPart } from '../../store/mosaic.ts';
import type { Part } from '../../store/parts.ts';
import { removeOthers } from '../../store/raster-writer.ts';
import type { StagedRaster } from '../../store/raster-writer.ts';
import { tileFromId } from '../../tile/grid.ts';
import { clipOfWindow } from '../clip.ts';
import { coarser } from '../models.ts';
import type { Plan, Task } from '../plan.ts';
import { canopyLattice } from '../plan.ts';
import { networkOf } from '../plan-models.ts';
import type { SurveyModel } from '../survey.ts';
import type { TaskContext } from './context.ts';
import { partsOf } from './part-of.ts';
import { FLOAT_NODATA } from './part-rasters.ts';

/** Raised when the files change though their parts do not. */
const VERSION = 2;
const CANOPY_RASTERS: readonly string[] = ['chm', 'dtm', 'valid_area'];

/** What run.json says of a raster. */
export interface RasterSummary {
  /** of the valid pixels on their lattice, row by row (`store/raster-hash.ts`); of valid_area, of the pixels that are 1 */
  sha256: string;
  valid_px: number;
}

/** A raster on disk: `key` hashes the parts that it was made of. */
interface RasterRecord extends RasterSummary {
  key: string;
  /** bytes of its files, by their path in rasters/: one COG, or a VRT and the COGs under it */
  files: Record<string, number>;
}

type RasterIndex = Record<string, RasterRecord>;

/** Rasters that are made in one pass over the same parts. */
interface RasterGroup {
  key: string;
  names: string[];
  mosaic: Mosaic;
  layers: MosaicLayer[];
}

export interface StagedRasters {
  /** where a raster's bytes are before it is published; null: the survey has no such raster, or it is a VRT, which GDAL alone reads */
  pathOf(name: string): string | null;
  /** Put new rasters in place, one after the other, and take away those that the survey no longer has. */
  publish(): Promise<Record<string, RasterSummary>>;
  /** Delete what was not published. */
  discard(): Promise<void>;
}

const folderOf = ({ output }: Plan): string => join(output, 'rasters');
const fileOf = (plan: Plan, name: string): string => join(folderOf(plan), `${name}.tif`);
const indexFile = (plan: Plan): string => join(folderOf(plan), 'rasters.json');

/**
 * Make the survey's rasters beside the old ones: chm, dtm (unless the points came as heights), valid_area, one a model.
 * A raster whose parts have not changed stays as it is.
 *
 * Canopy rasters cover the box of the LiDAR or CHM files, model maps that of the image, cut to the box of the area: whole pixels, whatever the tile size, since a tile
 * gives what it finds in its core and so reaches farther the larger it is.
 *
 * @throws {UnderstoryError} when a tile or block has neither part nor failure; {UsageError} for a model named like another raster
 */
export async function stageRasters(context: TaskContext): Promise<StagedRasters> {
  const { plan } = context, old = await readIndex(plan), groups = await groupsOf(context);
  const staged = new Map<string, StagedRaster & { key: string }>(), kept: RasterIndex = {};
  const discard = async (): Promise<void> => { for (const raster of staged.values()) await raster.discard(); };
  try {
    for (const { key, names, mosaic, layers } of groups) {
      if (await areCurrent(plan, old, names, key)) for (const name of names) kept[name] = old[name]!;
      else (await stageMosaic(mosaic, layers)).forEach((raster, i) => staged.set(names[i]!, { ...raster, key }));
    }
  } catch (error) {
    await discard();
    throw error;
  }
  const publish = async (): Promise<Record<string, RasterSummary>> => {
    const index = { ...kept };
    for (const name of Object.keys(old)) if (!staged.has(name)) await removeOthers(fileOf(plan, name), kept[name]?.files ?? {});
    if (staged.size > 0) await writeIndex(plan, kept); // first forget, then replace: a kill in between has them made again
    for (const [name, raster] of staged) {
      const { key, sha256, validPx, files } = raster;
      await raster.publish();
      index[name] = { key, sha256, valid_px: validPx, files };
    }
    await writeIndex(plan, index);
    return Object.fromEntries(groups.flatMap(({ names }) => names).map((name) => [name, { sha256: index[name]!.sha256, valid_px: index[name]!.valid_px }]));
  };
  const pathOf = (name: string): string | null => {
    const raster = staged.get(name), isCog = `${name}.tif` in ((raster ?? kept[name])?.files ?? {});
    return isCog ? raster?.stagedPath ?? fileOf(plan, name) : null;
  };
  return { pathOf, publish, discard };
}

const writeIndex = (plan: Plan, index: RasterIndex): Promise<void> => writeFileAtomically(indexFile(plan), `${JSON.stringify(index, null, 1)}\n`);

async function readIndex(plan: Plan): Promise<RasterIndex> {
  try {
    return JSON.parse(await readFile(indexFile(plan), 'utf8')) as RasterIndex;
  } catch {
    return {}; // none yet, or not to be trusted: all rasters are made again
  }
}

async function areCurrent(plan: Plan, index: RasterIndex, names: readonly string[], key: string): Promise<boolean> {
  for (const name of names) {
    const record = index[name];
    if (record?.key !== key) return false;
    for (const [path, bytes] of Object.entries(record.files)) {
      const size = await stat(join(folderOf(plan), path)).then((file) => file.size, () => null);
      if (size !== bytes) return false;
    }
  }
  return true;
}

async function groupsOf(context: TaskContext): Promise<RasterGroup[]> {
  const { survey } = context.plan, groups = await canopyGroups(context);
  for (const [index, model] of survey.models.entries()) {
    if (CANOPY_RASTERS.includes(model.name)) throw new UsageError(`models: ${model.name} is the name of another raster; give the model another name`, { path: 'models' });
    groups.push(...(await modelGroups(context, model, index)));
  }
  return groups.filter(({ mosaic: { window } }) => window.width > 0 && window.height > 0);
}

async function canopyGroups(context: TaskContext): Promise<RasterGroup[]> {
  const { plan } = context, { job, survey } = plan, done = await madeParts(context, plan.tasks.filter(({ kind }) => kind === 'canopy'));
  const boxes = survey.canopySource === 'chm' ? [survey.chm!.box] : survey.lidar.map((file) => file.box);
  if (boxes.length === 0) return [];
  const box = boxes.reduce(unionBox);
  const mosaicOf = (file: string, lattice: Lattice): { mosaic: Mosaic; keys: string[] } => {
    const parts = done.map(({ part, task }) => ({ path: part.path(file), window: windowOfCore(lattice, tileFromId((task.unit as { tile: string }).tile, job.tiles.size_m).core) }));
    return { mosaic: cutToArea(plan, { lattice, window: windowOfBox(lattice, box), parts }), keys: done.map(({ part }) => part.info.key) };
  };
  const chm = group(plan, mosaicOf('chm.tif', canopyLattice(job, survey)), [layer(plan, 'chm', 'm'), maskLayer(plan, 'valid_area')]), terrain = terrainLattice(plan);
  return terrain === null ? [chm] : [chm, group(plan, mosaicOf('dtm.tif', terrain), [layer(plan, 'dtm', 'm')])];
}

/** The lattice of the canopy parts' dtm.tif; null where they have none. */
function terrainLattice({ job, survey }: Plan): Lattice | null {
  if (survey.canopySource === 'chm') return survey.dtm?.lattice ?? null;
  return job.inputs.lidar?.z === 'height' ? null : anchoredLattice(job.dtm.resolution_m);
}

/** A mosaic within the box of the survey's area, without what is outside the area or in a mask. */
function cutToArea({ survey }: Plan, mosaic: Mosaic): Mosaic {
  const { lattice } = mosaic, box = survey.area && bboxOf(survey.area.polygons);
  if (survey.area === null && survey.masks.length === 0) return mosaic;
  const kept = (window: Window): Promise<Uint8Array | null> => clipOfWindow(survey, lattice, window);
  return { ...mosaic, window: box ? intersectWindows(mosaic.window, windowOfBox(lattice, box)) : mosaic.window, parts: mosaic.parts.map((part) => ({ ...part, kept })) };
}

/** A model's first map under the model's name, and its standard deviation as `<name>_sd`; detectors and classifiers have no map. */
async function modelGroups(context: TaskContext, { name, grid, card }: SurveyModel, index: number): Promise<RasterGroup[]> {
  const { plan } = context, [first] = card.outputs;
  if (grid === null || !first || !MAP_TASKS.has(card.task) || (card.task === 'segment' && card.post.objects !== 'climb')) return [];
  const done = await madeParts(context, plan.tasks.filter(({ unit }) => 'block' in unit && unit.model === networkOf(plan.survey, index)));
  const maps = [{ output: first, as: name }, ...card.outputs.filter(({ sdOf }) => sdOf === first.variable).map((output) => ({ output, as: `${name}_sd` }))];
  return maps.map(({ output: { variable, stridePx, unit }, as }) => {
    const parts = done.map(({ part }): MosaicPart => ({ path: part.path(`${variable}.tif`), window: (part.info.inputs[0]!['windows'] as Record<string, Window>)[variable]! }));
    const mosaic = { lattice: outputLattice(grid.lattice, stridePx), window: coarser(grid.window, stridePx), parts };
    return group(plan, { mosaic: cutToArea(plan, mosaic), keys: done.map(({ part }) => part.info.key) }, [layer(plan, as, unit)]);
  });
}

/** Tasks whose outputs are maps. */
const MAP_TASKS: ReadonlySet<string> = new Set(['density', 'segment', 'regress-raster']);

/** The parts of tasks that have one; a failed task leaves a void. */
const madeParts = async (context: TaskContext, wanted: readonly Task[]): Promise<{ task: Task; part: Part }[]> =>
  (await partsOf(context, wanted)).flatMap(({ task, part }) => (part ? [{ task, part }] : []));

function group({ survey }: Plan, { mosaic, keys }: { mosaic: Mosaic; keys: string[] }, layers: (MosaicLayer & { name: string })[]): RasterGroup {
  const { lattice, window } = mosaic;
  const key = contentKey({ version: VERSION, epsg: survey.crs.epsg, lattice, window, layers: layers.map(({ name, gives, image }) => ({ name, gives, image })), parts: keys.toSorted(), area: survey.area?.hash ?? null, masks: survey.masks.map(({ hash }) => hash).sort() });
  return { key, names: layers.map(({ name }) => name), mosaic, layers };
}

const layer = (plan: Plan, name: string, units: string): MosaicLayer & { name: string } =>
  ({ name, path: fileOf(plan, name), gives: 'values', image: { type: 'float32', nodata: FLOAT_NODATA, overviews: 'mean', epsg: plan.survey.crs.epsg, bandName: name, units } });

/** 1 where valid, 0 elsewhere: both are values. */
const maskLayer = (plan: Plan, name: string): MosaicLayer & { name: string } =>
  ({ name, path: fileOf(plan, name), gives: 'mask', image: { type: 'uint8', nodata: null, overviews: 'any', epsg: plan.survey.crs.epsg, bandName: name } });
