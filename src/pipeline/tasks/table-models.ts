// pipeline/tasks/table-models.ts: networks that read tables: rows of cells or trees in, figures with their deviations out. IO.
import { SessionError } from '../../infer/session.ts';
import type { Session } from '../../infer/session.ts';
import { isTableCard, modelPath } from '../../infer/card.ts';
import type { TableCard } from '../../infer/card.ts';
import { tableFigures } from '../../infer/domain.ts';
import type { UnitFigures } from '../../infer/domain.ts';
import { openModel } from '../../infer/open-model.ts';
import { runRows } from '../../infer/regress-table.ts';
import type { CellModelRow, CellRow } from '../../measure/cells.ts';
import type { ModelMap } from '../../measure/stands.ts';
import type { TreeVerdict } from '../../measure/tree.ts';
import { emptyRaster, xOfCol, yOfRow } from '../../geo/lattice.ts';
import { roundTo } from '../../geo/units.ts';
import type { Raster, Tree } from '../../types.ts';
import type { Plan } from '../plan.ts';
import type { SurveyModel } from '../survey.ts';
import type { TaskCall } from './context.ts';

/** Sessions stay open for the life of a worker. */
const opened = new Map<string, Promise<Session>>();

const placeOf = ({ name }: SurveyModel, { output, run_id }: Plan): string => JSON.stringify([output, run_id, name]);

/** Rows are few and small: they run on the CPU whatever the images do. */
export const TABLE_PROVIDER = 'cpu';

async function sessionOf(model: SurveyModel, card: TableCard, { plan }: TaskCall): Promise<Session> {
  const place = placeOf(model, plan), known = opened.get(place) ?? openModel(modelPath(model.dir), card, { providers: [TABLE_PROVIDER], requireGpu: false }).then(({ session }) => session);
  opened.set(place, known);
  return known.catch((error: unknown) => {
    opened.delete(place);
    throw error;
  });
}

/** End the threads of all table models. */
export async function closeTableModels(): Promise<void> {
  const sessions = [...opened.values()];
  opened.clear();
  await Promise.all(sessions.map((session) => session.then((each) => each.close(), () => {})));
}

/** What table models were given and gave in a tile, by their names. */
export type TableLooks = Map<string, UnitFigures>;

/** Values by variable (`<variable>_sd` for deviations), a row each; null where a column is missing. Their figures go into `looks`. */
async function valuesOf(call: TaskCall, model: SurveyModel, card: TableCard, rows: readonly Readonly<Record<string, unknown>>[], looks: TableLooks): Promise<Record<string, (number | null)[]>> {
  if (rows.length === 0) return {};
  const session = await sessionOf(model, card, call), columns = card.post.columns.map((column) => rows.map((row) => (typeof row[column] === 'number' ? row[column] : null)));
  try {
    const { variables } = await runRows(card, session, columns);
    looks.set(model.name, tableFigures(card, columns, variables));
    return variables;
  } catch (error) {
    if (error instanceof SessionError) opened.delete(placeOf(model, call.plan));
    throw error;
  }
}

export interface CellFigures {
  cellModels: CellModelRow[];
  /** biomass and volume as maps of cells, for the stands */
  maps: (ModelMap & { primary: boolean })[];
}

/** What table models say of cells; that of a primary one fills, in place, the fixed columns of `cells` that no map has filled. @param chm  of the core */
export async function cellFigures(call: TaskCall, chm: Raster, cells: CellRow[], looks: TableLooks): Promise<CellFigures> {
  const figures: CellFigures = { cellModels: [], maps: [] };
  for (const model of call.plan.survey.models) {
    const { card, name, primary } = model;
    if (!isTableCard(card) || card.post.per !== 'cell') continue;
    const values = await valuesOf(call, model, card, cells, looks);
    for (const { variable, unit, sdOf } of card.outputs) {
      const found = values[variable], sd = values[`${variable}_sd`];
      if (sdOf !== null || found === undefined) continue;
      cells.forEach(({ cell_id, valid_area_m2 }, i) => {
        if (found[i] !== null && found[i] !== undefined) figures.cellModels.push({ cell_id, model: name, variable, value: roundTo(found[i], 6), sd: sd?.[i] == null ? null : roundTo(sd[i], 6), valid_area_m2 });
      });
      const as = perHectare(variable, unit);
      if (as === null) continue;
      if (primary && as === 'agb_kg') cells.forEach((cell, i) => { cell.agb_t_per_ha ??= found[i] == null ? null : roundTo(found[i], 6); });
      figures.maps.push({ source: name, variable: as, kind: 'sum', primary, ...mapsOfCells(chm, call.plan.job.cells.size_m, cells, found, sd ?? null, as) });
    }
  }
  return figures;
}

/** Which sum of a stand a figure per hectare adds up to; null for none. */
function perHectare(variable: string, unit: string): 'agb_kg' | 'volume_m3' | null {
  if (/^agb/.test(variable) && (unit === 'Mg/ha' || unit === 't/ha')) return 'agb_kg';
  return /^volume/.test(variable) && unit === 'm3/ha' ? 'volume_m3' : null;
}

/** Each valid pixel of the canopy height model with its cell's figure: kg or m3 a pixel, which add up. So what is not reported has no part in it. */
function mapsOfCells(chm: Raster, sizeM: number, cells: readonly CellRow[], values: readonly (number | null)[], sds: readonly (number | null)[] | null, as: 'agb_kg' | 'volume_m3'): { raster: Raster; sd: Raster | null } {
  const { lattice, window, mask } = chm, raster = emptyRaster(lattice, window), sd = sds && emptyRaster(lattice, window);
  const perPixel = (lattice.resM ** 2 / 10_000) * (as === 'agb_kg' ? 1000 : 1), cellOf = new Map(cells.map(({ x_m, y_m }, i) => [`${Math.floor(x_m / sizeM)} ${Math.floor(y_m / sizeM)}`, i]));
  for (let row = 0, i = 0; row < window.height; row++) {
    const cellRow = Math.floor(yOfRow(lattice, window.row + row) / sizeM);
    for (let col = 0; col < window.width; col++, i++) {
      const cell = mask[i] ? cellOf.get(`${Math.floor(xOfCol(lattice, window.col + col) / sizeM)} ${cellRow}`) : undefined, value = cell === undefined ? null : values[cell], spread = cell === undefined ? null : sds?.[cell];
      if (value === null || value === undefined) continue;
      raster.data[i] = value * perPixel;
      raster.mask[i] = 1;
      if (!sd || spread === null || spread === undefined) continue;
      sd.data[i] = spread * perPixel;
      sd.mask[i] = 1;
    }
  }
  return { raster, sd };
}

/** What a table model may read of a tree. */
const treeRow = ({ heightM, crownDiameterM, crownAreaM2, speciesGroup }: Tree): Record<string, number | null> => ({
  height_m: heightM, crown_diameter_m: crownDiameterM, crown_area_m2: crownAreaM2, is_gymnosperm: speciesGroup === null ? null : speciesGroup === 'gymnosperm' ? 1 : 0,
});

/** Stem diameter and biomass by primary table models of trees, into the verdicts of the same order; true where there is one. */
export async function treeFigures(call: TaskCall, trees: readonly Tree[], verdicts: readonly TreeVerdict[], looks: TableLooks): Promise<boolean> {
  let changed = false;
  for (const model of call.plan.survey.models) {
    const { card, name, primary } = model;
    if (!isTableCard(card) || card.post.per !== 'tree' || !primary) continue;
    const values = await valuesOf(call, model, card, trees.map(treeRow), looks), equation = `model:${name}`;
    const given = (variable: string, i: number): TreeVerdict['dbh'] => (values[variable]?.[i] == null ? null : { mean: values[variable][i], sd: values[`${variable}_sd`]?.[i] ?? null, equation });
    verdicts.forEach((verdict, i) => {
      verdict.dbh ??= given('dbh_cm', i);
      verdict.agb ??= given('agb_kg', i);
    });
    changed = true;
  }
  return changed;
}
