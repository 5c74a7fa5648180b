// pipelines/make-schema.ts: `npm run schema` writes job.schema.json beside it and models/card.schema.json, for editors that complete and check. IO.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { writeFileAtomically } from '../src/files/atomic.ts';
import { CardSchema } from '../src/infer/card.ts';
import { JobSchema } from '../src/pipeline/job-schema.ts';

const schemaText = (schema: z.ZodType, title: string, description: string, reused: 'inline' | 'ref' = 'inline'): string =>
  `${JSON.stringify({ ...z.toJSONSchema(schema, { io: 'input', reused }), title, description }, null, 2)}\n`;

/** The job file's JSON Schema as text. Rules across keys (tile sizes, names) are left to `understory check`. */
export const jobSchemaText = (): string =>
  schemaText(JobSchema, 'Understory job file', 'One YAML file is one survey; made from src/pipeline/job-schema.ts by npm run schema');

/** The model card's JSON Schema as text. Rules across keys (strides, channels) are left to `understory model check`. */
export const cardSchemaText = (): string =>
  schemaText(CardSchema, 'Understory model card', 'card.json beside model.onnx; made from src/infer/card.ts by npm run schema', 'ref');

const write = (path: string, text: string): Promise<void> => writeFileAtomically(fileURLToPath(new URL(path, import.meta.url)), text);

if (import.meta.main) {
  await write('./job.schema.json', jobSchemaText());
  await write('../models/card.schema.json', cardSchemaText());
}
