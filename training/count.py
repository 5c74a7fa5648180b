"""tree-count-urban: trees in red, green, blue, nir at 0.6 m: a density whose sum is the count, and a heat whose peaks are trees.

  count.py fold CITY   train without a city, score on it     count.py final   train on all     count.py val   score on val, once
"""
import csv
import json

from treelib.sgd import Schedule, load_ema, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from treelib.jitter import jitter, to_input, void_strips
from treelib.net import PyramidNet
from treelib.pictures import Crop, as_image, cached, read_four_bands, read_index
from treelib.score import bootstrap, count_scores, f1_of, match_points
from treelib.settings import parser, settled

CITIES = ('claremont', 'long_beach', 'palm_springs', 'riverside', 'santa_monica')
SIDE, STRIDE = 176, 2
DENSITY_SD, HEAT_SD = 2.0, 1.5  # cells of 2 px
UNIT = 2 * np.pi * DENSITY_SD ** 2  # the net's density is trees a cell times this: about 1 at a tree


def make_net(widths=(16, 32, 64, 128), attention=2):
    return PyramidNet(4, {'density': (1, -3.0), 'heat': (1, -3.0)}, widths=widths, attention=attention)


def load(args, split):
    rows = read_index(args.data / 'counting/index.csv', split)
    folder = args.data / 'counting' / split
    pictures = cached(args.cache, f'count-{split}', lambda: [read_four_bands(folder, r['file']) for r in rows])
    return rows, pictures, [read_points(folder / f"{r['file']}.csv") for r in rows]


def read_points(path):
    """Tree points in pixels, edges at whole numbers: a file's `col` names a pixel, its centre is meant."""
    with open(path, newline='') as f:
        return np.array([(float(r['col']) + 0.5, float(r['row']) + 0.5) for r in csv.DictReader(f)]).reshape(-1, 2)


def targets(points, n):
    """Density (sum: the count) and heat (1 at the trees) on n x n cells of a crop. points in pixels of the crop."""
    density, heat = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    if len(points) == 0:
        return density, heat
    c = points / STRIDE - 0.5
    cells = np.arange(n)
    gx, gy = [np.exp(-(cells[None] - c[:, k: k + 1]) ** 2 / (2 * DENSITY_SD ** 2)) for k in (0, 1)]
    density[:] = (gy / gy.sum(1, keepdims=True)).T @ (gx / gx.sum(1, keepdims=True))
    away = np.ones((n, n), bool)
    at = np.rint(c).astype(int).clip(0, n - 1)
    away[at[:, 1], at[:, 0]] = False
    heat[:] = np.exp(-ndimage.distance_transform_edt(away) ** 2 / (2 * HEAT_SD ** 2))
    return density, heat


def drawer(rows, pictures, points, power, newest):
    """Crops by tree count ** power; pictures of 2020 `newest` times as often as others (val and users' data are of today)."""
    images = [as_image(p) for p in pictures]
    weight = np.array([(len(p) + 5.0) ** power * (newest if r['year'] == '2020' else 1) for p, r in zip(points, rows)])
    weight /= weight.sum()

    def draw(rng, batch):
        xs, inside = [], []
        for i in rng.choice(len(rows), batch, p=weight):
            crop = Crop(rng, images[i], SIDE, float(np.exp(rng.uniform(np.log(0.7), np.log(1.4)))))
            xs.append(crop.pixels(images[i]))
            p = crop.points(points[i])
            inside.append(p[((p >= 0) & (p < SIDE)).all(1)])
        x = jitter(rng, np.stack(xs))
        keep = void_strips(rng, x)
        maps = [targets(p[keep[k][p[:, 1].astype(int), p[:, 0].astype(int)]], SIDE // STRIDE) for k, p in enumerate(inside)]
        return {'x': to_input(x), 'density': np.stack([m[0] for m in maps])[:, None], 'heat': np.stack([m[1] for m in maps])[:, None]}

    return draw


def loss_of(outputs, t, step):
    """Pixels, blocks of 32 px, the global count, and CenterNet's focal loss on the heat."""
    d, true = F.softplus(outputs['density']), t['density'] * UNIT
    pixel = (d - true).pow(2).mean()
    blocks = lambda m: F.avg_pool2d(m, 16, 8) * (256 / UNIT)
    block = (blocks(d) - blocks(true)).abs().mean()
    error = (d - true).sum((1, 2, 3)).abs() / UNIT
    z, h = outputs['heat'], t['heat']
    p = torch.sigmoid(z).clamp(1e-4, 1 - 1e-4)
    peak = h > 0.999
    focal = -(torch.where(peak, (1 - p).pow(2) * p.log(), (1 - h).pow(4) * p.pow(2) * (1 - p).log())).sum() / peak.sum().clamp(min=1)
    loss = 20 * pixel + 0.5 * error.mean() / 10 + block + 0.5 * focal
    return loss, {'pixel': pixel.item(), 'block': block.item(), 'count': error.mean().item(), 'focal': focal.item()}


@torch.no_grad()
def predict(net, picture, rgb_only=False, rim=0):
    """Density in trees a cell, and heat, of a picture whose sides are multiples of 16; `rim` pixels of 0 around."""
    h, w = picture.shape[:2]
    x = np.zeros((1, h + 2 * rim, w + 2 * rim, 4), np.float32)
    x[0, rim: rim + h, rim: rim + w] = picture
    if rgb_only:
        x[..., 3] = 0
    out = net(torch.from_numpy(to_input(x)))
    k = rim // STRIDE
    cut = lambda m: m[0, 0, k: k + h // STRIDE, k: k + w // STRIDE].numpy()
    return cut(F.softplus(out['density']) / UNIT), cut(torch.sigmoid(out['heat']))


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
    return {'precision_10': t10 / max(1, n_pred), 'recall_10': t10 / n_true, 'f1_10': f1_of(t10, n_pred, n_true), 'f1_4': f1_of(t4, n_pred, n_true),
            'rmse_m': 0.6 * np.sqrt(d2 / max(1, t10))}


def report(net, rows, pictures, points, thresholds=(0.25, 0.3, 0.35, 0.4), rgb_only=False, rim=0):
    maps = [predict(net, p, rgb_only, rim) for p in pictures]
    out = count_scores([m[0].sum() for m in maps], [len(p) for p in points])
    for t in thresholds:
        out[f'f1_at_{t}'] = [round(v, 4) for v in list(point_scores(point_rows([m[1] for m in maps], points, t)).values())[:4]]
    return out


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['fold', 'final'])
    p.add_argument('city', nargs='?', choices=CITIES)
    p.add_argument('--name', default='count', help='name of the recipe: runs are NAME-CITY and NAME-final')
    p.add_argument('--power', type=float, default=0.5)
    p.add_argument('--newest', type=float, default=2)
    p.add_argument('--widths', type=int, nargs=4, default=(16, 32, 64, 128))
    p.add_argument('--attention', type=int, default=2)
    args = settled(p)
    rows, pictures, points = load(args, 'train')
    held = [i for i, r in enumerate(rows) if r['city'] == args.city]
    fit = [i for i, r in enumerate(rows) if r['city'] != args.city]
    pick = lambda k: ([rows[i] for i in k], [pictures[i] for i in k], [points[i] for i in k])
    run = args.runs / f"{args.name}-{args.city or 'final'}"
    schedule = Schedule(args.steps or (900 if held else 5000), args.seed, lr=args.lr)
    net = train(run, lambda: make_net(tuple(args.widths), args.attention), drawer(*pick(fit), args.power, args.newest), loss_of, schedule, args.start)
    for years in (('2020',), ('2016', '2018')) if held else ():
        k = [i for i in held if rows[i]['year'] in years]
        for rgb_only in (False, True) if years == ('2020',) else (False,):
            line = {'city': args.city, 'years': years, 'rgb_only': rgb_only, **report(net, *pick(k), rgb_only=rgb_only)}
            print(json.dumps(line), flush=True)
            with open(run / 'held.jsonl', 'a') as f:
                f.write(json.dumps(line) + '\n')


if __name__ == '__main__':
    main()
