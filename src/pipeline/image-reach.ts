// pipeline/image-reach.ts: how far measure reads around a tile to make trees of what models see, and to match them. Pure.
import { deadHaloM } from '../fuse/dead-crowns.ts';
import { matchHaloM } from '../fuse/match-trees.ts';
import { objectHaloM } from '../fuse/objects.ts';
import { sameTreeHaloM } from '../fuse/same-trees.ts';
import { suppressHaloM } from '../fuse/suppress.ts';
import { peakHaloPx } from '../infer/density-map.ts';
import { boxReachM } from '../infer/boxes.ts';
import type { AnyCard } from '../infer/card.ts';
import type { Job } from './job-schema.ts';
import { mapLatticeOf } from './models.ts';
import type { Survey, SurveyModel } from './survey.ts';

/** A map of standing dead crowns, by the name of its output: dead, dead_probability ... */
export const isDead = (card: AnyCard): boolean => card.task === 'segment' && /^dead/.test(card.outputs[0]!.variable);

/** True for a model whose points, boxes or objects become trees: image trees come from primary models only. */
export const givesTrees = ({ primary, card, grid }: SurveyModel): boolean => primary && grid !== null && (card.task === 'density' || card.task === 'detect' || card.task === 'segment');

/** Metres around a place that decide on a model's objects there. */
export function objectReachM(model: SurveyModel): number {
  const { card } = model, { resM } = mapLatticeOf(model);
  if (card.task === 'density') return (peakHaloPx(resM, card.post.peak_radius_m) + 1) * resM;
  if (card.task === 'segment' && card.post.objects === 'climb') return objectHaloM(card.post, resM) + resM;
  return suppressHaloM(card);
}

/** Two localisation errors (RMSE of a distance) hold 98 % of a density map's peaks. */
const LOCALISATIONS = 2;

/** Farthest that an object and the LiDAR tree that it is may lie apart, metres. */
export function matchRadiusM({ card }: SurveyModel): number {
  if (card.task === 'detect') return card.post.match_radius_m;
  if (card.task === 'density') return LOCALISATIONS * card.post.localisation_error_m;
  return card.task === 'segment' && card.post.objects === 'climb' ? card.post.window_m / 2 : card.task === 'segment' ? card.post.max_radius_m : 0;
}

/** How far the middle of an object may lie from the peak that owns it. */
const objectRadiusM = (card: AnyCard): number => (card.task === 'segment' ? card.post.max_radius_m : 0);

/** Metres around a tile's core within which its trees, of LiDAR and of images, must be known to match those in the core. */
export function fuseReachM({ models, canopySource }: Survey, { crowns }: Job): number {
  const trees = models.filter(givesTrees), takenM = canopySource === null ? [] : trees.map((model) => (isDead(model.card) ? crowns.max_radius_m + objectRadiusM(model.card) : matchHaloM(matchRadiusM(model))));
  return sameTreeHaloM(trees.map(matchRadiusM), Math.max(0, ...takenM));
}

/** Metres around a tile's core that measure reads of a model's blocks. */
export function readReachM(model: SurveyModel, survey: Survey, job: Job): number {
  const map = mapLatticeOf(model).resM;
  if (!givesTrees(model)) return map;
  const dead = isDead(model.card) ? deadHaloM(job.crowns.max_radius_m, survey.chm?.lattice.resM ?? job.chm.resolution_m, map) : 0;
  return Math.max(map, dead, fuseReachM(survey, job) + objectReachM(model) + boxReachM(model.card));
}

/** Source pixels around a window that resampling may touch. */
export const RESAMPLE_PX = 4;

/** How far a patch of a model reads around a pixel of its map, metres, with what resampling of its inputs touches. */
function patchReachM({ card, grid, inputs }: SurveyModel): number {
  const spanPx = card.task === 'regress-table' ? 0 : card.input.patchPx, pixels = inputs.map(({ product }) => product?.lattice.resM ?? 0);
  return spanPx * grid!.lattice.resM + RESAMPLE_PX * Math.max(grid!.lattice.resM, ...pixels);
}

/**
 * How far beyond the survey's area tasks must be made, metres, so that nothing inside depends on which tiles there are: of each model's blocks
 * for measure and for the models that read its map, and of the canopy for the match of trees and for the models that read it.
 */
export function areaReaches(survey: Survey, job: Job): { modelsM: number[]; canopyM: number } {
  const { models } = survey, modelsM = models.map((model) => (model.grid ? readReachM(model, survey, job) : 0));
  let canopyM = fuseReachM(survey, job);
  for (let i = models.length - 1; i >= 0; i--) { // a model reads only earlier ones
    const model = models[i]!;
    if (model.grid === null) continue;
    const reachM = modelsM[i]! + patchReachM(model);
    for (const { product } of model.inputs) {
      if (product?.of === 'canopy') canopyM = Math.max(canopyM, reachM);
      else if (product) modelsM[product.of] = Math.max(modelsM[product.of]!, reachM);
    }
  }
  return { modelsM, canopyM };
}
