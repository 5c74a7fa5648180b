// make/main.ts: `node data-samples/make/main.ts [RECIPE] DIR` writes a synthetic survey. IO.
import { UsageError } from '../../src/errors.ts';
import { largeRecipe, recipes } from './recipes.ts';
import { writeSample } from './write.ts';

/** `large:8x6` repeats the large recipe 8 times eastward and 6 times northward. */
function recipeOf(name: string) {
  const size = /^large:(\d+)x(\d+)$/.exec(name);
  const recipe = size ? largeRecipe(Number(size[1]), Number(size[2])) : recipes.get(name);
  if (!recipe) throw new UsageError(`no recipe ${name}; there are ${[...recipes.keys()].join(', ')} and large:ACROSSxDOWN`);
  return recipe;
}

const [first, second] = process.argv.slice(2);
if (first === undefined) {
  process.stderr.write(`usage: node data-samples/make/main.ts [RECIPE] DIR\nrecipes: ${[...recipes.keys()].join(', ')}, large:ACROSSxDOWN\n`);
  process.exitCode = 2;
} else {
  const [name, dir] = second === undefined ? ['tiny', first] : [first, second];
  const files = await writeSample(dir, recipeOf(name));
  process.stdout.write(`${JSON.stringify(files, null, 2)}\n`);
}
