"""crown-alive-dead: is a crown in a 0.1 m picture alive or standing dead? A small classifier on crops of 48 x 48 px (4.8 m).

  alive.py folds     five groups of sites, each left out once       alive.py final    train on all

The model is the mean of --nets networks that differ in their seeds: of 500 crops, some called wrongly, each learns other errors.
"""
import json
import re

from treelib.sgd import Schedule, device, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from treelib.jitter import jitter, to_input
from treelib.net import Block, conv_bn
from treelib.pictures import Bank, Windows
from treelib.score import bootstrap
from treelib.settings import parser, settled

SIDE = 48  # fits inside most crops: a wider one would show where small crops (mostly alive) end, and learn that
FOLDS = 5


class CropNet(nn.Module):
    """24 x 24, 12, 6, 3 cells, mean over the cells, two logits: alive, dead."""

    def __init__(self, widths=(24, 48, 96, 128), dropout=0.3):
        super().__init__()
        layers, c = [], 12
        for i, w in enumerate(widths):
            layers += [conv_bn(c, w, 3, 1 if i == 0 else 2), nn.ReLU(), Block(w)]
            c = w
        self.body, self.drop, self.out = nn.Sequential(*layers), nn.Dropout(dropout), nn.Linear(c, 2)

    def forward(self, x):
        return self.out(self.drop(self.body(F.pixel_unshuffle(x, 2)).mean((2, 3))))


def load(args):
    """Crops with class (0 alive, 1 dead) and NEON site, by the names of the files."""
    items = []
    for label, name in enumerate(('alive', 'dead')):
        for path in sorted((args.data / 'alive-dead-crops' / name).glob('*.png')):
            site = re.match(r'(?:20\d\d_)?([A-Z]{4})_', path.name).group(1)
            items.append((Image.open(path).convert('RGB'), label, site))
    return items


def fold_of_site(items):
    """Sites to folds: largest first, each to the fold with the fewest crops."""
    sites = {}
    for _, _, s in items:
        sites[s] = sites.get(s, 0) + 1
    sizes, out = [0] * FOLDS, {}
    for s in sorted(sites, key=lambda s: (-sites[s], s)):
        k = int(np.argmin(sizes))
        sizes[k] += sites[s]
        out[s] = k
    return out


def window(image, x, y, span):
    """SIDE x SIDE pixels resampled from `span` pixels around (x, y), moved inside the crop; a smaller crop gives what it has."""
    w, h = image.size
    span = min(span, w, h)
    x0, y0 = min(max(x - span / 2, 0), w - span), min(max(y - span / 2, 0), h - span)
    return np.asarray(image.resize((SIDE, SIDE), Image.BILINEAR, box=(x0, y0, x0 + span, y0 + span)))


def drawer(items, strength):
    """As many alive as dead; windows of 3 to 6.8 m near the crop's middle, inside it."""
    bank = Bank([np.asarray(im) for im, _, _ in items], device())
    by = [np.array([k for k, it in enumerate(items) if it[1] == label]) for label in (0, 1)]

    def draw(rng, batch):
        y = np.arange(batch) % 2
        index = np.array([by[label][rng.integers(len(by[label]))] for label in y])
        size = bank.sizes[index]
        span = np.minimum(np.exp(rng.uniform(np.log(30), np.log(68), batch)), size.min(1))
        middle = np.clip(size / 2 + rng.normal(size=(batch, 2)) * 5, span[:, None] / 2, size - span[:, None] / 2)
        windows = Windows(index, middle, span, rng.integers(4, size=batch) * (np.pi / 2), rng.random(batch) < 0.5)
        return {'x': to_input(jitter(rng, bank.cut(windows, SIDE, finer=2), strength)), 'y': torch.from_numpy(y).to(bank.pixels.device)}

    return draw


def loss_of(outputs, t, step):
    loss = F.cross_entropy(outputs, t['y'], label_smoothing=0.05)
    return loss, {'accuracy': (outputs.argmax(1) == t['y']).float().mean()}


@torch.no_grad()
def predict(net, items):
    """Probability of dead, by the crop's middle at its own scale."""
    x = np.stack([window(im, im.size[0] / 2, im.size[1] / 2, SIDE) for im, _, _ in items])
    x = torch.from_numpy(to_input(x.astype(np.float32))).to(next(net.parameters()).device)
    return torch.softmax(net(x), 1)[:, 1].cpu().numpy()


def balanced(p, y, threshold=0.5):
    return ((p[y == 1] > threshold).mean() + (p[y == 0] <= threshold).mean()) / 2 if 0 < y.sum() < len(y) else float('nan')


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['folds', 'final'])
    p.add_argument('--name', default='alive')
    p.add_argument('--strength', type=float, default=1.0)
    p.add_argument('--nets', type=int, default=5)
    p.set_defaults(batch=64)
    args = settled(p)
    items = load(args)
    schedules = [Schedule(args.steps or 400, args.seed + k, batch=args.batch, save_every=300, lr=args.lr) for k in range(args.nets)]

    def nets(which, fit):
        return [train(args.runs / f'{args.name}-{which}/{s.seed}', CropNet, drawer(fit, args.strength), loss_of, s, args.start and args.start / str(s.seed)) for s in schedules]

    if args.what == 'final':
        nets('final', items)
        return
    fold, y = fold_of_site(items), np.array([label for _, label, _ in items])
    held = np.zeros(len(items))
    for k in range(FOLDS):
        at = [i for i, it in enumerate(items) if fold[it[2]] == k]
        held[at] = np.mean([predict(net, [items[i] for i in at]) for net in nets(k, [it for it in items if fold[it[2]] != k])], 0)
        print(k, 'sites', sorted(s for s in fold if fold[s] == k), 'balanced accuracy %.4f' % balanced(held[at], y[at]), flush=True)
    interval = bootstrap(len(items), lambda i: balanced(held[i], y[i]), places=[site for _, _, site in items])
    print(json.dumps({'balanced_accuracy': balanced(held, y), 'interval': interval, 'alive_right': float((held[y == 0] <= 0.5).mean()), 'dead_right': float((held[y == 1] > 0.5).mean()),
                      'by_threshold': {t: round(balanced(held, y, t), 4) for t in (0.3, 0.4, 0.5, 0.6, 0.7)}}))
    np.savez(args.runs / f'{args.name}-held.npz', held=held, y=y)


if __name__ == '__main__':
    main()
