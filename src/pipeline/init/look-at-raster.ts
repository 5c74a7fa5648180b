// pipeline/init/look-at-raster.ts: a GeoTIFF as heights or as an image, from its header, the names of its bands and some of its values. IO.
import { fromFile } from 'geotiff';
import { openFile } from '../../files/byte-source.ts';
import type { RasterFile, RasterHeader } from '../../ingest/geotiff-reader.ts';
import { openRaster } from '../../ingest/geotiff-reader.ts';
import type { Sighting } from './sighting.ts';

/** Where values are looked at: so many windows along each axis, pixels on a side. */
const SPOTS = 3, SPOT_PX = 128;
/** Heights above ground that a forest has, metres: noise a little below, the tallest trees and some slack above. */
const LOWEST_M = -10, HIGHEST_M = 130;

const NAMES = {
  chm: /(^|[^a-z])(n?chm|ndsm|ndom|ndhm|canopy)/i,
  dtm: /(^|[^a-z])(dtm|dem|dgm|terrain|bare)/i,
  dsm: /(^|[^a-z])(dsm|dom|surface)/i,
};

export async function lookAtRaster(path: string, name: string): Promise<Sighting> {
  const raster = await openRaster(await openFile(path));
  try {
    const { header } = raster;
    if (header.affine === null) return { kind: 'unused', path: name, reason: 'does not say where it lies: place it with gdal_translate -a_srs EPSG:N -a_ullr x0 y0 x1 y1' };
    return header.bands === 1 ? await lookAtHeights(raster, path, name) : await lookAtImage(header, path, name);
  } finally {
    await raster.close();
  }
}

async function lookAtHeights(raster: RasterFile, path: string, name: string): Promise<Sighting> {
  const { header } = raster, [label = ''] = (await describe(path)).bands, called = `${name} ${label}`, range = await valuesOf(raster);
  const unused = (reason: string): Sighting => ({ kind: 'unused', path: name, reason });
  if (range === null) return unused('one band, and nothing but nodata where it was looked at');
  const values = `one band of ${header.sampleType}, values ${short(range[0])} to ${short(range[1])} where it was looked at`, from = (what: string) => `named ${label !== '' && !NAMES.chm.test(name) && !NAMES.dtm.test(name) ? `${label} in its band` : what}, ${values}`;
  const isForest = range[0] >= LOWEST_M && range[1] <= HIGHEST_M && range[1] > 0;
  if (NAMES.chm.test(called)) {
    if (isForest) return { kind: 'chm', path: name, reason: from('as a canopy height model') };
    return unused(`named as a canopy height model, but ${values}: no heights above ground in metres; if they are feet, add it as inputs.chm with z_unit: foot`);
  }
  if (NAMES.dtm.test(called)) return { kind: 'dtm', path: name, reason: from('as a terrain model') };
  if (NAMES.dsm.test(called) && !isForest) return unused(`named as a surface model, ${values}; canopy height is surface minus terrain: gdal_calc.py -A dsm.tif -B dtm.tif --calc=A-B --outfile chm.tif`);
  return unused(`${values}; nothing says that these are heights above ground or terrain${isForest && header.sampleType.startsWith('float') ? ': if it is a canopy height model, add the line `chm: { files: [...] }` to inputs' : ''}`);
}

const short = (value: number): string => String(Math.round(value * 100) / 100);

/** Lowest and highest valid value in a few windows spread over the file; null where none is valid. */
async function valuesOf(raster: RasterFile): Promise<[number, number] | null> {
  const { width, height } = raster.header;
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < SPOTS * SPOTS; i++) {
    const at = (size: number, k: number) => Math.max(0, Math.floor((size * (k + 0.5)) / SPOTS - SPOT_PX / 2)), col = at(width, i % SPOTS), row = at(height, Math.floor(i / SPOTS));
    const { data: [band], mask } = await raster.readWindow([0], { col, row, width: Math.min(SPOT_PX, width - col), height: Math.min(SPOT_PX, height - row) });
    for (let k = 0; k < mask.length; k++) {
      const value = band![k]!;
      if (mask[k] && Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
  }
  return low <= high ? [low, high] : null;
}

const ROLES: readonly [role: string, name: RegExp][] = [['red', /^(red|r)$/i], ['green', /^(green|g)$/i], ['blue', /^(blue|b)$/i], ['nir', /^(nir|n|near.?infra.?red|infrared)$/i]];
const BY_NUMBER = ['red', 'green', 'blue', 'nir'];
const RGB = 2;

async function lookAtImage(header: RasterHeader, path: string, name: string): Promise<Sighting> {
  const { bands, sampleType, affine, width, height, epsg } = header, what = `${bands} bands of ${sampleType}`;
  if (!['uint8', 'uint16'].includes(sampleType) || bands < 3 || bands > 4) {
    return { kind: 'unused', path: name, reason: `${what}: no orthophoto of 3 or 4 bands of 8 or 16 bits; if it is one, add it to inputs.images with the role of each band` };
  }
  const { photometric, bands: labels } = await describe(path), named = labels.slice(0, bands).map((label) => ROLES.find(([, pattern]) => pattern.test(label))?.[0]);
  const isNamed = named.length === bands && named.every((role) => role !== undefined) && new Set(named).size === bands;
  const roles = isNamed ? named.filter((role) => role !== undefined) : BY_NUMBER.slice(0, bands);
  const source = isNamed ? 'roles from the names of the bands'
    : photometric === RGB ? (bands === 3 ? 'roles from the colour interpretation' : 'the first three from the colour interpretation, nir TO CHECK: the fourth band has no name')
      : `roles TO CHECK: the file does not name its bands, this is the usual order`;
  const { x0, y0, resX, resY } = affine!;
  return { kind: 'image', path: name, bands: roles, gsd: resX, box: [x0, y0 - height * resY, x0 + width * resX, y0], group: [bands, sampleType, epsg, resX.toPrecision(8), ...roles].join(' '), reason: `${what}, ${source}` };
}

/** What the tags say of colours, and GDAL of each band's name. */
async function describe(path: string): Promise<{ photometric: number | null; bands: string[] }> {
  return readLabels(path).catch(() => ({ photometric: null, bands: [] })); // the file itself was opened: only its remarks are odd
}

async function readLabels(path: string): Promise<{ photometric: number | null; bands: string[] }> {
  const tiff = await fromFile(path);
  try {
    const image = await tiff.getImage(0), labels: string[] = [];
    for (let i = 0; i < image.getSamplesPerPixel(); i++) {
      const said = await image.getGDALMetadata(i) as Record<string, unknown> | null, label = said?.['DESCRIPTION'];
      labels.push(typeof label === 'string' ? label.trim() : '');
    }
    return { photometric: image.getFileDirectory().getValue('PhotometricInterpretation') ?? null, bands: labels };
  } finally {
    await tiff.close();
  }
}
