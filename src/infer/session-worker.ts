// infer/session-worker.ts: the thread that owns an ONNX Runtime session. IO. Nothing else imports onnxruntime-node.
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor, env } from 'onnxruntime-node';
import type { FromWorker, Refused, RunCall, TensorInfo, ToWorker, WorkerStart } from './session-protocol.ts';

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
async function open({ path, providers }: WorkerStart): Promise<InferenceSession | null> {
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

async function run(session: InferenceSession, { id, input, dims }: RunCall): Promise<void> {
  try {
    const results = await session.run({ [session.inputNames[0]!]: new Tensor('float32', input, dims) });
    const outputs: Record<string, { data: Float32Array<ArrayBuffer>; dims: number[] }> = {};
    for (const [name, value] of Object.entries(results)) {
      if (!(value.data instanceof Float32Array)) throw new Error(`output ${name} is ${value.type}; cast it to float32 in the graph`);
      outputs[name] = { data: Float32Array.from(value.data), dims: [...value.dims] }; // a copy: the runtime owns its own
    }
    send({ kind: 'outputs', id, outputs }, Object.values(outputs).map(({ data }) => data.buffer));
  } catch (error) {
    send({ kind: 'failed', id, dims, reason: reasonOf(error) });
  }
}

env.logLevel = 'fatal'; // a provider that cannot be loaded is reported by `refused`, not on stderr
const session = await open(workerData as WorkerStart);
let last = Promise.resolve();
const end = async (session: InferenceSession): Promise<void> => {
  await session.release();
  parentPort!.close();
};
// one after the other: the session must not be released inside a run
if (session) parentPort!.on('message', (message: ToWorker) => { last = last.then(() => (message ? run(session, message) : end(session))); });
