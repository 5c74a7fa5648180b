// make/write.ts: a synthetic survey as files in a folder, with its birth certificate. IO.
import { join } from 'node:path';
import { writeFileAtomically } from '../../src/files/atomic.ts';
import { sha256 } from '../../src/files/hash.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import { planForest, type Forest } from './forest.ts';
import { encodeLas } from './las.ts';
import { ageForest } from './later.ts';
import { CLOSE, FROM_AFAR, paintCanopyHeight, paintOrtho, pixelWindow } from './paint.ts';
import type { View } from './paint.ts';
import type { Recipe } from './recipe.ts';
import { scanForest, type Return } from './scan.ts';
import { surfaceOf, type Surface } from './surface.ts';
import { copies, plotsCsv, plotTreesCsv, standsGeoJson, treesCsv, voidsGeoJson } from './tables.ts';

/** Paths in the sample's folder, relative to it; null where the recipe asks for none. */
export interface SampleFiles {
  lidar: string[];
  ortho: string | null;
  chm: string | null;
  stands: string;
  plots: string;
  plotTrees: string;
  /** what is really there: trees, and where nothing was measured */
  truth: { trees: string; voids: string };
  /** the second date, in `later/` */
  later: { lidar: string[]; ortho: string | null; chm: string | null; trees: string } | null;
  certificate: string;
}

interface Written { sha256: Record<string, string>; put(path: string, data: string | Uint8Array): Promise<string> }

/** Adjusted standard GPS seconds at 18:00 UTC on 1 July 2026, and the years between flights. */
const FLIGHT_DAY = { year: 2026, dayOfYear: 182 }, FLIGHT_GPS = 466_964_018, YEAR_S = 31_557_600;

/**
 * Write the survey of a recipe: points, pictures, stands, plots, truth, and `birth-certificate.json` with the sha256 of each file.
 * The same recipe gives the same bytes on every run and machine: rasters are not compressed, no time or host is written.
 *
 * @param dir  made if need be; files of the same names are replaced
 */
export async function writeSample(dir: string, recipe: Recipe): Promise<SampleFiles> {
  const written = writerInto(dir), forest = planForest(recipe), { put } = written;
  const survey = await writeSurvey(put, '', forest, 0);
  const later = recipe.later ? await writeLater(put, ageForest(forest), recipe.later) : null;
  const files: Omit<SampleFiles, 'certificate'> = {
    ...survey,
    stands: await put('stands.geojson', standsGeoJson(recipe)),
    plots: await put('plots.csv', plotsCsv(recipe)),
    plotTrees: await put('plot_trees.csv', plotTreesCsv(forest)),
    truth: { trees: await put('truth/trees.csv', treesCsv(forest)), voids: await put('truth/voids.geojson', voidsGeoJson(recipe)) },
    later,
  };
  const certificate = {
    recipe: recipe.name, seed: recipe.seed, crs: 'EPSG:32611', licence: 'CC0-1.0', origin: 'synthetic; made by data-samples/make, from nothing else',
    command: `node data-samples/make/main.ts ${commandName(recipe)} DIR`, sha256: { ...written.sha256 },
  };
  return { ...files, certificate: await put('birth-certificate.json', `${JSON.stringify(certificate, null, 2)}\n`) };
}

/**
 * Write `ortho_10cm.tif`: red, green, blue and nir of the same trees at 0.1 m, near enough for every network that comes with the program.
 * Some seconds, some megabytes: no part of the sample's own files, so in no certificate. The same recipe gives the same bytes.
 *
 * @returns its path in `dir`; null for a recipe without an ortho
 */
export async function writeCloseOrtho(dir: string, recipe: Recipe): Promise<string | null> {
  if (!recipe.ortho) return null;
  const forest = planForest(recipe), path = 'ortho_10cm.tif';
  await writeFileAtomically(join(dir, path), orthoTiff(forest, surfaceOf(forest, CLOSE.pixelM), { view: CLOSE, tileSize: 128 }));
  return path;
}

const commandName = ({ name, repeat }: Recipe): string => (repeat ? `${name}:${repeat.across}x${repeat.down}` : name);

function writerInto(dir: string): Written {
  const hashes: Record<string, string> = {};
  return {
    sha256: hashes,
    async put(path, data) {
      await writeFileAtomically(join(dir, path), data);
      hashes[path] = sha256(data);
      return path;
    },
  };
}

async function writeLater(put: Written['put'], forest: Forest, { years, write }: NonNullable<Recipe['later']>): Promise<SampleFiles['later']> {
  const trees = await put('later/truth/trees.csv', treesCsv(forest));
  if (write === 'truth') return { lidar: [], ortho: null, chm: null, trees };
  return { ...(await writeSurvey(put, 'later/', forest, years)), trees };
}

async function writeSurvey(put: Written['put'], folder: string, forest: Forest, years: number): Promise<{ lidar: string[]; ortho: string | null; chm: string | null }> {
  const { recipe } = forest, surface = surfaceOf(forest);
  return {
    lidar: await writeClouds(put, folder, forest, surface, years),
    ortho: recipe.ortho ? await put(`${folder}ortho.tif`, orthoTiff(forest, surface)) : null,
    chm: recipe.chm ? await put(`${folder}chm.tif`, chmTiff(forest, surface)) : null,
  };
}

async function writeClouds(put: Written['put'], folder: string, forest: Forest, surface: Surface, years: number): Promise<string[]> {
  const { recipe } = forest, pieces = cutByLines(scanForest(forest, surface), recipe), paths: string[] = [];
  const { x0, y0 } = recipe.extent, baseM = Math.floor(recipe.terrain.baseM / 100) * 100;
  for (const { east, north, copy } of copies(recipe)) {
    const options = {
      x0M: x0 + east, y0M: y0 + north,
      offsetM: [Math.floor((x0 + east) / 1000) * 1000, Math.floor((y0 + north) / 1000) * 1000, baseM] as [number, number, number],
      gpsStart: FLIGHT_GPS + years * YEAR_S + copy * 1000,
      created: { year: FLIGHT_DAY.year + years, dayOfYear: FLIGHT_DAY.dayOfYear },
    };
    for (const [i, piece] of pieces.entries()) {
      paths.push(await put(`${folder}lidar/${recipe.name}-${copy * pieces.length + i + 1}.las`, encodeLas(piece, options)));
    }
  }
  return paths;
}

/** Deliveries are cut along lines that lean, so that files meet tiles at no edge and the boxes in their headers overlap. */
function cutByLines(returns: Return[], { lidar }: Recipe): Return[][] {
  const pieces: Return[][] = Array.from({ length: lidar.cutsX.length + 1 }, () => []);
  for (const r of returns) pieces[lidar.cutsX.filter((cut) => r.x >= cut + lidar.cutLean * r.y).length]!.push(r);
  return pieces;
}

function orthoTiff(forest: Forest, surface: Surface, { view = FROM_AFAR, tileSize = 512 }: { view?: View; tileSize?: number } = {}): Uint8Array {
  const bandNames = ['red', 'green', 'blue', 'nir'];
  return encodeGeoTiff({ ...pixelWindow(forest, view), bands: paintOrtho(forest, surface, view), epsg: 32611, bandNames, tileSize, compression: 'none' });
}

function chmTiff(forest: Forest, surface: Surface): Uint8Array {
  const bands = [paintCanopyHeight(forest, surface)];
  return encodeGeoTiff({ ...pixelWindow(forest), bands, epsg: 32611, nodata: -9999, bandNames: ['canopy height'], units: 'm', tileSize: 512, compression: 'none' });
}
