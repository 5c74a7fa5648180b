// Faults of a network's session: what is tried again, what has failed, and what stays loaded.
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import onnxProto from 'onnx-proto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { densityGraph } from '../../data-samples/make/onnx.ts';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { listFailures } from '../../src/pipeline/ledger.ts';
import type { Plan, Task } from '../../src/pipeline/plan.ts';
import { planSurvey } from '../../src/pipeline/run.ts';
import { openTaskRunner } from '../../src/pipeline/tasks/run-task.ts';
import { findPart } from '../../src/store/parts.ts';
import { runVariant, writeVariant } from './survey.ts';

const { onnx } = onnxProto;
let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-model-task-')); });
afterAll(() => rm(scratch, { recursive: true }));
afterEach(() => { delete process.env['NODE_OPTIONS']; });

interface Planned {
  dir: string;
  plan: Plan;
  block: Task;
  onnx: string;
}

async function planned(name: string): Promise<Planned> {
  const job = await writeVariant(join(scratch, name)), plan = await planSurvey(await loadJob(job)), dir = dirname(job);
  return { dir, plan, block: plan.tasks.find(({ kind }) => kind === 'model')!, onnx: join(dir, 'models', 'red-density', 'model.onnx') };
}

/** Give the network's input another name, of the same length: the file stays a graph. */
async function renameInput(path: string): Promise<void> {
  const bytes = await readFile(path), from = Buffer.from('image');
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from)) bytes.write('imago', at);
  await writeFile(path, bytes);
}

test('a network that could not be loaded is loaded anew by the next block', async () => {
  const { plan, block, onnx } = await planned('late'), runner = openTaskRunner(plan);
  await rename(onnx, `${onnx}.away`);
  await expect(runner.run(block)).rejects.toThrow(/no execution provider took it/);
  await rename(`${onnx}.away`, onnx);
  await runner.run(block);
  expect((await findPart(plan.output, 'model', block.key))!.info.counts['patches_run']).toBeGreaterThan(0);
});

test('an image that could not be opened is opened anew by the next block', async () => {
  const { dir, plan, block } = await planned('no-image'), runner = openTaskRunner(plan), ortho = join(dir, 'ortho.tif');
  await rename(ortho, `${ortho}.away`);
  await expect(runner.run(block)).rejects.toThrow(/ortho\.tif/);
  await rename(`${ortho}.away`, ortho);
  await runner.run(block);
  expect(await findPart(plan.output, 'model', block.key)).not.toBeNull();
});

test('a network whose input has not the name that the card gives is refused when it is loaded', async () => {
  const { plan, block, onnx } = await planned('other-name');
  await renameInput(onnx);
  await expect(openTaskRunner(plan).run(block)).rejects.toThrow(/input\.name: the graph's inputs are imago, the card says image/);
});

/** A network that loads, and fails on every patch: it adds 3 numbers to rows of 128 pixels. */
function failingNetwork(): Uint8Array {
  const odd = new onnx.TensorProto({ name: 'odd', dataType: onnx.TensorProto.DataType.FLOAT, dims: [3], floatData: [1, 2, 3] });
  return densityGraph('failing', [new onnx.NodeProto({ opType: 'Add', name: 'force', input: ['image', 'odd'], output: ['density'] })], [odd]);
}

test('a network that fails on its input has failed, and is loaded anew by the next block', async () => {
  const { plan, block, onnx: path } = await planned('failing'), runner = openTaskRunner(plan), good = await readFile(path);
  await writeFile(path, failingNetwork());
  await expect(runner.run(block)).rejects.toThrow(/failed on an input of 1 x 4 x 128 x 128/);
  await writeFile(path, good);
  await runner.run(block);
  expect(await findPart(plan.output, 'model', block.key)).not.toBeNull();
});

/** Have the thread of a network die at its first call, in every process that is started from now on: once, or each time. */
async function killThreads(dir: string, { once }: { once: boolean }): Promise<string> {
  const deaths = join(dir, 'deaths.log'), preload = join(dir, 'preload.mjs');
  await writeFile(preload, `
    import { appendFileSync, existsSync } from 'node:fs';
    import { isMainThread, parentPort, workerData } from 'node:worker_threads';
    if (!isMainThread && workerData?.providers && !(${once} && existsSync(${JSON.stringify(deaths)}))) parentPort.on('message', () => {
      appendFileSync(${JSON.stringify(deaths)}, process.pid + '\\n');
      process.exit(3);
    });`);
  process.env['NODE_OPTIONS'] = `--import=${pathToFileURL(preload).href}`;
  return deaths;
}

const deathsIn = async (path: string): Promise<string[]> => (await stat(path).then(() => readFile(path, 'utf8'), () => '')).trim().split('\n').filter(Boolean);

test('a block whose thread died is tried again in another process, and the survey is whole', async () => {
  const job = await writeVariant(join(scratch, 'dies-once')), deaths = await killThreads(dirname(job), { once: true });
  const { result } = await runVariant(job);
  expect(await deathsIn(deaths)).toHaveLength(1);
  expect(result.exitCode).toBe(0);
  expect(result.failures).toBe(0);
});

test('a block whose thread dies each time has failed after three processes, with the reason', async () => {
  const job = await writeVariant(join(scratch, 'dies')), deaths = await killThreads(dirname(job), { once: false });
  const { result } = await runVariant(job), pids = await deathsIn(deaths), blocks = result.plan.tasks.filter(({ kind }) => kind === 'model').length;
  expect(result.exitCode).toBe(3);
  expect(pids).toHaveLength(3 * blocks);
  expect(new Set(pids).size).toBe(3 * blocks);
  const failures = await listFailures(result.plan.output);
  expect(failures.map(({ kind }) => kind)).toEqual(Array.from({ length: blocks }, () => 'model'));
  expect(failures[0]!.reason).toMatch(/model\.onnx: the thread that runs it ended with code 3/);
});
