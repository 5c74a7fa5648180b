// infer/licence.ts: which licences a job allows, and whether what a model gives may be sold. Pure.
import type { AnyCard } from './card.ts';

/** What the gate needs to know of a model: its name in the job, and the licences on its card. */
export interface Licensed {
  name: string;
  card: Pick<AnyCard, 'licence' | 'training'>;
}

/** A licence of a model's weights, or of data that it was trained on. */
export interface LicenceUse {
  model: string;
  licence: string;
  /** null: of the weights */
  data: string | null;
}

/** All licences that stand behind models: of the weights, then of each training data, in the order of the models. */
export const licencesOf = (models: readonly Licensed[]): LicenceUse[] =>
  models.flatMap(({ name, card }) => [{ model: name, licence: card.licence, data: null }, ...card.training.map(({ data, licence }) => ({ model: name, licence, data }))]);

const same = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

/**
 * Alternatives of an SPDX expression: any one of them is enough. `MIT OR (Apache-2.0 AND CC-BY-4.0)` is [[MIT], [Apache-2.0, CC-BY-4.0]].
 * AND binds more closely than OR; names may have several words, so exceptions (`WITH ...`) stay part of theirs.
 */
function alternatives(licence: string): string[][] {
  const tokens = licence.split(/([()]|\bOR\b|\bAND\b)/).map((token) => token.trim()).filter((token) => token !== '');
  let at = 0;
  const any = (): string[][] => {
    const found = all();
    while (tokens[at] === 'OR') found.push(...(at++, all()));
    return found;
  };
  const all = (): string[][] => {
    let found = one();
    while (tokens[at] === 'AND') {
      at++;
      const more = one();
      found = found.flatMap((left) => more.map((right) => [...left, ...right]));
    }
    return found;
  };
  const one = (): string[][] => {
    if (tokens[at] !== '(') return [[tokens[at++] ?? '']];
    at++;
    const inside = any();
    at++; // the closing bracket
    return inside;
  };
  return any();
}

const isAllowed = (licence: string, allowed: readonly string[]): boolean => alternatives(licence).some((all) => all.every((each) => allowed.some((one) => same(one, each))));

/**
 * The gate `allow_licences`: a line for each licence that stands behind a model and is not allowed.
 *
 * @param allowed  SPDX identifiers; undefined: the job has no gate. `unknown` is refused unless it is named
 */
export function licenceProblems(models: readonly Licensed[], allowed: readonly string[] | undefined): string[] {
  if (!allowed) return [];
  return licencesOf(models).filter(({ licence }) => !isAllowed(licence, allowed)).map(({ model, licence, data }) => {
    const whose = data === null ? `model ${model} has the licence ${licence}` : `model ${model} was trained on data of the licence ${licence} (${data})`;
    const remedy = same(licence, 'unknown') ? 'ask its makers and write it on the card' : `add ${licence} to allow_licences if you may use it so`;
    return `${whose}, which allow_licences does not name (${allowed.join(', ') || 'none'}): ${remedy}, or take the model out`;
  });
}

/** yes: no licence forbids it; no: one does; not known: one is unknown, or not among those that are known here. */
export type Saleable = 'yes' | 'no' | 'not known';

/** Licences under which works and what is made with them may be sold; some ask for a notice, or for the same terms. */
const SELLABLE = [/^apache-/, /^mit\b/, /^bsd-/, /^isc$/, /^0bsd$/, /^unlicense$/, /^cc0-/, /^cc-by-\d/, /^cc-by-sa-\d/, /^pddl-/, /^odc-by-/, /^odbl-/, /^etalab-/, /^ogl-/, /^l?gpl-/, /^agpl-/, /^mpl-/, /^epl-/, /^public[- ]domain$/];
/** Licences that keep commercial use for themselves: NC of Creative Commons and others. */
const FORBIDDEN = /(^|[-_ .])(nc|non-?commercial|research-?only|academic)([-_ .]|$)/;

function saleableOne(licence: string): Saleable {
  const name = licence.trim().toLowerCase();
  if (FORBIDDEN.test(name)) return 'no';
  return SELLABLE.some((pattern) => pattern.test(name)) ? 'yes' : 'not known';
}

/** The worst of parts that must all hold, and the best of alternatives. */
const RANK: Saleable[] = ['no', 'not known', 'yes'];
const worst = (all: Saleable[]): Saleable => RANK.find((each) => all.includes(each)) ?? 'not known';
const best = (any: Saleable[]): Saleable => [...RANK].reverse().find((each) => any.includes(each)) ?? 'not known';

/** Whether the licences let a user sell the outputs. No legal advice: what the names of the licences say. */
export const saleable = (licences: readonly string[]): Saleable =>
  licences.length === 0 ? 'yes' : worst(licences.map((licence) => best(alternatives(licence).map((all) => worst(all.map(saleableOne))))));

/** A line on whether the outputs of a survey's models may be sold: the answer, and which licence is the reason. */
export function maySell(models: readonly Licensed[]): string {
  const uses = licencesOf(models), answer = saleable(uses.map(({ licence }) => licence));
  if (models.length === 0) return 'No model was used: none limits what may be sold.';
  const reasons = uses.filter(({ licence }) => saleable([licence]) === answer).map(({ model, licence, data }) => `${model}: ${licence}${data === null ? '' : ` (training data ${data})`}`).join('; ');
  if (answer === 'yes') return `Outputs of the models may be sold, by their licences: ${reasons}. Read them for notices that they ask for.`;
  if (answer === 'no') return `Outputs of the models may NOT be sold: ${reasons}.`;
  return `Whether outputs of the models may be sold is not known: ${reasons}.`;
}
