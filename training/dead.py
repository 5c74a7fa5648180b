"""dead-tree-naip: standing dead crowns in red, green, blue, nir at 0.6 m. A mask of probabilities at the picture's resolution.

  dead.py fold STATE     train without a state, keep its predictions     dead.py final      train on all four
  dead.py thresholds     tables to choose threshold and area, on the predictions of all folds
  dead.py held           scores by state at --threshold and --min-area, as the card gives them (NAME-held.json)
"""
import json
from pathlib import Path

from treelib.sgd import Schedule, device, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from treelib.jitter import jitter, strips, to_input
from treelib.net import WIDTHS, PyramidNet
from treelib.page import VIEWS
from treelib.pictures import Bank, cached, moments, read_all, read_four_bands, read_index
from treelib.score import f1_of, match_objects, objects, scored
from treelib.settings import parser, settled
from treelib.teacher import mean_of, turned

STATES = ('mo', 'ar', 'tx', 'wa')
SIDE, RIM = 192, 32  # pixels; how much void a crop may show beyond a picture's edge
TRUE_MIN_PX = 1  # every drawn crown counts


class DeadNet(torch.nn.Module):
    """Logits at full resolution: four channels at 1/2, moved into the plane."""

    def __init__(self, widths=WIDTHS, dropout=0.1):
        super().__init__()
        self.net = PyramidNet(4, {'dead': (4, -3.0)}, widths=widths, dropout=dropout, softened=True)

    def forward(self, x):
        return {'dead': F.pixel_shuffle(self.net(x)['dead'], 2)}


class DeadGraph(torch.nn.Module):
    """What is exported: the probability of dead, the mean of the nets."""

    def __init__(self, nets):
        super().__init__()
        self.nets = torch.nn.ModuleList(nets)

    def forward(self, x):
        return sum(torch.sigmoid(net(x)['dead']) for net in self.nets) / len(self.nets)


def load(args, split):
    rows = read_index(args.data / 'dead-trees/index.csv', split)
    folder = args.data / 'dead-trees' / split
    pictures = cached(args.cache, f'dead-{split}', lambda: read_all(lambda r: read_four_bands(folder, r['file']), rows))
    masks = cached(args.cache, f'dead-{split}-mask', lambda: [np.array(Image.open(folder / f"{r['file']}.mask.png").convert('L')) > 0 for r in rows])
    return rows, pictures, masks


def drawer(rows, pictures, masks, strength, nir, teacher=None):
    """Crops of random turn, states drawn by 1 / sqrt(n), half of the crops around a dead pixel; jitter of up to `strength`, and of nir by `nir`.

    teacher: a DeadGraph whose probabilities of the crops, before jitter and turned at random, are targets too.
    """
    bank, truth = Bank(pictures, device()), Bank([m[..., None].astype(np.uint8) for m in masks], device())
    dead_at = [np.argwhere(m)[:, ::-1] for m in masks]
    states = np.array([r['state'] for r in rows])
    weight = np.array([1 / np.sqrt((states == s).sum()) for s in states])
    weight /= weight.sum()

    def draw(rng, batch):
        index = rng.choice(len(rows), batch, p=weight)
        around = np.full((batch, 2), np.nan)
        for k, i in enumerate(index):
            if k % 2 == 0 and len(dead_at[i]):
                around[k] = dead_at[i][rng.integers(len(dead_at[i]))]
        windows = bank.draw(rng, index, SIDE / np.exp(rng.uniform(np.log(0.75), np.log(1.45), batch)), around, any_turn=True, overhang=np.where(rng.random(batch) < 0.5, RIM, 0))
        keep = bank.inside(windows, SIDE) & torch.from_numpy(strips(rng, batch, SIDE)).to(bank.pixels.device)
        clean = bank.cut(windows, SIDE)
        x = jitter(rng, clean, rng.uniform(0, strength, batch), sharpen=1.0, compressed=0.4, nir=nir) * keep
        taught = {'taught': turned(teacher, to_input(clean * keep), int(rng.integers(8)))[0]} if teacher else {}
        return {'x': to_input(x), 'y': ((truth.cut(windows, SIDE) > 0.5) & keep).float(), **taught}

    return draw


def loss_of(outputs, t, step, alpha=0.5):
    """BCE + Tversky over the batch; alpha weighs false positives (0.5: Dice). A teacher's probabilities count half in both."""
    z, y = outputs['dead'], (t['y'] + t['taught']) / 2 if 'taught' in t else t['y']
    bce = F.binary_cross_entropy_with_logits(z, y)
    p = torch.sigmoid(z)
    tp, fp, fn = (p * y).sum(), (p * (1 - y)).sum(), ((1 - p) * y).sum()
    tversky = 1 - (tp + 1) / (tp + alpha * fp + (1 - alpha) * fn + 1)
    return 2 * bce + tversky, {'bce': bce, 'tversky': tversky}


@torch.no_grad()
def predict(graph, picture, rgb_only=False):
    """Probabilities of a picture, height x width; beyond its edge the input is 0, as in the product."""
    h, w = picture.shape[:2]
    x = np.zeros((1, -(-h // 16) * 16 + 32, -(-w // 16) * 16 + 32, 4), np.float32)
    x[0, 16: 16 + h, 16: 16 + w] = picture
    if rgb_only:
        x[..., 3] = 0
    return graph(torch.from_numpy(to_input(x)).to(next(graph.parameters()).device))[0, 0, 16: 16 + h, 16: 16 + w].cpu().numpy()


def tallies(p, mask, threshold, min_area):
    """Per picture: pixels (tp, fp, fn) and objects (matched, predicted, true)."""
    pred, n_pred = objects(p > threshold, min_area)
    true, n_true = objects(mask, TRUE_MIN_PX)
    b = pred > 0
    return [(b & mask).sum(), (b & ~mask).sum(), (~b & mask).sum(), match_objects(pred, n_pred, true, n_true), n_pred, n_true]


def scores(rows):
    tp, fp, fn, hit, n_pred, n_true = np.asarray(rows).sum(0)
    return {'iou': tp / max(1, tp + fp + fn), 'precision': hit / max(1, n_pred), 'recall': hit / max(1, n_true), 'f1': f1_of(hit, n_pred, n_true)}


def with_intervals(rows):
    rows = np.asarray(rows)
    return {k: scored(len(rows), lambda i: scores(rows[i])[k]) for k in scores(rows)}


def matched(pictures, fitted):
    """Pictures of one place, each band brought to the mean and deviation of the training's pictures `fitted`: the product's radiometric match."""
    (mean, sd), (to_mean, to_sd) = moments(pictures), moments(fitted)
    return [(p - mean) * (to_sd / sd) + to_mean for p in pictures]


def views(graph, pictures, fitted):
    """What a graph says of pictures of one place: as they are, by red, green, blue alone, and matched. {ending of the scores' names: maps}"""
    of = lambda seen, **how: [predict(graph, p, **how) for p in seen]
    return {'': of(pictures), '_rgb_only': of(pictures, rgb_only=True), '_matched': of(matched(pictures, fitted))}


def named(scores, ending=''):
    """Scores by their names on a card."""
    return {('pixel_iou' if k == 'iou' else f'object_{k}') + ending: v for k, v in scores.items()}


def fit(args, rows, pictures, masks):
    """Train on all states but one, and keep what is said there; or on all."""
    held, used = [[i for i, r in enumerate(rows) if (r['state'] == args.state) == there] for there in (True, False)]
    pick = lambda k: ([rows[i] for i in k], [pictures[i] for i in k], [masks[i] for i in k])
    run = args.runs / f"{args.name}-{args.state or 'final'}"
    schedule = Schedule(args.steps or (600 if held else 1200), args.seed, batch=args.batch, lr=args.lr)
    draw = drawer(*pick(used), args.strength, args.nir, mean_of(DeadGraph, args.teacher, DeadNet))
    net = train(run, lambda: DeadNet(tuple(args.widths)), draw, lambda o, t, s: loss_of(o, t, s, args.alpha), schedule, args.start)
    if held:
        said = views(DeadGraph([net]), pick(held)[1], pick(used)[1])
        np.savez_compressed(run / 'held.npz', **{f'{k}{ending}': (m * 255).round().astype(np.uint8) for ending, maps in said.items() for k, m in enumerate(maps)})
        print(args.state, {ending: scores([tallies(m, masks[i], args.threshold, args.min_area) for m, i in zip(maps, held)]) for ending, maps in said.items()})


def read_held(runs, name, rows, masks):
    """What the folds that are there said: {state: {ending: [(probabilities, mask)]}}."""
    out = {}
    for s in STATES:
        path, at = runs / f'{name}-{s}/held.npz', [i for i, r in enumerate(rows) if r['state'] == s]
        if path.exists():
            with np.load(path) as z:
                out[s] = {ending: [(z[f'{k}{ending}'] / np.float32(255), masks[i]) for k, i in enumerate(at)] for ending in ('', *VIEWS)}
    return out


def report_held(args, held):
    """Scores by state left out, with intervals; writes NAME-held.json."""
    out = {}
    for s, said in held.items():
        out[s] = {}
        for ending, cases in said.items():
            out[s] |= named(with_intervals([tallies(m, y, args.threshold, args.min_area) for m, y in cases]), ending)
        print(s, {k: v[0] for k, v in out[s].items()}, flush=True)
    (args.runs / f'{args.name}-held.json').write_text(json.dumps(out))


def report_thresholds(held):
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7):
        for area in (10, 16, 24):
            by = {s: scores([tallies(m, y, threshold, area) for m, y in said['']]) for s, said in held.items()}
            mean = {k: np.mean([of[k] for of in by.values()]) for k in ('iou', 'f1')}
            print(threshold, area, 'mean iou %.3f f1 %.3f' % (mean['iou'], mean['f1']), ' '.join('%s %.3f/%.3f' % (s, of['iou'], of['f1']) for s, of in by.items()), flush=True)


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['fold', 'final', 'thresholds', 'held'])
    p.add_argument('state', nargs='?', choices=STATES)
    p.add_argument('--name', default='dead', help='name of the recipe: runs are NAME-STATE and NAME-final')
    p.add_argument('--strength', type=float, default=1.2)
    p.add_argument('--nir', type=float, default=0.3, help='sd of the gain of nir, beyond that of all bands')
    p.add_argument('--teacher', type=Path, nargs='+', help='folders of finished runs whose mean is taught')
    p.add_argument('--alpha', type=float, default=0.5)
    p.add_argument('--threshold', type=float, default=0.4)
    p.add_argument('--min-area', type=int, default=16)
    p.add_argument('--widths', type=int, nargs=4, default=WIDTHS)
    args = settled(p)
    rows, pictures, masks = load(args, 'train')
    if args.what in ('fold', 'final'):
        fit(args, rows, pictures, masks)
        return
    held = read_held(args.runs, args.name, rows, masks)
    if args.what == 'held':
        report_held(args, held)
    else:
        report_thresholds(held)


if __name__ == '__main__':
    main()
