"""Radiometric jitter on a batch (n x bands x h x w, float levels). What a sensor, a haze, a season or a contrast stretch may change."""
import numpy as np
import torch
import torch.nn.functional as F

MEAN, STD = 110.0, 50.0  # of the levels, all bands: constants of the card, never of a picture


def blur3(x):
    """Binomial 3 x 3 blur."""
    k = torch.tensor([0.25, 0.5, 0.25], device=x.device)
    kernel = (k[:, None] * k[None]).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), 'replicate'), kernel, groups=x.shape[1])


def jitter(rng, x, strength=1.0, drop_nir=0.25, blur=0.2):
    """Jittered levels, 0 to 255; band 3 (nir), if any, is 0 in some pictures. Noise comes from torch's generator, all else from `rng`."""
    n, bands = x.shape[:2]
    per_picture = lambda v: torch.from_numpy(np.asarray(v, np.float32).reshape(n, -1, 1, 1)).to(x.device)
    saturation = per_picture(rng.uniform(1 - 0.35 * strength, 1 + 0.35 * strength, n))
    gamma = per_picture((1 + rng.uniform(0, 0.4, n) * strength) ** rng.choice([-1, 1], n))
    gain = per_picture(1 + strength * (0.12 * rng.normal(size=(n, 1)) + 0.06 * rng.normal(size=(n, bands))))
    offset = per_picture(strength * (10 * rng.normal(size=(n, 1)) + 5 * rng.normal(size=(n, bands))))
    spread = per_picture(rng.uniform(0, 4, n) * strength)
    blurred, dropped = per_picture(rng.random(n) < blur), per_picture(rng.random(n) < drop_nir)
    x = 255 * (x / 255).clamp(0, 1) ** gamma * gain + offset
    x = torch.where(blurred > 0, blur3(x), x)
    grey = x[:, :3].mean(1, keepdim=True)
    x = torch.cat([grey + (x[:, :3] - grey) * saturation, x[:, 3:]], 1)
    x = (x + torch.randn_like(x) * spread).clamp(0, 255)
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
