// ingest/image-source.ts: windows of an image layer, a mosaic of its files. IO.
import { InvalidInput } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { intersectWindows } from '../geo/lattice.ts';
import type { PixelArray, Window } from '../types.ts';
import { BlockCache, openRaster } from './geotiff-reader.ts';
import type { RasterFile, RasterHeader } from './geotiff-reader.ts';
import type { ImageFile, ImagePlan } from './image-plan.ts';

export { planImage } from './image-plan.ts';
export type { ImageFile, ImagePlan } from './image-plan.ts';

/** An image layer open for reading. */
export interface ImageSource {
  readonly plan: ImagePlan;
  /** role of each band of the files, in their order */
  readonly roles: string[];
  /** Work with one file, opened when first asked for; only a few stay open once nobody works with them. */
  withFile<T>(file: ImageFile, work: (raster: RasterFile) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface OpenImageOptions {
  /** files that stay open at a time */
  maxOpen?: number;
  /** memory for decoded blocks of all files together, bytes */
  cacheBytes?: number;
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
export function openImage(plan: ImagePlan, roles: string[], { maxOpen = 16, cacheBytes = 64 * 2 ** 20 }: OpenImageOptions = {}): ImageSource {
  if (roles.length > plan.bands) throw new InvalidInput(`${plan.files[0]?.path}: the job file names ${roles.length} bands (${roles.join(', ')}), the files have ${plan.bands}; correct bands`);
  if (new Set(roles).size < roles.length) throw new InvalidInput(`bands: ${roles.join(', ')} names a band twice; name each once`);
  const files = openFiles(new BlockCache(cacheBytes), maxOpen);
  return { plan, roles, withFile: files.use, close: files.close };
}

/** Open files by path: those in use, and the most recently used others, `maxOpen` in all where possible. */
function openFiles(cache: BlockCache, maxOpen: number) {
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
    async use<T>({ path }: ImageFile, work: (raster: RasterFile) => Promise<T>): Promise<T> {
      const entry = open.get(path) ?? { raster: openFile(path).then((source) => openRaster(source, cache)), users: 0 };
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
 * order of reading, nor on how the window is cut. Outside all files is void.
 *
 * @param window     pixels of the plan's lattice
 * @param bandRoles  the bands wanted, of those that the image has
 * @returns one array a band, row-major, 0 where void; mask 1 where valid
 * @throws {InvalidInput} for a band that the image lacks, or a damaged file
 */
export async function readImageWindow(image: ImageSource, window: Window, bandRoles: string[]): Promise<{ bands: Float32Array[]; mask: Uint8Array }> {
  const indices = bandRoles.map((role) => bandOf(image, role));
  const mask = new Uint8Array(window.width * window.height), bands = indices.map(() => new Float32Array(mask.length));
  for (const file of image.plan.files) {
    const common = intersectWindows(window, file.window);
    if (common.width === 0 || common.height === 0 || isFull(mask, window, common)) continue;
    const inFile = { ...common, col: common.col - file.window.col, row: common.row - file.window.row };
    const { data, mask: valid } = await image.withFile(file, (raster) => raster.readWindow(indices, inFile));
    data.forEach((from, b) => fillVoids(bands[b]!, mask, window, from, valid, common));
    markValid(mask, window, valid, common);
  }
  return { bands, mask };
}

function bandOf({ roles, plan }: ImageSource, role: string): number {
  const index = roles.indexOf(role);
  if (index < 0) throw new InvalidInput(`${plan.files[0]?.path}: has no band ${role}; it has ${roles.join(', ')}: correct bands in the job file`, { role });
  return index;
}

function isFull(mask: Uint8Array, window: Window, common: Window): boolean {
  for (let row = common.row; row < common.row + common.height; row++) {
    const at = (row - window.row) * window.width + common.col - window.col;
    for (let i = at; i < at + common.width; i++) if (!mask[i]) return false;
  }
  return true;
}

/** Take values where the window is still void and the file is valid. */
function fillVoids(out: Float32Array, mask: Uint8Array, window: Window, from: PixelArray, valid: Uint8Array, common: Window): void {
  for (let row = 0, i = 0; row < common.height; row++) {
    let at = (row + common.row - window.row) * window.width + common.col - window.col;
    for (let col = 0; col < common.width; col++, i++, at++) if (valid[i] && !mask[at]) out[at] = from[i]!;
  }
}

function markValid(mask: Uint8Array, window: Window, valid: Uint8Array, common: Window): void {
  for (let row = 0, i = 0; row < common.height; row++) {
    let at = (row + common.row - window.row) * window.width + common.col - window.col;
    for (let col = 0; col < common.width; col++, i++, at++) if (valid[i]) mask[at] = 1;
  }
}
