// pipeline/read-images.ts: the image layers of a survey, from their files' headers. IO.
import { InvalidInput, UsageError } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { inParallel } from '../files/in-parallel.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import { openRaster } from '../ingest/geotiff-reader.ts';
import type { RasterHeader } from '../ingest/geotiff-reader.ts';
import { planImage } from '../ingest/image-plan.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import { AT_ONCE, faultsOf, orFault, settledFiles } from './read-inputs.ts';
import type { ImageLayer, InputFault } from './survey.ts';
import type { FileStatement } from './survey-crs.ts';

interface ImageHeader {
  header: RasterHeader;
  fingerprint: string;
  bytes: number;
}

/** The image layers; files that cannot be read join `faults`. @throws {InvalidInput} when a layer has no readable file, or its files do not fit together */
export async function readImages(loaded: LoadedJob, identities: Fingerprints, waiting: string[], faults: InputFault[]): Promise<{ layer: ImageLayer; statements: FileStatement[] }[]> {
  const images: { layer: ImageLayer; statements: FileStatement[] }[] = [];
  for (const [name, { files, bands }] of Object.entries(loaded.job.inputs.images)) {
    const paths = await settledFiles(loaded, files, `inputs.images.${name}.files`, waiting);
    const read = await inParallel(paths, AT_ONCE, (path) => orFault(name, path, () => readImageHeader(path, identities)));
    faults.push(...faultsOf(read));
    const headers = read.flatMap((entry) => ('header' in entry ? [entry] : []));
    if (headers.length === 0) throw new InvalidInput(`inputs.images.${name}: none of its ${paths.length} file(s) can be read: ${faultsOf(read)[0]?.reason ?? 'all wait, see settle_minutes'}`, { path: `inputs.images.${name}` });
    const plan = planImage(headers.map(({ header }) => header));
    if (bands.length > plan.bands) throw new UsageError(`${loaded.at(`inputs.images.${name}.bands`)}: inputs.images.${name}.bands names ${bands.length} bands, the files have ${plan.bands}`, { source: loaded.path, path: `inputs.images.${name}.bands` });
    const known = new Map(headers.map((entry) => [entry.header.name, entry]));
    const placed = plan.files.map(({ path, window }) => ({ path, window, fingerprint: known.get(path)!.fingerprint, bytes: known.get(path)!.bytes }));
    images.push({
      layer: { name, bands, lattice: plan.lattice, window: plan.window, files: placed, box: boxOfWindow(plan.lattice, plan.window) },
      statements: headers.map(({ header }) => statementOfImage(name, header)),
    });
  }
  return images;
}

const statementOfImage = (input: string, { name, epsg, crsIsOwn }: RasterHeader): FileStatement => ({ input, path: name, words: epsg === null ? null : { epsg }, isOwn: crsIsOwn });

async function readImageHeader(path: string, identities: Fingerprints): Promise<ImageHeader> {
  const source = await openFile(path), raster = await openRaster(source);
  try {
    return { header: raster.header, fingerprint: await identities.of(source), bytes: source.size };
  } finally {
    await raster.close();
  }
}
