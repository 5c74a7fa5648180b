// evaluate/pair-tally.ts: sums over places of what was found, what is there and what pairs, and the shares made of them. Pure.
import { ratio, sumsOf } from './figures.ts';
import type { Figure, TallyRow } from './figures.ts';
import type { Candidate } from './pairs.ts';

/** A place, metres: in a picture x to the right and y upward from its upper left corner, in a survey those of its CRS. */
export interface Place {
  xM: number;
  yM: number;
}

/** What was looked at as one: a picture, or a survey's ground. */
export interface Scene {
  /** name of the picture */
  picture: string;
  /** what is resampled as a whole: the picture's place, or the block of a place in it */
  unitAt: (place: Place) => string;
  strata: readonly string[];
}

/** Things found, those of the reference, and who is who: by the optimal assignment, and greedily. */
export interface PairedThings {
  found: readonly Place[];
  reference: readonly Place[];
  optimal: readonly Candidate[];
  greedy: readonly Candidate[];
  /** what an optimal pair adds to `merit`: its overlap, the square of its distance ... */
  meritOf: (pair: Candidate) => number;
}

const PAIRS = 0, GREEDY = 1, FOUND = 2, REFERENCE = 3, MERIT = 4, LENGTH = 5;

/** Sums of a scene by unit: a pair counts in the unit of its reference, a false one in its own. */
export function tallyPairs({ picture, strata, unitAt }: Scene, { found, reference, optimal, greedy, meritOf }: PairedThings): TallyRow[] {
  const units = new Map<string, Float64Array>(), sumsAt = (place: Place): Float64Array => sumsOf(units, unitAt(place), LENGTH);
  if (found.length + reference.length === 0) sumsAt({ xM: 0, yM: 0 }); // an empty picture is one of those resampled
  for (const place of found) sumsAt(place)[FOUND]! += 1;
  for (const place of reference) sumsAt(place)[REFERENCE]! += 1;
  for (const pair of optimal) {
    const sums = sumsAt(reference[pair.reference]!);
    sums[PAIRS]! += 1;
    sums[MERIT]! += meritOf(pair);
  }
  for (const pair of greedy) sumsAt(reference[pair.reference]!)[GREEDY]! += 1;
  return [...units].map(([unit, sums]) => ({ picture, unit, strata, sums }));
}

/**
 * Figures of `tallyPairs`: with n pairs precision = n / found, recall = n / reference, F1 = 2 n / (found + reference), of the optimal assignment;
 * `f1_greedy` of greedy pairs; and the mean of `merit` over the optimal ones.
 *
 * @param at  ends each metric: `_at_6m`
 */
export const pairFigures = (at: string, merit: { metric: string; value: (mean: number | null) => number | null }): Figure[] => [
  { metric: `precision${at}`, value: (s) => ratio(s[PAIRS]!, s[FOUND]!), n: (s) => s[FOUND]! },
  { metric: `recall${at}`, value: (s) => ratio(s[PAIRS]!, s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: `f1${at}`, value: (s) => ratio(2 * s[PAIRS]!, s[FOUND]! + s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: `f1_greedy${at}`, value: (s) => ratio(2 * s[GREEDY]!, s[FOUND]! + s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: `${merit.metric}${at}`, value: (s) => merit.value(ratio(s[MERIT]!, s[PAIRS]!)), n: (s) => s[PAIRS]! },
];
