// infer/session-protocol.ts: the messages between a session and the thread that runs it. Types only.

/** An input or output of a network: `dims` holds numbers, and names where the size is free. */
export interface TensorInfo {
  name: string;
  type: string;
  dims: (number | string)[];
}

export interface WorkerStart {
  /** model.onnx */
  path: string;
  providers: string[];
}

/** A call of `run`, or null: finish what is in hand and end. */
export type ToWorker = RunCall | null;

/** Data of one input, float32. */
export interface Feed {
  data: Float32Array<ArrayBuffer>;
  dims: number[];
}

export interface RunCall {
  id: number;
  feeds: Record<string, Feed>;
}

export interface Refused {
  provider: string;
  reason: string;
}

export type FromWorker =
  | { kind: 'ready'; provider: string; refused: Refused[]; inputs: TensorInfo[]; outputs: TensorInfo[] }
  | { kind: 'refused'; refused: Refused[] }
  | { kind: 'outputs'; id: number; outputs: Record<string, Feed> }
  | { kind: 'failed'; id: number; dims: number[]; reason: string };
