// pipeline/pictures-references.ts: what is in a picture, by the file beside it: points, boxes or a mask, in metres of the picture. IO.
import { readFile } from 'node:fs/promises';
import type { Box } from '../types.ts';
import { InvalidInput } from '../errors.ts';
import type { Place } from '../evaluate/pair-tally.ts';
import { openFile } from '../files/byte-source.ts';
import { numberAt, openCsv, wrongValue } from '../ingest/csv.ts';
import type { CsvRow } from '../ingest/csv.ts';
import { readMask } from './pictures-read.ts';
import type { Picture } from './pictures-read.ts';

/** Metres of the picture: x = col x GSD, y = -row x GSD from its upper left corner. */
export type PictureReference = { kind: 'points'; points: Place[] } | { kind: 'boxes'; boxes: Box[] } | { kind: 'mask'; mask: Uint8Array };

const EDGES = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/**
 * Read the reference of a picture: `col,row` (a point a line, whole pixels are told by their number, so that 0 is the middle of the first, 0.5 m off its edge at 1 m), `xmin,ymin,xmax,ymax` (boxes, edges in
 * pixels), YOLO's `class x y width height` in shares of the picture, or a mask.
 *
 * @throws {InvalidInput} naming file and line
 */
export async function readPictureReference(path: string, picture: Picture, gsdM: number): Promise<PictureReference> {
  if (/\.png$/i.test(path)) return { kind: 'mask', mask: await readMask(path, picture) };
  return /\.txt$/i.test(path) ? { kind: 'boxes', boxes: await yoloBoxes(path, picture, gsdM) } : readTable(path, gsdM);
}

async function readTable(path: string, gsdM: number): Promise<PictureReference> {
  const source = await openFile(path);
  try {
    const table = await openCsv(source), has = (names: readonly string[]): boolean => names.every((name) => table.columns.includes(name));
    const need = (row: CsvRow, column: string): number => {
      const value = numberAt(path, row, column);
      if (value === null) throw wrongValue(path, row, column, `is empty; give pixels`);
      return value;
    };
    if (has(EDGES)) {
      const boxes: Box[] = [];
      for await (const row of table.rows()) {
        const [x0, y0, x1, y1] = EDGES.map((column) => need(row, column)) as [number, number, number, number];
        if (!(x1 > x0 && y1 > y0)) throw wrongValue(path, row, 'xmax', `a box from ${x0},${y0} to ${x1},${y1} has no area; xmax and ymax are larger than xmin and ymin`);
        boxes.push(boxOfPixels(x0, y0, x1, y1, gsdM));
      }
      return { kind: 'boxes', boxes };
    }
    if (!has(['col', 'row'])) throw new InvalidInput(`${path}: its columns are ${table.columns.join(', ')}; a picture's reference has col, row (points) or xmin, ymin, xmax, ymax (boxes), in pixels`, { source: path });
    const points: Place[] = [];
    for await (const row of table.rows()) points.push({ xM: (need(row, 'col') + 0.5) * gsdM, yM: -(need(row, 'row') + 0.5) * gsdM });
    return { kind: 'points', points };
  } finally {
    await source.close();
  }
}

const boxOfPixels = (x0: number, y0: number, x1: number, y1: number, gsdM: number): Box => ({ x0: x0 * gsdM, y0: -y1 * gsdM, x1: x1 * gsdM, y1: -y0 * gsdM });

async function yoloBoxes(path: string, { width, height }: Picture, gsdM: number): Promise<Box[]> {
  const lines = (await readFile(path, 'utf8')).split(/\r?\n/), boxes: Box[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    const [, x, y, w, h, ...more] = line.trim().split(/\s+/).map(Number);
    if (more.length > 0 || ![x, y, w, h].every((value) => value !== undefined && value >= 0 && value <= 1)) throw new InvalidInput(`${path}: line ${i + 1}: '${line.trim()}' is no box of YOLO: class, then x and y of the middle, width and height, in shares of the picture`, { source: path, line: i + 1 });
    boxes.push(boxOfPixels((x! - w! / 2) * width, (y! - h! / 2) * height, (x! + w! / 2) * width, (y! + h! / 2) * height, gsdM));
  });
  return boxes;
}
