// pipelines/make-schema.ts: `npm run schema` writes job.schema.json beside it, for editors that complete and check job files. IO.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { writeFileAtomically } from '../src/files/atomic.ts';
import { JobSchema } from '../src/pipeline/job-schema.ts';

/** The job file's JSON Schema as text. Rules across keys (tile sizes, names) are left to `understory check`. */
export const jobSchemaText = (): string =>
  `${JSON.stringify({ ...z.toJSONSchema(JobSchema, { io: 'input' }), title: 'Understory job file', description: 'One YAML file is one survey; made from src/pipeline/job-schema.ts by npm run schema' }, null, 2)}\n`;

if (import.meta.main) await writeFileAtomically(fileURLToPath(new URL('./job.schema.json', import.meta.url)), jobSchemaText());
