// infer/card.ts: the model card: what a network needs, gives, was trained on and may be used for. IO in `readCard`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../errors.ts';

const count = z.int().positive();

const Input = z.strictObject({
  name: z.string().min(1).describe('name of the input in the ONNX graph'),
  layout: z.enum(['NCHW']).describe('order of the axes of the input'),
  bands: z.array(z.string()).min(1).describe('band roles in the order of the channels'),
  optional_bands: z.array(z.string()).default([]).describe('bands that an image may lack; `fill` stands for them'),
  fill: z.number().default(0).describe('value of missing bands and masked pixels, in units of the band, before scale, mean and std'),
  scale: z.number().positive().default(1).describe('factor on pixel values, before mean and std'),
  mean: z.array(z.number()).default([]).describe('per band, subtracted after scale; empty: 0'),
  std: z.array(z.number().positive()).default([]).describe('per band, divides after mean; empty: 1'),
  gsd_m: z.number().positive().describe('ground sample distance that the network was trained at, metres'),
  gsd_range_m: z.tuple([z.number().positive(), z.number().positive()]).describe('ground sample distances at which its scores hold'),
  patch_px: count.describe('side of a patch, pixels'),
  margin_px: z.int().nonnegative().describe('rim of a patch whose output is not trusted, pixels'),
  stride_px: count.describe('total stride of the network, pixels: patches are multiples of it'),
  statistics: z.record(z.string(), z.strictObject({ mean: z.number(), sd: z.number().nonnegative() })).default({}).describe('of the training images, after scale'),
}).transform(({ optional_bands, gsd_m, gsd_range_m, patch_px, margin_px, stride_px, ...rest }) => ({
  ...rest, optionalBands: optional_bands, gsdM: gsd_m, gsdRangeM: gsd_range_m, patchPx: patch_px, marginPx: margin_px, stridePx: stride_px,
}));

const Output = z.strictObject({
  name: z.string().min(1).describe('name of the output in the ONNX graph'),
  variable: z.string().min(1).describe('what it measures: stems, height_m ...'),
  unit: z.string().min(1),
  stride_px: count.describe('input pixels along the side of an output pixel'),
  activation: z.enum(['none']).default('none').describe('applied to the raw output'),
  range: z.tuple([z.number(), z.number()]).describe('lowest and highest value that may be used'),
}).transform(({ stride_px, ...rest }) => ({ ...rest, stridePx: stride_px }));

const Training = z.strictObject({ data: z.string(), licence: z.string(), region: z.string() });
const Score = z.strictObject({
  data: z.string(), split: z.string(), metric: z.string(), value: z.number(),
  interval: z.tuple([z.number(), z.number()]).optional(), date: z.string().optional(),
});

/** The schema of `card.json` (DESIGN section 6). `post` is checked by the task's own schema. */
export const CardSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, - and . only'),
  version: z.string().min(1),
  task: z.enum(['density', 'detect', 'segment', 'classify', 'regress-raster', 'regress-table']),
  licence: z.string().min(1).describe('SPDX identifier'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits: sha256sum model.onnx').describe('of model.onnx'),
  input: Input,
  outputs: z.array(Output).min(1),
  post: z.record(z.string(), z.unknown()).default({}),
  tolerance: z.number().positive().default(1e-4).describe('difference of outputs between providers and machines'),
  training: z.array(Training).default([]),
  scores: z.array(Score).default([]),
});

/** A card as code sees it: the fields of `card.json` in camelCase; band names and `post` as they stand. */
export type ModelCard = z.output<typeof CardSchema>;
export type CardInput = ModelCard['input'];
export type CardOutput = ModelCard['outputs'][number];

/** Zod's issues as lines that name the path at fault. */
export const issueLines = (error: z.ZodError, prefix = ''): string[] =>
  error.issues.map((issue) => `${[...(prefix ? [prefix] : []), ...issue.path.map(String)].join('.') || 'card'}: ${issue.message}`);

/** Path of the network beside its card. */
export const modelPath = (dir: string): string => join(dir, 'model.onnx');

/** A record as a card. @throws {ModelError} naming every field at fault; `source` is what the message calls the card */
export function parseCard(record: unknown, source: string): ModelCard {
  const parsed = CardSchema.safeParse(record);
  if (parsed.success) return parsed.data;
  throw new ModelError(`${source} is no valid model card; change:\n  ${issueLines(parsed.error).join('\n  ')}`, { source });
}

/**
 * Read `card.json` of a model's folder.
 *
 * @returns the card with its defaults; the rules across fields and the network's hash are `checkCard`'s
 * @throws {ModelError} when the file is missing, no JSON, or not of the schema
 */
export async function readCard(dir: string): Promise<ModelCard> {
  const path = join(dir, 'card.json');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ModelError(`${path}: cannot be read; a model is a folder with model.onnx and card.json`, { source: path }, { cause });
  });
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (cause) {
    throw new ModelError(`${path}: is not JSON; correct it there`, { source: path }, { cause });
  }
  return parseCard(record, path);
}
