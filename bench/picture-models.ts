// bench/picture-models.ts: what models gave in finished runs, each in a panel of its own: trees over the orthophoto, or a map in colours. IO.
//
//   node bench/picture-models.ts OUT.png --ortho FILE.tif [--box x0,y0,x1,y1] [--px-per-m 4] PANEL...
//
// PANEL is JOB.yaml:trees:SOURCE:title (trees of a source, or seen by it: outlines, else dots) or JOB.yaml:map:NAME:title (rasters/NAME.tif).
// docs/figures/images.md has the command that made docs/images/models.png.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { openFile } from '../src/files/byte-source.ts';
import { holdsPoint } from '../src/geo/box.ts';
import { openRaster } from '../src/ingest/geotiff-reader.ts';
import { loadJob } from '../src/pipeline/job-file.ts';
import { databasePath } from '../src/pipeline/tasks/merge.ts';
import { quoteText } from '../src/store/columns/define.ts';
import { withRows } from '../src/store/layer-rows.ts';
import type { Box } from '../src/types.ts';
import { pictureOf } from './picture/compose.ts';
import type { TreeMark } from './picture/compose.ts';
import { colourOrtho, shadeHeights } from './picture/paint.ts';
import type { Grid, Panel } from './picture/paint.ts';

const { values, positionals: [out, ...wanted] } = parseArgs({ allowPositionals: true, options: { ortho: { type: 'string' }, box: { type: 'string' }, 'px-per-m': { type: 'string', default: '4' }, columns: { type: 'string', default: '2' } } });
if (!out || !values.ortho || wanted.length === 0) throw new Error('usage: node bench/picture-models.ts OUT.png --ortho FILE.tif [--box x0,y0,x1,y1] [--px-per-m 4] JOB.yaml:trees:SOURCE:title|JOB.yaml:map:NAME:title ...');

const ortho = await readGrid(values.ortho, 3), box = values.box ? boxFrom(values.box) : boxOf(ortho), pxPerM = Number(values['px-per-m']), columns = Number(values.columns), panels: Buffer[] = [];
for (const each of wanted) {
  const [job, kind, name, ...title] = each.split(':');
  if (!job || !name || (kind !== 'trees' && kind !== 'map')) throw new Error(`${each}: write JOB.yaml:trees:SOURCE:title or JOB.yaml:map:NAME:title`);
  const { output } = await loadJob(job), marks = kind === 'trees' ? await treesOf(databasePath(output), name) : [];
  const drawn = kind === 'trees' ? colourOrtho(ortho, box) : shadeHeights(await readGrid(join(output, 'rasters', `${name}.tif`), 1), box);
  const panel: Panel = { title: `${title.join(':') || name}${kind === 'trees' ? ` (${marks.length})` : ''}`, ...drawn, trees: true };
  panels.push(await pictureOf([panel], marks, { box, pxPerM }));
}
const { width = 0, height = 0 } = await sharp(panels[0]!).metadata(), rows = Math.ceil(panels.length / columns);
const sheet = sharp({ create: { width: width * Math.min(columns, panels.length), height: height * rows, channels: 3, background: '#ffffff' } })
  .composite(panels.map((input, i) => ({ input, left: (i % columns) * width, top: Math.floor(i / columns) * height })));
const { size } = await sharp(await sheet.png().toBuffer()).png({ palette: true, colours: 64, effort: 10 }).toFile(out);
console.log(`${out}: ${(size / 1000).toFixed(0)} kB`);

function boxFrom(text: string): Box {
  const [x0, y0, x1, y1] = text.split(',').map(Number);
  if (![x0, y0, x1, y1].every(Number.isFinite)) throw new Error(`--box ${text}: write x0,y0,x1,y1 in metres`);
  return { x0: x0!, y0: y0!, x1: x1!, y1: y1! };
}

function boxOf({ width: across, height: down, affine: { x0, y0, resX } }: Grid): Box {
  return { x0, y0: y0 - down * resX, x1: x0 + across * resX, y1: y0 };
}

async function readGrid(path: string, bands: number): Promise<Grid> {
  const file = await openRaster(await openFile(path));
  try {
    const { width: across, height: down, affine, bands: has } = file.header;
    if (!affine || affine.resX !== affine.resY) throw new Error(`${path}: has no place, or pixels that are no squares`);
    const { data, mask } = await file.readWindow(Array.from({ length: Math.min(bands, has) }, (_, i) => i), { col: 0, row: 0, width: across, height: down });
    return { width: across, height: down, bands: data, mask, affine };
  } finally {
    await file.close();
  }
}

async function treesOf(database: string, source: string): Promise<TreeMark[]> {
  const sql = `SELECT x_m, y_m, geometry FROM tree WHERE source = ${quoteText(source)} OR list_contains(flags, ${quoteText(`seen_by:${source}`)})`;
  return withRows(database, sql, { orderBy: ['x_m', 'y_m'] }, async ({ rows: found }) => {
    const marks: TreeMark[] = [];
    for await (const { cells: [x, y], outline } of found) {
      const mark = { xM: x!.number()!, yM: y!.number()!, heightM: 0, outline: outline ?? [] };
      if (holdsPoint(box, mark.xM, mark.yM)) marks.push(mark);
    }
    return marks;
  });
}
