// infer/radiometry.ts: a radiometric match: what brings an image's values to those that a network was trained on. Pure.
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { quantileOf } from '../geo/quantiles.ts';
import type { CardInput } from './card.ts';

/** How a match is made, as the command line names it. */
export const MATCH_METHODS = ['mean-sd', 'histogram'] as const;
export type MatchMethod = (typeof MATCH_METHODS)[number];

const moments = z.strictObject({ mean: z.number(), sd: z.number().nonnegative() });
const ascending = (values: readonly number[], strictly: boolean): boolean => values.every((value, i) => i === 0 || (strictly ? value > values[i - 1]! : value >= values[i - 1]!));
/** The most pairs of a table of values. */
const MOST_PAIRS = 1024;

const MeanSd = z.strictObject({
  method: z.literal('mean-sd'), gain: z.number().positive().describe('factor on the image\'s values'), offset: z.number().describe('added after gain'),
  image: moments.optional().describe('of the image, in its own values'), card: moments.optional().describe('of the card, after its scale'),
});
const Histogram = z.strictObject({
  method: z.literal('histogram'),
  from: z.array(z.number()).min(2).max(MOST_PAIRS).refine((values) => ascending(values, true), 'must ascend, each value once').describe('values of the image'),
  to: z.array(z.number()).min(2).max(MOST_PAIRS).refine((values) => ascending(values, false), 'must not descend').describe('what each becomes, linear between'),
  beyond: z.enum(['clamp', 'linear']).default('clamp').describe('values outside the table: those of its ends, or along its first and last piece'),
}).refine(({ from, to }) => from.length === to.length, 'from and to must be as many');

/** The match of one band: the image's values to the values that the card's scale, mean and std expect. */
export const BandMatch = z.union([MeanSd, Histogram]);
export type BandMatch = z.infer<typeof BandMatch>;

/** The file that `understory fit JOB radiometry` writes and `models[].match` names. */
export const RadiometricMatch = z.strictObject({
  fit: z.literal('radiometry'),
  made_by: z.string().optional(),
  method: z.enum(MATCH_METHODS),
  card: z.strictObject({ name: z.string(), version: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/).describe('of the network that it was made for') }),
  images: z.array(z.strictObject({ input: z.string(), file: z.string(), fingerprint: z.string() })).describe('what it was made from'),
  sample: z.strictObject({ block_px: z.int(), one_in: z.int(), pixels: z.int() }).optional().describe('whole blocks of pixels, one in so many, and the valid pixels in them'),
  made_from: z.string().describe('hash of the images, pixels, area, masks, method and card statistics that it was made from'),
  bands: z.record(z.string(), BandMatch).describe('by band of the card; a band that is not here stays as it is'),
});
export type RadiometricMatch = z.infer<typeof RadiometricMatch>;

/** What a card says of the training values of one band, after `scale`. */
export type BandStatistics = CardInput['statistics'][string];

/** Values of a band that were looked at: ascending. */
export type SortedValues = Float32Array;

/** Mean and standard deviation (of all values, n in the denominator) in the order of size: the order in which pixels were read does not show. */
export function momentsOf(sorted: SortedValues): { mean: number; sd: number } {
  let sum = 0, squares = 0;
  for (let i = 0; i < sorted.length; i++) sum += sorted[i]!;
  const mean = sum / sorted.length;
  for (let i = 0; i < sorted.length; i++) squares += (sorted[i]! - mean) ** 2;
  return { mean, sd: Math.sqrt(squares / sorted.length) };
}

/**
 * The gain and offset that give an image's band the mean and deviation of the training images.
 *
 * @param sorted  valid values of the image, ascending, as they are read
 * @param scale   the card's factor on values: its statistics are after it, the match before
 * @throws {ModelError} where either has no spread, so that no gain is right
 */
export function fitMeanSd(sorted: SortedValues, card: BandStatistics, { band, scale }: { band: string; scale: number }): BandMatch {
  const image = momentsOf(sorted);
  refuseFlat(band, image.sd, card.sd);
  const gain = digits(card.sd / scale / image.sd), offset = digits(card.mean / scale - gain * image.mean);
  return { method: 'mean-sd', gain, offset, image: { mean: digits(image.mean), sd: digits(image.sd) }, card: { mean: card.mean, sd: card.sd } };
}

/** Steps of probability of a table: 513 pairs. */
const STEPS = 512;

/**
 * The table that gives an image's band the quantiles of the training images: each quantile of the image becomes that of the card.
 * Equal quantiles of the image (few grey values) become the mean of theirs.
 *
 * @param sorted  as `fitMeanSd`
 * @throws {ModelError} where the card gives no quantiles, or the image has one value only
 */
export function fitHistogram(sorted: SortedValues, card: BandStatistics, { band, scale }: { band: string; scale: number }): BandMatch {
  const { quantiles } = card;
  if (quantiles === undefined) throw new ModelError(`radiometry: the card has no input.statistics.${band}.quantiles; use --method mean-sd, or add them to the card`, { band });
  const from: number[] = [], to: number[] = [], counts: number[] = [];
  for (let k = 0; k <= STEPS; k++) {
    const value = quantileOf(sorted, k / STEPS), target = quantileOf(quantiles, k / STEPS) / scale, last = from.length - 1;
    if (from[last] === value) {
      to[last]! += target;
      counts[last]!++;
    } else {
      from.push(value);
      to.push(target);
      counts.push(1);
    }
  }
  if (from.length < 2) refuseFlat(band, 0, card.sd);
  return { method: 'histogram', from, to: to.map((sum, i) => digits(sum / counts[i]!)), beyond: 'clamp' };
}

function refuseFlat(band: string, imageSd: number, cardSd: number): void {
  if (!(imageSd > 0)) throw new ModelError(`radiometry: ${band} has the same value in all pixels that were read; check the image, and its bands in the job file`, { band });
  if (!(cardSd > 0)) throw new ModelError(`radiometry: the card's input.statistics.${band}.sd is 0; correct the card`, { band });
}

/** Twelve digits: more than values hold, and the same text on every machine. */
const digits = (value: number): number => Number(value.toPrecision(12));

/** A band's values after its match: a new array, in float32. */
export function matched(values: Float32Array, match: BandMatch): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  if (match.method === 'mean-sd') {
    const { gain, offset } = match;
    for (let i = 0; i < out.length; i++) out[i] = gain * values[i]! + offset;
    return out;
  }
  for (let i = 0; i < out.length; i++) out[i] = valueByTable(values[i]!, match);
  return out;
}

function valueByTable(value: number, { from, to, beyond }: Extract<BandMatch, { method: 'histogram' }>): number {
  const last = from.length - 1;
  if (!Number.isFinite(value)) return NaN; // a pixel that is no number stays void, whatever lies beyond the table
  if (beyond === 'clamp' && value <= from[0]!) return to[0]!;
  if (beyond === 'clamp' && value >= from[last]!) return to[last]!;
  let low = 0, high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle]! <= value) low = middle;
    else high = middle;
  }
  return to[low]! + ((value - from[low]!) * (to[high]! - to[low]!)) / (from[high]! - from[low]!);
}
