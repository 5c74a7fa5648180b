// pipeline/job-schema/keys.ts: kinds of value that several parts of the job file use. Pure.
import { z } from 'zod';

export const metres = (what: string) => z.number().positive().describe(`${what}, metres`);
export const files = z.array(z.string().min(1)).min(1).describe('paths or patterns, relative to the job file');
export const epsg = z.string().regex(/^EPSG:\d{4,6}$/, 'write it as EPSG:32611').describe('a coordinate reference system by its EPSG code');
export const name = z.string().regex(/^[a-z][a-z0-9_-]*$/, 'a name is a lower-case letter, then lower-case letters, digits, - or _');

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'write a day as 2026-06-03').refine((text) => !Number.isNaN(Date.parse(text)), 'is no day of the calendar');

/** When an input was taken. */
export const date = z.union([day, z.tuple([day, day])]).optional().describe('when it was taken: a day, or [from, to]; default for rasters: their own DateTime');

/** The alternative that is meant where no method is named. */
export const byDefault = <const T extends string>(method: T) => z.literal(method).optional().default(method as never);
