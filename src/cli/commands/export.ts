// cli/commands/export.ts: `understory export TARGET LAYER -o FILE`.
import type { ExitCode } from '../../errors.ts';
import { EXIT, InvalidInput, UsageError } from '../../errors.ts';
import { exportLayer, layerOf } from '../../export/registry.ts';
import type { OtherCrs } from '../../export/registry.ts';
import type { Crs } from '../../geo/crs.ts';
import { crsFromEpsg, toLonLat, transformer } from '../../geo/crs.ts';
import { surveyEpsg } from '../../store/survey-info.ts';
import type { GlobalOptions } from '../options.ts';
import { findTarget } from '../target.ts';

interface ExportCommandOptions extends GlobalOptions {
  output: string;
  where?: string;
  canonical?: boolean;
  simplify?: string;
  crs?: string;
}

export async function exportTarget(target: string, layer: string, { output, where, canonical = false, simplify, crs, json }: ExportCommandOptions): Promise<ExitCode> {
  const { database } = await findTarget(target);
  const survey = crsFromEpsg(await surveyEpsg(database));
  const { rows } = await exportLayer({ database, layer: layerOf(layer), output, toLonLat: toLonLat(survey), other: crs === undefined ? undefined : otherCrs(survey, crs), where, canonical, simplifyM: metresOf(simplify) });
  if (json) console.log(JSON.stringify({ layer, output, rows }));
  else console.error(`${output}: ${rows} ${layer}`);
  return EXIT.ok;
}

function metresOf(simplify: string | undefined): number {
  const metres = Number(simplify ?? 0);
  if (!(metres >= 0)) throw new UsageError(`--simplify ${simplify}: give metres, as 0.5`);
  return metres;
}

/** @throws {UsageError} when it is no code, or one that cannot be used */
function otherCrs(survey: Crs, text: string): OtherCrs {
  const code = /^(?:EPSG:)?(\d{4,6})$/i.exec(text)?.[1];
  if (code === undefined) throw new UsageError(`--crs ${text}: write it as EPSG:2226`);
  const crs = knownCrs(Number(code));
  return { epsg: crs.epsg, transform: transformer(survey, crs), decimals: crs.isProjected ? 3 : 7 };
}

function knownCrs(epsg: number): Crs {
  try {
    return crsFromEpsg(epsg);
  } catch (error) {
    throw error instanceof InvalidInput ? new UsageError(`--crs: ${error.message}`, { epsg }) : error;
  }
}
