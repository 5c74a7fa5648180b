// cli/completion.ts: what may stand where on the command line, from commander's own tree; and the script of each shell. Pure.
import type { Argument, Command, Option } from 'commander';
import { LAYERS } from '../export/layers.ts';
import { DATABASE_TABLES } from '../store/columns.ts';
import { VIEWS } from '../store/schema.ts';
import { QUERIES } from '../store/sql/queries.ts';
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { zshScript } from './completion/zsh.ts';
import type { Shell } from './program.ts';

/** What may stand in a place: words, files (with these endings), folders, or anything. */
export type Expected = { words: string[] } | { files: string[] } | { folders: true } | { any: true };

export interface OptionWords {
  /** as --output, -o */
  flags: string[];
  description: string;
  /** null: it takes no value */
  value: Expected | null;
}

export interface CommandWords {
  name: string;
  description: string;
  options: OptionWords[];
  /** place by place; the last one goes on where it is variadic */
  places: Expected[];
  variadic: boolean;
}

/** What the names of arguments and values stand for. */
const MEANINGS: Readonly<Record<string, Expected>> = {
  job: { files: ['yaml', 'yml'] }, target: { files: ['yaml', 'yml', 'duckdb'] }, old: { files: ['yaml', 'yml', 'duckdb'] }, new: { files: ['yaml', 'yml', 'duckdb'] },
  file: { files: [] }, dir: { folders: true }, what: { words: ['height-diameter', 'radiometry'] }, layer: { words: Object.keys(LAYERS) }, sql: { words: Object.keys(QUERIES).map((name) => `@${name}`) }, table: { words: ['job', ...DATABASE_TABLES, ...Object.keys(VIEWS)] },
  model: { files: ['onnx'] },
};

const expectedOf = (name: string, choices: readonly string[] | undefined): Expected => (choices ? { words: [...choices] } : MEANINGS[name] ?? { any: true });

/** `-o, --output <file>`: file */
const valueName = ({ flags }: Option): string => /[<[]([^>\].]+)/.exec(flags)?.[1] ?? '';

const optionWords = (option: Option): OptionWords => ({
  flags: [option.long, option.short].filter((flag) => typeof flag === 'string'), description: option.description,
  value: option.required || option.optional ? expectedOf(valueName(option), option.argChoices) : null,
});

/** Every command with what may follow it, in the order of the help. */
export function commandWords(program: Command): CommandWords[] {
  return program.commands.map((command) => ({
    name: command.name(), description: command.description(), options: command.options.map(optionWords),
    places: command.registeredArguments.map((argument: Argument) => expectedOf(argument.name(), argument.argChoices)),
    variadic: command.registeredArguments.at(-1)?.variadic ?? false,
  }));
}

const SCRIPTS: Record<Shell, (commands: readonly CommandWords[]) => string> = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** The completion script of a shell. */
export const completionText = (shell: Shell, program: Command): string => SCRIPTS[shell](commandWords(program));
