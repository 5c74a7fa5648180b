import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { readSurvey } from '../../src/pipeline/read-survey.ts';
import { openDuck } from '../../src/store/duck.ts';
import { runVariant } from './survey.ts';

const data = fileURLToPath(new URL('../../../shared/data', import.meta.url)), pycrown = join(data, 'lidar/pycrown/CHM.tif'), nouragues = join(data, 'biomass/NouraguesRaster.tif');
const hasGdal = ((): boolean => { try { execFileSync('gdal_calc.py', ['--help'], { stdio: 'ignore' }); return true; } catch { return false; } })();

let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-real-')); });
afterAll(() => rm(scratch, { recursive: true }));

async function job(name: string, chm: string): Promise<string> {
  const path = join(scratch, `${name}.yaml`);
  await writeFile(path, `survey: real\noutput: out-${name}\nroots: ['${data}']\ninputs: { chm: { files: ${chm} } }\nrun: { workers: 1 }\n`);
  return path;
}

async function validHa(name: string): Promise<unknown> {
  const duck = await openDuck(join(scratch, `out-${name}`, 'survey.duckdb'), { readOnly: true });
  try {
    return (await duck.connection.runAndReadAll('SELECT round(valid_ha_lidar, 4) FROM survey_metrics')).getRowsJS()[0]![0];
  } finally {
    duck.close();
  }
}

// Skipped where the real data, which is no part of the project, or GDAL is not there.
describe.skipIf(!existsSync(pycrown) || !hasGdal)('a canopy height model that others made', () => {
  test('whose low pixels are missing gives one inventory, whether they are NaN, 0, or -9999 under a mask in a tiled BigTIFF', async () => {
    const made = (name: string): string => join(scratch, `${name}.tif`), records = [];
    execFileSync('gdal_translate', ['-q', '-srcwin', '60', '40', '140', '100', '-a_nodata', 'none', pycrown, made('heights')]);
    for (const [name, nodata] of [['minus', '-9999'], ['nan', 'nan'], ['zero', '0']] as const) execFileSync('gdal_calc.py', ['-A', made('heights'), `--outfile=${made(name)}`, `--calc=numpy.where(A<3,${nodata === 'nan' ? 'numpy.nan' : nodata},A)`, `--NoDataValue=${nodata}`, '--hideNoData', '--quiet']);
    execFileSync('gdal_translate', ['-q', '-co', 'BIGTIFF=YES', '-co', 'TILED=YES', '-co', 'COMPRESS=DEFLATE', '-a_nodata', 'none', '-mask', 'mask,1', '--config', 'GDAL_TIFF_INTERNAL_MASK', 'YES', made('minus'), made('big')]);
    for (const name of ['nan', 'zero', 'big']) records.push((await runVariant(await job(name, `[${name}.tif]`))).record);
    // 195 of the 140 x 100 pixels of 1 m are lower than 3 m: counted with numpy in what GDAL reads
    expect(await validHa('big')).toBe((140 * 100 - 195) / 10_000);
    expect(records[0]!.canonical['tree']!.rows).toBeGreaterThan(150);
    for (const { canonical, canonical_rasters: rasters } of records) {
      expect(canonical).toEqual(records[0]!.canonical);
      expect(rasters).toEqual(records[0]!.canonical_rasters);
    }
  }, 300_000);
});

describe.skipIf(!existsSync(nouragues))('a canopy height model without a CRS (Nouragues)', () => {
  test('is refused with the line to add, and read in metres once it is there', async () => {
    await expect(job('none', `['${nouragues}']`).then(loadJob).then(readSurvey)).rejects.toThrow(/NouraguesRaster\.tif: its CRS is unknown.*crs: EPSG:N.*inputs\.chm/);
    const { survey, notes } = await readSurvey(await loadJob(await job('given', `['${nouragues}'], crs: EPSG:2972`)));
    expect(survey.crs.epsg).toBe(2972);
    expect(notes.inputs.join('\n')).toMatch(/EPSG:2972.*z in metres/);
  });
});
