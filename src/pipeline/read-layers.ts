// pipeline/read-layers.ts: the vector inputs of a survey in its CRS: area, masks, stands, plots. IO.
import { intersection, union } from 'polyclip-ts';
import type { MultiPolygon, Stand } from '../types.ts';
import { InvalidInput } from '../errors.ts';
import { contentKey } from '../files/hash.ts';
import { extentsMeet } from '../geo/box.ts';
import { crsFromEpsg, epsgOfCode } from '../geo/crs.ts';
import type { Crs } from '../geo/crs.ts';
import { bboxOf, orientRings } from '../geo/polygon.ts';
import { toMetres, toUnits } from '../geo/units.ts';
import type { LayerOptions } from '../ingest/vector.ts';
import { readPolygons, readStands } from '../ingest/vector.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import { matchFiles } from './job-file.ts';
import { onlyFile } from './read-inputs.ts';
import { layerFile, openStandLayer } from './stand-layer.ts';
import type { SideFile, StandLayer, Survey, SurveyArea } from './survey.ts';

/** What reading a vector layer needs to know beside the layer. */
interface LayerContext {
  loaded: LoadedJob;
  identities: Fingerprints;
  surveyCrs: Crs;
  /** told what was mended or skipped */
  note(text: string): void;
}

/** Read the vector inputs of a job. @throws {InvalidInput} {UsageError} for a layer that cannot be used */
export async function readLayers(context: LayerContext): Promise<Pick<Survey, 'area' | 'masks' | 'stands' | 'plots' | 'reference'>> {
  const { job } = context.loaded, area = job.area === undefined ? null : await readArea(context, job.area);
  return { area, masks: await readMasks(context), stands: job.inputs.stands ? await readStandLayer(context, job.inputs.stands) : area && (await areaAsStand(context, area)), plots: await readPlotFiles(context), reference: await readReference(context) };
}

interface LayerKeys {
  layer?: string | undefined;
  crs?: string | undefined;
  override: boolean;
}

const optionsOf = ({ surveyCrs }: LayerContext, { layer, crs, override }: LayerKeys, note: (text: string) => void): LayerOptions =>
  ({ surveyCrs, layer: layer ?? null, statedCrs: crs === undefined ? null : crsFromEpsg(epsgOfCode(crs)), override, onNote: note });

/** The survey's bounds: all polygons of the layer as one, where they overlap counted once. */
async function readArea(context: LayerContext, pattern: string): Promise<SurveyArea> {
  const path = await onlyFile(context.loaded, pattern, 'area'), parts: MultiPolygon[] = [];
  for await (const { polygons } of readPolygons(path, optionsOf(context, { override: false }, context.note))) parts.push(polygons);
  const polygons = unionOf(parts);
  if (polygons.length === 0) throw new InvalidInput(`${path}: holds no polygon, so the survey would be empty; name a layer with the area's outline, or leave area out`, { source: path, path: 'area' });
  return { ...(await layerFile(path, context.identities)), polygons, hash: contentKey(polygons) };
}

/** Polygons of several features as polygons that do not overlap; those that meet nothing stay as they are, vertex by vertex. */
function unionOf(parts: readonly MultiPolygon[]): MultiPolygon {
  const polygons = parts.flat(), boxes = polygons.map((polygon) => bboxOf([polygon])!);
  const meets = polygons.map((polygon, i) => polygons.some((other, j) => i !== j && extentsMeet(boxes[i]!, boxes[j]!) && intersection([polygon], [other]).length > 0));
  const alone = polygons.filter((_, i) => !meets[i]), [first, ...others] = polygons.filter((_, i) => meets[i]);
  if (!first) return alone;
  const rounded = (ring: [number, number][]): [number, number][] => ring.map(([x, y]) => [toMetres(toUnits(x)), toMetres(toUnits(y))]);
  return [...alone, ...union([first], ...others.map((polygon) => [polygon])).map((polygon) => orientRings(polygon.map(rounded)))];
}

async function readStandLayer(context: LayerContext, { file, id, ...keys }: NonNullable<LoadedJob['job']['inputs']['stands']>): Promise<StandLayer> {
  const { loaded, surveyCrs, identities } = context, path = await onlyFile(loaded, file, 'inputs.stands.file');
  return openStandLayer({ path, reading: { id, ...keys, epsg: surveyCrs.epsg }, read: (note) => readStands(path, { idField: id, ...optionsOf(context, keys, note) }), note: context.note, output: loaded.output, identities });
}

/** Without a stand layer the survey's area is the one stand. */
async function areaAsStand({ loaded, surveyCrs, identities, note }: LayerContext, { path, polygons }: SurveyArea): Promise<StandLayer> {
  async function* read(): AsyncGenerator<Stand> {
    yield { standId: 'area', attributes: {}, polygons };
  }
  return openStandLayer({ path, reading: { areaAsStand: true, epsg: surveyCrs.epsg }, read, note, output: loaded.output, identities });
}

async function readMasks(context: LayerContext): Promise<StandLayer[]> {
  const { loaded, surveyCrs, identities } = context, { mask } = loaded.job.inputs, layers: StandLayer[] = [];
  if (mask === undefined) return [];
  for (const path of await matchFiles(loaded, mask.files, 'inputs.mask.files')) { // a young mask does not wait: a night without it would show what it hides
    async function* read(note: (text: string) => void): AsyncGenerator<Stand> {
      for await (const { number, polygons } of readPolygons(path, optionsOf(context, mask!, note))) yield { standId: String(number), attributes: {}, polygons };
    }
    layers.push(await openStandLayer({ path, reading: { mask: { ...mask, files: [] }, epsg: surveyCrs.epsg }, read, note: context.note, output: loaded.output, identities }));
  }
  return layers;
}

async function readPlotFiles(context: LayerContext): Promise<Survey['plots']> {
  const { loaded } = context, { plots } = loaded.job.inputs;
  if (plots === undefined) return null;
  const file = await layerFile(await onlyFile(loaded, plots.file, 'inputs.plots.file'), context.identities);
  return { file, trees: plots.trees === undefined ? null : await layerFile(await onlyFile(loaded, plots.trees, 'inputs.plots.trees'), context.identities) };
}

async function readReference(context: LayerContext): Promise<Survey['reference']> {
  const { loaded } = context, { reference } = loaded.job;
  if (reference === undefined) return null;
  const named = async (key: 'trees' | 'plots' | 'area'): Promise<SideFile | null> => (reference[key] === undefined ? null : layerFile(await onlyFile(loaded, reference[key], `reference.${key}`), context.identities));
  return { trees: await named('trees'), plots: await named('plots'), area: await named('area') };
}
