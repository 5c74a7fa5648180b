"""The chain from a tree's sizes to its biomass, on trees that were cut and weighed, whole localities left out.  chain.py [--data FOLDER]

harvested_trees.csv has no crown diameters, so two chains can be tested end to end on them: from the measured D, and from height alone (D by a curve
of the other localities). What a D from height and crown costs is measured on NEON's stems instead, where D is known and the weight is not.
"""
import numpy as np
from dbh import jucker, left_out, stems
from tabular import arguments, bootstrap, number, records


def harvested(data):
    rows = [(r['Locality'], *(number(r[c]) for c in ('Trunk.diameter..cm.', 'Total.height..m.', 'Wood.specific.gravity', 'Dry.total.AGB..kg.'))) for r in records(data / 'biomass/harvested_trees.csv')]
    kept = [r for r in rows if all(v > 0 for v in r[1:])]
    columns = list(zip(*kept))
    return np.array(columns[0]), np.array(columns[1:])


def chave(dbh, height, density):
    return 0.0673 * (density * height * dbh ** 2) ** 0.976


def power_of(terms, y):
    """Least squares on logs; the mean of a log-normal by half its variance."""
    a = np.column_stack([np.ones(len(y)), *terms])
    w = np.linalg.lstsq(a, y, rcond=None)[0]
    return w, np.var(y - a @ w, ddof=a.shape[1])


def apply(w, terms):
    return np.column_stack([np.ones(len(terms[0])), *terms]) @ w


def components(error, place):
    """Variance of trees within places, and of places, by the analysis of unweighted means."""
    names = [p for p in np.unique(place) if np.sum(place == p) > 1]
    means = np.array([error[place == p].mean() for p in names])
    within = np.sum([np.sum((error[place == p] - m) ** 2) for p, m in zip(names, means)]) / (np.isin(place, names).sum() - len(names))
    return within, max(0.0, np.var(means, ddof=1) - within * np.mean([1 / np.sum(place == p) for p in names]), ) + means.mean() ** 2


def row(name, log_error, observed, predicted, place, covered):
    """Errors are ln(observed / predicted)."""
    r2 = lambda i: 1 - np.sum(log_error[i] ** 2) / np.sum((np.log(observed[i]) - np.log(observed[i]).mean()) ** 2)
    rmse = lambda i: np.sqrt(np.mean(log_error[i] ** 2))
    everyone = np.arange(len(observed))
    cells = [name, len(observed), len(np.unique(place)), f'{rmse(everyone):.3f} [{", ".join(f"{b:.3f}" for b in bootstrap(rmse, place, draws=400))}]', f'{log_error.mean():+.3f}', f'{r2(everyone):.3f}',
             f'{np.sqrt(np.mean((predicted - observed) ** 2)):.0f}', f'{100 * (predicted.sum() / observed.sum() - 1):+.0f}', f'{100 * covered.mean():.1f}', f'{100 * np.mean([covered[place == p].mean() for p in np.unique(place)]):.1f}']
    print('| ' + ' | '.join(map(str, cells)) + ' |')


def covered_by_others(error, place, extra=0.0):
    """Within 95 % limits of a log-normal whose errors come from the other places: m exp(-v/2 -+ 1.96 sqrt(v)), as the product has it."""
    out = np.zeros(len(error), bool)
    for p in np.unique(place):
        here = place == p
        v = sum(components(error[~here], place[~here])) + extra
        out[here] = np.abs(error[here] + v / 2) <= 1.96 * np.sqrt(v)
    return out


def main():
    args = arguments(__doc__)
    place, (d, h, wd, agb) = harvested(args.data)
    print('| biomass from | trees | places | RMSE of ln | mean of ln(observed / predicted) | R2 of ln | RMSE, kg | total, % | within 95 % limits, % of trees | mean over places, % |\n| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |')
    results = {'chave-2014, measured D, H and wood density': chave(d, h, wd)}
    names = {'own fit of ln(density H D2), others\' localities': [np.log(wd * h * d ** 2)], 'own fit of ln D, no height, no density': [np.log(d), np.log(d) ** 2]}
    for name, terms in names.items():
        out = np.zeros(len(d))
        for p in np.unique(place):
            here = place == p
            w, var = power_of([t[~here] for t in terms], np.log(agb[~here]))
            out[here] = np.exp(apply(w, [t[here] for t in terms]) + var / 2)
        results[name] = out
    by_height, density = np.zeros(len(d)), np.zeros(len(d))
    for p in np.unique(place):
        here, t = place == p, [np.log(h), np.log(h) ** 2]
        w, var = power_of([x[~here] for x in t], np.log(d[~here]))
        by_height[here], density[here] = np.exp(apply(w, [x[here] for x in t]) + var / 2), wd[~here].mean()
    results['chave-2014, D by height (curve of the others), wood density known'] = chave(by_height, h, wd)
    results['chave-2014, D by height, the others\' mean wood density'] = chave(by_height, h, density)
    for name, predicted in results.items():
        error = np.log(agb / predicted)
        row(name, error, agb, predicted, place, covered_by_others(error, place))
    site, dbh, rows = stems(args.data)
    mean, _, _ = left_out(rows, dbh, site)
    truth = chave(dbh, rows[:, 0], 0.6)
    for name, predicted in {'what a D of tree-dbh adds (NEON, against chave-2014 on measured D)': mean, 'what a D of jucker-2017 adds (the same stems)': jucker(rows)}.items():
        value = chave(predicted, rows[:, 0], 0.6)
        error = np.log(truth / value)
        row(name, error, truth, value, site, covered_by_others(error, site))
        v = np.sum(components(np.log(agb / results['chave-2014, measured D, H and wood density']), place)) + np.mean(error ** 2)
        print(f'  together with the errors of chave-2014, if they are independent: RMSE of ln {np.sqrt(v):.2f}')


if __name__ == '__main__':
    main()
