// bench/real-surveys.ts: the command line on real surveys, as an analyst would drive it: prints each command and what it said.
//
//   npx node bench/real-surveys.ts --data FOLDER [--keep DIR] [--only pycrown,forms,nouragues,mixedconifer,neon,fits,rest]
//
// Makes jobs, stands, plots and lists of trees in a scratch folder (kept where --keep names one), from files of FOLDER as data/README.md lists them.
// docs/figures/real-surveys.md quotes it. Forms of a raster are made with gdal_translate and gdal_calc.py.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openFile } from '../src/files/byte-source.ts';
import { openCsv } from '../src/ingest/csv.ts';
import type { RunRecord } from '../src/pipeline/run-record.ts';

const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' }, keep: { type: 'string' }, only: { type: 'string' } } });
const data = resolve(values.data), cli = fileURLToPath(new URL('../bin/understory.js', import.meta.url));
const dir = values.keep === undefined ? await mkdtemp(join(tmpdir(), 'understory-surveys-')) : resolve(values.keep);

/** Figures of a stand or survey that an analyst looks at first. */
const FIGURES = 'round(valid_ha_lidar, 3) AS valid_ha, round(stems_per_ha, 1) AS stems, round(mean_height_m, 2) AS mean_h, round(dominant_height_m, 2) AS dominant_h, round(basal_area_m2_per_ha, 1) AS basal_m2, round(basal_area_m2_per_ha_lo, 1) AS lo, round(basal_area_m2_per_ha_hi, 1) AS hi, round(agb_t_per_ha, 1) AS agb_t, round(canopy_cover, 3) AS cover, round(gap_share, 4) AS gap_share, flags';
const VOIDS = 'SELECT source, reason, round(sum(area_m2)) AS area_m2 FROM void GROUP BY ALL ORDER BY ALL';

async function pycrown(): Promise<void> {
  const lidar = 'lidar: { files: [DATA/lidar/pycrown/POINTS.laz] }', chm = 'chm: { files: [DATA/lidar/pycrown/CHM.tif] }', stands = 'stands: { file: ../stands.geojson, id: side }';
  await write('stands.geojson', polygons([['west', box(1802139.5, 5467295.5, 1802278, 5467490)], ['east', box(1802278, 5467295.5, 1802416.5, 5467490)], ['beyond', box(1802416, 5467300, 1802520, 5467400)]], 'side', 2193));
  for (const [name, inputs] of [['chm', [chm, stands]], ['both', [lidar, chm, stands]]] as const) {
    await write(`${name}/job.yaml`, job(`pycrown-${name}`, inputs, 'roots: [DATA, ..]'));
    say('run', `${name}/job.yaml`);
    say('query', `${name}/job.yaml`, `SELECT ${FIGURES} FROM survey_metrics`);
    say('query', `${name}/job.yaml`, `SELECT stand_id, area_ha, ${FIGURES} FROM stand_metrics ORDER BY 1`);
    say('query', `${name}/job.yaml`, VOIDS);
  }
  await write('chm/small.yaml', job('pycrown-chm', [chm, stands], 'roots: [DATA, ..]\ntiles: { size_m: 100 }').replace('output: out', 'output: small'));
  say('run', 'chm/small.yaml');
  say('query', 'chm/small.yaml', VOIDS);
  say('export', 'chm/job.yaml', 'trees', '-o', 'chm-trees.csv');
  say('evaluate', 'both/job.yaml', '--reference', 'chm-trees.csv');
}

/** The same heights as pycrown's, of which those below 3 m are missing, in each way a file can say so. */
async function forms(): Promise<void> {
  const chm = join(data, 'lidar', 'pycrown', 'CHM.tif'), at = (name: string): string => join(dir, 'forms', `${name}.tif`);
  const gdal = (tool: string, ...args: string[]): void => void execFileSync(tool, args, { stdio: 'ignore' });
  await mkdir(join(dir, 'forms'), { recursive: true });
  for (const [name, nodata] of [['-9999', '-9999'], ['nan', 'nan'], ['zero', '0']] as const) gdal('gdal_calc.py', '-A', chm, `--outfile=${at(name)}`, `--calc=numpy.where(A<3,${nodata === 'nan' ? 'numpy.nan' : nodata},A)`, `--NoDataValue=${nodata}`, '--hideNoData', '--overwrite');
  gdal('gdal_translate', '-a_nodata', 'none', '-mask', 'mask,1', '--config', 'GDAL_TIFF_INTERNAL_MASK', 'YES', at('-9999'), at('masked'));
  gdal('gdal_translate', '-co', 'TILED=YES', '-co', 'BLOCKXSIZE=64', '-co', 'BLOCKYSIZE=64', '-co', 'COMPRESS=LZW', at('-9999'), at('tiled'));
  gdal('gdal_translate', '-co', 'TILED=NO', '-co', 'BLOCKYSIZE=1', at('-9999'), at('striped'));
  gdal('gdal_translate', '-co', 'BIGTIFF=YES', '-co', 'COMPRESS=DEFLATE', '-co', 'PREDICTOR=3', at('-9999'), at('big'));
  console.log('| form | trees | tree | CHM | valid ha | warning |\n| --- | --: | --- | --- | --: | --- |');
  for (const name of ['-9999', 'nan', 'zero', 'masked', 'tiled', 'striped', 'big']) {
    await write(`forms/${name}.yaml`, job('pycrown', [`chm: { files: [${name === '-9999' ? './-9999' : name}.tif] }`]).replace('output: out', `output: out${name}`));
    const { stderr } = understory('run', `forms/${name}.yaml`), { canonical, canonical_rasters: rasters } = JSON.parse(await readFile(join(dir, 'forms', `out${name}`, 'run.json'), 'utf8')) as RunRecord;
    const [{ valid }] = JSON.parse(understory('query', `forms/${name}.yaml`, 'SELECT round(valid_ha_lidar, 4) AS valid FROM survey_metrics', '--format', 'json').stdout) as [{ valid: number }];
    console.log(`| ${name} | ${canonical['tree']?.rows} | ${String(canonical['tree']?.sum).slice(0, 8)} | ${rasters['chm']?.sha256.slice(0, 8)} | ${valid} | ${/warning: .*?: ([^,]*)/.exec(stderr)?.[1] ?? ''} |`);
  }
}

/** Tropical forest, a CHM of 1 m that says no CRS; four plots of 1 ha on one field grid, cut into quarters. */
async function nouragues(): Promise<void> {
  const plots: [string, Ring][] = [], trees: string[] = ['plot_id,tree_no,x,y,dbh_cm,species'], corners = await rows('biomass/NouraguesCoords.csv');
  const place = fieldGrid(corners), counts = new Map<string, number>();
  for (const { Plot: plot, Xfield: x, Yfield: y } of corners) {
    const atX = Number(x), atY = Number(y);
    if (corners.some((other) => other['Plot'] === plot && (Number(other['Xfield']) < atX || Number(other['Yfield']) < atY))) continue; // the lower corner stands for its plot
    for (const [dx, dy] of [[0, 0], [50, 0], [0, 50], [50, 50]] as const) plots.push([`${plot}-${dx}-${dy}`, ([[0, 0], [50, 0], [50, 50], [0, 50], [0, 0]] as const).map(([u, v]) => place(atX + dx + u, atY + dy + v))]);
  }
  for (const { Plot: plot, Xfield: x, Yfield: y, D: d, Genus: genus, Species: species } of await rows('biomass/NouraguesTrees.csv')) {
    const [low] = corners.filter((corner) => corner['Plot'] === plot), side = (value: number, least: number): number => (value - least < 50 ? 0 : 50);
    const lowX = Math.min(...corners.filter((corner) => corner['Plot'] === plot).map(({ Xfield }) => Number(Xfield))), lowY = Math.min(...corners.filter((corner) => corner['Plot'] === plot).map(({ Yfield }) => Number(Yfield)));
    const [e, n] = place(Number(x), Number(y)), id = `${low!['Plot']}-${side(Number(x), lowX)}-${side(Number(y), lowY)}`, number = (counts.get(id) ?? 0) + 1;
    counts.set(id, number);
    trees.push(`${id},${number},${e.toFixed(2)},${n.toFixed(2)},${d},${genus} ${species}`);
  }
  await write('nouragues/plots.geojson', polygons(plots, 'plot_id', 2972));
  await write('nouragues/plot_trees.csv', `${trees.join('\n')}\n`);
  await write('nouragues/hd.csv', `plot_id,tree_no,dbh_cm,height_m\n${(await rows('biomass/NouraguesHD.csv')).map(({ plotId, D: d, H: h }, i) => `${plotId},${i + 1},${d},${empty(h)}`).join('\n')}\n`);
  const chm = 'chm: { files: [DATA/biomass/NouraguesRaster.tif] }', given = chm.replace(' }', ', crs: EPSG:2972 }');
  await write('nouragues/no-crs.yaml', job('nouragues', [chm]));
  await write('nouragues/heights.yaml', job('nouragues', [given, 'plots: { file: plots.geojson, trees: hd.csv }']));
  await write('nouragues/job.yaml', job('nouragues', [given], 'allometry: { dbh: jucker-2017/neotropic-tropical }'));
  await write('nouragues/local.yaml', job('nouragues', [given], 'allometry: { dbh: hd.json }').replace('output: out', 'output: local'));
  console.log(`${trees.length - 1} stems on ${plots.length} quarters\n`);
  await cornerFixes(corners);
  say('check', 'nouragues/no-crs.yaml');
  say('fit', 'nouragues/heights.yaml', 'height-diameter', '-o', 'nouragues/hd.json');
  for (const name of ['job', 'local']) {
    say('run', `nouragues/${name}.yaml`);
    say('query', `nouragues/${name}.yaml`, `SELECT ${FIGURES} FROM survey_metrics`);
    if (name === 'job') say('query', 'nouragues/job.yaml', VOIDS);
    if (name === 'job') say('evaluate', 'nouragues/job.yaml', '--reference', 'nouragues/plots.geojson', '--trees', 'nouragues/plot_trees.csv');
    say('evaluate', `nouragues/${name}.yaml`, '--reference', 'nouragues/plots.geojson', '--trees', 'nouragues/plot_trees.csv', '--min-dbh', '30');
  }
}

/** How far repeated GPS fixes of plot 201's corners lie from their mean, and the means from the corners that are used. */
async function cornerFixes(corners: readonly Record<string, string>[]): Promise<void> {
  const fixes = Map.groupBy(await rows('biomass/NouraguesPlot201.csv'), ({ Xfield, Yfield }) => `${Xfield},${Yfield}`), mean = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  console.log('| corner of plot 201 | fixes | RMS distance from their mean, m | mean to the corner used, m |\n| --- | --: | --: | --: |');
  for (const [name, list] of fixes) {
    const x = mean(list.map(({ Xutm }) => Number(Xutm))), y = mean(list.map(({ Yutm }) => Number(Yutm))), used = corners.find((corner) => corner['Plot'] === '201' && `${corner['Xfield']},${corner['Yfield']}` === name)!;
    const spread = Math.sqrt(mean(list.map(({ Xutm, Yutm }) => (Number(Xutm) - x) ** 2 + (Number(Yutm) - y) ** 2)));
    console.log(`| ${name} | ${list.length} | ${spread.toFixed(1)} | ${Math.hypot(x - Number(used['Xutm']), y - Number(used['Yutm'])).toFixed(1)} |`);
  }
}

/** 90 x 90 m of conifers; the data has no stands, so the quarters are made here, and one that reaches beyond the points. */
async function mixedconifer(): Promise<void> {
  const [x0, y0, x1, y1] = [481260, 3812921, 481350, 3813011], x = 481305, y = 3812966;
  await write('mixedconifer/stands.geojson', polygons([['nw', box(x0, y, x, y1)], ['ne', box(x, y, x1, y1)], ['sw', box(x0, y0, x, y)], ['se', box(x, y0, x1, y)], ['half-out', box(x, y0, x + 90, y1)]], 'stand', 26912));
  const lidar = 'lidar: { files: [DATA/lidar/MixedConifer.laz] }', inputs = [lidar, 'stands: { file: stands.geojson, id: stand }'];
  await write('mixedconifer/default.yaml', job('mixedconifer', inputs).replace('output: out', 'output: default'));
  await write('mixedconifer/conifer.yaml', job('mixedconifer', inputs, 'allometry: { dbh: jucker-2017/nearctic-conifer, agb: chojnacky-2014/pinus-dense, group: { default: gymnosperm } }'));
  await write('mixedconifer/height.yaml', job('mixedconifer', [lidar.replace(' }', ', z: height }')]).replace('output: out', 'output: height'));
  for (const name of ['default', 'conifer', 'height']) {
    say('run', `mixedconifer/${name}.yaml`);
    if (name !== 'height') say('query', `mixedconifer/${name}.yaml`, `SELECT stand_id, area_ha, ${FIGURES} FROM stand_metrics ORDER BY 1`);
    say('query', `mixedconifer/${name}.yaml`, 'SELECT count(*) AS trees, round(avg(height_m), 1) AS mean_height_m FROM tree');
  }
  say('query', 'mixedconifer/conifer.yaml', 'SELECT equation_id, gives, sigma, tau, square_factor FROM equation ORDER BY 1');
}

/** OSBS_006: a cloud without a CRS, and the stems that NEON mapped in it. */
async function neon(): Promise<void> {
  const stems = (await latestStems()).filter(({ plotID, itcEasting }) => plotID === 'OSBS_006' && empty(itcEasting) !== '');
  await write('neon/stems.csv', `tree_no,x,y,height_m,dbh_cm,crown_diameter_m,status,species\n${stems.map((s) => [s['individualID'], s['itcEasting'], s['itcNorthing'], empty(s['height']), empty(s['stemDiameter']), empty(s['maxCrownDiameter']), /dead/.test(s['plantStatus']!) && !/Live/.test(s['plantStatus']!) ? 'dead' : 'alive', s['scientificName']].join(',')).join('\n')}\n`);
  const lidar = 'lidar: { files: [DATA/crowns/plots/OSBS_006.laz] }';
  await write('neon/no-crs.yaml', job('osbs', [lidar]));
  await write('neon/job.yaml', job('osbs', [lidar.replace(' }', ', crs: EPSG:32617 }')], 'allometry: { dbh: jucker-2017/nearctic-conifer, group: { default: gymnosperm } }'));
  say('check', 'neon/no-crs.yaml');
  say('run', 'neon/job.yaml');
  say('query', 'neon/job.yaml', `SELECT ${FIGURES} FROM survey_metrics`);
  say('evaluate', 'neon/job.yaml', '--reference', 'neon/stems.csv');
  const found = JSON.parse(understory('query', 'neon/job.yaml', 'SELECT x_m, y_m, height_m, dbh_cm, crown_diameter_m FROM tree', '--format', 'json').stdout) as Record<string, number>[];
  console.log('| stem | height, m | dbh, cm | nearest treetop, m | its height, m | its dbh, cm |\n| --- | --: | --: | --: | --: | --: |');
  for (const stem of stems) {
    const near = found.map((tree) => ({ ...tree, away: Math.hypot(tree['x_m']! - Number(stem['itcEasting']), tree['y_m']! - Number(stem['itcNorthing'])) })).toSorted((a, b) => a.away - b.away)[0] as Record<string, number>;
    console.log(`| ${stem['individualID']!.split('.').at(-1)} | ${stem['height']} | ${stem['stemDiameter']} | ${near['away']!.toFixed(1)} | ${near['height_m']!.toFixed(1)} | ${near['dbh_cm']!.toFixed(1)} |`);
  }
}

/** Height-diameter curves of every table that has heights and diameters of trees. */
async function fits(): Promise<void> {
  const stems = (await latestStems()).filter(({ plantStatus }) => /^Live/.test(plantStatus!)), neonOf = (site: string): string[] => stems.filter(({ siteID }) => siteID === site).map((s) => [s['plotID'], s['individualID'], empty(s['stemDiameter']), empty(s['height'])].join(','));
  const harvested = (await rows('biomass/harvested_trees.csv')).map((tree) => [tree['locality'] ?? tree['Locality'], tree['number'], empty(tree['Trunk.diameter..cm.']), empty(tree['Total.height..m.'])].map((text) => `"${text}"`).join(','));
  for (const [name, lines] of [['harvested', harvested], ['neon-osbs', neonOf('OSBS')], ['neon-harv', neonOf('HARV')], ['neon-niwo', neonOf('NIWO')], ['neon-bart', neonOf('BART')]] as const) {
    const sizes = lines.map((line) => line.replaceAll('"', '').split(',').slice(-2).map(Number) as [number, number]).filter(([d, h]) => d > 0 && h > 0), tallest = sizes.reduce((a, b) => (b[1] > a[1] ? b : a));
    console.log(`${name}: the thinnest ${Math.min(...sizes.map(([d]) => d))} cm, the tallest ${tallest[1]} m and ${tallest[0]} cm\n`);
    await write(`fits/${name}.csv`, `plot_id,tree_no,dbh_cm,height_m\n${lines.join('\n')}\n`);
    await write(`fits/${name}.yaml`, job(name, ['chm: { files: [none.tif] }', `plots: { file: none.csv, trees: ${name}.csv }`], 'crs: EPSG:32617'));
    say('fit', `fits/${name}.yaml`, 'height-diameter', '-o', `fits/${name}.json`);
  }
}

/** Rows of the tables that no command can use. */
async function rest(): Promise<void> {
  for (const name of ['yaimpute_MoscowMtStJoe', 'yaimpute_TallyLake', 'forestinventory_grisons', 'forestinventory_zberg', 'finland_plots']) {
    const found = await rows(`biomass/${name}.csv`), filled = Object.keys(found[0]!).map((head) => ({ head, count: found.filter((row) => empty(row[head]) !== '').length }));
    console.log(`${name}.csv: ${found.length} rows of ${filled.length} columns; not in all: ${filled.filter(({ count }) => count < found.length).map(({ head, count }) => `${head} ${count}`).join(', ') || 'none'}`);
  }
}

/** The latest visit to each stem. */
async function latestStems(): Promise<Record<string, string>[]> {
  const latest = new Map<string, Record<string, string>>();
  for (const stem of await rows('biomass/neon_stems.csv')) if ((latest.get(stem['individualID']!)?.['date'] ?? '') <= stem['date']!) latest.set(stem['individualID']!, stem);
  return [...latest.values()];
}

type Ring = [number, number][];

const box = (x0: number, y0: number, x1: number, y1: number): Ring => [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];

/** Field coordinates to map coordinates: the four plots share one grid, whose corners give the axes. */
function fieldGrid(corners: readonly Record<string, string>[]): (x: number, y: number) => [number, number] {
  const at = (x: number, y: number): [number, number] => {
    const corner = corners.find((each) => Number(each['Xfield']) === x && Number(each['Yfield']) === y)!;
    return [Number(corner['Xutm']), Number(corner['Yutm'])];
  };
  const [[x0, y0], [ux, uy], [vx, vy]] = [at(0, 0), at(100, 0), at(0, 100)];
  return (x, y) => [x0 + ((ux - x0) * x + (vx - x0) * y) / 100, y0 + ((uy - y0) * x + (vy - y0) * y) / 100];
}

const polygons = (of: readonly (readonly [string, Ring])[], id: string, epsg: number): string => JSON.stringify({
  type: 'FeatureCollection', crs: { type: 'name', properties: { name: `urn:ogc:def:crs:EPSG::${epsg}` } },
  features: of.map(([name, ring]) => ({ type: 'Feature', properties: { [id]: name }, geometry: { type: 'Polygon', coordinates: [ring] } })),
});

const job = (survey: string, inputs: readonly string[], more = ''): string =>
  `survey: ${survey}\noutput: out\n${more.includes('roots:') ? '' : 'roots: [DATA]\n'}inputs:\n${inputs.map((input) => `  ${input}\n`).join('')}run: { workers: 1 }\n${more}\n`.replaceAll('DATA', data);

const empty = (text: string | undefined): string => (text === undefined || text === 'NA' ? '' : text);

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, name)), { recursive: true });
  await writeFile(join(dir, name), text);
}

/** Rows of a CSV, by the header as the file spells it. */
async function rows(name: string): Promise<Record<string, string>[]> {
  const source = await openFile(join(data, name)), heads = (await readFile(join(data, name), 'utf8')).split(/\r?\n/, 1)[0]!.split(',').map((word) => word.replaceAll('"', ''));
  try {
    const found: Record<string, string>[] = [];
    for await (const { values: cells } of (await openCsv(source)).rows()) found.push(Object.fromEntries(heads.map((head) => [head, cells.get(head.toLowerCase()) ?? ''])));
    return found;
  } finally {
    await source.close();
  }
}

function understory(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], { cwd: dir, encoding: 'utf8', maxBuffer: 1e9 });
  return { stdout, stderr, status };
}

/** Run a command and print it with what it said, without this machine's paths. */
function say(...args: string[]): void {
  const started = performance.now(), { stdout, stderr, status } = understory(...args), words = args.map((word) => (/[\s'*]/.test(word) ? `"${word}"` : word));
  const text = `${stderr}${stdout}`.replaceAll(data, 'data').replaceAll(`${dir}/`, '').trimEnd();
  console.log(`\`\`\`\nunderstory ${words.join(' ')}\n\n${text}\n\`\`\`\n${status === 0 ? '' : `exit ${status}; `}${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

const PARTS: Record<string, () => Promise<void>> = { pycrown, forms, nouragues, mixedconifer, neon, fits, rest };
try {
  for (const name of values.only?.split(',') ?? Object.keys(PARTS)) {
    const part = PARTS[name];
    if (!part) throw new Error(`--only ${name}: there are ${Object.keys(PARTS).join(', ')}`);
    console.log(`\n## ${name}\n`);
    await part();
  }
} finally {
  if (values.keep === undefined) await rm(dir, { recursive: true });
}
