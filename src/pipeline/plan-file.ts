// pipeline/plan-file.ts: plan.json as a record. IO.
import { readFile } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import type { Plan } from './plan.ts';

/** @throws {UsageError} when there is no plan of this version */
export async function readPlan(path: string): Promise<Plan> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`${path}: no plan there; make one with \`understory plan JOB\``, { source: path }, { cause });
  });
  const plan = JSON.parse(text) as Plan;
  if (plan.format !== 1) throw new UsageError(`${path}: a plan of another version; plan again`, { source: path });
  return plan;
}
