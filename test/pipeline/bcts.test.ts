import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runVariant } from './survey.ts';

const lidar = fileURLToPath(new URL('../../../shared/data/lidar', import.meta.url));

test.skipIf(!existsSync(join(lidar, 'bcts_1.laz')))('four adjoining real deliveries give one inventory in tiles of 200 m and of 500 m', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'understory-bcts-'));
  try {
    const [small, large] = await Promise.all([200, 500].map(async (sizeM) => {
      const job = join(scratch, `${sizeM}.yaml`);
      await writeFile(job, `survey: bcts\noutput: out-${sizeM}\nroots: ['${lidar}']\ninputs: { lidar: { files: ['${lidar}/bcts_*.laz'] } }\ntiles: { size_m: ${sizeM} }\nrun: { workers: 1 }\n`);
      return (await runVariant(job)).record;
    }));
    expect(large!.canonical['tree']!.rows).toBeGreaterThan(5000);
    expect(small!.canonical).toEqual(large!.canonical);
    expect(small!.canonical_rasters).toEqual(large!.canonical_rasters);
    expect(large!.decoded_ratio).toBeLessThan(1.05);
  } finally {
    await rm(scratch, { recursive: true });
  }
}, 300_000);
