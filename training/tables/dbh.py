"""Stem diameter from height, crown diameter and species group: models/tree-dbh, on NEON's stems, whole sites left out.  dbh.py [--data FOLDER]

ln D is normal about a bent line in ln height (bend at 15 m) and in ln crown diameter (at 6 m), one for each group; slopes are not negative and
do not fall, so that a taller or wider tree is never thinner. NEON gives crowns of stems of 15 cm and more only, so the
likelihood is that of a normal cut off at ln 15: without it, small trees would all come out at 15 cm. A site counts by the root of its stems.
One variance holds the tree's error and the site's; it is widened until the limits hold 95 % of stems on sites that were left out.
"""
import numpy as np
from scipy import optimize, stats
from tabular import Graph, TODAY, arguments, bootstrap, number, outputs, records, run_onnx, scores, statistics, write_card, write_rows

NAMES = ['height_m', 'crown_diameter_m', 'is_gymnosperm']
LEAST_CM = 15.0
CLIP = {'height_m': (3.0, 60.0), 'crown_diameter_m': (1.0, 25.0)}  # beyond, the nearest value stands
BEND = {'height_m': 15.0, 'crown_diameter_m': 6.0}
MOST, MOST_SD = 300.0, 200.0
CONIFERS = set('Abies Calocedrus Chamaecyparis Juniperus Larix Picea Pinus Pinaceae Pseudotsuga Sequoia Taxodium Taxus Thuja Tsuga'.split())


def stems(data):
    """Live, whole stems, D >= 15 cm, H >= 3 m, the latest visit of each; crown diameter of the circle of the crown's area, sqrt(longest x across), as bench/allometry.ts has it."""
    latest = {}
    for r in sorted(records(data / 'biomass/neon_stems.csv'), key=lambda r: r['date']):
        d, h, longest, across = (number(r[c]) for c in ('stemDiameter', 'height', 'maxCrownDiameter', 'ninetyCrownDiameter'))
        if r['plantStatus'].startswith('Live') and 'broken' not in r['plantStatus'] and d >= LEAST_CM and h >= 3 and longest > 0 and across > 0:
            latest[r['individualID']] = (r['siteID'], d, h, np.sqrt(longest * across), float(r['scientificName'].split(' ')[0] in CONIFERS))
    columns = list(zip(*latest.values()))
    return np.array(columns[0]), np.array(columns[1]), np.array(columns[2:]).T


def jucker(rows):
    """The registry's jucker-2017, all biomes together."""
    return 0.557 * (rows[:, 0] * rows[:, 1]) ** 0.809 * np.exp(0.056 ** 2 / 2)


def design(rows):
    """Terms of one group after those of the other: 1, ln height, the same beyond the bend, ln crown diameter, the same beyond the bend."""
    h, c = (np.log(np.clip(rows[:, i], *CLIP[n]) / BEND[n]) for i, n in enumerate(NAMES[:2]))
    one = np.column_stack([np.ones_like(h), h, np.maximum(h, 0), c, np.maximum(c, 0)])
    return np.hstack([one * (1 - rows[:, 2:3]), one * rows[:, 2:3]])


def fit(rows, dbh, site):
    """Weights of the lines and the variance of ln D, by maximum likelihood of the normal that is cut off at 15 cm."""
    a, y, least = design(rows), np.log(dbh), np.log(LEAST_CM) - 1e-3
    sizes = dict(zip(*np.unique(site, return_counts=True)))
    w = np.array([sizes[s] for s in site], float) ** -0.5
    w /= w.mean()

    def loss(p):
        s, m = np.exp(p[-1]), a @ p[:-1]
        z, cut = (y - m) / s, (least - m) / s
        tail = stats.norm.logsf(cut)
        hazard = np.exp(stats.norm.logpdf(cut) - tail)
        return np.sum(w * (z * z / 2 + p[-1] + tail)), np.append(a.T @ (w * (hazard - z)) / s, np.sum(w * (1 - z * z + hazard * cut)))

    start = np.append(np.tile([3.0, 0.3, 0.3, 0.3, 0.3], 2), np.log(0.35))
    bounds = ([(None, None)] + [(0, None)] * 4) * 2 + [(None, None)]
    found = optimize.minimize(loss, start, jac=True, method='L-BFGS-B', bounds=bounds, options={'maxiter': 1000})
    return found.x[:-1], np.exp(2 * found.x[-1])


def predict(model, rows, wide=1.0):
    """Mean and standard deviation of D, cm, of a log-normal; `wide`: factor on the standard deviation."""
    weights, var = model
    mean = np.exp(design(rows) @ weights + var / 2)
    return np.minimum(mean, MOST), np.minimum(mean * np.sqrt(np.expm1(var)) * wide, MOST_SD)


def held(e, sd, site, wide):
    """Share of errors within limits: of all stems, and the mean over sites."""
    inside = np.abs(e) <= 1.96 * sd * wide
    return inside.mean(), np.mean([inside[site == s].mean() for s in np.unique(site)])


def widening(e, sd, site):
    """The least factor on sd whose limits hold 95 %, of stems and sites' means taken together."""
    steps = np.arange(1.0, 2.01, 0.01)
    return float(next((w for w in steps if np.mean(held(e, sd, site, w)) >= 0.95), 2.0))


def left_out(rows, dbh, site):
    """Mean and sd of each stem by the other sites; the widening, too, is found on them."""
    mean, sd, out = np.zeros(len(dbh)), np.zeros(len(dbh)), np.zeros(len(dbh))
    for s in np.unique(site):
        here = site == s
        mean[here], sd[here] = predict(fit(rows[~here], dbh[~here], site[~here]), rows[here])
    for s in np.unique(site):
        here = site == s
        out[here] = sd[here] * widening((mean - dbh)[~here], sd[~here], site[~here])
    return mean, out, widening(mean - dbh, sd, site)


def save(path, model, wide):
    weights, var = model
    g, k = Graph(NAMES), len(weights) // 2
    h, c = (g.op('Log', g.op('Div', g.clipped(g.column(n), *CLIP[n]), BEND[n])) for n in NAMES[:2])
    terms = g.op('Concat', h, g.op('Max', h, 0.0), c, g.op('Max', c, 0.0), axis=1)
    line = lambda w: g.op('Add', g.op('MatMul', terms, w[1:, None]), w[0])
    group = g.column('is_gymnosperm')
    both = g.op('Add', g.op('Mul', g.op('Sub', 1.0, group), line(weights[:k])), g.op('Mul', group, line(weights[k:])))
    mean = g.op('Exp', g.op('Add', both, var / 2))
    g.save(path, g.op('Min', mean, MOST), g.op('Min', g.op('Mul', mean, np.sqrt(np.expm1(var)) * wide), MOST_SD))


def main():
    args = arguments(__doc__)
    site, dbh, rows = stems(args.data)
    mean, sd, wide = left_out(rows, dbh, site)
    model = fit(rows, dbh, site)
    folder = args.models / 'tree-dbh'
    save(folder / 'model.onnx', model, wide)
    print('stems', len(dbh), 'sites', len(np.unique(site)), 'weights', model[0].round(4), 'sd of ln D', np.sqrt(model[1]).round(3), 'widened by', wide)
    error = np.log(dbh / mean)
    within = np.sqrt(np.sum([np.sum((error[site == s] - error[site == s].mean()) ** 2) for s in np.unique(site)]) / (len(dbh) - len(np.unique(site))))
    print('left-out errors of ln D: within sites', within.round(3), 'sd of site means', np.std([error[site == s].mean() for s in np.unique(site)]).round(3))
    sites_held = {s: scores(dbh[site == s], mean[site == s], sd[site == s]) for s in np.unique(site)}
    for s, r in sites_held.items():
        print(s, (site == s).sum(), {k: round(float(v), 2) for k, v in r.items() if k in ('rmse', 'bias', 'within_limits_percent')}, 'largest D', dbh[site == s].max(), 'Jucker', round(float(scores(dbh[site == s], jucker(rows[site == s]))['rmse']), 2))
    rng = np.random.default_rng(args.seed)
    tried = np.column_stack([rng.uniform(3, 45, 24).round(2), rng.uniform(1, 14, 24).round(2), np.arange(24) % 2])
    tried = np.vstack([tried, [[70, 30, 0], [1.5, 0.4, 1]]])  # beyond the sizes
    want, got = np.column_stack(predict(model, tried, wide)), run_onnx(folder / 'model.onnx', tried)
    print('largest difference of ONNX Runtime from NumPy, cm:', np.abs(want - got).max(0))
    write_rows(args.rows / 'tree-dbh.json', NAMES, tried, want)
    lines = []
    by = {'': (mean, sd), '_jucker_2017': (jucker(rows), None)}
    for tag, (m, s) in by.items():
        for metric in ('rmse', 'bias', 'r2', *(['within_limits_percent'] if s is not None else [])):
            of = lambda i: scores(dbh[i], m[i], None if s is None else s[i])[metric]
            value, (low, high) = of(np.arange(len(dbh))), bootstrap(of, site)
            lines.append({'data': 'NEON stems, 4,167 of 30 sites', 'split': 'each site by the other 29', 'metric': metric + ('_cm' if metric in ('rmse', 'bias') else '') + tag, 'value': round(float(value), 3), 'interval': [round(low, 3), round(high, 3)], 'date': TODAY})
            print(lines[-1])
    gain = lambda i: scores(dbh[i], mean[i])['rmse'] - scores(dbh[i], jucker(rows[i]))['rmse']
    print('RMSE less that of Jucker, 95 % interval by sites:', bootstrap(gain, site))
    write_card(folder, {
        'name': 'tree-dbh', 'version': '1.0.0', 'task': 'regress-table', 'licence': 'Apache-2.0',
        'input': {'name': 'table', 'layout': 'NC', 'statistics': statistics(NAMES, rows)},
        'outputs': outputs('dbh_cm', 'cm', MOST, MOST_SD),
        'post': {'per': 'tree', 'columns': NAMES}, 'tolerance': 0.001,
        'training': [{'data': 'NEON vegetation structure (DP1.10098.001), live stems of 15 cm and more with height and crown, 30 sites', 'licence': 'CC0-1.0', 'region': 'United States, boreal to Caribbean'}],
        'scores': lines,
    })


if __name__ == '__main__':
    main()
