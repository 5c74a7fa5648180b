// pipeline/tasks/merge-references.ts: the inventory against the job's plots and references, while its database is built. IO.
import { dirname, relative } from 'node:path';
import type { TableName } from '../../store/columns.ts';
import type { DuckDBConnection } from '../../store/duck.ts';
import type { Rows } from '../../store/merge.ts';
import { crsFromEpsg, epsgOfCode } from '../../geo/crs.ts';
import { readPlotTrees, readPlots } from '../../ingest/plots.ts';
import type { PlotOptions } from '../../ingest/plots.ts';
import type { Evaluation, ReferenceFiles } from '../evaluation.ts';
import { evaluateReference } from '../evaluation.ts';
import { openInventory } from '../inventory-source.ts';
import type { Plan } from '../plan.ts';

const crsOf = (code: string | undefined) => (code === undefined ? {} : { statedCrs: crsFromEpsg(epsgOfCode(code)) });

/** Rows of `plot` and `plot_tree`: the job's own plots. */
export function plotRows({ job, survey }: Plan): Partial<Record<TableName, Rows>> {
  if (!survey.plots) return {};
  const { file, trees } = survey.plots, options: PlotOptions = { surveyCrs: crsFromEpsg(survey.crs.epsg), ...crsOf(job.inputs.plots?.crs) };
  return { plot: readPlots(file.path, options), ...(trees ? { plot_tree: readPlotTrees(trees.path, options) } : {}) };
}

/**
 * Rows of `detection` by the job's plots, and of `evaluation` by its reference.
 *
 * @param validArea  rasters/valid_area.tif, or where it is staged; null: the survey has none
 */
export async function referenceRows(connection: DuckDBConnection, plan: Plan, validArea: string | null): Promise<Partial<Record<TableName, Rows>>> {
  const { survey: { plots, reference }, job } = plan;
  if (!plots && !reference) return {};
  const source = await openInventory(connection, { validArea });
  const evaluate = (files: Record<string, { path: string } | null>, crs: string | undefined, minDbhCm: number): Promise<Evaluation> => {
    const paths: ReferenceFiles = Object.fromEntries(Object.entries(files).flatMap(([role, file]) => (file ? [[role, file.path]] : [])));
    const nameOf = (path: string): string => relative(dirname(plan.job_file), path).split('\\').join('/');
    return evaluateReference(source, paths, { surveyCrs: crsFromEpsg(plan.survey.crs.epsg), ...crsOf(crs), minDbhCm, nameOf });
  };
  try {
    const own = plots && (await evaluate({ plots: plots.file, trees: plots.trees }, job.inputs.plots?.crs, 0));
    const other = reference && (await evaluate(reference, job.reference?.crs, job.reference?.min_dbh_cm ?? 0));
    return { detection: own?.detection ?? [], evaluation: other?.rows ?? [] };
  } finally {
    await source.close();
  }
}
