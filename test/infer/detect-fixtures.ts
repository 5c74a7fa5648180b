// test/infer/detect-fixtures.ts: sample models by name, sessions that say what a test tells them, and one-patch blocks.
import { sampleModels } from '../../data-samples/make/onnx.ts';
import { modelPath, parseAnyCard } from '../../src/infer/card.ts';
import type { AnyCard, CardOf } from '../../src/infer/card.ts';
import type { ReadInput } from '../../src/infer/input.ts';
import { planBlocks } from '../../src/infer/patches.ts';
import type { Block } from '../../src/infer/patches.ts';
import { openSession } from '../../src/infer/session.ts';
import type { Session, Tensor } from '../../src/infer/session.ts';
import type { Window } from '../../src/types.ts';

export type Json = Record<string, any>; // a card as JSON, to be changed at will

export const modelDir = (name: string): string => new URL(`../../data-samples/models/${name}`, import.meta.url).pathname;

/** The card of a sample, changed. */
export function sampleCardOf<Task extends AnyCard['task']>(name: string, _: Task, change: (card: Json) => void = () => {}): CardOf<Task> {
  const record = JSON.parse(sampleModels()[name]!.card) as Json;
  change(record);
  return parseAnyCard(record, name) as CardOf<Task>;
}

const sessions = new Map<string, Promise<Session>>();
export function sessionOf(name: string): Promise<Session> {
  const found = sessions.get(name) ?? openSession(modelPath(modelDir(name)), { providers: ['cpu'] });
  sessions.set(name, found);
  return found;
}
export const closeSessions = async (): Promise<void> => { for (const session of sessions.values()) await (await session).close(); };

export const tensor = (values: readonly number[], dims: number[]): Tensor => ({ data: Float32Array.from(values), dims });

/** A network that gives the same outputs for every patch. */
export const saying = (outputs: Record<string, Tensor>): Session => {
  const say = async () => structuredClone(outputs);
  return { provider: 'cpu', refused: [], inputs: [], outputs: [], batch: 1, run: say, runFeeds: say, close: async () => {} };
};

/** Bands by a function of the pixel; null is a void. */
export const imageOf = (valueAt: (col: number, row: number, band: number) => number | null): ReadInput => async (window) => {
  const size = window.width * window.height, bands = [0, 1, 2, 3].map(() => new Float32Array(size)), mask = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const col = window.col + (i % window.width), row = window.row + Math.floor(i / window.width);
    bands.forEach((band, b) => {
      const value = valueAt(col, row, b);
      if (value === null) return;
      band[i] = value;
      mask[i] = 1;
    });
  }
  return { bands, mask };
};
export const plain = imageOf(() => 7);

/** The one block of one patch at the origin: reads [0, patch_px), its trusted centre begins at margin_px. */
export function onePatch(card: { input: { patchPx: number; marginPx: number } }): Block {
  const { patchPx, marginPx } = card.input, inner = { col: marginPx, row: marginPx, width: 1, height: 1 };
  return planBlocks({ ...inner, width: patchPx - 2 * marginPx, height: patchPx - 2 * marginPx }, card.input, 1)[0]!;
}

export const blocksOf = (card: { input: { patchPx: number; marginPx: number } }, window: Window, n: number): Block[] => planBlocks(window, card.input, n);
