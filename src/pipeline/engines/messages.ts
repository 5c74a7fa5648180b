// pipeline/engines/messages.ts: what the driver and its child processes say to each other. Records only.
import type { Failure } from '../ledger.ts';
import type { TaskReport } from './engine.ts';

export interface ToChild {
  run: string;
}

export type FromChild =
  | { done: string; report: TaskReport }
  | { failed: string; failure: Failure }
  | { fatal: string; message: string };
