// pipeline/plan-file.ts: plan.json as a record. IO.
import { readFile } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import type { Plan } from './plan.ts';

/** @throws {UsageError} when there is no plan of this version */
export async function readPlan(path: string): Promise<Plan> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`${path}: no plan there; make one with \`understory plan JOB\``, { source: path }, { cause });
  });
  const plan = parsed(text);
  if (plan?.format !== 1) throw new UsageError(`${path}: no plan of this version, or cut short; plan again`, { source: path });
  return plan;
}

/** null for what is no JSON: a plan that was cut short. */
function parsed(text: string): Plan | null {
  try {
    return JSON.parse(text) as Plan;
  } catch {
    return null;
  }
}
