import { expect, test } from 'vitest';
import { bytesSource } from '../../src/files/byte-source.ts';
import { crsFromEpsg } from '../../src/geo/crs.ts';
import { readPlotTrees, readPlots } from '../../src/ingest/plots.ts';

const surveyCrs = crsFromEpsg(32611);
const csv = (text: string | Buffer, name = 'plots.csv') => bytesSource(name, typeof text === 'string' ? Buffer.from(text) : text);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}
const plots = (text: string | Buffer, rest = {}) => all(readPlots(csv(text), { surveyCrs, ...rest }));
const trees = (text: string | Buffer, rest = {}) => all(readPlotTrees(csv(text, 'plot_trees.csv'), { surveyCrs, ...rest }));

test('a plot of 12.62 m radius is 500 m2, and what was not measured is null while 0 is 0', async () => {
  const [a, b] = await plots('plot_id,x,y,radius_m,stems_per_ha,basal_area_m2_per_ha,height_m,agb_t_per_ha\nA 1,452000.5,4445000,12.62,400,31.5,24,NA\nB,452100,4445000,10,0,,NaN,NULL\n');
  expect(a).toMatchObject({ plotId: 'A 1', xM: 452000.5, yM: 4445000, radiusM: 12.62, polygons: null, stemsPerHa: 400, basalAreaM2PerHa: 31.5, heightM: 24, agbTPerHa: null });
  expect(a!.areaHa).toBeCloseTo(0.050034, 6); // pi 12.62^2 = 500.34 m2
  expect(b).toMatchObject({ stemsPerHa: 0, basalAreaM2PerHa: null, heightM: null, agbTPerHa: null });
});

test('an area gives the radius of its circle, and one that contradicts the radius is an error', async () => {
  const [plot] = await plots('plot_id,x,y,area_m2\n1,452000,4445000,314.159265\n');
  expect(plot!.radiusM).toBeCloseTo(10, 6);
  await expect(plots('plot_id,x,y,radius_m,area_m2\n1,452000,4445000,10,400\n')).rejects.toThrow('line 2, column area_m2: 400 m2 is not the area of a circle with radius_m 10 (314.2 m2)');
  await expect(plots('plot_id,x,y\n1,452000,4445000\n')).rejects.toThrow('has no column radius_m (or area_m2)');
});

test.each([
  ['commas', 'plot_id,x,y,radius_m\nB\u00e4r,452000,4445000,10\n'],
  ['semicolons and a byte-order mark', '\ufeffplot_id;x;y;radius_m\r\nB\u00e4r;452000;4445000;10\r\n;;;\r\n'],
  ['tabs, another order and case', 'Radius_M\tY\tX\tPlot_ID\n10\t4445000\t452000\tB\u00e4r'],
  ['quotes, and delimiters at the ends of lines', '"plot_id","x","y","radius_m",\n"B\u00e4r","452000","4445000","10",\n'],
])('a table with %s reads the same', async (_, text) => {
  expect(await plots(text)).toMatchObject([{ plotId: 'B\u00e4r', xM: 452000, yM: 4445000, radiusM: 10 }]);
});

test('lon and lat are WGS 84, x and y the CRS of the survey or the one that the job file says', async () => {
  // cs2cs EPSG:4326 EPSG:32611 of 37.25 N 117.5 W: 455657.8894, 4122723.3825
  const [a] = await plots('plot_id,lon,lat,radius_m\n1,-117.5,37.25,10\n', { statedCrs: crsFromEpsg(2992) });
  expect([a!.xM, a!.yM]).toEqual([expect.closeTo(455657.8894, 3), expect.closeTo(4122723.3825, 3)]);
  const [b] = await plots('plot_id,x,y,radius_m\n1,-117.5,37.25,10\n', { statedCrs: crsFromEpsg(4326) });
  expect(b).toMatchObject({ xM: a!.xM, yM: a!.yM });
  const notes: string[] = [];
  await plots('plot_id,x,y,radius_m\n1,-117.5,37.25,10\n2,-117.5,37.26,10\n', { onNote: (note: string) => notes.push(note) });
  expect(notes).toEqual([expect.stringContaining('line 2: -117.5, 37.25 look like degrees')]);
  await expect(plots('plot_id,lon,lat,radius_m\n1,37.25,-117.5,10\n')).rejects.toThrow(/line 2, column lon: 37.25, -117.5 is no longitude and latitude; check their order/);
});

test.each([
  ['a decimal comma', 'plot_id;x;y;radius_m\n1;452000;4445000;12,5\n', "line 2, column radius_m: '12,5' has a comma or a sign for thousands; write 12.5"],
  ['thousands', 'plot_id;x;y;radius_m\n1;452,000.5;4445000;12\n', "column x: '452,000.5' has a comma or a sign for thousands; write 452000.5"],
  ['a word for a number', 'plot_id,x,y,radius_m\n\n1,452000,4445000,12m\n', "line 3, column radius_m: '12m' is no number"],
  ['a size of zero', 'plot_id,x,y,radius_m\n1,452000,4445000,0\n', 'column radius_m: 0 is no size of a plot'],
  ['a number for missing', 'plot_id,x,y,radius_m,height_m\n1,452000,4445000,10,-9999\n', 'column height_m: -9999 is below zero; leave it empty'],
  ['no place', 'plot_id,x,y,radius_m\n1,,,10\n', 'line 2, column x: is empty; a plot needs its place'],
  ['half a place', 'plot_id,x,y,radius_m\n1,452000,,10\n', 'column y: is empty, but x is not'],
  ['no id', 'plot_id,x,y,radius_m\nNA,1,2,10\n', 'column plot_id: is empty'],
  ['an id twice', 'plot_id,x,y,radius_m\n1,452000,4445000,10\n2,452000,4445100,10\n1,452000,4445200,10\n', 'line 2 and line 4 both have the plot_id 1'],
  ['too many values', 'plot_id,x,y,radius_m\n1,452000,4445000,12,5\n', 'line 2: has 5 values for 4 columns (plot_id, x, y, radius_m); put a text with commas in quotes, and write decimals with a point'],
  ['an open quote', 'plot_id,x,y,radius_m\n1,"452000,4445000,12\n', 'cannot be read as CSV'],
  ['nothing', '', 'is empty; it needs a header line'],
  ['a column twice', 'plot_id,x,y,x\n', 'has two columns x'],
  ['x without y', 'plot_id,x,radius_m\n', 'has a column x, but none y'],
])('%s is named by file, line and column', async (_, text, message) => {
  await expect(plots(text)).rejects.toThrow(message);
  await expect(plots(text)).rejects.toThrow('plots.csv: ');
});

test.each([
  ['plot,x,y,radius_m', "the column 'plot' is not known: rename it plot_id"],
  ['plot_id,easting,northing,radius_m', "the column 'easting' is not known: rename it x"],
  ['plot_id,x,y,radius', "the column 'radius' is not known: rename it radius_m, in this unit"],
  ['plot_id,x,y,radius_ft', "the column 'radius_ft' is not known: rename it radius_m, in this unit"],
  ['plot_id,x,y,area_ha', "the column 'area_ha' is not known: rename it area_m2"],
  ['plot_id,x,y,radius_m,agb', "the column 'agb' is not known: rename it agb_t_per_ha"],
  ['plot_id,x,y,radius_m,basal_area', "rename it basal_area_m2_per_ha"],
  ['plot_id,x,y,radius_m,stem_per_ha', "rename it stems_per_ha"],
  ['x,y,radius_m,crew', 'has no column plot_id; its columns are x, y, radius_m, crew; those read here are plot_id, x, y'],
])('the header %s is answered with the column that is meant', async (header, message) => {
  await expect(plots(`${header}\n`)).rejects.toThrow(message);
});

test('columns that are like none are told and passed over, also those with another unit beside the right one', async () => {
  const notes: string[] = [];
  await plots('plot_id,x,y,radius_m,crew,date,height_ft,height_m\n1,452000,4445000,10,A,2026-06-01,66,20\n', { onNote: (note: string) => notes.push(note) });
  expect(notes).toEqual(['plots.csv: columns that are not read: crew, date, height_ft']);
});

test('trees of plots: stems, species and status by their usual words', async () => {
  const read = await trees('plot_id,tree_no,species,dbh_cm,height_m,status,x,y,crown_diameter_m,agb_kg\nP1,1,Pinus ponderosa,35.2,NA,live,452000.123456,4445000,6.1,0\nP1,2,,12,8.5,Standing dead,,,,\nP2,1,fir,0,,,,,,\n');
  expect(read).toEqual([
    { plotId: 'P1', treeNo: '1', xM: 452000.12346, yM: 4445000, species: 'Pinus ponderosa', dbhCm: 35.2, heightM: null, crownDiameterM: 6.1, agbKg: 0, status: 'alive', layer: null },
    { plotId: 'P1', treeNo: '2', xM: null, yM: null, species: null, dbhCm: 12, heightM: 8.5, crownDiameterM: null, agbKg: null, status: 'dead', layer: null },
    { plotId: 'P2', treeNo: '1', xM: null, yM: null, species: 'fir', dbhCm: 0, heightM: null, crownDiameterM: null, agbKg: null, status: 'unknown', layer: null },
  ]);
});

test('a list of mapped trees needs no plots and numbers them itself', async () => {
  const read = await trees('x,y,height_m\n452000,4445000,20\n452010,4445000,\n');
  expect(read).toMatchObject([{ plotId: null, treeNo: '1', heightM: 20 }, { plotId: null, treeNo: '2', heightM: null }]);
  await expect(trees('height_m\n20\n')).rejects.toThrow('has no column plot_id, and no columns x, y');
  await expect(trees('x,y,height_m\n,,20\n')).rejects.toThrow('a mapped tree without a plot needs its place');
});

test.each([
  ['plot_id,tree_no,status\n1,1,1\n', "line 2, column status: '1' may mean either; write alive, dead or unknown"],
  ['plot_id,tree_no,status\n1,1,L\n', "column status: 'L' is not known"],
  ['plot_id,tree_no,dbh_cm\n1,7,10\n2,7,10\n1,7,11\n', 'line 4, column tree_no: 7 stands in line 2 too, in the same plot 1'],
  ['plot_id,tree_no,dbh_cm\n1,,10\n', 'column tree_no: is empty'],
  ['plot_id,dbh_cm\n1,10\n', 'has no column tree_no'],
  ['plot_id,tree_no,dbh\n', "the column 'dbh' is not known: rename it dbh_cm"],
  ['plot_id,tree_no,dbh_mm\n', "the column 'dbh_mm' is not known: rename it dbh_cm"],
  ['plot_id,tree_no,diameter\n', 'rename it dbh_cm'],
  ['plot_id,tree_no,height\n', 'rename it height_m'],
  ['plot_id,tree,height_m\n', 'rename it tree_no'],
  ['plot_id,tree_no,agb\n', 'rename it agb_kg'],
])('of the trees %j it says what is wrong', async (text, message) => {
  await expect(trees(text)).rejects.toThrow(message);
});

test('twelve thousand rows pass through small reads, with the line of the last one that is wrong', async () => {
  const rows = Array.from({ length: 12_000 }, (_, i) => `P${i >> 5},${i},\u00e4sp\u00e9ce ${'\u00fc'.repeat(i % 7)},${i % 90}.5`);
  const text = `plot_id,tree_no,species,dbh_cm\n${rows.join('\n')}\n`;
  const read = await trees(text);
  expect(read).toHaveLength(12_000);
  expect(read[11_999]).toMatchObject({ treeNo: '11999', species: `\u00e4sp\u00e9ce ${'\u00fc'.repeat(11_999 % 7)}`, dbhCm: 11_999 % 90 + 0.5 });
  await expect(trees(`${text}P,1,x,1,5\n`)).rejects.toThrow('line 12002: has 5 values for 4 columns');
});

test('a letter of two bytes may lie across two reads', async () => {
  for (const before of ['', 'a']) {
    const species = before + '\u00fc'.repeat(150_000); // 300 kB: more than is read at once
    expect((await trees(`plot_id,tree_no,species\n1,1,${species}\n`))[0]!.species).toBe(species);
  }
});

test('files that are no CSV in UTF-8 are refused with the way out', async () => {
  await expect(plots(Buffer.from('plot_id,x,y,radius_m\nB\u00e4r,1,2,3\n', 'latin1'))).rejects.toThrow('is not in UTF-8 (after line 1); save it as "CSV UTF-8"');
  await expect(plots(Buffer.from('\ufeffplot_id,x\n', 'utf16le'))).rejects.toThrow('is in UTF-16');
  await expect(plots(Buffer.from('PK\x03\x04xxxx'))).rejects.toThrow('is a spreadsheet');
  await expect(all(readPlots(bytesSource('plots.xlsx', Buffer.from('PK')), { surveyCrs }))).rejects.toThrow('plots are read from a CSV file, or from a polygon layer with a field plot_id');
});

test('polygons with a plot_id are plots as well, placed at the middle of their box', async () => {
  const feature = (properties: object, x: number) => ({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [[[x, 0], [x + 50, 0], [x + 50, 40], [x, 40], [x, 0]]] } });
  const layer = (...features: object[]) => bytesSource('plots.geojson', Buffer.from(JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'EPSG:32611' } }, features })));
  const read = (source: ReturnType<typeof layer>) => all(readPlots(source, { surveyCrs }));
  const [plot] = await read(layer(feature({ plot_id: 7, stems_per_: 350, agb_t_per_ha: null }, 452_000)));
  expect(plot).toMatchObject({ plotId: '7', xM: 452_025, yM: 20, radiusM: null, areaHa: 0.2, stemsPerHa: 350, agbTPerHa: null, heightM: null });
  expect(plot!.polygons![0]![0]).toHaveLength(5);
  await expect(read(layer(feature({ plot: 7 }, 0)))).rejects.toThrow("the column 'plot' is not known: rename it plot_id");
  await expect(read(layer(feature({ plot_id: 7, height_m: '20 m' }, 0)))).rejects.toThrow('feature 1 has "20 m" as height_m');
  await expect(read(layer(feature({ plot_id: 7 }, 0), feature({ plot_id: '7' }, 0)))).rejects.toThrow('feature 1 and feature 2 both have the plot_id 7');
});

test('an exported layer of trees is a list of mapped trees as it stands, with its layer where it has one', async () => {
  const read = await trees('tree_id,x_m,y_m,lon,lat,height_m,layer\ns:lidar:1_2,452000,4445000,-117,40.1,20,dominant\n');
  expect(read).toMatchObject([{ plotId: null, treeNo: 's:lidar:1_2', xM: 452000, yM: 4445000, heightM: 20, layer: 'dominant' }]);
});
