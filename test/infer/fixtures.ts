// test/infer/fixtures.ts: synthetic images in memory, models in temporary folders, and one session a network.
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleCard } from '../../data-samples/make/onnx.ts';
import { contains } from '../../src/geo/lattice.ts';
import { isTableCard, parseAnyCard } from '../../src/infer/card.ts';
import type { ModelCard } from '../../src/infer/card.ts';
import type { InputWindow, ReadInput } from '../../src/infer/input.ts';
import type { Window } from '../../src/types.ts';

export const lattice = { resM: 0.5, x0M: 0, y0M: 0 };

/** Red of a pixel: a hash of its place, 0 to 255, so that every shift shows. */
export const redAt = (col: number, row: number): number => (Math.imul(col * 7919 + row * 104729, 2654435761) >>> 24);

/** An image over a window with voids: `readInput` of the pipeline, without files. */
export function syntheticInput(image: Window, voids: Window[] = []): ReadInput {
  return async (window): Promise<InputWindow> => {
    const size = window.width * window.height, red = new Float32Array(size), mask = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const col = window.col + (i % window.width), row = window.row + Math.floor(i / window.width);
      if (!contains(image, col, row) || voids.some((hole) => contains(hole, col, row))) continue;
      mask[i] = 1;
      red[i] = redAt(col, row);
    }
    return { bands: [red, new Float32Array(size), new Float32Array(size), new Float32Array(size)], mask };
  };
}

/** A record as the card of a model that reads an image. @throws what `parseAnyCard` throws */
export function imageCard(record: unknown, name: string): ModelCard {
  const card = parseAnyCard(record, name);
  if (isTableCard(card)) throw new Error(`${name} reads a table`);
  return card;
}

/** A model's folder with a card that `change` may alter, and the card as parsed. */
export function writeModel(name: string, model: Uint8Array, { patchPx = 64, marginPx = 16, change = (_: ReturnType<typeof sampleCard>) => {} } = {}): { dir: string; card: ModelCard } {
  const dir = join(mkdtempSync(join(tmpdir(), 'understory-model-')), name), record = sampleCard(name, model, { patchPx, marginPx, what: 'test' });
  change(record);
  mkdirSync(dir);
  writeFileSync(join(dir, 'model.onnx'), model);
  writeFileSync(join(dir, 'card.json'), JSON.stringify(record));
  return { dir, card: imageCard(record, name) };
}
