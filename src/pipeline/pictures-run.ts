// pipeline/pictures-run.ts: a model over one picture, by the path of a survey: patches, trusted centres, suppression, climb, thresholds. IO.
import type { Box, Polygon, Raster } from '../types.ts';
import { UsageError } from '../errors.ts';
import type { ScoredBox } from '../evaluate/boxes.ts';
import type { Place } from '../evaluate/pair-tally.ts';
import { objectsOfMap } from '../fuse/objects.ts';
import { suppress } from '../fuse/suppress.ts';
import { holdsPoint } from '../geo/box.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import { bboxOf } from '../geo/polygon.ts';
import type { CardOf, ModelCard } from '../infer/card.ts';
import { classValue } from '../infer/classify.ts';
import { densityPeaks } from '../infer/density-map.ts';
import { inputReader } from '../infer/input.ts';
import type { ReadInput } from '../infer/input.ts';
import { outputLattice, planBlocks } from '../infer/patches.ts';
import { matched } from '../infer/radiometry.ts';
import type { RadiometricMatch } from '../infer/radiometry.ts';
import { modelTask, patchTask } from '../infer/registry.ts';
import type { BlockResult, CropTask } from '../infer/registry.ts';
import type { Session } from '../infer/session.ts';
import type { ImageSource } from '../ingest/image-source.ts';
import { coarser } from './models.ts';
import { layAmongPatches } from './pictures-place.ts';
import type { Laid } from './pictures-place.ts';
import { mosaicOf } from './tasks/part-rasters.ts';

/** What a model sees in a picture, metres of the picture. */
export interface Seen {
  /** trees: peaks, middles of boxes, middles of objects; null for a classifier */
  points: Place[] | null;
  /** of a detector from `LOWEST_SCORE` on, of objects all */
  boxes: ScoredBox[];
  /** trees by the model's sum: the integral of a density, else the number of points */
  count: number;
  /** the map of probability; null where there is none */
  map: Raster | null;
  /** outlines of objects: of the climb, or of instances */
  objects: Polygon[];
  /** the class decided on; null for none */
  className: string | null;
}

export interface Network {
  card: ModelCard;
  session: Session;
  match: RadiometricMatch | null;
}

/** Average precision wants the unsure detections too; those of the card's threshold stay what they are, since only a better detection suppresses another. */
export const LOWEST_SCORE = 0.05;

/** Patches along a block's side; the size changes nothing. */
const BLOCK_PATCHES = 16;

/** The least score of a detection that counts as a tree. */
export const scoreThreshold = ({ post }: ModelCard): number => ('score_threshold' in post ? post.score_threshold : 0);

/** The reader of a picture, with the radiometric match. @throws {UsageError} naming a band that it lacks */
export function pictureReader(image: ImageSource, { card, match }: Pick<Network, 'card' | 'match'>): ReadInput {
  const { bands, optionalBands } = card.input, missing = bands.filter((band) => !image.roles.includes(band) && !optionalBands.includes(band));
  if (missing.length > 0) throw new UsageError(`${image.plan.files[0]?.path}: ${card.name} needs ${missing.join(', ')}, the picture gives ${image.roles.join(', ')}; say what its bands are with --bands, or use another model`, { source: image.plan.files[0]?.path ?? '' });
  const read = inputReader(image, card.input);
  if (match === null) return read;
  return async (window) => {
    const input = await read(window);
    return { mask: input.mask, bands: input.bands.map((values, b) => (image.roles.includes(bands[b]!) && match.bands[bands[b]!] ? matched(values, match.bands[bands[b]!]!) : values)) };
  };
}

/** Run a model over a picture as a survey would, the picture's surroundings being void. @throws {UsageError} for a task that sees no trees; {ModelError} as the task */
export async function seePicture(image: ImageSource, network: Network): Promise<Seen> {
  const { card, session } = network, readInput = pictureReader(image, network);
  const nothing = { points: null, boxes: [], count: 0, map: null, objects: [], className: null };
  if (card.task === 'classify') return { ...nothing, className: await classOf(card, session, readInput, image) };
  if (card.task !== 'density' && card.task !== 'detect' && card.task !== 'segment') throw new UsageError(`${card.name}: task ${card.task} cannot be scored on pictures; those of density, detect, segment and classify can`, { source: card.name });
  const { runBlock } = await patchTask(card), laid = layAmongPatches(image.plan, card.input), { lattice, window, colPx, rowPx } = laid, box = boxOfWindow(lattice, window), results: BlockResult[] = [], ran = lowered(card);
  const readLaid: ReadInput = ({ col, row, width, height }) => readInput({ col: col - colPx, row: row - rowPx, width, height });
  for (const block of planBlocks(window, card.input, BLOCK_PATCHES)) results.push(await runBlock(block, ran, session, readLaid, lattice));
  if (card.task === 'density') return { ...nothing, ...ofDensity(card, results, laid, box) };
  if (card.task === 'segment' && card.post.objects === 'climb') {
    const raster = mapOf(results, card, 0, laid), objects = objectsOfMap(raster, card.post, box);
    const boxes = objects.map(({ polygon, meanProbability }) => ({ ...bboxOf([polygon])!, score: meanProbability }));
    return { ...nothing, boxes, points: objects.map(({ middleXM, middleYM }) => ({ xM: middleXM, yM: middleYM })), count: objects.length, map: raster, objects: objects.map(({ polygon }) => polygon) };
  }
  return { ...nothing, ...ofDetections(card, results, box) };
}

/** The card with the threshold of its detections lowered. */
function lowered(card: ModelCard): ModelCard {
  return card.task === 'detect' ? { ...card, post: { ...card.post, score_threshold: Math.min(card.post.score_threshold, LOWEST_SCORE) } } : card;
}

function mapOf(results: readonly BlockResult[], card: ModelCard, index: number, { lattice, window }: Laid): Raster {
  const { variable, stridePx } = card.outputs[index]!;
  return mosaicOf(results.flatMap(({ rasters }) => rasters.filter(({ name }) => name === variable).map(({ raster }) => raster)), outputLattice(lattice, stridePx), coarser(window, stridePx));
}

function ofDensity(card: CardOf<'density'>, results: readonly BlockResult[], laid: Laid, box: Box): Pick<Seen, 'points' | 'count'> {
  const { data, mask } = mapOf(results, card, 0, laid), heat = Math.max(0, card.outputs.findIndex(({ variable }) => variable === 'heat'));
  const peaks = densityPeaks(mapOf(results, card, heat, laid), { peakThreshold: card.post.peak_threshold, peakRadiusM: card.post.peak_radius_m });
  return { points: peaks.filter(({ xM, yM }) => holdsPoint(box, xM, yM)).map(({ xM, yM }) => ({ xM, yM })), count: data.reduce((sum, value, i) => (mask[i] ? sum + value : sum), 0) };
}

function ofDetections(card: ModelCard, results: readonly BlockResult[], box: Box): Pick<Seen, 'points' | 'boxes' | 'count' | 'objects'> {
  const all = results.flatMap(({ boxes }) => boxes), kept = suppress(all, 'max_overlap' in card.post ? card.post.max_overlap : 1);
  const found = all.filter(({ xM, yM }, i) => kept[i] && holdsPoint(box, xM, yM)), trees = found.filter(({ score }) => score >= scoreThreshold(card));
  return { points: trees.map(({ xM, yM }) => ({ xM, yM })), boxes: found.map(({ x0M, y0M, x1M, y1M, score }) => ({ x0: x0M, y0: y0M, x1: x1M, y1: y1M, score })), count: trees.length, objects: trees.flatMap(({ polygon }) => (polygon === null ? [] : [polygon])) };
}

/** The class of the crown in the middle of the picture. */
async function classOf(card: CardOf<'classify'>, session: Session, readInput: ReadInput, { plan: { lattice, window } }: ImageSource): Promise<string | null> {
  if (card.post.columns.length > 0) throw new UsageError(`${card.name}: reads ${card.post.columns.join(', ')} of each crown beside its picture; a folder of pictures does not have them`, { source: card.name });
  const { x0, y0, x1, y1 } = boxOfWindow(lattice, window), { runCrops } = (await modelTask(card)) as CropTask;
  const [result] = await runCrops(card, session, readInput, lattice, [{ xM: (x0 + x1) / 2, yM: (y0 + y1) / 2 }]);
  return classValue(card, result ?? null);
}
