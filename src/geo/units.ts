// geo/units.ts: coordinates as integers of 1e-5 m, so that geometry and lattice indices are exact. Pure.

/** Integer coordinate units in a metre. 1e7 m is 1e12 units, far below 2^53. */
export const UNITS_PER_M = 100_000;

/** Metres to the nearest integer of 1e-5 m. */
export const toUnits = (metres: number): number => Math.round(metres * UNITS_PER_M);

/** Integer of 1e-5 m to metres: one division, so the same integer always gives the same double. */
export const toMetres = (units: number): number => units / UNITS_PER_M;

/** Round to `decimals` places, so that a stored float does not depend on how it was summed. */
export function roundTo(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}
