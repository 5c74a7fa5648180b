// measure/allometry/chave-2014.ts: biomass of tropical trees from stem diameter, wood density and height, Chave et al. 2014. Pure.
import type { Equation, EquationSet } from './equation.ts';

const PAPER = 'Chave et al. 2014, Global Change Biology 20:3177-3190, doi:10.1111/gcb.12629';

const withHeight: Equation = {
  id: 'chave-2014',
  gives: 'agb_kg',
  group: null,
  needs: ['dbhCm', 'heightM', 'woodDensity'],
  range: { dbhCm: [5, 180], heightM: [2, 61], woodDensity: [0.15, 1.1] },
  sigma: 0.31,
  tau: 0.19,
  squareFactor: null,
  source: `${PAPER}; errors measured on 3,331 trees cut and weighed at 49 localities of the tropics, most of them in the paper's own fit`,
  dbhExponent: 2 * 0.976,
  onDbh: null,
  apply: ({ dbhCm, heightM, woodDensity }) => 0.0673 * (woodDensity * heightM * dbhCm ** 2) ** 0.976,
};

/**
 * The equation for trees without a height. Its exponent of D falls from 2.65 at 5 cm to 2.37 at 100 cm; 2.5 is its value at 25 cm.
 *
 * @param stress  the paper's environmental stress E of the place, about -0.2 (wet) to 1 (dry)
 */
const withoutHeight = (stress: number): Equation => ({
  ...withHeight,
  id: 'chave-2014/no-height',
  needs: ['dbhCm', 'woodDensity'],
  range: { dbhCm: [5, 180], woodDensity: [0.15, 1.1] },
  sigma: null,
  tau: null,
  source: `${PAPER}, with environmental stress E = ${stress}; errors not measured here`,
  dbhExponent: 2.5,
  apply: ({ dbhCm, woodDensity }) =>
    Math.exp(-2.023977 - 0.89563505 * stress + 0.92023559 * Math.log(woodDensity) + 2.79495823 * Math.log(dbhCm) - 0.04606298 * Math.log(dbhCm) ** 2),
});

export const chave2014: EquationSet[] = [{ name: 'chave-2014', gives: 'agb_kg', equations: [withHeight] }];

/** The same for a place whose stress is known. */
export const chaveWithoutHeight = (stress: number): EquationSet[] => [{ name: 'chave-2014/no-height', gives: 'agb_kg', equations: [withoutHeight(stress)] }];
