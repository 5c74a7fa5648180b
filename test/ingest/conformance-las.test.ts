// Real LiDAR files, odd, old and damaged ones among them: read right, as a second reader reads them, or a typed error.
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InvalidInput, UnsupportedInput } from '../../src/errors.ts';
import { openFile } from '../../src/files/byte-source.ts';
import { openPointFile } from '../../src/ingest/point-reader.ts';
import type { RawPoints } from '../../src/ingest/point-reader.ts';
import { compare, conformanceFiles } from './conformance-las.ts';

const files = await conformanceFiles();
if (files.length === 0) console.warn('the shared data are absent: real LiDAR files are not tested');

const REFUSED: Record<string, typeof InvalidInput> = {
  'pdal_test_data_las_1.2-with-color-clipped.las': InvalidInput, // cut short by one point
  'pdal_test_data_laz_simple-laszip-compressor-version-1.2r0.laz': UnsupportedInput, // LASzip 1
};
/** Points outside the header's box: made on purpose. */
const OUTSIDE: Record<string, number> = { 'pdal_test_data_las_spurious.las': 1 };

describe.skipIf(files.length === 0)('shared LiDAR files', () => {
  test.each(files.map((path) => [basename(path), path]))('%s is read as a second reader reads it, or refused', async (name, path) => {
    const { ours, second } = await compare(path!);
    const refusal = REFUSED[name!];
    if (refusal || ours instanceof Error) {
      expect(ours).toBeInstanceOf(refusal ?? Object);
      expect((ours as Error).message).toMatch(/;/); // what is wrong; what to do
      return;
    }
    expect(ours.sums.count).toBe(ours.header.pointCount);
    expect(ours.outside).toBe(OUTSIDE[name!] ?? 0);
    expect(second?.sums).toEqual(ours.sums); // every file here has a reader besides ours
  });

  const folder = join(dirname(files.at(-1) ?? '/'));
  const twins = [
    ['laz-perf_cpp_test_raw-sets_point-color-time.las', 'laz-perf_cpp_test_raw-sets_point-color-time.las.laz'],
    ['laz-perf_cpp_test_raw-sets_point-color.las', 'laz-perf_cpp_test_raw-sets_point-color.las.laz'],
    ['laz-perf_cpp_test_raw-sets_point-time.las', 'laz-perf_cpp_test_raw-sets_point-time-1.4.las.laz'],
    ['laz-rs_tests_data_point10.las', 'laz-rs_tests_data_point10.laz'],
    ['pdal_test_data_las_simple.las', 'pdal_test_data_laz_simple.laz'],
    ['laz-perf_cpp_test_raw-sets_no-points-1.3.las', 'laz-perf_cpp_test_raw-sets_no-points-1.3.laz'],
  ];
  test.each(twins)('%s and its compressed twin are equal in every column: returns, time, flags and source too', async (plain, compressed) => {
    expect(await columnsOf(join(folder, compressed!))).toEqual(await columnsOf(join(folder, plain!)));
  });
});

async function columnsOf(path: string): Promise<RawPoints[]> {
  const source = await openFile(path);
  try {
    return await Array.fromAsync((await openPointFile(source)).chunks());
  } finally {
    await source.close();
  }
}
