// infer/session-worker.ts: the thread that owns an ONNX Runtime session. IO. Nothing else imports onnxruntime-node.
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor, env } from 'onnxruntime-node';
import type { Feed, FromWorker, Refused, RunCall, TensorInfo, ToWorker, WorkerStart } from './session-protocol.ts';

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => parentPort!.postMessage(message, transfer);

// One thread and sequential execution: the order of sums, and so every bit, is the same on each machine of a type.
const optionsFor = (provider: string): InferenceSession.SessionOptions => ({
  executionProviders: [provider],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 3,
});

const infoOf = (value: InferenceSession.ValueMetadata): TensorInfo =>
  value.isTensor ? { name: value.name, type: value.type, dims: [...value.shape] } : { name: value.name, type: 'no tensor', dims: [] };

/** Providers one by one: ONNX Runtime throws as a whole when the first of a list cannot be loaded. */
async function open(path: string, providers: string[]): Promise<InferenceSession | null> {
  const refused: Refused[] = [];
  for (const provider of providers) {
    try {
      const session = await InferenceSession.create(path, optionsFor(provider));
      send({ kind: 'ready', provider, refused, inputs: session.inputMetadata.map(infoOf), outputs: session.outputMetadata.map(infoOf) });
      return session;
    } catch (error) {
      refused.push({ provider, reason: reasonOf(error) });
    }
  }
  send({ kind: 'refused', refused });
  return null;
}

/** Values as float32: labels and counts of detectors come as whole numbers. A copy: the runtime owns its own. */
function floats(name: string, { data, type }: Tensor): Float32Array<ArrayBuffer> {
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array || data instanceof Float64Array) return Float32Array.from(data);
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  throw new Error(`output ${name} is ${type}; cast it to float32 in the graph`);
}

async function run(session: InferenceSession, { id, feeds }: RunCall): Promise<void> {
  try {
    const results = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, { data, dims }]) => [name, new Tensor('float32', data, dims)])));
    const outputs: Record<string, Feed> = {};
    for (const [name, value] of Object.entries(results)) outputs[name] = { data: floats(name, value), dims: [...value.dims] };
    send({ kind: 'outputs', id, outputs }, Object.values(outputs).map(({ data }) => data.buffer));
  } catch (error) {
    send({ kind: 'failed', id, dims: Object.values(feeds)[0]?.dims ?? [], reason: reasonOf(error) });
  }
}

env.logLevel = 'fatal'; // a provider that cannot be loaded is reported by `refused`, not on stderr
const { path, providers } = workerData as WorkerStart;
const session = await open(path, providers);
let last = Promise.resolve();
const end = async (session: InferenceSession): Promise<void> => {
  await session.release();
  parentPort!.close();
};
// one after the other: the session must not be released inside a run
if (session) parentPort!.on('message', (message: ToWorker) => { last = last.then(() => (message ? run(session, message) : end(session))); });
