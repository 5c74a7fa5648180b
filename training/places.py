"""What the place of a patch changes: a network on one lattice of patches against another, and against the whole picture.

  places.py count | dead | crown   [--model FOLDER] [--patch N --margin N] [--split train|val] [--every N] [--write]

A network with attention sees its whole patch, so a pixel's value depends on which patch decides on it. A survey has one lattice,
anchored to the CRS origin, so the same ground always gets the same value; this says how much another lattice would have changed.
Runs model.onnx in ONNX Runtime by the product's session. --write puts the table on the model's page.
"""
import datetime
import json
from pathlib import Path

import treelib.sgd  # noqa: F401  first: sets the threads before torch is loaded
import count
import crown
import dead
import numpy as np
import ship
from PIL import Image
from treelib.export import check_lines, run_onnx, write_card
from treelib.jitter import to_input
from treelib.page import LATTICE, put_block, table
from treelib.score import count_scores
from treelib.settings import HERE, MODELS, parser, settled

STRIDE, RIM = 16, 32


def window(picture, row, col, height, width):
    """Pixels of a window that may reach outside, where they are 0 as in the product."""
    out = np.zeros((height, width, picture.shape[2]), np.float32)
    r, c, h, w = max(row, 0), max(col, 0), picture.shape[0], picture.shape[1]
    inside = picture[r: max(r, min(row + height, h)), c: max(c, min(col + width, w))]
    out[r - row: r - row + inside.shape[0], c - col: c - col + inside.shape[1]] = inside
    return out


def by_patches(model, picture, patch, margin, first):
    """Maps {name: channels x rows x cols} of a picture whose first pixel is pixel `first` of the lattice: trusted centres only."""
    step, (h, w) = patch - 2 * margin, picture.shape[:2]
    starts = lambda size: [s for s in range(-step - first, size, step) if s + margin < size and s + patch - margin > 0]
    at = [(r, c) for r in starts(h) for c in starts(w)]
    runs = run_onnx(model, [to_input(window(picture, r, c, patch, patch)[None]) for r, c in at])
    out = {}
    for (r, c), maps in zip(at, runs):
        for name, m in maps.items():
            k = patch // m.shape[2]
            whole = out.setdefault(name, np.zeros((m.shape[1], -(-h // k), -(-w // k)), np.float32))
            r0, c0, r1, c1 = max(0, r + margin), max(0, c + margin), min(whole.shape[1] * k, r + patch - margin), min(whole.shape[2] * k, c + patch - margin)
            whole[:, r0 // k: r1 // k, c0 // k: c1 // k] = m[0, :, (r0 - r) // k: (r1 - r) // k, (c0 - c) // k: (c1 - c) // k]
    return out


def as_whole(model, picture):
    """Maps of a picture in one piece, with a rim of 0."""
    h, w = [-(-s // STRIDE) * STRIDE for s in picture.shape[:2]]
    (maps,) = run_onnx(model, [to_input(window(picture, -RIM, -RIM, h + 2 * RIM, w + 2 * RIM)[None])])
    crop = lambda m, k: m[0, :, RIM // k: (RIM + picture.shape[0]) // k + ((RIM + picture.shape[0]) % k > 0), RIM // k: (RIM + picture.shape[1]) // k + ((RIM + picture.shape[1]) % k > 0)]
    return {name: crop(m, (h + 2 * RIM) // m.shape[2]) for name, m in maps.items()}


def adjoining(rows, pictures, points):
    """Pictures of 2020 that adjoin from west to east, two in one: the only ones larger than a patch."""
    place = {(r['epsg'], round(float(r['x_min']), 1), round(float(r['y_max']), 1)): i for i, r in enumerate(rows) if r['year'] == '2020'}
    pairs = [(i, place.get((e, round(x + 153.6, 1), y))) for (e, x, y), i in place.items()]
    return [(np.concatenate([pictures[i], pictures[j]], 1), np.concatenate([points[i], points[j] + [256, 0]])) for i, j in pairs if j is not None]


def cases_of(args):
    """(picture, truth) of the pictures that are compared."""
    if args.what == 'count':
        return adjoining(*count.load(args, 'train'))
    if args.what == 'dead':
        rows, pictures, masks = dead.load(args, args.split)
        return list(zip(pictures, masks))[:: args.every]
    image = Image.open(args.data / 'crowns/urban_ortho_A.tif').convert('RGB')
    return [(np.asarray(image.resize([s // 2 for s in image.size], Image.BOX)), ship.read_boxes(args.data / 'crowns/urban_ortho_A.csv'))]


def figures(what, post, cases, maps):
    """The scores of maps, as the training has them."""
    if what == 'count':
        rows = count.point_rows([m['heat'][0] for m in maps], [t for _, t in cases], post['peak_threshold'])
        s = count_scores([m['density'].sum() for m in maps], [len(t) for _, t in cases])
        return {'trees': sum(float(m['density'].sum()) for m in maps), 'MAE': s['mae'], 'F1 at 6 m': count.point_scores(rows)['f1_6m']}
    if what == 'dead':
        s = dead.scores([dead.tallies(m['dead'][0], t, post['threshold'], round(post['min_area_m2'] / 0.36)) for (_, t), m in zip(cases, maps)])
        return {'pixel IoU': s['iou'], 'object F1': s['f1']}
    boxes = [crown.boxes_of((m['heat'][0], m['size']), post['score_threshold'], shrink=post['size_factor'], overlap=post['max_overlap']) for m in maps]
    s = crown.box_scores(crown.box_rows(boxes, [t for _, t in cases]))
    return {'boxes': sum(len(b) for b, _ in boxes), 'F1 at IoU 0.4': s['f1']}


def differences(a, b, name):
    d = np.concatenate([np.abs(x[name] - y[name]).ravel() for x, y in zip(a, b)])
    return {'mean': d.mean(), '99 %': np.quantile(d, 0.99), '99.9 %': np.quantile(d, 0.999), 'largest': d.max()}


def on_card(folder, card, apart, output):
    """The differences between two lattices as lines of the card."""
    lines = check_lines('pictures of the page', LATTICE, {f'{k}_difference_of_{output}': apart[k] for k in ('mean', 'largest')}, datetime.date.today().isoformat())
    card['scores'] = [s for s in card['scores'] if s['split'] != LATTICE] + lines
    write_card(folder, card)


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['count', 'dead', 'crown'])
    p.add_argument('--model', type=Path, help='folder of model.onnx and card.json (default: that in models/)')
    p.add_argument('--patch', type=int, help='default: that of the card')
    p.add_argument('--margin', type=int, help='default: that of the card')
    p.add_argument('--split', default='val', choices=['train', 'val'])
    p.add_argument('--every', type=int, default=1, help='one picture in so many')
    p.add_argument('--write', action='store_true', help="put the table on the model's page, and the differences on its card")
    args = settled(p)
    folder = args.model or HERE.parent / 'models' / MODELS[args.what]
    card = json.loads((folder / 'card.json').read_text())
    patch, margin = args.patch or card['input']['patch_px'], args.margin or card['input']['margin_px']
    model, cases, half = folder / 'model.onnx', cases_of(args), (patch - 2 * margin) // 2 // STRIDE * STRIDE
    first = {'lattice of the origin': 0, f'moved by half a step, {half} px': half}
    maps = {name: [by_patches(model, c, patch, margin, f) for c, _ in cases] for name, f in first.items()} | {'picture in one piece': [as_whole(model, c) for c, _ in cases]}
    scores = {name: figures(args.what, card['post'], cases, m) for name, m in maps.items()}
    output, base = card['outputs'][0]['name'] if args.what != 'count' else 'heat', next(iter(maps))
    apart = {name: differences(maps[base], maps[name], output) for name in list(maps)[1:]}
    rows = [[name, *[f'{v:.0f}' if v > 10 and k in ('trees', 'boxes') else f'{v:.3f}' for k, v in scores[name].items()], *([''] * 4 if name == base else [f'{v:.2g}' for v in apart[name].values()])] for name in maps]
    text = table([f'{len(cases)} picture{"s" * (len(cases) > 1)}, patch {patch}, margin {margin}', *scores[base], f'mean difference of {output}', '99 %', '99.9 %', 'largest'], rows)
    print(text)
    if args.write:
        put_block(folder / 'README.md', 'places', f'training/places.py {args.what}', text)
        on_card(folder, card, apart[list(maps)[1]], output)


if __name__ == '__main__':
    main()
