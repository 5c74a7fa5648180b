import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findingsText } from '../../src/cli/commands/doctor.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { diskFinding, nodeFinding } from '../../src/cli/doctor/machine.ts';

const cli = fileURLToPath(new URL('../../bin/understory.js', import.meta.url));
let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'understory-doctor-')); });
afterAll(() => rm(dir, { recursive: true }));

test('doctor tries what understory stands on and ends with 0 where it works', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, 'doctor', dir, '--json'], { encoding: 'utf8' });
  const { exit_code: code, findings } = JSON.parse(stdout) as { exit_code: number; findings: Finding[] };
  const of = (name: string) => findings.find((finding) => finding.name === name);
  expect(code).toBe(0);
  for (const name of ['Node.js', 'DuckDB', 'LAS reader', 'laz-perf', 'proj4', 'ONNX cpu']) expect(of(name), name).toMatchObject({ health: 'ok', remedy: '' });
  expect(of('Node.js')!.found).toBe(process.versions.node);
  expect(of('LAS reader')!.found).toMatch(/^36643 points/);
  expect(of('ONNX cpu')!.found).toMatch(/a network ran/);
  for (const name of ['ONNX cuda', 'ONNX webgpu']) if (of(name)!.health !== 'ok') expect(of(name)!.remedy, name).toMatch(/run\.providers/);
});

test('a Node that is too old is a fault with its remedy', () => {
  expect(nodeFinding('22.18.0').health).toBe('ok');
  expect(nodeFinding('24.0.0').health).toBe('ok');
  expect(nodeFinding('22.17.1')).toMatchObject({ health: 'fault', remedy: expect.stringMatching(/22\.18 or newer/) });
  expect(nodeFinding('20.19.0').health).toBe('fault');
});

test('a folder that is not there yet is judged by the one above; one that cannot be written to is a fault', async () => {
  expect((await diskFinding(join(dir, 'out', 'later'))).found).toMatch(/^\d.* free$/);
  if (process.getuid?.() === 0) return; // root writes everywhere
  await chmod(dir, 0o500);
  expect(await diskFinding(dir)).toMatchObject({ health: 'fault', found: expect.stringMatching(/cannot be written/) });
  await chmod(dir, 0o700);
});

test('the text puts each remedy under its finding and counts faults before warnings', () => {
  const text = findingsText([
    { name: 'a', health: 'ok', found: 'fine', remedy: '' }, { name: 'bcd', health: 'warning', found: 'slow', remedy: 'wait' }, { name: 'e', health: 'fault', found: 'broken', remedy: 'mend it' },
  ]);
  expect(text.split('\n')).toEqual(['ok       a    fine', 'WARNING  bcd  slow', '         -> wait', 'FAULT    e    broken', '         -> mend it', '', '1 fault(s): understory will not work here as it is']);
});
