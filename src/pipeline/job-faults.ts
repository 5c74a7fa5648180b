// pipeline/job-faults.ts: what the schema holds against a job file, in the words of who wrote it: path, what was found, what is known there. Pure.
import type { z } from 'zod';
import type { JsonSchema } from './job-json-schema.ts';
import { alternatives, jobJsonSchema } from './job-json-schema.ts';
import { nearestHint } from '../nearest.ts';

export interface JobFault {
  at: PropertyKey[];
  message: string;
}

/** Every fault, in the schema's order; a key that is missing because it is misspelt is one fault. @param data  the whole job as it was read */
export function jobFaults(issues: readonly z.core.$ZodIssue[], data: unknown): JobFault[] {
  if (data === null) return [{ at: [], message: 'the file is empty; a job has at least survey, output and inputs: `understory init DIR` writes one' }];
  const faults = issues.flatMap((issue) => faultsOf(issue, data)), parent = ({ at }: JobFault): string => at.slice(0, -1).join('.');
  const isMisspelt = (missing: JobFault): boolean => faults.some((fault) => parent(fault) === parent(missing) && fault.message === `unknown key; did you mean ${String(missing.at.at(-1))}?`);
  return faults.filter((fault) => !(fault.message.startsWith(MISSING) && isMisspelt(fault)));
}

const MISSING = 'is missing';

function faultsOf(issue: z.core.$ZodIssue, data: unknown): JobFault[] {
  const at = issue.path;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ at: [...at, key], message: unknownKey(key, at, data) }));
  if (issue.code === 'invalid_key') return [{ at, message: `${issue.issues[0]?.message ?? 'this name cannot be used'}: rename it` }];
  if (issue.code === 'custom') return [{ at, message: issue.message }];
  if (issue.code === 'invalid_format' && !/^invalid/i.test(issue.message)) return [{ at, message: `${lowerFirst(issue.message)}, not ${shown(valueAt(data, at))}` }];
  return [{ at, message: `${at.length === 0 ? 'this is no job file: ' : ''}${wrongValue(valueAt(data, at), schemasAt(at))}` }];
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** A value as the job file would hold it, cut short. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined), data);
}

/** What the schema allows at a path, over all alternatives of unions. */
function schemasAt(path: readonly PropertyKey[]): JsonSchema[] {
  let schemas: JsonSchema[] = [jobJsonSchema()];
  for (const step of path) {
    schemas = schemas.flatMap(alternatives).flatMap((schema) => {
      const found = typeof step === 'number' ? schema.items : schema.properties?.[String(step)] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
      return found === undefined ? [] : [found];
    });
  }
  return schemas.flatMap(alternatives);
}

const keysOf = (schemas: readonly JsonSchema[]): string[] => schemas.flatMap(({ properties = {} }) => Object.keys(properties));

function unknownKey(key: string, at: readonly PropertyKey[], data: unknown): string {
  if (key === '<<') return 'nothing to merge here: << takes an alias, as <<: *name';
  const schemas = schemasAt(at), method = (valueAt(data, at) as { method?: unknown } | undefined)?.method;
  const methodOf = ({ properties }: JsonSchema): unknown => properties?.['method']?.const, isDefault = ({ properties }: JsonSchema): boolean => properties?.['method']?.default !== undefined;
  const variants = schemas.filter((schema) => methodOf(schema) !== undefined), here = variants.filter((schema) => (method === undefined ? isDefault(schema) : methodOf(schema) === method));
  const others = variants.filter(({ properties = {} }) => key in properties).map(methodOf);
  if (others.length > 0) return `unknown key of method ${String(methodOf(here[0] ?? {}) ?? method)}; it belongs to method ${others.join(', ')}`;
  return `unknown key${nearestHint(key, keysOf(here.length > 0 ? here : schemas))}`;
}

function wrongValue(value: unknown, schemas: readonly JsonSchema[]): string {
  const expected = expectedText(schemas), isKeyless = schemas.some(({ type }) => type === 'object') && !schemas.some(({ type }) => type !== undefined && type !== 'object');
  if (value === undefined) return `${MISSING}: expected ${expected}${meaningOf(schemas)}`;
  if (value === null) return `has no value; expected ${expected}${isKeyless ? ', indented below it' : ''}; or remove the line`;
  return `expected ${expected}, not ${shown(value)}${remedy(value, schemas)}`;
}

function meaningOf(schemas: readonly JsonSchema[]): string {
  const meaning = schemas.find(({ description }) => description !== undefined)?.description;
  return meaning === undefined ? '' : ` (${meaning})`;
}

/** What may stand there: `a number above 0 or auto`. */
export function expectedText(schemas: readonly JsonSchema[]): string {
  const methods = schemas.flatMap(({ properties }) => properties?.['method'] ?? []);
  if (methods.length > 1) return `keys (method: ${wordsOf(methods).join(', ')})`;
  const words = wordsOf(schemas), kinds = schemas.flatMap((schema) => kindOf(schema));
  const phrases = [...new Set([...kinds, ...(words.length > 1 ? [`one of ${words.join(', ')}`] : words)])];
  return phrases.join(' or ') || 'another value';
}

const wordsOf = (schemas: readonly JsonSchema[]): string[] => schemas.flatMap((schema) => [...(schema.const === undefined ? [] : [schema.const]), ...(schema.enum ?? [])]).map(String);

function kindOf(schema: JsonSchema): string[] {
  const { type, properties, additionalProperties, items, exclusiveMinimum, minimum, maximum, minItems } = schema;
  if (schema.const !== undefined || schema.enum !== undefined) return [];
  if (type === 'number' || type === 'integer') {
    const low = exclusiveMinimum !== undefined ? ` above ${exclusiveMinimum}` : minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? ` of at least ${minimum}` : '';
    return [(type === 'integer' ? 'a whole number' : 'a number') + low + (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `, at most ${maximum}` : '')];
  }
  if (type === 'string') return [schema.pattern?.startsWith('^EPSG') ? 'a code as EPSG:32611' : 'a text'];
  if (type === 'boolean') return ['true or false'];
  if (type === 'array') return [`a list${minItems ? ` of at least ${minItems}` : ''}${items === undefined ? '' : ` of ${plural(expectedText(alternatives(items)))}`}`];
  if (type === 'object') return [properties ? `keys (${Object.keys(properties).slice(0, 6).join(', ')}${Object.keys(properties).length > 6 ? ' ...' : ''})` : typeof additionalProperties === 'object' ? 'names with values' : 'keys'];
  return [];
}

const plural = (phrase: string): string => phrase.replace(/^one of /, '').replace(/^a text$/, 'texts').replace(/^a number/, 'numbers').replace(/^keys/, 'blocks of keys');

/** What to write instead, where it is plain. */
function remedy(value: unknown, schemas: readonly JsonSchema[]): string {
  const has = (type: string) => schemas.some((schema) => schema.type === type && schema.enum === undefined && schema.const === undefined);
  if (typeof value === 'string') {
    const words = wordsOf(schemas), methods = schemas.flatMap(({ properties }) => properties?.['method'] ?? []).map((method) => String(method.const)).filter((method) => method === value);
    if (methods.length > 0) return `; write { method: ${value} }`;
    if (has('array')) return `; write [${/^[A-Za-z0-9_./-]+[A-Za-z0-9_./*-]*$/.test(value) ? value : JSON.stringify(value)}]`;
    if (has('boolean') && /^(yes|no|on|off)$/i.test(value)) return `; write ${/^(yes|on)$/i.test(value) ? 'true' : 'false'}`;
    if (words.length > 0) return nearestHint(value, words).replace(/^; known here.*/s, '');
  }
  if (typeof value === 'number' && has('string')) {
    return schemas.some(({ pattern }) => pattern?.startsWith('^EPSG')) ? `; write EPSG:${value}` : `; put it between quotes: "${value}"`;
  }
  return '';
}
