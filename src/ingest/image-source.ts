// ingest/image-source.ts: windows of an image layer, a mosaic of its files. IO.
import { InvalidInput } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import type { Window } from '../types.ts';
import { BlockCache, openRaster } from './geotiff-reader.ts';
import type { RasterFile, RasterHeader } from './geotiff-reader.ts';
import { readMosaic } from './image-mosaic.ts';
import type { MosaicFile, MosaicWindow } from './image-mosaic.ts';
import type { ImagePlan } from './image-plan.ts';
import { readResampled } from './image-resample.ts';

export { planImage } from './image-plan.ts';
export type { FilePixels, ImageFile, ImagePlan, PlanImageOptions, Resampling } from './image-plan.ts';

/** An image layer open for reading. */
export interface ImageSource {
  readonly plan: ImagePlan;
  /** role of each band of the files, in their order */
  readonly roles: string[];
  /** what values are multiplied by once they are read */
  readonly valueScale: number;
  /** Work with one file, opened when first asked for; only a few stay open once nobody works with them. */
  withFile<T>(file: MosaicFile, work: (raster: RasterFile) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface OpenImageOptions {
  /** files that stay open at a time */
  maxOpen?: number;
  /** memory for decoded blocks of all files together, bytes */
  cacheBytes?: number;
  /** what values are multiplied by once they are read: 0.3048 for heights in feet */
  valueScale?: number;
}

/** Read a file's header. @throws {InvalidInput} when it is no GeoTIFF that is read */
export async function readRasterHeader(path: string): Promise<RasterHeader> {
  const raster = await openRaster(await openFile(path));
  await raster.close();
  return raster.header;
}

/**
 * Open an image layer.
 *
 * @param roles  what the files' bands are, in their order (`bands` of the job file); not more than the files have
 * @throws {InvalidInput} when more roles are given than there are bands, or one twice
 */
export function openImage(plan: ImagePlan, roles: string[], { maxOpen = 16, cacheBytes = 64 * 2 ** 20, valueScale = 1 }: OpenImageOptions = {}): ImageSource {
  if (roles.length > plan.bands) throw new InvalidInput(`${plan.files[0]?.path}: the job file names ${roles.length} bands (${roles.join(', ')}), the files have ${plan.bands}; correct bands`);
  if (new Set(roles).size < roles.length) throw new InvalidInput(`bands: ${roles.join(', ')} names a band twice; name each once`);
  const files = openFiles(new BlockCache(cacheBytes), maxOpen, plan.alphaIsBand ?? false);
  return { plan, roles, valueScale, withFile: files.use, close: files.close };
}

/** Open files by path: those in use, and the most recently used others, `maxOpen` in all where possible. */
function openFiles(cache: BlockCache, maxOpen: number, alphaIsBand: boolean) {
  interface Entry {
    raster: Promise<RasterFile>;
    users: number;
  }
  const open = new Map<string, Entry>();
  const shut = async (path: string, { raster }: Entry): Promise<void> => {
    open.delete(path);
    await raster.then((file) => file.close(), () => {}); // a file that did not open was reported where it was asked for
  };
  return {
    async use<T>({ path }: MosaicFile, work: (raster: RasterFile) => Promise<T>): Promise<T> {
      const entry = open.get(path) ?? { raster: openFile(path).then((source) => openRaster(source, cache, { alphaIsBand })), users: 0 };
      open.delete(path);
      open.set(path, entry); // most recent last
      entry.users++;
      try {
        const raster = await entry.raster.catch((error: unknown) => {
          if (open.get(path) === entry) open.delete(path); // it may be there the next time
          throw error;
        });
        return await work(raster);
      } finally {
        entry.users--;
        for (const [other, idle] of open) if (open.size > maxOpen && idle.users === 0) await shut(other, idle);
      }
    },
    async close(): Promise<void> {
      for (const [path, entry] of [...open]) await shut(path, entry);
    },
  };
}

/**
 * Read bands of a window of an image layer.
 *
 * Where files overlap, a pixel is that of the first file, in the plan's order, that holds it as valid: so nothing depends on the
 * order of reading, nor on how the window is cut. Outside all files is void. Of a resampled layer see `readResampled`.
 *
 * @param window     pixels of the plan's lattice
 * @param bandRoles  the bands wanted, of those that the image has
 * @returns one array a band, row-major, 0 where void; mask 1 where valid
 * @throws {InvalidInput} for a band that the image lacks, or a damaged file
 */
export async function readImageWindow(image: ImageSource, window: Window, bandRoles: string[]): Promise<MosaicWindow> {
  const indices = bandRoles.map((role) => bandOf(image, role)), { plan, valueScale } = image;
  const found = plan.resample === undefined ? await readMosaic(image.withFile, plan.files, window, indices) : await readResampled(image, window, indices);
  if (valueScale !== 1) for (const band of found.bands) for (let i = 0; i < band.length; i++) band[i]! *= valueScale;
  return found;
}

function bandOf({ roles, plan }: ImageSource, role: string): number {
  const index = roles.indexOf(role);
  if (index < 0) throw new InvalidInput(`${plan.files[0]?.path}: has no band ${role}; it has ${roles.join(', ')}: correct bands in the job file`, { role });
  return index;
}
