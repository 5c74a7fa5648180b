// store/raster-writer.ts: a raster that comes tile by tile, to one COG, or to COGs and a VRT over them; staged, then swapped in. IO.
import { readdir, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeAtomically, syncPath, writeAtomically } from '../files/atomic.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { openFile } from '../files/byte-source.ts';
import { exists } from '../files/exists.ts';
import { contentKey } from '../files/hash.ts';
import { StagedFile } from '../files/sink.ts';
import { intersectWindows } from '../geo/lattice.ts';
import type { CogLayout, CogStream, StreamedImage, TileGrid } from '../raster/geotiff-stream.ts';
import { cogStream, layOutCog, tilesInOrder } from '../raster/geotiff-stream.ts';
import { pyramid } from '../raster/overview.ts';
import { MAX_TIFF_BYTES } from '../raster/tiff-layout.ts';
import type { PixelArray, Window } from '../types.ts';
import { RasterHash } from './raster-hash.ts';
import type { VrtSource } from './vrt.ts';
import { vrtText } from './vrt.ts';

/** When a raster is cut into files, and how. */
export interface RasterLimits {
  /** largest single file; default what a classic TIFF reaches, 4 GiB */
  fileBytes?: number;
  /** edge of the files of a larger raster, its tiles' edge times a power of two; default 16,384, of which no file can pass 4 GiB */
  filePx?: number;
}

/** A raster that is whole, and not yet in place. */
export interface StagedRaster {
  /** where it will be: `<name>.tif`, or `<name>.vrt` */
  path: string;
  /** where its bytes are until it is published; a VRT is readable there too */
  stagedPath: string;
  /** see `RasterHash`; of a mask, the pixels that are 1 */
  sha256: string;
  validPx: number;
  /** bytes of its files, by their path from the folder of `path` */
  files: Record<string, number>;
  /** Put it in place with one rename, then take away what it replaces, in either form. */
  publish(): Promise<void>;
  /** Delete what was not published. */
  discard(): Promise<void>;
}

/** Raised when the files of a VRT change though their pixels do not: their folder is named by what is in them. */
const VERSION = 1;
const FILE_PX = 16_384;

/** `<name>.tif` without its ending: the folder of a VRT's files, beside it. */
const stemOf = (path: string): string => path.replace(/\.tif$/, '');

/** Numbers of a tile, on the grid of a level. */
interface TilePlace { level: number; col: number; row: number }

/**
 * Writes a raster whose tiles come row by row. Encoded tiles and those of overviews go to a scratch file as they are made; once
 * all lengths are known, they are copied in the order of the file or files. So the disk holds the raster twice at the end, and
 * memory one row of tiles and 12 bytes a tile.
 *
 * A raster that passes `fileBytes` becomes `<name>.vrt` over `<name>/<key>/<col>_<row>.tif`, COGs of `filePx` counted from its
 * north-western corner, so that they hold the very tiles that one file would. A file without a valid pixel is not written.
 */
export class RasterWriter {
  readonly #path: string;
  readonly #image: StreamedImage;
  readonly #stream: CogStream;
  readonly #hash: RasterHash;
  readonly #scratch: StagedFile;
  /** of each tile of each level: where in the scratch file, and how long; length 0: not written */
  readonly #at: Float64Array[];
  readonly #bytes: Uint32Array[];

  private constructor(path: string, image: StreamedImage, stream: CogStream, scratch: StagedFile) {
    this.#path = path;
    this.#image = image;
    this.#stream = stream;
    this.#scratch = scratch;
    this.#hash = new RasterHash(image.lattice);
    this.#at = stream.levels.map(({ across, down }) => new Float64Array(across * down));
    this.#bytes = stream.levels.map(({ across, down }) => new Uint32Array(across * down));
  }

  /** @param path  `<name>.tif` */
  static async open(path: string, image: StreamedImage): Promise<RasterWriter> {
    const stream = cogStream(image); // may throw: nothing is on disk yet
    return new RasterWriter(path, image, stream, await StagedFile.open(`${stemOf(path)}.scratch`));
  }

  /** Windows of the tiles, in the order of `add`. */
  get tiles(): TileGrid {
    return this.#stream.tiles;
  }

  /** Add the next tile. @throws {InvalidInput} as `CogStream.add` */
  async add(window: Window, data: PixelArray, mask: Uint8Array): Promise<void> {
    this.#hash.add(window, data, mask);
    for (const { framed, ...place } of this.#stream.add(data, mask)) {
      if (!framed) continue;
      this.#at[place.level]![this.#indexOf(place)] = this.#scratch.size;
      this.#bytes[place.level]![this.#indexOf(place)] = framed.length;
      await this.#scratch.append(framed);
    }
  }

  /** Lay the raster out, once all tiles are there. */
  async finish({ fileBytes = MAX_TIFF_BYTES, filePx = FILE_PX }: RasterLimits = {}): Promise<StagedRaster> {
    const sha256 = this.#hash.digest(), { validPx } = this.#hash, scratch = await openFile(this.#scratch.stagedPath);
    try {
      const layout = this.#layout(this.#image, this.#whole);
      const staged = layout.bytes <= Math.min(fileBytes, MAX_TIFF_BYTES) ? await this.#stageCog(scratch, layout) : await this.#stageVrt(scratch, filePx, sha256);
      return { ...staged, sha256, validPx };
    } finally {
      await scratch.close();
    }
  }

  /** Delete the scratch file. */
  close(): Promise<void> {
    return this.#scratch.discard();
  }

  readonly #whole = (place: TilePlace): TilePlace => place;

  #indexOf({ level, col, row }: TilePlace): number {
    return row * this.#stream.levels[level]!.across + col;
  }

  /** @param placeOf  which tile of the raster a tile of the file is */
  #layout(image: StreamedImage, placeOf: (place: TilePlace) => TilePlace): CogLayout {
    return layOutCog(image, (level, col, row) => this.#bytes[level]![this.#indexOf(placeOf({ level, col, row }))]!);
  }

  async #copyTiles(file: StagedFile, scratch: ByteSource, image: StreamedImage, placeOf: (place: TilePlace) => TilePlace): Promise<void> {
    for (const place of tilesInOrder(pyramid(image.window, this.tiles.tilePx))) {
      const { level } = place, index = this.#indexOf(placeOf(place)), length = this.#bytes[level]![index]!;
      if (length > 0) await file.append(await scratch.read(this.#at[level]![index]!, length));
    }
  }

  async #stageCog(scratch: ByteSource, layout: CogLayout): Promise<Omit<StagedRaster, 'sha256' | 'validPx'>> {
    const path = this.#path, file = await StagedFile.open(path);
    try {
      await file.append(layout.head());
      await this.#copyTiles(file, scratch, this.#image, this.#whole);
      await file.finish();
    } catch (error) {
      await file.discard();
      throw error;
    }
    const files = { [basename(path)]: file.size };
    return { path, stagedPath: file.stagedPath, files, publish: async () => { await file.publish(); await removeOthers(path, files); }, discard: () => file.discard() };
  }

  async #stageVrt(scratch: ByteSource, filePx: number, sha256: string): Promise<Omit<StagedRaster, 'sha256' | 'validPx'>> {
    const stem = stemOf(this.#path), name = basename(stem), key = contentKey({ version: VERSION, sha256, image: this.#image, filePx }).slice(0, 16);
    const folder = join(stem, key), path = `${stem}.vrt`, files: Record<string, number> = {}, sources: VrtSource[] = [];
    const isPublished = await exists(folder); // the raster in place has these very files: they are never taken from it
    await writeAtomically(folder, async (temporary) => {
      for (const { col, row, window } of filesOf(this.#image.window, filePx)) {
        const bytes = await this.#writeFile(join(temporary, `${col}_${row}.tif`), scratch, { col, row, window, filePx });
        if (bytes === 0) continue;
        files[`${name}/${key}/${col}_${row}.tif`] = bytes;
        sources.push({ path: `${name}/${key}/${col}_${row}.tif`, window });
      }
      await removeAtomically(folder);
    });
    const discardFolder = async (): Promise<void> => {
      if (isPublished) return;
      await removeAtomically(folder);
      await rmdir(stem).catch(() => {}); // others are in it
    };
    const vrt = await StagedFile.open(path);
    try {
      await vrt.append(new TextEncoder().encode(vrtText(this.#image, sources)));
      await vrt.finish();
    } catch (error) {
      await vrt.discard();
      await discardFolder();
      throw error;
    }
    files[basename(path)] = vrt.size;
    let isIn = false;
    return {
      path, stagedPath: vrt.stagedPath, files,
      publish: async () => {
        await vrt.publish();
        isIn = true;
        await removeOthers(this.#path, files);
      },
      discard: async () => {
        await vrt.discard();
        if (!isIn) await discardFolder();
      },
    };
  }

  /** One file of a VRT; 0 bytes, and no file, when no tile of it is written. */
  async #writeFile(path: string, scratch: ByteSource, { col, row, window, filePx }: { col: number; row: number; window: Window; filePx: number }): Promise<number> {
    const image = { ...this.#image, window }, { tilePx } = this.tiles;
    const placeOf = (tile: TilePlace): TilePlace => {
      const tiles = filePx / tilePx / 2 ** tile.level; // a whole number: a file has no level coarser than one tile
      return { level: tile.level, col: col * tiles + tile.col, row: row * tiles + tile.row };
    };
    const layout = this.#layout(image, placeOf), head = layout.head();
    if (layout.bytes === head.length) return 0;
    const file = await StagedFile.open(path);
    try {
      await file.append(head);
      await this.#copyTiles(file, scratch, image, placeOf);
      await file.finish();
      await file.publish();
      return file.size;
    } finally {
      await file.discard();
    }
  }
}

/** Files of a large raster, row by row from its north-western corner. */
function* filesOf(window: Window, filePx: number): Generator<{ col: number; row: number; window: Window }> {
  for (let row = 0; row * filePx < window.height; row++) {
    for (let col = 0; col * filePx < window.width; col++) {
      yield { col, row, window: intersectWindows({ col: window.col + col * filePx, row: window.row + row * filePx, width: filePx, height: filePx }, window) };
    }
  }
}


/**
 * Take away what a raster's name held before: the other form, and the files of an older VRT. What a killed run left goes too.
 *
 * @param path   `<name>.tif`
 * @param files  that stay (`StagedRaster.files`); none: the raster goes
 */
export async function removeOthers(path: string, files: Readonly<Record<string, number>>): Promise<void> {
  const stem = stemOf(path), folder = dirname(path), kept = Object.keys(files), isKept = (entry: string): boolean => kept.some((file) => file === entry || file.startsWith(`${entry}/`));
  for (const entry of [`${basename(stem)}.vrt`, `${basename(stem)}.tif`, basename(stem)]) if (!isKept(entry)) await removeAtomically(join(folder, entry));
  for (const key of await readdir(stem).catch(() => [])) if (!isKept(`${basename(stem)}/${key}`)) await removeAtomically(join(stem, key));
  await syncPath(folder);
}
