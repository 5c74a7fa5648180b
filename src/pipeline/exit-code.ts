// pipeline/exit-code.ts: how a survey's run or merge ends: the rule of DESIGN section 3. IO in `plannedFailures`.
import type { ExitCode } from '../errors.ts';
import { EXIT } from '../errors.ts';
import type { Failure } from './ledger.ts';
import { listFailures } from './ledger.ts';
import type { Plan } from './plan.ts';

/** Failures of the plan's own tasks; those of earlier plans say nothing of it. */
export async function plannedFailures(plan: Plan): Promise<Failure[]> {
  const keys = new Set(plan.tasks.map(({ key }) => key));
  return (await listFailures(plan.output)).filter(({ key }) => keys.has(key));
}

/** 1 without an inventory, 3 where something is void by failure or an input is quarantined, else 0. */
export function surveyExitCode(plan: Plan, failures: readonly Failure[]): ExitCode {
  if (failures.some(({ kind }) => kind === 'merge')) return EXIT.failed;
  return failures.length > 0 || plan.survey.faults.length > 0 ? EXIT.voids : EXIT.ok;
}
