// geo/epsg/make.ts: makes table.ts and the PROJJSON shards from PROJ's database, by dump.py and `projinfo`. IO; run by hand, never by the product.
// node_modules/.bin/node src/geo/epsg/make.ts [proj.db]
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import proj4 from 'proj4';
import { writeFileAtomically } from '../../files/atomic.ts';
import { boxOf, chooseOperation, parseOperations, type Area, type Choice, type Operation } from './operations.ts';
import type { EpsgTable, GeographicRow, ProjectedRow, VerticalRow } from './row.ts';

const run = promisify(execFile);
const text = async (command: string, args: string[]): Promise<string> => (await run(command, args, { maxBuffer: 1 << 28 })).stdout;
const folder = fileURLToPath(new URL('.', import.meta.url));

interface Axis { direction: string; unit: string | { name: string; conversion_factor: number } }
interface ProjJson {
  name: string;
  base_crs?: { id?: { code: number } };
  conversion?: { method?: { name?: string } };
  coordinate_system: { axis: Axis[] };
  [key: string]: unknown;
}

/** A line of dump.py; `points`: what PROJ makes of `lonlat` on the ellipsoid. */
interface Dumped {
  kind: 'projected' | 'geographic' | 'vertical';
  code: number;
  esri: string;
  json: ProjJson;
  proj?: string;
  ellipsoid?: string;
  lonlat?: [number, number][];
  points?: [number, number][];
  error?: string;
}

const UNIT_FACTORS = new Map([['metre', 1], ['degree', Math.PI / 180], ['unity', 1]]);

function unitOf(json: ProjJson): { name: string; factor: number } {
  const { unit } = json.coordinate_system.axis[0]!;
  return typeof unit === 'string' ? { name: unit, factor: UNIT_FACTORS.get(unit)! } : { name: unit.name, factor: unit.conversion_factor };
}

const DATUM_ELLIPSOIDS: Record<string, string> = { WGS84: 'WGS84', NAD83: 'GRS80', NAD27: 'clrk66', OSGB36: 'airy', GGRS87: 'GRS80', potsdam: 'bessel', carthage: 'clrk80ign', hermannskogel: 'bessel', ire65: 'mod_airy', nzgd49: 'intl' };

interface Ellipsoid { semi_major_axis: number | { value: number }; inverse_flattening?: number }
interface Geodetic { datum?: { ellipsoid: Ellipsoid }; datum_ensemble?: { ellipsoid: Ellipsoid } }

/** Names that proj4 knows; it takes any other for WGS 84 without a word. */
const PROJ4_ELLIPSOIDS = new Set(['WGS84', 'GRS80', 'clrk66', 'airy', 'mod_airy', 'bessel', 'intl', 'krass', 'clrk80ign', 'evrst30', 'aust_SA', 'GRS67']);

/** Axes of the ellipsoid as numbers where proj4 has no name for it. */
function knownEllipsoid(proj: string, json: ProjJson): string {
  const name = /\+ellps=(\S+)/.exec(proj)?.[1];
  if (name === undefined || PROJ4_ELLIPSOIDS.has(name)) return proj;
  const { datum, datum_ensemble } = (json.base_crs ?? json) as Geodetic, its = (datum ?? datum_ensemble)!.ellipsoid, a = its.semi_major_axis;
  return proj.replace(`+ellps=${name}`, `+a=${typeof a === 'number' ? a : a.value} ${its.inverse_flattening ? `+rf=${its.inverse_flattening}` : `+b=${typeof a === 'number' ? a : a.value}`}`);
}

/** Ellipsoid instead of a named datum, and no shift: only our own +towgs84 decides. */
const plainProj = (proj: string, json: ProjJson): string => knownEllipsoid(proj
  .replace(/\+datum=(\w+)/, (_, datum: string) => {
    const ellipsoid = DATUM_ELLIPSOIDS[datum];
    if (ellipsoid === undefined) throw new Error(`unknown datum ${datum}`);
    return `+ellps=${ellipsoid}`;
  })
  .replace(/ ?\+towgs84=\S+| ?\+nadgrids=(?!@null)\S+| ?\+type=crs/g, '').trim(), json);

const withShift = (proj: string, towgs84: number[] | null): string =>
  towgs84 === null || proj.includes('+nadgrids') ? proj : `${proj} +towgs84=${towgs84.join(',')}`;

const WORLD: Area = [-180, -90, 180, 90];
const NO_SHIFT: Choice = { towgs84: [0, 0, 0], accuracyM: 0, problem: null, note: null };
const shiftOf = (base: number, operations: Map<number, Operation[]>, area: Area): Choice =>
  base === 4326 ? NO_SHIFT : chooseOperation(operations.get(base) ?? [], area);

async function operationsOf(base: number): Promise<Operation[]> {
  if (base === 4326) return [];
  const out = await text('projinfo', ['-s', `EPSG:${base}`, '-t', 'EPSG:4326', '--spatial-test', 'intersects', '--hide-ballpark', '--grid-check', 'none', '-o', 'PROJ,PROJJSON', '--single-line']);
  return parseOperations(out);
}

function geographicRow({ code, json, proj, esri }: Dumped, operations: Map<number, Operation[]>): GeographicRow {
  const area = boxOf(json) ?? WORLD, choice = shiftOf(code, operations, area), unit = unitOf(json);
  const problem = choice.problem ?? (unit.name === 'degree' ? '' : `it is in units of ${unit.name}, not degrees`);
  return { code, name: json.name, esriName: esri, proj4: withShift(plainProj(proj!, json), choice.towgs84), unit: unit.name, area, accuracyM: choice.accuracyM, problem, note: choice.note ?? '' };
}

/** Difference between proj4 and PROJ that is accepted, metres. */
const SAME_M = 0.001;

/** Why proj4 cannot be used for a CRS, or '': the largest difference to PROJ over five points of the area of use. */
function methodProblem(own: string, { json, ellipsoid, lonlat, points }: Dumped, unitToMetre: number): string {
  const method = json.conversion?.method?.name ?? 'its method';
  let worst = 0;
  try {
    const there = proj4(`+proj=longlat ${ellipsoid} +no_defs`, own.replace(/ \+nadgrids=@null/, ''));
    lonlat!.forEach((point, i) => {
      const [x, y] = there.forward([...point]) as [number, number];
      worst = Math.max(worst, Math.abs(x - points![i]![0]) * unitToMetre, Math.abs(y - points![i]![1]) * unitToMetre);
    });
  } catch {
    return `proj4 has no ${method}`;
  }
  if (worst < SAME_M) return '';
  return `proj4 and PROJ differ for its method, ${method}${Number.isFinite(worst) ? `, by ${worst.toPrecision(2)} m` : ''}`;
}

function projectedRow(dumped: Dumped, bases: Set<number>, operations: Map<number, Operation[]>): ProjectedRow {
  const { code, json, proj, esri, error } = dumped, axes = json.coordinate_system.axis;
  const area = boxOf(json) ?? WORLD, unit = unitOf(json), base = json.base_crs?.id?.code ?? 0, choice = shiftOf(base, operations, area);
  const row: ProjectedRow = { code, name: json.name, esriName: esri, proj4: '', unit: unit.name, unitToMetre: unit.factor, area, base, accuracyM: choice.accuracyM, problem: '', note: choice.note ?? '' };
  if (!bases.has(base)) return { ...row, problem: `its base, EPSG:${base}, is no two-dimensional geographic CRS in use` };
  if (proj === undefined || !/\+proj=/.test(proj) || error !== undefined) return { ...row, problem: `its method, ${json.conversion?.method?.name}, cannot be computed` };
  if (/\+axis=/.test(proj)) return { ...row, problem: `its axes point ${axes[0]!.direction} and ${axes[1]!.direction}` };
  row.proj4 = withShift(plainProj(proj, json), choice.towgs84);
  return { ...row, problem: choice.problem ?? methodProblem(plainProj(proj, json), dumped, unit.factor) };
}

function verticalRow({ code, json }: Dumped): VerticalRow {
  const unit = unitOf(json);
  return { code, name: json.name, unit: unit.name, unitToMetre: unit.factor, up: json.coordinate_system.axis[0]!.direction === 'up' };
}

/** PROJJSON by code within each thousand, without what only a reader of the registry needs. */
function shardsOf(dump: Dumped[]): Map<number, Record<string, unknown>> {
  const shards = new Map<number, Record<string, unknown>>();
  for (const { code, json } of dump) {
    const { scope, remarks, usages, area, ...rest } = json, thousand = Math.floor(code / 1000);
    shards.set(thousand, { ...shards.get(thousand), [code]: rest });
  }
  return shards;
}

function compress(value: unknown): string {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  return brotliCompressSync(JSON.stringify(value), { params }).toString('base64').replace(/(.{160})/g, '$1\n');
}

const moduleOf = (opening: string, packed: string): string => `// ${opening} Generated by make.ts: do not edit.\nexport const packed = \`\n${packed}\n\`;\n`;

async function main(database = '/usr/share/proj/proj.db'): Promise<void> {
  const dump = (await text('/usr/bin/python3', [`${folder}dump.py`, database])).trim().split('\n').map((line): Dumped => JSON.parse(line));
  const ofKind = (kind: Dumped['kind']): Dumped[] => dump.filter((line) => line.kind === kind);
  const operations = new Map<number, Operation[]>();
  for (const { code } of ofKind('geographic')) operations.set(code, await operationsOf(code));
  const bases = new Set(operations.keys());
  const table: EpsgTable = {
    projected: ofKind('projected').map((line) => projectedRow(line, bases, operations)),
    geographic: ofKind('geographic').map((line) => geographicRow(line, operations)),
    vertical: ofKind('vertical').map(verticalRow),
  };
  await writeFileAtomically(`${folder}table.ts`, moduleOf('geo/epsg/table.ts: the EPSG table, brotli of JSON, base64.', compress(table)));
  const shards = [...shardsOf(dump.filter(({ kind }) => kind !== 'vertical'))].sort(([a], [b]) => a - b);
  for (const [t, shard] of shards) await writeFileAtomically(`${folder}projjson-${t}.ts`, moduleOf(`geo/epsg/projjson-${t}.ts: PROJJSON of EPSG:${t}000 to ${t}999, brotli of JSON, base64.`, compress(shard)));
  const lines = shards.map(([t]) => `  [${t}, () => import('./projjson-${t}.ts')],`).join('\n');
  await writeFileAtomically(`${folder}shards.ts`, `// geo/epsg/shards.ts: where the PROJJSON of a code is, by code / 1000. Generated by make.ts: do not edit.\nexport const shards = new Map<number, () => Promise<{ packed: string }>>([\n${lines}\n]);\n`);
  const refused = table.projected.filter((row) => row.problem !== '').length;
  console.error(`${table.projected.length} projected (${refused} refused), ${table.geographic.length} geographic, ${table.vertical.length} vertical`);
}

await main(...process.argv.slice(2));
