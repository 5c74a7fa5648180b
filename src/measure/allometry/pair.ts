// measure/allometry/pair.ts: a biomass equation on a predicted stem diameter, as one equation with the errors of both. Pure.
import type { Equation } from './equation.ts';

/** Errors of two independent steps on the log scale; null where one is unknown. */
const together = (own: number | null, carried: number | null): number | null => (own === null || carried === null ? null : Math.hypot(own, carried));

/**
 * The pair that gives biomass where D is predicted: `chave-2014+jucker-2017-dbh`.
 * D's errors count `dbhExponent` times, since d ln AGB = exponent x d ln D; they are independent of the biomass equation's own.
 * The tree's D is put in as it is, its mean: no correction for a power of a mean is applied (docs/figures/allometry.md says how much that may be).
 *
 * @param biomass  needs dbhCm
 */
export function onPredictedDbh(biomass: Equation, dbh: Equation): Equation {
  const exponent = biomass.dbhExponent ?? 0;
  const carried = (error: number | null): number | null => error === null ? null : exponent * error;
  return {
    ...biomass,
    id: `${biomass.id}+${dbh.id}`,
    group: biomass.group ?? dbh.group,
    sigma: together(biomass.sigma, carried(dbh.sigma)),
    tau: together(biomass.tau, carried(dbh.tau)),
    source: `${biomass.source}; on D by ${dbh.id}, whose errors count ${exponent} times: ${dbh.source}`,
    onDbh: dbh.id,
  };
}
