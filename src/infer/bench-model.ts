// infer/bench-model.ts: how fast a model runs here: the bare session, and the session with reading ahead, preprocessing and outputs. IO through the session.
import type { AnyCard, ModelCard } from './card.ts';
import { isTableCard, modelPath } from './card.ts';
import type { ReadInput } from './input.ts';
import { openModel } from './open-model.ts';
import type { OpenModel, OpenModelOptions } from './open-model.ts';
import { outputTensor } from './output.ts';
import { activated } from './activation.ts';
import { runBatch, runPatches } from './patch-runs.ts';
import { patchGrid, planBlocks } from './patches.ts';
import { pipelined } from './pipelined.ts';
import type { Session } from './session.ts';
import { warmUpPatch } from './warm-up.ts';

export interface ModelBench extends Pick<OpenModel, 'settled' | 'refused'> {
  /** patches (rows of a table) a second of the session alone; median of the rounds */
  barePerS: number;
  /** the same with preprocessing, checks of shapes and activations; null for tables */
  pipelinePerS: number | null;
  /** largest resident memory of this process, bytes */
  peakBytes: number;
}

/** Rounds of each, in turn: what else the machine does falls on both. */
const ROUNDS = 3;

/** Call `work` until `seconds` are over. @returns items a second; `work` says how many items it did */
async function rate(seconds: number, work: () => Promise<number>): Promise<number> {
  const start = performance.now();
  let items = 0;
  while (items === 0 || performance.now() - start < seconds * 1000) items += await work();
  return items / ((performance.now() - start) / 1000);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Patches in one call of either: enough that queues fill. */
const CALL_PATCHES = 8;

/** Session runs back to back, two in hand, on patches made beforehand. */
async function bare(session: Session, card: ModelCard, patch: Float32Array<ArrayBuffer>): Promise<number> {
  const { bands, patchPx } = card.input, { batch } = session, calls = Array.from({ length: CALL_PATCHES }, () => Array.from({ length: batch }, () => patch.slice()));
  for await (const _ of pipelined(calls, (tensors) => runBatch(tensors, [bands.length, patchPx, patchPx], session), 2)) { /* outputs are not used */ }
  return CALL_PATCHES * batch;
}

/** As a task does: bands and mask in, the maps of the trusted centres out. Raw outputs of detectors are left to their task. */
async function pipeline(session: Session, card: ModelCard, readInput: ReadInput): Promise<number> {
  const { stepPx } = patchGrid(card.input), patches = CALL_PATCHES * session.batch;
  const [block] = planBlocks({ col: card.input.marginPx, row: card.input.marginPx, width: patches * stepPx, height: stepPx }, card.input, patches);
  let ran = 0;
  for await (const { patch, outputs } of runPatches(block!, card, session, readInput)) {
    if (!outputs) continue;
    card.outputs.forEach((output, i) => activated(outputTensor(card, outputs, i, patch.name).data, output));
    ran++;
  }
  return ran;
}

/** Bands in memory, the same for every window. */
function memoryInput(card: ModelCard): ReadInput {
  const { bands, patchPx, scale, mean, std } = card.input, size = patchPx * patchPx;
  const values = bands.map((_, b) => Float32Array.from({ length: size }, (_, i) => ((mean[b] ?? 0.5) + (((i * 7919) % 255) / 255 - 0.5) * (std[b] ?? 1)) / scale));
  return async () => ({ bands: values, mask: new Uint8Array(size).fill(1) });
}

/**
 * Time a model on the provider that it runs on, with synthetic patches in memory (no file is read).
 *
 * @param dir      folder or ONNX file
 * @param seconds  in all, about
 * @throws {ModelError} as `openModel`
 */
export async function benchModel(dir: string, card: AnyCard, { seconds = 6, ...options }: OpenModelOptions & { seconds?: number }): Promise<ModelBench> {
  const { session, settled, refused, secondsPerPatch } = await openModel(modelPath(dir), card, options);
  try {
    if (isTableCard(card)) return { settled, refused, barePerS: 1 / secondsPerPatch, pipelinePerS: null, peakBytes: peakBytes() };
    const patch = warmUpPatch(card), input = memoryInput(card), bares: number[] = [], pipelines: number[] = [], share = seconds / ROUNDS / 2;
    for (let round = 0; round < ROUNDS; round++) {
      bares.push(await rate(share, () => bare(session, card, patch)));
      if (card.task !== 'classify') pipelines.push(await rate(share, () => pipeline(session, card, input)));
    }
    return { settled, refused, barePerS: median(bares), pipelinePerS: pipelines.length > 0 ? median(pipelines) : null, peakBytes: peakBytes() };
  } finally {
    await session.close();
  }
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;
