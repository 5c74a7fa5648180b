// ingest/image-place.ts: which pixels of a lattice anchored to the survey's CRS depend on a file of any lattice and CRS. Pure.
import { InvalidInput, UnderstoryError, messageOf } from '../errors.ts';
import { crsFromEpsg, transformer } from '../geo/crs.ts';
import type { Crs } from '../geo/crs.ts';
import { transformBox } from '../geo/crs-box.ts';
import { anchoredLattice, windowOfBox } from '../geo/lattice.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import { reachPx } from '../raster/resample.ts';
import type { ResampleMethod } from '../raster/resample.ts';
import type { Box, Lattice } from '../types.ts';
import type { ImageFile, Placed, PlanImageOptions, Resampling } from './image-plan.ts';

/** The kernel of a way to resample: the average of an area smaller than a source pixel is a linear interpolation. */
export const kernelOf = (resample: Resampling): ResampleMethod => (resample === 'auto' ? 'average' : resample);

/** Output pixels may be this many times as wide as a file's: 10^6 source pixels in one. */
const MAX_SPAN_PX = 1000;

export function fault(name: string, what: string, remedy: string): never {
  throw new InvalidInput(`${name}: ${what}; ${remedy}`, { source: name });
}

/** Lay files on the lattice of `gsdM` anchored to the CRS origin; in the order in which they come. @throws {InvalidInput} naming the file at fault */
export function placeResampled(files: Placed[], { gsdM, surveyEpsg, resample = 'auto' }: PlanImageOptions): { lattice: Lattice; epsg: number; placed: ImageFile[] } {
  const lattice = latticeOf(gsdM), target = targetCrs(files, surveyEpsg), method = kernelOf(resample);
  const placed = files.map((file): ImageFile => {
    const { name, affine, width, height, epsg } = file;
    const from = sourceCrs(file), window = windowOfBox(lattice, boxOf(file, method, from, target, lattice.resM));
    return { path: name, window: { ...window, col: window.col + 0, row: window.row + 0 }, pixels: { ...affine, width, height, epsg } };
  });
  return { lattice, epsg: target.epsg, placed };
}

function latticeOf(gsdM: number | undefined): Lattice {
  if (gsdM === undefined || !(gsdM > 0)) throw new InvalidInput('lattice: crs needs the pixel size to resample to, in metres; give gsd_m, or a model whose card names one');
  const units = toUnits(gsdM);
  if (units === 0 || Math.abs((gsdM * UNITS_PER_M) / units - 1) > 1e-9) throw new InvalidInput(`gsd_m ${gsdM} is no whole number of 0.01 mm; round it to five decimals`, { gsdM });
  return anchoredLattice(units / UNITS_PER_M);
}

function targetCrs(files: Placed[], surveyEpsg: number | undefined): Crs {
  files.forEach(sourceCrs); // a file without CRS is named as such
  const first = files[0]!, other = files.find(({ epsg }) => epsg !== first.epsg);
  if (surveyEpsg === undefined && other) fault(other.name, `its CRS is EPSG:${other.epsg ?? 'unknown'}, that of ${first.name} is EPSG:${first.epsg ?? 'unknown'}`, "name the survey's CRS with the key crs of the job file");
  const crs = surveyEpsg === undefined ? sourceCrs(first) : crsFromEpsg(surveyEpsg);
  if (crs.unitToMetre !== 1) throw new InvalidInput(`EPSG:${crs.epsg} (${crs.name}) is in ${crs.unit}s; name a projected CRS in metres with the key crs of the job file`, { epsg: crs.epsg });
  return crs;
}

function sourceCrs({ name, epsg }: Placed): Crs {
  if (epsg === null) fault(name, 'its CRS is not known', 'name it with the key crs of this input, or write it into the file with gdal_edit.py -a_srs EPSG:N');
  return named(name, () => crsFromEpsg(epsg));
}

function named<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof UnderstoryError) throw new InvalidInput(`${name}: ${messageOf(cause)}`, { source: name }, { cause });
    throw cause;
  }
}

const MARGIN_M = 1;

/** The box of a file, grown by what a kernel reaches beyond it, in the output's CRS. */
function boxOf(file: Placed, method: ResampleMethod, from: Crs, to: Crs, resM: number): Box {
  const { affine: { x0, y0, resX, resY }, width, height, name } = file;
  const reach = (spanPx: number): number => {
    if (spanPx > MAX_SPAN_PX) fault(name, `a pixel of ${resM} m holds ${Math.round(spanPx)} of its pixels on a side, more than ${MAX_SPAN_PX}`, 'take a smaller gsd_m, or average the file first with gdalwarp -tr R R -r average');
    return reachPx(method, spanPx) - (method === 'average' ? 0.5 * spanPx : 0);
  };
  if (from.epsg === to.epsg) {
    const gx = reach(resM / resX) * resX, gy = reach(resM / resY) * resY;
    return { x0: x0 - gx, y0: y0 - height * resY - gy, x1: x0 + width * resX + gx, y1: y0 + gy };
  }
  return named(name, () => {
    const box = transformBox(transformer(from, to), { x0, y0: y0 - height * resY, x1: x0 + width * resX, y1: y0 });
    const pxX = (box.x1 - box.x0) / width, pxY = (box.y1 - box.y0) / height, px = Math.min(pxX, pxY);
    reach(resM / px);
    // the size of a pixel varies within a file of degrees: twice what the kernel reaches at the mean size is more than enough
    const grow = 2 * reachPx(method, resM / px) * Math.max(pxX, pxY) + MARGIN_M;
    return { x0: box.x0 - grow, y0: box.y0 - grow, x1: box.x1 + grow, y1: box.y1 + grow };
  });
}
