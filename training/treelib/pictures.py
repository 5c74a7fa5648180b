"""Read the training pictures, keep them on the device, cut scaled, turned and mirrored crops of a whole batch at once."""
import csv
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

Image.MAX_IMAGE_PIXELS = None


def read_four_bands(folder, stem):
    """Red, green, blue, nir of a picture, height x width x 4, uint8: a WebP pair in train, a TIFF in val."""
    tif = folder / f'{stem}.tif'
    if tif.exists():
        return np.array(Image.open(tif))
    rgb, nir = np.array(Image.open(folder / f'{stem}.rgb.webp').convert('RGB')), np.array(Image.open(folder / f'{stem}.nir.webp').convert('L'))
    return np.dstack([rgb, nir])


def read_all(read, names):
    """read(name) of every name, in their order, decoded by several threads."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(read, names))


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


def moments(pictures):
    """Mean and standard deviation of all pixels, by band."""
    pixels = np.concatenate([p.reshape(-1, p.shape[2]) for p in pictures]).astype(np.float32)
    return pixels.mean(0, dtype=np.float64), pixels.std(0, dtype=np.float64)


@dataclass(frozen=True)
class Windows:
    """Square windows of pictures, one for each crop of a batch: arrays of n.

    middle: n x 2 (x, y), span: side of the window, both in pixels of the picture; turn: radians; flip: mirrored before it is turned.
    """
    index: np.ndarray
    middle: np.ndarray
    span: np.ndarray
    turn: np.ndarray
    flip: np.ndarray

    def matrix(self):
        """n x 2 x 2: from offsets in the crop, -1 to 1 across, to offsets in the picture, in pixels."""
        c, s, m = np.cos(self.turn), np.sin(self.turn), np.where(self.flip, -1.0, 1.0)
        return np.stack([np.stack([c * m, -s], 1), np.stack([s * m, c], 1)], 1) * (self.span / 2)[:, None, None]


class Bank:
    """Pictures (height x width x bands, uint8) on a device, padded with 0 to one size."""

    def __init__(self, pictures, device):
        self.sizes = np.array([p.shape[1::-1] for p in pictures])  # width, height
        width, height = self.sizes.max(0)
        bands = pictures[0].shape[2]
        self.pixels = torch.zeros(len(pictures), bands, height, width, dtype=torch.uint8, device=device)
        for k, p in enumerate(pictures):
            self.pixels[k, :, : p.shape[0], : p.shape[1]] = torch.from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1)))

    def draw(self, rng, index, span, around=None, any_turn=False, overhang=0):
        """Windows of the given spans at random places: inside the picture where they fit, about a point `around` (n x 2, NaN: anywhere).

        overhang: pixels by which a window may stick out (a number, or one for each window).
        """
        n, room = len(index), self.sizes[index] - span[:, None]
        out = np.broadcast_to(overhang, n)[:, None]
        low, high = np.minimum(0, room) - out, np.maximum(0, room) + out
        origin = rng.uniform(low, high)
        if around is not None:
            near = np.clip(around - span[:, None] * rng.uniform(0.2, 0.8, (n, 2)), low, high)
            origin = np.where(np.isnan(around), origin, near)
        turn = rng.uniform(0, 2 * np.pi, n) if any_turn else rng.integers(4, size=n) * (np.pi / 2)
        return Windows(index, origin + span[:, None] / 2, span, turn, rng.random(n) < 0.5)

    def cut(self, windows, side, finer=1):
        """Pixels of windows, n x bands x side x side, float levels; 0 beyond the picture. finer: samples a crop pixel and axis, averaged."""
        corner, size = self.around(windows)
        source = torch.stack([self.pixels[i, :, y: y + size[1], x: x + size[0]] for i, (x, y) in zip(windows.index, corner)]).float()
        shift, half = [torch.from_numpy(v.astype(np.float32)).to(self.pixels.device) for v in (corner[:, None, None], size / 2)]
        out = F.grid_sample(source, (self.places(windows, side * finer) - shift) / half - 1, align_corners=False)
        return F.avg_pool2d(out, finer) if finer > 1 else out

    def around(self, windows):
        """Rectangles of one size that hold every pixel that the windows need, inside the padded picture: upper-left corners (n x 2) and the size."""
        reach = np.abs(windows.matrix()).sum(2) + 2  # half of the window's extent along x and y, and what is between pixels
        whole = np.array(self.pixels.shape[:1:-1])
        size = np.minimum(np.ceil(2 * reach.max(0)).astype(int) + 1, whole)
        return np.clip(np.floor(windows.middle - reach).astype(int), 0, whole - size), size

    def inside(self, windows, side):
        """Where crop pixels lie inside the picture: n x 1 x side x side, bool."""
        place, size = self.places(windows, side), torch.from_numpy(self.sizes[windows.index]).to(self.pixels.device)[:, None, None]
        return ((place >= 0) & (place <= size)).all(3)[:, None]

    def places(self, windows, side):
        """Where the middles of side x side crop pixels lie in their pictures: n x side x side x 2, pixels."""
        theta = np.concatenate([windows.matrix(), windows.middle[:, :, None]], 2).astype(np.float32)
        return F.affine_grid(torch.from_numpy(theta).to(self.pixels.device), (len(theta), 1, side, side), align_corners=False)


def into_crops(windows, points, side):
    """Points of each picture (pixels, edges at whole numbers) in crop pixels: n x most points x 2, NaN where there are fewer."""
    most = max([len(p) for p in points] + [2])  # two: a box
    padded = np.full((len(points), most, 2), np.nan)
    for k, p in enumerate(points):
        padded[k, : len(p)] = p
    back = np.linalg.inv(windows.matrix())
    return (np.einsum('nij,npj->npi', back, padded - windows.middle[:, None]) + 1) * (side / 2)
