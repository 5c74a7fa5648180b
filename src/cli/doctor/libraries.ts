// cli/doctor/libraries.ts: DuckDB, ONNX Runtime with each provider, laz-perf and the EPSG table: tried, not asked. IO.
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../errors.ts';
import { openFile } from '../../files/byte-source.ts';
import { crsFromEpsg, toLonLat } from '../../geo/crs.ts';
import { projectedCodes } from '../../geo/crs-table.ts';
import { openPointFile } from '../../ingest/point-reader.ts';
import { openDuck } from '../../store/duck.ts';
import { packaged } from '../packaged.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';
import type { ProbeAnswer } from './probe-provider.ts';

const REINSTALL = 'install understory again (npm ci in a checkout): a native part is missing or of another platform';

/** The version of an installed package, '' where it cannot be told. */
async function versionOf(name: string): Promise<string> {
  for (let dir = dirname(createRequire(import.meta.url).resolve(name)); dir !== dirname(dir); dir = dirname(dir)) {
    const text = await readFile(join(dir, 'package.json'), 'utf8').catch(() => null), found = text === null ? null : JSON.parse(text) as { name?: string; version?: string };
    if (found?.name === name) return found.version ?? '';
  }
  return '';
}

async function tried(name: string, attempt: () => Promise<string>, remedy = REINSTALL): Promise<Finding> {
  return attempt().then((found) => ok(name, found), (error: unknown) => fault(name, messageOf(error).split('\n')[0]!, remedy));
}

export const duckFinding = (): Promise<Finding> => tried('DuckDB', async () => {
  const duck = await openDuck();
  try {
    return String((await duck.connection.runAndReadAll('SELECT version()')).getRowsJS()[0]![0]);
  } finally {
    duck.close();
  }
});

/** Where laz-perf's smallest file lies: a chunk that is decoded tells more than a version. */
export const lazFinding = (): Promise<Finding> => tried('laz-perf', async () => {
  const { createLazPerf } = await import('laz-perf');
  const module = await createLazPerf();
  new module.ChunkDecoder().delete();
  return versionOf('laz-perf');
});

export const lasFinding = (): Promise<Finding> => tried('LAS reader', async () => {
  const source = await openFile(packaged('data-samples/tiny/lidar/tiny-1.las'));
  try {
    let count = 0;
    for await (const chunk of (await openPointFile(source)).chunks()) count += chunk.count;
    return `${count} points of the sample read`;
  } finally {
    await source.close();
  }
});

/** The edition that src/geo/epsg/README.md names; a test holds the two together. */
export const EPSG_EDITION = '10.076';

export const crsFinding = (): Promise<Finding> => tried('proj4', async () => {
  const [lon, lat] = toLonLat(crsFromEpsg(32611))(500_000, 0); // the crossing of zone 11's meridian and the equator
  if (Math.abs(lon + 117) > 1e-6 || Math.abs(lat) > 1e-6) throw new Error(`500000, 0 of EPSG:32611 came out at ${lon}, ${lat}, not at -117, 0`);
  return `${await versionOf('proj4')}, EPSG dataset ${EPSG_EDITION} with ${projectedCodes().length} projected codes`;
});

const PROBE = fileURLToPath(new URL(`./probe-provider.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
const PROBE_MS = 60_000;

/** Run a tiny network on a provider in a process of its own: a driver that crashes takes only that down. */
function probe(provider: string): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const child = fork(PROBE, [provider, packaged('data-samples/models/red-density/model.onnx')], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
    const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_MS);
    let answer: ProbeAnswer | null = null;
    child.once('message', (message: ProbeAnswer) => { answer = message; });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve(answer ?? { works: false, reason: `its process ended with ${signal ?? `exit ${code}`}` });
    });
  });
}

const REMEDIES: Record<string, string> = {
  cuda: 'for an NVIDIA GPU: npm run setup:cuda in a checkout, and CUDA 12 with cuDNN 9 on the library path; leave cuda out of run.providers otherwise',
  webgpu: 'a driver for Vulkan, Metal or Direct3D 12 is needed; leave webgpu out of run.providers otherwise',
};

export async function providerFindings(): Promise<Finding[]> {
  const version = await versionOf('onnxruntime-node'), answers = await Promise.all(['cpu', 'cuda', 'webgpu'].map(async (provider) => ({ provider, answer: await probe(provider) })));
  return answers.map(({ provider, answer }) => {
    const name = `ONNX ${provider}`;
    if (answer.works) return ok(name, `ONNX Runtime ${version}, a network ran in ${answer.ms} ms`);
    const reason = answer.reason.split('\n').map((line) => line.trim()).filter((line) => line !== '').slice(-1).join('').slice(0, 300) || 'no reason given';
    return provider === 'cpu' ? fault(name, reason, REINSTALL) : warning(name, `does not work: ${reason}`, REMEDIES[provider]!);
  });
}
