// measure/allometry/table.ts: a user's own equations: what a table or a fit file may say, and the equations it makes. Pure.
import { z } from 'zod';
import { InvalidInput } from '../../errors.ts';
import type { SpeciesGroup } from '../../types.ts';
import { curveAt } from '../fits/height-diameter.ts';
import type { Equation, EquationRange, EquationSet, Limits, TreeSize } from './equation.ts';

const VARIABLES = ['height', 'crown_diameter', 'dbh', 'wood_density'] as const;
type Variable = (typeof VARIABLES)[number];

const SIZES: Record<Variable, keyof TreeSize & keyof EquationRange> = { height: 'heightM', crown_diameter: 'crownDiameterM', dbh: 'dbhCm', wood_density: 'woodDensity' };

/** One of a unit, in the units that equations have here: m, cm, kg, g/cm3. */
const UNITS = {
  height: { m: 1, ft: 0.3048 },
  crown_diameter: { m: 1, ft: 0.3048 },
  dbh: { cm: 1, mm: 0.1, m: 100, in: 2.54 },
  wood_density: { 'g/cm3': 1, 'kg/m3': 0.001 },
  agb: { kg: 1, t: 1000, lb: 0.45359237 },
} as const;

const limits = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'the lower limit comes first');
const exponents = { height: z.number().optional(), crown_diameter: z.number().optional(), dbh: z.number().optional(), wood_density: z.number().optional() };
const unitOf = <const Q extends keyof typeof UNITS>(quantity: Q, first: keyof (typeof UNITS)[Q] & string) => z.enum(Object.keys(UNITS[quantity]) as [string, ...string[]]).default(first);

const shared = {
  gives: z.enum(['dbh', 'agb']),
  group: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 _.-]*$/, 'letters, digits, space, _, . and -').nullable().default(null).describe('angiosperm, gymnosperm, or a name of your own that the job file uses as FILE/name; none: all trees'),
  correction: z.number().positive().default(1).describe('what the equation is multiplied by, so that it gives the mean'),
  range: z.partialRecord(z.enum(VARIABLES), limits).default({}),
  sigma: z.number().nonnegative().nullable().default(null).describe('error of one tree, log scale'),
  tau: z.number().nonnegative().nullable().default(null).describe('error shared by a survey, log scale'),
  square_factor: z.number().positive().nullable().default(null).describe('sum of observed D2 / sum of predicted D2'),
  source: z.string().min(1).optional(),
};

const Row = z.discriminatedUnion('form', [
  z.strictObject({ ...shared, form: z.literal('power'), coefficients: z.strictObject({ factor: z.number().positive(), ...exponents }) }),
  z.strictObject({ ...shared, form: z.literal('log-linear'), coefficients: z.strictObject({ intercept: z.number(), ...exponents }) }),
  z.strictObject({ ...shared, form: z.literal('chapman-richards'), coefficients: z.strictObject({ asym: z.number().positive(), k: z.number().positive(), p: z.number().positive() }) }),
]);

/** A file of equations: `power` y = factor x height^a x ..., `log-linear` ln y = intercept + a ln height + ..., `chapman-richards` D = asym (1 - exp(-k H))^p. */
export const EquationTable = z.strictObject({
  source: z.string().min(1).default('a table of the user'),
  units: z.strictObject({
    height: unitOf('height', 'm'), crown_diameter: unitOf('crown_diameter', 'm'), dbh: unitOf('dbh', 'cm'), wood_density: unitOf('wood_density', 'g/cm3'), agb: unitOf('agb', 'kg'),
  }).prefault({}),
  fit: z.record(z.string(), z.unknown()).optional().describe('what `understory fit` says of the fit; not read'),
  equations: z.array(Row).min(1),
});
export type EquationTable = z.infer<typeof EquationTable>;

/**
 * The sets of equations of a file: FILE for those of all trees or of a species group, FILE/name for a group of the user's own.
 *
 * @param file   as the job file names it
 * @param table  what the file holds
 * @throws {InvalidInput} naming the entry at fault
 */
export function setsOfTable(file: string, table: unknown): EquationSet[] {
  const parsed = EquationTable.safeParse(table);
  if (!parsed.success) throw new InvalidInput(parsed.error.issues.map(({ path, message }) => `${file}: ${path.join('.')}: ${message}`).join('\n'), { source: file });
  const { equations, units, source } = parsed.data, mixed = new Set(equations.map(({ gives }) => gives)).size > 1;
  const sets = new Map<string, { name: string; gives: Equation['gives']; equations: Equation[] }>();
  equations.forEach((row, i) => {
    const group = groupOf(row.group), own = group === null && row.group !== null, name = own ? `${file}/${row.group}` : file;
    const id = [file, ...(mixed ? [row.gives] : []), ...(row.group === null ? [] : [row.group])].join('/');
    const equation = equationOf(row, { id, group, units, source }), key = `${row.gives} ${name}`;
    const set = sets.get(key) ?? { name, gives: equation.gives, equations: [] };
    if (set.equations.some((other) => other.group === group)) throw new InvalidInput(`${file}: equations.${i}: two equations give ${row.gives} for ${row.group ?? 'all trees'}; keep one`, { source: file });
    sets.set(key, { ...set, equations: [...set.equations, equation] });
  });
  return [...sets.values()];
}

const NUMBERS = ['correction', 'sigma', 'tau', 'square_factor'], COEFFICIENTS = ['factor', 'intercept', 'asym', 'k', 'p'];

/**
 * The same of a CSV's rows: an equation a row. Columns: gives, group, form, source; factor, intercept, asym, k, p; the exponents height, crown_diameter,
 * dbh, wood_density; height_min, height_max ...; correction, sigma, tau, square_factor; height_unit, dbh_unit ... (of the first row, for all). Empty: not given.
 */
export function tableOfRows(rows: readonly Readonly<Record<string, string>>[]): object {
  const numberOf = (text: string): number | string => (text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text));
  const units = Object.fromEntries(Object.entries(rows[0] ?? {}).filter(([name, text]) => name.endsWith('_unit') && text !== '').map(([name, text]) => [name.slice(0, -'_unit'.length), text]));
  const equations = rows.map((row) => {
    const given = Object.entries(row).filter(([name, text]) => text !== '' && !name.endsWith('_unit')), equation: Record<string, unknown> = {}, coefficients: Record<string, unknown> = {}, range: Record<string, unknown> = {};
    for (const [name, text] of given) {
      const [, variable] = /^(.+)_(?:min|max)$/.exec(name) ?? [];
      if (variable !== undefined) range[variable] = [row[`${variable}_min`], row[`${variable}_max`]].map((limit) => numberOf(limit ?? ''));
      else if (COEFFICIENTS.includes(name) || (VARIABLES as readonly string[]).includes(name)) coefficients[name] = numberOf(text);
      else equation[name] = NUMBERS.includes(name) ? numberOf(text) : text;
    }
    return { ...equation, coefficients, range };
  });
  return { units, equations };
}

const groupOf = (group: string | null): SpeciesGroup | null => (group === 'angiosperm' || group === 'gymnosperm' ? group : null);

type Context = { id: string; group: SpeciesGroup | null; units: EquationTable['units']; source: string };

function equationOf(row: z.infer<typeof Row>, { id, group, units, source }: Context): Equation {
  const unit = (quantity: keyof typeof UNITS): number => (UNITS[quantity] as Record<string, number>)[units[quantity]]!;
  const { variables, exponent, value } = formOf(row, id), outcome = unit(row.gives);
  return {
    id, group, gives: row.gives === 'dbh' ? 'dbh_cm' : 'agb_kg', needs: variables.map((variable) => SIZES[variable]),
    range: Object.fromEntries(Object.entries(row.range).map(([variable, [low, high]]): [string, Limits] => [SIZES[variable as Variable], [low * unit(variable as Variable), high * unit(variable as Variable)]])),
    sigma: row.sigma, tau: row.tau, squareFactor: row.square_factor, source: row.source ?? source, dbhExponent: variables.includes('dbh') ? exponent('dbh') : null, onDbh: null,
    apply: (size) => row.correction * outcome * value((variable) => size[SIZES[variable]] / unit(variable)),
  };
}

interface Form {
  variables: Variable[];
  exponent(variable: Variable): number;
  value(of: (variable: Variable) => number): number;
}

function formOf(row: z.infer<typeof Row>, id: string): Form {
  if (row.form === 'chapman-richards') {
    if (row.gives !== 'dbh') throw new InvalidInput(`${id}: a chapman-richards curve gives dbh from height; write agb as power or log-linear`, { equation: id });
    return { variables: ['height'], exponent: () => 0, value: (of) => curveAt(row.coefficients, of('height')) };
  }
  const { coefficients } = row, variables = VARIABLES.filter((variable) => coefficients[variable] !== undefined);
  if (variables.length === 0) throw new InvalidInput(`${id}: no exponent; give one for ${VARIABLES.join(', ')}`, { equation: id });
  if (row.gives === 'dbh' && variables.includes('dbh')) throw new InvalidInput(`${id}: dbh from dbh; leave that exponent out`, { equation: id });
  const exponent = (variable: Variable): number => coefficients[variable] ?? 0;
  const factor = 'factor' in coefficients ? coefficients.factor : Math.exp(coefficients.intercept);
  return { variables, exponent, value: (of) => variables.reduce((product, variable) => product * of(variable) ** exponent(variable), factor) };
}
