"""Scores: counts, points, masks, boxes; intervals by bootstrap over pictures or places."""
import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist


def bootstrap(n, score, draws=1000, seed=1, places=None):
    """95 % interval of score(indices), pictures drawn with replacement; places: of each picture, where whole places are drawn."""
    rng = np.random.default_rng(seed)
    groups = None if places is None else [np.flatnonzero(np.asarray(places) == p) for p in sorted(set(places))]
    draw = lambda: rng.integers(0, n, n) if groups is None else np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
    return [float(v) for v in np.nanpercentile([score(draw()) for _ in range(draws)], [2.5, 97.5])]


def scored(n, score, **how):
    """score(indices) of all, and its interval."""
    return [float(score(np.arange(n))), bootstrap(n, score, **how)]


def f1_of(tp, n_pred, n_true):
    return 2 * tp / max(1, n_pred + n_true)


def count_scores(pred, true):
    """MAE, R2, bias and bias per class of true count."""
    pred, true = np.asarray(pred, float), np.asarray(true, float)
    e = pred - true
    out = {'mae': np.abs(e).mean(), 'r2': 1 - (e ** 2).sum() / max(1e-9, ((true - true.mean()) ** 2).sum()), 'bias': e.mean()}
    for low, high in ((0, 30), (30, 60), (60, 90), (90, 10 ** 6)):
        k = (true >= low) & (true < high)
        out[f'bias_{low}+'] = e[k].mean() if k.any() else float('nan')
    return {k: round(float(v), 4) for k, v in out.items()}


def match_points(pred, true, radius):
    """Pairs within `radius`: most pairs first, then least distance (as evaluate does). Returns index arrays."""
    if len(pred) == 0 or len(true) == 0:
        return np.zeros(0, int), np.zeros(0, int)
    d = cdist(pred, true)
    i, j = linear_sum_assignment(np.where(d <= radius, d, 1e6))
    ok = d[i, j] <= radius
    return i[ok], j[ok]


def box_iou(a, b):
    """IoU of boxes n x 4 and m x 4 (x0, y0, x1, y1)."""
    a, b = a[:, None], b[None]
    w = (np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])).clip(0)
    h = (np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])).clip(0)
    area = lambda r: (r[..., 2] - r[..., 0]) * (r[..., 3] - r[..., 1])
    return w * h / np.maximum(1e-9, area(a) + area(b) - w * h)


def match_boxes(pred, true, iou):
    """Number of one-to-one pairs with at least that IoU."""
    if len(pred) == 0 or len(true) == 0:
        return 0
    m = box_iou(pred, true)
    i, j = linear_sum_assignment(np.where(m >= iou, -m, 1e6))
    return int((m[i, j] >= iou).sum())


def average_precision(pictures, iou=0.5):
    """AP over pictures of (boxes, scores, true boxes): area under the interpolated precision-recall curve."""
    rows, n_true = [], 0
    for boxes, scores, true in pictures:
        n_true += len(true)
        taken = np.zeros(len(true), bool)
        m = box_iou(boxes, true) if len(boxes) and len(true) else np.zeros((len(boxes), len(true)))
        for k in np.argsort(-scores, kind='stable'):
            free = np.where(taken, -1, m[k]) if len(true) else np.zeros(0)
            best = int(free.argmax()) if len(free) else -1
            hit = best >= 0 and free[best] >= iou
            if hit:
                taken[best] = True
            rows.append((scores[k], hit))
    rows.sort(key=lambda r: -r[0])
    hits = np.cumsum([h for _, h in rows])
    recall, precision = hits / max(1, n_true), hits / np.arange(1, len(rows) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision)) if len(rows) else 0.0


EIGHT = np.ones((3, 3), bool)


def objects(mask, min_area):
    """Label image of the 8-connected parts of at least min_area pixels, and how many."""
    labels, n = ndimage.label(mask, EIGHT)
    areas = np.bincount(labels.ravel(), minlength=n + 1)
    keep = areas >= min_area
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0)[labels], int(keep.sum())


def match_objects(pred, n_pred, true, n_true, min_iou=0.3, radius_px=5):
    """Pairs of objects with IoU >= min_iou or centroids within radius_px, one to one, best IoU first."""
    if n_pred == 0 or n_true == 0:
        return 0
    both = np.bincount(pred.ravel().astype(np.int64) * (n_true + 1) + true.ravel(), minlength=(n_pred + 1) * (n_true + 1)).reshape(n_pred + 1, n_true + 1)
    inter = both[1:, 1:]
    iou = inter / (both[1:].sum(1)[:, None] + both[:, 1:].sum(0)[None] - inter)
    centres = lambda labels, n: np.array(ndimage.center_of_mass(labels > 0, labels, np.arange(1, n + 1)))
    near = cdist(centres(pred, n_pred), centres(true, n_true))
    fits = (iou >= min_iou) | (near <= radius_px)
    i, j = linear_sum_assignment(np.where(fits, -iou - 0.01 / (1 + near), 1e6))
    return int(fits[i, j].sum())
