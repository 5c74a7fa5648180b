// cli/job-file-docs.ts: docs/job-file.md: every key of the job file with type, unit, default and meaning, from its schema. Pure.
import { expectedText } from '../pipeline/job-faults.ts';
import type { JsonSchema } from '../pipeline/job-json-schema.ts';
import { alternatives, jobJsonSchema } from '../pipeline/job-json-schema.ts';

const INTRODUCTION = `# The job file

Generated from \`src/pipeline/job-schema.ts\` by \`docs/make-job-file.ts\`; do not edit.

One YAML file is one survey. Everything but \`survey\`, \`output\` and one input has a default, and \`understory check JOB\` prints the whole job with its defaults; \`understory init DIR\` writes a job file for a folder of data.
Paths are relative to the job file and may not leave its folder except under \`roots\`. An unknown key is an error that names the line and the nearest known key. A pattern that matches nothing is an error.
Anchors, aliases and merge keys (\`<<: *name\`) work; a text that begins with \`*\` needs quotes. Editors that know JSON Schema complete and check the file: begin it with \`# yaml-language-server: $schema=job.schema.json\` and keep the output of \`understory schema job\` under that name beside it.
`;

/** Units by the end of a key's name, longest first. */
const UNITS: readonly [end: string, unit: string][] = [['_area_m2', 'm2'], ['_minutes', 'min'], ['_cells', 'cells'], ['_m2', 'm2'], ['_gb', 'GB'], ['_px', 'px'], ['_cm', 'cm'], ['_m', 'm']];

const unitOf = (key: string): string => UNITS.find(([end]) => key.endsWith(end))?.[1] ?? '';
const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (value: unknown): string => `\`${escaped(typeof value === 'string' ? value : JSON.stringify(value))}\``;

const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** The rows of a block: a key that holds keys is followed by them. */
function rowsOf(schema: JsonSchema, prefix: string, parents: ReadonlySet<string> = new Set(schema.required)): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => rowsOfKey(value, `${prefix}${key}`, parents.has(key)));
}

function rowsOfKey(schema: JsonSchema, path: string, isRequired: boolean): string[] {
  const row = rowOf(schema, path, isRequired), item = schema.items;
  if (schema.properties) return [row, ...rowsOf(schema, `${path}.`)];
  if (schema.oneOf?.some(({ properties }) => properties)) return [row, ...schema.oneOf.flatMap((variant) => variantRows(variant, path))];
  if (item?.properties) return [row, ...rowsOf(item, `${path}[].`)];
  if (typeof schema.additionalProperties === 'object' && schema.additionalProperties.properties) return [row, ...rowsOf(schema.additionalProperties, `${path}.NAME.`)];
  return [row];
}

/** The keys of one method; the method itself stands in the heading row of the block. */
function variantRows(variant: JsonSchema, path: string): string[] {
  const method = variant.properties?.['method'];
  const { method: _, ...others } = variant.properties ?? {}, rows = rowsOf({ ...variant, properties: others }, `${path}.`, new Set((variant.required ?? []).filter((key) => key !== 'method')));
  return [`| \`${path}.method: ${String(method?.const)}\` | | | ${method?.default === undefined ? '' : 'default'} | ${rows.length === 0 ? 'no further keys' : 'with the keys below'} |`, ...rows];
}

function rowOf(schema: JsonSchema, path: string, isRequired: boolean): string {
  const preset = schema.default === undefined || isEmpty(schema.default) ? '' : code(schema.default);
  return `| \`${path}\` | ${escaped(typeText(schema))} | ${unitOf(path)} | ${isRequired && preset === '' ? 'required' : preset} | ${escaped(schema.description ?? '')} |`;
}

function typeText(schema: JsonSchema): string {
  if (schema.properties || schema.oneOf?.some(({ properties }) => properties)) return 'block';
  if (schema.items?.properties) return 'list of blocks';
  if (typeof schema.additionalProperties === 'object') return schema.additionalProperties.properties ? 'a block for each name' : `${expectedText(alternatives(schema.additionalProperties))} for each name`;
  return expectedText(alternatives(schema));
}

/** docs/job-file.md */
export function jobFileDocs(): string {
  const schema = jobJsonSchema(), heading = '| key | type | unit | default | meaning |\n| --- | --- | --- | --- | --- |', required = new Set(schema.required);
  const isBlock = ({ properties, oneOf, items }: JsonSchema): boolean => properties !== undefined || oneOf !== undefined || items?.properties !== undefined;
  const all = Object.entries(schema.properties ?? {}), plain = all.filter(([, value]) => !isBlock(value)), blocks = all.filter(([, value]) => isBlock(value));
  const general = `## The survey\n\n${heading}\n${plain.flatMap(([key, value]) => rowsOfKey(value, key, required.has(key))).join('\n')}\n`;
  return [INTRODUCTION, general, ...blocks.map(([key, value]) => {
    const [, ...rows] = rowsOfKey(value, key, required.has(key));
    return `## ${key}\n\n${value.description === undefined ? '' : `${value.description.charAt(0).toUpperCase()}${value.description.slice(1)}.\n\n`}${heading}\n${rows.join('\n')}\n`;
  })].join('\n');
}
