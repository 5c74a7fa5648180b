import { afterEach, beforeEach, expect, test } from 'vitest';
import { standPartRow, treeRow } from './rows.ts';
import { mergeSurvey, removeDir, select, standRow, temporaryDir } from './survey.ts';

let dir: string;
beforeEach(async () => { dir = await temporaryDir(); });
afterEach(() => removeDir(dir));

/** A seeded stream of standard normal numbers: mulberry32 and Box-Muller. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

const EQUATIONS = [
  { equationId: 'd/conifer', gives: 'dbh_cm', sigma: 0.27, tau: 0.25, squareFactor: 1.2, dbhExponent: null, onDbhEquation: null },
  { equationId: 'd/broadleaf', gives: 'dbh_cm', sigma: 0.33, tau: 0.12, squareFactor: 0.76, dbhExponent: null, onDbhEquation: null },
  { equationId: 'agb/conifer', gives: 'agb_kg', sigma: 0.45, tau: 0.3, squareFactor: null, dbhExponent: null, onDbhEquation: null },
  { equationId: 'agb/broadleaf', gives: 'agb_kg', sigma: 0.31, tau: 0.19, squareFactor: null, dbhExponent: null, onDbhEquation: null },
].map((row) => ({ needs: [], validRange: null, source: 'simulated', ...row }));

const DRAWS = 8000;

test('the closed form holds 93 to 97 of 100 true stands: basal area and biomass, two equations in one stand', async () => {
  const normal = normals(20260701);
  const trees = Array.from({ length: 60 }, (_, i) => {
    const group = i % 3 === 0 ? 'broadleaf' : 'conifer';
    return treeRow({ treeId: String(i), heightM: 20, dbhCm: Math.round(100 * (12 + 6 * Math.abs(normal()) * (1 + (i % 5)))) / 100, agbKg: Math.round(50 + 400 * normal() ** 2), dbhEquation: `d/${group}`, agbEquation: `agb/${group}` });
  });
  const { path } = await mergeSurvey(dir, { '0_0': { tree: trees, tree_stand: trees.map(({ treeId }) => ({ standId: 's', treeId })), stand_part: [standPartRow({ standId: 's' })] } }, { stand: [standRow('s', 1)], equation: EQUATIONS });
  const [row] = (await select(path, 'SELECT * FROM stand_metrics')) as Record<string, number>[];

  // What a stand truly holds when every tree errs on its own (s) and every equation errs once for the whole stand (t); mean 1 each.
  const mean1 = (error: number): number => Math.exp(error * normal() - error ** 2 / 2);
  const held = (figure: string, by: 'dbhEquation' | 'agbEquation', power: number, of: (tree: (typeof trees)[number], squareFactor: number | null) => number): number => {
    let inside = 0;
    for (let draw = 0; draw < DRAWS; draw++) {
      const shared = new Map(EQUATIONS.map(({ equationId, tau }) => [equationId, mean1(power * tau)]));
      let sum = 0;
      for (const tree of trees) {
        const { equationId, sigma, squareFactor } = EQUATIONS.find((each) => each.equationId === tree[by])!;
        sum += of(tree, squareFactor) * mean1(power * sigma) * shared.get(equationId)!;
      }
      if (sum >= row![`${figure}_lo`]! && sum <= row![`${figure}_hi`]!) inside++;
    }
    return inside / DRAWS;
  };
  const basal = held('basal_area_m2_per_ha', 'dbhEquation', 2, ({ dbhCm }, squareFactor) => Math.PI * (dbhCm! / 200) ** 2 * squareFactor!);
  const agb = held('agb_t_per_ha', 'agbEquation', 1, ({ agbKg }) => agbKg! / 1000);
  console.log(`held: basal area ${(100 * basal).toFixed(1)} %, biomass ${(100 * agb).toFixed(1)} %`);
  for (const share of [basal, agb]) {
    expect(share).toBeGreaterThan(0.93);
    expect(share).toBeLessThan(0.97);
  }
});
