import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandWords, completionText } from '../../src/cli/completion.ts';
import { SHELLS, makeProgram } from '../../src/cli/program.ts';
import { LAYERS } from '../../src/export/layers.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'understory-completion-'));
  for (const shell of SHELLS) await writeFile(join(dir, `understory.${shell}`), completionText(shell, makeProgram()));
  await mkdir(join(dir, 'data', 'old surveys'), { recursive: true });
  for (const name of ['job.yaml', 'other job.yml', 'notes.txt', 'survey.duckdb']) await writeFile(join(dir, 'data', name), '');
});
afterAll(() => rm(dir, { recursive: true }));

/** What bash offers at the end of a command line, sorted. @param breaks the characters at which bash cuts words, as in a session */
async function offered(words: string[], breaks = ' \t\n"\'><=;|&(:'): Promise<string[]> {
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const script = `source ../understory.bash; COMP_WORDBREAKS=$'${breaks.replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll("'", "\\'")}'; COMP_WORDS=(understory ${quoted}); COMP_CWORD=${words.length}; _understory; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], { cwd: join(dir, 'data'), encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '').sort();
}

const hasBash = spawnSync('bash', ['-c', 'exit 0']).status === 0;

test.skipIf(!hasBash)('bash offers every command, then what may stand in its place', async () => {
  expect(await offered([''])).toEqual([...makeProgram().commands.map((command) => command.name()), 'help'].sort());
  expect(await offered(['st'])).toEqual(['status']);
  expect(await offered(['export', 'survey.duckdb', ''])).toEqual(Object.keys(LAYERS).sort());
  expect(await offered(['export', '--where', 'height_m > 3', 'survey.duckdb', 'ga'])).toEqual(['gaps']);
  expect(await offered(['completion', ''])).toEqual(['bash', 'fish', 'zsh']);
  expect(await offered(['schema', 'stand_m'])).toEqual(['stand_metrics']);
  expect(await offered(['--json', 'che'])).toEqual(['check']);
});

test.skipIf(!hasBash)('bash offers options, their choices and no value as a place', async () => {
  expect(await offered(['run', '--'])).toEqual(['--help', '--json', '--require-gpu', '--verbose', '--verify']);
  expect(await offered(['query', 'x', '--format', 'm'])).toEqual(['markdown']);
  expect(await offered(['query', '--format', 'csv', 'survey.duckdb', '@tre'])).toEqual(['@trees']);
});

test.skipIf(!hasBash)('bash offers job files and folders for a job, also the second, and only folders for a folder', async () => {
  expect(await offered(['run', ''])).toEqual(['job.yaml', 'old surveys', 'other job.yml']);
  expect(await offered(['run', 'job.yaml', 'oth'])).toEqual(['other job.yml']);
  expect(await offered(['query', 'sur'])).toEqual(['survey.duckdb']);
  expect(await offered(['init', ''])).toEqual(['old surveys']);
});

test.skipIf(!hasBash)('a session of bash that cuts words at @ completes @stands all the same', async () => {
  const breaks = ' \t\n"\'@><=;|&(:';
  expect(await offered(['query', 'x', '@', 'sta'], breaks)).toEqual(['stand_metrics', 'stands']);
  expect(await offered(['query', 'x', '@'], breaks)).toContain('tallest');
});

test.each(SHELLS)('the script of %s is one that it can read', (shell) => {
  const read = spawnSync(shell, ['-n', join(dir, `understory.${shell}`)], { encoding: 'utf8' });
  if (read.error) return; // this shell is not installed here
  expect(read.stderr).toBe('');
  expect(read.status).toBe(0);
});

test.skipIf(spawnSync('fish', ['-c', 'exit 0']).status !== 0)('fish offers layers, choices and commands', () => {
  const complete = (line: string): string[] => spawnSync('fish', ['--no-config', '-c', `source ../understory.fish; complete -C '${line}'`], { cwd: join(dir, 'data'), encoding: 'utf8' }).stdout.split('\n').filter((text) => text !== '').map((text) => text.split('\t')[0]!);
  expect(complete('understory export x g')).toEqual(['gaps']);
  expect(complete('understory query x --format ndj')).toEqual(['ndjson']);
  expect(complete('understory doc')).toEqual(['doctor']);
});

test('every argument that is a file, a folder or one of some words is known as such', () => {
  const free = commandWords(makeProgram()).flatMap(({ name, places }) => places.flatMap((place, i) => ('any' in place ? [`${name} ${i}`] : [])));
  expect(free).toEqual([]);
});
