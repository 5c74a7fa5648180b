"""tree-crown-rgb: crowns as boxes in red, green, blue at 0.2 m: a heat of centres and four distances to the box's sides.

  crown.py fold K    train without every site of fold K, score on them     crown.py final    train on all sites

The training pictures are contrast-equalised and sheared, users' are not: the net first brings local mean and contrast to a
common level (a fixed operation with a halo of 14.4 m), and boxes are shrunk by 0.85 (what turning and shearing a box by about
10 degrees adds to the box around it).
"""
import csv
import json

from treelib.sgd import Schedule, load_ema, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage
from treelib.jitter import blur3, jitter, to_input
from treelib.net import PyramidNet
from treelib.pictures import Crop, as_image
from treelib.score import average_precision, bootstrap, box_iou, f1_of, match_boxes
from treelib.settings import parser, settled

GSD, NATIVE = 0.2, 0.1  # metres a pixel: of the net, of the pictures
SIDE, STRIDE = 160, 4
SHRINK = 0.85
FOLDS = (('ABBY', 'DELA', 'DSNY', 'NIWO'), ('BART', 'CLBJ', 'DEJU', 'MOAB', 'GUAN'), ('LENO', 'JERC', 'BONA', 'BLAN', 'LAJA'), ('MLBS', 'GRSM', 'HEAL', 'KONZ'))


def local_contrast(x):
    """Input of the net (n x 3 x h x w, sides multiples of 16) with local mean 0 and local contrast 1, over windows of about 8 m."""
    grey = x.mean(1, keepdim=True)
    small = F.avg_pool2d(torch.cat([x, grey * grey], 1), 8)
    smooth = F.avg_pool2d(small, 5, 1, 2, count_include_pad=False)
    smooth = F.interpolate(smooth, scale_factor=8, mode='bilinear', align_corners=False)
    mean = smooth[:, :3]
    spread = (smooth[:, 3:] - mean.mean(1, keepdim=True) ** 2).clamp(min=0.0).add(0.02).sqrt()  # 0.14: 7 levels
    return ((x - mean) / spread).clamp(-4, 4)


class CrownNet(torch.nn.Module):
    """Heat logits and, in pixels of the input, distances left, top, right, bottom from the middle of a cell."""

    def __init__(self, widths=(24, 48, 96, 160), dropout=0.1):
        super().__init__()
        self.net = PyramidNet(6, {'heat': (1, -3.0), 'size': (4, 0.0)}, widths=widths, out_stride=STRIDE, dropout=dropout)

    def forward(self, x):
        x = x.float()
        out = self.net(torch.cat([local_contrast(x), x * 0.5], 1))
        return {'heat': out['heat'].float(), 'size': 15.0 * out['size'].float().clamp(-4, 3).exp()}


def load(args):
    """Pictures, boxes (x0, y0, x1, y1 in pixels) and sites."""
    images, boxes, sites = [], [], []
    for path in sorted((args.data / 'crowns/pictures').glob('*.txt')):
        image = Image.open(path.with_suffix('.jpg')).convert('RGB')
        image.load()
        b = np.array([[float(v) for v in line.split()[1:5]] for line in path.read_text().splitlines() if line.strip()]).reshape(-1, 4)
        b = np.concatenate([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2], 1) * (image.size * 2)
        images.append(image), boxes.append(b), sites.append(path.name[:4])
    return images, boxes, sites


def targets(boxes, n):
    """Heat (n x n), distances (4 x n x n, pixels) and their weights, for boxes in pixels of a crop; smaller boxes lie on top."""
    heat, dist, weight = np.zeros((n, n), np.float32), np.ones((4, n, n), np.float32), np.zeros((n, n), np.float32)
    middle = (np.arange(n) + 0.5) * STRIDE
    for x0, y0, x1, y1 in boxes[np.argsort(-(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), kind='stable')]:
        cx, cy = int(np.clip((x0 + x1) / 2 / STRIDE, 0, n - 1)), int(np.clip((y0 + y1) / 2 / STRIDE, 0, n - 1))
        sx, sy = [0.45 + 0.09 * d / STRIDE for d in (x1 - x0, y1 - y0)]
        g = np.exp(-((np.arange(n) - cx)[None] ** 2 / (2 * sx ** 2) + (np.arange(n) - cy)[:, None] ** 2 / (2 * sy ** 2))).astype(np.float32)
        np.maximum(heat, g, out=heat)
        take = (g > 0.3) & (middle[None] > x0) & (middle[None] < x1) & (middle[:, None] > y0) & (middle[:, None] < y1)
        r, c = np.nonzero(take)
        dist[:, r, c] = middle[c] - x0, middle[r] - y0, x1 - middle[c], y1 - middle[r]
        weight[take] = g[take]
    return heat, dist, weight


def weaken(rng, x):
    """Undo equalisation in part: less local contrast around a smooth mean, and the blur of a coarser sensor. n x h x w x 3, uint8."""
    out = x.astype(np.float32)
    for k in range(len(out)):
        if rng.random() < 0.7:
            smooth = ndimage.uniform_filter(out[k], (25, 25, 1))
            level = smooth.mean((0, 1), keepdims=True)
            out[k] = level + rng.uniform(0.3, 1.3) * (smooth - level) + rng.uniform(0.35, 1.0) * (out[k] - smooth)
        if rng.random() < 0.5:
            side = int(SIDE / rng.uniform(1.0, 2.0))  # as seen at 0.2 to 0.4 m
            picture = Image.fromarray(out[k].clip(0, 255).astype(np.uint8), 'RGB')
            out[k] = np.asarray(picture.resize((side, side), Image.BOX).resize((SIDE, SIDE), Image.BILINEAR))
    return out.clip(0, 255).astype(np.uint8)


def drawer(images, boxes, sites, strength):
    count = {s: sites.count(s) for s in set(sites)}
    p = np.array([1 / np.sqrt(count[s]) for s in sites])
    p /= p.sum()

    def draw(rng, batch):
        xs, maps = [], []
        for i in rng.choice(len(images), batch, p=p):
            crop = Crop(rng, images[i], SIDE, NATIVE / GSD * float(np.exp(rng.uniform(np.log(0.6), np.log(1.6)))))
            xs.append(crop.pixels(images[i]))
            corners = crop.points(boxes[i].reshape(-1, 2)).reshape(-1, 2, 2)
            b = np.concatenate([corners.min(1), corners.max(1)], 1)
            mid = (b[:, :2] + b[:, 2:]) / 2
            maps.append(targets(b[((mid >= 0) & (mid < SIDE)).all(1)], SIDE // STRIDE))
        x = jitter(rng, weaken(rng, np.stack(xs)), strength)
        heat, dist, weight = [np.stack([m[k] for m in maps]) for k in range(3)]
        return {'x': to_input(x), 'heat': heat[:, None], 'size': dist, 'weight': weight}

    return draw


def giou_loss(a, b):
    """1 - GIoU of boxes around a common point, given by their distances to it: n x 4 x h x w."""
    w, h = torch.minimum(a[:, 0], b[:, 0]) + torch.minimum(a[:, 2], b[:, 2]), torch.minimum(a[:, 1], b[:, 1]) + torch.minimum(a[:, 3], b[:, 3])
    hull = (torch.maximum(a[:, 0], b[:, 0]) + torch.maximum(a[:, 2], b[:, 2])) * (torch.maximum(a[:, 1], b[:, 1]) + torch.maximum(a[:, 3], b[:, 3]))
    area = lambda d: (d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3])
    both = w * h
    union = area(a) + area(b) - both
    return 1 - both / union.clamp(min=1e-3) + (hull - union) / hull.clamp(min=1e-3)


def loss_of(outputs, t, step):
    p = torch.sigmoid(outputs['heat']).clamp(1e-4, 1 - 1e-4)
    h = t['heat']
    peak = h > 0.999
    focal = -(torch.where(peak, (1 - p).pow(2) * p.log(), (1 - h).pow(4) * p.pow(2) * (1 - p).log())).sum() / peak.sum().clamp(min=1)
    box = (giou_loss(outputs['size'], t['size']) * t['weight']).sum() / t['weight'].sum().clamp(min=1)
    return focal + 2 * box, {'focal': focal.item(), 'giou': box.item()}


@torch.no_grad()
def predict(net, image, gsd=NATIVE):
    """Heat and sizes of an RGB picture, resampled to 0.2 m, with a rim of 32 px of 0."""
    w, h = [max(1, round(s * gsd / GSD)) for s in image.size]
    small = np.asarray(image.resize((w, h), Image.BOX if gsd < GSD else Image.BILINEAR))
    x = np.zeros((1, -(-h // 16) * 16 + 64, -(-w // 16) * 16 + 64, 3), np.float32)
    x[0, 32: 32 + h, 32: 32 + w] = small
    out = net(torch.from_numpy(to_input(x)))
    cut = slice(8, 8 + -(-h // 4)), slice(8, 8 + -(-w // 4))
    return torch.sigmoid(out['heat'])[0, 0].numpy()[cut], out['size'][0].numpy()[(slice(None), *cut)]


DISC = np.hypot(*np.mgrid[-1:2, -1:2]) <= 1.5  # 1.2 m: 1.5 cells


def boxes_of(maps, threshold, gsd=NATIVE, shrink=1.0, overlap=0.4):
    """Peaks of the heat to boxes in pixels of the picture, with scores; one goes if a better one overlaps it by more than `overlap`."""
    heat, size = maps
    r, c = np.nonzero((heat == ndimage.maximum_filter(heat, footprint=DISC)) & (heat >= threshold))
    s, d = heat[r, c], size[:, r, c]
    x, y = (c + 0.5) * STRIDE, (r + 0.5) * STRIDE
    b = np.stack([x - d[0], y - d[1], x + d[2], y + d[3]], 1)
    mid, half = (b[:, :2] + b[:, 2:]) / 2, (b[:, 2:] - b[:, :2]) / 2 * shrink
    b = np.concatenate([mid - half, mid + half], 1) * GSD / gsd
    order = np.argsort(-s, kind='stable')
    b, s = b[order], s[order]
    iou = np.triu(box_iou(b, b), 1) if len(b) else np.zeros((0, 0))
    keep = ~(iou > overlap).any(0)
    return b[keep], s[keep]


def box_rows(maps, truth, threshold, shrink, overlap, iou=0.4, gsd=NATIVE):
    rows = []
    for m, true in zip(maps, truth):
        b, _ = boxes_of(m, threshold, gsd, shrink, overlap)
        rows.append([match_boxes(b, true, iou), len(b), len(true)])
    return np.array(rows, float)


def box_scores(rows):
    hit, n_pred, n_true = rows.sum(0)
    return {'precision': hit / max(1, n_pred), 'recall': hit / max(1, n_true), 'f1': f1_of(hit, n_pred, n_true)}


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['fold', 'final', 'held'])
    p.add_argument('fold', nargs='?', type=int, choices=range(len(FOLDS)))
    p.add_argument('--name', default='crown')
    p.add_argument('--strength', type=float, default=1.2)
    args = settled(p)
    images, boxes, sites = load(args)
    held = [i for i, s in enumerate(sites) if args.fold is not None and s in FOLDS[args.fold]]
    fit = [i for i in range(len(sites)) if i not in set(held)]
    run = args.runs / f"{args.name}-{'final' if args.fold is None else args.fold}"
    if args.what == 'held':
        net, step = load_ema(run, CrownNet)
        print('step', step)
    else:
        schedule = Schedule(args.steps or (2000 if held else 8000), args.seed, lr=args.lr)
        net = train(run, CrownNet, drawer([images[i] for i in fit], [boxes[i] for i in fit], [sites[i] for i in fit], args.strength), loss_of, schedule, args.start)
    if held:
        maps, truth = [predict(net, images[i]) for i in held], [boxes[i] for i in held]
        for threshold in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4):
            print(threshold, ' '.join('%s %.3f' % (o, box_scores(box_rows(maps, truth, threshold, 1.0, o))['f1']) for o in (0.2, 0.3, 0.4, 0.5)), flush=True)
        print('ap50 %.3f' % average_precision([(*boxes_of(m, 0.05), t) for m, t in zip(maps, truth)]))
        for s in FOLDS[args.fold]:
            k = [j for j, i in enumerate(held) if sites[i] == s]
            print(s, box_scores(box_rows([maps[j] for j in k], [truth[j] for j in k], 0.3, 1.0, 0.4)))


if __name__ == '__main__':
    main()
