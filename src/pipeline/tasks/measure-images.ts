// pipeline/tasks/measure-images.ts: what models see near a tile as trees, and what they say of the crowns that LiDAR found. IO.
import type { Box, Crown, Polygon, Tile, TreeStatus } from '../../types.ts';
import { crownOver } from '../../fuse/covered-trees.ts';
import { deadFractions, deadHaloM } from '../../fuse/dead-crowns.ts';
import { matchTrees } from '../../fuse/match-trees.ts';
import { objectsOfMap } from '../../fuse/objects.ts';
import { sameTrees } from '../../fuse/same-trees.ts';
import { suppress } from '../../fuse/suppress.ts';
import { growBox, holdsPoint } from '../../geo/box.ts';
import { polygonAreaM2 } from '../../geo/polygon.ts';
import type { ImageBox } from '../../infer/boxes.ts';
import { densityPeaks } from '../../infer/density-map.ts';
import { nothingSeen } from '../../measure/tree.ts';
import type { SeenTree, TreeVerdict } from '../../measure/tree.ts';
import { readPartTable } from '../../store/part-tables.ts';
import { fuseReachM, givesTrees, isDead, matchRadiusM, objectReachM } from '../image-reach.ts';
import { mapLatticeOf } from '../models.ts';
import { canopyLattice } from '../plan.ts';
import { networkOf } from '../plan-models.ts';
import type { SurveyModel } from '../survey.ts';
import type { TaskCall } from './context.ts';
import type { Canopy } from './measure-inputs.ts';
import { readModelMap } from './measure-inputs.ts';
import { partOf } from './part-of.ts';

export interface FusedImages {
  /** by the crowns' order */
  verdicts: TreeVerdict[];
  /** trees of the core that no LiDAR tree is */
  unmatched: SeenTree[];
}

/**
 * Fuse what the models see with the crowns of a core.
 *
 * A detection and a crown are one tree if each is the other's best (`matchTrees`); an object of a map of dead wood is the tree of the crown
 * that covers its middle. What is left becomes trees of the model's name, one where several models see one (`sameTrees`). A classifier's word on a crown counts
 * before that of a map of dead wood.
 *
 * @param crowns  of the core: those whose verdicts come back
 * @param hidden  of the core, not reported: they are trees all the same, as are those of the tiles around
 */
export async function fuseImages(call: TaskCall, tile: Tile, { crowns, hidden }: Pick<Canopy, 'crowns' | 'hidden'>): Promise<FusedImages> {
  const { plan: { survey, job } } = call, around = growBox(tile.core, fuseReachM(survey, job));
  const verdicts = crowns.map(nothingSeen), sightings: Sighting[] = [];
  const lidar = survey.models.some(givesTrees) ? [...crowns, ...hidden, ...(await neighbourCrowns(call, tile, around))] : [];
  for (const [index, model] of survey.models.entries()) {
    if (model.card.task === 'classify') await classified(call, model, crowns, verdicts);
    if (!givesTrees(model)) continue;
    const trees = await treesSeen(call, model, index, around), radiusM = matchRadiusM(model);
    if (isDead(model.card)) {
      await markDead(call, model, index, tile, crowns, verdicts);
      const over = crownOver(lidar.map(({ polygon }) => polygon), trees.map(({ middle }) => middle)); // a peak may lie on the edge of a plateau
      for (const l of new Set(over)) verdicts[l]?.seenBy.push(model.name);
      sightings.push({ trees, radiusM, isTaken: (i) => over[i]! >= 0 });
      continue;
    }
    const pairs = matchTrees(lidar, trees.map(placeOf), radiusM), taken = new Set<number>();
    pairs.forEach((i, l) => {
      if (i < 0) return;
      taken.add(i);
      if (l >= crowns.length) return;
      verdicts[l]!.confidence ??= trees[i]!.score;
      verdicts[l]!.seenBy.push(model.name);
    });
    sightings.push({ trees, radiusM, isTaken: (i) => taken.has(i) });
  }
  return { verdicts, unmatched: oneRowEach(sightings).filter(({ xM, yM }) => holdsPoint(tile.core, xM, yM)) };
}

/** What one model sees near a tile, and which of it is LiDAR's. */
interface Sighting {
  trees: readonly SeenObject[];
  radiusM: number;
  isTaken: (index: number) => boolean;
}

const placeOf = ({ xM, yM }: SeenTree) => ({ xM, yM, heightM: null });

/** Each tree that no LiDAR tree is, once: as the first model sees it, with what it does not say (score, crown, status) from the next that does. */
function oneRowEach(sightings: readonly Sighting[]): SeenTree[] {
  const owners = sameTrees(sightings.map(({ trees, ...rest }) => ({ ...rest, trees: trees.map(placeOf) }))).flatMap((own) => [...own]), all = sightings.flatMap(({ trees }) => trees), rows = new Map<number, SeenTree>();
  all.forEach(({ middle: _, ...tree }, i) => {
    const row = rows.get(owners[i]!);
    if (owners[i] === i) rows.set(i, { ...tree });
    else if (row) addSighting(row, tree);
  });
  return [...rows.values()];
}

function addSighting(row: SeenTree, { source, score, polygon, areaM2, status }: SeenTree): void {
  row.seenBy = [...row.seenBy, source];
  row.score ??= score;
  if (row.status === 'unknown') row.status = status;
  if (row.polygon === null) Object.assign(row, { polygon, areaM2 });
}

/** A tree that a model sees, with the middle of its object. */
type SeenObject = SeenTree & { middle: [number, number] };

/** Crowns of other tiles near enough to enter into a match. */
async function neighbourCrowns(call: TaskCall, tile: Tile, around: Box): Promise<Crown[]> {
  const { task, tasks } = call, others = task.needs.map((key) => tasks.get(key)!).filter(({ kind, unit }) => kind === 'canopy' && 'tile' in unit && unit.tile !== tile.id);
  const found = await Promise.all(others.map((other) => partOf(call, other))), crowns = await Promise.all(found.map(({ part }) => (part ? readPartTable<Crown>(part, 'crown') : [])));
  return crowns.flat().filter(({ xM, yM }) => holdsPoint(around, xM, yM));
}

/** The trees that a model sees in a box, half-open. */
async function treesSeen(call: TaskCall, model: SurveyModel, index: number, box: Box): Promise<SeenObject[]> {
  const { card, name } = model, wide = growBox(box, objectReachM(model)), inBox = ({ xM, yM }: { xM: number; yM: number }) => holdsPoint(box, xM, yM);
  if (card.task === 'density') {
    const heat = card.outputs.find(({ variable }) => variable === 'heat') ?? card.outputs[0]!, { raster } = await readModelMap(call, index, heat.variable, wide);
    const peaks = densityPeaks(raster, { peakThreshold: card.post.peak_threshold, peakRadiusM: card.post.peak_radius_m });
    return peaks.filter(inBox).map(({ xM, yM, value }) => ({ source: name, seenBy: [], xM, yM, middle: [xM, yM], score: heat.variable === 'heat' ? value : null, polygon: null, areaM2: null, status: 'unknown' }));
  }
  if (card.task === 'segment' && card.post.objects === 'climb') {
    const { raster } = await readModelMap(call, index, card.outputs[0]!.variable, wide), status = isDead(card) ? 'dead' : 'unknown';
    return objectsOfMap(raster, card.post, box).map(({ xM, yM, middleXM, middleYM, meanProbability, polygon, areaM2 }) => ({ source: name, seenBy: [], xM, yM, middle: [middleXM, middleYM], score: meanProbability, polygon, areaM2, status }));
  }
  if (card.task !== 'detect' && card.task !== 'segment') return [];
  const boxes = (await readBoxes(call, index)).filter(({ xM, yM }) => holdsPoint(wide, xM, yM)), kept = suppress(boxes, 'max_overlap' in card.post ? card.post.max_overlap : 1);
  const trees = card.task === 'detect' && card.post.tree_classes ? new Set(card.post.tree_classes) : null;
  return boxes.filter((each, i) => kept[i] && inBox(each) && (trees === null || trees.has(each.classIndex))).map((each) => boxTree(each, name, isDead(card) ? 'dead' : 'unknown'));
}

async function readBoxes(call: TaskCall, index: number): Promise<ImageBox[]> {
  const { plan: { survey }, task, tasks } = call, network = networkOf(survey, index);
  const blocks = task.needs.map((key) => tasks.get(key)!).filter(({ unit }) => 'block' in unit && unit.model === network), found = await Promise.all(blocks.map((block) => partOf(call, block)));
  return (await Promise.all(found.map(({ part }) => (part ? readPartTable<ImageBox>(part, 'image_box') : [])))).flat();
}

/** A box's crown is the ellipse in it; its outline is the box. */
function boxTree({ xM, yM, x0M, y0M, x1M, y1M, score, polygon }: ImageBox, source: string, status: TreeStatus): SeenObject {
  const outline: Polygon = polygon ?? [[[x0M, y0M], [x1M, y0M], [x1M, y1M], [x0M, y1M], [x0M, y0M]]];
  return { source, seenBy: [], xM, yM, middle: [xM, yM], score, polygon: outline, areaM2: polygon ? polygonAreaM2([polygon]) : (Math.PI / 4) * (x1M - x0M) * (y1M - y0M), status };
}

async function markDead(call: TaskCall, model: SurveyModel, index: number, tile: Tile, crowns: readonly Crown[], verdicts: readonly TreeVerdict[]): Promise<void> {
  const { card } = model, { plan: { survey, job } } = call, lattice = canopyLattice(job, survey);
  if (card.task !== 'segment' || card.post.objects !== 'climb' || crowns.length === 0) return;
  const { raster } = await readModelMap(call, index, card.outputs[0]!.variable, growBox(tile.core, deadHaloM(job.crowns.max_radius_m, lattice.resM, mapLatticeOf(model).resM)));
  deadFractions(crowns, lattice, raster, { threshold: card.post.threshold }).forEach(({ deadFraction, status }, i) => {
    const verdict = verdicts[i]!;
    verdict.deadFraction = deadFraction;
    if (verdict.status === 'unknown') verdict.status = status;
  });
}

interface ClassRow {
  col: number;
  row: number;
  class: string;
  probability: number;
}

/** Take a classifier's word on the crowns that it saw; only that of a primary model. */
async function classified(call: TaskCall, { name, card, primary }: SurveyModel, crowns: readonly Crown[], verdicts: readonly TreeVerdict[]): Promise<void> {
  const { plan: { survey }, task, tasks } = call;
  if (card.task !== 'classify' || !primary) return;
  const own = task.needs.map((key) => tasks.get(key)!).find(({ unit }) => 'model' in unit && 'tile' in unit && unit.model === networkOf(survey, survey.models.findIndex((model) => model.name === name))), { part } = own ? await partOf(call, own) : { part: null };
  const rows = new Map((part ? await readPartTable<ClassRow>(part, 'crown_class') : []).map((row) => [`${row.col} ${row.row}`, row]));
  crowns.forEach(({ col, row }, i) => {
    const found = rows.get(`${col} ${row}`), value = found && found.probability >= card.post.min_probability ? card.post.map[found.class] ?? found.class : null, verdict = verdicts[i]!;
    if (card.post.gives === 'status' && (value === 'alive' || value === 'dead')) verdict.status = value;
    if (card.post.gives === 'species_group' && (value === 'gymnosperm' || value === 'angiosperm')) verdict.speciesGroup = value;
  });
}
