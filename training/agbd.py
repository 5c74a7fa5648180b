"""Train a map of above-ground biomass on AGBD-like patches, and export it as a regress-raster model with its card.

  agbd.py PATCHES --into FOLDER --bands B02 B03 ... --gsd 10 --licence SPDX [--steps 20000] [--seed 1] [--name agb-map] [--runs FOLDER]
  agbd.py --synthetic PATCHES          # writes tiny made-up patches instead, to try it

PATCHES holds a file a patch, of either kind; the part of its name before the first `_` is its place (a tile, an orbit, a county):
  PLACE_k.npz                         `bands` (bands x h x w), `agb` (h x w, t/ha), perhaps `sd` (h x w, t/ha: of the reference, as GEDI gives it)
  PLACE_k.tif and PLACE_k.agb.tif     the bands; agb in band 1, perhaps its sd in band 2 (needs GDAL's Python bindings)
NaN (a TIFF's nodata) is missing: in agb where no footprint lies, in the bands where there is cloud. Most of agb may be missing: GEDI's is.

Whole places are held out for the score. The network gives the mean and the standard deviation of a normal error (beta-NLL, Seitzer et al. 2022); the
reference's own variance is added in the loss, so that the sd on the map is the map's error of the true biomass, not of GEDI's. No model is shipped:
none of the data at hand has AGB on pixels. Nothing here is tuned on real data.

A command that was broken off goes on from its last checkpoint in RUNS/agbd-NAME when it is given again, on CPUs to the same weights.
"""
import argparse
import dataclasses
import datetime
import hashlib
import json
from pathlib import Path

from treelib.sgd import Schedule, device, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from treelib.export import differences, export, input_of, score_lines, write_card
from treelib.settings import HERE

NAMES = ('agb', 'agb_sd')
MOST = 1000.0  # t/ha: the card's range
UNLIKE = 0.05  # t/ha: runtimes that differ by more do not run the same network
MARGIN = 16  # pixels; at least the reach of the network: 1 + 2 x the sum of its dilations
DILATIONS = (1, 1, 2, 2)


def read_patch(path):
    """Bands, agb and sd (0 where not given) of a patch, float32; NaN is missing."""
    if path.suffix == '.npz':
        with np.load(path) as f:
            bands, agb = f['bands'].astype(np.float32), f['agb'].astype(np.float32)
            return bands, agb, f['sd'].astype(np.float32) if 'sd' in f else np.zeros_like(agb)
    from osgeo import gdal
    gdal.UseExceptions()

    def values(name):
        data = gdal.Open(str(name))
        out = data.ReadAsArray().astype(np.float32).reshape(data.RasterCount, data.RasterYSize, data.RasterXSize)
        for k in range(data.RasterCount):
            nodata = data.GetRasterBand(k + 1).GetNoDataValue()
            if nodata is not None:
                out[k][out[k] == np.float32(nodata)] = np.nan
        return out
    truth = values(path.with_suffix('.agb.tif'))
    return values(path), truth[0], truth[1] if len(truth) > 1 else np.zeros_like(truth[0])


def read_patches(folder):
    """{place: [(bands, agb, sd)]}; refuses patches that do not agree."""
    paths = sorted(p for p in folder.iterdir() if p.suffix == '.npz' or (p.suffix == '.tif' and not p.name.endswith('.agb.tif')))
    if not paths:
        raise SystemExit(f'{folder}: no patch; name them PLACE_k.npz, or PLACE_k.tif beside PLACE_k.agb.tif')
    places, count = {}, None
    for path in paths:
        bands, agb, sd = read_patch(path)
        count = count or len(bands)
        if len(bands) != count or agb.shape != bands.shape[1:] or sd.shape != agb.shape:
            raise SystemExit(f'{path}: bands {bands.shape}, agb {agb.shape}, sd {sd.shape}; all patches have {count} bands, and agb and sd are h x w of the bands')
        places.setdefault(path.name.split('_')[0], []).append((bands, agb, sd))
    return places


def held_out(places, seed):
    """A fifth of the places, at least one, never all."""
    names = sorted(places)
    if len(names) < 2:
        raise SystemExit(f'patches of one place only ({names[0]}): a score on held-out places needs two or more; the place is the name before the first _')
    order = np.random.default_rng(seed).permutation(len(names))
    return {names[i] for i in order[:max(1, len(names) // 5)]}


def statistics(patches):
    """Mean and sd of the valid pixels of each band."""
    values = np.concatenate([b.reshape(len(b), -1) for b, _, _ in patches], 1).astype(np.float64)
    return np.nanmean(values, 1), np.nanstd(values, 1).clip(1e-6)


def normalised(bands, mean, sd):
    """Bands as the network reads them, float32; missing pixels are 0."""
    return np.nan_to_num((bands - mean[:, None, None]) / sd[:, None, None]).astype(np.float32)


class Block(nn.Module):
    """treelib.net's residual block with dilation, which the reach needs at full resolution."""

    def __init__(self, width, dilation):
        super().__init__()
        self.a, self.b = (nn.Sequential(nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False), nn.BatchNorm2d(width)) for _ in range(2))

    def forward(self, x):
        return F.relu(x + self.b(F.relu(self.a(x))))


class Net(nn.Module):
    """Residual 3 x 3 convolutions at full resolution. It reads normalised bands and gives mean and sd, t/ha; the heads start at the typical biomass."""

    def __init__(self, bands, width, typical):
        super().__init__()
        self.first, self.blocks, self.head, self.typical = nn.Conv2d(bands, width, 3, padding=1), nn.Sequential(*[Block(width, d) for d in DILATIONS]), nn.Conv2d(width, 2, 1), typical
        nn.init.constant_(self.head.bias, 1.0)

    def forward(self, x):
        y = F.softplus(self.head(self.blocks(F.relu(self.first(x)))))
        return {'agb': (y[:, :1] * self.typical).clamp(max=MOST), 'agb_sd': (y[:, 1:] * self.typical / 4 + 1).clamp(max=MOST)}


class Graph(nn.Module):
    """What is exported: the outputs in the order of the card."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        out = self.net(x)
        return tuple(out[n] for n in NAMES)


def batch(patches, rng, size, side, mean, sd):
    """Random crops turned and flipped: normalised bands (missing: 0), agb, its variance, 1 where agb and all bands are there."""
    out = []
    for _ in range(size):
        bands, agb, error = patches[rng.integers(len(patches))]
        row, col = rng.integers(agb.shape[0] - side + 1), rng.integers(agb.shape[1] - side + 1)
        cut = np.concatenate([(bands - mean[:, None, None]) / sd[:, None, None], agb[None], error[None]])[:, row: row + side, col: col + side]
        cut = np.rot90(cut, rng.integers(4), (1, 2))
        out.append(cut[:, :, ::-1] if rng.integers(2) else cut)
    all_ = np.stack(out).astype(np.float32)
    known = np.isfinite(all_).all(1, keepdims=True)
    all_ = np.nan_to_num(all_)
    return all_[:, :-2].copy(), all_[:, -2:-1].copy(), all_[:, -1:].copy() ** 2, known.astype(np.float32)


def drawer(patches, mean, sd):
    side = min(64, min(min(agb.shape) for _, agb, _ in patches))

    def draw(rng, size):
        return {k: torch.from_numpy(a).to(device()) for k, a in zip(('x', 'agb', 'variance', 'known'), batch(patches, rng, size, side, mean, sd))}

    return draw


def loss_of(outputs, t, step):
    """beta-NLL with beta 1/2; the variance is that of map and reference together."""
    square, total, n = (t['agb'] - outputs['agb']) ** 2, outputs['agb_sd'] ** 2 + t['variance'], t['known'].sum().clamp(min=1)
    loss = (((square / total + total.log()) / 2 * total.detach() ** 0.5) * t['known']).sum() / n
    return loss, {'rmse_t_per_ha': ((square * t['known']).sum() / n).sqrt()}


def schedule_of(steps, seed):
    return Schedule(steps=steps, seed=seed, batch=8, weight_decay=0.01, warmup=min(100, steps // 5), bf16=False)  # bf16 has three digits: too few for t/ha


def claim(run, patches, width, schedule):
    """Note in the folder of a run what it trains; refuses a folder that holds another training, whose weights would be taken for this one's."""
    digest = hashlib.sha256()
    for values in (a for patch in patches for a in patch):
        digest.update(f'{values.shape}'.encode() + np.ascontiguousarray(values).tobytes())
    recipe, path = {'patches': digest.hexdigest(), 'width': width, **dataclasses.asdict(schedule)}, run / 'recipe.json'
    run.mkdir(parents=True, exist_ok=True)
    before = json.loads(path.read_text()) if path.exists() else recipe
    other = [k for k in recipe if before.get(k) != recipe[k]]
    if other:
        raise SystemExit(f'{run}: holds a training with other {", ".join(other)}; give another --name or --runs, or delete the folder')
    path.write_text(json.dumps(recipe, indent=2) + '\n')


def fit(run, patches, mean, sd, width, schedule):
    """Train, or go on with a run that was broken off; the net with averaged weights, on the CPU."""
    claim(run, patches, width, schedule)
    typical = float(np.concatenate([agb[np.isfinite(agb)] for _, agb, _ in patches]).mean())
    return train(run, lambda: Net(len(mean), width, typical), drawer(patches, mean, sd), loss_of, schedule).cpu()


@torch.no_grad()
def score(net, places, mean, sd):
    """RMSE, bias (t/ha), R2 and the share of reference values within 95 % limits of map and reference together, over held-out places."""
    found = []
    for patches in places.values():
        for bands, agb, error in patches:
            m, s = (t[0, 0].numpy() for t in Graph(net)(torch.from_numpy(normalised(bands, mean, sd)[None])))
            known = np.isfinite(agb) & np.isfinite(error) & np.isfinite(bands).all(0)
            found.append(np.stack([agb[known], m[known], np.hypot(s[known], error[known])]))
    y, m, s = np.concatenate(found, 1).astype(float)
    return {'rmse_t_per_ha': np.sqrt(np.mean((m - y) ** 2)), 'bias_t_per_ha': np.mean(m - y), 'r2': 1 - np.sum((m - y) ** 2) / np.sum((y - y.mean()) ** 2),
            'within_limits_percent': 100 * np.mean(np.abs(m - y) <= 1.96 * s)}


def exported(net, path, patches, mean, sd):
    """Write the network and run it in the product's session on patches of several sizes; returns the card's tolerance, t/ha.

    That is ten times the largest difference from PyTorch, at least 0.001: other machines and providers sum in other orders.
    """
    graph = Graph(net).eval()
    inputs = [normalised(bands[:, :256, :256], mean, sd)[None] for bands, _, _ in patches[::-(-len(patches) // 8)]]
    inputs.append(inputs[0][..., :37, :29])  # any size will do
    size = export(graph, path, len(mean), list(NAMES), side=64)
    worst = differences(graph, path, NAMES, inputs)
    print(f'{path}: {size} bytes, largest difference of ONNX Runtime and PyTorch, t/ha: {max(worst.values()):.2g}')
    if max(worst.values()) > UNLIKE:
        raise SystemExit(f'{path}: ONNX Runtime and PyTorch differ by {max(worst.values()):.3g} t/ha, more than {UNLIKE}; no card is written')
    return max(1e-3, float(f'{10 * max(worst.values()):.0e}'))


def card_of(args, tolerance, mean, sd, scores, train_places, val_places):
    """The card that the product reads: bands in the data's own units, normalised by mean and std."""
    rounded = lambda values: [float(f'{v:.6g}') for v in values]
    m, s = rounded(mean), rounded(sd)
    return {
        'name': args.name, 'version': '1.0.0', 'task': 'regress-raster', 'licence': args.licence,
        'input': input_of(args.bands, mean=m, std=s, gsd_m=args.gsd, gsd_range_m=[args.gsd * 0.8, args.gsd * 1.25], patch_px=128, margin_px=MARGIN, stride_px=1,
                          statistics={b: {'mean': m[k], 'sd': s[k]} for k, b in enumerate(args.bands)}),
        'outputs': [{'name': 'agb', 'variable': 'agb', 'unit': 't/ha', 'stride_px': 1, 'range': [0, MOST]}, {'name': 'agb_sd', 'of': 'agb', 'is': 'sd', 'range': [0, MOST]}],
        'post': {}, 'tolerance': tolerance, 'training': [{'data': args.source, 'licence': args.data_licence, 'region': ', '.join(train_places)}],
        'scores': score_lines(args.source, f'places held out: {", ".join(val_places)}', scores, datetime.date.today().isoformat()),
    }


def synthetic(folder, seed=1):
    """Six places with two patches: biomass is a smooth field, bands follow it with noise, one pixel in three has a reference, some have no bands."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(12):
        rng = np.random.default_rng((seed, k))
        y, x = np.mgrid[:48, :48] / 48
        agb = 150 + 120 * np.sin(3 * x + k) * np.cos(4 * y - k)
        bands = np.stack([3000 - 6 * agb + rng.normal(0, 90, agb.shape), 500 + 4 * agb + rng.normal(0, 90, agb.shape), rng.normal(0, 1, agb.shape)])
        bands[:, :3, :3] = np.nan
        reference = agb + rng.normal(0, 10, agb.shape)
        reference[rng.random(agb.shape) > 1 / 3] = np.nan
        np.savez_compressed(folder / f'p{k // 2}_{k % 2}.npz', bands=bands.astype(np.float32), agb=reference.astype(np.float32), sd=np.full(agb.shape, 10, np.float32))


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('patches', nargs='?', type=Path)
    p.add_argument('--synthetic', type=Path, help='write made-up patches into this folder, and stop')
    p.add_argument('--into', type=Path, help='folder of the model')
    p.add_argument('--bands', nargs='+', help='roles of the bands in their order')
    p.add_argument('--gsd', type=float, default=10.0, help='ground sample distance of the patches, metres')
    p.add_argument('--runs', type=Path, default=HERE / 'runs', help='folder of checkpoints and logs')
    p.add_argument('--steps', type=int, default=20000)
    p.add_argument('--width', type=int, default=64)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--name', default='agb-map')
    p.add_argument('--licence', default='unknown', help='SPDX identifier of the weights')
    p.add_argument('--source', default='AGBD-like patches', help='what the data is')
    p.add_argument('--data-licence', default='unknown', help='SPDX identifier of the data')
    args = p.parse_args(argv)
    if args.synthetic:
        return synthetic(args.synthetic, args.seed)
    if not args.patches or not args.into or not args.bands:
        p.error('give PATCHES, --into FOLDER and --bands')
    places = read_patches(args.patches)
    count = len(next(iter(places.values()))[0][0])
    if len(args.bands) != count:
        p.error(f'--bands names {len(args.bands)} bands, the patches have {count}')
    val = held_out(places, args.seed)
    patches = [patch for place, some in sorted(places.items()) if place not in val for patch in some]
    mean, sd = statistics(patches)
    net = fit(args.runs / f'agbd-{args.name}', patches, mean, sd, args.width, schedule_of(args.steps, args.seed))
    scores = score(net, {place: places[place] for place in sorted(val)}, mean, sd)
    tolerance = exported(net, args.into / 'model.onnx', [patch for place in sorted(val) for patch in places[place]], mean, sd)
    write_card(args.into, card_of(args, tolerance, mean, sd, scores, sorted(set(places) - val), sorted(val)))
    print(json.dumps({k: round(float(v), 2) for k, v in scores.items()}))
    return scores


if __name__ == '__main__':
    main()
