// cloud/select.ts: some of the points, in their order. Pure.
import type { Box, Points } from '../types.ts';
import { toUnits } from '../geo/units.ts';

/** Points whose `keep` is 1. @param keep one byte a point */
export function selectPoints(points: Points, keep: Uint8Array): Points {
  let count = 0;
  for (let i = 0; i < points.count; i++) count += keep[i]!;
  if (count === points.count) return points;
  const out: Points = {
    count,
    x: new Float64Array(count), y: new Float64Array(count), z: new Float64Array(count),
    intensity: new Uint16Array(count), returnNumber: new Uint8Array(count), returnCount: new Uint8Array(count), classification: new Uint8Array(count),
  };
  for (let i = 0, at = 0; i < points.count; i++) {
    if (!keep[i]) continue;
    out.x[at] = points.x[i]!;
    out.y[at] = points.y[i]!;
    out.z[at] = points.z[i]!;
    out.intensity[at] = points.intensity[i]!;
    out.returnNumber[at] = points.returnNumber[i]!;
    out.returnCount[at] = points.returnCount[i]!;
    out.classification[at] = points.classification[i]!;
    at++;
  }
  return out;
}

/** The values of a column of bytes that belong to the points whose `keep` is 1. */
export function selectBytes(bytes: Uint8Array, keep: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let count = 0;
  for (let i = 0; i < bytes.length; i++) if (keep[i]) out[count++] = bytes[i]!;
  return out.subarray(0, count);
}

/** 1 for each point of a half-open box. */
export function insideBox(points: Points, box: Box): Uint8Array {
  const x0 = toUnits(box.x0), y0 = toUnits(box.y0), x1 = toUnits(box.x1), y1 = toUnits(box.y1);
  const inside = new Uint8Array(points.count);
  for (let i = 0; i < points.count; i++) {
    const x = points.x[i]!, y = points.y[i]!;
    if (x >= x0 && x < x1 && y >= y0 && y < y1) inside[i] = 1;
  }
  return inside;
}
