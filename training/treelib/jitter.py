"""Radiometric jitter on a batch (n x bands x h x w, float levels). What a sensor, a haze, a season or a contrast stretch may change."""
import numpy as np
import torch
import torch.nn.functional as F

MEAN, STD = 110.0, 50.0  # of the levels, all bands: constants of the card, never of a picture


def blur3(x, side=0.25):
    """3 x 3 blur, `side` the weight of a neighbour along an axis (0.25: binomial)."""
    bands = int(x.shape[1])  # a number for ONNX
    k = torch.tensor([side, 1 - 2 * side, side], dtype=x.dtype, device=x.device)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), 'replicate'), (k[:, None] * k).repeat(bands, 1, 1, 1), groups=bands)


def cosines(n=8):
    """Orthonormal DCT-II, n x n: row u is the cosine of frequency u."""
    u, k = np.mgrid[:n, :n]
    return torch.from_numpy((np.cos(np.pi * (2 * k + 1) * u / (2 * n)) * np.where(u, np.sqrt(2 / n), np.sqrt(1 / n))).astype(np.float32))


def compress(x, step):
    """What lossy compression does: cosines of 8 x 8 px rounded to steps, coarser for finer detail. step: one of each picture, 0 leaves it; sides multiples of 8."""
    n, bands, h, w = x.shape
    d = cosines().to(x.device)
    blocks = x.reshape(n, bands, h // 8, 8, w // 8, 8).transpose(3, 4)  # 8 x 8 px last
    frequency = torch.arange(8, device=x.device)
    q = torch.from_numpy(np.asarray(step, np.float32)).to(x.device).reshape(n, 1, 1, 1, 1, 1) * (1 + (frequency[:, None] + frequency) / 4)
    c = d @ blocks @ d.T
    c = torch.where(q > 0, (c / q.clamp(min=1e-3)).round() * q, c)
    return (d.T @ c @ d).transpose(3, 4).reshape(x.shape)


def jitter(rng, x, strength=1.0, drop_nir=0.25, blur=0.2, sharpen=0.0, compressed=0.0, nir=0.0):
    """Jittered levels, 0 to 255; band 3 (nir), if any, is 0 in some pictures. Noise comes from torch's generator, all else from `rng`.

    strength: of levels and noise, a number or one for each picture.  blur: share of pictures that are blurred; half of the others
    are sharpened by up to `sharpen` times what a blur would take.  compressed: share of pictures that are
    compressed.  nir: sd of a further gain of band 3, which sensors and years agree on least.
    """
    n, bands = x.shape[:2]
    each = np.broadcast_to(strength, n)[:, None]
    per_picture = lambda v: torch.from_numpy(np.asarray(v, np.float32).reshape(n, -1, 1, 1)).to(x.device)
    saturation = per_picture(rng.uniform(1 - 0.35 * strength, 1 + 0.35 * strength, n))
    gamma = per_picture((1 + rng.uniform(0, 0.4, n) * strength) ** rng.choice([-1, 1], n))
    gain = per_picture(1 + each * (0.12 * rng.normal(size=(n, 1)) + 0.06 * rng.normal(size=(n, bands))))
    offset = per_picture(each * (10 * rng.normal(size=(n, 1)) + 5 * rng.normal(size=(n, bands))))
    spread = per_picture(rng.uniform(0, 4, n) * strength)
    blurred, dropped = rng.random(n) < blur, per_picture(rng.random(n) < drop_nir)
    finer = np.where(blurred, -1, 0.0)
    if sharpen:
        finer = np.where(blurred | (rng.random(n) < 0.5), finer, rng.uniform(0, sharpen, n))
    x = 255 * (x / 255).clamp(0, 1) ** gamma * gain + offset
    if nir:
        x = torch.cat([x[:, :3], x[:, 3:] * per_picture(np.exp(nir * rng.normal(size=n))) + per_picture(60 * nir * rng.normal(size=n))], 1)
    x = x + per_picture(finer) * (x - blur3(x))
    grey = x[:, :3].mean(1, keepdim=True)
    x = torch.cat([grey + (x[:, :3] - grey) * saturation, x[:, 3:]], 1)
    x = (x + torch.randn_like(x) * spread).clamp(0, 255)
    if compressed:
        x = compress(x, np.where(rng.random(n) < compressed, rng.uniform(2, 16, n), 0)).clamp(0, 255)
    if bands == 4:
        x = torch.cat([x[:, :3], x[:, 3:] * (1 - dropped)], 1)
    return x


def to_input(x):
    """Levels to the net's input: n x bands x h x w tensors as they lie, n x h x w x bands arrays turned round."""
    if isinstance(x, torch.Tensor):
        return (x - MEAN) / STD
    return np.ascontiguousarray(((x - MEAN) / STD).transpose(0, 3, 1, 2), dtype=np.float32)


def strips(rng, n, side, share=0.15, widest=0.35):
    """Where pixels stay when an edge strip of some pictures is void, as at the rim of a survey: n x 1 x side x side, bool."""
    keep = np.ones((n, 1, side, side), bool)
    for k in np.flatnonzero(rng.random(n) < share):
        width = int(rng.uniform(0.05, widest) * side)
        np.rot90(keep[k, 0], int(rng.integers(4)))[:width] = False  # a view: changes keep
    return keep
