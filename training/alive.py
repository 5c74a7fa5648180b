"""crown-alive-dead: is a crown in a 0.1 m picture alive or standing dead? A small classifier on crops of 48 x 48 px (4.8 m).

  alive.py folds     five groups of sites, each left out once       alive.py final    train on all
"""
import json
import re

from treelib.sgd import Schedule, load_ema, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from treelib.jitter import jitter, to_input
from treelib.net import Block, conv_bn
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
    by = [[it for it in items if it[1] == label] for label in (0, 1)]

    def draw(rng, batch):
        xs, ys = [], []
        for k in range(batch):
            image, label, _ = by[k % 2][rng.integers(len(by[k % 2]))]
            w, h = image.size
            x = np.rot90(window(image, w / 2 + rng.normal() * 5, h / 2 + rng.normal() * 5, float(np.exp(rng.uniform(np.log(30), np.log(68))))), rng.integers(4))
            xs.append(x[:, ::-1] if rng.random() < 0.5 else x)
            ys.append(label)
        return {'x': to_input(jitter(rng, np.stack(xs), strength)), 'y': np.array(ys)}

    return draw


def loss_of(outputs, t, step):
    loss = F.cross_entropy(outputs, t['y'], label_smoothing=0.05)
    return loss, {'accuracy': (outputs.argmax(1) == t['y']).float().mean().item()}


@torch.no_grad()
def predict(net, items):
    """Probability of dead, by the crop's middle at its own scale."""
    x = np.stack([window(im, im.size[0] / 2, im.size[1] / 2, SIDE) for im, _, _ in items])
    return torch.softmax(net(torch.from_numpy(to_input(x.astype(np.float32)))), 1)[:, 1].numpy()


def balanced(p, y, threshold=0.5):
    return ((p[y == 1] > threshold).mean() + (p[y == 0] <= threshold).mean()) / 2 if 0 < y.sum() < len(y) else float('nan')


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['folds', 'final'])
    p.add_argument('--name', default='alive')
    p.add_argument('--strength', type=float, default=1.0)
    args = settled(p)
    items = load(args)
    schedule = Schedule(args.steps or 600, args.seed, batch=32, save_every=300, lr=args.lr)
    if args.what == 'final':
        train(args.runs / f'{args.name}-final', CropNet, drawer(items, args.strength), loss_of, schedule, args.start)
        return
    fold, y = fold_of_site(items), np.array([label for _, label, _ in items])
    held = np.zeros(len(items))
    for k in range(FOLDS):
        net = train(args.runs / f'{args.name}-{k}', CropNet, drawer([it for it in items if fold[it[2]] != k], args.strength), loss_of, schedule, args.start)
        at = [i for i, it in enumerate(items) if fold[it[2]] == k]
        held[at] = predict(net, [items[i] for i in at])
        print(k, 'sites', sorted(s for s in fold if fold[s] == k), 'balanced accuracy %.4f' % balanced(held[at], y[at]), flush=True)
    interval = bootstrap(len(items), lambda i: balanced(held[i], y[i]))
    print(json.dumps({'balanced_accuracy': balanced(held, y), 'interval': interval, 'alive_right': float((held[y == 0] <= 0.5).mean()), 'dead_right': float((held[y == 1] > 0.5).mean()),
                      'by_threshold': {t: round(balanced(held, y, t), 4) for t in (0.3, 0.4, 0.5, 0.6, 0.7)}}))
    np.savez(args.runs / f'{args.name}-held.npz', held=held, y=y)


if __name__ == '__main__':
    main()
