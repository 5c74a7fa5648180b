// cli/commands/completion.ts: `understory completion bash|zsh|fish`.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { completionText } from '../completion.ts';
import type { GlobalOptions } from '../options.ts';
import type { Shell } from '../program.ts';
import { makeProgram } from '../program.ts';

export async function completion(shell: Shell, { json }: GlobalOptions): Promise<ExitCode> {
  const text = completionText(shell, makeProgram());
  if (json) console.log(JSON.stringify({ shell, script: text }));
  else process.stdout.write(text);
  return EXIT.ok;
}
