// pipeline/tasks/merge.ts: all parts to the inventory: openings, tables, run record; swapped in as a whole. IO.
import { join } from 'node:path';
import type { Tile, VoidArea } from '../../types.ts';
import { contentKey } from '../../files/hash.ts';
import { boxAreaM2 } from '../../geo/box.ts';
import { crsFromEpsg } from '../../geo/crs.ts';
import { isTableCard } from '../../infer/card.ts';
import { polygonAreaM2 } from '../../geo/polygon.ts';
import { equationRow } from '../../measure/allometry/equation.ts';
import type { CanonicalHash } from '../../store/canonical.ts';
import { buildDatabase } from '../../store/merge.ts';
import type { MergeSource, MergeTile } from '../../store/merge.ts';
import type { Part } from '../../store/parts.ts';
import { tableFile } from '../../store/parts.ts';
import { byTile, tileFromId } from '../../tile/grid.ts';
import { VERSION } from '../../version.ts';
import { modelDomains } from '../domain.ts';
import type { ModelDomain } from '../domain.ts';
import { allometryOfPlan } from '../fits.ts';
import { outcomeOf } from '../ledger.ts';
import type { Plan } from '../plan.ts';
import { canopyLattice } from '../plan.ts';
import { networkOf } from '../plan-models.ts';
import { markUnmerged, writeRunRecord } from '../run-record.ts';
import { allStands } from '../stand-layer.ts';
import { mergeOpenings } from './merge-openings.ts';
import { stageRasters } from './merge-rasters.ts';
import { plotRows, referenceRows } from './merge-references.ts';
import type { TaskContext } from './context.ts';
import { inputRows, unreadFiles } from './input-rows.ts';
import { TABLE_PROVIDER } from './table-models.ts';
import { partsOf } from './part-of.ts';

/** The inventory of a survey. */
export const databasePath = (output: string): string => join(output, 'survey.duckdb');

const TABLES = ['tree', 'tree_stand', 'cell', 'cell_model', 'stand_part', 'survey_part', 'stand_overlap', 'tile', 'void'] as const;

/** A tile's measured part, or the reason why there is none. */
interface MeasuredTile {
  tile: Tile;
  part: Part | null;
  failure: string | null;
}

/**
 * The key of what a merge gives: the merge task's own, and every part or failure that it stands on.
 * A database that carries it need not be built again.
 */
export async function mergedKey(context: TaskContext): Promise<string> {
  const merge = context.plan.tasks.find(({ kind }) => kind === 'merge')!;
  const outcomes = await Promise.all(context.plan.tasks.filter(({ kind }) => kind === 'measure').map((task) => outcomeOf(task, context.tasks, context.lookup)));
  return contentKey([merge.key, outcomes.map((outcome) => (outcome.state === 'done' ? outcome.key : outcome.state === 'failed' ? `failed: ${outcome.failure.reason}` : 'due'))]);
}

/** Build rasters/ and survey.duckdb from the parts, put them in place, and write run.json. */
export async function runMerge(context: TaskContext): Promise<void> {
  const started = performance.now(), rasters = await stageRasters(context);
  try {
    await markUnmerged(context.plan.output); // killed between database and run.json, the next run merges again
    const domains = await modelDomains(context), canonical = await mergeTables(context, domains, rasters.pathOf('valid_area')), canonicalRasters = await rasters.publish();
    await writeRunRecord(context, { canonical, canonicalRasters, domains, mergeKey: await mergedKey(context), mergeSeconds: (performance.now() - started) / 1000 });
  } finally {
    await rasters.discard();
  }
}

async function mergeTables(context: TaskContext, domains: readonly ModelDomain[], validArea: string | null): Promise<Record<string, CanonicalHash>> {
  const { plan } = context;
  const tiles = await measuredTiles(context), parts = tiles.flatMap(({ part }) => (part ? [part] : []));
  const openings = await mergeOpenings(parts, { lattice: canopyLattice(plan.job, plan.survey), minAreaM2: plan.job.openings.min_area_m2 });
  const crs = crsFromEpsg(plan.survey.crs.epsg), unread = await unreadFiles(context);
  const source: MergeSource = { tiles: tiles.map(mergeTile), rows: { ...surveyRows(plan, await providersOf(context), domains), input_file: inputRows(plan, unread), gap: openings.gap, gap_stand: openings.gapStand, ...plotRows(plan), ...failureRows(plan, tiles) }, conclude: (connection) => referenceRows(connection, plan, validArea) };
  return buildDatabase(databasePath(plan.output), source, { crsProjjson: await crs.projjson(), note: noteOf(plan, tiles, unread.size) });
}

async function measuredTiles(context: TaskContext): Promise<MeasuredTile[]> {
  const { plan } = context, found = await partsOf(context, plan.tasks.filter(({ kind }) => kind === 'measure'));
  return found.map(({ task, part, failure }) => ({ tile: tileFromId((task.unit as { tile: string }).tile, plan.job.tiles.size_m), part, failure })).sort((a, b) => byTile(a.tile, b.tile));
}

const mergeTile = ({ tile, part }: MeasuredTile): MergeTile =>
  ({ tile: tile.id, tables: part ? Object.fromEntries(TABLES.map((table) => [table, [part.path(tableFile(table))]])) : {} });

/** The execution providers that really ran, by model's index. */
async function providersOf(context: TaskContext): Promise<Map<number, Set<string>>> {
  const providers = new Map<number, Set<string>>();
  for (const { task: { unit }, part } of await partsOf(context, context.plan.tasks.filter(({ kind }) => kind === 'model'))) {
    if (part?.info.provider && 'model' in unit) providers.set(unit.model, (providers.get(unit.model) ?? new Set()).add(part.info.provider));
  }
  return providers;
}

function surveyRows(plan: Plan, providers: ReadonlyMap<number, ReadonlySet<string>>, domains: readonly ModelDomain[]): MergeSource['rows'] {
  const { survey, job } = plan;
  return {
    run: [{
      runId: plan.run_id, survey: survey.name, crs: `EPSG:${survey.crs.epsg}`, startedAt: plan.created, version: VERSION, configHash: plan.config_hash,
      tileSizeM: job.tiles.size_m, cellSizeM: job.cells.size_m, chmResolutionM: canopyLattice(job, survey).resM, areaHa: survey.area && polygonAreaM2(survey.area.polygons) / 10_000, job: { ...job, ground: job.ground.method === 'auto' ? { method: survey.groundMethod } : job.ground },
    }],
    model: survey.models.map(({ name, primary, card, match }, i) => ({
      model: name, cardName: card.name, version: card.version, task: card.task, isPrimary: primary, licence: card.licence, sha256: card.sha256, provider: isTableCard(card) ? TABLE_PROVIDER : [...(providers.get(networkOf(survey, i)) ?? [])].sort().join(', ') || null, card, match: match?.match ?? null, ...domains[i]!,
    })),
    equation: allometryOfPlan(plan).equations.map(equationRow),
    ...(survey.stands ? { stand: standRows(plan) } : {}),
  };
}

async function* standRows({ survey }: Plan): AsyncGenerator<object> {
  for await (const { standId, attributes, polygons } of allStands(survey.stands!)) yield { standId, attributes, areaHa: polygonAreaM2(polygons) / 10_000, polygons };
}

/** Rows for what has no part: tiles that failed, and inputs whose area cannot be known. */
function failureRows(plan: Plan, tiles: readonly MeasuredTile[]): MergeSource['rows'] {
  const failed = tiles.filter(({ part }) => part === null);
  const voids: (VoidArea & { tile: string | null })[] = [
    ...failed.map(({ tile, failure }) => ({ tile: tile.id, source: 'measure', reason: failure ?? 'failed', areaM2: boxAreaM2(tile.core) })),
    ...plan.survey.faults.map(({ path, reason }) => ({ tile: null, source: path, reason, areaM2: null })),
  ];
  return {
    tile: failed.map(({ tile: { id, core } }) => ({ tile: id, x0M: core.x0, y0M: core.y0, x1M: core.x1, y1M: core.y1, status: 'failed', validAreaM2: null, points: null, trees: null })),
    void: voids.map((area) => ({ ...area, polygons: null })),
  };
}

/** What every table's comment says of the survey as a whole. */
function noteOf(plan: Plan, tiles: readonly MeasuredTile[], unread: number): string {
  const failed = tiles.filter(({ part }) => part === null).length, notes: string[] = [];
  if (plan.survey.faults.length > 0) notes.push(`${plan.survey.faults.length} input file(s) could not be read, their area is unknown: see input_file.`);
  if (unread > 0) notes.push(`${unread} input file(s) could not be read beyond their header, their area is void: see input_file and void.`);
  if (failed > 0) notes.push(`${failed} tile(s) failed: see void.`);
  return notes.join(' ');
}

