import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import type { CrsWords } from '../../src/geo/crs-statement.ts';
import { JobSchema } from '../../src/pipeline/job-schema.ts';
import type { FileStatement } from '../../src/pipeline/survey-crs.ts';
import { heightUnitOf, settleCrs } from '../../src/pipeline/survey-crs.ts';
import type { Box } from '../../src/types.ts';
import { box } from './plans.ts';

interface Given {
  crs?: string;
  lidar?: object;
  boxes?: Box[];
}

const settle = (words: (CrsWords | null)[], { crs, lidar = {}, boxes = [] }: Given = {}) => settleCrs(
  JobSchema.parse({ survey: 's', output: 'o', ...(crs ? { crs } : {}), inputs: { lidar: { files: ['*.las'], ...lidar } } }),
  words.map((each, i) => ({ input: 'lidar', path: `file-${i}.las`, words: each, isOwn: false, ...(boxes[i] ? { box: boxes[i] } : {}) })), 'job.yaml',
);

const refusalOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message;
  }
  throw new Error('nothing was refused');
};
const refusal = (...args: Parameters<typeof settle>): string => refusalOf(() => settle(...args));

/** How the i-th file comes to the survey's CRS. */
const conversionOf = (settled: ReturnType<typeof settle>, i = 0) => settled.conversions.get('lidar')!.get(`file-${i}.las`);

const UTM11 = { epsg: 32611 }, US_FOOT = 1200 / 3937;
/** Near Fresno, about 119.7 W, 36.7 N, in feet of California zone 4, and in degrees. */
const IN_FEET = box(6_360_000, 2_120_000, 6_365_000, 2_125_000), IN_DEGREES = box(-119.75, 36.65, -119.7, 36.7);

describe('the survey\'s CRS', () => {
  test('is that of the files where they share one in metres', () => {
    expect(settle([UTM11, UTM11]).crs).toMatchObject({ epsg: 32611, from: 'file-0.las' });
  });

  test('is what the job file says, and files of other CRS are brought to it', () => {
    const settled = settle([UTM11, { epsg: 32610 }], { crs: 'EPSG:32611' });
    expect(settled.crs).toMatchObject({ epsg: 32611, from: 'the job file' });
    expect([conversionOf(settled), conversionOf(settled, 1)]).toEqual([{ epsg: 32611, zToMetre: 1 }, { epsg: 32610, zToMetre: 1 }]);
  });

  test('is the UTM zone of the centre where they share none, or one in feet or degrees, with the line that keeps it', () => {
    const feet = settle([{ epsg: 2228, verticalEpsg: 6360 }], { boxes: [IN_FEET] });
    expect(feet.crs).toMatchObject({ epsg: 32611, name: 'WGS 84 / UTM zone 11N', from: expect.stringMatching(/^the UTM zone of the inputs' centre, longitude -119\.\d\d, latitude 36\.\d\d \(the inputs are in EPSG:2228\)$/) });
    expect(feet.notes[0]).toMatch(/: add the line `crs: EPSG:32611` to job\.yaml, so that files which join later cannot move it$/);
    expect(settle([{ epsg: 4326, verticalEpsg: 5703 }], { boxes: [IN_DEGREES] }).crs.epsg).toBe(32611);
    // half in zone 10, with the centre at 120.1 W
    expect(settle([UTM11, { epsg: 4326, verticalEpsg: 5703 }], { boxes: [box(250_000, 4_100_000, 251_000, 4_101_000), box(-120.5, 37, -120.4, 37.1)] }).crs.epsg).toBe(32610);
  });

  test('on both sides of the date line is a zone beside it, not on the other side of the globe', () => {
    const z = { verticalEpsg: 3855 };
    expect(settle([{ epsg: 4326, ...z }, { epsg: 4167, ...z }], { boxes: [box(179.2, -17, 179.8, -16.9), box(-179.9, -17, -179.8, -16.9)] }).crs.epsg).toBe(32760);
  });

  test('is not settled by a header\'s box that lies off its own CRS', () => {
    expect(refusal([{ epsg: 4326, verticalEpsg: 5703 }], { boxes: [box(250_000, 4_100_000, 251_000, 4_101_000)] })).toBe('job.yaml: the inputs are in EPSG:4326, and where they lie is not known, so that no UTM zone can be chosen; add the line `crs: EPSG:N`');
  });

  test.each([
    ['EPSG:2226', 'is in US survey foot; a survey is projected and in metres'], ['EPSG:4326', 'is in degrees; a survey is projected and in metres'], ['EPSG:3857', 'is a map of the world whose metres are stretched away from the equator; a survey needs true metres'],
  ])('cannot be %s', (crs, why) => {
    expect(refusal([UTM11], { crs })).toContain(`${why}; name the UTM zone of the area`);
  });

  test('cannot be a code that nobody knows', () => {
    expect(refusal([UTM11], { crs: 'EPSG:999999' })).toMatch(/^job\.yaml: crs: EPSG:999999 is no projected or two-dimensional geographic CRS/);
    expect(refusal([null], { lidar: { crs: 'EPSG:26711' } })).toMatch(/^job\.yaml: inputs\.lidar\.crs: EPSG:26711 \(NAD27 \/ UTM zone 11N\) cannot be used/);
  });

  test('of files in web Mercator, whose metres are none, is the UTM zone', () => {
    expect(settle([{ epsg: 3857 }], { boxes: [box(-13_320_000, 4_450_000, -13_319_000, 4_451_000)] }).crs.epsg).toBe(32611);
  });

  test('is unknown without a file', () => {
    expect(refusal([])).toBe('job.yaml: no input could be read, so the survey\'s CRS is unknown; add the line `crs: EPSG:N`');
  });
});

describe('the CRS of a point cloud', () => {
  test('is what the job says of files that state none; that the survey is in a CRS says nothing of a file', () => {
    expect(conversionOf(settle([null], { lidar: { crs: 'EPSG:32610' }, crs: 'EPSG:32611' }))).toEqual({ epsg: 32610, zToMetre: 1 });
    expect(refusal([null, UTM11], { crs: 'EPSG:32611' })).toBe('file-0.las: its CRS is unknown: it states no CRS; add the line `crs: EPSG:N` to inputs.lidar in job.yaml');
  });

  test('that cannot be told is refused with the lines to add', () => {
    expect(refusal([{ wkt: 'PROJCS["My own grid",GEOGCS["x",DATUM["x",SPHEROID["x",6378137,298.257]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],UNIT["metre",1]]' }]))
      .toBe('file-0.las: its CRS is unknown: its CRS \'My own grid\' has no code, and no CRS of the EPSG table has this name; if you know it, add the lines `crs: EPSG:N` and `override: true` to inputs.lidar in job.yaml');
  });

  test('that needs a grid which is not there is refused with the reason', () => {
    expect(refusal([{ epsg: 26711 }], { crs: 'EPSG:32611' })).toMatch(/^file-0\.las: its CRS is unknown: EPSG:26711 \(NAD27 \/ UTM zone 11N\) cannot be used: .*(grid|m only|covers)/);
  });

  test('contradicted by the job file is refused with both sides, unless it overrides', () => {
    expect(refusal([UTM11], { lidar: { crs: 'EPSG:32610' } })).toBe('file-0.las: states EPSG:32611 (WGS 84 / UTM zone 11N), but inputs.lidar.crs is EPSG:32610 (WGS 84 / UTM zone 10N); correct it, or add `override: true` to inputs.lidar in job.yaml');
    expect(settle([{ epsg: 26911 }], { lidar: { crs: 'EPSG:32611', override: true } }).crs.epsg).toBe(32611);
  });
});

describe('the unit of heights', () => {
  test('is the vertical CRS\'s; every way of rounding the US survey foot is one number', () => {
    const vertical = (unit: string) => ({ wkt: `COMPD_CS["both",PROJCS["x",GEOGCS["x",DATUM["x",SPHEROID["x",6378137,298]],UNIT["degree",0.017]],UNIT["US survey foot",0.304800609601219],AUTHORITY["EPSG","2228"]],VERT_CS["v",VERT_DATUM["v",2005],UNIT["ft",${unit}],AXIS["Up",UP]]]` });
    for (const unit of ['0.3048006', '0.304800609601219', '0.30480060960121924']) expect(conversionOf(settle([vertical(unit)], { crs: 'EPSG:32611' }))).toEqual({ epsg: 2228, zToMetre: US_FOOT });
    expect(conversionOf(settle([vertical('0.3048')], { crs: 'EPSG:32611' }))!.zToMetre).toBe(0.3048);
    expect(conversionOf(settle([{ geoKeys: { 3072: 32611, 4099: 9003 } }]))).toEqual({ epsg: 32611, zToMetre: US_FOOT });
  });

  test('of a file in metres that states none is the metre, and this is said', () => {
    expect(settle([UTM11, UTM11]).notes).toEqual(['lidar: 2 files in EPSG:32611 (WGS 84 / UTM zone 11N); z in metres, as x and y: the files do not state a vertical CRS']);
    expect(settle([{ epsg: 32611, verticalEpsg: 5703 }]).notes[0]).toMatch(/; z in metres, as the files state$/);
  });

  test('of a file in feet or degrees that states none is not guessed: the line to add', () => {
    expect(refusal([{ epsg: 2228 }], { crs: 'EPSG:32611' })).toBe('file-0.las: the unit of its heights is unknown: x and y are in US survey foot (EPSG:2228 (NAD83 / California zone 4 (ftUS))), and no vertical CRS is stated; add the line `z_unit: us-foot` (or metre, or foot) to inputs.lidar in job.yaml');
    expect(refusal([{ epsg: 2992 }], { crs: 'EPSG:32610' })).toContain('add the line `z_unit: foot` (or metre, or us-foot)');
    expect(refusal([{ epsg: 4326 }], { crs: 'EPSG:32611' })).toContain('x and y are in degree (EPSG:4326 (WGS 84)), and no vertical CRS is stated; add the line `z_unit: metre` (or foot, or us-foot)');
  });

  test('of a vertical CRS that nobody knows is not guessed either, in metres or not', () => {
    expect(refusal([{ epsg: 32611, verticalEpsg: 5103 }])).toContain('its vertical CRS, EPSG:5103, states no unit and is not in the EPSG table; add the line `z_unit: metre`');
    expect(conversionOf(settle([{ geoKeys: { 3072: 32611, 4096: 5103, 4099: 9002 } }]))).toEqual({ epsg: 32611, zToMetre: 0.3048 });
  });

  test('may be said by the job file', () => {
    const settled = settle([{ epsg: 2228 }], { crs: 'EPSG:32611', lidar: { z_unit: 'metre' } });
    expect(conversionOf(settled)).toEqual({ epsg: 2228, zToMetre: 1 });
    expect(settled.notes[0]).toBe('lidar: 1 file in EPSG:2228 (NAD83 / California zone 4 (ftUS)), brought to EPSG:32611 (WGS 84 / UTM zone 11N), another datum: good to 4 m, by EPSG\'s statement (transformed to WGS 84 without the grid us_noaa_cnhpgn.tif: good to 4 m, with it to 2 m); z in metres, as the job file says');
  });

  test('contradicted by the job file is refused with both sides, unless it overrides; 2 ppm are a contradiction', () => {
    const navd88 = { epsg: 2228, verticalEpsg: 6360 };
    expect(refusal([navd88], { crs: 'EPSG:32611', lidar: { z_unit: 'metre' } })).toBe('file-0.las: states heights in US survey feet (EPSG:6360 (NAVD88 height (ftUS))), but inputs.lidar.z_unit is metre; correct it, or add `override: true` to inputs.lidar in job.yaml');
    expect(refusal([navd88], { crs: 'EPSG:32611', lidar: { z_unit: 'foot' } })).toContain('but inputs.lidar.z_unit is foot');
    expect(conversionOf(settle([navd88], { crs: 'EPSG:32611', lidar: { z_unit: 'us-foot' } }))!.zToMetre).toBe(US_FOOT);
    expect(conversionOf(settle([navd88], { crs: 'EPSG:32611', lidar: { z_unit: 'metre', override: true } }))!.zToMetre).toBe(1);
  });

  test('that a file states twice and not alike is refused: metres by its code, feet by its keys', () => {
    const twice = { geoKeys: { 3072: 2228, 4096: 5703, 4099: 9003 } };
    expect(refusal([twice], { crs: 'EPSG:32611' })).toMatch(/^file-0\.las: the unit of its heights is stated twice and not alike \(its GeoTIFF keys: a unit of 0\.3048006\d* m, EPSG:5703 \(NAVD88 height\): one of 1 m\); if you know it, add the lines `z_unit: us-foot` and `override: true` to inputs\.lidar in job\.yaml$/);
    expect(refusal([twice], { crs: 'EPSG:32611', lidar: { z_unit: 'us-foot' } })).toContain('stated twice');
    expect(conversionOf(settle([twice], { crs: 'EPSG:32611', lidar: { z_unit: 'us-foot', override: true } }))!.zToMetre).toBe(US_FOOT);
  });

  test('does not turn depths to heights, whatever is overridden', () => {
    const depths = { wkt: 'COMPD_CS["both",PROJCS["x",GEOGCS["x",DATUM["x",SPHEROID["x",6378137,298]],UNIT["degree",0.017]],UNIT["metre",1],AUTHORITY["EPSG","32611"]],VERT_CS["mine",VERT_DATUM["v",2005],UNIT["metre",1],AXIS["Depth",DOWN]]]' };
    expect(refusal([{ epsg: 32611, verticalEpsg: 5715 }])).toMatch(/its heights are depths, positive downward \(EPSG:5715/);
    expect(refusal([depths], { lidar: { crs: 'EPSG:32611', z_unit: 'metre', override: true } })).toBe('file-0.las: its heights are depths, positive downward (mine); turn them to heights first');
  });
});

describe('rasters, which keep their pixels,', () => {
  const ofRaster = (raster: Omit<FileStatement, 'path' | 'isOwn'> & { isOwn?: boolean }, { crs, inputs = {} }: { crs?: string; inputs?: object } = {}) => settleCrs(
    JobSchema.parse({ survey: 's', output: 'o', ...(crs ? { crs } : {}), inputs: { lidar: { files: ['*.las'] }, ...inputs } }),
    [{ input: 'lidar', path: 'a.las', words: UTM11, isOwn: false, box: box(250_000, 4_100_000, 251_000, 4_101_000) }, { path: 'raster.tif', isOwn: false, ...raster }], 'job.yaml',
  );

  test('are refused in another CRS than the survey\'s, with every way out', () => {
    expect(refusalOf(() => ofRaster({ input: 'ortho', words: { epsg: 32610 } }))).toMatch(/^raster\.tif: it is in EPSG:32610 \(WGS 84 \/ UTM zone 10N\), but the survey is in EPSG:32611 \(WGS 84 \/ UTM zone 11N\), from the UTM zone of .*; bring it there \(gdalwarp -t_srs EPSG:32611\), or add `lattice: crs` to inputs\.images\.ortho to have it resampled, or add the line `crs: EPSG:32610` in job\.yaml$/);
    expect(refusalOf(() => ofRaster({ input: 'ortho', words: { epsg: 4326 } }, { crs: 'EPSG:32611' }))).toBe('raster.tif: it is in EPSG:4326 (WGS 84), but the survey is in EPSG:32611 (WGS 84 / UTM zone 11N), from the job file; bring it there (gdalwarp -t_srs EPSG:32611), or add `lattice: crs` to inputs.images.ortho to have it resampled');
    expect(ofRaster({ input: 'ortho', words: UTM11 }).crs.epsg).toBe(32611);
  });

  test('without a code are refused; those that state nothing are in the survey\'s', () => {
    expect(refusalOf(() => ofRaster({ input: 'ortho', words: null, isOwn: true }, { crs: 'EPSG:32611' }))).toContain('CRS of its own');
    expect(refusalOf(() => ofRaster({ input: 'ortho', words: null }))).toContain('raster.tif: its CRS is unknown: it states no CRS; write it into the file');
    expect(ofRaster({ input: 'ortho', words: null }, { crs: 'EPSG:32611' }).crs.epsg).toBe(32611);
  });

  test('of height have a unit as point clouds do, and another CRS where the job has them resampled', () => {
    const chm = (keys: object) => ({ crs: 'EPSG:32611', inputs: { chm: { files: ['*.tif'], ...keys } } });
    expect(heightUnitOf(ofRaster({ input: 'chm', words: { epsg: 32611, verticalEpsg: 6360 } }, chm({})), 'chm')).toBe(US_FOOT);
    expect(heightUnitOf(ofRaster({ input: 'chm', words: UTM11 }, chm({ z_unit: 'foot' })), 'chm')).toBe(0.3048);
    expect(refusalOf(() => ofRaster({ input: 'chm', words: { epsg: 32610 } }, chm({})))).toContain('or add `lattice: crs` to inputs.chm to have it resampled');
    expect(refusalOf(() => ofRaster({ input: 'chm', words: { epsg: 2228 } }, chm({ lattice: 'crs' })))).toContain('add the line `z_unit: us-foot`');
    expect(ofRaster({ input: 'chm', words: { epsg: 2228 } }, chm({ lattice: 'crs', z_unit: 'us-foot' })).conversions.get('chm')!.get('raster.tif')).toEqual({ epsg: 2228, zToMetre: US_FOOT });
  });
});
