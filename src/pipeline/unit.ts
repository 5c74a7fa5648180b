// pipeline/unit.ts: what people call a task's unit. Pure.
import { basename } from 'node:path';
import type { Plan, Task } from './plan.ts';

export function unitName({ unit }: Task, { survey }: Pick<Plan, 'survey'>): string {
  if ('file' in unit) return basename(survey.lidar[unit.file]!.path);
  if ('tile' in unit) return unit.tile;
  if ('block' in unit) return `${survey.models[unit.model]!.name} ${unit.block.id}`;
  return unit.survey;
}
