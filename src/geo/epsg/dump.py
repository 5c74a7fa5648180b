# geo/epsg/dump.py: the EPSG CRS of PROJ's database as lines of JSON, for make.ts. Needs GDAL's Python; run by make.ts.
import json
import re
import sqlite3
import sys

from osgeo import osr

osr.UseExceptions()
db = sqlite3.connect(sys.argv[1])
esri = dict(db.execute(
    "select code, alt_name from alias_name where auth_name = 'EPSG' and source = 'ESRI' "
    "and table_name in ('projected_crs', 'geodetic_crs', 'vertical_crs') order by rowid desc"))
queries = {
    'geographic': "select code from geodetic_crs where auth_name = 'EPSG' and type = 'geographic 2D' and deprecated = 0",
    'projected': "select code from projected_crs where auth_name = 'EPSG' and deprecated = 0",
    'vertical': "select code from vertical_crs where auth_name = 'EPSG' and deprecated = 0",
}


def box_of(record):
    return record.get('bbox') or (record['usages'][0].get('bbox') if record.get('usages') else None)


def points_of(box):
    w, s, e, n = (box[k] for k in ('west_longitude', 'south_latitude', 'east_longitude', 'north_latitude'))
    e = e + 360 if e < w else e
    at = [(w + (e - w) * u, s + (n - s) * v) for u, v in ((.5, .5), (.25, .25), (.75, .25), (.25, .75), (.75, .75))]
    return [(x - 360 if x > 180 else x, y) for x, y in at]


def projected_points(crs, proj, points):
    """What PROJ makes of longitudes and latitudes on the CRS's own ellipsoid, east and north."""
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    base = osr.SpatialReference()
    ellipsoid = f'+a={crs.GetSemiMajor()!r} +rf={crs.GetInvFlattening()!r}' if crs.GetInvFlattening() else f'+R={crs.GetSemiMajor()!r}'
    base.ImportFromProj4(f'+proj=longlat {ellipsoid} +no_defs')
    options = osr.CoordinateTransformationOptions()
    options.SetBallparkAllowed(True)
    there = osr.CoordinateTransformation(base, crs, options)
    return ellipsoid, [there.TransformPoint(x, y)[:2] for x, y in points]


for kind, query in queries.items():
    for (code,) in sorted(db.execute(query), key=lambda row: int(row[0])):
        crs = osr.SpatialReference()
        line = {'kind': kind, 'code': int(code), 'esri': esri.get(code, '')}
        try:
            crs.ImportFromEPSG(int(code))
            line['json'] = json.loads(crs.ExportToPROJJSON(['MULTILINE=NO']))
        except RuntimeError as error:
            print(f'{code}: {error}', file=sys.stderr)
            continue
        try:
            line['proj'] = crs.ExportToProj4().strip() if kind != 'vertical' else ''
            if kind == 'projected':
                line['lonlat'] = points_of(box_of(line['json']))
                line['ellipsoid'], line['points'] = projected_points(crs, line['proj'], line['lonlat'])
        except RuntimeError as error:
            line['error'] = re.sub(r'\s+', ' ', str(error))
        print(json.dumps(line))
