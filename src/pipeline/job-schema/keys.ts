// pipeline/job-schema/keys.ts: kinds of value that several parts of the job file use. Pure.
import { z } from 'zod';

export const metres = (what: string) => z.number().positive().describe(`${what}, metres`);
export const files = z.array(z.string().min(1)).min(1).describe('paths or patterns, relative to the job file');
export const epsg = z.string().regex(/^EPSG:\d{4,6}$/, 'write it as EPSG:32611').describe('a coordinate reference system by its EPSG code');
export const name = z.string().regex(/^[a-z][a-z0-9_-]*$/, 'a name is a lower-case letter, then lower-case letters, digits, - or _');

/** The alternative that is meant where no method is named. */
export const byDefault = <const T extends string>(method: T) => z.literal(method).optional().default(method as never);
