import { expect, test } from 'vitest';
import { sampleModels } from '../../data-samples/make/onnx.ts';
import { settleInputs } from '../../src/pipeline/model-inputs.ts';
import type { InputSource } from '../../src/pipeline/model-inputs.ts';
import type { ImageLayer } from '../../src/pipeline/survey.ts';
import { imageCard } from '../infer/fixtures.ts';

/** red, green, blue and perhaps nir, pixels of 0.5 m, 0.4 to 0.75 m allowed. */
const card = imageCard(JSON.parse(sampleModels()['red-density']!.card), 'red-density');

/** An image of 100 x 100 m. */
function image(name: string, { gsdM = 0.5, roles = ['red', 'green', 'blue'], resamples = false } = {}): InputSource {
  const layOn = (resM: number): ImageLayer => {
    const lattice = { resM, x0M: 0, y0M: 0 }, side = Math.round(100 / resM), window = { col: 0, row: -side, width: side, height: side };
    return { name, bands: roles, lattice, window, box: { x0: 0, y0: 0, x1: 100, y1: 100 }, files: [] };
  };
  const layer = layOn(gsdM);
  return { name, roles, lattice: layer.lattice, window: layer.window, layer, product: null, resamples, gsdM, layAt: layOn };
}

test('an image must have the bands of the card; an optional one may lack, and a band of two inputs must say whose it is', () => {
  expect(settleInputs(card, [image('ortho')]).bands).toEqual([{ input: 0, role: 'red' }, { input: 0, role: 'green' }, { input: 0, role: 'blue' }, null]);
  expect(settleInputs(card, [image('ortho'), image('infrared', { roles: ['nir'] })]).bands[3]).toEqual({ input: 1, role: 'nir' });
  expect(() => settleInputs(card, [image('ortho', { roles: ['red', 'blue'] })])).toThrow(/does not fit its inputs: it needs green; ortho gives red, blue/);
  expect(() => settleInputs(card, [image('ortho'), image('winter', { roles: ['red'] })])).toThrow(/red is in ortho and winter: name one input on, or write red@ortho or red@winter on the card/);
});

test('its pixels are those of the card within 1 %; others are refused, or resampled where the job says so, but never from coarser ones than the card takes', () => {
  expect(settleInputs(card, [image('ortho', { gsdM: 0.504 })]).grid!.lattice.resM).toBe(0.504);
  expect(() => settleInputs(card, [image('ortho', { gsdM: 0.6 })])).toThrow(/its pixels are 0.5 m, those of ortho are 0.6 m: add `lattice: crs` to inputs.images.ortho/);
  expect(settleInputs(card, [image('ortho', { gsdM: 0.6, resamples: true })]).grid!.lattice.resM).toBe(0.5);
  expect(() => settleInputs(card, [image('ortho', { gsdM: 1, resamples: true })])).toThrow(/must be 0.4 to 0.75 m, those of ortho are 1 m, too coarse: use finer images/);
});
