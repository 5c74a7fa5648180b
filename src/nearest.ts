// nearest.ts: the known word that a wrong one is nearest to. Pure.

/** "; did you mean size_m?" for the nearest word, or the words there are; '' where there are none. */
export function nearestHint(word: string, known: readonly string[]): string {
  const best = nearest(word, known);
  if (best !== null) return `; did you mean ${best}?`;
  return known.length === 0 ? '' : `; known here: ${[...new Set(known)].sort().join(', ')}`;
}

/** The nearest word within a third of the letters (two at least, one of a short word), or null; capitals do not count. */
export function nearest(word: string, known: readonly string[]): string | null {
  const [best] = [...new Set(known)].map((candidate) => ({ candidate, edits: editDistance(word.toLowerCase(), candidate.toLowerCase()) })).sort((a, b) => a.edits - b.edits);
  return best && best.edits <= Math.max(word.length < 4 ? 1 : 2, Math.ceil(word.length / 3)) ? best.candidate : null;
}

/** Levenshtein's distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
