// measure/allometry/chojnacky-2014.ts: biomass of North American taxa from stem diameter, Chojnacky et al. 2014. Pure.
import type { SpeciesGroup } from '../../types.ts';
import type { Equation, EquationSet } from './equation.ts';

const PAPER = 'Chojnacky, Heath & Jenkins 2014, Forestry 87:129-151, doi:10.1093/forestry/cpt053';

/**
 * ln kg = b0 + b1 ln D cm, by taxon; classes of green specific gravity (spg): light < medium < dense < very-dense.
 * Woodland forms, which take the diameter at the root collar, are left out: no such diameter is known here.
 */
const CONIFERS: Record<string, [b0: number, b1: number, spg?: string]> = {
  'abies-light': [-2.3123, 2.3482, '< 0.35'],
  'abies-dense': [-3.1774, 2.6426, '>= 0.35'],
  'cupressaceae-light': [-1.9615, 2.1063, '< 0.30'],
  'cupressaceae-medium': [-2.7765, 2.4195, '0.30-0.39'],
  'cupressaceae-dense': [-2.6327, 2.4757, '>= 0.40'],
  larix: [-2.3012, 2.3853],
  'picea-light': [-3.03, 2.5567, '< 0.35'],
  'picea-dense': [-2.1364, 2.3233, '>= 0.35'],
  'pinus-light': [-2.6177, 2.4638, '< 0.45'],
  'pinus-dense': [-3.0506, 2.6465, '>= 0.45'],
  pseudotsuga: [-2.4623, 2.4852],
  'tsuga-light': [-2.348, 2.3876, '< 0.40'],
  'tsuga-dense': [-2.9208, 2.5697, '>= 0.40'],
};

const BROADLEAVES: Record<string, [b0: number, b1: number, spg?: string]> = {
  'aceraceae-light': [-2.047, 2.3852, '< 0.50'],
  'aceraceae-dense': [-1.8011, 2.3852, '>= 0.50'],
  'betulaceae-light': [-2.5932, 2.5349, '< 0.40'],
  'betulaceae-medium': [-2.2271, 2.4513, '0.40-0.49'],
  'betulaceae-dense': [-1.8096, 2.348, '0.50-0.59'],
  'betulaceae-very-dense': [-2.2652, 2.5349, '>= 0.60'],
  'cornaceae-ulmaceae': [-2.2118, 2.4133],
  'fabaceae-juglandaceae': [-2.5095, 2.5437],
  'fabaceae-juglandaceae-carya': [-2.5095, 2.6175],
  'fagaceae-deciduous': [-2.0705, 2.441],
  'fagaceae-evergreen': [-2.2198, 2.441],
  hamamelidaceae: [-2.639, 2.5466],
  'hippocastanaceae-tiliaceae': [-2.4108, 2.4177],
  magnoliaceae: [-2.5497, 2.5011],
  'oleaceae-light': [-2.0314, 2.3524, '< 0.55'],
  'oleaceae-dense': [-1.8384, 2.3524, '>= 0.55'],
  'salicaceae-light': [-2.6863, 2.4561, '< 0.35'],
  'salicaceae-dense': [-2.4441, 2.4561, '>= 0.35'],
};

function setOf(group: SpeciesGroup, taxon: string, [b0, b1, spg]: [number, number, string?]): EquationSet {
  const equation: Equation = {
    id: `chojnacky-2014/${taxon}`, gives: 'agb_kg', group: null, needs: ['dbhCm'], range: { dbhCm: [2.5, Infinity] }, sigma: null, tau: null, squareFactor: null,
    source: `${PAPER}, ${group} taxon ${taxon}${spg ? ` (specific gravity ${spg})` : ''}; errors of one tree and between places not known here`,
    dbhExponent: b1, onDbh: null, apply: ({ dbhCm }) => Math.exp(b0 + b1 * Math.log(dbhCm)),
  };
  return { name: equation.id, gives: 'agb_kg', equations: [equation] };
}

export const chojnacky2014: EquationSet[] = [
  ...Object.entries(CONIFERS).map(([taxon, row]) => setOf('gymnosperm', taxon, row)),
  ...Object.entries(BROADLEAVES).map(([taxon, row]) => setOf('angiosperm', taxon, row)),
];
