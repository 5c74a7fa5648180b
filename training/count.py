"""tree-count-urban: trees in red, green, blue, nir at 0.6 m: a density whose sum is the count, and a heat whose peaks are trees.

  count.py fold CITY   train without a city, keep what it says there     count.py final   train on all
  count.py held        scores by city left out, by threshold of the heat; those at --threshold go to NAME-held.json for the card
"""
import csv
import json
from pathlib import Path

from treelib.sgd import Schedule, device, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from treelib.jitter import jitter, strips, to_input
from treelib.losses import centre_focal
from treelib.net import WIDTHS, PyramidNet
from treelib.pictures import Bank, cached, into_crops, read_all, read_four_bands, read_index
from treelib.score import count_scores, f1_of, match_points, scored
from treelib.settings import parser, settled
from treelib.teacher import mean_of, turned

CITIES = ('claremont', 'long_beach', 'palm_springs', 'riverside', 'santa_monica')
SIDE, STRIDE = 176, 2
SCALES, RIM = (0.8, 1.25), 32  # pictures as of 0.48 to 0.75 m; pixels of void that a crop may show beyond a picture's edge
DENSITY_SD, HEAT_SD = 2.0, 1.5  # cells of 2 px
UNIT = 2 * np.pi * DENSITY_SD ** 2  # the net's density is trees a cell times this: about 1 at a tree


def make_net(widths=WIDTHS, attention=2):
    return PyramidNet(4, {'density': (1, -3.0), 'heat': (1, -3.0)}, widths=widths, attention=attention, dropout=0.1, softened=True)


class CountGraph(torch.nn.Module):
    """What is exported: density in trees an output cell, so that its sum is the count, and heat of the trees' places; the mean of the nets."""

    def __init__(self, nets):
        super().__init__()
        self.nets = torch.nn.ModuleList(nets)

    def forward(self, x):
        outs = [net(x) for net in self.nets]
        mean = lambda maps: sum(maps) / len(outs)
        return mean([F.softplus(o['density']) for o in outs]) / UNIT, mean([torch.sigmoid(o['heat']) for o in outs])


def load(args, split):
    rows = read_index(args.data / 'counting/index.csv', split)
    folder = args.data / 'counting' / split
    pictures = cached(args.cache, f'count-{split}', lambda: read_all(lambda r: read_four_bands(folder, r['file']), rows))
    return rows, pictures, [read_points(folder / f"{r['file']}.csv") for r in rows]


def read_points(path):
    """Tree points in pixels, edges at whole numbers: a file's `col` names a pixel, its centre is meant."""
    with open(path, newline='') as f:
        return np.array([(float(r['col']) + 0.5, float(r['row']) + 0.5) for r in csv.DictReader(f)]).reshape(-1, 2)


def targets(points, n, keep):
    """Density (sums: the counts) and heat (1 at the trees), k x 1 x n x n cells.

    points: k x most x 2 in crop pixels, NaN where none.  keep: k x n x n, 1 where the survey is: a tree's density lies there alone,
    whole, since nobody sums what is beyond.
    """
    c = points / STRIDE - 0.5
    cells = torch.arange(n, device=points.device, dtype=points.dtype)
    there = ~torch.isnan(points[..., 0])
    gx, gy = [torch.exp(-(cells - c[..., k: k + 1]) ** 2 / (2 * DENSITY_SD ** 2)) for k in (0, 1)]
    gx, gy = [torch.where(there[..., None], g / g.sum(2, keepdim=True), torch.zeros_like(g)) for g in (gx, gy)]
    inside = ((gy @ keep) * gx).sum(2, keepdim=True).clamp(min=1e-3)  # share of each tree's Gaussian
    density = (gy / inside).transpose(1, 2) @ gx * keep
    heat = torch.zeros(len(points), 1, n, n, device=points.device)
    k, p = torch.nonzero(there, as_tuple=True)
    at = c[k, p].round().long().clamp(0, n - 1)
    heat[k, 0, at[:, 1], at[:, 0]] = 1
    return density[:, None], spread(spread(heat, 2), 3)


def spread(heat, axis, reach=6):
    """Highest of all cells along an axis, each weighted by a Gaussian of its distance: along both axes, one Gaussian a tree."""
    n, out = heat.shape[axis], heat.clone()
    for d in range(1, reach + 1):
        weight = float(np.exp(-d ** 2 / (2 * HEAT_SD ** 2)))
        ahead, behind = heat.narrow(axis, d, n - d) * weight, heat.narrow(axis, 0, n - d) * weight
        for at, value in ((0, ahead), (d, behind)):
            part = out.narrow(axis, at, n - d)
            part.copy_(torch.maximum(part, value))
    return out


def drawer(rows, pictures, points, power, newest, compressed, nir, teacher=None):
    """Crops by tree count ** power; pictures of 2020 `newest` times as often as others (val and users' data are of today).

    compressed: share of crops that are compressed.  nir: how much nir is jittered by itself.  teacher: a CountGraph whose maps of the
    crops, before jitter, turned at random and half of them without nir, are targets too.
    """
    bank = Bank(pictures, device())
    weight = np.array([(len(p) + 5.0) ** power * (newest if r['year'] == '2020' else 1) for p, r in zip(points, rows)])
    weight /= weight.sum()

    def draw(rng, batch):
        windows = bank.draw(rng, rng.choice(len(rows), batch, p=weight), SIDE / np.exp(rng.uniform(np.log(SCALES[0]), np.log(SCALES[1]), batch)), overhang=np.where(rng.random(batch) < 0.5, RIM, 0))
        keep = bank.inside(windows, SIDE) & torch.from_numpy(strips(rng, batch, SIDE)).to(bank.pixels.device)
        clean = bank.cut(windows, SIDE)
        x = jitter(rng, clean, rng.uniform(0, 1, batch), sharpen=1.0, compressed=compressed, nir=nir) * keep
        p = into_crops(windows, [points[i] for i in windows.index], SIDE)
        outside = ~((p >= 0) & (p < SIDE)).all(2)
        at = torch.from_numpy(np.where(outside[..., None], 0, p).astype(int)).to(keep.device)
        gone = torch.from_numpy(outside).to(keep.device) | ~keep[torch.arange(batch, device=keep.device)[:, None], 0, at[..., 1], at[..., 0]]
        p = torch.from_numpy(p.astype(np.float32)).to(keep.device).masked_fill(gone[..., None], float('nan'))
        density, heat = targets(p, SIDE // STRIDE, keep[:, 0, ::STRIDE, ::STRIDE].float())
        tensors = {'x': to_input(x), 'density': density, 'heat': heat}
        if teacher:
            clean[torch.from_numpy(rng.random(batch) < 0.5).to(keep.device), 3] = 0
            tensors |= dict(zip(('taught_density', 'taught_heat'), turned(teacher, to_input(clean * keep), int(rng.integers(8)))))
        return tensors

    return draw


def taught_loss(outputs, t):
    """How far from the teacher: pixels, blocks, and quality focal loss (Li et al. 2020) on the heat."""
    d, soft = F.softplus(outputs['density']), t['taught_density'] * UNIT
    z, heat = outputs['heat'], t['taught_heat']
    focal = ((torch.sigmoid(z) - heat).pow(2) * F.binary_cross_entropy_with_logits(z, heat, reduction='none')).sum() / (t['heat'] > 0.999).sum().clamp(min=1)
    return 20 * (d - soft).pow(2).mean() + (blocks(d) - blocks(soft)).abs().mean() + 0.5 * focal


def blocks(density):
    """Trees by blocks of 32 px, half of them overlapping."""
    return F.avg_pool2d(density, 16, 8) * (256 / UNIT)


def loss_of(outputs, t, step):
    """Pixels, blocks of 32 px, the global count, and CenterNet's focal loss on the heat; what a teacher says, if there is one, as much again."""
    d, true = F.softplus(outputs['density']), t['density'] * UNIT
    pixel = (d - true).pow(2).mean()
    block = (blocks(d) - blocks(true)).abs().mean()
    error = (d - true).sum((1, 2, 3)).abs() / UNIT
    focal = centre_focal(outputs['heat'], t['heat'])
    loss = 20 * pixel + 0.5 * error.mean() / 10 + block + 0.5 * focal
    taught = taught_loss(outputs, t) if 'taught_heat' in t else torch.zeros(())
    return loss + taught, {'pixel': pixel, 'block': block, 'count': error.mean(), 'focal': focal, 'taught': taught}


@torch.no_grad()
def predict(graph, picture, rgb_only=False, rim=0):
    """Density in trees a cell, and heat, of a picture whose sides are multiples of 16; `rim` pixels of 0 around."""
    h, w = picture.shape[:2]
    x = np.zeros((1, h + 2 * rim, w + 2 * rim, 4), np.float32)
    x[0, rim: rim + h, rim: rim + w] = picture
    if rgb_only:
        x[..., 3] = 0
    k = rim // STRIDE
    return tuple(m[0, 0, k: k + h // STRIDE, k: k + w // STRIDE].cpu().numpy() for m in graph(torch.from_numpy(to_input(x)).to(next(graph.parameters()).device)))


DISC = np.hypot(*np.mgrid[-2:3, -2:3]) <= 2


def peaks(heat, threshold):
    """Highest cells within 2 cells (2.4 m), with a parabola for the fraction: points in pixels."""
    r, c = np.nonzero((heat == ndimage.maximum_filter(heat, footprint=DISC)) & (heat >= threshold))
    p = np.pad(heat, 1, 'edge')

    def fraction(low, mid, high):
        bend = low - 2 * mid + high
        return np.where(bend < -1e-6, 0.5 * (low - high) / np.minimum(bend, -1e-6), 0).clip(-0.5, 0.5)

    dx = fraction(p[r + 1, c], p[r + 1, c + 1], p[r + 1, c + 2])
    dy = fraction(p[r, c + 1], p[r + 1, c + 1], p[r + 2, c + 1])
    return np.stack([(c + dx + 0.5) * STRIDE, (r + dy + 0.5) * STRIDE], 1)


def point_rows(heats, points, threshold):
    """Per picture: matched at 10 px, matched at 4 px, predicted, true, sum of squared distances of pairs at 10 px."""
    rows = []
    for heat, true in zip(heats, points):
        pred = peaks(heat, threshold)
        i, j = match_points(pred, true, 10)
        rows.append([len(i), len(match_points(pred, true, 4)[0]), len(pred), len(true), ((pred[i] - true[j]) ** 2).sum()])
    return np.array(rows, float)


def point_scores(rows):
    t10, t4, n_pred, n_true, d2 = rows.sum(0)
    return {'precision_6m': t10 / max(1, n_pred), 'recall_6m': t10 / n_true, 'f1_6m': f1_of(t10, n_pred, n_true), 'f1_2.4m': f1_of(t4, n_pred, n_true),
            'position_rmse_m': 0.6 * np.sqrt(d2 / max(1, t10))}


def left_out(graph, pictures, points):
    """What a graph says of pictures that it never saw: true and predicted counts, with and without nir, and the heat of all four bands."""
    four, rgb = [predict(graph, p) for p in pictures], [predict(graph, p, rgb_only=True) for p in pictures]
    total = lambda maps: np.array([m[0].sum() for m in maps])
    return {'true': np.array([len(p) for p in points]), 'count': total(four), 'count_rgb_only': total(rgb),
            'heat': np.stack([(m[1] * 255).round().astype(np.uint8) for m in four])}


def report_held(args, newest):
    """Tables of the folds that are there; `newest`: {city: points of its pictures of 2020}. Writes NAME-held.json."""
    held = {c: np.load(args.runs / f'{args.name}-{c}/held.npz') for c in CITIES if (args.runs / f'{args.name}-{c}/held.npz').exists()}
    heats = {c: held[c]['heat'] / np.float32(255) for c in held}
    for threshold in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45):
        by = {c: point_rows(heats[c], newest[c], threshold) for c in held}
        line = lambda r: '%.3f/%.3f' % (point_scores(r)['f1_6m'], point_scores(r)['f1_2.4m'])
        print(threshold, 'F1 at 6 m / 2.4 m: all', line(np.concatenate(list(by.values()))), ' '.join(f'{c} {line(r)}' for c, r in by.items()), flush=True)
    out = {}
    pooled = {k: np.concatenate([held[c][k] for c in held]) for k in ('true', 'count', 'count_rgb_only')}
    for c, h in {**held, 'all five': pooled}.items():
        n, counts = h['true'], lambda which, i=slice(None): count_scores(h[which][i], h['true'][i])
        with_interval = lambda which, k: scored(len(n), lambda i: counts(which, i)[k])
        many = h['count'] >= 90
        print(c, 'rgbn', counts('count'), 'rgb', counts('count_rgb_only'), 'bias where 90 and more are counted', np.mean((h['count'] - n)[many]) if many.any() else None, flush=True)
        out[c] = {'mae': with_interval('count', 'mae'), 'r2': with_interval('count', 'r2'), 'bias': with_interval('count', 'bias'), 'mae_rgb_only': with_interval('count_rgb_only', 'mae')}
        if (n >= 90).sum() >= 5:
            out[c]['bias_from_90_trees'] = with_interval('count', 'bias_90+')
        rows = np.concatenate([point_rows(heats[k], newest[k], args.threshold) for k in ([c] if c in held else held)])
        for k in ('f1_6m', 'f1_2.4m'):
            out[c][k] = scored(len(rows), lambda i: point_scores(rows[i])[k])
    (args.runs / f'{args.name}-held.json').write_text(json.dumps(out))


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['fold', 'final', 'held'])
    p.add_argument('city', nargs='?', choices=CITIES)
    p.add_argument('--name', default='count', help='name of the recipe: runs are NAME-CITY and NAME-final')
    p.add_argument('--power', type=float, default=0.4)
    p.add_argument('--newest', type=float, default=10)
    p.add_argument('--widths', type=int, nargs=4, default=WIDTHS)
    p.add_argument('--attention', type=int, default=2)
    p.add_argument('--threshold', type=float, default=0.3)
    p.add_argument('--compressed', type=float, default=0.4, help='share of crops that are lossily compressed')
    p.add_argument('--nir', type=float, default=0.3, help='sd of the gain of nir, beyond that of all bands')
    p.add_argument('--teacher', type=Path, nargs='+', help='folders of finished runs whose mean is taught')
    args = settled(p)
    rows, pictures, points = load(args, 'train')
    if args.what == 'held':
        report_held(args, {c: [points[i] for i, r in enumerate(rows) if (r['city'], r['year']) == (c, '2020')] for c in CITIES})
        return
    fit = [i for i, r in enumerate(rows) if r['city'] != args.city]
    pick = lambda k: ([rows[i] for i in k], [pictures[i] for i in k], [points[i] for i in k])
    run = args.runs / f"{args.name}-{args.city or 'final'}"
    teacher = mean_of(CountGraph, args.teacher, make_net)
    schedule = Schedule(args.steps or 4000, args.seed, batch=args.batch, lr=args.lr)
    net = train(run, lambda: make_net(tuple(args.widths), args.attention), drawer(*pick(fit), args.power, args.newest, args.compressed, args.nir, teacher), loss_of, schedule, args.start)
    if args.city:
        _, there, true = pick([i for i, r in enumerate(rows) if (r['city'], r['year']) == (args.city, '2020')])
        kept = left_out(CountGraph([net]), there, true)
        np.savez_compressed(run / 'held.npz', **kept)
        print(args.city, 'rgbn', count_scores(kept['count'], kept['true']), 'rgb', count_scores(kept['count_rgb_only'], kept['true']),
              point_scores(point_rows(kept['heat'] / np.float32(255), true, args.threshold)), flush=True)


if __name__ == '__main__':
    main()
