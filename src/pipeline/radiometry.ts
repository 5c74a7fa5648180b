// pipeline/radiometry.ts: radiometric matches: read for a model, and fitted to the survey's images. IO.
import { basename, relative } from 'node:path';
import type { Window } from '../types.ts';
import { InvalidInput, ModelError, UsageError, messageOf } from '../errors.ts';
import { writeFileAtomically } from '../files/atomic.ts';
import { openFile } from '../files/byte-source.ts';
import { canonicalJson, sha256 } from '../files/hash.ts';
import { boxIndex } from '../geo/box-index.ts';
import { boxOfWindow, intersectWindows, pixelCount } from '../geo/lattice.ts';
import { isTableCard, issueLines } from '../infer/card.ts';
import type { AnyCard, ModelCard } from '../infer/card.ts';
import { voidNonFinite } from '../infer/input.ts';
import type { BandMatch, MatchMethod } from '../infer/radiometry.ts';
import { RadiometricMatch, fitHistogram, fitMeanSd } from '../infer/radiometry.ts';
import { openImage, readImageWindow } from '../ingest/image-source.ts';
import { clipOfWindow, relationToArea } from './clip.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import { onlyFile } from './read-inputs.ts';
import type { MatchFile, Survey, SurveyModel } from './survey.ts';

/**
 * Read the radiometric match of a model.
 *
 * @param key  where the job names it: `models.0.match`
 * @throws {UsageError} with the job's line for a match of another network, or bands that the card lacks; {InvalidInput} for a file that is no match
 */
export async function readMatchFile(loaded: LoadedJob, key: string, name: string, card: AnyCard, identities: Fingerprints): Promise<MatchFile> {
  const path = await onlyFile(loaded, name, key), source = await openFile(path), wrong = (message: string) => new UsageError(`${loaded.at(key)}: ${key}: ${message}`, { source: loaded.path, path: key });
  try {
    const match = parseMatch(await source.read(0, source.size), path);
    if (isTableCard(card)) throw wrong(`${card.name} reads the table ${card.post.per}, not an image; leave match out`);
    if (match.card.sha256 !== card.sha256) throw wrong(`${name} was made for ${match.card.name} ${match.card.version} (sha256 ${match.card.sha256.slice(0, 12)}), the model is ${card.name} ${card.version} (${card.sha256.slice(0, 12)}); make it again: understory fit JOB radiometry -o ${name}`);
    const strange = Object.keys(match.bands).filter((band) => !card.input.bands.includes(band));
    if (strange.length > 0) throw wrong(`${name} matches ${strange.join(', ')}, the card has ${card.input.bands.join(', ')}; make it again: understory fit JOB radiometry -o ${name}`);
    return { path, fingerprint: await identities.of(source), bytes: source.size, match };
  } finally {
    await source.close();
  }
}

function parseMatch(bytes: Uint8Array, path: string): RadiometricMatch {
  let record: unknown;
  try {
    record = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new InvalidInput(`${path}: no valid JSON: ${messageOf(cause)}; a match is a file of understory fit JOB radiometry`, { source: path }, { cause });
  }
  const parsed = RadiometricMatch.safeParse(record);
  if (parsed.success) return parsed.data;
  throw new InvalidInput(`${path} is no radiometric match (a file of understory fit JOB radiometry):\n  ${issueLines(parsed.error).join('\n  ')}`, { source: path });
}

/** A note for each match that was made from other images than its model reads now. */
export function matchNotes(models: readonly SurveyModel[]): string[] {
  return models.flatMap(({ name, match, inputs }) => {
    if (match === null) return [];
    const made = new Set(match.match.images.map(({ fingerprint }) => fingerprint)), files = inputs.filter(isImage).flatMap(({ layer }) => layer!.files), others = files.filter(({ fingerprint }) => !made.has(fingerprint));
    if (others.length === 0 && files.length === made.size) return [];
    const which = others.length === 0 ? 'of which the survey has some only' : `${others.slice(0, 3).map(({ path }) => basename(path)).join(', ')}${others.length > 3 ? ' ...' : ''} not among them`;
    return [`${name}: its match ${basename(match.path)} was made from ${made.size} image file(s), ${which}; it is used as it is: fit it again if the light, the sensor or the season differ`];
  });
}

/** Heights and what earlier models make are measures: they are matched with nothing. */
const isImage = ({ name, layer }: SurveyModel['inputs'][number]): boolean => layer !== null && name !== 'chm' && name !== 'dtm';

/** Edge of a block of pixels that is read as a whole, counted from the pixel that holds the CRS origin. */
export const BLOCK_PX = 256;
/** Pixels that are enough for means, deviations and quantiles: their error is far below the grey values' step. */
const ENOUGH_PX = 4_000_000;
/** Fewer say nothing of an image. */
const LEAST_PX = 1000;

export interface FitOptions {
  method: MatchMethod;
  /** of the job's models; null: the only one that reads images and has statistics */
  model: string | null;
  output: string;
  /** pixels to read at the most, about */
  enoughPx?: number;
}

export interface FittedMatch {
  match: RadiometricMatch;
  model: string;
  /** bands that stay as they are, with why */
  left: string[];
}

/**
 * Fit the match that brings a survey's images to the statistics on a model's card, and write it.
 *
 * It is made of the valid pixels on the model's own pixels, inside the area and outside the masks: all of them in a small survey, else those of whole
 * blocks of 256 x 256 pixels, one in n chosen by a hash of their place, so that about 4 million are read. Values are ordered by size before they are added:
 * neither the order of reading nor the tiling shows.
 *
 * @throws {UsageError} when no model, or several, could be meant; {ModelError} naming what the card lacks or a band without spread
 */
export async function writeMatchFit(loaded: LoadedJob, survey: Survey, { method, model: name, output, enoughPx = ENOUGH_PX }: FitOptions): Promise<FittedMatch> {
  const { model, card } = modelToFit(loaded, survey, name), bands = bandsToFit(model, card), blocks = sampleBlocks(survey, model, enoughPx);
  const values = await sampleValues(survey, model, bands, blocks.windows), pixels = values[0]!.length;
  if (pixels < LEAST_PX) throw new ModelError(`radiometry: ${pixels} valid pixels of ${model.inputs.map((input) => input.name).join(', ')} lie within the survey's area; at least ${LEAST_PX} are needed: check area, masks and nodata`, { source: model.name });
  const fit = method === 'mean-sd' ? fitMeanSd : fitHistogram;
  const fitted = bands.map((band, i): [string, BandMatch] => [band.name, fit(values[i]!, card.input.statistics[band.name]!, { band: band.name, scale: card.input.scale })]);
  const images = model.inputs.filter(isImage).flatMap(({ name: input, layer }) => layer!.files.map(({ path, fingerprint }) => ({ input, file: relative(loaded.dir, path).split('\\').join('/'), fingerprint })));
  const sample = { block_px: BLOCK_PX, one_in: blocks.oneIn, pixels };
  const madeFrom = { method, sample, lattice: model.grid!.lattice, bands, statistics: card.input.statistics, scale: card.input.scale, fingerprints: images.map(({ fingerprint }) => fingerprint).sort(), area: survey.area?.hash ?? null, masks: survey.masks.map(({ hash }) => hash).sort() };
  const match: RadiometricMatch = {
    fit: 'radiometry', made_by: 'understory fit', method, card: { name: card.name, version: card.version, sha256: card.sha256 }, images, sample, made_from: sha256(canonicalJson(madeFrom)), bands: Object.fromEntries(fitted),
  };
  await writeFileAtomically(output, `${JSON.stringify(match, null, 2)}\n`);
  const left = card.input.bands.filter((band) => !(band in match.bands)).map((band) => `${band}: ${whyLeft(model, card, band)}`);
  return { match, model: model.name, left };
}

function whyLeft({ bands, inputs }: SurveyModel, { input }: ModelCard, band: string): string {
  const from = bands[input.bands.indexOf(band)];
  if (!from) return 'no input gives it';
  return isImage(inputs[from.input]!) ? 'no statistics on the card' : `${inputs[from.input]!.name} is no image`;
}

interface FitBand {
  /** of the card */
  name: string;
  input: number;
  role: string;
}

const bandsToFit = (model: SurveyModel, { input: { bands, statistics } }: ModelCard): FitBand[] => bands.flatMap((name, b) => {
  const from = model.bands[b];
  return from && name in statistics && isImage(model.inputs[from.input]!) ? [{ name, ...from }] : [];
});

function modelToFit({ path, at }: LoadedJob, { models }: Survey, name: string | null): { model: SurveyModel; card: ModelCard } {
  const fits = models.flatMap((model) => (isTableCard(model.card) || bandsToFit(model, model.card).length === 0 ? [] : [{ model, card: model.card }]));
  const named = name === null ? fits : fits.filter(({ model }) => model.name === name), [first, second] = named, wrong = (message: string) => new UsageError(`${at('models')}: ${message}`, { source: path, path: 'models' });
  if (first && !second) return first;
  if (first) throw wrong(`${named.map(({ model }) => model.name).join(' and ')} read images and have statistics on their cards; say which with --model NAME`);
  const there = name === null ? undefined : models.find((model) => model.name === name);
  if (name !== null && !there) throw wrong(`--model ${name}: no model of that name; there are ${models.map((model) => model.name).join(', ') || 'none'}`);
  throw wrong(`${there ? `${name} has` : 'no model has'} an image and statistics of its bands on the card (input.statistics: mean and sd of the training images, after scale); there is nothing to match with`);
}

/** The blocks that are read: all, or one in `oneIn` by a hash of their place. */
function sampleBlocks(survey: Survey, { inputs, grid }: SurveyModel, enoughPx: number): { windows: Window[]; oneIn: number } {
  const { lattice, window } = grid!, files = boxIndex(inputs.filter(isImage)[0]!.layer!.files.map((file) => boxOfWindow(inputs.filter(isImage)[0]!.layer!.lattice, file.window))), windows: Window[] = [];
  const first = (px: number): number => Math.floor(px / BLOCK_PX);
  for (let row = first(window.row); row * BLOCK_PX < window.row + window.height; row++) {
    for (let col = first(window.col); col * BLOCK_PX < window.col + window.width; col++) {
      const block = intersectWindows(window, { col: col * BLOCK_PX, row: row * BLOCK_PX, width: BLOCK_PX, height: BLOCK_PX }), box = boxOfWindow(lattice, block);
      if (files(box).length > 0 && relationToArea(survey.area, box) !== 'outside') windows.push(block);
    }
  }
  const oneIn = Math.max(1, Math.round(windows.reduce((sum, block) => sum + pixelCount(block), 0) / enoughPx));
  return { oneIn, windows: windows.filter(({ col, row }) => hashOfPlace(first(col), first(row)) % oneIn === 0) };
}

/** A hash of two whole numbers, 32 bits: neighbours have nothing in common (the finaliser of MurmurHash3). */
function hashOfPlace(col: number, row: number): number {
  let hash = Math.imul(col, 0x9e3779b1) ^ Math.imul(row, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Valid values of each band in the blocks, ascending. Memory holds about `ENOUGH_PX` values a band. */
async function sampleValues(survey: Survey, { inputs, grid }: SurveyModel, bands: readonly FitBand[], windows: readonly Window[]): Promise<Float32Array[]> {
  const used = [...new Set(bands.map(({ input }) => input))], found = bands.map((): Float32Array[] => []);
  const sources = used.map((input) => {
    const { layer } = inputs[input]!;
    return { source: openImage({ ...layer!, bands: layer!.bands.length, epsg: survey.crs.epsg }, layer!.bands), wanted: bands.flatMap((band, b) => (band.input === input ? [{ b, role: band.role }] : [])) };
  });
  try {
    for (const window of windows) {
      const reads = await Promise.all(sources.map(({ source, wanted }) => readImageWindow(source, window, wanted.map(({ role }) => role))));
      const values = new Array<Float32Array>(bands.length), mask = (await clipOfWindow(survey, grid!.lattice, window)) ?? new Uint8Array(pixelCount(window)).fill(1);
      sources.forEach(({ wanted }, s) => wanted.forEach(({ b }, i) => { values[b] = reads[s]!.bands[i]!; }));
      for (const read of reads) for (let i = 0; i < mask.length; i++) mask[i]! &= read.mask[i]!;
      voidNonFinite({ bands: values, mask });
      values.forEach((band, b) => found[b]!.push(validOf(band, mask)));
    }
  } finally {
    await Promise.all(sources.map(({ source }) => source.close()));
  }
  return found.map((pieces) => joined(pieces).sort());
}

function validOf(values: Float32Array, mask: Uint8Array): Float32Array {
  const valid = new Float32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (mask[i]) valid[count++] = values[i]!;
  return valid.slice(0, count);
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
