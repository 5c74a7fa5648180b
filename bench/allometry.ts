// bench/allometry.ts: errors of the published equations on measured trees, places left out: `npx node bench/allometry.ts`. Reads ../shared/data.
import { readFile } from 'node:fs/promises';
import { allometryOf } from '../src/measure/allometry/registry.ts';
import { limitsOf, valueOf, type Equation } from '../src/measure/allometry/equation.ts';
import { groupedErrors } from '../src/measure/fits/grouped-errors.ts';
import type { SpeciesGroup } from '../src/types.ts';
import { csvRecords, markdownTable, rmseOf, shareOf, type Entry } from './defaults/tables.ts';

const records = async (name: string): Promise<Record<string, string>[]> =>
  csvRecords(await readFile(new URL(`../../shared/data/biomass/${name}`, import.meta.url), 'utf8'));

/** A measured tree with what an equation says of it. */
interface Pair { place: string; observed: number; predicted: number }

/** Biomes of Jucker's table by site: WWF's biome of the place; what is not listed is temperate broadleaf and mixed forest. */
const BIOMES: Record<string, string> = {
  BONA: 'nearctic-boreal', DEJU: 'nearctic-boreal', HEAL: 'nearctic-boreal', ABBY: 'nearctic-conifer', NIWO: 'nearctic-conifer', RMNP: 'nearctic-conifer', YELL: 'nearctic-conifer',
  OSBS: 'nearctic-conifer', DSNY: 'nearctic-conifer', CLBJ: 'nearctic-woodland', ONAQ: 'nearctic-woodland', MOAB: 'nearctic-woodland', KONZ: 'nearctic-woodland', SJER: 'nearctic-woodland',
  GUAN: 'neotropic-tropical', LAJA: 'neotropic-tropical',
};
const CONIFERS = new Set('Abies Calocedrus Chamaecyparis Juniperus Larix Picea Pinus Pinaceae Pseudotsuga Sequoia Taxodium Taxus Thuja Tsuga'.split(' '));

interface Stem { place: string; biome: string; group: SpeciesGroup; dbhCm: number; heightM: number; crownDiameterM: number }

/** Live, whole stems, D >= 10 cm, H >= 3 m, the latest visit of each; crown diameter of the circle of the crown's area, sqrt(max x ninety). */
async function neonStems(): Promise<Stem[]> {
  const latest = new Map<string, Stem>();
  for (const row of (await records('neon_stems.csv')).toSorted((a, b) => (a['date']! < b['date']! ? -1 : 1))) {
    const [dbhCm, heightM, longest, across] = ['stemDiameter', 'height', 'maxCrownDiameter', 'ninetyCrownDiameter'].map((name) => Number.parseFloat(row[name]!)) as [number, number, number, number];
    if (!row['plantStatus']!.startsWith('Live') || row['plantStatus']!.includes('broken') || !(dbhCm >= 10 && heightM >= 3 && longest > 0 && across > 0)) continue;
    const place = row['siteID']!, group = CONIFERS.has(row['scientificName']!.split(' ')[0]!) ? 'gymnosperm' : 'angiosperm';
    latest.set(row['individualID']!, { place, biome: BIOMES[place] ?? 'nearctic-mixed', group, dbhCm, heightM, crownDiameterM: Math.sqrt(longest * across) });
  }
  return [...latest.values()];
}

const pairOf = (equation: Equation, stem: Stem): Pair => ({ place: stem.place, observed: stem.dbhCm, predicted: valueOf(equation, stem)! });
const errorsOf = (pairs: readonly Pair[]) => pairs.map(({ place, observed, predicted }) => ({ group: place, value: Math.log(observed / predicted) }));
const total = (pairs: readonly Pair[], of: (pair: Pair) => number): number => pairs.reduce((sum, pair) => sum + of(pair), 0);
const isWithin = ({ observed, predicted }: Pair, errors: { sigma: number; tau: number }): boolean => {
  const [low, high] = limitsOf(predicted, errors)!;
  return observed >= low && observed <= high;
};

/** Errors, and the share of trees within 95 % limits whose errors come from the other places. */
function row(name: string, pairs: readonly Pair[]): Entry[] {
  const all = groupedErrors(errorsOf(pairs), { about: 'zero' }), places = [...new Set(pairs.map(({ place }) => place))];
  const held = places.flatMap((place) => {
    const { sigma, tau } = groupedErrors(errorsOf(pairs.filter((pair) => pair.place !== place)), { about: 'zero' });
    return tau === null ? [] : [shareOf(pairs.filter((pair) => pair.place === place), (pair) => isWithin(pair, { sigma, tau }))];
  });
  const trees = places.map((place) => pairs.filter((pair) => pair.place === place).length), whole = held.length === places.length;
  const square = total(pairs, ({ observed }) => observed ** 2) / total(pairs, ({ predicted }) => predicted ** 2);
  return [
    name, pairs.length, all.groups, all.bias, all.sigma, all.tau, square, rmseOf(pairs.map(({ observed, predicted }) => observed - predicted)),
    whole ? 100 * held.reduce((sum, share, i) => sum + share * trees[i]!, 0) / pairs.length : null, whole ? 100 * held.reduce((sum, share) => sum + share, 0) / held.length : null,
    total(pairs, ({ observed }) => observed ** 2.45) / total(pairs, ({ predicted }) => predicted ** 2.45),
  ];
}

const HEAD = ['equation', 'trees', 'places', 'mean of ln(observed / predicted)', 'sigma', 'tau', 'square factor', 'RMSE', 'within 95 % limits, % of trees', '% of places\' trees', 'sum of observed^2.45 / predicted^2.45'];

async function diameters(): Promise<string> {
  const stems = await neonStems(), [global] = allometryOf({ dbh: 'jucker-2017', agb: null }).equations;
  const biomes = [...new Set(stems.map(({ biome }) => biome))].sort();
  const rows = biomes.flatMap((biome) => allometryOf({ dbh: `jucker-2017/${biome}`, agb: null }).equations.flatMap((equation) => {
    const own = stems.filter((stem) => stem.biome === biome && stem.group === equation.group);
    return own.length === 0 ? [] : [row(equation.id, own.map((stem) => pairOf(equation, stem)))];
  }));
  return markdownTable(HEAD, [
    row(global!.id, stems.map((stem) => pairOf(global!, stem))),
    ...(['angiosperm', 'gymnosperm'] as const).map((group) => row(`${global!.id}, ${group}s only`, stems.filter((stem) => stem.group === group).map((stem) => pairOf(global!, stem)))), ...rows,
  ], 3);
}

async function biomass(): Promise<string> {
  const [chave] = allometryOf({ dbh: 'jucker-2017', agb: 'chave-2014', wood_density: {} }).equations.filter(({ gives }) => gives === 'agb_kg');
  const pairs = (await records('harvested_trees.csv')).flatMap((tree) => {
    const [dbhCm, heightM, observed, woodDensity] = ['Trunk.diameter..cm.', 'Total.height..m.', 'Dry.total.AGB..kg.', 'Wood.specific.gravity'].map((name) => Number.parseFloat(tree[name]!)) as [number, number, number, number];
    return dbhCm > 0 && heightM > 0 && observed > 0 && woodDensity > 0 ? [{ place: tree['Locality']!, observed, predicted: chave!.apply({ dbhCm, heightM, woodDensity, crownDiameterM: NaN }) }] : [];
  });
  return markdownTable(HEAD, [row('chave-2014, on measured D', pairs)], 3);
}

console.log(`${await diameters()}\n\n${await biomass()}`);
