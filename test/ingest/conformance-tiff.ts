// test/ingest/conformance-tiff.ts: read every shared TIFF with Understory and with GDAL, and print the table. IO.
//
//   npx node test/ingest/conformance-tiff.ts > docs/conformance-tiff.md
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnderstoryError } from '../../src/errors.ts';
import { openFile } from '../../src/files/byte-source.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import type { PixelArray } from '../../src/types.ts';

const folder = fileURLToPath(new URL('../../../shared/data/conformance/tiff', import.meta.url));

/** All shared TIFFs; none where they are absent. */
export async function conformanceTiffs(): Promise<string[]> {
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => /\.tiff?$/.test(name)).sort().map((name) => join(folder, name));
}

/** A band as a reader sees it: voids are zero in what is hashed. */
export interface BandReading {
  type: string;
  valid: number;
  /** of valid finite pixels */
  sum: number;
  sha256: string;
}

export interface TiffReading {
  width: number;
  height: number;
  bands: BandReading[];
}

export interface Outcome<T> {
  path: string;
  reading: T | Error;
  seconds: number;
}

/** Read a file with Understory, each band by itself. */
export async function readOurTiff(path: string): Promise<Outcome<TiffReading>> {
  const started = performance.now();
  const reading = await readAll(path).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  return { path, reading, seconds: (performance.now() - started) / 1000 };
}

async function readAll(path: string): Promise<TiffReading> {
  const raster = await openRaster(await openFile(path));
  try {
    const { width, height, bands } = raster.header, found: BandReading[] = [];
    for (let band = 0; band < bands; band++) {
      const { data: [pixels], mask } = await raster.readWindow([band], { col: 0, row: 0, width, height });
      found.push(bandReading(pixels!, mask));
    }
    return { width, height, bands: found };
  } finally {
    await raster.close();
  }
}

function bandReading(pixels: PixelArray, mask: Uint8Array): BandReading {
  let valid = 0, sum = 0, lost = 0; // Neumaier's sum: GDAL's side adds exactly
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    valid++;
    const value = pixels[i]!, total = sum + value;
    if (!Number.isFinite(value)) continue;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum;
    sum = total;
  }
  return { type: pixels.constructor.name.replace('Array', '').toLowerCase(), valid, sum: sum + lost, sha256: createHash('sha256').update(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength)).digest('hex') };
}

/** Read files with Debian's GDAL; null where it is not installed. */
export function readWithGdal(paths: string[]): Map<string, TiffReading | Error> | null {
  const script = fileURLToPath(new URL('./conformance-tiff.py', import.meta.url));
  let printed: string;
  try {
    printed = execFileSync('/usr/bin/python3', [script, ...paths], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 });
  } catch {
    return null;
  }
  const lines = printed.trim().split('\n').map((line) => JSON.parse(line) as { path: string; error?: string } & TiffReading);
  return new Map(lines.map(({ path, error, ...reading }) => [path, error === undefined ? reading : new Error(error)]));
}

export const sameReading = (a: TiffReading, b: TiffReading): boolean =>
  a.width === b.width && a.height === b.height && a.bands.length === b.bands.length && a.bands.every((band, i) => band.type === b.bands[i]!.type && band.valid === b.bands[i]!.valid && band.sha256 === b.bands[i]!.sha256);

const number = (value: number): string => (Number.isInteger(value) ? value.toLocaleString('en-US') : value.toPrecision(9));

function row({ path, reading, seconds }: Outcome<TiffReading>, theirs: TiffReading | Error): string {
  const name = basename(path), slow = seconds > 2 ? ' SLOW' : '';
  if (reading instanceof Error) {
    const kind = reading instanceof UnderstoryError ? reading.name : `UNTYPED ${reading.name}`;
    return `| ${name} | ${theirs instanceof Error ? `GDAL: ${theirs.message.replaceAll('\n', ' ').slice(0, 80)}` : shapeOf(theirs)} | | ${kind}: ${reading.message.replace(`${path}: `, '')}${slow} | |`;
  }
  const sums = reading.bands.map(({ valid, sum }) => `${number(sum)} (${number(valid)})`).join(', ');
  const agreement = theirs instanceof Error ? `GDAL: ${theirs.message}` : sameReading(reading, theirs) ? 'every pixel' : differenceOf(reading, theirs);
  return `| ${name} | ${shapeOf(reading)} | ${sums} | read${slow} | ${agreement} |`;
}

const shapeOf = ({ width, height, bands }: TiffReading): string => `${width} x ${height}, ${bands.length} x ${bands[0]?.type ?? 'nothing'}`;

function differenceOf(ours: TiffReading, theirs: TiffReading): string {
  const off = ours.bands.map((band, i) => {
    const other = theirs.bands[i];
    return !other ? 'no such band' : band.sha256 === other.sha256 && band.valid === other.valid ? 'same' : `${other.type} ${number(other.sum)} (${number(other.valid)})`;
  });
  return `DIFFERS: GDAL has ${theirs.bands.length} bands; ${off.join(', ')}`;
}

async function printTable(): Promise<void> {
  const paths = await conformanceTiffs(), theirs = readWithGdal(paths);
  if (!theirs) throw new Error('the table needs GDAL for Python, as Debian installs it');
  const lines = [
    '# Conformance: TIFF and GeoTIFF', '',
    'Every TIFF of the shared data (not part of this repository: test files of other readers, odd, old and broken on purpose), read whole',
    'by Understory, band by band, and by GDAL 3.6.2. Sums are of valid pixels, their number is in brackets; an alpha band is no band, but',
    'says what is valid. "Every pixel": type, validity and value of each pixel are the same (sha256 of the band with voids as zero). A file',
    'that is not read ends in a typed error, within two seconds, that says what to do.', '',
    'Made by `npx node test/ingest/conformance-tiff.ts > docs/conformance-tiff.md`; `test/ingest/conformance-tiff.test.ts` holds the program to it.', '',
    '| file | what it is | sum (valid pixels), by band | Understory | same as GDAL |', '| --- | --- | --- | --- | --- |',
  ];
  for (const path of paths) lines.push(row(await readOurTiff(path), theirs.get(path) ?? new Error('says nothing')));
  process.stdout.write(`${lines.join('\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await printTable();
