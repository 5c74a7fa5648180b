"""Write a surface and what gdalwarp makes of it. Usage: resample-gdal.py FOLDER"""
import sys
import numpy as np
from osgeo import gdal, osr

gdal.UseExceptions()
out = sys.argv[1]
W, H, RES, X0, Y0 = 240, 200, 0.5, 499940.25, 4445100.0
rng = np.random.default_rng(4)
cols, rows = np.meshgrid(np.arange(W), np.arange(H))
surface = 20 + 8 * np.sin(cols / 9) * np.cos(rows / 13) + 0.02 * cols
surface = (surface + rng.normal(0, 0.5, surface.shape)).astype(np.float32)
surface[60:90, 100:140] = -9999


def srs(epsg):
    ref = osr.SpatialReference()
    ref.ImportFromEPSG(epsg)
    return ref.ExportToWkt()


def write(name, data, epsg, place):
    ds = gdal.GetDriverByName('GTiff').Create(f'{out}/{name}.tif', data.shape[1], data.shape[0], 1, gdal.GDT_Float32, ['TILED=YES', 'BLOCKXSIZE=64', 'BLOCKYSIZE=64'])
    ds.SetGeoTransform(place)
    ds.SetProjection(srs(epsg))
    ds.GetRasterBand(1).SetNoDataValue(-9999)
    ds.GetRasterBand(1).WriteArray(data)


write('utm', surface, 32611, (X0, RES, 0, Y0, 0, -RES))
write('smooth', np.where(surface == -9999, -9999, 20 + 8 * np.sin(cols / 9) * np.cos(rows / 13)).astype(np.float32), 32611, (X0, RES, 0, Y0, 0, -RES))
# degrees, with pixels of about 0.42 x 0.44 m, and US survey feet, with pixels of 2 ft
write('degrees', np.where(surface == -9999, -9999, 20 + 8 * np.sin(cols / 9) * np.cos(rows / 13)).astype(np.float32), 4326, (-117.0007, 5e-6, 0, 40.15, 0, -4e-6))
write('feet', np.where(surface == -9999, -9999, 20 + 8 * np.sin(cols / 9) * np.cos(rows / 13)).astype(np.float32), 2229, (6400001.5, 2, 0, 1900000.7, 0, -2))
for source, epsg in (('degrees', 32611), ('feet', 26911)):
    for size in (1.7, 0.2):
        for method in ('average', 'bilinear', 'cubic'):
            if method == 'average' and size < RES:
                continue
            gdal.Warp(f'{out}/{source}-{size}-{method}.tif', f'{out}/{source}.tif', dstSRS=srs(epsg), xRes=size, yRes=size, targetAlignedPixels=True,
                      resampleAlg=method, errorThreshold=0, dstNodata=-9999)
for epsg, name, tr in ((32611, 'same', (1.7, 0.2)), (32610, 'zone', (1.7, 0.2)), (3310, 'albers', (1.7, 0.2))):
    for size in tr:
        for method in ('average', 'bilinear', 'cubic'):
            if method == 'average' and size < RES:
                continue
            source = 'utm' if epsg == 32611 else 'smooth'
            gdal.Warp(f'{out}/{name}-{size}-{method}.tif', f'{out}/{source}.tif', dstSRS=srs(epsg), xRes=size, yRes=size, targetAlignedPixels=True,
                      resampleAlg=method, errorThreshold=0, dstNodata=-9999)
