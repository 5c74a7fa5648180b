// Real TIFFs, odd, old and damaged ones among them: read to the pixel as GDAL reads them, or a typed error that says what to do.
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UnderstoryError } from '../../src/errors.ts';
import { conformanceTiffs, readOurTiff, readWithGdal, sameReading } from './conformance-tiff.ts';

const paths = await conformanceTiffs();
if (paths.length === 0) console.warn('the shared data are absent: real TIFFs are not tested');
const theirs = paths.length === 0 ? null : readWithGdal(paths);
if (paths.length > 0 && !theirs) console.warn('GDAL for Python is not installed: real TIFFs are read, but not compared');

/** What is refused, each for a reason; everything else is read. */
const REFUSED: [RegExp, RegExp][] = [
  [/colormap-shl-overflow|graydepth-invert-overflow/, /beyond its end at byte/],
  [/model_transformation|inverted_lat|data_float(32|_nan)?\.tif/, /rows northward.*gdalwarp/],
  [/data_rotated/, /rotated.*gdalwarp/],
  [/cmyk|flower-separated/, /printer \(CMYK\).*gdal_translate/],
  [/palette/, /colour table.*-expand rgb/],
  [/smallliz|ycbcr-cat/, /YCbCr or Lab.*gdal_translate/],
  [/fax|group4|g3test|off_luv|logluv|libtiffpic_text/, /compression \d+ is not read.*gdal_translate/],
  [/quad-lzw/, /LZW is of the old kind.*gdal_translate/],
  [/gradient-1c-64b\.tiff/, /64 bits are not read.*gdal_translate/],
];

describe.skipIf(paths.length === 0)('shared TIFFs', () => {
  test.each(paths.map((path) => [basename(path), path]))('%s', async (name, path) => {
    const { reading } = await readOurTiff(path!), refusal = REFUSED.find(([file]) => file.test(name!));
    if (refusal || reading instanceof Error) {
      expect(reading).toBeInstanceOf(UnderstoryError);
      expect((reading as Error).message).toMatch(refusal?.[1] ?? 'no refusal is expected');
      return;
    }
    const other = theirs?.get(path!);
    if (other === undefined) return;
    expect(other).not.toBeInstanceOf(Error);
    expect(sameReading(reading, other as typeof reading)).toBe(true);
  });

  test('most are read', () => {
    expect(paths.filter((path) => !REFUSED.some(([file]) => file.test(basename(path)))).length).toBeGreaterThan(140);
  });
});
