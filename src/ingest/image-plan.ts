// ingest/image-plan.ts: the one lattice of an image layer, its files' own or one anchored to the CRS, and where each file lies on it. Pure.
import { InvalidInput } from '../errors.ts';
import { unionWindows } from '../geo/lattice.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Lattice, Window } from '../types.ts';
import type { RasterAffine, RasterHeader } from './geotiff-header.ts';
import { fault, placeResampled } from './image-place.ts';

/** The pixels of a file that is resampled, as its header has them: in the units of its own CRS. */
export interface FilePixels extends RasterAffine {
  width: number;
  height: number;
  epsg: number | null;
}

export interface ImageFile {
  path: string;
  /** pixels of the image's lattice that the file covers; of one that is resampled, those that depend on it */
  window: Window;
  /** only where the layer is resampled */
  pixels?: FilePixels;
}

/** How the pixels of a resampled layer are made: `auto` averages where they are larger than the file's, else interpolates linearly. */
export type Resampling = 'auto' | 'bilinear' | 'cubic' | 'average';

export interface ImagePlan {
  /** pixels counted from the one that holds the CRS origin */
  lattice: Lattice;
  /** the smallest window that holds all files */
  window: Window;
  /** bands that every file has */
  bands: number;
  epsg: number | null;
  /** in the order in which they are laid: where files overlap, the first with a valid pixel counts */
  files: ImageFile[];
  /** set where pixels are made from the files' (`lattice: crs`) */
  resample?: Resampling;
  /** set where what the files declare alpha is one of the bands */
  alphaIsBand?: boolean;
}

export interface PlanImageOptions {
  /** `files`: the lattice that the files share; `crs`: anchored to the CRS origin, and the files are resampled */
  lattice?: 'files' | 'crs';
  /** pixel size of the lattice `crs`, metres */
  gsdM?: number;
  /** CRS of the lattice `crs`: projected, in metres; default that of the files, where they share one */
  surveyEpsg?: number;
  resample?: Resampling;
}

/** Share of a pixel by which origins may be off the lattice. */
export const OFF_LATTICE_PX = 1e-3;

export type Placed = RasterHeader & { affine: RasterAffine };

const nameOf = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Order of files: by name without folders, then by whole path, by code unit (no locale). */
const byName = (a: Placed, b: Placed): number => compare(nameOf(a.name), nameOf(b.name)) || compare(a.name, b.name);

function placed(header: RasterHeader): Placed {
  const { affine, name } = header;
  if (!affine) fault(name, 'the file does not say where it lies', 'place it with gdal_translate -a_srs EPSG:N -a_ullr x0 y0 x1 y1');
  return { ...header, affine };
}

function checkSquare({ name, affine, width, height }: Placed): void {
  if (Math.abs(affine.resX / affine.resY - 1) * Math.max(width, height) <= OFF_LATTICE_PX) return;
  fault(name, `its pixels are ${affine.resX} x ${affine.resY}, not square`, 'set lattice: crs on the input, or resample it with gdalwarp -tr R R -r average');
}

/** The pixel size in units of 1e-5 m, so that lattice positions are exact. @throws when the file's size is no such number */
function resUnitsOf({ name, affine, width, height }: Placed): number {
  const units = toUnits(affine.resX), driftPx = Math.abs((affine.resX * UNITS_PER_M) / units - 1) * Math.max(width, height);
  if (units > 0 && driftPx <= OFF_LATTICE_PX) return units;
  return fault(name, `its pixel size ${affine.resX} m is no whole number of 0.01 mm`, 'set lattice: crs on the input, or resample it to a rounder size with gdalwarp -tr R R -r average -tap');
}

/** Distance of a value from the nearest multiple of `step`, with sign. */
const offMultiple = (value: number, step: number): number => value - Math.round(value / step) * step;

/**
 * Phase of the lattice along an axis, in units: 0 where every file lies on the lattice anchored to the CRS origin,
 * else that of the first file by name, brought to (-res, 0]: the CRS origin is in pixel (col 0, row -1), as on the anchored lattice.
 */
function phaseOf(origins: number[], resUnits: number): number {
  const near = (phase: number) => origins.every((origin) => Math.abs(offMultiple(origin - phase, resUnits)) <= OFF_LATTICE_PX * resUnits);
  if (near(0)) return 0;
  const phase = Math.round(origins[0]!); // to 1e-5 m: a cut that moves an origin by a double's last bit moves no pixel
  return phase - Math.ceil(phase / resUnits) * resUnits;
}

/**
 * Lay the files of an image layer on one lattice.
 *
 * Positions are counted from the pixel that holds the CRS origin, so no file's corner enters, and cutting the layer into other
 * files along pixel edges gives the same lattice, the same pixels and the same patches.
 *
 * With `lattice: crs` files may have pixels of any size, shape, origin and CRS of the EPSG table; they are resampled when read.
 *
 * @param headers  of all files, any order; `name` is the path
 * @returns files ordered by name: where they overlap, the first that has a valid pixel there counts
 * @throws {InvalidInput} naming the file that has no place, no square pixels, another pixel size or CRS than the first by name,
 *   or an origin that is no whole number of pixels from the others' (to 1e-3 px); with `lattice: crs`, that has no CRS, or one that
 *   cannot be transformed, or pixels more than a thousand times smaller than `gsdM`
 */
export function planImage(headers: RasterHeader[], options: PlanImageOptions = {}): ImagePlan {
  const files = headers.map(placed).sort(byName), first = files[0];
  if (!first) throw new InvalidInput('an image layer needs at least one file; correct files in the job file');
  if (options.lattice !== 'crs') return shareLattice(files, first);
  const { lattice, epsg, placed: laid } = placeResampled(files, options);
  return { lattice, window: laid.map(({ window }) => window).reduce(unionWindows), bands: Math.min(...files.map(({ bands }) => bands)), epsg, files: laid, resample: options.resample ?? 'auto' };
}

function shareLattice(files: Placed[], first: Placed): ImagePlan {
  files.forEach(checkSquare);
  const resUnits = resUnitsOf(first);
  const x0 = phaseOf(files.map(({ affine }) => affine.x0 * UNITS_PER_M), resUnits);
  const y0 = phaseOf(files.map(({ affine }) => affine.y0 * UNITS_PER_M), resUnits);
  const place = (file: Placed): ImageFile => {
    if (file.epsg !== first.epsg) fault(file.name, `its CRS is EPSG:${file.epsg ?? 'unknown'}, that of ${first.name} is EPSG:${first.epsg ?? 'unknown'}`, 'set lattice: crs on the input, bring the files of one layer to one CRS, or make two layers');
    if (resUnitsOf(file) !== resUnits) fault(file.name, `its pixels are ${file.affine.resX} m, those of ${first.name} are ${first.affine.resX} m`, 'set lattice: crs on the input, make a layer of its own of it, or resample it with gdalwarp -tr');
    const col = (file.affine.x0 * UNITS_PER_M - x0) / resUnits, row = (y0 - file.affine.y0 * UNITS_PER_M) / resUnits;
    const off = Math.max(Math.abs(col - Math.round(col)), Math.abs(row - Math.round(row)));
    if (off > OFF_LATTICE_PX) fault(file.name, `its pixels lie ${off.toFixed(3)} px off those of ${first.name}`, 'set lattice: crs on the input, align it with gdalwarp -tap, or make a layer of its own of it');
    return { path: file.name, window: { col: Math.round(col) + 0, row: Math.round(row) + 0, width: file.width, height: file.height } };
  };
  const laid = files.map(place);
  return {
    lattice: { resM: resUnits / UNITS_PER_M, x0M: x0 / UNITS_PER_M, y0M: y0 / UNITS_PER_M },
    window: laid.map(({ window }) => window).reduce(unionWindows),
    bands: Math.min(...files.map(({ bands }) => bands)),
    epsg: first.epsg,
    files: laid,
  };
}
