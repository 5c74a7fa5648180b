"""What finished networks say of a crop, as targets for another: they see it before jitter, in one of the eight turns of a square.

Over a training the student hears the mean of all turns, which no single pass of its teachers gives (Hinton et al. 2015).
"""
import torch


@torch.no_grad()
def turned(graph, x, turn):
    """Maps of a graph (a tensor or several) for x (n x c x h x w) seen in one of eight turns, turned back."""
    there = lambda m: torch.rot90(m.flip(3) if turn >= 4 else m, turn % 4, (2, 3))
    back = lambda m: torch.rot90(m, -(turn % 4), (2, 3)).flip(3) if turn >= 4 else torch.rot90(m, -turn, (2, 3))
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        maps = graph(there(x).contiguous(memory_format=torch.channels_last))
    return [back(m).float() for m in (maps if isinstance(maps, tuple) else (maps,))]
