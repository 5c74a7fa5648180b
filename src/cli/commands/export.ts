// cli/commands/export.ts: `understory export TARGET LAYER -o FILE`.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { exportLayer, layerOf } from '../../export/registry.ts';
import { crsFromEpsg, toLonLat } from '../../geo/crs.ts';
import { surveyEpsg } from '../../store/survey-info.ts';
import type { GlobalOptions } from '../options.ts';
import { findTarget } from '../target.ts';

interface ExportCommandOptions extends GlobalOptions {
  output: string;
  where?: string;
  canonical?: boolean;
}

export async function exportTarget(target: string, layer: string, { output, where, canonical = false, json }: ExportCommandOptions): Promise<ExitCode> {
  const { database } = await findTarget(target);
  const lonLat = toLonLat(crsFromEpsg(await surveyEpsg(database)));
  const { rows } = await exportLayer({ database, layer: layerOf(layer), output, toLonLat: lonLat, where, canonical });
  if (json) console.log(JSON.stringify({ layer, output, rows }));
  else console.error(`${output}: ${rows} ${layer}`);
  return EXIT.ok;
}
