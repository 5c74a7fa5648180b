// cli/commands/export.ts: `understory export TARGET LAYER -o FILE`.
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { exportLayer, layerOf } from '../../export/registry.ts';
import { crsFromEpsg, toLonLat } from '../../geo/crs.ts';
import { surveyEpsg } from '../../store/survey-info.ts';
import type { GlobalOptions } from '../options.ts';
import { findTarget } from '../target.ts';

interface ExportCommandOptions extends GlobalOptions {
  output: string;
  where?: string;
  canonical?: boolean;
  simplify?: string;
}

export async function exportTarget(target: string, layer: string, { output, where, canonical = false, simplify, json }: ExportCommandOptions): Promise<ExitCode> {
  const { database } = await findTarget(target);
  const lonLat = toLonLat(crsFromEpsg(await surveyEpsg(database)));
  const { rows } = await exportLayer({ database, layer: layerOf(layer), output, toLonLat: lonLat, where, canonical, simplifyM: metresOf(simplify) });
  if (json) console.log(JSON.stringify({ layer, output, rows }));
  else console.error(`${output}: ${rows} ${layer}`);
  return EXIT.ok;
}

function metresOf(simplify: string | undefined): number {
  const metres = Number(simplify ?? 0);
  if (!(metres >= 0)) throw new UsageError(`--simplify ${simplify}: give metres, as 0.5`);
  return metres;
}
