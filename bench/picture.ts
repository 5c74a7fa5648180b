// bench/picture.ts: a picture of a finished run: its CHM shaded, crowns, treetops and a scale bar, beside an ortho if asked. IO.
//
//   npx node bench/picture.ts JOB.yaml OUT.png [--ortho FILE.tif] [--box x0,y0,x1,y1] [--px-per-m 6]
//
// The README's picture: npx understory sample DIR; npx understory run DIR/job.yaml;
//   npx node bench/picture.ts DIR/job.yaml docs/images/sample.png --ortho DIR/ortho.tif
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { openFile } from '../src/files/byte-source.ts';
import { growBox, holdsPoint } from '../src/geo/box.ts';
import { openRaster } from '../src/ingest/geotiff-reader.ts';
import type { RasterAffine } from '../src/ingest/geotiff-reader.ts';
import { loadJob } from '../src/pipeline/job-file.ts';
import { databasePath } from '../src/pipeline/tasks/merge.ts';
import { withRows } from '../src/store/layer-rows.ts';
import type { Box, MultiPolygon, PixelArray } from '../src/types.ts';
import { pictureOf } from './picture/compose.ts';
import type { TreeMark } from './picture/compose.ts';
import { colourOrtho, shadeHeights } from './picture/paint.ts';
import type { Grid, Panel } from './picture/paint.ts';

const { values, positionals: [jobFile, out] } = parseArgs({ allowPositionals: true, options: { ortho: { type: 'string' }, box: { type: 'string' }, 'px-per-m': { type: 'string' } } });
if (!jobFile || !out) throw new Error('usage: node bench/picture.ts JOB.yaml OUT.png [--ortho FILE.tif] [--box x0,y0,x1,y1] [--px-per-m 6]');

const { output, job } = await loadJob(jobFile);
const chm = await readGrid(join(output, 'rasters', 'chm.tif'), 1), box = values.box ? boxFrom(values.box) : validBox(chm);
const pxPerM = Number(values['px-per-m'] ?? Math.min(6, (values.ortho ? 640 : 1600) / Math.max(box.x1 - box.x0, box.y1 - box.y0)));
const panels: Panel[] = values.ortho ? [{ title: 'orthophoto', ...colourOrtho(await readGrid(values.ortho, 3), box) }] : [];
const marks = await treesIn(databasePath(output), box);
const long = (box.x1 - box.x0) * pxPerM > 450; // room for a title
panels.push({ title: long ? `${job.survey}: canopy height, crowns and treetops (${marks.length})` : `${job.survey}, ${marks.length} trees`, ...shadeHeights(chm, box), trees: true });
await mkdir(dirname(out), { recursive: true });
const { width, height, size } = await sharp(await pictureOf(panels, marks, { box, pxPerM })).png({ palette: true, colours: 128, effort: 10 }).toFile(out);
console.log(`${out}: ${width} x ${height} pixels, ${(size / 1000).toFixed(0)} kB, ${marks.length} trees`);

function boxFrom(text: string): Box {
  const [x0, y0, x1, y1] = text.split(',').map(Number);
  if (![x0, y0, x1, y1].every(Number.isFinite)) throw new Error(`--box ${text}: write x0,y0,x1,y1 in metres`);
  return { x0: x0!, y0: y0!, x1: x1!, y1: y1! };
}

async function readGrid(path: string, bands: number): Promise<Grid> {
  const file = await openRaster(await openFile(path));
  try {
    const { width, height, affine, bands: has } = file.header;
    if (!affine || affine.resX !== affine.resY) throw new Error(`${path}: has no place, or pixels that are no squares`);
    const { data, mask } = await file.readWindow(Array.from({ length: Math.min(bands, has) }, (_, i) => i), { col: 0, row: 0, width, height });
    return { width, height, bands: data satisfies PixelArray[], mask, affine: affine satisfies RasterAffine };
  } finally {
    await file.close();
  }
}

/** The box of what is valid, with a margin: a run's rasters cover whole tiles. */
function validBox({ width, height, mask, affine }: Grid): Box {
  let [c0, c1, r0, r1] = [width, -1, height, -1];
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const col = i % width, row = (i - col) / width;
    [c0, c1, r0, r1] = [Math.min(c0, col), Math.max(c1, col), Math.min(r0, row), Math.max(r1, row)];
  }
  if (c1 < 0) throw new Error('the CHM holds no valid pixel');
  const { x0, y0, resX } = affine;
  return growBox({ x0: x0 + c0 * resX, x1: x0 + (c1 + 1) * resX, y0: y0 - (r1 + 1) * resX, y1: y0 - r0 * resX }, 1);
}

async function treesIn(database: string, within: Box): Promise<TreeMark[]> {
  return withRows(database, 'SELECT x_m, y_m, height_m, geometry FROM tree', { orderBy: ['height_m', 'x_m', 'y_m'] }, async ({ rows }) => {
    const marks: TreeMark[] = [];
    for await (const { cells: [x, y, height], outline } of rows) {
      const mark = { xM: x!.number()!, yM: y!.number()!, heightM: height!.number() ?? 0, outline: (outline ?? []) satisfies MultiPolygon };
      if (holdsPoint(within, mark.xM, mark.yM)) marks.push(mark);
    }
    return marks;
  });
}
