// infer/activation.ts: one channel of a network's output, with the activation and factor of its card. Pure kernels on typed arrays.
import type { CardOutput } from './card.ts';

const FUNCTIONS: Record<Exclude<CardOutput['activation'], 'none' | 'softmax'>, (x: number) => number> = {
  sigmoid: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))), // neither overflows
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  exp: Math.exp,
};

/**
 * The channel that a card names, after its activation and factor; NaN stays NaN.
 *
 * @param values  channels x positions, channel by channel: one patch, or one row where there is one position
 * @param output  `channels` divides the length of `values`
 * @returns one value a position, float32; a view of `values` where nothing is to be computed
 */
export function activated(values: Float32Array, { activation, factor, channels, channel }: Pick<CardOutput, 'activation' | 'factor' | 'channels' | 'channel'>): Float32Array {
  const size = values.length / channels, plane = values.subarray(channel * size, (channel + 1) * size);
  if (activation === 'softmax') return softmax(values, channels, channel, size, factor);
  if (activation === 'none' && factor === 1) return plane;
  const out = new Float32Array(size), f = activation === 'none' ? (x: number) => x : FUNCTIONS[activation];
  for (let i = 0; i < size; i++) out[i] = f(plane[i]!) * factor;
  return out;
}

/** Softmax over channels at each position, shifted by the highest so that nothing overflows. */
function softmax(values: Float32Array, channels: number, channel: number, size: number, factor: number): Float32Array {
  const out = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let highest = -Infinity, sum = 0;
    for (let c = 0; c < channels; c++) highest = Math.max(highest, values[c * size + i]!);
    for (let c = 0; c < channels; c++) sum += Math.exp(values[c * size + i]! - highest);
    out[i] = Math.exp(values[channel * size + i]! - highest) / sum * factor;
  }
  return out;
}
