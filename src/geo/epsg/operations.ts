// geo/epsg/operations.ts: choose the transformation of a geographic CRS to WGS 84 that needs no grid. Pure; used by make.ts only.

/** West, south, east, north in degrees; east < west where the area crosses the date line. */
export type Area = [number, number, number, number];

/** One operation as `projinfo -s EPSG:base -t EPSG:4326 -o PROJ,PROJJSON` lists it. */
export interface Operation {
  name: string;
  accuracyM: number | null;
  area: Area;
  pipeline: string;
}

export interface Choice {
  /** the seven (or three) numbers of proj4's +towgs84, or null with a problem */
  towgs84: number[] | null;
  accuracyM: number | null;
  /** why the CRS cannot be used */
  problem: string | null;
  /** what a user should know though it can be used */
  note: string | null;
}

/** Worst accuracy of a transformation without a grid that is still used, metres: null transformations of NAD83 are stated as 4 m. */
export const WORST_ACCURACY_M = 5;
const LEAST_COVER = 0.9;
/** A regional frame that is WGS 84 within its accuracy (ETRS89) stays so beyond the area that its transformation states. */
const LEAST_COVER_WITHOUT_SHIFT = 0.5;

/** Operations out of projinfo's text. */
export function parseOperations(text: string): Operation[] {
  return text.split(/^Operation No\. \d+:$/m).slice(1).map((part) => {
    const pipeline = /^PROJ string:\n(.*)$/m.exec(part)?.[1] ?? '';
    const json = /^PROJJSON:\n(.*)$/m.exec(part)?.[1];
    const summary = part.trim().split('\n')[0]!;
    const stated = /, (?:([\d.]+) m|unknown accuracy), /.exec(summary)?.[1];
    return { name: summary, accuracyM: stated === undefined ? null : Number(stated), area: areaOf(json), pipeline };
  });
}

function areaOf(json: string | undefined): Area {
  const record: unknown = json === undefined ? null : JSON.parse(json);
  return boxOf(record) ?? [-180, -90, 180, 90];
}

/** The bbox of a PROJJSON object: its own, or of its first usage. */
export function boxOf(record: unknown): Area | null {
  if (record === null || typeof record !== 'object') return null;
  const { bbox, usages } = record as { bbox?: Record<string, number>; usages?: unknown[] };
  if (bbox) return [bbox['west_longitude']!, bbox['south_latitude']!, bbox['east_longitude']!, bbox['north_latitude']!];
  return usages?.length ? boxOf(usages[0]) : null;
}

const eastOf = ([w, , e]: Area): number => (e < w ? e + 360 : e);

/** Share of area `a` that `b` covers, in degrees squared. */
export function coverOf(a: Area, b: Area): number {
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  let width = 0;
  for (const turn of [-360, 0, 360]) width += Math.max(0, Math.min(eastOf(a), eastOf(b) + turn) - Math.max(a[0], b[0] + turn));
  return (Math.max(0, height) * Math.min(width, eastOf(a) - a[0])) / ((a[3] - a[1]) * (eastOf(a) - a[0]));
}

const KNOWN_STEPS = new Set(['axisswap', 'unitconvert', 'push', 'pop', 'cart', 'noop', 'longlat', 'helmert', 'molobadekas', 'pipeline']);

/**
 * The +towgs84 of a PROJ pipeline: no shift, or one Helmert or Molodensky-Badekas step, forward.
 * Molodensky-Badekas turns about a point P: T' = T + P - (1 + s) R P makes it a plain Helmert.
 */
export function towgs84Of(pipeline: string): number[] | null {
  const steps = pipeline.split('+step').map((step) => new Map([...step.matchAll(/\+(\w+)(?:=(\S+))?/g)].map((m) => [m[1]!, m[2] ?? ''])));
  if (steps.some((step) => step.has('proj') && !KNOWN_STEPS.has(step.get('proj')!))) return null;
  const shifts = steps.filter((step) => step.get('proj') === 'helmert' || step.get('proj') === 'molobadekas');
  if (shifts.length === 0) return [0, 0, 0];
  if (shifts.length > 1) return null;
  const shift = shifts[0]!;
  if ([...shift.keys()].some((key) => /^d[xyzrs]|^t_epoch$|^theta$/.test(key))) return null;
  const at = (key: string): number => Number(shift.get(key) ?? 0);
  const turn = shift.get('convention') === 'coordinate_frame' ? -1 : 1;
  let [x, y, z] = [at('x'), at('y'), at('z')];
  const rotations = [turn * at('rx'), turn * at('ry'), turn * at('rz')], ppm = at('s');
  if (shift.get('proj') === 'molobadekas') {
    const [rx, ry, rz] = rotations.map((seconds) => (seconds * Math.PI) / 648000) as [number, number, number];
    const [px, py, pz] = [at('px'), at('py'), at('pz')], m = 1 + ppm * 1e-6;
    x += px - m * (px - rz * py + ry * pz);
    y += py - m * (rz * px + py - rx * pz);
    z += pz - m * (-ry * px + rx * py + pz);
  }
  const seven = [x, y, z, ...rotations, ppm].map((v) => Math.round(v * 1e6) / 1e6);
  const forward = shift.has('inv') ? (rotations.every((r) => r === 0) && ppm === 0 ? seven.map((v) => -v) : null) : seven;
  if (forward === null) return null;
  return (forward.slice(3).every((v) => v === 0) ? forward.slice(0, 3) : forward).map((v) => (v === 0 ? 0 : v));
}

/**
 * Choose for one CRS: of the operations without a grid that cover its area of use, the most accurate
 * (ties: covers more, smaller area, first in PROJ's order). Refused where there is none, or none better than 5 m.
 */
export function chooseOperation(operations: Operation[], area: Area): Choice {
  const size = (a: Area): number => (a[3] - a[1]) * (eastOf(a) - a[0]);
  const covering = operations.map((operation, order) => ({ ...operation, order, cover: coverOf(area, operation.area), towgs84: towgs84Of(operation.pipeline) }))
    .filter(({ cover, accuracyM, towgs84 }) => accuracyM !== null && cover >= (towgs84?.every((v) => v === 0) ? LEAST_COVER_WITHOUT_SHIFT : LEAST_COVER));
  const rank = (a: typeof covering[number], b: typeof covering[number]): number =>
    a.accuracyM! - b.accuracyM! || b.cover - a.cover || size(a.area) - size(b.area) || a.order - b.order;
  const plain = covering.filter(({ towgs84 }) => towgs84 !== null).sort(rank)[0];
  const better = operations.filter(({ pipeline, accuracyM, area: its }) => /grid/.test(pipeline) && accuracyM !== null && coverOf(area, its) > 0.5)
    .sort((a, b) => a.accuracyM! - b.accuracyM!)[0];
  const grid = better && /\+grids=(\S+)/.exec(better.pipeline)?.[1];
  if (!plain) {
    const problem = grid ? `its transformation to WGS 84 needs the grid ${grid}, which is not part of Understory`
      : operations.length === 0 ? 'no transformation to WGS 84 is known for it' : 'no single transformation to WGS 84 of known accuracy covers its area of use';
    return { towgs84: null, accuracyM: null, problem, note: null };
  }
  const { accuracyM, towgs84 } = plain;
  if (accuracyM! > WORST_ACCURACY_M) {
    const problem = `without a grid its transformation to WGS 84 is good to ${accuracyM} m only${grid ? ` (${grid} would give ${better!.accuracyM} m)` : ''}`;
    return { towgs84: null, accuracyM, problem, note: null };
  }
  const note = grid && better.accuracyM! < accuracyM! ? `transformed to WGS 84 without the grid ${grid}: good to ${accuracyM} m, with it to ${better.accuracyM} m` : null;
  return { towgs84, accuracyM, problem: null, note };
}
