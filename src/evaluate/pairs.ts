// evaluate/pairs.ts: found things paired one to one with reference things: the most pairs there are, or greedily. Pure.
import { assign } from './match-trees.ts';

/** A possible pair, by indices of what was found and of the reference. */
export interface Candidate {
  found: number;
  reference: number;
  /** 0 for a perfect pair, 1 at the limit of what may pair */
  loss: number;
}

/**
 * The most pairs there are, one to one, and of equally many those of the least loss in all: the optimal assignment of the field.
 *
 * It may part a near pair to win one more. (`matchTrees`, for surveys, does not: there a pair at the limit is worth next to nothing.)
 *
 * @param candidates  in any order; a pair that is not among them cannot come out
 * @returns pairs by found, then reference
 */
export function mostPairs(candidates: readonly Candidate[], foundCount: number, referenceCount: number): Candidate[] {
  const sorted = candidates.toSorted(byIndex), start = new Int32Array(foundCount + 1), column: number[] = [], gain: number[] = [];
  const weight = 1 / (Math.min(foundCount, referenceCount) + 1); // all losses together weigh less than one pair
  for (const { found, reference, loss } of sorted) {
    column.push(reference);
    gain.push(1 - weight * loss);
    start[found + 1] = column.length;
  }
  for (let i = 1; i <= foundCount; i++) start[i] = Math.max(start[i]!, start[i - 1]!);
  const rowOf = assign({ start, column, gain }, foundCount, referenceCount);
  return sorted.filter(({ found, reference }) => rowOf[reference] === found);
}

/** Pairs taken greedily: the one of the least loss first (of equal ones that of the earlier found, then reference), then the next whose sides are both free. */
export const greedyPairs = (candidates: readonly Candidate[]): Candidate[] => taken(candidates.toSorted((a, b) => a.loss - b.loss || byIndex(a, b)));

/** Pairs as detectors are scored: each found thing in its order takes the free reference of the least loss. */
export const pairsInOrder = (candidates: readonly Candidate[]): Candidate[] => taken(candidates.toSorted((a, b) => a.found - b.found || a.loss - b.loss || a.reference - b.reference));

function taken(sorted: readonly Candidate[]): Candidate[] {
  const found = new Set<number>(), reference = new Set<number>();
  return sorted.filter((pair) => {
    if (found.has(pair.found) || reference.has(pair.reference)) return false;
    found.add(pair.found);
    reference.add(pair.reference);
    return true;
  });
}

const byIndex = (a: Candidate, b: Candidate): number => a.found - b.found || a.reference - b.reference;
