"""What the size of a picture's pixels changes: the same pictures of val as of each size that the card's `gsd_range_m` allows.

  scales.py count | dead | crown   [--model FOLDER] [--sizes M ...] [--write]

The product never runs a network on pixels of another size: with `lattice: crs` a picture is resampled to the card's `gsd_m`, else the
job stops. So pictures are made as of a size (by area average where it is coarser than theirs, cubic where finer, which adds no detail),
rounded to levels, then resampled by the product's rule, an area average, linear where finer, onto the pixels on which the truth
lies. Radii, areas and distances of matches are then those of the card. Runs model.onnx in ONNX Runtime by the product's session.
"""
import json
from pathlib import Path

import treelib.sgd  # noqa: F401  first: sets the threads before torch is loaded
import count
import crown
import dead
import numpy as np
import ship
from places import as_whole, figures
from treelib.page import put_block, table
from treelib.score import average_precision
from treelib.settings import HERE, MODELS, parser, settled

NATIVE_M = {'count': 0.6, 'dead': 0.6, 'crown': crown.NATIVE}  # pixels of val
SAME = 0.01  # sizes nearer than this are one, as in the product
FALLS = {'MAE': 1.5, 'pixel IoU': -0.03, 'F1 at IoU 0.4': -0.05}  # how much worse than at gsd_m the page says
BETWEEN = {'crown': [0.3]}  # sizes beside the range's ends and gsd_m


def average(t, span):
    """Weight of source pixels at distance t (pixels): their area under an output pixel of `span`, at least one pixel wide."""
    half = max(1, span) / 2
    return (np.minimum(t + 0.5, half) - np.maximum(t - 0.5, -half)).clip(0)


def cubic(t, span):
    """Catmull-Rom (Keys 1981, a = -1/2), for finer pixels."""
    t = np.abs(t)
    return np.where(t >= 2, 0, np.where(t >= 1, ((-0.5 * t + 2.5) * t - 4) * t + 2, (1.5 * t - 2.5) * t * t + 1))


def weights(n_out, n_in, span, kernel):
    """n_out x n_in: what each source pixel gives to pixels of `span` of its own, from a common edge; those beyond the edge give nothing."""
    w = kernel(np.arange(n_in) + 0.5 - (np.arange(n_out)[:, None] + 0.5) * span, span)
    return w / w.sum(1, keepdims=True)


def resampled(picture, span, kernel=average, shape=None):
    """Levels (h x w x bands) on pixels `span` as wide, from the same upper left corner; as many as touch the picture, or `shape`."""
    h, w = shape or [int(np.ceil(s / span - 1e-6)) for s in picture.shape[:2]]
    rows, cols = weights(h, picture.shape[0], span, kernel), weights(w, picture.shape[1], span, kernel)
    return np.einsum('rh,cw,hwb->rcb', rows, cols, picture.astype(np.float64), optimize=True).astype(np.float32)


def as_of(picture, native_m, size_m, gsd_m):
    """A picture of native_m as a camera of size_m would give it, then on the pixels of gsd_m as the product has them."""
    same = lambda a, b: abs(a / b - 1) <= SAME
    h, w = [int(np.ceil(s * native_m / gsd_m - 1e-6)) for s in picture.shape[:2]]
    if not same(size_m, native_m):
        picture = resampled(picture, size_m / native_m, average if size_m > native_m else cubic).round().clip(0, 255)
    return picture if same(size_m, gsd_m) else resampled(picture, gsd_m / size_m, shape=(h, w))


def cases_of(args):
    """(picture, truth) of val; of the crowns the NEON plots of closed to open forest."""
    if args.what == 'crown':
        return [(np.asarray(p), boxes) for site, p, boxes in ship.read_plots(args) if site in ('HARV', 'OSBS')]
    _, pictures, truth = {'count': count, 'dead': dead}[args.what].load(args, 'val')
    return list(zip(pictures, truth))


def all_figures(what, post, cases, maps):
    """The scores of the page."""
    out = figures(what, post, cases, maps)
    if what == 'count':
        out['F1 at 2.4 m'] = count.point_scores(count.point_rows([m['heat'][0] for m in maps], [t for _, t in cases], post['peak_threshold']))['f1_2.4m']
    if what == 'crown':
        found = [crown.boxes_of((m['heat'][0], m['size']), crown.LOWEST, shrink=post['size_factor'], overlap=post['max_overlap']) for m in maps]
        out['AP50'] = average_precision([(*f, t) for f, (_, t) in zip(found, cases)], 0.5)
    return out


def said(scores, gsd_m):
    """A sentence for each size whose scores are clearly worse than at gsd_m, or one that none is."""
    falls = [(size, k, s[k]) for size, s in scores.items() for k, worse in FALLS.items() if k in s and (s[k] - scores[gsd_m][k]) / worse > 1]
    if not falls:
        return 'No size of the range scores clearly worse than the card\'s.'
    return ' '.join(f'**At {size:g} m it is clearly worse: {k} {v:.3f}, {scores[gsd_m][k]:.3f} at {gsd_m:g} m.**' for size, k, v in falls)


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['count', 'dead', 'crown'])
    p.add_argument('--model', type=Path, help='folder of model.onnx and card.json (default: that in models/)')
    p.add_argument('--sizes', type=float, nargs='+', help="metres a pixel (default: the ends of the card's range, gsd_m, for crowns 0.3)")
    p.add_argument('--write', action='store_true', help="put the table on the model's page")
    args = settled(p)
    folder = args.model or HERE.parent / 'models' / MODELS[args.what]
    card = json.loads((folder / 'card.json').read_text())
    gsd, native, cases = card['input']['gsd_m'], NATIVE_M[args.what], cases_of(args)
    sizes = sorted({*(args.sizes or [*card['input']['gsd_range_m'], *BETWEEN.get(args.what, [])]), gsd})
    scores = {size: all_figures(args.what, card['post'], cases, [as_whole(folder / 'model.onnx', as_of(q, native, size, gsd)) for q, _ in cases]) for size in sizes}
    cell = lambda k, v: f'{v:.0f}' if k in ('trees', 'boxes') else f'{v:.3f}'
    text = table([f'{len(cases)} pictures as of', *scores[gsd]], [[f'{size:g} m', *[cell(k, v) for k, v in s.items()]] for size, s in scores.items()]) + f'\n\n{said(scores, gsd)}'
    print(text)
    if args.write:
        put_block(folder / 'README.md', 'scales', f'training/scales.py {args.what}', text)


if __name__ == '__main__':
    main()
