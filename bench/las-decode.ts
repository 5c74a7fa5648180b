// bench/las-decode.ts: how fast LiDAR files are decoded on one core, and where the time goes. IO.
//
//   npx node bench/las-decode.ts [FILE ...]      default: the bcts files of the shared data
//
// Each file is read three times after a warm-up and the best run counts. Rates are by CPU seconds of this process, since
// others may use the machine (the rate by the clock is beside them); they include the garbage collector's threads.
import { createLazPerf } from 'laz-perf';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesSource, openFile } from '../src/files/byte-source.ts';
import { convertCoordinates } from '../src/ingest/coordinates.ts';
import { decodeRecords } from '../src/ingest/las-records.ts';
import { openPointFile } from '../src/ingest/point-reader.ts';
import { makeLas } from '../test/ingest/make-las.ts';

const shared = fileURLToPath(new URL('../../shared/data/lidar', import.meta.url));
const files = process.argv.length > 2 ? process.argv.slice(2) : [1, 2, 3, 4].map((n) => `${shared}/bcts_${n}.laz`);
const RUNS = 3;

interface Seconds { cpu: number; wall: number }

/** The fastest of some runs, by each measure. */
async function best(run: () => Promise<void> | void): Promise<Seconds> {
  const seconds: Seconds = { cpu: Infinity, wall: Infinity };
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now(), before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    seconds.cpu = Math.min(seconds.cpu, (user + system) / 1e6);
    seconds.wall = Math.min(seconds.wall, (performance.now() - start) / 1000);
  }
  return seconds;
}

const rate = (points: number, { cpu, wall }: Seconds): string => `${(points / cpu / 1e6).toFixed(2)} M points/s (clock ${(points / wall / 1e6).toFixed(2)})`;

/** As a bucket task reads: from disk to columns in integers of 1e-5 m. */
async function readWhole(path: string): Promise<void> {
  const source = await openFile(path);
  const { header, chunks } = await openPointFile(source);
  for await (const points of chunks()) convertCoordinates(points, header);
  await source.close();
}

/** laz-perf alone: the loop of calls, records overwritten, nothing parsed. */
async function lazPerfAlone(path: string, points: number): Promise<Seconds> {
  const wasm = await createLazPerf(), bytes = await readFile(path);
  const input = wasm._malloc(bytes.length), output = wasm._malloc(256);
  wasm.HEAPU8.set(bytes, input);
  return best(() => {
    const decoder = new wasm.LASZip();
    decoder.open(input, bytes.length);
    for (let i = 0; i < points; i++) decoder.getPoint(output);
    decoder.delete();
  });
}

/** A call into wasm that does nothing: what a call for each point costs at least. Nanoseconds. */
async function emptyCall(path: string): Promise<number> {
  const wasm = await createLazPerf(), bytes = await readFile(path);
  const input = wasm._malloc(bytes.length), decoder = new wasm.LASZip();
  wasm.HEAPU8.set(bytes, input);
  decoder.open(input, bytes.length);
  const { cpu } = await best(() => {
    for (let i = 0; i < 1e6; i++) decoder.getPointLength();
  });
  return cpu * 1000;
}

async function benchFile(path: string): Promise<void> {
  const source = await openFile(path);
  const { pointCount, format, pointFormat } = (await openPointFile(source)).header;
  await source.close();
  await readWhole(path);
  const whole = await best(() => readWhole(path));
  let beside = '';
  if (format !== 'las') {
    const alone = await lazPerfAlone(path, pointCount);
    beside = `; laz-perf alone ${rate(pointCount, alone)}, ${Math.round((100 * alone.cpu) / whole.cpu)} % of the time`;
  }
  console.log(`${basename(path)}: ${format}, format ${pointFormat}, ${pointCount} points: ${rate(pointCount, whole)}${beside}`);
}

/** Parsing of uncompressed records, in memory: what comes after decompression. */
async function benchPlain(): Promise<void> {
  const count = 200_000;
  const points = Array.from({ length: count }, (_, i) => ({ x: i % 1000, y: i / 1000, z: i % 40, gpsTime: i }));
  const bytes = makeLas({ points, pointFormat: 1 });
  const records = bytes.subarray(227);
  const parse = await best(() => void decodeRecords(records, count, { pointFormat: 1, recordLength: 28 }));
  const whole = await best(async () => {
    const { header, chunks } = await openPointFile(bytesSource('made.las', bytes));
    for await (const chunk of chunks()) convertCoordinates(chunk, header);
  });
  console.log(`made.las: las, format 1, ${count} points in memory: ${rate(count, whole)}; parsing of records alone ${rate(count, parse)}`);
}

for (const path of files) await benchFile(path);
await benchPlain();
if (files[0]) console.log(`a call into wasm that does nothing: ${(await emptyCall(files[0])).toFixed(0)} ns`);
console.log(`peak memory of this process: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB; node ${process.version}`);
