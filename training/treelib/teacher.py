"""What finished networks say of a crop, as targets for another: they see it before jitter, in one of the eight turns of a square.

Over a training the student hears the mean of all turns, which no single pass of its teachers gives (Hinton et al. 2015).
"""
import torch
from treelib.net import load_any
from treelib.sgd import device


def mean_of(graph, runs, make):
    """The graph (of a list of nets) of finished runs, on the device; None where there are none."""
    return graph([load_any(run, make) for run in runs]).eval().to(device()) if runs else None


@torch.no_grad()
def turned(graph, x, turn):
    """Maps of a graph (a tensor or several) for x (n x c x h x w) seen in one of eight turns, turned back."""
    mirror = lambda m: m.flip(3) if turn >= 4 else m
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        maps = graph(torch.rot90(mirror(x), turn % 4, (2, 3)).contiguous(memory_format=torch.channels_last))
    return [mirror(torch.rot90(m, -(turn % 4), (2, 3))).float() for m in (maps if isinstance(maps, tuple) else (maps,))]
