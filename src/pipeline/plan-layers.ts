// pipeline/plan-layers.ts: what of a raster layer a window reads, for content keys. Pure.
import type { Box } from '../types.ts';
import { boxIndex } from '../geo/box-index.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import type { ImageLayer } from './survey.ts';

/** The boxes that a layer's files cover. */
export const fileBoxes = ({ lattice, files }: ImageLayer): Box[] => files.map(({ window }) => boxOfWindow(lattice, window));

/** Answers what of a raster layer lies in a box: its files in the order in which they are laid, with all that says how they are read. */
export function layerReader(layer: ImageLayer): (box: Box) => object[] {
  const filesIn = boxIndex(fileBoxes(layer));
  return (box) => filesIn(box).map((i) => layer.files[i]!).map(({ path: _, bytes: __, day: ___, ...placed }) => placed);
}
