// infer/input.ts: pixels to a network's input. Pure but for what the reader does.
import { readImageWindow } from '../ingest/image-source.ts';
import type { ImageSource } from '../ingest/image-source.ts';
import type { Window } from '../types.ts';
import type { CardInput } from './card.ts';

/** Bands of a window in the order of the card, and where all of them are valid (1) or void (0). */
export interface InputWindow {
  bands: Float32Array[];
  mask: Uint8Array;
}

export type ReadInput = (window: Window) => Promise<InputWindow>;

/** Read a card's bands from an image; optional bands that it lacks hold `fill`. */
export function inputReader(image: ImageSource, { bands, optionalBands, fill }: CardInput): ReadInput {
  const present = bands.filter((band) => image.roles.includes(band) || !optionalBands.includes(band));
  return async (window) => {
    const { bands: found, mask } = await readImageWindow(image, window, present);
    const absent = () => new Float32Array(window.width * window.height).fill(fill);
    return { bands: bands.map((band) => found[present.indexOf(band)] ?? absent()), mask };
  };
}

/**
 * Void every pixel that has a value which is no finite number: a network would carry it to its neighbours.
 * Changes `mask` in place.
 */
export function voidNonFinite({ bands, mask }: InputWindow): void {
  for (const band of bands) {
    for (let i = 0; i < band.length; i++) if (!Number.isFinite(band[i]!)) mask[i] = 0;
  }
}

/** Read a window, every pixel that has a value which is no number void: what a network is given, and what is told of it. */
export async function readFinite(read: ReadInput, window: Window): Promise<InputWindow> {
  const input = await read(window);
  voidNonFinite(input);
  return input;
}

/**
 * Make the input tensor of one patch, NCHW with batch 1: (value x scale - mean) / std, per band.
 * Void pixels take the card's `fill` as their value, in every band.
 */
export function toTensor({ bands, mask }: InputWindow, { scale, mean, std, fill }: CardInput): Float32Array<ArrayBuffer> {
  const size = mask.length, tensor = new Float32Array(bands.length * size);
  for (let b = 0; b < bands.length; b++) {
    const band = bands[b]!, centre = mean[b] ?? 0, spread = std[b] ?? 1, filled = (fill * scale - centre) / spread;
    for (let i = 0, o = b * size; i < size; i++, o++) tensor[o] = mask[i] ? (band[i]! * scale - centre) / spread : filled;
  }
  return tensor;
}
