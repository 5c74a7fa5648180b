"""Read the training pictures, cache them as npy, cut scaled crops. Pixels stay uint8 until the crop is cut."""
import csv
import os
from pathlib import Path

import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None


def read_four_bands(folder, stem):
    """Red, green, blue, nir of a picture, height x width x 4, uint8: a WebP pair in train, a TIFF in val."""
    tif = folder / f'{stem}.tif'
    if tif.exists():
        return np.array(Image.open(tif))
    rgb, nir = np.array(Image.open(folder / f'{stem}.rgb.webp').convert('RGB')), np.array(Image.open(folder / f'{stem}.nir.webp').convert('L'))
    return np.dstack([rgb, nir])


def cached(cache, name, make):
    """An array list by `make()`, decoded once and kept in `cache` (None: not kept)."""
    if cache is None:
        return make()
    path = Path(cache) / f'{name}.npz'
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(f'{path}.{os.getpid()}.tmp', 'wb') as f:
            np.savez(f, *make())
        os.replace(f.name, path)
    with np.load(path) as z:
        return [z[f'arr_{i}'] for i in range(len(z.files))]


def read_index(path, split):
    with open(path, newline='') as f:
        return [{**row, 'file': row['file'].removesuffix('.tif')} for row in csv.DictReader(f) if row['split'] == split]


def as_image(array):
    """An array as a PIL picture that resizes all bands alike (RGBA would weight them by the fourth)."""
    return Image.fromarray(array, 'CMYK' if array.shape[2] == 4 else 'RGB')


class Crop:
    """A square window of a picture, resampled to `side` pixels, turned and mirrored; maps points the same way."""

    def __init__(self, rng, image, side, scale, centre=None):
        """scale: side of a source pixel in crop pixels (2: enlarged twice). The window may leave the picture: zeros there."""
        width, height = image.size
        span = side / scale  # in source pixels

        def origin(length, middle):
            low, high = min(0.0, length - span), max(0.0, length - span)
            if middle is None:
                return rng.uniform(low, high)
            return float(np.clip(middle - span * rng.uniform(0.2, 0.8), low, high))

        self.x0, self.y0 = origin(width, centre and centre[0]), origin(height, centre and centre[1])
        self.scale, self.side = scale, side
        self.turn, self.flip = int(rng.integers(4)), bool(rng.integers(2))
        self.bounds = (width, height)

    def pixels(self, image, resample=Image.BILINEAR):
        """side x side x bands, uint8."""
        span, (width, height) = self.side / self.scale, self.bounds
        x1, y1 = self.x0 + span, self.y0 + span
        if self.x0 >= 0 and self.y0 >= 0 and x1 <= width and y1 <= height:
            out = np.asarray(image.resize((self.side, self.side), resample, box=(self.x0, self.y0, x1, y1)))
        else:  # a small picture: its own part, on zeros
            box = (max(0, self.x0), max(0, self.y0), min(width, x1), min(height, y1))
            at = [int(round(v)) for v in ((box[0] - self.x0) * self.scale, (box[1] - self.y0) * self.scale, (box[2] - self.x0) * self.scale, (box[3] - self.y0) * self.scale)]
            part = np.asarray(image.resize((max(1, at[2] - at[0]), max(1, at[3] - at[1])), resample, box=box))
            out = np.zeros((self.side, self.side) + part.shape[2:], part.dtype)
            out[at[1]: at[1] + part.shape[0], at[0]: at[0] + part.shape[1]] = part[: self.side - at[1], : self.side - at[0]]
        out = np.rot90(out, self.turn)
        return out[:, ::-1] if self.flip else out

    def points(self, xy):
        """Source pixel coordinates (edges at whole numbers) to crop coordinates, n x 2."""
        p = (np.asarray(xy, float).reshape(-1, 2) - (self.x0, self.y0)) * self.scale
        for _ in range(self.turn):  # rot90 turns the picture anticlockwise: (x, y) -> (y, side - x)
            p = np.stack([p[:, 1], self.side - p[:, 0]], 1)
        if self.flip:
            p[:, 0] = self.side - p[:, 0]
        return p
