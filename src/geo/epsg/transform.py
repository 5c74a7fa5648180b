# geo/epsg/transform.py: points through PROJ, for check.ts. Needs GDAL's Python. A line of JSON in ({from, to, points}: east, north or longitude, latitude), a line of points out.
import json
import sys

from osgeo import osr

osr.UseExceptions()


def crs_of(text):
    crs = osr.SpatialReference()
    if text.startswith('EPSG:'):
        crs.ImportFromEPSG(int(text[5:]))
    else:
        crs.ImportFromProj4(text)
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return crs


for line in sys.stdin:
    request = json.loads(line)
    try:
        there = osr.CoordinateTransformation(crs_of(request['from']), crs_of(request['to']))
        print(json.dumps([there.TransformPoint(x, y)[:2] for x, y in request['points']]))
    except RuntimeError as error:
        print(json.dumps({'error': str(error)}))
