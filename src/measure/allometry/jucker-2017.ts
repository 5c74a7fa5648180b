// measure/allometry/jucker-2017.ts: stem diameter and biomass from height and crown diameter, Jucker et al. 2017. Pure.
import type { SpeciesGroup } from '../../types.ts';
import type { Equation, EquationSet } from './equation.ts';

const PAPER = 'Jucker et al. 2017, Global Change Biology 23:177-190, doi:10.1111/gcb.13388';
const NEON = 'live NEON stems with D >= 10 cm and H >= 3 m';

const SIZE = ['heightM', 'crownDiameterM'] as const;

/** Where 99.8 % of the NEON stems lie that errors were measured on: the paper's own data reach further. */
const RANGE: Equation['range'] = { heightM: [3, 60], heightByDiameterM2: [9, 960] };

/**
 * 0.056 and 0.204 serve the published correction of the mean only: neither is a scatter.
 * sigma, tau and square factor of D are those of bench/allometry.ts (docs/figures/allometry.md quotes it): tau holds the equation's bias at the sites.
 */
const globalDbh: Equation = {
  id: 'jucker-2017-dbh',
  gives: 'dbh_cm',
  group: null,
  needs: SIZE,
  range: RANGE,
  sigma: 0.3,
  tau: 0.59,
  squareFactor: 1.02,
  source: `${PAPER}; errors measured on 4,167 ${NEON} at 30 sites, crown diameter of the circle of equal area`,
  dbhExponent: null,
  onDbh: null,
  apply: ({ heightM, crownDiameterM }) => 0.557 * (heightM * crownDiameterM) ** 0.809 * Math.exp(0.056 ** 2 / 2),
};

function biomass(group: SpeciesGroup, factor: number, exponent: number): Equation {
  return {
    id: `jucker-2017-agb/${group}`,
    gives: 'agb_kg',
    group,
    needs: SIZE,
    range: RANGE,
    sigma: 0.45,
    tau: null,
    squareFactor: null,
    source: `${PAPER}; sigma assumed until the paper's own figure is seen, tau unknown`,
    dbhExponent: null,
    onDbh: null,
    apply: ({ heightM, crownDiameterM }) => factor * (heightM * crownDiameterM) ** exponent * Math.exp(0.204 ** 2 / 2),
  };
}

/** Coefficient and exponent of D by biome, angiosperm then gymnosperm; the source has no correction factor for these. */
const BIOMES: Record<string, { angiosperm?: [number, number]; gymnosperm?: [number, number] }> = {
  'afrotropic-tropical': { angiosperm: [0.428, 0.821] },
  'afrotropic-woodland': { angiosperm: [1.268, 0.75] },
  'australasia-mixed': { angiosperm: [0.769, 0.811], gymnosperm: [0.603, 0.891] },
  'australasia-woodland': { angiosperm: [0.519, 0.89] },
  'indo-malaya-tropical': { angiosperm: [0.486, 0.802] },
  'nearctic-boreal': { angiosperm: [0.286, 0.865], gymnosperm: [0.815, 0.771] },
  'nearctic-conifer': { angiosperm: [0.343, 0.844], gymnosperm: [0.589, 0.817] },
  'nearctic-mixed': { angiosperm: [0.367, 0.887], gymnosperm: [0.861, 0.755] },
  'nearctic-woodland': { angiosperm: [0.617, 0.79], gymnosperm: [1.133, 0.745] },
  'neotropic-tropical': { angiosperm: [0.591, 0.781] },
  'palearctic-boreal': { angiosperm: [0.467, 0.839], gymnosperm: [1.43, 0.649] },
  'palearctic-conifer': { angiosperm: [0.273, 0.927], gymnosperm: [0.974, 0.748] },
  'palearctic-mixed': { angiosperm: [0.694, 0.73], gymnosperm: [1.004, 0.73] },
  'palearctic-tropical': { angiosperm: [0.54, 0.791] },
  'palearctic-woodland': { angiosperm: [0.91, 0.738], gymnosperm: [1.373, 0.717] },
};

/** Errors of a biome's equation, measured where at least six sites of it are at hand. */
interface Measured { sigma: number; tau: number; squareFactor: number; on: string }

const MEASURED: Record<string, Measured> = {
  'nearctic-conifer/gymnosperm': { sigma: 0.27, tau: 0.69, squareFactor: 1.55, on: '1,070 stems at 6 sites' },
  'nearctic-mixed/angiosperm': { sigma: 0.33, tau: 0.12, squareFactor: 0.76, on: '2,074 stems at 14 sites' },
  'nearctic-mixed/gymnosperm': { sigma: 0.24, tau: 0.23, squareFactor: 0.91, on: '498 stems at 11 sites' },
};

function biomeDbh(biome: string, group: SpeciesGroup, [factor, exponent]: [number, number]): Equation {
  const { on, ...errors } = MEASURED[`${biome}/${group}`] ?? { sigma: globalDbh.sigma, tau: null, squareFactor: null, on: null };
  return {
    id: `jucker-2017-dbh/${biome}/${group}`,
    gives: 'dbh_cm',
    group,
    needs: SIZE,
    range: RANGE,
    ...errors,
    source: on === null ? `${PAPER}; sigma taken from the global equation, tau and square factor not measured for this biome` : `${PAPER}; errors measured on ${on} of NEON, live, D >= 10 cm, H >= 3 m`,
    dbhExponent: null,
    onDbh: null,
    apply: ({ heightM, crownDiameterM }) => factor * (heightM * crownDiameterM) ** exponent,
  };
}

const GROUPS = ['angiosperm', 'gymnosperm'] as const;

const biomeSets: EquationSet[] = Object.entries(BIOMES).map(([biome, pair]) => ({
  name: `jucker-2017/${biome}`,
  gives: 'dbh_cm',
  equations: GROUPS.flatMap((group) => (pair[group] ? [biomeDbh(biome, group, pair[group])] : [])),
}));

export const jucker2017: EquationSet[] = [
  { name: 'jucker-2017', gives: 'dbh_cm', equations: [globalDbh] },
  { name: 'jucker-2017', gives: 'agb_kg', equations: [biomass('gymnosperm', 0.016 + 0.093, 2.013 - 0.223), biomass('angiosperm', 0.016, 2.013)] },
  ...biomeSets,
];
