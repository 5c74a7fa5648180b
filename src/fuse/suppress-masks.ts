// fuse/suppress-masks.ts: how far two outlines along pixel edges overlap: exact, in whole square units. Pure.
import { InvalidInput } from '../errors.ts';
import { toUnits } from '../geo/units.ts';
import type { Polygon } from '../types.ts';

/** What lies inside an outline between two levels of y: spans of x, in units of 1e-5 m. */
interface Band {
  low: number;
  high: number;
  /** from, to, from, to ... ascending */
  spans: number[];
}

/** A polygon as its overlaps need it: made once, however many others it is compared with. */
export interface Outline {
  /** from south to north */
  bands: readonly Band[];
  /** square units */
  area: number;
}

/** The outline of a polygon whose edges run along the axes, as those of masks do. @throws {InvalidInput} when an edge is slanted */
export function outlineOf(polygon: Polygon): Outline {
  const bands = bandsOf(polygon);
  return { bands, area: areaOf(bands) };
}

/** Intersection over union of two outlines. Areas are whole square units: exact, whatever the order, up to 900 km2. */
export function outlineOverlap(a: Outline, b: Outline): number {
  const both = commonArea(a.bands, b.bands);
  return both === 0 ? 0 : both / (a.area + b.area - both);
}

/** Bands of a polygon from south to north: between two neighbouring levels of its vertices its spans are the same. */
function bandsOf(polygon: Polygon): Band[] {
  const edges: { x: number; low: number; high: number }[] = [], levels = new Set<number>();
  for (const ring of polygon) {
    for (let i = 1; i < ring.length; i++) {
      const ax = toUnits(ring[i - 1]![0]), ay = toUnits(ring[i - 1]![1]), bx = toUnits(ring[i]![0]), by = toUnits(ring[i]![1]);
      if (ax !== bx && ay !== by) throw new InvalidInput(`an outline has an edge from ${ring[i - 1]!.join(' ')} to ${ring[i]!.join(' ')}, which runs along no axis; give outlines along pixel edges, not simplified`);
      levels.add(by);
      if (ay !== by) edges.push({ x: ax, low: Math.min(ay, by), high: Math.max(ay, by) });
    }
  }
  const sorted = [...levels].sort((p, q) => p - q);
  return sorted.slice(1).map((high, k) => {
    const low = sorted[k]!;
    return { low, high, spans: edges.filter((edge) => edge.low <= low && edge.high >= high).map(({ x }) => x).sort((p, q) => p - q) };
  });
}

const areaOf = (bands: readonly Band[]): number => bands.reduce((sum, band) => sum + (band.high - band.low) * commonLength(band.spans, band.spans), 0);

function commonArea(a: readonly Band[], b: readonly Band[]): number {
  let area = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const p = a[i]!, q = b[j]!, height = Math.min(p.high, q.high) - Math.max(p.low, q.low);
    if (height > 0) area += height * commonLength(p.spans, q.spans);
    if (p.high <= q.high) i++;
    else j++;
  }
  return area;
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  for (let i = 0, j = 0; i + 1 < a.length && j + 1 < b.length; ) {
    length += Math.max(0, Math.min(a[i + 1]!, b[j + 1]!) - Math.max(a[i]!, b[j]!));
    if (a[i + 1]! <= b[j + 1]!) i += 2;
    else j += 2;
  }
  return length;
}
