// pipeline/unit.ts: what people call a task's unit. Pure.
import { basename } from 'node:path';
import type { Plan, Task } from './plan.ts';

export function unitName({ unit }: Task, { survey }: Pick<Plan, 'survey'>): string {
  if ('file' in unit) return basename(survey.lidar[unit.file]!.path);
  if ('model' in unit) return `${survey.models[unit.model]!.name} ${'block' in unit ? unit.block.id : unit.tile}`;
  if ('tile' in unit) return unit.tile;
  return unit.survey;
}
