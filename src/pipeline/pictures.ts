// pipeline/pictures.ts: a model against a folder of pictures with references: what `evaluate MODEL --pictures` prints. IO.
import type { Box } from '../types.ts';
import { InvalidInput, ModelError, UsageError } from '../errors.ts';
import { scoreBoxes } from '../evaluate/boxes.ts';
import type { BoxScene } from '../evaluate/boxes.ts';
import { scoreClasses } from '../evaluate/classes.ts';
import type { ClassCase } from '../evaluate/classes.ts';
import { scoreCounts } from '../evaluate/counts.ts';
import type { CountScene } from '../evaluate/counts.ts';
import { BLOCK_M } from '../evaluate/ground.ts';
import { scoreMasks } from '../evaluate/masks.ts';
import type { MaskScene } from '../evaluate/masks.ts';
import { greedyDifference, scorePoints } from '../evaluate/points.ts';
import type { Place } from '../evaluate/pair-tally.ts';
import type { PointScene } from '../evaluate/points.ts';
import type { Score } from '../evaluate/score.ts';
import { FEWEST_UNITS } from '../evaluate/bootstrap.ts';
import { roundTo } from '../geo/units.ts';
import { checkCard } from '../infer/card-check.ts';
import { isTableCard, modelPath, readAnyCard } from '../infer/card.ts';
import type { ModelCard } from '../infer/card.ts';
import { findModel } from '../infer/catalogue.ts';
import { openModel } from '../infer/open-model.ts';
import { SHIPPED_MODELS } from './models.ts';
import { listPictures } from './pictures-folder.ts';
import type { FolderOptions, PictureFiles } from './pictures-folder.ts';
import { maskScene } from './pictures-masks.ts';
import { fitToPictures, readMatch } from './pictures-match.ts';
import { placePicture, readPicture } from './pictures-read.ts';
import type { Picture } from './pictures-read.ts';
import { readPictureReference } from './pictures-references.ts';
import type { PictureReference } from './pictures-references.ts';
import { scoreThreshold, seePicture } from './pictures-run.ts';
import type { Network, Seen } from './pictures-run.ts';

export interface PictureOptions extends FolderOptions {
  /** metres within which two points may be one tree */
  radiusM?: readonly number[];
  /** of the pictures' pixels, where the files do not say or are wrong */
  gsdM?: number | undefined;
  /** roles of the bands, in their order */
  bands?: readonly string[] | undefined;
  /** a file of `fit JOB radiometry`, or `fit`: to these pictures */
  match?: string | undefined;
  providers?: readonly string[];
  /** pictures by name: the others are not looked at */
  only?: (name: string) => boolean;
  onPicture?: (done: number, of: number) => void;
}

/** What was scored: the rows of `of` points come from points, and so on. */
export type ScoredKind = 'points' | 'counts' | 'boxes' | 'masks' | 'classes';

export interface PictureRow extends Score {
  /** the pictures, as they were named */
  reference: string;
  of: ScoredKind;
}

export interface PictureEvaluation {
  model: { name: string; version: string; task: ModelCard['task']; gsdM: number; path: string };
  /** pictures scored */
  pictures: number;
  rows: PictureRow[];
  /** what a reader must know: pictures and trees left out and why, where greedy and optimal pairs differ */
  notes: string[];
}

/** At the radii of Ventura et al. 2024, and at 4 pixels of 0.6 m. */
export const DEFAULT_RADII_M: readonly number[] = [6, 2.4];
export const BOX_IOU = 0.4;

/** Scenes of all pictures, by kind of reference. */
interface Scenes {
  points: PointScene[];
  counts: CountScene[];
  boxes: BoxScene[];
  masks: MaskScene[];
  classes: ClassCase[];
}

/**
 * Run a model over pictures and score it, through the path of a survey: its patches, trusted centres, suppression and thresholds. Pictures are read one by one.
 *
 * @param use  a model's name, folder or ONNX file
 * @throws {UsageError} when there is no such model or picture, none has a reference, or the model gives nothing that references tell of; {InvalidInput} naming a file at fault; {ModelError} as the model
 */
export async function evaluatePictures(use: string, pictures: string, options: PictureOptions = {}): Promise<PictureEvaluation> {
  const { dir, card } = await readModel(use), files = (await listPictures(pictures, options)).filter(({ name }) => options.only?.(name) ?? true), notes: string[] = [];
  const scored = files.filter(({ reference, className }) => (card.task === 'classify' ? className : reference) !== null);
  if (scored.length === 0) throw new UsageError(noReference(card, pictures), { source: pictures });
  if (scored.length < files.length) notes.push(`${files.length - scored.length} of ${files.length} pictures have no reference and are left out: ${namesOf(files.filter((each) => !scored.includes(each)))}`);
  const fits = await pixelsFit(scored, card, options, notes), scenes: Scenes = { points: [], counts: [], boxes: [], masks: [], classes: [] };
  const match = options.match === undefined ? null : options.match === 'fit' ? await fitToPictures(fits, card, options) : await readMatch(options.match, card);
  const { session } = await openModel(modelPath(dir), card, { providers: [...(options.providers ?? ['cpu'])] }), outside = { trees: 0, all: 0 }, told = new Map<string, PictureFiles[]>();
  try {
    for (const [i, file] of fits.entries()) {
      await addPicture(scenes, file, { card, session, match }, options, { outside, few: fits.length < FEWEST_UNITS, tell: (note) => { const of = told.get(note) ?? []; of.push(file); told.set(note, of); } });
      options.onPicture?.(i + 1, fits.length);
    }
  } finally {
    await session.close();
  }
  notes.push(...[...told].map(([note, of]) => `${note} (${of.length} of ${fits.length} pictures: ${namesOf(of)})`));
  if (outside.trees > 0) notes.push(`${outside.trees} of ${outside.all} reference trees stand on pixels without data and are left out: what was not seen cannot be found`);
  if (fits.length < FEWEST_UNITS) notes.push(`${fits.length === 1 ? 'one picture' : `${fits.length} pictures`}: intervals of points and boxes resample blocks of ${BLOCK_M} m; the others have none`);
  const rows = rowsOf(scenes, card, pictures, options.radiusM ?? DEFAULT_RADII_M, notes);
  return { model: { name: card.name, version: card.version, task: card.task, gsdM: card.input.gsdM, path: modelPath(dir) }, pictures: fits.length, rows, notes };
}

async function readModel(use: string): Promise<{ dir: string; card: ModelCard }> {
  const { dir, tried } = await findModel(use, process.cwd(), SHIPPED_MODELS);
  if (dir === null) throw new UsageError(`no model ${use}: no card.json or network in ${tried.join(' or ')}; \`understory model list\` names them`, { source: use });
  const card = await readAnyCard(dir);
  if (isTableCard(card)) throw new UsageError(`${card.name}: reads a table, not pictures`, { source: card.name });
  await checkCard(card, dir);
  return { dir, card };
}

const noReference = (card: ModelCard, pictures: string): string => (card.task === 'classify'
  ? `${pictures}: ${card.name} tells ${card.post.classes.join(', ')}: put pictures of crowns into folders of these names, and name the folder that holds them`
  : `${pictures}: no picture has a reference: beside NAME.tif (or NAME.rgb.webp) belongs NAME.csv (col,row or xmin,ymin,xmax,ymax), NAME.mask.png or NAME.txt (YOLO); another folder of references is named with --reference`);

const namesOf = (files: readonly PictureFiles[]): string => `${files.slice(0, 3).map(({ name }) => name).join(', ')}${files.length > 3 ? ' ...' : ''}`;

/** Pictures whose pixels the model takes: the others are named. @throws {UsageError} when none fits */
async function pixelsFit(files: readonly PictureFiles[], card: ModelCard, { gsdM, bands }: PictureOptions, notes: string[]): Promise<PictureFiles[]> {
  if (gsdM !== undefined) return [...files];
  const fits: PictureFiles[] = [];
  let fault: UsageError | null = null;
  for (const file of files) {
    try {
      if (/\.tiff?$/i.test(file.image)) placePicture(await readPicture(file, bands ?? null), card, null);
      fits.push(file);
    } catch (error) {
      if (!(error instanceof UsageError) || !('gsdM' in error.place)) throw error;
      fault = error;
      notes.push(`left out: ${error.message}`);
    }
  }
  if (fits.length === 0 && fault) throw fault;
  return fits;
}

interface Tally {
  outside: { trees: number; all: number };
  /** so few pictures that blocks of them are resampled */
  few: boolean;
  tell: (note: string) => void;
}

async function addPicture(scenes: Scenes, file: PictureFiles, network: Network, { gsdM = null, bands = null }: { gsdM?: number | null | undefined; bands?: readonly string[] | null | undefined }, tally: Tally): Promise<void> {
  const { card } = network, picture = await readPicture(file, bands), placed = placePicture(picture, card, gsdM);
  for (const note of picture.notes) tally.tell(note);
  const seen = await seePicture(placed.image, network), of = { picture: file.name, unit: file.unit, strata: file.strata };
  if (card.task === 'classify') {
    const { width, height } = placed.image.plan.window, isWhole = Math.min(width, height) >= card.input.patchPx;
    if (!isWhole) tally.tell(`pictures smaller than the ${card.input.patchPx} px that ${card.name} looks at have void around them, where a survey would show the surroundings: see crop:cut and crop:whole`);
    scenes.classes.push({ ...of, strata: [...of.strata, isWhole ? 'crop:whole' : 'crop:cut'], reference: classOf(card, file), found: seen.className });
    return;
  }
  const whole = await readPictureReference(file.reference!, picture, placed.gsdM), reference = onData(whole, picture, placed.gsdM, tally.outside);
  addScenes(scenes, file, seen, reference, { picture, gsdM: placed.gsdM, card, few: tally.few });
}

function classOf({ name, post }: Extract<ModelCard, { task: 'classify' }>, { className, image }: PictureFiles): string {
  if (post.classes.includes(className!)) return post.map[className!] ?? className!;
  throw new InvalidInput(`${image}: its folder is named ${className}, ${name} tells ${post.classes.join(', ')}; name folders by these classes, or take this one out`, { source: image });
}

function addScenes(scenes: Scenes, file: PictureFiles, seen: Seen, reference: PictureReference, { picture, gsdM, card, few }: { picture: Picture; gsdM: number; card: ModelCard; few: boolean }): void {
  const unitAt = ({ xM, yM }: Place): string => (few ? `${file.unit} ${Math.floor(xM / BLOCK_M)}_${Math.floor(-yM / BLOCK_M)}` : file.unit), of = { picture: file.name, unit: file.unit, strata: file.strata };
  if (reference.kind === 'mask') {
    if (card.task !== 'segment') throw new InvalidInput(`${file.reference}: is a mask, ${card.name} gives ${card.task === 'detect' ? 'boxes' : 'points'}; references of points or boxes (CSV) score it`, { source: file.reference! });
    scenes.masks.push({ ...of, ...maskScene(seen, reference.mask, picture, gsdM, card) });
    return;
  }
  const points = reference.kind === 'points' ? reference.points : reference.boxes.map(middleOf), scene = { picture: file.name, strata: file.strata, unitAt };
  scenes.points.push({ ...scene, found: seen.points ?? [], reference: points });
  scenes.counts.push({ ...of, measured: points.length, estimated: seen.count });
  if (reference.kind === 'boxes' && card.task !== 'density') scenes.boxes.push({ ...scene, found: seen.boxes, reference: reference.boxes });
}

const middleOf = ({ x0, y0, x1, y1 }: Box): Place => ({ xM: (x0 + x1) / 2, yM: (y0 + y1) / 2 });

/** A reference without the trees on void pixels; one on the very edge, or beyond, counts by the nearest pixel. */
function onData(reference: PictureReference, { width, height, mask }: Picture, gsdM: number, outside: Tally['outside']): PictureReference {
  const isSeen = ({ xM, yM }: Place): boolean => {
    const col = Math.min(width - 1, Math.max(0, Math.floor(xM / gsdM))), row = Math.min(height - 1, Math.max(0, Math.floor(-yM / gsdM))), valid = mask[row * width + col] === 1;
    outside.all++;
    if (!valid) outside.trees++;
    return valid;
  };
  if (reference.kind === 'mask') return reference;
  return reference.kind === 'points' ? { ...reference, points: reference.points.filter(isSeen) } : { ...reference, boxes: reference.boxes.filter((box) => isSeen(middleOf(box))) };
}

function rowsOf({ points, counts, boxes, masks, classes }: Scenes, card: ModelCard, reference: string, radiiM: readonly number[], notes: string[]): PictureRow[] {
  const rows: PictureRow[] = [], add = (of: ScoredKind, scores: readonly Score[]): void => {
    const difference = greedyDifference(scores);
    if (difference !== null) notes.push(`${of}: ${difference}`);
    for (const score of scores) rows.push({ reference, of, ...score, value: round6(score.value), lo: round6(score.lo), hi: round6(score.hi) });
  };
  if (boxes.length > 0) add('boxes', scoreBoxes(boxes, { minIou: BOX_IOU, threshold: scoreThreshold(card) }));
  if (points.length > 0) for (const radiusM of radiiM) add('points', scorePoints(points, radiusM));
  if (counts.length > 0) add('counts', scoreCounts(counts));
  if (masks.length > 0) add('masks', scoreMasks(masks, { minAreaM2: 'min_area_m2' in card.post ? card.post.min_area_m2 : 0 }));
  if (classes.length > 0 && card.task === 'classify') add('classes', scoreClasses(classes, [...new Set(card.post.classes.map((name) => card.post.map[name] ?? name))]));
  if (rows.length === 0) throw new ModelError(`${card.name}: no figure could be made of ${reference}`, { source: card.name });
  return rows;
}

const round6 = (value: number | null): number | null => (value === null ? null : roundTo(value, 6));
