// A copy of the tiny sample in a folder of its own, with another tiling, other workers, other files: for tests.
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sampleJob } from '../../src/cli/sample-job.ts';
import { loadJob } from '../../src/pipeline/job-file.ts';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { readRunRecord } from '../../src/pipeline/run-record.ts';
import type { RunResult } from '../../src/pipeline/run.ts';
import { runSurvey } from '../../src/pipeline/run.ts';

const samples = fileURLToPath(new URL('../../data-samples', import.meta.url));

export interface Variant {
  tileM?: number;
  workers?: number;
  /** text to put in the place of another in the job file */
  edit?: (job: string) => string;
}

/** Write the survey and its job file. @returns the job file's path */
export async function writeVariant(dir: string, { tileM = 100, workers = 1, edit = (job) => job }: Variant = {}): Promise<string> {
  await mkdir(dir, { recursive: true });
  for (const name of ['lidar', 'ortho.tif', 'stands.geojson']) await cp(join(samples, 'tiny', name), join(dir, name), { recursive: true });
  await cp(join(samples, 'models', 'red-density'), join(dir, 'models', 'red-density'), { recursive: true });
  const job = sampleJob('tiny', await readdir(dir)).replace('size_m: 100', `size_m: ${tileM}`);
  await writeFile(join(dir, 'job.yaml'), edit(`${job}run: { workers: ${workers} }\n`));
  return join(dir, 'job.yaml');
}

export async function runVariant(job: string): Promise<{ result: RunResult; record: RunRecord }> {
  const loaded = await loadJob(job), result = await runSurvey(loaded);
  return { result, record: (await readRunRecord(loaded.output))! };
}

interface LasFile {
  head: Buffer;
  records: Buffer[];
}

async function readLas(path: string): Promise<LasFile> {
  const bytes = await readFile(path), start = bytes.readUInt32LE(96), length = bytes.readUInt16LE(105), count = Number(bytes.readBigUInt64LE(247));
  return { head: bytes.subarray(0, start), records: Array.from({ length: count }, (_, i) => bytes.subarray(start + i * length, start + (i + 1) * length)) };
}

function lasOf(head: Buffer, records: readonly Buffer[]): Buffer {
  const copy = Buffer.from(head);
  copy.writeUInt32LE(0, 107);
  copy.writeBigUInt64LE(BigInt(records.length), 247);
  for (let axis = 0; axis < 3; axis++) {
    const raw = records.map((record) => record.readInt32LE(axis * 4)), scale = head.readDoubleLE(131 + 8 * axis), offset = head.readDoubleLE(155 + 8 * axis);
    copy.writeDoubleLE(raw.reduce((a, b) => Math.max(a, b)) * scale + offset, 179 + 16 * axis);
    copy.writeDoubleLE(raw.reduce((a, b) => Math.min(a, b)) * scale + offset, 187 + 16 * axis);
  }
  return Buffer.concat([copy, ...records]);
}

/** Deliver the same returns otherwise: shuffled, cut into three strips along other lines, and with a fifth of them delivered twice. */
export async function recutLidar(dir: string): Promise<void> {
  const lidar = join(dir, 'lidar'), names = await readdir(lidar), files = await Promise.all(names.map((name) => readLas(join(lidar, name))));
  const [first] = files, all = files.flatMap(({ records }) => records);
  if (files.some(({ head }) => head.subarray(131, 179).compare(first!.head.subarray(131, 179)) !== 0)) throw new Error('the sample files differ in scale or offset');
  for (let i = all.length - 1, state = 12345; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  await rm(lidar, { recursive: true });
  await mkdir(lidar);
  const xs = all.map((record) => record.readInt32LE(0)).sort((a, b) => a - b), cuts = [xs[Math.floor(xs.length * 0.3)]!, xs[Math.floor(xs.length * 0.7)]!];
  const strip = (record: Buffer) => cuts.filter((cut) => record.readInt32LE(0) > cut).length;
  for (let k = 0; k <= cuts.length; k++) await writeFile(join(lidar, `strip-${k}.las`), lasOf(first!.head, all.filter((record) => strip(record) === k)));
  await writeFile(join(lidar, 'again.las'), lasOf(first!.head, all.filter((_, i) => i % 5 === 0)));
}

/** Keep two strips of the returns only, west and south, each a file: together an L. */
export async function keepCorner(dir: string): Promise<void> {
  const lidar = join(dir, 'lidar'), names = await readdir(lidar), files = await Promise.all(names.map((name) => readLas(join(lidar, name))));
  const head = files[0]!.head, all = files.flatMap(({ records }) => records);
  const middle = (axis: number) => all.map((record) => record.readInt32LE(4 * axis)).sort((a, b) => a - b)[Math.floor(all.length * 0.3)]!;
  const x = middle(0), y = middle(1);
  await rm(lidar, { recursive: true });
  await mkdir(lidar);
  await writeFile(join(lidar, 'west.las'), lasOf(head, all.filter((record) => record.readInt32LE(0) < x)));
  await writeFile(join(lidar, 'south.las'), lasOf(head, all.filter((record) => record.readInt32LE(4) < y && record.readInt32LE(0) >= x)));
}
