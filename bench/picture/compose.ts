// bench/picture/compose.ts: panels side by side, with crowns, treetops, scale bar and colour scale drawn over them. IO (sharp).
import sharp from 'sharp';
import type { Box, MultiPolygon } from '../../src/types.ts';
import type { Panel } from './paint.ts';
import { viridis } from './paint.ts';

export interface TreeMark {
  xM: number;
  yM: number;
  heightM: number;
  outline: MultiPolygon;
}

export interface PictureOptions {
  box: Box;
  pxPerM: number;
}

const GAP = 12, HEAD = 30, FOOT = 34;
const TEXT = 'font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif" fill="#222"';

/** A PNG of the panels in a row. */
export async function pictureOf(panels: readonly Panel[], trees: readonly TreeMark[], { box, pxPerM }: PictureOptions): Promise<Buffer> {
  const width = Math.round((box.x1 - box.x0) * pxPerM), height = Math.round((box.y1 - box.y0) * pxPerM);
  const full = { width: panels.length * (width + GAP) + GAP, height: height + HEAD + FOOT };
  const images = await Promise.all(panels.map(({ rgb, width: w, height: h }) => sharp(rgb, { raw: { width: w, height: h, channels: 3 } }).resize(width, height, { fit: 'fill', kernel: 'cubic' }).png().toBuffer()));
  const left = (k: number): number => GAP + k * (width + GAP);
  const drawing = panels.map((panel, k) => `<g transform="translate(${left(k)} 0)">${panelDrawing(panel, trees, { box, pxPerM, width, height })}</g>`).join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${full.width}" height="${full.height}">${drawing}${scaleBar(left(0), height + HEAD, pxPerM, width)}</svg>`;
  return sharp({ create: { ...full, channels: 3, background: '#ffffff' } })
    .composite([...images.map((input, k) => ({ input, left: left(k), top: HEAD })), { input: Buffer.from(svg), left: 0, top: 0, unlimited: true }]).png().toBuffer();
}

function panelDrawing({ title, trees: marked = false, topM }: Panel, trees: readonly TreeMark[], { box, pxPerM, width, height }: PictureOptions & { width: number; height: number }): string {
  const head = `<text x="0" y="21" font-size="17" ${TEXT}>${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
  if (!marked) return head;
  const place = ([x, y]: [number, number]): string => `${((x - box.x0) * pxPerM).toFixed(1)} ${((box.y1 - y) * pxPerM).toFixed(1)}`;
  const line = Math.max(0.25, Math.min(1.3, pxPerM * 0.2)), dot = Math.max(0.5, Math.min(2.4, pxPerM * 0.4)); // far off, lines must not hide the heights
  const outlines = trees.flatMap(({ outline }) => outline.flat().map((ring) => `M${ring.map(place).join('L')}Z`)).join('');
  const dots = trees.map(({ xM, yM }) => { const [x, y] = place([xM, yM]).split(' '); return `<circle cx="${x}" cy="${y}" r="${dot}"/>`; }).join('');
  return `${head}<clipPath id="map"><rect width="${width}" height="${height}"/></clipPath>`
    + `<g transform="translate(0 ${HEAD})" clip-path="url(#map)"><path d="${outlines}" fill="none" stroke="#fff" stroke-opacity="0.85" stroke-width="${line}"/>`
    + `<g fill="#e8232a" stroke="#fff" stroke-width="${dot > 1.5 ? 0.5 : 0}">${dots}</g></g>${topM > 0 ? colourScale(width, height + HEAD, topM) : ''}`;
}

function colourScale(width: number, y: number, topM: number): string {
  const steps = 40, long = Math.min(220, width / 3), x = width - long - 44;
  const bars = Array.from({ length: steps }, (_, k) => `<rect x="${x + (k * long) / steps}" y="${y + 10}" width="${long / steps + 0.5}" height="10" fill="rgb(${viridis(k / (steps - 1)).map(Math.round).join(',')})"/>`).join('');
  return `<text x="${x - 6}" y="${y + 20}" font-size="13" text-anchor="end" ${TEXT}>${width > 500 ? 'grey: no returns    0' : '0'}</text>${bars}<text x="${x + long + 6}" y="${y + 20}" font-size="13" ${TEXT}>${topM.toFixed(0)} m</text>`;
}

/** A bar of a round length, about a fifth of the picture. */
function scaleBar(x: number, y: number, pxPerM: number, width: number): string {
  const length = [500, 200, 100, 50, 20, 10, 5].find((m) => m * pxPerM <= width / 4) ?? 5, px = length * pxPerM;
  return `<path d="M${x} ${y + 9}v12h${px}v-12" fill="none" stroke="#222" stroke-width="2"/><text x="${x + px + 8}" y="${y + 20}" font-size="13" ${TEXT}>${length} m</text>`;
}
