"""Stem volume of a forest cell from LiDAR metrics: models/stand-volume-boreal.  volume.py [--data FOLDER]

sqrt(volume) = a straight line in all features + a smooth function of them: Bayesian linear regression on 512 random Fourier features of a
Matern 5/2 kernel, that is a Gaussian process without any training row in its weights (Rahimi & Recht 2007; orthogonal draws, Yu et al. 2016).
Scale and height of the kernel and the noise are chosen from a small grid by the leave-one-out error of the training plots (closed form).
"""
import time

import numpy as np
from scipy import optimize
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from tabular import Graph, TODAY, arguments, bootstrap, number, outputs, records, run_onnx, scores, statistics, write_card, write_rows

# the product's column, and the same metric in finland_plots.csv: lidR's zpcumK is the share of returns below K tenths of the highest, as theirs is
COLUMNS = {'f_zmean': 'f_avg', 'f_zq95': 'f_p95', 'f_zpcum1': 'f_b10', 'f_zpcum3': 'f_b30', 'f_zpcum5': 'f_b50', 'f_zpcum7': 'f_b70', 'f_zpcum9': 'f_b90',
           'l_zmean': 'l_avg', 'l_zq95': 'l_p95', 'l_zpcum3': 'l_b30', 'l_zpcum5': 'l_b50', 'l_zpcum7': 'l_b70', 'l_zpcum9': 'l_b90'}
NAMES = list(COLUMNS)
SHARES = [c for c in NAMES if 'zpcum' in c]
DRAWS = 512
WEIGHTS = np.array([5] * 5 + [4] * 4 + [1] * 4) ** -0.5  # in the kernel: the five shares of first returns together count as one feature, so do those of last returns
MOST, MOST_SD = 1500.0, 500.0  # m3/ha: denser boreal forest there is none, and the card's range is never left
ANCHORS = 40
GRID = [{'scale': scale, 'amp': amp, 'line': 0.05, 'noise': noise} for scale in (0.1, 0.13, 0.17, 0.22) for amp in (5.0, 10.0, 20.0) for noise in (0.11, 0.12, 0.13)]


def features(rows):
    """Columns to features: the shares as they are; square roots of mean heights, and of height x share of returns above 0.3 of the highest."""
    c = {name: rows[:, i] for i, name in enumerate(NAMES)}
    root = lambda a: np.sqrt(np.maximum(a, 0) + 0.1)
    return np.column_stack([rows[:, [NAMES.index(s) for s in SHARES]], root(c['f_zmean']), root(c['l_zmean']), root(c['f_zq95'] * (100 - c['f_zpcum3'])), root(c['l_zq95'] * (100 - c['l_zpcum3']))])


def anchors(seed):
    """Cells without trees, made up: returns below breast height, so that the volume is 0 by definition. Half of them wholly flat, as the product says it: shares 0."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(ANCHORS):
        z = np.sort(rng.exponential(rng.uniform(0.02, 0.25), 120).clip(0, 1.3)) * (k % 2)
        share = lambda t: 100 * np.mean(z < t * z[-1] / 10) if z[-1] > 0 else 0.0
        say = {'mean': z.mean(), 'q95': np.quantile(z, 0.95), **{f'pcum{t}': share(t) for t in (1, 3, 5, 7, 9)}}
        rows.append([say[name[3:]] for name in NAMES])
    return np.array(rows)


def draws(seed, dims):
    """Frequencies of a Matern 5/2 kernel (Student's t, 5 degrees of freedom) in orthogonal blocks, and phases."""
    rng, blocks = np.random.default_rng(seed), []
    while sum(len(b) for b in blocks) < DRAWS:
        q, _ = np.linalg.qr(rng.normal(size=(dims, dims)))
        blocks.append(q * np.sqrt(rng.chisquare(dims, (dims, 1))) / np.sqrt(rng.chisquare(5, (dims, 1)) / 5))
    return np.concatenate(blocks)[:DRAWS].T, rng.uniform(0, 2 * np.pi, DRAWS)


class Volume:
    """scale: of the features in the kernel; amp: variance of the smooth part; line: of a slope; noise: of one plot. All of standardised sqrt(volume)."""

    def __init__(self, rows, volume, seed, setting=None):
        self.seed = seed
        f, y = features(np.vstack([rows, anchors(seed)])), np.sqrt(np.concatenate([volume, np.zeros(ANCHORS)]))
        n = self.plots = len(rows)
        self.mean, self.sd = f[:n].mean(0), f[:n].std(0)
        self.f, self.y0, self.y1 = (f - self.mean) / self.sd, y[:n].mean(), y[:n].std()
        self.y, (self.w, self.b) = (y - self.y0) / self.y1, draws(seed, f.shape[1])
        self.observed, self.kind = volume, WEIGHTS[:, None]
        self.set(setting or self.search())

    def phi(self, f, s):
        smooth = np.sqrt(2 * s['amp'] / DRAWS) * np.cos(f @ (s['scale'] * self.kind * self.w) + self.b)
        return np.column_stack([smooth, np.sqrt(s['line']) * f, np.full(len(f), 3.0)])

    def back(self, u, sd):
        """Of sqrt(volume) ~ N(u, sd): mean and standard deviation of the volume, m3/ha."""
        u = np.maximum(u, 0)
        return np.minimum(u ** 2 + sd ** 2, MOST), np.minimum(np.sqrt(4 * u ** 2 * sd ** 2 + 2 * sd ** 4), MOST_SD)

    def left_out(self, s):
        """Each training plot by the others (closed form): mean and sd of sqrt(volume), standardised."""
        p = self.phi(self.f, s)
        factor = cho_factor(p.T @ p + s['noise'] * np.eye(p.shape[1]))
        fit = p @ cho_solve(factor, p.T @ self.y)
        rest = 1 - np.einsum('ij,ij->i', p, cho_solve(factor, p.T).T)
        n = self.plots
        return (self.y - (self.y - fit) / rest)[:n], np.sqrt(s['noise'] / rest)[:n]

    def loss(self, s):
        """RMSE of volume, %, + 4 x mean negative log density."""
        u, sd = self.left_out(s)
        return self.rmse_percent(u, sd) + 4 * np.mean(((self.y[:self.plots] - u) / sd) ** 2 / 2 + np.log(sd))

    def rmse_percent(self, u, sd):
        mean, _ = self.back(u * self.y1 + self.y0, sd * self.y1)
        return 100 * np.sqrt(np.mean((mean - self.observed) ** 2)) / self.observed.mean()

    def search(self):
        """The best of a small grid: random steps on a scale for each group of features came out worse on plots left out."""
        return min(GRID, key=self.loss)

    def set(self, s):
        self.setting, p = s, self.phi(self.f, s)
        low = np.linalg.cholesky(p.T @ p + s['noise'] * np.eye(p.shape[1]))
        self.weights = cho_solve((low, True), p.T @ self.y)
        self.rise = self.noise_rise()
        self.spread = np.sqrt(s['noise']) * solve_triangular(low, np.eye(len(low)), lower=True).T  # variance of the function = |phi spread|^2

    def noise_rise(self):
        """How the noise of a plot rises with the predicted root u: its variance is noise x max(a + b u, 1/4), a and b by likelihood on plots left out."""
        u, sd = self.left_out(self.setting)
        z2, root = ((self.y[:self.plots] - u) / sd) ** 2, u * self.y1 + self.y0
        loss = lambda q: np.sum(z2 / (k := np.maximum(q[0] + q[1] * root, 0.25)) + np.log(k))
        return optimize.minimize(loss, [1.0, 0.0], method='Nelder-Mead').x

    def predict(self, rows):
        p = self.phi((features(rows) - self.mean) / self.sd, self.setting)
        u = p @ self.weights * self.y1 + self.y0
        sd = np.sqrt(self.setting['noise'] * np.maximum(self.rise[0] + self.rise[1] * u, 0.25) + np.sum((p @ self.spread) ** 2, 1))
        return self.back(u, sd * self.y1)

    def save(self, path):
        g, s = Graph(NAMES), self.setting
        root = lambda name: g.op('Sqrt', g.op('Add', g.op('Max', name, 0.0), 0.1))
        above = lambda p: g.op('Mul', g.column(f'{p}_zq95'), g.op('Sub', 100.0, g.column(f'{p}_zpcum3')))
        shares = g.op('Gather', 'table', g.indices([NAMES.index(c) for c in SHARES]), axis=1)
        f = g.op('Concat', shares, root(g.column('f_zmean')), root(g.column('l_zmean')), root(above('f')), root(above('l')), axis=1)
        f = g.op('Div', g.op('Sub', f, self.mean), self.sd)
        smooth = g.op('Mul', g.op('Cos', g.op('Add', g.op('MatMul', f, s['scale'] * self.kind * self.w), self.b)), np.sqrt(2 * s['amp'] / DRAWS))
        p = g.op('Concat', smooth, g.op('Mul', f, np.sqrt(s['line'])), axis=1)  # the constant goes into the sums below
        u = g.op('Add', g.op('MatMul', p, self.weights[:-1, None] * self.y1), 3.0 * self.weights[-1] * self.y1 + self.y0)
        spread = g.op('Add', g.op('MatMul', p, self.spread[:-1] * self.y1), 3.0 * self.spread[-1] * self.y1)
        noise = g.op('Mul', g.op('Max', g.op('Add', g.op('Mul', u, self.rise[1]), self.rise[0]), 0.25), s['noise'] * self.y1 ** 2)
        var = g.op('Add', g.op('ReduceSum', g.op('Mul', spread, spread), g.indices([1]), keepdims=1), noise)
        u = g.op('Max', u, 0.0)
        u2 = g.op('Mul', u, u)
        sd = g.op('Sqrt', g.op('Add', g.op('Mul', g.op('Mul', u2, var), 4.0), g.op('Mul', g.op('Mul', var, var), 2.0)))
        g.save(path, g.op('Min', g.op('Add', u2, var), MOST), g.op('Min', sd, MOST_SD))


def folds(n, seed, k=10):
    order = np.random.default_rng(seed).permutation(n)
    return [order[i::k] for i in range(k)]


def cross_validated(rows, volume, seed, repeats):
    """Plots held out tenth by tenth; everything, the settings too, is found on the other nine."""
    out = []
    for r in range(repeats):
        mean, sd = np.zeros(len(volume)), np.zeros(len(volume))
        for held in folds(len(volume), seed + r):
            rest = np.setdiff1d(np.arange(len(volume)), held)
            mean[held], sd[held] = Volume(rows[rest], volume[rest], seed).predict(rows[held])
        out.append((mean, sd))
        print(f'repeat {r}:', {k: round(float(v), 2) for k, v in scores(volume, mean, sd).items()}, flush=True)
    return out


def ridge(metrics, volume, seed, root):
    """A floor: ridge on all metrics of the data, of the volume or its square root, on the same folds; the penalty by leave-one-out inside each."""
    out, target = np.zeros(len(volume)), np.sqrt(volume) if root else volume
    for held in folds(len(volume), seed):
        rest = np.setdiff1d(np.arange(len(volume)), held)
        m, s, y = metrics[rest].mean(0), metrics[rest].std(0), target[rest] - target[rest].mean()
        u, d, vt = np.linalg.svd((metrics[rest] - m) / s, full_matrices=False)

        def rests(penalty):
            shrunk = d ** 2 / (d ** 2 + penalty)
            return (y - u @ (shrunk * (u.T @ y))) / (1 - 1 / len(rest) - (u ** 2) @ shrunk)
        penalty = min(10.0 ** np.arange(-2, 4, 0.25), key=lambda p: np.mean(rests(p) ** 2))
        fit = (metrics[held] - m) / s @ vt.T @ (d / (d ** 2 + penalty) * (u.T @ y)) + target[rest].mean()
        out[held] = np.maximum(fit, 0) ** 2 + np.mean(rests(penalty) ** 2) if root else fit
    return out


def shares_as_quantiles(data):
    """Whether b is the share of returns below a tenth of the highest: b less the share that each plot's percentiles give there, mean and sd over plots, %."""
    for of, parts in (('f', (10, 30, 50, 70, 90)), ('l', (30, 50, 70, 90))):
        known = sorted(int(c[3:]) for c in data[0] if c.startswith(f'{of}_p'))
        for part in parts:
            off = [number(r[f'{of}_b{part}']) - np.interp(part / 100 * number(r[f'{of}_max']), [0, *(number(r[f'{of}_p{k:02}']) for k in known), number(r[f'{of}_max'])], [0, *known, 100]) for r in data]
            print(f'{of}_b{part} less the share by percentiles, %: mean {np.mean(off):+.2f}, sd {np.std(off):.2f}')


def made_up(rows, seed, n=24):
    """Rows that are no plot's: points on lines from the mean of the columns, by their deviations; a bare cell, a flat cell, and one far outside."""
    rng = np.random.default_rng(seed)
    drawn = np.round(rows.mean(0) + rows.std(0) * rng.uniform(-1.5, 1.5, (n, 1)) * np.abs(rng.normal(1, 0.2, (n, rows.shape[1]))), 3).clip(0)
    return np.vstack([drawn, anchors(seed)[:2].round(3), np.round(rows.mean(0) * 4, 3)])


def main():
    args, start = arguments(__doc__), time.time()
    data = records(args.data / 'biomass/finland_plots.csv')
    rows, volume = np.array([[number(r[c]) for c in COLUMNS.values()] for r in data]), np.array([number(r['v']) for r in data])
    print(f'volume {volume.min():.0f} to {volume.max():.0f} m3/ha, highest return', [f(number(r['f_max']) for r in data) for f in (min, max)])
    shares_as_quantiles(data)
    metrics = np.array([[number(v) for k, v in r.items() if k.startswith(('f_', 'l_'))] for r in data])
    for root in (False, True):
        print(f'floor, ridge on {metrics.shape[1]} metrics, square root {root}:', {k: round(float(v), 2) for k, v in scores(volume, ridge(metrics, volume, args.seed, root)).items()})
    repeats = cross_validated(rows, volume, args.seed, 3)
    mean, sd = repeats[0]
    for name, by in (('predicted', mean), ('true', volume)):
        for low, high in zip(*(np.quantile(by, q) for q in ([0, 0.2, 0.4, 0.6, 0.8], [0.2, 0.4, 0.6, 0.8, 1]))):
            some = (by >= low) & (by <= high)
            print(f'{name} {low:.0f} to {high:.0f}:', {k: round(float(v), 1) for k, v in scores(volume[some], mean[some], sd[some]).items()})
    final = Volume(rows, volume, args.seed)
    one_out = [final.rmse_percent(*final.left_out(s)) for s in GRID]
    print(f'leave-one-out RMSE over the grid, %: {min(one_out):.1f} to {max(one_out):.1f}')
    print('settings', final.setting, 'noise', final.rise, f'{time.time() - start:.0f} s')
    folder = args.models / 'stand-volume-boreal'
    final.save(folder / 'model.onnx')
    tried = made_up(rows, args.seed)
    want, got = np.column_stack(final.predict(tried)), run_onnx(folder / 'model.onnx', tried)
    print('largest difference of ONNX Runtime from NumPy, m3/ha:', np.abs(want - got).max(0))
    write_rows(args.rows / 'stand-volume-boreal.json', NAMES, tried, want)
    lines, plots = [], np.arange(len(volume))
    for metric in ('rmse_percent', 'rmse', 'bias_percent', 'r2', 'within_limits_percent'):
        of = lambda i: np.mean([scores(volume[i], m[i], s[i])[metric] for m, s in repeats])
        low, high = bootstrap(of, plots)
        lines.append({'data': 'mgpr finland_plots, 661 plots', 'split': '10-fold cross-validation over plots, 3 repeats, settings found inside each fold', 'metric': metric, 'value': round(float(of(plots)), 3), 'interval': [round(low, 3), round(high, 3)], 'date': TODAY})
        print(lines[-1])
    write_card(folder, {
        'name': 'stand-volume-boreal', 'version': '1.0.0', 'task': 'regress-table', 'licence': 'Apache-2.0',
        'input': {'name': 'table', 'layout': 'NC', 'statistics': statistics(NAMES, rows)},
        'outputs': outputs('volume_m3_per_ha', 'm3/ha', MOST, MOST_SD),
        'post': {'per': 'cell', 'columns': NAMES}, 'tolerance': 0.01,
        'training': [{'data': 'mgpr finland_plots (Varvia, Räty, Packalen): 661 field plots of the Finnish Forest Centre with metrics of low-density airborne LiDAR of the National Land Survey of Finland', 'licence': 'GPL-3.0-only', 'region': 'boreal forest, Finland'}],
        'scores': lines,
    })


if __name__ == '__main__':
    main()
