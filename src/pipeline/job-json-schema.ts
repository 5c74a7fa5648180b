// pipeline/job-json-schema.ts: the job file's schema as JSON Schema: for editors, `understory schema job` and docs/job-file.md. Pure.
import { z } from 'zod';
import { JobSchema } from './job-schema.ts';

/** What JSON Schema says of a value; of its many keys those that zod writes for a job file. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  required?: string[];
  pattern?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minItems?: number;
}

/** Rules across keys (tile sizes, names) are left to `understory check`. */
export const jobJsonSchema = (): JsonSchema & { title: string } => ({
  ...(z.toJSONSchema(JobSchema, { io: 'input' }) as JsonSchema), title: 'Understory job file', description: 'One YAML file is one survey; made from src/pipeline/job-schema.ts by npm run schema',
});

/** A schema and its alternatives. */
export const alternatives = (schema: JsonSchema): JsonSchema[] => [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
