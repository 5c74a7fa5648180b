"""How far sets of pictures from one sensor lie from the mean of all: where the product's limits of a model's domain come from.  domain.py [--data FOLDER]

A set is a city in a year of counting/train. Shift: |mean of the set - mean of all| / sd of all pixels; ratio: sd of the set / sd of all.
"""
import numpy as np
from treelib.pictures import cached, read_all, read_four_bands, read_index
from treelib.settings import parser, settled

BANDS = ('red', 'green', 'blue')


def moments(pixels):
    return pixels.mean(0), pixels.std(0)


def main(args):
    rows = read_index(args.data / 'counting/index.csv', 'train')
    pictures = cached(args.cache, 'count-train', lambda: read_all(lambda r: read_four_bands(args.data / 'counting/train', r['file']), rows))
    pixels = [p[..., :3].reshape(-1, 3).astype(np.float32) for p in pictures]
    every = np.concatenate(pixels).astype(np.float64)
    mean, sd = moments(every)
    sets = sorted({(r['city'], r['year']) for r in rows})
    shift, ratio = [], []
    for which in sets:
        mine = [p for p, r in zip(pixels, rows) if (r['city'], r['year']) == which]
        m, s = moments(np.concatenate(mine).astype(np.float64))
        shift.append(np.abs(m - mean) / sd)
        ratio.append(s / sd)
        print(*which, len(mine), 'pictures: shift', shift[-1].round(2), 'ratio', ratio[-1].round(2))
    shift, ratio = np.array(shift), np.array(ratio)
    alone = np.array([np.abs(p.mean(0) - mean) / sd for p in pixels])
    print(len(sets), 'sets: most', shift.max().round(2), 'median', np.median(shift).round(2), 'ratio', ratio.min().round(2), 'to', ratio.max().round(2))
    print('pixels beyond 4 sd:', (np.abs(every - mean) > 4 * sd).mean(0).round(4), ' a picture alone, 90 %:', np.quantile(alone, 0.9).round(2))


if __name__ == '__main__':
    main(settled(parser(__doc__)))
