import { expect, test } from 'vitest';
import type { RasterHeader } from '../../src/ingest/geotiff-reader.ts';
import { planImage } from '../../src/ingest/image-plan.ts';
import { layAt } from '../../src/pipeline/read-rasters.ts';
import type { RasterInput } from '../../src/pipeline/read-rasters.ts';
import type { ImageLayer } from '../../src/pipeline/survey.ts';

test('a raster whose CRS the job corrects is laid by that CRS on the pixels of a model too', () => {
  // written in zone 11, labelled zone 12: the job says crs: EPSG:32611, override: true
  const header = { name: '/survey/chm.tif', width: 200, height: 100, bands: 1, sampleType: 'float32', nodata: null, epsg: 32612, verticalEpsg: null, crsIsOwn: false, affine: { x0: 320000, y0: 4100100, resX: 0.5, resY: 0.5 } } as unknown as RasterHeader;
  const input: RasterInput = { name: 'chm', key: 'inputs.chm', files: [{ header, fingerprint: 'f', bytes: 1 }], statements: [], gsdM: 0.5 };
  const plan = planImage([{ ...header, epsg: 32611 }]), layer: ImageLayer = { ...plan, name: 'chm', bands: ['height'], files: plan.files.map((file) => ({ ...file, fingerprint: 'f', bytes: 1 })), box: { x0: 320000, y0: 4100050, x1: 320100, y1: 4100100 } };
  const { box, files } = layAt(input, layer, { gsdM: 1, epsg: 32611, resample: 'auto' });
  expect(files[0]!.pixels!.epsg).toBe(32611);
  expect(box).toEqual({ x0: 320000, y0: 4100050, x1: 320100, y1: 4100100 }); // 100 m x 50 m, where the job says
});
