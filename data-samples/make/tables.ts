// make/tables.ts: truth, plots, stands and voids as the text of CSV and GeoJSON files. Pure.
import proj4 from 'proj4';
import type { Forest, PlantedTree } from './forest.ts';
import { length } from './exact.ts';
import { randomOf } from './random.ts';
import type { LocalRing, Recipe } from './recipe.ts';

const UTM_11N = '+proj=utm +zone=11 +datum=WGS84 +units=m +no_defs';
const csv = (header: string, rows: (string | number)[][]): string => `${[header, ...rows.map((row) => row.join(','))].join('\n')}\n`;

/** Centimetres of the extent's corner added exactly: both are whole centimetres. */
const worldX = ({ extent }: Recipe, x: number): number => (Math.round(extent.x0 * 100) + Math.round(x * 100)) / 100;
const worldY = ({ extent }: Recipe, y: number): number => (Math.round(extent.y0 * 100) + Math.round(y * 100)) / 100;

/** Every tree of the forest; a tree in several stands names them all, joined by `;`. */
export const treesCsv = ({ recipe, trees }: Forest): string =>
  csv('tree_no,x_m,y_m,height_m,crown_diameter_m,dbh_cm,agb_kg,species_group,status,layer,stand_no', copies(recipe).flatMap(({ east, north, copy }) =>
    trees.map((t) => [
      copy * trees.length + t.treeNo, worldX(recipe, t.x + east).toFixed(2), worldY(recipe, t.y + north).toFixed(2), t.heightM.toFixed(2), t.crownDiameterM.toFixed(2),
      t.dbhCm.toFixed(1), t.agbKg.toFixed(2), t.speciesGroup, t.status, t.layer, t.standNo.split(';').map((no) => standOfCopy(no, copy)).join(';'),
    ])));

/** The extent and its copies: how far each lies from the first, metres. */
export function copies({ repeat, extent }: Recipe): { east: number; north: number; copy: number }[] {
  const { across, down } = repeat ?? { across: 1, down: 1 };
  return Array.from({ length: across * down }, (_, copy) =>
    ({ copy, east: (copy % across) * extent.widthM, north: Math.floor(copy / across) * extent.heightM }));
}

/** Copies of a stand are stands of their own: `1`, `1-2`, `1-3`. */
const standOfCopy = (standNo: string, copy: number): string => (copy === 0 || standNo === '' ? standNo : `${standNo}-${copy + 1}`);

/** Field plots, as the job file asks for them. */
export const plotsCsv = (recipe: Recipe): string =>
  csv('plot_id,x,y,radius_m', recipe.plots.map(({ plotId, x, y, radiusM }) => [plotId, worldX(recipe, x).toFixed(2), worldY(recipe, y).toFixed(2), radiusM]));

/** What a crew measures: stems of at least 7 cm, DBH to the millimetre, heights with an error of 0.3 m; `tree_no` is the truth's. */
export function plotTreesCsv({ recipe, trees }: Forest): string {
  const random = randomOf(recipe.seed, 'plots');
  const rows = recipe.plots.flatMap(({ plotId, x, y, radiusM }) => {
    const inPlot = (t: PlantedTree): boolean => length(t.x - x, t.y - y) < radiusM && t.dbhCm >= 7;
    return trees.filter(inPlot).map((t) => [plotId, t.treeNo, t.species, t.dbhCm.toFixed(1), (t.heightM + 0.3 * random.normal()).toFixed(1), t.status]);
  });
  return csv('plot_id,tree_no,species,dbh_cm,height_m,status', rows);
}

interface Feature { properties: Record<string, string | number>; ring: LocalRing }

export const standsGeoJson = (recipe: Recipe): string =>
  featureCollection(recipe, copies(recipe).flatMap(({ east, north, copy }) => recipe.stands.map(({ standNo, name, species, ring }) => ({
    properties: { stand_no: standOfCopy(standNo, copy), name, species },
    ring: ring.map(([x, y]): [number, number] => [x + east, y + north]),
  }))));

export const voidsGeoJson = (recipe: Recipe): string =>
  featureCollection(recipe, recipe.voids.map(([x0, y0, x1, y1], i) => ({ properties: { void_no: i + 1, reason: 'no returns' }, ring: [[x0, y0], [x1, y0], [x1, y1], [x0, y1]] })));

/** RFC 7946: WGS 84 longitude and latitude, 7 decimals (about a centimetre), outer rings counter-clockwise. */
function featureCollection(recipe: Recipe, features: Feature[]): string {
  const toWgs84 = proj4(UTM_11N, 'WGS84');
  const lines = features.map(({ properties, ring }) => {
    const closed = [...counterClockwise(ring), counterClockwise(ring)[0]!];
    const coordinates = closed.map(([x, y]) => toWgs84.forward([recipe.extent.x0 + x, recipe.extent.y0 + y]).map((deg) => Number(deg.toFixed(7))));
    return JSON.stringify({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [coordinates] } });
  });
  return `{"type":"FeatureCollection","features":[\n${lines.join(',\n')}\n]}\n`;
}

function counterClockwise(ring: LocalRing): LocalRing {
  let twiceArea = 0;
  ring.forEach(([x, y], i) => {
    const [nx, ny] = ring[(i + 1) % ring.length]!;
    twiceArea += x * ny - nx * y;
  });
  return twiceArea < 0 ? ring.toReversed() : ring;
}
