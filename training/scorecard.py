"""Fill the pages of the image models: the table of scores from card.json, and scores.svg.

  scorecard.py tables                                every page's table, from the cards alone
  scorecard.py count | dead | crown | alive  [--runs runs/gpu]      the model's chart too: of the card, and of what networks say of places left out of their training
                                                     (count: `understory evaluate` on val as well)
"""
import json
import subprocess
from pathlib import Path

import treelib.sgd  # noqa: F401  first: sets the threads before torch is loaded
import alive
import count
import crown
import dead
import numpy as np
from treelib.chart import COLOURS, Panel, chart
from treelib.page import LATTICE, PYTORCH, VIEWS, put_block, table
from treelib.score import f1_of
from treelib.settings import HERE, MODELS, parser, settled

THRESHOLDS = np.arange(0.1, 0.81, 0.05)


def card_of(what):
    return json.loads((HERE.parent / 'models' / MODELS[what] / 'card.json').read_text())


def score_of(card, split, metric):
    """Value and interval (or None) of a line of the card; None where it has none."""
    return next(((s['value'], s.get('interval')) for s in card['scores'] if (s['split'], s['metric']) == (split, metric)), None)


def rows_of(card):
    """{name of the row: {metric: line}} in the card's order."""
    rows = {}
    for s in card['scores']:
        if s['split'] in (PYTORCH, LATTICE):
            continue
        ending = next((e for e in VIEWS if s['metric'].endswith(e)), '')
        rows.setdefault(s['split'] + VIEWS.get(ending, ''), {})[s['metric'].removesuffix(ending)] = s
    return rows


def cell(line, metric):
    """A value with its interval; errors of counts are in trees."""
    if line is None:
        return ''
    number = lambda v: f'{v:.{1 if metric.startswith(("mae", "bias")) else 3}f}'
    return number(line['value']) + (f" [{', '.join(map(number, line['interval']))}]" if 'interval' in line else '')


def checked(line):
    """A check of a card in words: `largest difference of heat 1.2e-6`."""
    return f"{line['metric'].replace('_', ' ')} {line['value']:.1e}".replace('e-0', 'e-')


def write_table(what):
    card = card_of(what)
    rows = rows_of(card)
    metrics = list(dict.fromkeys(m for row in rows.values() for m in row))
    body = [[name, *[cell(row.get(m), m) for m in metrics]] for name, row in rows.items()]
    checks = [f"{split}: {', '.join(checked(s) for s in card['scores'] if s['split'] == split)}." for split in (PYTORCH, LATTICE) if any(s['split'] == split for s in card['scores'])]
    drawn = 'pictures; on sites left out, whole sites' if what in ('crown', 'alive') else 'pictures'
    note = ' '.join([f"Version {card['version']}, scored {max(s['date'] for s in card['scores'])}. In brackets: 95 % by drawing {drawn}.", *checks])
    put_block(HERE.parent / 'models' / MODELS[what] / 'README.md', 'scores', 'training/scorecard.py', f"{table(['', *metrics], body)}\n\n{note}")


def bars(panel, card, splits, metric, colour, shift=0.0, name=None):
    """Scores with their intervals, one split a place."""
    for k, split in enumerate(splits):
        found = score_of(card, split, metric)
        if found:
            panel.interval(k + shift, *found, colour)
    panel.name(name, colour)


def on_places(title, splits, names, y, y_label):
    return Panel(title, (-0.5, len(splits) - 0.5), y, '', y_label, x_ticks=[(k, n) for k, n in enumerate(names)])


def by_threshold(panel, curve_of, threshold):
    """Precision, recall, F1 as the threshold moves; the card's is the dashed line. curve_of(t): hits, found, true."""
    tallies = [(t, h, n, m) for t, h, n, m in [(float(t), *map(float, curve_of(t))) for t in THRESHOLDS] if n > 0.02 * m]  # a precision of a handful says nothing
    for k, (name, value) in enumerate({'precision': lambda h, n, m: h / max(1, n), 'recall': lambda h, n, m: h / m, 'F1': f1_of}.items()):
        panel.line([(t, value(h, n, m)) for t, h, n, m in tallies], COLOURS[k + 1] if name != 'F1' else COLOURS[0], name)
    panel.segment((threshold, 0), (threshold, 1), '#333', 1, '4 3')
    return panel


def counted(data):
    """{bands: [(true, found)]} of val, a picture each, by the program's own evaluate."""
    out = {}
    for bands in ('red,green,blue,nir', 'red,green,blue'):
        done = subprocess.run([str(HERE.parent / 'node_modules/.bin/node'), str(HERE.parent / 'bin/understory.js'), 'evaluate', str(HERE.parent / 'models/tree-count-urban'), '--pictures', str(data / 'counting'),
                               '--split', 'val', '--bands', bands, '--json'], check=True, capture_output=True, text=True)
        of = {}
        for r in json.loads(done.stdout)['rows']:
            if r['stratum'].startswith('picture:'):
                of.setdefault(r['stratum'], {})[r['metric']] = r['value']
        out[bands] = [(v['count_mean'], v['count_mean'] + v['count_bias']) for v in of.values()]
    return out


def initials(city):
    return 'all' if city.startswith('all') else ''.join(word[0].upper() for word in city.split())


def chart_count(args, card):
    found = counted(args.data)
    most = 10 * (1 + int(max(max(pair) for pairs in found.values() for pair in pairs) / 10))
    a = Panel('Val: trees of a picture', (0, most), (0, most), 'counted on the ground truth', 'by the model')
    a.segment((0, 0), (most, most), '#999')
    for k, (bands, pairs) in enumerate(found.items()):
        a.points(pairs, COLOURS[k], bands, filled=k == 0)
    held = {c: np.load(args.runs / f'count-{c}/held.npz') for c in count.CITIES}
    splits = [s['split'] for s in card['scores'] if s['metric'] == 'mae' and 'left out' in s['split']]
    b = on_places('A city left out (initials)', splits, [initials(s.split(': ')[1].split(',')[0]) for s in splits], (0, 25), 'MAE, trees a picture')
    bars(b, card, splits, 'mae', COLOURS[0], -0.1, 'red, green, blue, nir')
    bars(b, card, splits, 'mae_rgb_only', COLOURS[1], 0.1, 'red, green, blue')
    rows, _, points = count.load(args, 'train')
    newest = {c: [points[i] for i, r in enumerate(rows) if (r['city'], r['year']) == (c, '2020')] for c in count.CITIES}
    heats = {c: held[c]['heat'] / np.float32(255) for c in held}
    tally = lambda t: np.concatenate([count.point_rows(heats[c], newest[c], t) for c in held])[:, [0, 2, 3]].sum(0)
    return [a, b, by_threshold(Panel('Cities left out: points at 6 m', (0.1, 0.8), (0, 1), 'peak_threshold'), tally, card['post']['peak_threshold'])]


def chart_dead(args, card):
    splits = list(dict.fromkeys(s['split'] for s in card['scores'] if s['metric'] == 'object_f1'))
    a = on_places('A state left out of training (one network)', splits, ['val' if s.startswith('val') else s.split()[0] for s in splits], (0, 1), '')
    bars(a, card, splits, 'object_f1', COLOURS[0], -0.1, 'object F1')
    bars(a, card, splits, 'pixel_iou', COLOURS[1], 0.1, 'pixel IoU')
    rows, _, masks = dead.load(args, 'train')
    cases = [case for said in dead.read_held(args.runs, 'dead', rows, masks).values() for case in said['']]
    area = round(card['post']['min_area_m2'] / 0.36)
    tally = lambda t: np.sum([dead.tallies(m, y, t, area)[3:] for m, y in cases[::3]], 0)
    return [a, by_threshold(Panel('States left out: objects (every third picture)', (0.1, 0.8), (0, 1), 'threshold'), tally, card['post']['threshold'])]


def chart_crown(args, card):
    splits = ['sites left out of training', 'val: HARV', 'val: OSBS', 'val: SJER', 'val: urban_ortho_A']
    a = on_places('By place', splits, ['left out', 'HARV', 'OSBS', 'SJER', 'urban'], (0, 1), '')
    bars(a, card, splits, 'f1_iou40', COLOURS[0], -0.1, 'F1 at IoU 0.4')
    bars(a, card, splits, 'ap50', COLOURS[1], 0.1, 'AP50')
    _, boxes, sites = crown.load(args)
    cases = []
    for k, fold in enumerate(crown.FOLDS):
        truth = [b for b, s in zip(boxes, sites) if s in fold]
        with np.load(args.runs / f'crown-{k}/held.npz') as z:
            cases += [(z[f'boxes_{j}'], z[f'scores_{j}'], t) for j, t in enumerate(truth)]
    tally = lambda t: crown.box_rows([crown.suppressed(b, s, t, 1.0, card['post']['max_overlap']) for b, s, _ in cases], [t for _, _, t in cases]).sum(0)
    return [a, by_threshold(Panel('Sites left out: boxes at IoU 0.4', (0.1, 0.8), (0, 1), 'score_threshold'), tally, card['post']['score_threshold'])]


def chart_alive(args, card):
    with np.load(args.runs / 'alive-held.npz') as z:
        held, y = z['held'], z['y']
    items = alive.load(args)
    whole, fold = np.array([min(im.size) >= alive.SIDE for im, _, _ in items]), alive.fold_of_site(items)
    group = np.array([fold[s] for _, _, s in items])
    a = Panel('Sites left out: crops right', (0.1, 0.9), (0, 1), 'probability of dead from which a crown is dead', 'share of the class')
    at = np.arange(0.1, 0.91, 0.05)
    a.line([(t, float((held[y == 0] <= t).mean())) for t in at], COLOURS[0], 'alive')
    a.line([(t, float((held[y == 1] > t).mean())) for t in at], COLOURS[1], 'dead')
    a.segment((0.5, 0), (0.5, 1), '#333', 1, '4 3')
    b = Panel('Balanced accuracy by group of sites left out', (-0.5, alive.FOLDS + 1.5), (0.5, 1), '', '', x_ticks=[(k, t) for k, t in enumerate([*'12345', 'all', 'large'])])
    b.points([(k, float(alive.balanced(held[group == k], y[group == k]))) for k in range(alive.FOLDS)], COLOURS[2])
    b.interval(alive.FOLDS, *score_of(card, card['scores'][0]['split'], 'balanced_accuracy'), COLOURS[0])
    b.points([(alive.FOLDS + 1, float(alive.balanced(held[whole], y[whole])))], COLOURS[0])
    return [a, b]


CHARTS = {'count': chart_count, 'dead': chart_dead, 'crown': chart_crown, 'alive': chart_alive}


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['tables', *MODELS])
    args = settled(p)
    for what in MODELS if args.what == 'tables' else [args.what]:
        write_table(what)
    if args.what != 'tables':
        args.data = Path(args.data)
        (HERE.parent / 'models' / MODELS[args.what] / 'scores.svg').write_text(chart(CHARTS[args.what](args, card_of(args.what))))


if __name__ == '__main__':
    main()
