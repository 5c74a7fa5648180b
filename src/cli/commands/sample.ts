// cli/commands/sample.ts: `understory sample DIR`.
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { writeFileAtomically } from '../../files/atomic.ts';
import type { GlobalOptions } from '../options.ts';
import { packaged } from '../packaged.ts';
import { sampleJob } from '../sample-job.ts';

export async function sample(dir: string, { recipe, json }: GlobalOptions & { recipe?: string }): Promise<ExitCode> {
  const { recipeOf } = await import('../../../data-samples/make/recipes.ts');
  const { writeCloseOrtho, writeSample } = await import('../../../data-samples/make/write.ts');
  if (recipe === undefined) await copyTree(packaged('data-samples/tiny'), dir);
  else await writeSample(dir, recipeOf(recipe));
  await writeCloseOrtho(dir, recipeOf(recipe ?? 'tiny'));
  await copyTree(packaged('data-samples/models/red-density'), join(dir, 'models', 'red-density'));
  const job = join(dir, 'job.yaml');
  await writeFileAtomically(job, sampleJob(recipe ?? 'tiny', await readdir(dir)));
  if (json) console.log(JSON.stringify({ job }));
  else console.log(`A synthetic survey is in ${dir}. Run it with: understory run ${job}`);
  return EXIT.ok;
}

async function copyTree(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name), target = join(to, source.slice(from.length));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, target);
  }
}
