// bench/defaults.ts: what the defaults of the job file were chosen by: the tables of docs/defaults.md. IO.
//
//   npx node bench/defaults.ts [ground|surfaces|crowns|osbs|nouragues|repeats|pixels|lowering ...]      default: all of them
//
// Reads the real clouds and plots of the shared data; nothing synthetic enters.
import { hasData } from './defaults/clouds.ts';
import { crownTable, nouraguesTable, osbsTables } from './defaults/stems.ts';
import { groundTables } from './defaults/ground.ts';
import { loweringTable, pixelTable, repeatTables } from './defaults/repeats.ts';
import { surfaceTable } from './defaults/surfaces.ts';

const sections = new Map([
  ['ground', groundTables], ['surfaces', surfaceTable], ['crowns', crownTable], ['osbs', osbsTables], ['nouragues', nouraguesTable], ['repeats', repeatTables], ['pixels', pixelTable], ['lowering', loweringTable],
]);
if (!hasData()) throw new Error('no data: lay the shared data beside the project, ../shared/data');
const asked = process.argv.length > 2 ? process.argv.slice(2) : [...sections.keys()];
for (const name of asked) {
  const section = sections.get(name);
  if (!section) throw new Error(`no section ${name}; there are ${[...sections.keys()].join(', ')}`);
  const started = performance.now();
  console.log(`### ${name}\n\n${await section()}\n`);
  console.error(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
