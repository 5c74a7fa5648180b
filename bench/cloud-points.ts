// bench/cloud-points.ts: real point clouds as columns, for benchmarks and for tests that skip without them. IO.
import { existsSync } from 'node:fs';
import { openFile } from '../src/files/byte-source.ts';
import { planCoordinates } from '../src/ingest/coordinates.ts';
import { openPointFile } from '../src/ingest/point-reader.ts';
import type { Points } from '../src/types.ts';

/** The folder of real clouds beside the project, or null where it is not at hand. */
export function lidarFolder(): URL | null {
  const folder = new URL('../../shared/data/lidar/', import.meta.url);
  return existsSync(folder) ? folder : null;
}

/** Decode files whole into columns in integers of 1e-5 m. */
export async function loadPoints(files: readonly string[]): Promise<Points> {
  const parts: Points[] = [];
  for (const file of files) {
    const source = await openFile(file);
    const reader = await openPointFile(source);
    const { toX, toY, toZ } = planCoordinates(reader.header);
    for await (const raw of reader.chunks()) {
      const { intensity, returnNumber, returnCount, classification } = raw;
      parts.push({
        count: raw.count, x: Float64Array.from(raw.x, toX), y: Float64Array.from(raw.y, toY), z: Float64Array.from(raw.z, toZ), intensity: intensity.slice(),
        returnNumber: returnNumber.slice(), returnCount: returnCount.slice(), classification: classification.slice(),
      });
    }
    await source.close();
  }
  return joinPoints(parts);
}

function joinPoints(parts: readonly Points[]): Points {
  const count = parts.reduce((n, p) => n + p.count, 0);
  const out: Points = {
    count, x: new Float64Array(count), y: new Float64Array(count), z: new Float64Array(count), intensity: new Uint16Array(count),
    returnNumber: new Uint8Array(count), returnCount: new Uint8Array(count), classification: new Uint8Array(count),
  };
  let at = 0;
  for (const p of parts) {
    for (const name of ['x', 'y', 'z', 'intensity', 'returnNumber', 'returnCount', 'classification'] as const) out[name].set(p[name], at);
    at += p.count;
  }
  return out;
}
