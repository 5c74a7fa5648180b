"""Pyramid net: convolutions where pixels are many, attention where they are few, one fused decoder.

The idea is TreeFormer's (Amirkolaee et al. 2023): a pyramid encoder with attention in its coarse stages, features of all stages
fused, a density map as output. Ours is small enough for a CPU, has convolutions at 1/2 to 1/8 and attention at 1/16 only.
"""
import torch
import torch.nn.functional as F
from torch import nn
from treelib.jitter import blur3
from treelib.sgd import load_ema


WIDTHS, SMALL = (24, 48, 96, 160), (16, 32, 64, 128)  # channels at 1/2, 1/4, 1/8, 1/16


def conv_bn(c_in, c_out, k=3, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(c_in, c_out, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out, momentum=0.05))


def soften(x):
    """Light without its finest detail and colour by cells of 2 x 2 px: about what lossy compression leaves, so that it changes counts less.

    x: n x (red, green, blue, any further bands) x height x width, sides even. Further bands are treated as light.
    """
    grey = x[:, :3].mean(1, keepdim=True)
    colour = F.interpolate(F.avg_pool2d(x[:, :3] - grey, 2), scale_factor=2, mode='bilinear', align_corners=False)
    light = blur3(torch.cat([grey, x[:, 3:]], 1), 0.125)
    return torch.cat([light[:, :1] + colour, light[:, 1:]], 1)


class Block(nn.Module):
    """Residual block of two 3x3 convolutions."""

    def __init__(self, c):
        super().__init__()
        self.a, self.b = conv_bn(c, c), conv_bn(c, c)

    def forward(self, x):
        return F.relu(x + self.b(F.relu(self.a(x))))


class Attention(nn.Module):
    """Transformer block over the cells of a coarse map; a depthwise convolution gives the place, so any size will do.

    Linear layers are 1x1 convolutions and the norm is BatchNorm: on a CPU faster than their usual forms, and free at inference.
    """

    def __init__(self, c, heads=4, ratio=2):
        super().__init__()
        self.heads = heads
        self.place = nn.Conv2d(c, c, 3, padding=1, groups=c)
        self.norm1, self.norm2 = nn.BatchNorm2d(c, momentum=0.05), nn.BatchNorm2d(c, momentum=0.05)
        self.qkv, self.out = nn.Conv2d(c, 3 * c, 1), nn.Conv2d(c, c, 1)
        self.mlp = nn.Sequential(nn.Conv2d(c, ratio * c, 1), nn.ReLU(), nn.Conv2d(ratio * c, c, 1))

    def forward(self, x):
        x = x + self.place(x)
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, 3 * self.heads, c // self.heads, h * w).split(self.heads, dim=1)
        a = torch.softmax(q.transpose(2, 3) @ k * (c // self.heads) ** -0.5, dim=-1)  # b, heads, cells, cells
        x = x + self.out((v @ a.transpose(2, 3)).reshape(b, c, h, w))
        return x + self.mlp(self.norm2(x))


class PyramidNet(nn.Module):
    """Encoder at 1/2, 1/4, 1/8, 1/16 of the input, decoder back to 1/2 (or 1/4 with `out_stride` 4), one head for each output.

    heads: {name: (channels, bias at the start)}. Input sides must be multiples of 16. softened: the input goes through `soften` first.
    """

    def __init__(self, bands, heads, widths=WIDTHS, depths=(1, 2, 2, 2), attention=2, out_stride=2, dropout=0.0, softened=False):
        super().__init__()
        self.stem = conv_bn(bands * 4, widths[0])
        self.down = nn.ModuleList([nn.Identity()] + [conv_bn(a, b, 3, 2) for a, b in zip(widths, widths[1:])])
        self.stages = nn.ModuleList([nn.Sequential(*[Block(c) for _ in range(d)]) for c, d in zip(widths, depths)])
        self.attention = nn.Sequential(*[Attention(widths[-1]) for _ in range(attention)])
        self.softened = softened
        self.levels = 3 if out_stride == 2 else 2
        self.lateral = nn.ModuleList([conv_bn(b, a, 1) for a, b in zip(widths, widths[1:])])
        self.fuse = nn.ModuleList([conv_bn(a, a) for a in widths[:-1]])
        c = widths[3 - self.levels]
        self.dropout = nn.Dropout2d(dropout)
        self.heads = nn.ModuleDict({n: nn.Sequential(conv_bn(c, c), nn.ReLU(), nn.Conv2d(c, k, 1)) for n, (k, _) in heads.items()})
        for n, (_, bias) in heads.items():
            nn.init.constant_(self.heads[n][2].bias, bias)
            nn.init.normal_(self.heads[n][2].weight, std=0.01)

    def forward(self, x):
        x = F.relu(self.stem(F.pixel_unshuffle(soften(x) if self.softened else x, 2)))
        maps = []
        for down, stage in zip(self.down, self.stages):
            x = stage(F.relu(down(x)) if maps else x)
            maps.append(x)
        x = self.dropout(self.attention(x))
        for i in (2, 1, 0)[: self.levels]:
            x = F.interpolate(self.lateral[i](x), scale_factor=2, mode='bilinear', align_corners=False)
            x = F.relu(self.fuse[i](x + maps[i]))
        return {n: head(x) for n, head in self.heads.items()}


def load_any(run, make):
    """The averaged weights of a run, whichever of our widths it has."""
    for widths in (WIDTHS, SMALL):
        try:
            return load_ema(run, lambda: make(widths))[0]
        except ValueError:
            continue
    raise ValueError(f'{run}: its weights fit neither the widths {WIDTHS} nor {SMALL}')
