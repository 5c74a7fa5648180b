// infer/card.ts: the model card: what a network needs, gives, was trained on and may be used for. IO in `readCard`.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { ClassOutput, MapOutput, RoleOutput, TableOutput, cardOutputs } from './card-outputs.ts';
import { deepnessCard } from './deepness.ts';
import { ClassifyPost, DensityPost, DetectPost, RegressRasterPost, RegressTablePost, SegmentPost } from './post.ts';

export type { CardOutput } from './card-outputs.ts';

const count = z.int().positive();

const quantiles = z.array(z.number()).min(2).max(1025).refine((values) => values.every((value, i) => i === 0 || value >= values[i - 1]!), 'must not descend')
  .describe('values at equally spaced shares of the pixels, from the least to the largest: 3 are minimum, median, maximum; for fit radiometry --method histogram');
const statistics = z.record(z.string(), z.strictObject({ mean: z.number(), sd: z.number().nonnegative(), quantiles: quantiles.optional() })).default({});
const means = z.array(z.number()).default([]), stds = z.array(z.number().positive()).default([]);

const image = {
  name: z.string().min(1).describe('name of the input in the ONNX graph'),
  layout: z.enum(['NCHW']).describe('order of the axes of the input'),
  bands: z.array(z.string()).min(1).describe('band roles in the order of the channels'),
  optional_bands: z.array(z.string()).default([]).describe('bands that an image may lack; `fill` stands for them'),
  fill: z.number().default(0).describe('value of missing bands and masked pixels, in units of the band, before scale, mean and std'),
  scale: z.number().positive().default(1).describe('factor on pixel values, before mean and std'),
  mean: means.describe('per band, subtracted after scale; empty: 0'),
  std: stds.describe('per band, divides after mean; empty: 1'),
  gsd_m: z.number().positive().describe('ground sample distance that the network was trained at, metres'),
  gsd_range_m: z.tuple([z.number().positive(), z.number().positive()]).describe('ground sample distances at which its scores hold'),
  patch_px: count.describe('side of a patch, pixels'),
  margin_px: z.int().nonnegative().describe('rim of a patch whose output is not trusted, pixels'),
  stride_px: count.describe('total stride of the network, pixels: patches are multiples of it'),
  statistics: statistics.describe('of the training images, by band, after scale'),
};

/** Keys of an image's input in camelCase, the others as they stand. */
const renamed = <T extends { optional_bands: string[]; gsd_m: number; gsd_range_m: [number, number]; patch_px: number; margin_px: number; stride_px: number }>(input: T) => {
  const { optional_bands, gsd_m, gsd_range_m, patch_px, margin_px, stride_px, ...rest } = input;
  return { ...rest, optionalBands: optional_bands, gsdM: gsd_m, gsdRangeM: gsd_range_m, patchPx: patch_px, marginPx: margin_px, stridePx: stride_px };
};
const ImageInput = z.strictObject(image).transform(renamed);

const table = {
  name: z.string().min(1).describe('name of the input in the ONNX graph'),
  fill: z.number().optional().describe('stands for a missing value (NULL); without it a row with one gives NULL'),
  mean: means.describe('per column, subtracted; empty: 0'),
  std: stds.describe('per column, divides after mean; empty: 1'),
};
const TableInput = z.strictObject({
  ...table, layout: z.enum(['NC']).describe('rows x columns'),
  statistics: statistics.describe('of the training rows, by column'),
});
const CropInput = z.strictObject({ ...image, table: z.strictObject(table).optional().describe('a second input: the columns of the crown that post.columns names') }).transform(renamed);

const Training = z.strictObject({ data: z.string(), licence: z.string().describe('SPDX identifier, or unknown'), region: z.string() });
const Score = z.strictObject({
  data: z.string(), split: z.string(), metric: z.string(), value: z.number(),
  interval: z.tuple([z.number(), z.number()]).optional(), date: z.string().optional(),
});

const about = {
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, - and . only'),
  version: z.string().min(1),
  licence: z.string().min(1).describe('SPDX identifier of the weights; unknown where nobody says'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits: sha256sum model.onnx').describe('of model.onnx'),
  tolerance: z.number().positive().default(1e-4).describe('difference of outputs between providers and machines'),
  training: z.array(Training).default([]).describe('what it was trained on'),
  scores: z.array(Score).default([]).describe('how good it is, where and on what measured'),
};
const outputsOf = <T extends z.ZodType>(output: T) => z.array(output).min(1);

const ImageCards = z.discriminatedUnion('task', [
  z.strictObject({ task: z.literal('density'), ...about, input: ImageInput, outputs: outputsOf(MapOutput), post: DensityPost }),
  z.strictObject({ task: z.literal('detect'), ...about, input: ImageInput, outputs: outputsOf(RoleOutput), post: DetectPost }),
  z.strictObject({ task: z.literal('segment'), ...about, input: ImageInput, outputs: outputsOf(MapOutput), post: SegmentPost }),
  z.strictObject({ task: z.literal('classify'), ...about, input: CropInput, outputs: outputsOf(ClassOutput), post: ClassifyPost }),
  z.strictObject({ task: z.literal('regress-raster'), ...about, input: ImageInput, outputs: outputsOf(MapOutput), post: RegressRasterPost.prefault({}) }),
]);
const TableCards = z.strictObject({ task: z.literal('regress-table'), ...about, input: TableInput, outputs: outputsOf(TableOutput), post: RegressTablePost });

/** The schema of `card.json` (DESIGN section 6): a strict record, and one way to write input, outputs and post for each task. */
export const CardSchema = z.discriminatedUnion('task', [...ImageCards.options, TableCards]).transform((card) => ({ ...card, outputs: cardOutputs(card.outputs) }));

/** Any card as code sees it: the fields of `card.json` in camelCase; band names and `post` as they stand. */
export type AnyCard = z.output<typeof CardSchema>;
/** A card whose network reads a table: a row per cell or tree. */
export type TableCard = Extract<AnyCard, { task: 'regress-table' }>;
/** A card whose network reads an image. */
export type ModelCard = Exclude<AnyCard, TableCard>;
/** The card of one task. */
export type CardOf<Task extends AnyCard['task']> = Extract<AnyCard, { task: Task }>;
export type CardInput = ModelCard['input'];

/** Pixel sizes that count as the card's own: within 1 %, as DESIGN law 1 says. */
export const SAME_GSD = 0.01;

export const isTableCard = (card: AnyCard): card is TableCard => card.task === 'regress-table';

/** Zod's issues as lines that name the path at fault. */
export const issueLines = (error: z.ZodError, prefix = ''): string[] =>
  error.issues.map((issue) => `${[...(prefix ? [prefix] : []), ...issue.path.map(String)].join('.') || 'card'}: ${issue.message}`);

const isFile = (dir: string): boolean => dir.endsWith('.onnx');

/** Path of the network beside its card; an ONNX file stands for itself. */
export const modelPath = (dir: string): string => (isFile(dir) ? dir : join(dir, 'model.onnx'));

/** A record as a card of any task. @throws {ModelError} naming every field at fault; `source` is what the message calls the card */
export function parseAnyCard(record: unknown, source: string): AnyCard {
  const parsed = CardSchema.safeParse(record);
  if (parsed.success) return parsed.data;
  const problems = issueLines(parsed.error);
  throw new ModelError(`${source} is no valid model card; change:\n  ${problems.join('\n  ')}`, { source, problems });
}

function imageCard(card: AnyCard, source: string): ModelCard {
  if (!isTableCard(card)) return card;
  throw new ModelError(`${source}: a model of task regress-table reads a table, not an image; it cannot run on one`, { source });
}

/**
 * Read `card.json` of a model's folder; without one, the metadata of its ONNX file that says how QGIS Deepness runs it.
 *
 * @param dir  the folder, or an ONNX file (its card is the card.json beside a `model.onnx`, else its metadata)
 * @returns the card with its defaults; the rules across fields and the network's hash are `checkCard`'s
 * @throws {ModelError} when there is neither, the card is no JSON, or not of the schema
 */
export async function readAnyCard(dir: string): Promise<AnyCard> {
  const path = join(isFile(dir) ? dirname(dir) : dir, 'card.json'), hasOwn = !isFile(dir) || basename(dir) === 'model.onnx';
  const text = hasOwn ? await readFile(path, 'utf8').catch(() => null) : null;
  if (text === null) return cardFromMetadata(dir);
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (cause) {
    throw new ModelError(`${path}: is not JSON; correct it there`, { source: path }, { cause });
  }
  return parseAnyCard(record, path);
}

async function cardFromMetadata(dir: string): Promise<AnyCard> {
  const path = modelPath(dir);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ModelError(`${isFile(dir) ? path : join(dir, 'card.json')}: cannot be read; a model is a folder with model.onnx and card.json`, { source: path }, { cause });
  });
  return parseAnyCard(deepnessCard(bytes, basename(dir), path), `${path} (its metadata)`);
}

/** Read the card of an image model. @throws {ModelError} as `readAnyCard`, and for a card of regress-table */
export const readCard = async (dir: string): Promise<ModelCard> => imageCard(await readAnyCard(dir), join(dir, 'card.json'));
