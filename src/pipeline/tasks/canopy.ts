// pipeline/tasks/canopy.ts: a tile's points, or heights, to its part: crowns, cells, CHM, DTM and crown mask. IO.
import { join } from 'node:path';
import type { Box, Raster } from '../../types.ts';
import { UnderstoryError } from '../../errors.ts';
import { growBox } from '../../geo/box.ts';
import { toFields } from '../../store/columns.ts';
import type { PartWriter } from '../../store/parts.ts';
import { findPart } from '../../store/parts.ts';
import { tileFromId } from '../../tile/grid.ts';
import type { BucketFolder } from '../../tile/tile-points.ts';
import { readTilePoints } from '../../tile/tile-points.ts';
import { computeCanopy } from '../canopy.ts';
import { canopyParams } from '../canopy-params.ts';
import { canopyHalos } from '../halo.ts';
import { outcomeOf } from '../ledger.ts';
import { BUCKETS } from './bucket.ts';
import { runCanopyOfHeights } from './canopy-of-heights.ts';
import type { PartNotes, TaskCall } from './context.ts';
import { writeFloatRaster, writeMaskRaster } from './part-rasters.ts';

/** Compute a tile's canopy beside what failed: the boxes of unread files are voids. */
export async function runCanopy(call: TaskCall, writer: PartWriter): Promise<PartNotes> {
  const { plan, task, watch } = call, { job, survey } = plan, sizeM = job.tiles.size_m;
  const tile = tileFromId((task.unit as { tile: string }).tile, sizeM);
  if (survey.canopySource === 'chm') return runCanopyOfHeights(call, tile, writer);
  const params = canopyParams(job, survey.groundMethod);
  const { folders, unread } = await needsOf(call);
  const points = await readTilePoints(folders, growBox(tile.core, canopyHalos(params).points), sizeM);
  watch.lap('read_points');
  const result = computeCanopy({ points, tile, params, unread, lap: (stage) => watch.lap(stage) });
  const epsg = survey.crs.epsg;
  await writer.table('crown', result.crowns);
  await writer.table('cell_lidar', result.cells.filter(({ values }) => values['n']! > 0).map(({ col, row, values }) => ({ col, row, ...toFields(values) })));
  await writeFloatRaster(writer, 'chm', result.chm, { epsg, units: 'm' });
  if (result.dtm) await writeFloatRaster(writer, 'dtm', result.dtm, { epsg, units: 'm' });
  await writeMaskRaster(writer, 'crown', result.crownMask, result.chm.lattice, result.chm.window, epsg);
  watch.lap('write');
  return {
    inputs: task.needs.map((key) => ({ bucket: key })),
    voids: voidsOf(result.chm, 'lidar', unread.length > 0 ? 'no returns, or in a file that could not be read' : 'no returns'),
    counts: { points: points.count, trees: result.crowns.length, chm_valid_px: countValid(result.chm), chm_px: result.chm.mask.length },
  };
}

/** Buckets that are there, and the boxes of files that failed. @throws when a need is neither */
async function needsOf({ plan, task, tasks, lookup }: TaskCall): Promise<{ folders: BucketFolder[]; unread: Box[] }> {
  const folders: BucketFolder[] = [], unread: Box[] = [];
  for (const key of task.needs) {
    const need = tasks.get(key)!, outcome = await outcomeOf(need, tasks, lookup);
    if (outcome.state === 'failed') {
      unread.push(plan.survey.lidar[(need.unit as { file: number }).file]!.box);
      continue;
    }
    const part = outcome.state === 'done' ? await findPart(plan.output, 'bucket', outcome.key) : null;
    if (!part) throw new UnderstoryError(`task ${task.key}: the bucket ${key} that it needs has not been made; run it first`, { tile: (task.unit as { tile: string }).tile });
    folders.push({ dir: join(part.dir, BUCKETS), tiles: new Set(part.info.inputs[0]!['tiles'] as string[]) });
  }
  return { folders, unread };
}

const countValid = ({ mask }: Raster): number => mask.reduce((sum, valid) => sum + valid, 0);

/** What a canopy height model lacks. */
export function voidsOf(chm: Raster, source: string, reason: string): { source: string; reason: string; areaM2: number }[] {
  const missing = chm.mask.length - countValid(chm);
  return missing === 0 ? [] : [{ source, reason, areaM2: missing * chm.lattice.resM ** 2 }];
}
