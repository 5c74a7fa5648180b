// pipeline/read-clouds.ts: the LiDAR files of a survey, from their headers. IO.
import type { Box } from '../types.ts';
import { InvalidInput, IoError } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { inParallel } from '../files/in-parallel.ts';
import type { PointFileHeader } from '../ingest/point-reader.ts';
import { openPointFile } from '../ingest/point-reader.ts';
import { headerOfCutShort } from './cut-short.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import { AT_ONCE, faultsOf, orFault, settledFiles } from './read-inputs.ts';
import type { InputFault, LidarFile } from './survey.ts';
import type { FileStatement } from './survey-crs.ts';

export interface Cloud {
  file: LidarFile;
  header: PointFileHeader;
}

/** The LiDAR files that can be used; others join `faults`. */
export async function readClouds(loaded: LoadedJob, identities: Fingerprints, waiting: string[], faults: InputFault[]): Promise<Cloud[]> {
  const { job } = loaded;
  const read = await inParallel(await settledFiles(loaded, job.inputs.lidar.files, 'inputs.lidar.files', waiting), AT_ONCE, (path) => readLidarHeader(path, job.tiles.size_m, identities));
  faults.push(...faultsOf(read));
  return read.flatMap((entry) => ('header' in entry ? [entry] : []));
}

async function readLidarHeader(path: string, tileM: number, identities: Fingerprints): Promise<Cloud | InputFault> {
  return orFault('lidar', path, async () => {
    const source = await openFile(path);
    try {
      const { header } = await openPointFile(source).catch(async (error: unknown) => {
        const known = error instanceof InvalidInput || error instanceof IoError ? await headerOfCutShort(source) : null;
        if (known === null) throw error;
        return { header: known };
      });
      if (header.pointCount === 0) throw new InvalidInput(`${path}: holds no points; leave it out, or copy it again if it should`, { source: path });
      const box = headerBox(header);
      refuseStray(path, header, box, tileM);
      return { header, file: { path, fingerprint: await identities.of(source), bytes: source.size, pointCount: header.pointCount, box, z0M: header.min[2], z1M: header.max[2] } };
    } finally {
      await source.close();
    }
  });
}

/** One return at 0, 0 makes a box of millions of tiles, which no points fill. */
function refuseStray(path: string, { pointCount }: PointFileHeader, box: Box, tileM: number): void {
  const tiles = ((box.x1 - box.x0) / tileM + 1) * ((box.y1 - box.y0) / tileM + 1);
  if (tiles <= Math.max(10_000, pointCount / 100)) return;
  const km = (m: number) => Math.round(m / 1000);
  throw new InvalidInput(`${path}: the box of its header is ${km(box.x1 - box.x0)} x ${km(box.y1 - box.y0)} km for ${pointCount} points: some return lies far off; remove it, and repair the header (lasinfo -repair_bb)`, { source: path });
}

const headerBox = ({ min, max, scale }: PointFileHeader): Box =>
  ({ x0: min[0] - scale[0], y0: min[1] - scale[1], x1: max[0] + scale[0], y1: max[1] + scale[1] });

/** What a file says of its CRS. */
export const statementOfCloud = ({ file, header }: Cloud): FileStatement => ({ input: 'lidar', path: file.path, words: header.crs, isOwn: false });
