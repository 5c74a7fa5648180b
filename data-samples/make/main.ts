// make/main.ts: `node data-samples/make/main.ts [RECIPE] DIR` writes a synthetic survey. IO.
import { recipeOf, recipes } from './recipes.ts';
import { writeSample } from './write.ts';

const [first, second] = process.argv.slice(2);
if (first === undefined) {
  process.stderr.write(`usage: node data-samples/make/main.ts [RECIPE] DIR\nrecipes: ${[...recipes.keys()].join(', ')}, large:ACROSSxDOWN\n`);
  process.exitCode = 2;
} else {
  const [name, dir] = second === undefined ? ['tiny', first] : [first, second];
  const files = await writeSample(dir, recipeOf(name));
  process.stdout.write(`${JSON.stringify(files, null, 2)}\n`);
}
