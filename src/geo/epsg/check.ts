// geo/epsg/check.ts: holds every usable transformation of the table against PROJ at points of its area of use. IO; run by hand, never by the product.
// node_modules/.bin/node src/geo/epsg/check.ts
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { projectedCodes, projectedRow, geographicRow } from '../crs-table.ts';
import { crsFromEpsg, transformer, WGS84, type Crs } from '../crs.ts';

/** Both must agree to this, metres. */
const SAME_M = 0.001;
const LON_LAT_WGS84 = '+proj=longlat +ellps=WGS84 +towgs84=0,0,0 +no_defs';
/** Places within the area of use, as shares of its width and height. */
const PLACES = [[0.5, 0.5], [0.2, 0.25], [0.8, 0.3], [0.3, 0.8], [0.75, 0.7]] as const;

export interface Deviation {
  epsg: number;
  name: string;
  /** largest difference between proj4 and PROJ, metres: of the projection alone, in EPSG's definition of both sides */
  projectionM: number;
  /** of the whole way from WGS 84, by the table's own definition: shift and projection */
  shiftM: number;
  /** of that way from the one that PROJ itself chooses for the first point, with the grids that are installed */
  choiceM: number;
  base: number;
  accuracyM: number | null;
}

interface Request {
  from: string;
  to: string;
  points: readonly [number, number][];
}

/** What PROJ makes of points, east and north or longitude and latitude on both sides; null where it has no way. One process for all. */
async function projOf(requests: readonly Request[]): Promise<([number, number][] | null)[]> {
  const out = await new Promise<string>((done, fail) => {
    const child = execFile('/usr/bin/python3', [fileURLToPath(new URL('transform.py', import.meta.url))], { maxBuffer: 1 << 28 }, (error, stdout) => (error ? fail(error) : done(stdout)));
    child.stdin!.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
  });
  return out.trim().split('\n').map((line) => {
    const answer = JSON.parse(line) as [number, number][] | { error: string };
    return Array.isArray(answer) ? answer : null;
  });
}

/** Points of the area of use, longitude and latitude in degrees, off the poles and within half a turn. */
export function pointsOf({ areaOfUse: { west, south, east, north } }: Crs): [number, number][] {
  const width = (east < west ? east + 360 : east) - west;
  return PLACES.map(([u, v]) => {
    const lon = west + width * u;
    return [lon > 180 ? lon - 360 : lon, Math.max(-89, Math.min(89, south + (north - south) * v))];
  });
}

/** Codes that can be used and that PROJ can be asked about: no null grid, a base that can be used. */
export const checkableCodes = (): number[] => projectedCodes().filter((code) => {
  const row = projectedRow(code)!;
  return row.problem === '' && geographicRow(row.base)!.problem === '' && !row.proj4.includes('nadgrids');
});

/** Largest distance of two lists of points, in units of `metre`; infinite where one has none. */
const apart = (ours: readonly [number, number][], proj: readonly [number, number][] | null, metre: number): number => {
  const worst = proj === null ? Infinity : Math.max(...ours.map(([x, y], i) => Math.hypot(x - proj[i]![0], y - proj[i]![1]))) * metre;
  return Number.isNaN(worst) ? Infinity : worst;
};

/** How far proj4 is from PROJ for each code, at five points of its area of use. */
export async function deviationsOf(codes: readonly number[]): Promise<Deviation[]> {
  const wgs84 = crsFromEpsg(WGS84);
  const all = codes.map((epsg) => {
    const crs = crsFromEpsg(epsg), base = crsFromEpsg(crs.base), points = pointsOf(crs), from = (start: Crs) => points.map(([lon, lat]) => transformer(start, crs)(lon, lat));
    return { crs, ofBase: from(base), ofWgs84: from(wgs84), requests: [
      { from: `EPSG:${base.epsg}`, to: `EPSG:${epsg}`, points }, { from: LON_LAT_WGS84, to: crs.proj4, points }, { from: `EPSG:${WGS84}`, to: `EPSG:${epsg}`, points: points.slice(0, 1) },
    ] };
  });
  const answers = await projOf(all.flatMap(({ requests }) => requests));
  return all.map(({ crs: { epsg, name, base, accuracyM, unitToMetre }, ofBase, ofWgs84 }, i) => {
    const [direct, shifted, chosen] = answers.slice(3 * i, 3 * i + 3) as [Answer, Answer, Answer], metre = unitToMetre!;
    return { epsg, name, base, accuracyM, projectionM: apart(ofBase, direct, metre), shiftM: apart(ofWgs84, shifted, metre), choiceM: apart(ofWgs84.slice(0, 1), chosen, metre) };
  });
}

type Answer = [number, number][] | null;

async function main(): Promise<void> {
  const deviations = await deviationsOf(checkableCodes()), exceeds = ({ projectionM, shiftM }: Deviation) => !(Math.max(projectionM, shiftM) < SAME_M);
  const failed = deviations.filter(exceeds), differing = deviations.filter(({ choiceM, accuracyM }) => !(choiceM <= Math.max(SAME_M, accuracyM ?? 0)));
  for (const { epsg, name, projectionM, shiftM } of failed) console.log(`EPSG:${epsg} ${name}: projection ${projectionM} m, with the shift ${shiftM} m`);
  for (const { epsg, name, choiceM, accuracyM } of differing) console.log(`EPSG:${epsg} ${name}: ${choiceM.toPrecision(2)} m from PROJ's own choice of transformation, stated as good to ${accuracyM} m`);
  const farthest = Math.max(...deviations.filter((each) => !exceeds(each)).map(({ projectionM, shiftM }) => Math.max(projectionM, shiftM)));
  console.log(`${deviations.length} codes: ${failed.length} not within ${SAME_M} m of PROJ (the farthest of the others ${farthest.toPrecision(2)} m); ${differing.length} farther from PROJ's own choice of transformation than they are stated to be good`);
  if (failed.length > 0) process.exitCode = 1;
}

if (import.meta.main) await main();
