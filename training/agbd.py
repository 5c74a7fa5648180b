"""Train a map of above-ground biomass on AGBD-like patches, and export it as a regress-raster model with its card.

  agbd.py PATCHES --into FOLDER --bands B02 B03 ... --gsd 10 --licence SPDX [--steps 20000] [--seed 1] [--name agb-map]
  agbd.py --synthetic PATCHES          # writes tiny made-up patches instead, to try it

PATCHES holds a file a patch, of either kind; the part of its name before the first `_` is its place (a tile, an orbit, a county):
  PLACE_k.npz                         `bands` (bands x h x w), `agb` (h x w, t/ha), perhaps `sd` (h x w, t/ha: of the reference, as GEDI gives it)
  PLACE_k.tif and PLACE_k.agb.tif     the bands; agb in band 1, perhaps its sd in band 2 (needs GDAL's Python bindings)
NaN (a TIFF's nodata) is missing: in agb where no footprint lies, in the bands where there is cloud. Most of agb may be missing: GEDI's is.

Whole places are held out for the score. The network gives the mean and the standard deviation of a normal error (beta-NLL, Seitzer et al. 2022); the
reference's own variance is added in the loss, so that the sd on the map is the map's error of the true biomass, not of GEDI's. No model is shipped:
none of the data at hand has AGB on pixels. Nothing here is tuned on real data.
"""
import argparse
import datetime
import hashlib
import json
from pathlib import Path

import numpy as np

MOST = 1000.0  # t/ha: the card's range
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


def make_net(bands, width, typical):
    """Residual 3 x 3 convolutions at full resolution. It reads normalised bands and gives mean and sd, t/ha; the heads start at the typical biomass."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, dilation):
            super().__init__()
            self.a, self.b = (nn.Sequential(nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False), nn.BatchNorm2d(width)) for _ in range(2))

        def forward(self, x):
            return F.relu(x + self.b(F.relu(self.a(x))))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.blocks, self.head = nn.Conv2d(bands, width, 3, padding=1), nn.Sequential(*[Block(d) for d in DILATIONS]), nn.Conv2d(width, 2, 1)
            nn.init.constant_(self.head.bias, 1.0)

        def forward(self, x):
            y = F.softplus(self.head(self.blocks(F.relu(self.first(x)))))
            return (y[:, :1] * typical).clamp(max=MOST), (y[:, 1:] * typical / 4 + 1).clamp(max=MOST)

    return Net()


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


def train(patches, mean, sd, steps, seed, width, size=8, lr=2e-3):
    import torch
    torch.manual_seed(seed)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    truth = np.concatenate([a[np.isfinite(a)] for _, a, _ in patches])
    net = make_net(len(mean), width, float(truth.mean())).to(device)
    side = min(64, min(min(a.shape) for _, a, _ in patches))
    optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps)
    for step in range(steps):
        x, y, var, known = (torch.from_numpy(a).to(device) for a in batch(patches, np.random.default_rng((seed, step)), size, side, mean, sd))
        m, s = net(x)
        total = s ** 2 + var
        loss = (((y - m) ** 2 / total + total.log()) / 2 * total.detach() ** 0.5 * known).sum() / known.sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimiser.step()
        schedule.step()
    return net.cpu().eval()


def score(net, places, mean, sd):
    """RMSE, bias (t/ha), R2 and the share of reference values within 95 % limits of map and reference together, over held-out places."""
    import torch
    found = []
    for patches in places.values():
        for bands, agb, error in patches:
            x = np.nan_to_num((bands - mean[:, None, None]) / sd[:, None, None])[None].astype(np.float32)
            with torch.no_grad():
                m, s = (t[0, 0].numpy() for t in net(torch.from_numpy(x)))
            known = np.isfinite(agb) & np.isfinite(error) & np.isfinite(bands).all(0)
            found.append(np.stack([agb[known], m[known], np.hypot(s[known], error[known])]))
    y, m, s = np.concatenate(found, 1).astype(float)
    return {'rmse_t_per_ha': np.sqrt(np.mean((m - y) ** 2)), 'bias_t_per_ha': np.mean(m - y), 'r2': 1 - np.sum((m - y) ** 2) / np.sum((y - y.mean()) ** 2),
            'within_limits_percent': 100 * np.mean(np.abs(m - y) <= 1.96 * s)}


def export(net, folder, bands):
    import onnx
    import torch
    folder.mkdir(parents=True, exist_ok=True)
    path, names = folder / 'model.onnx', ['agb', 'agb_sd']
    free = {2: 'height', 3: 'width'}
    torch.onnx.export(net, torch.zeros(1, bands, 64, 64), str(path), opset_version=13, input_names=['image'], output_names=names, dynamic_axes={'image': free, 'agb': free, 'agb_sd': free})
    model = onnx.load(str(path))
    model.producer_name, model.producer_version, model.doc_string = 'understory training', '', ''
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def card_of(args, sha, mean, sd, scores, train_places, val_places):
    """The card that the product reads: bands in the data's own units, normalised by mean and std."""
    rounded = lambda values: [float(f'{v:.6g}') for v in values]
    return {
        'name': args.name, 'version': '1.0.0', 'task': 'regress-raster', 'licence': args.licence, 'sha256': sha,
        'input': {'name': 'image', 'layout': 'NCHW', 'bands': args.bands, 'fill': 0, 'scale': 1, 'mean': rounded(mean), 'std': rounded(sd), 'gsd_m': args.gsd, 'gsd_range_m': [args.gsd * 0.8, args.gsd * 1.25],
                  'patch_px': 128, 'margin_px': MARGIN, 'stride_px': 1, 'statistics': {b: {'mean': m, 'sd': s} for b, m, s in zip(args.bands, rounded(mean), rounded(sd))}},
        'outputs': [{'name': 'agb', 'variable': 'agb', 'unit': 't/ha', 'stride_px': 1, 'range': [0, MOST]}, {'name': 'agb_sd', 'of': 'agb', 'is': 'sd', 'range': [0, MOST]}],
        'post': {}, 'tolerance': 0.05, 'training': [{'data': args.source, 'licence': args.data_licence, 'region': ', '.join(train_places)}],
        'scores': [{'data': args.source, 'split': f'places held out: {", ".join(val_places)}', 'metric': k, 'value': round(float(v), 3), 'date': datetime.date.today().isoformat()} for k, v in scores.items()],
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
    net = train(patches, mean, sd, args.steps, args.seed, args.width)
    scores = score(net, {place: places[place] for place in sorted(val)}, mean, sd)
    sha = export(net, args.into, count)
    card = card_of(args, sha, mean, sd, scores, sorted(set(places) - val), sorted(val))
    (args.into / 'card.json').write_text(json.dumps(card, indent=2) + '\n')
    print(json.dumps({k: round(float(v), 2) for k, v in scores.items()}))
    return scores


if __name__ == '__main__':
    main()
