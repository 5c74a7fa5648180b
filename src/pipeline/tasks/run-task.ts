// pipeline/tasks/run-task.ts: runs one task of a plan, whatever its kind. Idempotent: a part that exists is not made again. IO.
import { EXIT, messageOf } from '../../errors.ts';
import { SessionError } from '../../infer/session.ts';
import type { TaskKind } from '../../types.ts';
import type { PartWriter } from '../../store/parts.ts';
import { findPart, writePart } from '../../store/parts.ts';
import { diskLookup, tasksByKey, writtenKey } from '../ledger.ts';
import type { Plan, Task } from '../plan.ts';
import { STAGE_VERSIONS } from '../plan.ts';
import { unitName } from '../unit.ts';
import type { PartNotes, TaskCall, TaskContext } from './context.ts';
import { Stopwatch } from './stopwatch.ts';

type RunKind = (call: TaskCall, writer: PartWriter) => Promise<PartNotes>;

/** What each kind does; loaded when first asked for, so that a worker without models never loads ONNX Runtime. */
const kinds = new Map<TaskKind, () => Promise<RunKind>>([
  ['bucket', () => import('./bucket.ts').then((m) => m.runBucket)],
  ['canopy', () => import('./canopy.ts').then((m) => m.runCanopy)],
  ['model', () => import('./model.ts').then((m) => m.runModel)],
  ['measure', () => import('./measure.ts').then((m) => m.runMeasure)],
]);

export interface TaskRunner {
  /** Make a task's part. @throws what is wrong with its input, its needs or the disk */
  run(task: Task): Promise<void>;
  /** Let go of what is open; call it before a process is to end by itself. */
  close(): Promise<void>;
}

/** A runner for the tasks of one plan; what it opens (models, images) it keeps. */
export function openTaskRunner(plan: Plan, { requireGpu = false } = {}): TaskRunner {
  const context: TaskContext = { plan, tasks: tasksByKey(plan), lookup: diskLookup(plan.output), requireGpu };
  let hasModels = false;
  return {
    run: (task) => {
      hasModels ||= task.kind === 'model' || (task.kind === 'measure' && plan.survey.models.some(({ grid }) => grid === null));
      return task.kind === 'merge' ? runMergeTask(context) : runPartTask(context, task);
    },
    close: async () => { if (hasModels) await Promise.all([import('./model.ts').then((m) => m.closeModels()), import('./table-models.ts').then((m) => m.closeTableModels())]); },
  };
}

async function runMergeTask(context: TaskContext): Promise<void> {
  const { runMerge } = await import('./merge.ts');
  await runMerge(context);
}

async function runPartTask(context: TaskContext, task: Task): Promise<void> {
  const { plan, tasks, lookup } = context;
  const key = await writtenKey(task, tasks, lookup);
  if (await findPart(plan.output, task.kind, key)) return;
  const run = await kinds.get(task.kind)!(), watch = new Stopwatch();
  let notes: PartNotes = { inputs: [], voids: [], counts: {} };
  const info = () => ({
    kind: task.kind, key, unit: unitName(task, plan), stageVersion: STAGE_VERSIONS[task.kind], ...notes, seconds: watch.seconds,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  });
  try {
    await writePart(plan.output, info, async (writer) => { notes = await run({ ...context, task, key, watch }, writer); }, { kind: task.kind, key });
  } catch (error) {
    if (error instanceof SessionError && error.threadLost) endProcess(error);
    throw error;
  }
}

/** A native thread that dies leaves a process that nobody can vouch for: it ends as after a crash, and its engine tries the task again in another. */
function endProcess(error: Error): never {
  console.error(messageOf(error));
  process.exit(EXIT.failed);
}
