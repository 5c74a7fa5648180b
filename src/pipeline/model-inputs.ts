// pipeline/model-inputs.ts: what a model reads: which input gives each band of its card, and on which pixels. Pure.
import type { Lattice, Window } from '../types.ts';
import { ModelError } from '../errors.ts';
import { boxOfWindow, intersectWindows, windowOfBox } from '../geo/lattice.ts';
import { SAME_GSD } from '../infer/card.ts';
import type { ModelCard } from '../infer/card.ts';
import type { ImageLayer, ModelInput, SurveyModel } from './survey.ts';

/** Something that a model may read, by its name in the job. */
export interface InputSource {
  name: string;
  roles: string[];
  /** on its own pixels */
  lattice: Lattice;
  window: Window;
  /** the files; null for what earlier tasks make */
  layer: ImageLayer | null;
  product: ModelInput['product'];
  /** true: may be resampled (`lattice: crs`), as what earlier tasks make always may */
  resamples: boolean;
  /** pixel size of the coarsest of its files, metres: what detail there is */
  gsdM: number;
  /** lay the files on pixels of this size, anchored to the CRS origin */
  layAt?(gsdM: number): ImageLayer;
}

const isOwnSize = (gsdM: number, card: ModelCard): boolean => Math.abs(gsdM / card.input.gsdM - 1) <= SAME_GSD;

/**
 * Settle what a model reads.
 *
 * Its pixels are those of its inputs where all share them and their size is within 1 % of the card's; else pixels of the card's size
 * anchored to the CRS origin, to which inputs with `lattice: crs` and what earlier tasks make are resampled.
 *
 * @throws {ModelError} naming the bands that no input gives, the one that two give, and inputs whose pixels do not fit, each with what to change
 */
export function settleInputs(card: ModelCard, sources: readonly InputSource[]): Pick<SurveyModel, 'inputs' | 'grid' | 'bands'> {
  const bands = settleBands(card, sources), lattice = settleLattice(card, sources);
  const inputs = sources.map((source): ModelInput => ({ name: source.name, roles: source.roles, product: source.product, layer: source.layer && (sameLattice(source.lattice, lattice) ? source.layer : source.layAt!(lattice.resM)) }));
  const covered = sources.map((source, i) => inputs[i]!.layer?.window ?? windowOfBox(lattice, boxOfWindow(source.lattice, source.window)));
  return { inputs, bands, grid: { lattice, window: covered.reduce(intersectWindows) } };
}

function settleBands(card: ModelCard, sources: readonly InputSource[]): SurveyModel['bands'] {
  const { bands, optionalBands } = card.input, problems: string[] = [];
  const there = sources.map(({ name, roles }) => `${name} gives ${roles.join(', ')}`).join('; ') || 'it reads no input: name one with on:';
  const settled = bands.map((band) => {
    const [role, from] = band.split('@') as [string, string | undefined];
    const givers = sources.flatMap(({ name, roles }, input) => (roles.includes(role) && (from === undefined || from === name) ? [input] : []));
    if (givers.length > 1) problems.push(`${band} is in ${givers.map((i) => sources[i]!.name).join(' and ')}: name one input on, or write ${givers.map((i) => `${role}@${sources[i]!.name}`).join(' or ')} on the card`);
    if (givers.length === 0 && !optionalBands.includes(band)) problems.push(`it needs ${band}; ${there}`);
    return givers.length === 1 ? { input: givers[0]!, role } : null;
  });
  if (problems.length > 0) throw new ModelError(`model ${card.name} does not fit its inputs: ${problems.join('; ')}`, { source: card.name, problems });
  return settled;
}

export const sameLattice = (a: Lattice, b: Lattice): boolean => a.resM === b.resM && a.x0M === b.x0M && a.y0M === b.y0M;

function settleLattice(card: ModelCard, sources: readonly InputSource[]): Lattice {
  const { gsdM: own, gsdRangeM: [low, high] } = card.input, [first] = sources;
  if (first && isOwnSize(first.lattice.resM, card) && sources.every(({ lattice }) => sameLattice(lattice, first.lattice))) return first.lattice;
  const problems = sources.flatMap(({ name, gsdM, resamples, layer }) => {
    if (layer && gsdM > high * (1 + SAME_GSD)) return [`its pixels must be ${low} to ${high} m, those of ${name} are ${gsdM} m, too coarse: use finer images, or another model`];
    if (!resamples) return [`its pixels are ${own} m${isOwnSize(gsdM, card) ? ' on one grid for all inputs' : `, those of ${name} are ${gsdM} m`}: add \`lattice: crs\` to inputs.images.${name} to have them resampled, or use another model`];
    return [];
  });
  if (problems.length > 0) throw new ModelError(`model ${card.name} does not fit its inputs: ${problems.join('; ')}`, { source: card.name, problems });
  return { resM: own, x0M: 0, y0M: 0 };
}
