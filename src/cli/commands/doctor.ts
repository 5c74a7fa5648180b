// cli/commands/doctor.ts: `understory doctor [DIR]`: what this machine has and lacks.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { crsFinding, duckFinding, lasFinding, lazFinding, providerFindings } from '../doctor/libraries.ts';
import type { Finding } from '../doctor/finding.ts';
import { diskFinding, memoryFinding, nodeFinding, processorFinding, toolFindings } from '../doctor/machine.ts';
import type { GlobalOptions } from '../options.ts';
import { columnsText } from '../text.ts';

/** 1 where understory cannot work here; what only some jobs need is a warning and no failure. */
export async function doctor(dir: string | undefined, { json }: GlobalOptions): Promise<ExitCode> {
  const found = await Promise.all([
    nodeFinding(), processorFinding(), memoryFinding(), diskFinding(dir ?? '.'), duckFinding(), lasFinding(), lazFinding(), crsFinding(), providerFindings(), toolFindings(),
  ]).then((all) => all.flat());
  const exitCode = found.some(({ health }) => health === 'fault') ? EXIT.failed : EXIT.ok;
  if (json) console.log(JSON.stringify({ exit_code: exitCode, findings: found }));
  else console.log(findingsText(found));
  return exitCode;
}

export function findingsText(found: readonly Finding[]): string {
  const lines = columnsText(found.map(({ health, name, found: what }) => [health === 'ok' ? 'ok' : health.toUpperCase(), name, what])).split('\n');
  const count = (health: Finding['health']) => found.filter((each) => each.health === health).length;
  const end = count('fault') > 0 ? `${count('fault')} fault(s): understory will not work here as it is` : count('warning') > 0 ? `understory works here; ${count('warning')} warning(s) concern some jobs only` : 'understory works here';
  return [...lines.flatMap((line, i) => (found[i]!.remedy === '' ? [line] : [line, `         -> ${found[i]!.remedy}`])), '', end].join('\n');
}
