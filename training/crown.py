"""tree-crown-rgb: crowns as boxes in red, green, blue at 0.2 m: a heat of centres and four distances to the box's sides.

  crown.py fold K    train without every site of fold K, keep what it says there     crown.py final    train on all sites
  crown.py held      scores on the sites left out, by threshold and overlap; those at --threshold, --overlap go to NAME-held.json

The training pictures are contrast-equalised and sheared, users' are not: the net first brings local mean and contrast to a
common level (a fixed operation with a halo of 14.4 m), and boxes are shrunk by 0.85 (what turning and shearing a box by about
10 degrees adds to the box around it).
"""
import csv
import json

from treelib.sgd import Schedule, device, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage
from treelib.jitter import jitter, to_input
from treelib.losses import centre_focal
from treelib.net import WIDTHS, PyramidNet
from treelib.pictures import Bank, into_crops
from treelib.score import average_precision, box_iou, f1_of, match_boxes, scored
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

    def __init__(self, widths=WIDTHS, dropout=0.1):
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
    """Heat (k x 1 x n x n), distances (k x 4 x n x n, pixels) and their weights, for boxes k x most x 4 in crop pixels, NaN where none.

    Where boxes overlap, a cell measures the smallest.
    """
    there = ~torch.isnan(boxes[..., 0])
    x0, y0, x1, y1 = boxes.nan_to_num(0.0)[..., None].unbind(2)  # k x most x 1
    cells = torch.arange(n, device=boxes.device, dtype=boxes.dtype)
    middle = (cells + 0.5) * STRIDE

    def along(low, high):
        centre, sd = ((low + high) / 2 / STRIDE).floor().clamp(0, n - 1), 0.45 + 0.09 * (high - low) / STRIDE
        return torch.exp(-(cells - centre) ** 2 / (2 * sd ** 2)), (middle > low) & (middle < high)

    (gx, in_x), (gy, in_y) = along(x0, x1), along(y0, y1)
    g = gy[:, :, :, None] * gx[:, :, None, :] * there[:, :, None, None]  # k x most x n x n
    take = (g > 0.3) & in_y[:, :, :, None] & in_x[:, :, None, :]
    area = ((x1 - x0) * (y1 - y0))[..., None].masked_fill(~take, float('inf'))
    least, box = area.min(1)
    weight = torch.where(least.isfinite(), g.gather(1, box[:, None])[:, 0], torch.zeros_like(least))
    side = lambda v: v[..., 0].gather(1, box.flatten(1)).reshape(box.shape)
    dist = torch.stack([middle - side(x0), middle[:, None] - side(y0), side(x1) - middle, side(y1) - middle[:, None]], 1)
    return g.amax(1, keepdim=True), torch.where(least.isfinite()[:, None], dist, torch.ones_like(dist)), weight


def weaken(rng, x):
    """Undo equalisation in part: less local contrast around a smooth mean, and the blur of a coarser sensor. Levels, n x 3 x h x w."""
    n = len(x)
    per_picture = lambda low, high: torch.from_numpy(rng.uniform(low, high, (n, 1, 1, 1)).astype(np.float32)).to(x.device)
    smooth = F.avg_pool2d(x, 25, 1, 12, count_include_pad=False)
    level = smooth.mean((2, 3), keepdim=True)
    weak = level + per_picture(0.3, 1.3) * (smooth - level) + per_picture(0.35, 1.0) * (x - smooth)
    x = torch.where(per_picture(0, 1) < 0.7, weak, x).clamp(0, 255)
    coarse = np.array_split(rng.permutation(n)[: n // 2], 4)  # half of the batch, as seen at 0.2 to 0.4 m
    for part in coarse:
        side = int(SIDE / rng.uniform(1.0, 2.0))
        k = torch.from_numpy(part).to(x.device)
        if len(part):
            x[k] = F.interpolate(F.adaptive_avg_pool2d(x[k], side), size=SIDE, mode='bilinear', align_corners=False)
    return x


def drawer(images, boxes, sites, strength):
    bank = Bank([np.asarray(i) for i in images], device())
    count = {s: sites.count(s) for s in set(sites)}
    p = np.array([1 / np.sqrt(count[s]) for s in sites])
    p /= p.sum()

    def draw(rng, batch):
        span = SIDE * GSD / NATIVE / np.exp(rng.uniform(np.log(0.6), np.log(1.6), batch))
        windows = bank.draw(rng, rng.choice(len(images), batch, p=p), span)
        corners = into_crops(windows, [boxes[i].reshape(-1, 2) for i in windows.index], SIDE).reshape(batch, -1, 2, 2)
        b = np.concatenate([corners.min(2), corners.max(2)], 2)
        middle = (b[..., :2] + b[..., 2:]) / 2
        b[~((middle >= 0) & (middle < SIDE)).all(2)] = np.nan
        heat, dist, weight = targets(torch.from_numpy(b.astype(np.float32)).to(bank.pixels.device), SIDE // STRIDE)
        x = jitter(rng, weaken(rng, bank.cut(windows, SIDE, finer=2)), strength) * bank.inside(windows, SIDE)
        return {'x': to_input(x), 'heat': heat, 'size': dist, 'weight': weight}

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
    focal = centre_focal(outputs['heat'], t['heat'])
    box = (giou_loss(outputs['size'], t['size']) * t['weight']).sum() / t['weight'].sum().clamp(min=1)
    return focal + 2 * box, {'focal': focal, 'giou': box}


@torch.no_grad()
def predict(net, image, gsd=NATIVE):
    """Heat and sizes of an RGB picture, resampled to 0.2 m, with a rim of 32 px of 0."""
    w, h = [max(1, round(s * gsd / GSD)) for s in image.size]
    small = np.asarray(image.resize((w, h), Image.BOX if gsd < GSD else Image.BILINEAR))
    x = np.zeros((1, -(-h // 16) * 16 + 64, -(-w // 16) * 16 + 64, 3), np.float32)
    x[0, 32: 32 + h, 32: 32 + w] = small
    out = net(torch.from_numpy(to_input(x)).to(next(net.parameters()).device))
    cut = slice(8, 8 + -(-h // 4)), slice(8, 8 + -(-w // 4))
    return torch.sigmoid(out['heat'])[0, 0].cpu().numpy()[cut], out['size'][0].cpu().numpy()[(slice(None), *cut)]


DISC = np.hypot(*np.mgrid[-1:2, -1:2]) <= 1.5  # 1.2 m: 1.5 cells


def peak_boxes(maps, threshold, gsd=NATIVE):
    """Every peak of the heat as a box in pixels of the picture, best first, with scores."""
    heat, size = maps
    r, c = np.nonzero((heat == ndimage.maximum_filter(heat, footprint=DISC)) & (heat >= threshold))
    s, d = heat[r, c], size[:, r, c]
    x, y = (c + 0.5) * STRIDE, (r + 0.5) * STRIDE
    order = np.argsort(-s, kind='stable')
    return (np.stack([x - d[0], y - d[1], x + d[2], y + d[3]], 1) * GSD / gsd)[order], s[order]


def suppressed(boxes, scores, threshold, shrink, overlap):
    """Boxes from a score on, shrunk about their middles; one goes if a better one overlaps it by more than `overlap`."""
    b, s = boxes[scores >= threshold], scores[scores >= threshold]
    mid, half = (b[:, :2] + b[:, 2:]) / 2, (b[:, 2:] - b[:, :2]) / 2 * shrink
    b = np.concatenate([mid - half, mid + half], 1)
    keep = ~(np.triu(box_iou(b, b), 1) > overlap).any(0)
    return b[keep], s[keep]


def boxes_of(maps, threshold, gsd=NATIVE, shrink=1.0, overlap=0.4):
    return suppressed(*peak_boxes(maps, threshold, gsd), threshold, shrink, overlap)


def box_rows(boxes, truth, iou=0.4):
    """Per picture: matched, predicted, true."""
    return np.array([[match_boxes(b, true, iou), len(b), len(true)] for (b, _), true in zip(boxes, truth)], float)


def box_scores(rows):
    hit, n_pred, n_true = rows.sum(0)
    return {'precision': hit / max(1, n_pred), 'recall': hit / max(1, n_true), 'f1': f1_of(hit, n_pred, n_true)}


LOWEST = 0.05  # score of the weakest peak that is kept of a picture


def report_held(args, boxes, sites):
    """Tables of the folds that are there, by threshold and overlap; scores at --threshold and --overlap go to NAME-held.json."""
    path_of = lambda k: args.runs / f'{args.name}-{k}/held.npz'
    found, there = [], [k for k in range(len(FOLDS)) if path_of(k).exists()]
    for k in there:
        with np.load(path_of(k)) as z:
            found += [(z[f'boxes_{j}'], z[f'scores_{j}']) for j in range(len(z.files) // 2)]
    left = [(k, i) for k in there for i, s in enumerate(sites) if s in FOLDS[k]]
    truth, places, fold = [boxes[i] for _, i in left], [sites[i] for _, i in left], np.array([k for k, _ in left])
    at = lambda threshold, overlap: [suppressed(*f, threshold, 1.0, overlap) for f in found]
    for threshold in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45):
        print(threshold, ' '.join('%s %.3f' % (o, box_scores(box_rows(at(threshold, o), truth))['f1']) for o in (0.2, 0.3, 0.4, 0.5)), flush=True)
    rows, every = box_rows(at(args.threshold, args.overlap), truth), at(LOWEST, args.overlap)
    for k in there:
        print('fold', k, FOLDS[k], box_scores(rows[fold == k]), flush=True)
    out = {f'{k}_iou40': scored(len(rows), lambda i: box_scores(rows[i])[k], places=places) for k in ('f1', 'precision', 'recall')}
    ap = lambda i: average_precision([(*every[j], truth[j]) for j in i])
    out['ap50'] = scored(len(rows), ap, draws=200, places=places)
    print(out)
    (args.runs / f'{args.name}-held.json').write_text(json.dumps(out))


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['fold', 'final', 'held'])
    p.add_argument('fold', nargs='?', type=int, choices=range(len(FOLDS)))
    p.add_argument('--name', default='crown', help='name of the recipe: runs are NAME-FOLD and NAME-final')
    p.add_argument('--strength', type=float, default=1.2)
    p.add_argument('--threshold', type=float, default=0.3)
    p.add_argument('--overlap', type=float, default=0.3)
    args = settled(p)
    images, boxes, sites = load(args)
    if args.what == 'held':
        report_held(args, boxes, sites)
        return
    held = [i for i, s in enumerate(sites) if args.fold is not None and s in FOLDS[args.fold]]
    fit = [i for i in range(len(sites)) if i not in set(held)]
    run = args.runs / f"{args.name}-{'final' if args.fold is None else args.fold}"
    schedule = Schedule(args.steps or 4000, args.seed, batch=args.batch, lr=args.lr)
    net = train(run, CrownNet, drawer([images[i] for i in fit], [boxes[i] for i in fit], [sites[i] for i in fit], args.strength), loss_of, schedule, args.start)
    if held:
        found = [peak_boxes(predict(net, images[i]), LOWEST) for i in held]
        np.savez_compressed(run / 'held.npz', **{f'boxes_{j}': b for j, (b, _) in enumerate(found)}, **{f'scores_{j}': s for j, (_, s) in enumerate(found)})
        rows = box_rows([suppressed(*f, args.threshold, 1.0, args.overlap) for f in found], [boxes[i] for i in held])
        print(FOLDS[args.fold], box_scores(rows), flush=True)


if __name__ == '__main__':
    main()
