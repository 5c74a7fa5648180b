"""Score a finished training on val, export it, check it against ONNX Runtime, write models/NAME/model.onnx and card.json.

  ship.py count | dead | crown | alive     --folds FILE [--run FOLDER] [--threshold T] [--sheet FILE.png]     writes models/
  ship.py count | dead | crown | alive     --into FOLDER                                                      to look at a run

Thresholds are those that are shipped unless others are given: chosen on training pictures, never on val.
"""
import csv
import datetime
import json
from pathlib import Path

from treelib.sgd import load_ema  # first: sets the threads before torch is loaded
import alive
import count
import crown
import dead
import numpy as np
import torch
from PIL import Image, ImageDraw
from treelib.export import band_statistics, check, check_lines, export, input_of, score_lines, write_card
from treelib.net import load_any
from treelib.score import average_precision, count_scores, scored
from treelib.page import PYTORCH
from treelib.settings import HERE, MODELS, parser, settled

RGBN = ('red', 'green', 'blue', 'nir')
TODAY = datetime.date.today().isoformat()
UNKNOWN = 'unknown'


class CrownGraph(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        out = self.net(x)
        return torch.sigmoid(out['heat']), out['size']


class AliveGraph(torch.nn.Module):
    """Mean of the probabilities of several networks."""

    def __init__(self, nets):
        super().__init__()
        self.nets = torch.nn.ModuleList(nets)

    def forward(self, x):
        return sum(torch.softmax(net(x), 1) for net in self.nets) / len(self.nets)


def ship_count(args, folder):
    graph, names = count.CountGraph([load_any(run, count.make_net) for run in args.run or [args.runs / 'count-final']]).eval(), ['density', 'heat']
    rows, pictures, points = count.load(args, 'val')
    scores, threshold = {}, args.threshold or 0.27
    for tag, rgb_only in (('', False), ('_rgb_only', True)):
        maps = [count.predict(graph, p, rgb_only, rim=32) for p in pictures]
        n, t = np.array([m[0].sum() for m in maps]), np.array([len(p) for p in points])
        r = count.point_rows([m[1] for m in maps], points, threshold)
        for k in ('mae', 'r2', 'bias'):
            scores[k + tag] = scored(len(t), lambda i: count_scores(n[i], t[i])[k])
        for k in ('precision_6m', 'recall_6m', 'f1_6m', 'f1_2.4m'):
            scores[k + tag] = scored(len(t), lambda i: count.point_scores(r[i])[k])
        print(tag or '_rgbn', count_scores(n, t), {k: round(v, 4) for k, v in count.point_scores(r).items()})
        if not tag:
            scores['position_rmse_m'] = scored(len(t), lambda i: count.point_scores(r[i])['position_rmse_m'])
            sheet = [draw_points(p, count.peaks(m[1], threshold), q, f'{m[0].sum():.0f} / {len(q)}') for p, m, q in zip(pictures, maps, points)]
    size = export(graph, folder / 'model.onnx', 4, names)
    worst = check(graph, folder / 'model.onnx', names, [pictures[0], pictures[1][:128, :192]])
    train_rows, train_pictures, _ = count.load(args, 'train')
    data = 'jonathanventura/urban-tree-detection-data'
    lines = score_lines(data, 'val: 56 other places of the same cities, 2020', scores, TODAY)
    for city, s in json.loads(args.folds.read_text()).items() if args.folds else ():  # by count.py held
        lines += score_lines(data, f"train, 2020: {city.replace('_', ' ')}, {'each ' if city.startswith('all') else ''}left out of all training", s, TODAY)
    card = {
        'name': 'tree-count-urban', 'version': '1.3.0', 'task': 'density', 'licence': 'Apache-2.0',
        'input': input_of(RGBN, ('nir',), gsd_m=0.6, gsd_range_m=[0.5, 0.75], patch_px=256, margin_px=32, stride_px=16, statistics=band_statistics(train_pictures, RGBN)),
        'outputs': [{'name': 'density', 'variable': 'stems', 'unit': 'stems/px', 'stride_px': 2, 'activation': 'none', 'range': [0, 2]},
                    {'name': 'heat', 'variable': 'heat', 'unit': '1', 'stride_px': 2, 'activation': 'none', 'range': [0, 1]}],
        'post': {'peak_threshold': threshold, 'peak_radius_m': 2.4, 'localisation_error_m': round(scores['position_rmse_m'][0], 2)}, 'tolerance': 1e-4,
        'training': [{'data': 'jonathanventura/urban-tree-detection-data (Ventura et al. 2024), train: 418 places of 2016, 2018 and 2020', 'licence': 'CC-BY-4.0', 'region': 'cities of southern California, NAIP'}],
        'scores': lines,
    }
    return card, size, worst, sheet


def ship_dead(args, folder):
    graph, names = dead.DeadGraph([load_any(run, dead.DeadNet) for run in args.run or [args.runs / 'dead-final']]).eval(), ['dead']
    rows, pictures, masks = dead.load(args, 'val')
    threshold, area = args.threshold or 0.4, args.min_area
    _, train_pictures, _ = dead.load(args, 'train')
    scores, said = {}, dead.views(graph, pictures, train_pictures)
    for ending, maps in said.items():
        scores |= dead.named(dead.with_intervals([dead.tallies(m, t, threshold, area) for m, t in zip(maps, masks)]), ending)
    print({k: v[0] for k, v in scores.items()})
    sheet = [draw_masks(p, m > threshold, t) for p, m, t in zip(pictures, said[''], masks)]
    size = export(graph, folder / 'model.onnx', 4, names)
    worst = check(graph, folder / 'model.onnx', names, [pictures[0][:256, :256], pictures[1][:128, :192]])
    lines = score_lines('standing dead trees in NAIP (M. Ahishali, Kaggle)', 'val: other counties of WA', scores, TODAY)
    if args.folds:  # scores on states left out, by dead.py held
        for state, s in json.loads(args.folds.read_text()).items():
            lines += score_lines('standing dead trees in NAIP (M. Ahishali, Kaggle)', f'{state.upper()} left out, from scratch without teachers', s, TODAY)
    card = {
        'name': 'dead-tree-naip', 'version': '1.2.0', 'task': 'segment', 'licence': 'Apache-2.0',
        'input': input_of(RGBN, ('nir',), gsd_m=0.6, gsd_range_m=[0.5, 0.75], patch_px=256, margin_px=32, stride_px=16, statistics=band_statistics(train_pictures, RGBN)),
        'outputs': [{'name': 'dead', 'variable': 'dead', 'unit': '1', 'stride_px': 1, 'activation': 'none', 'range': [0, 1]}],
        'post': {'objects': 'climb', 'threshold': threshold, 'min_area_m2': round(area * 0.36, 2), 'window_m': 3.0, 'max_radius_m': 8.0}, 'tolerance': 1e-4,
        'training': [{'data': 'imagery: USDA NAIP 2018-2023', 'licence': 'CC-PDM-1.0', 'region': 'MO, AR, TX, WA (USA)'},
                     {'data': 'masks of standing dead trees drawn by hand (M. Ahishali, Kaggle; used by ADA-Net 2025)', 'licence': UNKNOWN, 'region': 'MO, AR, TX, WA (USA)'}],
        'scores': lines,
    }
    return card, size, worst, sheet


def read_plots(args):
    """Val of the crowns: (name, picture, boxes) of NEON plots with boxes, and the urban picture in the patches of its boxes."""
    from osgeo import gdal
    gdal.UseExceptions()
    out = []
    for path in sorted((args.data / 'crowns/plots').glob('*.csv')):
        a = gdal.Open(str(path.with_suffix('.tif'))).ReadAsArray()[:3].transpose(1, 2, 0)
        out.append((path.stem[:4], Image.fromarray(np.ascontiguousarray(a.astype(np.uint8))), read_boxes(path)))
    urban, boxes = Image.open(args.data / 'crowns/urban_ortho_A.tif').convert('RGB'), read_boxes(args.data / 'crowns/urban_ortho_A.csv')
    for r in range(0, urban.size[1], 512):
        for c in range(0, urban.size[0], 512):
            mid = (boxes[:, :2] + boxes[:, 2:]) / 2
            k = (mid[:, 0] >= c) & (mid[:, 0] < c + 512) & (mid[:, 1] >= r) & (mid[:, 1] < r + 512)
            out.append(('URBAN', urban.crop((c, r, c + 512, r + 512)), boxes[k] - [c, r, c, r]))
    return out


def read_boxes(path):
    """Boxes of a file; those without area (3 of urban_ortho_A, cut to lines by old patches) are left out."""
    with open(path, newline='') as f:
        boxes = np.array([[float(r[k]) for k in ('xmin', 'ymin', 'xmax', 'ymax')] for r in csv.DictReader(f)]).reshape(-1, 4)
    return boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]


def ship_crown(args, folder):
    net, _ = load_ema(args.run[0] if args.run else args.runs / 'crown-final', crown.CrownNet)
    graph, names = CrownGraph(net).eval(), ['heat', 'size']
    threshold, overlap = args.threshold or 0.35, args.overlap
    plots = read_plots(args)
    maps = [crown.predict(net, p) for _, p, _ in plots]
    lines, sheet = [], []
    for group, sites in (('HARV and OSBS', ('HARV', 'OSBS')), ('HARV', ('HARV',)), ('OSBS', ('OSBS',)), ('SJER', ('SJER',)), ('urban_ortho_A', ('URBAN',))):
        k = [j for j, p in enumerate(plots) if p[0] in sites]
        r = crown.box_rows([crown.boxes_of(maps[j], threshold, shrink=crown.SHRINK, overlap=overlap) for j in k], [plots[j][2] for j in k])
        s = {name: scored(len(k), lambda i: crown.box_scores(r[i])[key]) for name, key in (('f1_iou40', 'f1'), ('precision_iou40', 'precision'), ('recall_iou40', 'recall'))}
        cases = [(*crown.boxes_of(maps[j], crown.LOWEST, shrink=crown.SHRINK, overlap=overlap), plots[j][2]) for j in k]
        s['ap50'] = average_precision(cases, 0.5)
        print(group, {n: round(v[0] if isinstance(v, list) else v, 3) for n, v in s.items()}, flush=True)
        lines += score_lines('crowns of Campo Grande (individual_urban_tree_crown_detection)' if group == 'urban_ortho_A' else 'NEON plots (DeepForest history)', f'val: {group}', s, TODAY)
    sheet = [draw_boxes(p, crown.boxes_of(m, threshold, shrink=crown.SHRINK, overlap=overlap)[0], t, site) for (site, p, t), m in zip(plots, maps)]
    if args.folds:
        lines += score_lines('NeonTreeEvaluation, contrast-equalised copies (abhishek-syno/tree_test)', 'sites left out of training', json.loads(args.folds.read_text()), TODAY)
    size = export(graph, folder / 'model.onnx', 3, names)
    worst = check(graph, folder / 'model.onnx', names, [np.asarray(plots[0][1])[:256, :256], np.asarray(plots[1][1])[:128, :192]])
    images, _, _ = crown.load(args)
    card = {
        'name': 'tree-crown-rgb', 'version': '1.0.0', 'task': 'detect', 'licence': 'Apache-2.0',
        'input': input_of(RGBN[:3], gsd_m=0.2, gsd_range_m=[0.1, 0.4], patch_px=320, margin_px=48, stride_px=16, statistics=band_statistics([np.asarray(i) for i in images], RGBN[:3])),
        'outputs': [{'name': 'heat', 'variable': 'heat', 'stride_px': 4, 'activation': 'none'}, {'name': 'size', 'variable': 'size', 'channels': 4, 'stride_px': 4, 'activation': 'none', 'unit': 'px', 'range': [0, 400]}],
        'post': {'format': 'centre-size', 'size': 'ltrb', 'size_unit': 'px', 'size_factor': crown.SHRINK, 'peak_radius_m': 1.2, 'score_threshold': threshold, 'max_overlap': overlap, 'max_box_m': 20, 'match_radius_m': 3},
        'tolerance': 1e-3,
        'training': [{'data': 'NeonTreeEvaluation pictures and boxes, contrast-equalised copies (abhishek-syno/tree_test)', 'licence': 'CC-BY-4.0', 'region': '18 NEON sites of the USA, RGB 0.1 m'}],
        'scores': lines,
    }
    return card, size, worst, sheet


def ship_alive(args, folder):
    nets = [load_ema(run, alive.CropNet)[0] for run in sorted((args.run[0] if args.run else args.runs / 'alive-final').iterdir())]
    graph, names = AliveGraph(nets).eval(), ['class']
    items = alive.load(args)
    with np.load(args.folds or args.runs / 'alive-held.npz') as z:
        held, y = z['held'], z['y']
    measures = {'balanced_accuracy': alive.balanced, 'recall_alive': lambda p, t: (p[t == 0] <= 0.5).mean(), 'recall_dead': lambda p, t: (p[t == 1] > 0.5).mean()}
    sites, whole, lines = np.array([site for _, _, site in items]), np.array([min(im.size) >= alive.SIDE for im, _, _ in items]), []
    for split, k in (('five groups of sites, each left out once', np.arange(len(y))), ('five groups of sites, each left out once: crops as large as the window', np.flatnonzero(whole))):
        scores = {name: scored(len(k), lambda i: of(held[k[i]], y[k[i]]), places=sites[k]) for name, of in measures.items()}
        print(split, len(k), {name: round(float(v[0]), 4) for name, v in scores.items()})
        lines += score_lines('NEON crown crops (weecology/DeepTreeAttention)', split, scores, TODAY)
    size = export(graph, folder / 'model.onnx', 3, names, side=alive.SIDE, any_size=False)
    crops = [alive.window(im, im.size[0] / 2, im.size[1] / 2, alive.SIDE) for im, _, _ in items]
    worst = check(graph, folder / 'model.onnx', names, crops[::25])
    card = {
        'name': 'crown-alive-dead', 'version': '1.1.0', 'task': 'classify', 'licence': 'Apache-2.0',
        'input': input_of(RGBN[:3], gsd_m=0.1, gsd_range_m=[0.07, 0.14], patch_px=alive.SIDE, margin_px=0, stride_px=16, statistics=band_statistics([np.asarray(i[0]) for i in items], RGBN[:3])),
        'outputs': [{'name': 'class', 'variable': 'status', 'channels': 2, 'activation': 'none', 'unit': '1', 'range': [0, 1]}],
        'post': {'classes': ['alive', 'dead'], 'crop_m': round(alive.SIDE * 0.1, 2), 'gives': 'status', 'min_probability': 0.5}, 'tolerance': 1e-4,
        'training': [{'data': 'imagery: NEON', 'licence': 'CC0-1.0', 'region': '41 NEON sites of the USA, RGB 0.1 m'},
                     {'data': 'crops and their class (weecology/DeepTreeAttention)', 'licence': 'MIT', 'region': '41 NEON sites of the USA'}],
        'scores': lines,
    }
    return card, size, worst, [crops[i] for i in np.argsort(np.where(y == 1, held, 1 - held))[:60]]


def draw_points(picture, pred, true, text):
    image = Image.fromarray(picture[..., :3]).resize((512, 512))
    d = ImageDraw.Draw(image)
    for xy, colour in ((true, (255, 255, 0)), (pred, (255, 0, 0))):
        for x, y in xy * 2:
            d.ellipse([x - 4, y - 4, x + 4, y + 4], outline=colour)
    d.text((4, 4), text, fill=(255, 255, 255))
    return np.asarray(image)


def draw_masks(picture, pred, true):
    out = picture[..., :3].astype(np.float32)
    for mask, colour in ((pred, (255, 0, 0)), (true, (255, 255, 0))):
        inner = mask & np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)
        out[mask & ~inner] = colour
    return np.asarray(Image.fromarray(out.astype(np.uint8)).crop((0, 0, 400, 400)))


def draw_boxes(picture, pred, true, text):
    image = picture.copy().crop((0, 0, 512, 512))
    d = ImageDraw.Draw(image)
    for boxes, colour in ((true, (255, 255, 0)), (pred, (255, 0, 0))):
        for b in boxes:
            d.rectangle(list(b), outline=colour)
    d.text((4, 4), text, fill=(255, 255, 255))
    return np.asarray(image)


def save_sheet(path, tiles, across=8):
    side = max(max(t.shape[:2]) for t in tiles)
    fit = [np.pad(t, ((0, side - t.shape[0]), (0, side - t.shape[1]), (0, 0))) for t in tiles]
    fit += [np.zeros_like(fit[0])] * (-len(fit) % across)
    Image.fromarray(np.concatenate([np.concatenate(fit[i: i + across], 1) for i in range(0, len(fit), across)], 0)).save(path)


SHIP = {'count': ship_count, 'dead': ship_dead, 'crown': ship_crown, 'alive': ship_alive}


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=SHIP)
    p.add_argument('--run', type=Path, nargs='+', help='folders of finished runs: of several the mean is shipped')
    p.add_argument('--into', type=Path, default=HERE.parent / 'models')
    p.add_argument('--sheet', type=Path, help='picture of predictions (red) and truth (yellow) to look at; never commit it')
    p.add_argument('--threshold', type=float)
    p.add_argument('--min-area', type=int, default=16)
    p.add_argument('--overlap', type=float, default=0.3)
    p.add_argument('--folds', type=Path, help='scores of the folds, for the card')
    args = settled(p)
    if args.into == HERE.parent / 'models' and not args.folds:
        p.error('give the scores of places left out for the card, --folds FILE; or --into FOLDER, to look at a run without touching models/')
    folder = args.into / MODELS[args.what]
    card, size, worst, tiles = SHIP[args.what](args, folder)
    card['tolerance'] = max(card['tolerance'], float(f'{10 * max(worst.values()):.0e}'))
    card['scores'] += check_lines('pictures scored', PYTORCH, {f'largest_difference_of_{name}': d for name, d in worst.items()}, TODAY)
    write_card(folder, card)
    if args.sheet:
        save_sheet(args.sheet, tiles)
    print(f'{folder / "model.onnx"}: {size / 1e6:.1f} MB; ONNX Runtime against PyTorch, largest difference:', worst)


if __name__ == '__main__':
    main()
