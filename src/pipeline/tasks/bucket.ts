// pipeline/tasks/bucket.ts: a LiDAR file, decoded once, into buckets of the tile grid. IO.
import { mkdir } from 'node:fs/promises';
import type { Box } from '../../types.ts';
import { InvalidInput } from '../../errors.ts';
import { openFile } from '../../files/byte-source.ts';
import { toUnits } from '../../geo/units.ts';
import { crsFromEpsg } from '../../geo/crs.ts';
import { columnTransformer } from '../../geo/crs-columns.ts';
import { convertCoordinates, convertForeign } from '../../ingest/coordinates.ts';
import { OVERLAP, SYNTHETIC, WITHHELD } from '../../ingest/las-records.ts';
import type { PointFileHeader, RawPoints } from '../../ingest/point-reader.ts';
import { openPointFile } from '../../ingest/point-reader.ts';
import type { PartWriter } from '../../store/parts.ts';
import type { PointChunk } from '../../tile/bucket-write.ts';
import { writeBuckets } from '../../tile/bucket-write.ts';
import type { LidarFile } from '../survey.ts';
import type { Job } from '../job-schema.ts';
import type { PartNotes, TaskCall } from './context.ts';

/** More points than this outside the header's box: the header is wrong, and so is the plan. */
const MAX_OUTSIDE_SHARE = 0.001;
const GROUND = 2, LOW_NOISE = 7, HIGH_NOISE = 18;
/** Elevations that 32-bit integers of 1e-5 m hold. */
const MAX_Z = 2 ** 31 - 1;

/** The folder of the buckets inside a bucket part. */
export const BUCKETS = 'buckets';

interface Tally {
  read: number;
  /** kept returns of class 2 */
  ground: number;
  dropped: number;
  outside: number;
}

/**
 * Decode a file once and sort its points into the tiles' buckets.
 *
 * @throws {InvalidInput} when more than 0.1 % of the points lie outside the header's box
 */
export async function runBucket({ plan, task, watch }: TaskCall, writer: PartWriter): Promise<PartNotes> {
  const file = plan.survey.lidar[(task.unit as { file: number }).file]!;
  const source = await openFile(file.path), tally = { read: 0, ground: 0, dropped: 0, outside: 0 };
  try {
    const dir = writer.path(BUCKETS);
    await mkdir(dir);
    const reader = await openPointFile(source);
    const chunks = selected(reader.chunks(), converterOf(file, reader.header, plan.survey.crs.epsg), file, plan.job.inputs.lidar!.drop, tally);
    const { tiles, duplicates } = await writeBuckets(chunks, plan.job.tiles.size_m, dir);
    watch.lap('bucket');
    if (tally.outside > MAX_OUTSIDE_SHARE * tally.read) {
      throw new InvalidInput(`${file.path}: ${tally.outside} of ${tally.read} points lie outside the box of its header; repair the header (lasinfo -repair_bb, or pdal translate)`, { source: file.path });
    }
    return {
      inputs: [{ path: file.path, fingerprint: file.fingerprint, tiles: tiles.map(({ id }) => id) }],
      voids: [],
      counts: { points_read: tally.read, points_ground: tally.ground, points_dropped: tally.dropped, points_outside: tally.outside, points_duplicate: duplicates, points_kept: tiles.reduce((sum, { points }) => sum + points, 0) },
    };
  } finally {
    await source.close();
  }
}

type Convert = (raw: RawPoints) => { x: Float64Array; y: Float64Array; z: Float64Array };

/** A chunk's coordinates in the survey's CRS: exact where the file is in it, in metres; else point by point through the file's own units. */
function converterOf({ conversion }: LidarFile, header: PointFileHeader, surveyEpsg: number): Convert {
  if (conversion === null) return (raw) => convertCoordinates(raw, header);
  const { epsg, zToMetre } = conversion, transform = epsg === surveyEpsg ? null : columnTransformer(crsFromEpsg(epsg), crsFromEpsg(surveyEpsg));
  return (raw) => convertForeign(raw, header, { transform, zToMetre });
}

/** Points in the survey's units, without those that the job drops and those outside the header's box. */
async function* selected(chunks: AsyncIterable<RawPoints>, convert: Convert, { box }: LidarFile, drop: NonNullable<Job['inputs']['lidar']>['drop'], tally: Tally): AsyncGenerator<PointChunk> {
  const flagged = (drop.includes('withheld') ? WITHHELD : 0) | (drop.includes('overlap') ? OVERLAP : 0) | (drop.includes('synthetic') ? SYNTHETIC : 0);
  const noise = drop.includes('noise');
  for await (const raw of chunks) {
    const { x, y, z } = convert(raw), inside = insideOf(box); // a point without an image is NaN, and lies nowhere
    const returns = new Uint8Array(raw.count);
    let kept = 0;
    for (let i = 0; i < raw.count; i++) {
      const c = raw.classification[i]!;
      if ((raw.flags[i]! & flagged) !== 0 || (noise && (c === LOW_NOISE || c === HIGH_NOISE))) {
        tally.dropped++;
        continue;
      }
      if (!inside(x[i]!, y[i]!) || Math.abs(z[i]!) > MAX_Z) {
        tally.outside++;
        continue;
      }
      if (c === GROUND) tally.ground++;
      x[kept] = x[i]!;
      y[kept] = y[i]!;
      z[kept] = z[i]!;
      raw.gpsTime[kept] = raw.gpsTime[i]!;
      raw.intensity[kept] = raw.intensity[i]!;
      returns[kept] = Math.min(15, raw.returnNumber[i]!) | (Math.min(15, raw.returnCount[i]!) << 4);
      raw.classification[kept] = raw.classification[i]!;
      raw.flags[kept] = raw.flags[i]!;
      kept++;
    }
    tally.read += raw.count;
    yield { count: kept, x, y, z, time: raw.gpsTime, intensity: raw.intensity, returns, classification: raw.classification, flags: raw.flags };
  }
}

function insideOf(box: Box): (x: number, y: number) => boolean {
  const x0 = toUnits(box.x0), x1 = toUnits(box.x1), y0 = toUnits(box.y0), y1 = toUnits(box.y1);
  return (x, y) => x >= x0 && x <= x1 && y >= y0 && y <= y1;
}
