// Model maps cut by the survey's area: nothing beyond it enters a figure.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuck } from '../../src/store/duck.ts';
import { runVariant, writeVariant } from './survey.ts';

const bandHeight = fileURLToPath(new URL('../../data-samples/models/band-height', import.meta.url));
let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-clipped-')); });
afterAll(() => rm(scratch, { recursive: true }));

/** The ortho alone, with a map of biomass and its deviation, within an area of 60 m x 58 m. @returns value and deviation of the survey, kg */
async function biomassInTiles(tileM: number): Promise<unknown[]> {
  const edit = (text: string) => `area: area.geojson\n${text.replace(/ {2}lidar:.*\n/, '').replace(/models:\n.*\n/, 'models:\n  - { name: agb, use: models/agb, on: ortho }\n').replace(/exports:\n( {2}- .*\n)*/, '')}`;
  const job = await writeVariant(join(scratch, String(tileM)), { tileM, edit }), dir = dirname(job), [x0, y0, x1, y1] = [320061, 4100061, 320121, 4100119];
  await cp(bandHeight, join(dir, 'models', 'agb'), { recursive: true });
  const file = join(dir, 'models', 'agb', 'card.json'), card = JSON.parse(await readFile(file, 'utf8')) as { name: string; outputs: [{ variable: string; unit: string }, { of: string }] };
  Object.assign(card, { name: 'agb' });
  Object.assign(card.outputs[0], { variable: 'agb', unit: 'Mg/ha' });
  Object.assign(card.outputs[1], { of: 'agb' });
  await writeFile(file, JSON.stringify(card));
  await writeFile(join(dir, 'area.geojson'), JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]] } }] }));
  await runVariant(job);
  const duck = await openDuck(join(dir, 'out', 'survey.duckdb'), { readOnly: true });
  try {
    return (await duck.connection.runAndReadAll('SELECT agb_kg::DOUBLE, agb_sd_kg::DOUBLE FROM survey_part')).getRowsJS()[0]!;
  } finally {
    duck.close();
  }
}

test('the deviation of a biomass map is summed within the area alone, as its values are, whatever the tiles', async () => {
  const [whole, small] = [await biomassInTiles(500), await biomassInTiles(60)] as [[number, number], [number, number]];
  expect(whole).toEqual(small);
  expect(whole[1] / whole[0]).toBeGreaterThan(0);
  expect(whole[1] / whole[0]).toBeLessThan(0.1); // beyond the area there is as much again: with it 0.3
});
