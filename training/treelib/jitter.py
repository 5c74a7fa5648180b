"""Radiometric jitter on a batch, vectorised. What a sensor, a haze, a season or a contrast stretch may change."""
import numpy as np


def blur3(x):
    """Binomial 3 x 3 blur of n x h x w x c."""
    p = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), 'edge')
    x = 0.25 * p[:, :-2] + 0.5 * p[:, 1:-1] + 0.25 * p[:, 2:]
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)), 'edge')
    return 0.25 * p[:, :, :-2] + 0.5 * p[:, :, 1:-1] + 0.25 * p[:, :, 2:]


NOISE = np.random.default_rng(7).standard_normal(1 << 22, dtype=np.float32)  # drawn once: a batch takes a random stretch of it


def noise_like(rng, x):
    at = int(rng.integers(NOISE.size - x.size))
    return NOISE[at: at + x.size].reshape(x.shape)


def jitter(rng, x, strength=1.0, drop_nir=0.25, blur=0.2):
    """x: n x h x w x bands, uint8 levels -> float32, jittered; band 3 (nir), if any, is 0 in some pictures."""
    n, bands = x.shape[0], x.shape[3]
    saturation = rng.uniform(1 - 0.35 * strength, 1 + 0.35 * strength, n)
    gamma = (1 + rng.uniform(0, 0.4, n) * strength) ** rng.choice([-1, 1], n)
    gain = 1 + strength * (0.12 * rng.normal(size=(n, 1)) + 0.06 * rng.normal(size=(n, bands)))
    offset = strength * (10 * rng.normal(size=(n, 1)) + 5 * rng.normal(size=(n, bands)))
    spread = rng.uniform(0, 4, n) * strength
    blurred, dropped = rng.random(n) < blur, rng.random(n) < drop_nir
    levels = np.arange(256) / 255
    out = np.empty(x.shape, np.float32)
    for k in range(n):  # gamma, gain and offset as a table of 256 levels: much cheaper than powers of pixels
        for b in range(bands):
            out[k, ..., b] = (255 * levels ** gamma[k] * gain[k, b] + offset[k, b]).astype(np.float32)[x[k, ..., b]]
        if blurred[k]:
            out[k] = blur3(out[k: k + 1])[0]
        out[k, ..., :3] = (grey := out[k, ..., :3].mean(2, keepdims=True)) + (out[k, ..., :3] - grey) * np.float32(saturation[k])
    out += noise_like(rng, out) * spread[:, None, None, None].astype(np.float32)
    np.clip(out, 0, 255, out=out)
    if bands == 4:
        out[dropped, :, :, 3] = 0
    return out


MEAN, STD = 110.0, 50.0  # of the levels, all bands: constants of the card, never of a picture


def to_input(x):
    """n x h x w x bands levels to the net's input, n x bands x h x w, float32."""
    return np.ascontiguousarray(((x - MEAN) / STD).transpose(0, 3, 1, 2), dtype=np.float32)


def void_strips(rng, x, share=0.15, widest=0.35):
    """Void an edge strip of some pictures (all bands 0), as at the rim of a survey. Returns where pixels stay, n x h x w, bool."""
    keep = np.ones(x.shape[:3], bool)
    for k in np.flatnonzero(rng.random(len(x)) < share):
        width = int(rng.uniform(0.05, widest) * x.shape[1])
        turned = np.rot90(keep[k], int(rng.integers(4)))
        turned[:width] = False  # a view: changes keep
    x[~keep] = 0
    return keep
