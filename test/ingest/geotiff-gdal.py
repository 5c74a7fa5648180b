"""Write GeoTIFFs of many layouts with GDAL. Pixel (col, row) of band b holds (7 col + 13 row + 31 b) % 251, as the test computes too."""
import struct, sys
from osgeo import gdal, osr

gdal.UseExceptions()
out = sys.argv[1]
W, H = 75, 53
LETTER = {'Byte': 'B', 'UInt16': 'H', 'Int16': 'h', 'UInt32': 'I', 'Int32': 'i', 'Float32': 'f', 'Float64': 'd'}
driver = gdal.GetDriverByName('GTiff')
srs = osr.SpatialReference()
srs.ImportFromEPSG(32611)


def write(name, kind='Byte', bands=3, options=(), place=True, nodata=None, values=None, skip_rows=0):
    ds = driver.Create(f'{out}/{name}.tif', W, H, bands, getattr(gdal, 'GDT_' + kind), options=list(options))
    if place:
        ds.SetGeoTransform((452000, 0.5, 0, 4445000, 0, -0.5))
        ds.SetProjection(srs.ExportToWkt())
    for b in range(bands):
        band = ds.GetRasterBand(b + 1)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        for row in range(skip_rows, H):
            line = [(7 * col + 13 * row + 31 * b) % 251 if values is None else values(b, col, row) for col in range(W)]
            band.WriteRaster(0, row, W, 1, struct.pack('<%d%s' % (W, LETTER[kind]), *line))
    return ds


TILED = ['TILED=YES', 'BLOCKXSIZE=32', 'BLOCKYSIZE=16']
for kind in LETTER:
    predictor = 'PREDICTOR=3' if kind.startswith('Float') else 'PREDICTOR=2'
    layouts = {
        'strips': [], 'strips7': ['BLOCKYSIZE=7', 'COMPRESS=DEFLATE'], 'tiles': TILED, 'planar': TILED + ['INTERLEAVE=BAND', 'COMPRESS=DEFLATE'],
        'planarstrips': ['INTERLEAVE=BAND', 'COMPRESS=LZW'], 'deflate': TILED + ['COMPRESS=DEFLATE'], 'lzw': TILED + ['COMPRESS=LZW'],
        'packbits': TILED + ['COMPRESS=PACKBITS'], 'zstd': TILED + ['COMPRESS=ZSTD'], 'lerc': TILED + ['COMPRESS=LERC'], 'big': TILED + ['BIGTIFF=YES'],
        'bigendian': TILED + ['ENDIANNESS=BIG'], 'bigendianrows': ['BLOCKYSIZE=1', 'INTERLEAVE=BAND', 'ENDIANNESS=BIG'],
        'predictor': TILED + ['COMPRESS=DEFLATE', predictor], 'lzwpredictor': TILED + ['COMPRESS=LZW', predictor],
        'bigendianpredictor': TILED + ['COMPRESS=DEFLATE', predictor, 'ENDIANNESS=BIG'], 'bigendianstrips': ['COMPRESS=DEFLATE', predictor, 'ENDIANNESS=BIG'],
    }
    for name, options in layouts.items():
        if kind.startswith('Float') and name.startswith('bigendian') and predictor in options:
            continue  # GDAL 3.6.2 writes these with swapped bytes, and reads its own file back wrong
        write(f'layout-{kind}-{name}', kind, options=options)

write('bits1', bands=1, options=['NBITS=1'], values=lambda b, c, r: (c + r) % 2)
write('bits4', bands=2, options=['NBITS=4', 'COMPRESS=DEFLATE'] + TILED, values=lambda b, c, r: (c + r + b) % 16)
write('alpha', bands=4, options=['PHOTOMETRIC=RGB', 'ALPHA=YES'] + TILED, values=lambda b, c, r: (0 if c < 10 else 255) if b == 3 else 9)
gdal.SetConfigOption('GDAL_TIFF_INTERNAL_MASK', 'YES')
ds = write('mask', values=lambda b, c, r: 9)
ds.CreateMaskBand(gdal.GMF_PER_DATASET)
for row in range(H):
    ds.GetRasterBand(1).GetMaskBand().WriteRaster(0, row, W, 1, bytes(0 if c < 10 else 255 for c in range(W)))
ds = None
write('sparse', options=TILED + ['SPARSE_OK=TRUE', 'COMPRESS=DEFLATE'], skip_rows=16)
write('nan', kind='Float32', bands=2, nodata=float('nan'), values=lambda b, c, r: float('nan') if b == 1 and c < 10 else 0.0)
write('float-nodata', kind='Float32', bands=1, nodata=-3.4028234663852886e+38, values=lambda b, c, r: -3.4028234663852886e+38 if c < 10 else 1.5)
write('dark', bands=3, nodata=0, values=lambda b, c, r: 0 if c < 10 or b == 2 else 9)
write('signed', kind='Int16', bands=2, nodata=-9999, values=lambda b, c, r: -9999 if c < 10 and b == 1 else 0)
write('noplace', place=False)
point = write('point')
point.SetMetadataItem('AREA_OR_POINT', 'Point')
point = None
rotated = write('rotated')
rotated.SetGeoTransform((452000, 0.4, 0.1, 4445000, 0.1, -0.4))
rotated = None
southup = write('southup')
southup.SetGeoTransform((452000, 0.5, 0, 4445000, 0, 0.5))
southup = None
gcp = write('gcp', place=False)
gcp.SetGCPs([gdal.GCP(452000 + c, 4445000 - r, 0, c, r) for c, r in ((0, 0), (70, 0), (0, 50), (70, 50))], srs.ExportToWkt())
gcp = None
palette = write('palette', bands=1)
table = gdal.ColorTable()
table.SetColorEntry(1, (255, 0, 0))
palette.GetRasterBand(1).SetColorTable(table)
palette = None
rpc = write('rpc', place=False)
rpc.SetMetadata({'LINE_OFF': '26', 'SAMP_OFF': '37', 'LAT_OFF': '40', 'LONG_OFF': '-117', 'HEIGHT_OFF': '500', 'LINE_SCALE': '26', 'SAMP_SCALE': '37', 'LAT_SCALE': '0.01',
                 'LONG_SCALE': '0.01', 'HEIGHT_SCALE': '500', **{f'{which}_COEFF': ' '.join(['1'] + ['0.001'] * 19) for which in ('LINE_NUM', 'LINE_DEN', 'SAMP_NUM', 'SAMP_DEN')}}, 'RPC')
rpc = None

# pictures: what GDAL reads back from them is the truth, as raw bytes beside
for name, options, bands in (('ycbcr', ['COMPRESS=JPEG', 'PHOTOMETRIC=YCBCR'], 3), ('ycbcrstrips', ['TILED=NO', 'COMPRESS=JPEG', 'PHOTOMETRIC=YCBCR', 'BLOCKYSIZE=16'], 3), ('jpegrgb', ['COMPRESS=JPEG', 'PHOTOMETRIC=RGB'], 3),
                             ('jpeggrey', ['COMPRESS=JPEG', 'INTERLEAVE=BAND'], 2), ('webp', ['COMPRESS=WEBP', 'WEBP_LOSSLESS=YES'], 3), ('webplossy', ['COMPRESS=WEBP'], 3)):
    write(f'picture-{name}', bands=bands, options=(TILED if 'TILED=NO' not in options else []) + [o for o in options if o != 'TILED=NO'], values=lambda b, c, r: (3 * c + 2 * r + 60 * b) % 251)
    with open(f'{out}/picture-{name}.raw', 'wb') as raw:
        raw.write(gdal.Open(f'{out}/picture-{name}.tif').ReadRaster())
write('four', bands=4, options=TILED + ['COMPRESS=JPEG', 'JPEG_QUALITY=95', 'PHOTOMETRIC=MINISBLACK'], values=lambda b, c, r: (3 * c + 2 * r + 20 * b) % 251)
with open(f'{out}/four.raw', 'wb') as raw:
    raw.write(gdal.Open(f'{out}/four.tif').ReadRaster())

# one surface of heights in every dress: void in the western 10 columns, 0 m (data, except where nodata is 0) east of column 70
def height(b, col, row, void):
    return void if col < 10 else 0.0 if col > 70 else 0.25 * col + 0.125 * row


dresses = {'tiles': TILED, 'strips': ['COMPRESS=LZW'], 'big': TILED + ['BIGTIFF=YES', 'COMPRESS=DEFLATE', 'PREDICTOR=3'], 'endian': ['ENDIANNESS=BIG'], 'zstd': TILED + ['COMPRESS=ZSTD', 'PREDICTOR=2'], 'lerc': TILED + ['COMPRESS=LERC']}
for dress, options in dresses.items():
    for void, label in ((-9999.0, 'plain'), (float('nan'), 'nan'), (-3.4028234663852886e+38, 'lowest'), (-9999.9, 'odd')):
        write(f'height-{dress}-{label}', 'Float32', 1, options, nodata=void, values=lambda b, c, r: height(b, c, r, void))
write('height-double64-plain', 'Float64', 1, TILED + ['COMPRESS=DEFLATE', 'PREDICTOR=2'], nodata=-9999, values=lambda b, c, r: height(b, c, r, -9999.0))
write('height-double-odd', 'Float64', 1, TILED, nodata=-9999.9, values=lambda b, c, r: height(b, c, r, -9999.9))
ds = write('height-mask-none', 'Float32', 1, TILED, values=lambda b, c, r: height(b, c, r, 77.0))
ds.CreateMaskBand(gdal.GMF_PER_DATASET)
for row in range(H):
    ds.GetRasterBand(1).GetMaskBand().WriteRaster(0, row, W, 1, bytes(0 if c < 10 else 255 for c in range(W)))
ds = None
write('zero', 'Float32', 1, TILED, nodata=0, values=lambda b, c, r: height(b, c, r, 0.0))
scaled = write('scaled', 'UInt16', 1, TILED)
scaled.GetRasterBand(1).SetScale(0.01)
scaled.GetRasterBand(1).SetOffset(-5)
scaled.GetRasterBand(1).SetUnitType('ft')
scaled.GetRasterBand(1).SetDescription('canopy & "height"')
scaled.SetMetadataItem('TIFFTAG_DATETIME', '2026:06:03 10:15:00')
scaled = None

write('unheld', nodata=-9999, values=lambda b, c, r: 241 if c < 10 else 9)  # -9999 is no byte: nothing is void
pyramid = write('pyramid', 'Float32', 1, TILED + ['COMPRESS=DEFLATE'], nodata=-1, values=lambda b, c, r: -1.0 if c < 12 else 4.0)
pyramid.BuildOverviews('AVERAGE', [2, 4])
pyramid = None
