// pipeline/job-schema/run.ts: what the job file says of running and exporting. Pure.
import { isAbsolute } from 'node:path';
import { z } from 'zod';

export const Export = z.strictObject({
  layer: z.enum(['trees', 'crowns', 'stands', 'cells', 'gaps', 'voids']).describe('what is written'),
  file: z.string().regex(/\.(geojson|csv)$/i, 'the ending names the format: .geojson or .csv').refine((file) => !isAbsolute(file) && !file.split(/[\\/]/).includes('..'), 'a file in exports/: no absolute path, no ..')
    .describe('written to exports/; the ending names the format'),
});

export const Run = z.strictObject({
  engine: z.enum(['local']).default('local').describe('local: child processes of this machine'),
  workers: z.union([z.literal('auto'), z.int().positive().max(256)]).default('auto').describe('child processes; auto: one a core'),
  memory_gb: z.number().positive().default(8).describe('for all processes together'),
  task_minutes: z.number().positive().default(60).describe('a task that takes longer is stopped and tried again'),
  providers: z.array(z.enum(['cuda', 'webgpu', 'cpu'])).min(1).default(['cpu']).describe('ONNX Runtime execution providers, tried in this order'),
});
