// cli/command-docs.ts: docs/commands.md: every command with its arguments and options, from the tree of commands. Pure.
import type { Command } from 'commander';

const escaped = (text: string): string => text.replaceAll('|', '\\|');

const EXIT_CODES = `## Exit codes

| code | means |
| --- | --- |
| 0 | ok |
| 1 | failed |
| 2 | wrong command line or job file |
| 3 | completed with voids by failure, or with files left out |
| 4 | quality gate not met |
| 5 | locked by another run |
| 6 | engine unreachable |
| 74 | disk or I/O |
| 130 | interrupted |

Of several jobs the worst counts, worst first: 130, 1, 74, 6, 5, 2, 4, 3, 0. The codes are never renumbered.
`;

const INTRODUCTION = `# Commands

Generated from \`src/cli/program.ts\` by \`docs/make-commands.ts\`; do not edit.

JOB is a job file ([its keys](job-file.md)); TARGET is a job file, a run's folder or its .duckdb. Data go to stdout, progress and logs to stderr. In a checkout: \`npx understory ...\`.
Every command takes \`--json\` (one JSON value on stdout, also of an error), \`--verbose\` (stack traces) and \`--help\`.
On a terminal a run shows a bar with the time left, elsewhere a line every 30 s. Ctrl-C finishes what is in flight, twice stops now; the next run goes on from there.
`;

function commandText(command: Command): string {
  const usage = [command.name(), ...command.registeredArguments.map((argument) => (argument.required ? `<${argument.name()}${argument.variadic ? '...' : ''}>` : `[${argument.name()}]`))].join(' ');
  const own = command.options.filter(({ long }) => long !== '--json' && long !== '--verbose');
  const rows = own.map(({ flags, description, argChoices, defaultValue, mandatory }) =>
    `| \`${flags}\` | ${escaped(description)}${argChoices ? `: ${argChoices.join(', ')}` : ''} | ${mandatory ? 'required' : defaultValue === undefined ? '' : `\`${String(defaultValue)}\``} |`);
  const choices = command.registeredArguments.flatMap((argument) => (argument.argChoices ? [`\`${argument.name()}\`: ${argument.argChoices.join(', ')}`] : []));
  const table = rows.length === 0 ? '' : `\n| option | what it does | default |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  return `### understory ${usage}\n\n${command.description().charAt(0).toUpperCase()}${command.description().slice(1)}.${choices.length > 0 ? ` ${choices.join('; ')}.` : ''}\n${table}`;
}

/** docs/commands.md */
export function commandDocs(program: Command): string {
  const groups = new Map<string, Command[]>();
  for (const command of program.commands) {
    const group = command.helpGroup().replace(/:$/, '');
    groups.set(group, [...(groups.get(group) ?? []), command]);
  }
  return [INTRODUCTION, ...[...groups].map(([group, commands]) => `## ${group}\n\n${commands.map(commandText).join('\n')}`), EXIT_CODES].join('\n');
}
