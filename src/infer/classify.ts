// infer/classify.ts: task `classify`: a crop of the image about each crown, and columns of it, to probabilities of classes. IO through session and reader.
import { ModelError } from '../errors.ts';
import { pixelAt } from '../geo/lattice.ts';
import type { Lattice, Window } from '../types.ts';
import { activated } from './activation.ts';
import type { CardOf, ModelCard } from './card.ts';
import { readFinite, toTensor } from './input.ts';
import type { ReadInput } from './input.ts';
import { isWithin, outputTensor } from './output.ts';
import { rowOfBatch } from './patch-runs.ts';
import { pipelined } from './pipelined.ts';
import type { CropTask } from './registry.ts';
import type { RowColumn } from './regress-table.ts';
import type { Feed, Session, Tensor } from './session.ts';

type ClassifyCard = CardOf<'classify'>;

/** Where a crop is cut out: the crown's apex or centre, metres in the survey's CRS. */
export interface CrownPlace {
  xM: number;
  yM: number;
}

/** What a network says of a crown. */
export interface CropResult {
  /** index in `post.classes` of the most probable class, of equal ones the first */
  classIndex: number;
  /** in the order of `post.classes` */
  probabilities: number[];
}

/** A crop with fewer valid pixels says nothing of its crown. */
const LEAST_VALID = 0.5;
/** Batches of crops that are read ahead of the network, and that it has in hand. */
const READ_AHEAD = 2, IN_FLIGHT = 2;

/**
 * Pixels of a crop: a square of `patchPx` on the image's lattice about the pixel that holds the place ([x0, x1) x [y0, y1), as every pixel). That pixel
 * is number patchPx / 2 of its row and column, counted from 0 and rounded down. It depends on the place alone.
 */
export function cropWindow({ xM, yM }: CrownPlace, lattice: Lattice, patchPx: number): Window {
  const { col, row } = pixelAt(lattice, xM, yM), half = Math.floor(patchPx / 2);
  return { col: col - half, row: row - half, width: patchPx, height: patchPx };
}

/**
 * Classify crowns by a crop each.
 *
 * @param readInput  bands of the card's input in its order, on the image's lattice
 * @param crowns     in any order; a crown's result depends on its place and its columns alone
 * @param table      the crowns' columns in the order of `post.columns`, where the card has some; null and NaN are missing and take `input.table.fill`
 * @returns a result a crown, in their order; null where less than half of the crop is valid, or a column is missing and the card has no fill for it
 * @throws {ModelError} when a column lacks, an output is of another shape, or a probability is NaN or outside the card's range
 */
export async function runCrops(card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice, crowns: readonly CrownPlace[], table: readonly RowColumn[] = []): Promise<(CropResult | null)[]> {
  if (card.task !== 'classify') throw new ModelError(`model ${card.name}: is of task ${card.task}, not classify`, { source: card.name });
  const { columns } = card.post;
  if (table.length !== columns.length || table.some(({ length }) => length !== crowns.length)) {
    throw new ModelError(
      `model ${card.name}: needs ${columns.length} columns of ${crowns.length} crowns (${columns.join(', ')}), got ${table.map(({ length }) => length).join(', ') || 'none'}`,
      { source: card.name },
    );
  }
  const results = new Array<CropResult | null>(crowns.length).fill(null);
  const prepared = pipelined(crowns.keys(), (index) => prepare(card, index, crowns[index]!, table, readInput, lattice), READ_AHEAD * session.batch);
  for await (const batch of pipelined(batches(prepared, session.batch), (crops) => runBatch(card, session, crops), IN_FLIGHT)) {
    for (const [index, result] of batch) results[index] = result;
  }
  return results;
}

interface Crop {
  index: number;
  image: Float32Array<ArrayBuffer>;
  row: Float32Array<ArrayBuffer>;
}

/** The inputs of one crown; null where they do not suffice. */
async function prepare(card: ClassifyCard, index: number, place: CrownPlace, table: readonly RowColumn[], readInput: ReadInput, lattice: Lattice): Promise<Crop | null> {
  const row = rowOf(card, index, table);
  if (!row) return null;
  const input = await readFinite(readInput, cropWindow(place, lattice, card.input.patchPx));
  const valid = input.mask.reduce((sum, each) => sum + each, 0);
  return valid < LEAST_VALID * input.mask.length ? null : { index, image: toTensor(input, card.input), row };
}

function rowOf({ input: { table: says } }: ClassifyCard, index: number, table: readonly RowColumn[]): Float32Array<ArrayBuffer> | null {
  const row = new Float32Array(table.length);
  for (let c = 0; c < row.length; c++) {
    const given = table[c]![index], value = given === null || given === undefined || Number.isNaN(given) ? says?.fill : given;
    if (value === undefined) return null;
    row[c] = (value - (says?.mean[c] ?? 0)) / (says?.std[c] ?? 1);
  }
  return row;
}

async function* batches(crops: AsyncIterable<Crop | null>, size: number): AsyncGenerator<Crop[]> {
  let batch: Crop[] = [];
  for await (const crop of crops) {
    if (crop) batch.push(crop);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Run crops as one batch of the session's size, missing ones as zeros, so that every bit is always the same. */
async function runBatch(card: ClassifyCard, session: Session, crops: Crop[]): Promise<[number, CropResult][]> {
  const { input: { name, bands, patchPx, table }, post } = card, { batch } = session;
  const feed = (of: (crop: Crop) => Float32Array, length: number, dims: number[]): Feed => {
    const data = new Float32Array(batch * length);
    crops.forEach((crop, i) => data.set(of(crop), i * length));
    return { data, dims: [batch, ...dims] };
  };
  const feeds = { [name]: feed(({ image }) => image, bands.length * patchPx * patchPx, [bands.length, patchPx, patchPx]) };
  if (table) feeds[table.name] = feed(({ row }) => row, post.columns.length, [post.columns.length]);
  const outputs = await session.runFeeds(feeds);
  return crops.map(({ index }, i) => [index, resultOf(card, rowOfBatch(outputs, i), index)]);
}

function resultOf(card: ClassifyCard, tensors: Record<string, Tensor>, index: number): CropResult {
  const { data } = outputTensor(card, tensors, 0, `of crown ${index}`), output = card.outputs[0]!, { name, range } = output;
  const probabilities = Array.from({ length: output.channels }, (_, channel) => activated(data, { ...output, channel })[0]!);
  for (const value of probabilities) {
    if (isWithin(value, range, card.tolerance)) continue;
    throw new ModelError(
      `model ${card.name}, crown ${index}: output ${name} is ${value}, outside the card's range [${range.join(', ')}]; give its activation (softmax) on the card, or check scale, mean and std`,
      { source: card.name, value },
    );
  }
  return { classIndex: probabilities.indexOf(Math.max(...probabilities)), probabilities };
}

/** The value of `post.gives` that a result stands for; null where there is none or it is less probable than `min_probability`. */
export function classValue({ post }: ClassifyCard, result: CropResult | null): string | null {
  if (!result || result.probabilities[result.classIndex]! < post.min_probability) return null;
  const name = post.classes[result.classIndex]!;
  return post.map[name] ?? name;
}

export const classify: CropTask = { reads: 'crops', runCrops };
