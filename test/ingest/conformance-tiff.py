"""Read TIFFs with GDAL, all bands but alpha, and print one JSON line a file. Usage: conformance-tiff.py FILE..."""
import hashlib, json, math, sys
import numpy as np
from osgeo import gdal

gdal.UseExceptions()
gdal.PushErrorHandler('CPLQuietErrorHandler')


def reading(path):
    ds = gdal.Open(path)
    bands = []
    for i in range(1, ds.RasterCount + 1):
        band = ds.GetRasterBand(i)
        if band.GetColorInterpretation() == gdal.GCI_AlphaBand:
            continue
        data, valid = band.ReadAsArray(), band.GetMaskBand().ReadAsArray() != 0
        if band.GetMetadataItem('PIXELTYPE', 'IMAGE_STRUCTURE') == 'SIGNEDBYTE':
            data = data.view(np.int8)
        data = np.ascontiguousarray(np.where(valid, data, np.zeros(1, data.dtype)))
        held = data[valid].astype(np.float64)
        total = float(math.fsum(held[np.isfinite(held)]))
        bands.append({'type': data.dtype.name, 'valid': int(valid.sum()), 'sum': total, 'sha256': hashlib.sha256(data.tobytes()).hexdigest()})
    return {'width': ds.RasterXSize, 'height': ds.RasterYSize, 'bands': bands}


for path in sys.argv[1:]:
    try:
        print(json.dumps({'path': path, **reading(path)}))
    except Exception as error:
        print(json.dumps({'path': path, 'error': str(error).replace(path, '').strip(': ')[:200]}))
