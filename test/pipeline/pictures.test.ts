import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { int, int64s, modelBytes, node, scalar, value } from '../../data-samples/make/onnx-nodes.ts';
import { sampleCard } from '../../data-samples/make/onnx.ts';
import { evaluate } from '../../src/cli/commands/evaluate.ts';
import { UsageError } from '../../src/errors.ts';
import { listPictures } from '../../src/pipeline/pictures-folder.ts';
import { evaluatePictures } from '../../src/pipeline/pictures.ts';
import type { PictureEvaluation, PictureOptions } from '../../src/pipeline/pictures.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import { removeDir, temporaryDir } from '../store/survey.ts';

const sample = (name: string): string => fileURLToPath(new URL(`../../data-samples/models/${name}`, import.meta.url));
let dir: string;
beforeAll(async () => { dir = await temporaryDir(); });
afterAll(() => removeDir(dir));

const WIDTH = 96, HEIGHT = 64;
interface Square { col: number; row: number; size: number; red: number }

/** Red of a picture of 96 x 64 pixels: squares on black. */
function paint(squares: readonly Square[], width = WIDTH, height = HEIGHT): Uint8Array {
  const red = new Uint8Array(width * height);
  for (const { col, row, size, red: value } of squares) for (let r = row; r < row + size; r++) red.fill(value, r * width + col, r * width + col + size);
  return red;
}

function rgb(red: Uint8Array, width = WIDTH, height = HEIGHT): Sharp {
  const data = new Uint8Array(3 * red.length);
  red.forEach((value, i) => { data[3 * i] = value; });
  return sharp(data, { raw: { width, height, channels: 3 } });
}

async function folder(name: string, files: Record<string, string | Uint8Array>): Promise<string> {
  const path = join(dir, name);
  await mkdir(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  return path;
}

const valueOf = ({ rows }: PictureEvaluation, metric: string, stratum = 'all') => rows.find((row) => row.stratum === stratum && row.metric === metric)?.value;
const scored = (model: string, pictures: string, options: PictureOptions = {}): Promise<PictureEvaluation> => evaluatePictures(sample(model), pictures, options);

/** Two trees on cells of the network: 4 x 4 pixels of red 240, so 240 / 4096 stems each; the second is 2 m from where it is said to be. */
const TREES: Square[] = [{ col: 8, row: 12, size: 4, red: 240 }, { col: 60, row: 40, size: 4, red: 240 }];
const POINTS = 'col,row\n9.5,13.5\n65.5,41.5\n';

describe('counting', () => {
  test('a picture smaller than a patch: peaks at 0 m and 2 m from their trees, the count is the sum of red', async () => {
    const found = await scored('red-density', await folder('count', { 'a.png': await rgb(paint(TREES)).png().toBuffer(), 'a.csv': POINTS }), { radiusM: [1, 6] });
    expect(valueOf(found, 'recall_at_6m')).toBe(1);
    expect(valueOf(found, 'precision_at_6m')).toBe(1);
    expect(valueOf(found, 'recall_at_1m')).toBe(0.5);
    expect(valueOf(found, 'position_rmse_m_at_6m')).toBeCloseTo(Math.sqrt(4 / 2), 5);
    expect(valueOf(found, 'count_bias')).toBeCloseTo((2 * 240) / 4096 - 2, 5);
  });

  test('the same as GeoTIFF anywhere on earth, as WebP pair, as PNG: where a picture lies and what it is written as changes nothing', async () => {
    const red = paint(TREES), black = new Uint8Array(red.length), window = { col: 640_003, row: -8_200_007, width: WIDTH, height: HEIGHT };
    const tif = encodeGeoTiff({ lattice: { resM: 0.5, x0M: 0.1, y0M: 0.2 }, window, bands: [red, black, black], epsg: 32611 });
    const files = [{ 'a.png': await rgb(red).png().toBuffer() }, { 'a.tif': tif }, { 'a.rgb.webp': await rgb(red).webp({ lossless: true }).toBuffer(), 'a.nir.webp': await rgb(black).webp({ lossless: true }).toBuffer() }];
    const all = await Promise.all(files.map(async (each, i) => scored('red-density', await folder(`same-${i}`, { ...each, 'a.csv': POINTS }))));
    const figures = all.map(({ rows }) => rows.map(({ metric, value: score }) => [metric, score]));
    expect(figures[1]).toEqual(figures[0]);
    expect(figures[2]).toEqual(figures[0]);
    expect(figures[0]!.length).toBeGreaterThan(10);
  });

  test('pixels of 0.25 m are averaged to the 0.5 m of the card: points and count stay', async () => {
    const twice = paint(TREES.map(({ col, row, size, red }) => ({ col: 2 * col, row: 2 * row, size: 2 * size, red })), 2 * WIDTH, 2 * HEIGHT);
    const fine = await folder('fine', { 'a.png': await rgb(twice, 2 * WIDTH, 2 * HEIGHT).png().toBuffer(), 'a.csv': 'col,row\n19.5,27.5\n131.5,83.5\n' });
    const found = await scored('red-density', fine, { gsdM: 0.25, radiusM: [6] });
    expect(valueOf(found, 'position_rmse_m_at_6m')).toBeCloseTo(Math.sqrt(4 / 2), 5);
    expect(valueOf(found, 'count_bias')).toBeCloseTo((2 * 240) / 4096 - 2, 5);
    await expect(scored('red-density', fine, { gsdM: 0.8 })).rejects.toThrow('a: its pixels are 0.8 m, too coarse for red-density, which takes 0.4 to 0.75 m');
  });

  test('a tree on a void pixel is left out, and said', async () => {
    const red = paint(TREES), rgba = new Uint8Array(4 * red.length).fill(255);
    red.forEach((each, i) => { rgba.set([each, 0, 0, i % WIDTH < 48 ? 255 : 0], 4 * i); });
    const found = await scored('red-density', await folder('void', { 'a.png': await sharp(rgba, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } }).png().toBuffer(), 'a.csv': POINTS }));
    expect(valueOf(found, 'recall_at_6m')).toBe(1);
    expect(found.notes.join()).toContain('1 of 2 reference trees stand on pixels without data');
  });
});

describe('crowns', () => {
  test('boxes of 9 x 9 pixels about two bright pixels against one of them, one beside it, one larger', async () => {
    const pictures = await folder('boxes', {
      'a.png': await rgb(paint([{ col: 20, row: 20, size: 1, red: 250 }, { col: 60, row: 30, size: 1, red: 230 }])).png().toBuffer(),
      'a.csv': 'xmin,ymin,xmax,ymax,label\n16,16,25,25,Tree\n56,26,65,38,Tree\n80,50,90,60,Tree\n', // the second: 81 of 108 pixels
    });
    const found = await scored('bright-boxes', pictures);
    expect(valueOf(found, 'precision_at_iou40')).toBe(1);
    expect(valueOf(found, 'recall_at_iou40')).toBeCloseTo(2 / 3, 5);
    expect(valueOf(found, 'mean_iou_at_iou40')).toBeCloseTo((1 + 81 / 108) / 2, 5);
    expect(valueOf(found, 'ap50')).toBeCloseTo(2 / 3, 5);
    expect(valueOf(found, 'count_bias')).toBe(-1);
  });

  test('boxes as YOLO writes them are the same boxes', async () => {
    const pictures = await folder('yolo', { 'a.png': await rgb(paint([{ col: 20, row: 20, size: 1, red: 250 }])).png().toBuffer(), 'a.txt': `0 ${20.5 / WIDTH} ${20.5 / HEIGHT} ${9 / WIDTH} ${9 / HEIGHT}\n` });
    expect(valueOf(await scored('bright-boxes', pictures), 'mean_iou_at_iou40')).toBeCloseTo(1, 5);
  });
});

describe('dead trees', () => {
  const mask = (squares: readonly Square[]) => sharp(Uint8Array.from(paint(squares), (each) => (each > 0 ? 255 : 0)), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).png().toBuffer();

  test('pixels and objects: 36 found, of them 24 of 36 drawn, and one tree missed', async () => {
    const files = { 'a.rgb.webp': await rgb(paint([{ col: 10, row: 10, size: 6, red: 200 }])).webp({ lossless: true }).toBuffer(), 'a.mask.png': await mask([{ col: 12, row: 10, size: 6, red: 1 }, { col: 60, row: 40, size: 4, red: 1 }]) };
    const found = await scored('red-probability', await folder('dead', files));
    expect(valueOf(found, 'pixel_precision')).toBeCloseTo(24 / 36, 5);
    expect(valueOf(found, 'pixel_recall')).toBeCloseTo(24 / 52, 5);
    expect(valueOf(found, 'pixel_iou')).toBeCloseTo(24 / 64, 5);
    expect(valueOf(found, 'object_recall')).toBe(0.5); // IoU 24 / 48, and nothing at the other
    expect(valueOf(found, 'tree_recall')).toBe(0.5);
    expect(valueOf(found, 'object_precision')).toBe(1);
  });

  test('a mask of another size, or for a model of points, is named', async () => {
    const png = await rgb(paint([])).png().toBuffer(), small = await sharp(new Uint8Array(9), { raw: { width: 3, height: 3, channels: 1 } }).png().toBuffer();
    await expect(scored('red-probability', await folder('small', { 'a.png': png, 'a.mask.png': small }))).rejects.toThrow(/a\.mask\.png: is 3 x 3 pixels, the picture a 96 x 64/);
    await expect(scored('red-density', await folder('dots', { 'a.png': png, 'a.mask.png': await mask([]) }))).rejects.toThrow(/is a mask, red-density gives points/);
  });
});

describe('classes', () => {
  /** A classifier of crops of 24 px: probability of dead = mean red / 255. */
  async function classifier(): Promise<string> {
    const nodes = [
      node('Slice', ['image', 'first', 'second', 'channels'], ['red']), node('GlobalAveragePool', ['red'], ['mean']), node('Mul', ['mean', 'per255'], ['dead4']), node('Flatten', ['dead4'], ['dead']),
      node('Sub', ['one', 'dead'], ['alive']), node('Concat', ['alive', 'dead'], ['class'], [int('axis', 1)]),
    ];
    const model = modelBytes('red-class', { inputs: [value('image', [1, 3, 24, 24])], outputs: [value('class', [1, 2])], nodes, constants: [int64s('first', [0]), int64s('second', [1]), int64s('channels', [1]), scalar('per255', 1 / 255), scalar('one', 1)] });
    const card = sampleCard('red-class', model, { patchPx: 24, marginPx: 0, what: 'test' }), path = join(dir, 'red-class');
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'model.onnx'), model);
    await writeFile(join(path, 'card.json'), JSON.stringify({
      ...card, task: 'classify', input: { ...card.input, bands: ['red', 'green', 'blue'], optional_bands: [], stride_px: 1 },
      outputs: [{ name: 'class', variable: 'status', channels: 2, activation: 'none' }], post: { classes: ['alive', 'dead'], crop_m: 12, gives: 'status', min_probability: 0.6 },
    }));
    return path;
  }

  test('crowns in folders named by class: one of three alive is called dead, one is undecided', async () => {
    const crop = async (red: number, size = 30) => rgb(new Uint8Array(size * size).fill(red), size, size).png().toBuffer(), model = await classifier();
    const pictures = join(dir, 'crops');
    await folder('crops/alive', { '1.png': await crop(20), '2.png': await crop(240), '3.png': await crop(125) });
    await folder('crops/dead', { '1.png': await crop(250), '2.png': await crop(200, 20) }); // 20 px of 24: void around, mean 200 x 400 / 576
    const found = await evaluatePictures(model, pictures);
    expect(valueOf(found, 'recall_alive')).toBeCloseTo(1 / 3, 5);
    expect(valueOf(found, 'undecided')).toBeCloseTo(2 / 5, 5);
    expect(valueOf(found, 'recall_dead')).toBe(0.5);
    expect(valueOf(found, 'balanced_accuracy')).toBeCloseTo((1 / 3 + 1 / 2) / 2, 5);
    expect(valueOf(found, 'recall_dead', 'crop:whole')).toBe(1);
    expect(found.notes.join()).toContain('pictures smaller than the 24 px');
    await folder('crops/shrub', { '1.png': await crop(20) });
    await expect(evaluatePictures(model, pictures)).rejects.toThrow(/1\.png: its folder is named shrub, red-class tells alive, dead/);
  }, 20_000);

  test('a classifier that reads columns of the crown cannot be scored on pictures, and says which', async () => {
    await folder('columns/dead', { '1.png': await rgb(new Uint8Array(900), 30, 30).png().toBuffer() });
    await expect(scored('classify-red', join(dir, 'columns'))).rejects.toThrow('reads height_m of each crown beside its picture');
  });
});

describe('folders', () => {
  test('a split is a folder, or a column of index.csv; places and cities come from it', async () => {
    const root = await folder('places', { 'index.csv': 'split,file,city,place\ntrain,x_1,north,1\ntrain,x_2,north,1\nval,y_1,south,2\n' }), png = await rgb(paint([])).png().toBuffer();
    for (const name of ['x_1', 'x_2', 'y_1']) await folder('places', { [`${name}.png`]: png, [`${name}.csv`]: 'col,row\n' });
    expect((await listPictures(root, { split: 'train' })).map(({ name, unit }) => [name, unit])).toEqual([['x_1', 'north/1'], ['x_2', 'north/1']]);
    expect((await listPictures(root)).map(({ strata }) => strata)).toEqual([['city:north'], ['city:north'], ['city:south']]);
    await folder('places/val', { 'y_2.png': png });
    expect((await listPictures(root, { split: 'val' })).map(({ name }) => name)).toEqual(['y_2']);
    await expect(listPictures(join(root, 'val'), { split: 'nope' })).rejects.toThrow(UsageError);
  });

  test('pictures named by site are told apart by it; a picture without reference is left out and named; none at all is an error', async () => {
    const png = await rgb(paint(TREES)).png().toBuffer(), pictures = await folder('sites', { 'HARV_1.png': png, 'OSBS_1.png': png, 'OSBS_2.png': png, 'HARV_1.csv': POINTS, 'OSBS_1.csv': POINTS });
    const found = await scored('red-density', pictures);
    expect(found.pictures).toBe(2);
    expect(valueOf(found, 'recall_at_6m', 'site:HARV')).toBe(1);
    expect(found.notes.join()).toContain('1 of 3 pictures have no reference and are left out: OSBS_2');
    await expect(scored('red-density', await folder('none', { 'a.png': png }))).rejects.toThrow('no picture has a reference');
    await expect(scored('red-density', join(dir, 'nowhere'))).rejects.toThrow('nothing there');
  });

  test('what is wrong in a file is named with its line', async () => {
    const png = await rgb(paint(TREES)).png().toBuffer();
    await expect(scored('red-density', await folder('bad1', { 'a.png': png, 'a.csv': 'x,y\n1,2\n' }))).rejects.toThrow(/a\.csv: its columns are x, y; a picture's reference has col, row/);
    await expect(scored('red-density', await folder('bad2', { 'a.png': png, 'a.csv': 'xmin,ymin,xmax,ymax\n5,5,5,9\n' }))).rejects.toThrow(/a\.csv.*line 2.*has no area/);
    await expect(scored('red-density', await folder('bad3', { 'a.png': png, 'a.txt': '0 1.5 0.2 0.1 0.1\n' }))).rejects.toThrow(/a\.txt: line 1.*is no box of YOLO/);
    await expect(scored('red-density', await folder('bad4', { 'a.png': new Uint8Array([1, 2, 3]), 'a.csv': POINTS }))).rejects.toThrow(/a\.png: cannot be read as a picture/);
  });

  test('a fourth band that is declared alpha is a band where it is named as one', async () => {
    const red = paint(TREES), black = new Uint8Array(red.length), window = { col: 0, row: 0, width: WIDTH, height: HEIGHT };
    const tif = encodeGeoTiff({ lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window, bands: [red, black, black, black], epsg: 32611 });
    const pictures = await folder('alpha', { 'a.tif': declareAlpha(tif), 'a.csv': POINTS });
    expect(valueOf(await scored('red-density', pictures, { bands: ['red', 'green', 'blue', 'nir'] }), 'recall_at_6m')).toBe(1);
    const asMask = await scored('red-density', pictures); // nir is 0 everywhere: as alpha it leaves nothing
    expect(asMask.notes.join()).toContain('declared alpha and taken as the mask');
    expect(asMask.notes.join()).toContain('2 of 2 reference trees stand on pixels without data');
    await folder('alpha', { 'b.tif': declareAlpha(tif), 'b.csv': POINTS });
    const told = (await scored('red-density', pictures)).notes.filter((note) => note.includes('declared alpha'));
    expect(told).toHaveLength(1); // once, however many pictures
    expect(told[0]).toContain('(2 of 2 pictures: a, b)');
  });
});

/** Say in a TIFF's ExtraSamples that its last sample is alpha, as many programs write near infrared. */
function declareAlpha(tif: Uint8Array): Uint8Array {
  const copy = tif.slice(), view = new DataView(copy.buffer), at = view.getUint32(4, true);
  for (let i = 0, entry = at + 2; i < view.getUint16(at, true); i++, entry += 12) {
    if (view.getUint16(entry, true) !== 338) continue;
    const count = view.getUint32(entry + 4, true), values = count <= 2 ? entry + 8 : view.getUint32(entry + 8, true);
    view.setUint16(values + 2 * (count - 1), 2, true);
  }
  return copy;
}

test('the command: model, pictures and the survey\'s options do not mix', async () => {
  await expect(evaluate(sample('red-density'), { pictures: join(dir, 'count'), of: 'stems' })).rejects.toThrow('--of is for a survey');
  await expect(evaluate('job.yaml', { reference: 'a.csv', split: 'val' })).rejects.toThrow('--split is for pictures');
  await expect(evaluate(sample('red-density'), { pictures: join(dir, 'count'), radius: 'six' })).rejects.toThrow('--radius six: give metres, as 6 or 6,2.4');
});
