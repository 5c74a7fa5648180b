// infer/session.ts: a network in a worker thread, since `run()` of ONNX Runtime blocks its thread. IO.
import { Worker } from 'node:worker_threads';
import { ModelError, messageOf } from '../errors.ts';
import type { Feed, FromWorker, Refused, TensorInfo, ToWorker, WorkerStart } from './session-protocol.ts';

export type { Feed, Refused, TensorInfo } from './session-protocol.ts';

export interface Tensor {
  data: Float32Array;
  dims: number[];
}

export interface SessionOptions {
  /** execution providers in the order in which to try them: cuda, webgpu, cpu ... */
  providers: string[];
  /** fail rather than run on the CPU */
  requireGpu?: boolean;
}

/**
 * A fault of the session, not of the data that it was given: another may do better.
 * `threadLost`: the thread that ran it has died, and what it has done to the process is not known.
 */
export class SessionError extends ModelError {
  readonly threadLost: boolean;

  constructor(message: string, source: string, { threadLost = false, cause }: { threadLost?: boolean; cause?: unknown } = {}) {
    super(message, { source }, cause === undefined ? undefined : { cause });
    this.threadLost = threadLost;
  }
}

/** One loaded network. Runs are served in the order of the calls. */
export interface Session {
  /** the provider that was taken */
  readonly provider: string;
  /** providers tried before it, with the reason why each was not taken */
  readonly refused: Refused[];
  readonly inputs: TensorInfo[];
  readonly outputs: TensorInfo[];
  /** patches that are run at a time: 1 on the CPU, what `openModel` settled on a GPU */
  readonly batch: number;
  /**
   * Run the network on its first input. The input's buffer moves to the worker: it is empty afterwards.
   * @throws {SessionError} with the runtime's own text when the run fails or the worker ends
   */
  run(input: Float32Array<ArrayBuffer>, dims: number[]): Promise<Record<string, Tensor>>;
  /** Run the network on all of its inputs, by name. @throws as `run` */
  runFeeds(feeds: Record<string, Feed>): Promise<Record<string, Tensor>>;
  /** End the thread once the run that it is in has finished; calls still waiting fail. Call it before the process ends. */
  close(): Promise<void>;
}

// The package runs as TypeScript in a checkout and as JavaScript from dist/: the worker has this file's ending.
const workerUrl = new URL(`./session-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export function providersToTry(path: string, { providers, requireGpu = false }: SessionOptions): string[] {
  const tried = requireGpu ? providers.filter((provider) => provider !== 'cpu') : providers;
  if (tried.length > 0) return tried;
  throw new ModelError(
    requireGpu ? `${path}: a GPU is required, but the job names no GPU provider; add cuda or webgpu to run.providers` : `${path}: no execution provider is named; add cpu to run.providers`,
    { source: path },
  );
}

interface Waiting {
  resolve(outputs: Record<string, Tensor>): void;
  reject(error: Error): void;
}

/**
 * Load a network in a worker thread, on the first execution provider that takes it.
 * On the CPU a session has one thread and runs one patch at a time, whatever the number of workers: same bits everywhere.
 *
 * @param path  model.onnx
 * @throws {ModelError} when no provider takes it: each one's reason is in the message; with `requireGpu` the CPU is not tried
 */
export async function openSession(path: string, options: SessionOptions): Promise<Session> {
  const start: WorkerStart = { path, providers: providersToTry(path, options) };
  const worker = new Worker(workerUrl, { workerData: start, name: 'onnx' });
  const waiting = new Map<number, Waiting>();
  let fault: ModelError | null = null, closed = false, isReady = false, nextId = 0;

  const opened = new Promise<Extract<FromWorker, { kind: 'ready' }>>((resolve, reject) => {
    const fail = (error: ModelError) => {
      fault ??= error;
      reject(fault);
      for (const call of waiting.values()) call.reject(fault);
      waiting.clear();
    };
    worker.on('error', (cause) => fail(new SessionError(`${path}: the thread that runs it failed; ${messageOf(cause)}`, path, { threadLost: isReady, cause })));
    worker.on('exit', (code) => fail(new SessionError(`${path}: the thread that runs it ended with code ${code}`, path, { threadLost: true })));
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') {
        isReady = true;
        return resolve(message);
      }
      if (message.kind === 'refused') return fail(refusal(path, message.refused, options));
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.kind === 'outputs') call?.resolve(message.outputs);
      else call?.reject(new SessionError(`${path}: the network failed on an input of ${message.dims.join(' x ')}: ${message.reason}`, path));
    });
  });

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  // The worker ends by itself: terminate() inside a run of ONNX Runtime aborts the whole process (Napi::Error, SIGABRT).
  const close = async (): Promise<void> => {
    if (!closed) worker.postMessage(null satisfies ToWorker);
    closed = true;
    const ended = closedError(path);
    for (const call of waiting.values()) call.reject(ended);
    waiting.clear();
    await exited;
  };
  const ready = await opened.catch(async (error: unknown) => {
    await exited;
    throw error;
  });
  return {
    provider: ready.provider,
    refused: ready.refused,
    inputs: ready.inputs,
    outputs: ready.outputs,
    batch: 1,
    run: (data, dims) => runFeeds({ [ready.inputs[0]?.name ?? '']: { data, dims } }),
    runFeeds,
    close,
  };

  function runFeeds(feeds: Record<string, Feed>): Promise<Record<string, Tensor>> {
    if (closed) return Promise.reject(closedError(path));
    if (fault) return Promise.reject(fault);
    return new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      const message: ToWorker = { id, feeds };
      worker.postMessage(message, Object.values(feeds).map(({ data }) => data.buffer));
    });
  }
}

const closedError = (path: string): ModelError => new ModelError(`${path}: the session was closed`, { source: path });

export function refusal(path: string, refused: Refused[], { requireGpu = false }: SessionOptions): ModelError {
  const reasons = refused.map(({ provider, reason }) => `  ${provider}: ${reason}`).join('\n');
  const remedy = requireGpu ? 'a GPU is required and none took it: see the reasons, or run without --require-gpu' : 'no execution provider took it';
  return new ModelError(`${path}: ${remedy}\n${reasons}`, { source: path, refused });
}
