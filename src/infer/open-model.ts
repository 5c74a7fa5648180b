// infer/open-model.ts: a model ready to run: on the first execution provider that takes it, runs it, and is no slower than the CPU. IO.
import { ModelError } from '../errors.ts';
import type { AnyCard } from './card.ts';
import { checkGraph } from './card-check.ts';
import { SessionError, openSession, providersToTry, refusal } from './session.ts';
import type { Refused, Session, SessionOptions } from './session.ts';
import { checkWarmUp, settleBatch, warmUp, warmUpFailure } from './warm-up.ts';

export interface OpenModelOptions extends SessionOptions {
  /** what a run has settled already: this provider and batch, without measuring again. A run takes one provider and one batch a model */
  settled?: Settled;
}

export interface Settled {
  provider: string;
  batch: number;
}

export interface OpenModel {
  /** with the batch that is settled */
  session: Session;
  settled: Settled;
  /** providers tried before, with the reason why each was not taken: to be logged */
  refused: Refused[];
  /** the warm-up, a patch (or row) */
  secondsPerPatch: number;
}

/** Providers that are hardware whenever they work; the others may be a software adapter. */
const HARDWARE = new Set(['cpu', 'cuda', 'tensorrt']);
/** Below this a patch takes no longer than a call: its time says nothing about the adapter. */
const CALL_S = 0.02;

const refusedBy = (error: unknown, provider: string): Refused => {
  const { place } = error as ModelError, [own] = Array.isArray(place['refused']) ? (place['refused'] as Refused[]) : [];
  return own ?? { provider, reason: warmUpFailure(error) };
};

/**
 * Load a model and run its warm-up on each provider in turn, until one takes it.
 *
 * A provider is passed over, with its reason kept, when it cannot load the network, fails on the warm-up patch, or is a software
 * adapter: slower than the CPU by the clock of the warm-up. On the CPU a session has one thread and batch 1. On a GPU the batch is
 * the largest of 16, 8, 4, 2, 1 that runs.
 *
 * @param path  model.onnx
 * @throws {ModelError} when the network is not that of the card, or no provider takes it; with `requireGpu` the CPU is not tried
 */
export async function openModel(path: string, card: AnyCard, options: OpenModelOptions): Promise<OpenModel> {
  const { settled } = options, refused: Refused[] = [];
  const toTry = providersToTry(path, settled ? { ...options, providers: [settled.provider] } : options);
  for (const provider of toTry) {
    try {
      return { ...(await openOn(provider, path, card, settled)), refused };
    } catch (error) {
      if (!(error instanceof ModelError) || 'problems' in error.place) throw error; // the model's own fault: no provider mends it
      if (error instanceof SessionError && error.threadLost && provider === toTry.at(-1)) throw error; // a process in which a thread died ends; another tries again
      refused.push(refusedBy(error, provider));
    }
  }
  throw refusal(path, refused, options);
}

async function openOn(provider: string, path: string, card: AnyCard, settled: Settled | undefined): Promise<Omit<OpenModel, 'refused'>> {
  const session = await openSession(path, { providers: [provider] });
  try {
    checkGraph(card, session.inputs, session.outputs);
    const warm = await warmUp(session, card), { secondsPerPatch } = warm;
    checkWarmUp(card, warm);
    if (!settled) await refuseSoftware(provider, path, card, secondsPerPatch);
    const batch = provider === 'cpu' ? 1 : settled?.batch ?? (await settleBatch(session, card));
    return { session: { ...session, batch }, settled: { provider, batch }, secondsPerPatch };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** @throws {ModelError} when the provider is slower than the CPU at this very model */
async function refuseSoftware(provider: string, path: string, card: AnyCard, secondsPerPatch: number): Promise<void> {
  if (HARDWARE.has(provider) || secondsPerPatch < CALL_S) return;
  const cpu = await openSession(path, { providers: ['cpu'] }).catch(() => null);
  if (!cpu) return; // nothing to compare with
  const onCpu = await warmUp(cpu, card).finally(() => cpu.close()), reason = slowerThanCpu(secondsPerPatch, onCpu.secondsPerPatch);
  if (reason !== null) throw new ModelError(`${path}: ${provider} ${reason}`, { source: path, refused: [{ provider, reason }] });
}

/** The reason to pass over an adapter that needs longer for a patch than the CPU; null where it is faster, or both are too quick to tell. */
export function slowerThanCpu(secondsPerPatch: number, cpuSecondsPerPatch: number): string | null {
  if (secondsPerPatch < CALL_S || secondsPerPatch <= cpuSecondsPerPatch) return null;
  return `is a software adapter, no GPU: ${secondsPerPatch.toPrecision(2)} s a patch against ${cpuSecondsPerPatch.toPrecision(2)} s on the CPU`;
}
