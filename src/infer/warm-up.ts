// infer/warm-up.ts: a patch (or rows) made for the purpose, run before the first real one: outputs are checked, the batch is settled. IO through the session.
import { ModelError, messageOf } from '../errors.ts';
import type { AnyCard, ModelCard, TableCard } from './card.ts';
import { isTableCard } from './card.ts';
import { toTensor } from './input.ts';
import { isBatchable, shapeProblem } from './output-shapes.ts';
import type { Feed, Session, Tensor } from './session.ts';

/** The batch that is tried first on a GPU; it is halved until a run succeeds. */
const FIRST_BATCH = 16;
/** Runs that are timed; the fastest counts, since the first ones compile and allocate. */
const TIMED_RUNS = 3;
/** A run that is quicker than this is not repeated: compiling and allocating are over, or too short to matter. */
const SOON_S = 0.01;
/** Nor is one that is slower: no repetition makes it quick. */
const LATE_S = 1;

/** A hash of a place, 0 to 1: the same pattern in every warm-up. */
const noise = (i: number): number => (Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 24;

/**
 * The input of the warm-up: noise about the means of the card's training images (of its normalisation where it gives none), and
 * a right third that is void, as in a patch on the edge of an image.
 */
export function warmUpPatch({ input }: ModelCard): Float32Array<ArrayBuffer> {
  const { bands, patchPx, scale, mean, std, statistics } = input, size = patchPx * patchPx;
  const mask = Uint8Array.from({ length: size }, (_, i) => (i % patchPx < (patchPx * 2) / 3 ? 1 : 0));
  const values = bands.map((band, b) => {
    const known = statistics[band] ?? (mean.length > 0 || std.length > 0 ? { mean: mean[b] ?? 0, sd: std[b] ?? 1 } : scale < 1 ? { mean: 0.5, sd: 0.25 } : { mean: 128, sd: 64 });
    return Float32Array.from({ length: size }, (_, i) => (known.mean + (2 * noise(i * bands.length + b) - 1) * known.sd) / scale);
  });
  return toTensor({ bands: values, mask }, input);
}

/** Rows about the means of the card's training rows, after its normalisation. */
const warmUpRows = (card: TableCard, rows: number): Float32Array<ArrayBuffer> => {
  const { post: { columns }, input: { mean, std, statistics } } = card;
  return Float32Array.from({ length: rows * columns.length }, (_, i) => {
    const c = i % columns.length, known = statistics[columns[c]!] ?? { mean: mean[c] ?? 1, sd: std[c] ?? 1 };
    return (known.mean + (2 * noise(i) - 1) * known.sd - (mean[c] ?? 0)) / (std[c] ?? 1);
  });
};

function warmUpFeeds(card: AnyCard, rows: number): Record<string, Feed> {
  if (isTableCard(card)) return { [card.input.name]: { data: warmUpRows(card, rows), dims: [rows, card.post.columns.length] } };
  const { name, bands, patchPx } = card.input, patch = warmUpPatch(card), data = new Float32Array(rows * patch.length);
  for (let i = 0; i < rows; i++) data.set(patch, i * patch.length);
  const image = { [name]: { data, dims: [rows, bands.length, patchPx, patchPx] } };
  if (card.task !== 'classify' || !card.input.table) return image;
  const columns = card.post.columns.length;
  return { ...image, [card.input.table.name]: { data: Float32Array.from({ length: rows * columns }, (_, i) => noise(i)), dims: [rows, columns] } };
}

/** What is wrong with the outputs of the warm-up: a line each. Values out of the card's range are no fault here: the patch is noise. */
export function warmUpProblems(card: AnyCard, tensors: Record<string, Tensor>, rows = 1): string[] {
  return card.outputs.flatMap((output) => {
    const tensor = tensors[output.name];
    if (!tensor) return [`outputs: the network gave ${Object.keys(tensors).join(', ')}, the card says ${output.name}`];
    const problem = shapeProblem(card, output, tensor.dims, rows);
    if (problem !== null) return [problem];
    const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
    return bad < 0 ? [] : [`output ${output.name} has ${tensor.data[bad]} at ${bad} for a plain patch of noise and void: look for a division by 0, a logarithm or a root in the graph, and at scale, mean and std`];
  });
}

export interface WarmUp {
  /** the fastest of the timed runs, a patch (or row) */
  secondsPerPatch: number;
  problems: string[];
}

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

/**
 * Run one patch (or row) on a session, check its outputs, and time it.
 *
 * @throws {ModelError} when the network fails on it
 */
export async function warmUp(session: Session, card: AnyCard): Promise<WarmUp> {
  const problems = warmUpProblems(card, await session.runFeeds(warmUpFeeds(card, 1)));
  let fastest = Infinity;
  for (let i = 0; i < TIMED_RUNS && (i === 0 || (fastest > SOON_S && fastest < LATE_S)); i++) fastest = Math.min(fastest, await secondsOf(() => session.runFeeds(warmUpFeeds(card, 1))));
  return { secondsPerPatch: fastest, problems };
}

/**
 * Settle how many patches a GPU runs at a time: the largest of 16, 8, 4, 2 that runs and gives a result each; 1 where the graph or
 * its outputs hold no more. A run keeps it, since another batch may change the last bits.
 */
export async function settleBatch(session: Session, card: AnyCard): Promise<number> {
  if (isTableCard(card) || !isBatchable(card) || isFixed(session, card)) return 1;
  for (let batch = FIRST_BATCH; batch > 1; batch /= 2) {
    const outputs = await session.runFeeds(warmUpFeeds(card, batch)).catch((error: unknown) => {
      if (error instanceof ModelError) return null; // out of memory, or a graph that holds one patch: half as many
      throw error;
    });
    if (outputs && warmUpProblems(card, outputs, batch).length === 0) return batch;
  }
  return 1;
}

/** True where the graph says its batch: 1, or another number, is all that it takes. */
function isFixed(session: Session, { input: { name } }: ModelCard): boolean {
  const batch = session.inputs.find((input) => input.name === name)?.dims[0];
  return typeof batch === 'number' && batch > 0;
}

/** A warm-up's problems as one error. @throws {ModelError} when there are any */
export function checkWarmUp(card: AnyCard, { problems }: WarmUp): void {
  if (problems.length > 0) throw new ModelError(`model ${card.name}: the warm-up patch shows that it cannot run; change:\n  ${problems.join('\n  ')}`, { source: card.name, problems });
}

/** Why a session could not run the warm-up, in words. */
export const warmUpFailure = (error: unknown): string => `took the model, but fails on a patch: ${messageOf(error)}`;
