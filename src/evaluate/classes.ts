// evaluate/classes.ts: how well classes of crowns (alive, dead, a species group) agree with known ones: balanced accuracy, confusion. Pure.
import { addedUp, ratio, scoreFigures } from './figures.ts';
import type { Figure } from './figures.ts';
import type { Score } from './score.ts';

/** One crown, or the picture of one. */
export interface ClassCase {
  picture: string;
  /** the place that is resampled as a whole */
  unit: string;
  strata: readonly string[];
  /** one of `classes` */
  reference: string;
  /** one of `classes`; null: the model decided on none */
  found: string | null;
}

/**
 * Score classes.
 *
 * Balanced accuracy: the mean over the reference's classes of the share of each that is found right, so that a frequent class does not carry the score; null
 * until each class occurs. A crown on which the model decided nothing counts as wrong, in `undecided`. `confusion_alive_as_dead`: crowns that are alive, called dead.
 *
 * @param classes  names in the order of the model
 * @returns in all and by stratum
 */
export function scoreClasses(cases: readonly ClassCase[], classes: readonly string[]): Score[] {
  const wide = classes.length + 1, at = (reference: number, found: number): number => reference * wide + found;
  const rowOf = (s: Float64Array, reference: number): number => s.subarray(at(reference, 0), at(reference, wide)).reduce((a, b) => a + b, 0);
  const all = (s: Float64Array): number => s.reduce((a, b) => a + b, 0), right = (s: Float64Array): number => classes.reduce((sum, _, c) => sum + s[at(c, c)]!, 0);
  const recalls = (s: Float64Array): (number | null)[] => classes.map((_, c) => ratio(s[at(c, c)]!, rowOf(s, c)));
  const figures: Figure[] = [
    { metric: 'balanced_accuracy', value: (s) => mean(recalls(s)), n: all },
    { metric: 'accuracy', value: (s) => ratio(right(s), all(s)), n: all },
    { metric: 'undecided', value: (s) => ratio(classes.reduce((sum, _, c) => sum + s[at(c, classes.length)]!, 0), all(s)), n: all },
    ...classes.flatMap((name, c): Figure[] => [
      { metric: `recall_${name}`, value: (s) => recalls(s)[c]!, n: (s) => rowOf(s, c) },
      { metric: `precision_${name}`, value: (s) => ratio(s[at(c, c)]!, columnOf(s, c)), n: (s) => columnOf(s, c) },
    ]),
  ];
  const columnOf = (s: Float64Array, found: number): number => classes.reduce((sum, _, c) => sum + s[at(c, found)]!, 0);
  const rows = cases.map(({ picture, unit, strata, reference, found }) => {
    const sums = new Float64Array(classes.length * wide), f = found === null ? classes.length : classes.indexOf(found);
    sums[at(classes.indexOf(reference), f)] = 1;
    return { picture, unit, strata, sums };
  });
  const total = addedUp(rows.map(({ sums }) => sums)) ?? new Float64Array(classes.length * wide);
  const confusion = classes.flatMap((reference, r) => classes.map((found, f): Score => ({ stratum: 'all', metric: `confusion_${reference}_as_${found}`, value: total[at(r, f)]!, lo: null, hi: null, n: rowOf(total, r) })));
  return [...scoreFigures(rows, figures).filter(({ stratum }) => !stratum.startsWith('picture:')), ...confusion];
}

const mean = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length < values.length || known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
};
