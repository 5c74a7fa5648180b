"""PyTorch to ONNX, a check that the product's own ONNX Runtime gives the same, and the card beside it."""
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from treelib.jitter import MEAN, STD, to_input
from treelib.pictures import moments
from treelib.settings import HERE

OPSET = 13


def export(net, path, bands, names, side=256, any_size=True):
    """Write a net as ONNX, batch free, and height and width where it takes any size; `names`: its outputs in order. Returns the size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    free = {n: {0: 'batch', **({2: f'{n}_height', 3: f'{n}_width'} if any_size else {})} for n in ['image', *names]}
    torch.onnx.export(net.eval(), torch.zeros(2, bands, side, side), str(path), opset_version=OPSET, input_names=['image'], output_names=names, dynamic_axes=free)
    model = onnx.load(str(path))
    model.producer_name, model.producer_version, model.doc_string = 'understory training', '', ''
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path.stat().st_size


def run_onnx(path, inputs):
    """Outputs of the product's session (ONNX Runtime, one thread) for inputs n x c x h x w: a list of {name: array}."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for k, x in enumerate(inputs):
            np.ascontiguousarray(x, '<f4').tofile(folder / f'{k}.f32')
        (folder / 'dims.json').write_text(json.dumps([list(x.shape) for x in inputs]))
        subprocess.run([str(HERE.parent / 'node_modules/.bin/node'), str(HERE / 'run-onnx.ts'), str(Path(path).resolve()), str(folder)], check=True)
        dims = json.loads((folder / 'outputs.json').read_text())
        return [{n: np.fromfile(folder / f'{k}.{n}.f32', '<f4').reshape(shape) for n, shape in d.items()} for k, d in enumerate(dims)]


def check(net, path, names, pictures):
    """Largest difference of ONNX Runtime and PyTorch, by output, over pictures: h x w x bands levels, sides of any allowed size."""
    return differences(net, path, names, [to_input(p[None].astype(np.float32)) for p in pictures])


@torch.no_grad()
def differences(net, path, names, inputs):
    """Largest difference of ONNX Runtime and PyTorch, by output, over inputs of the net (n x bands x h x w, float32) and over two at a time."""
    inputs = list(inputs)
    inputs.append(np.concatenate([inputs[0], inputs[0][:, :, ::-1]]))  # the batch is free: a GPU takes several patches
    worst = dict.fromkeys(names, 0.0)
    for x, got in zip(inputs, run_onnx(path, inputs)):
        want = net(torch.from_numpy(x))
        for n, w in zip(names, want if isinstance(want, tuple) else (want,)):
            assert got[n].shape == tuple(w.shape) and np.isfinite(got[n]).all(), (n, got[n].shape, w.shape)
            worst[n] = max(worst[n], float(np.abs(got[n] - w.numpy()).max()))
    return worst


def band_statistics(pictures, bands):
    """Mean and standard deviation of the levels of all training pixels, by band, as the card gives them."""
    return {b: {'mean': round(float(m), 2), 'sd': round(float(s), 2)} for b, m, s in zip(bands, *moments(pictures))}


def input_of(bands, optional=(), **rest):
    return {'name': 'image', 'layout': 'NCHW', 'bands': list(bands), 'optional_bands': list(optional), 'fill': 0, 'scale': 1,
            'mean': [MEAN] * len(bands), 'std': [STD] * len(bands), **rest}


def write_card(folder, card):
    """card.json beside model.onnx, with the hash of the network."""
    sha = hashlib.sha256((folder / 'model.onnx').read_bytes()).hexdigest()
    ordered = {k: card[k] for k in ('name', 'version', 'task', 'licence')} | {'sha256': sha} | {k: v for k, v in card.items() if k not in ('name', 'version', 'task', 'licence')}
    (folder / 'card.json').write_text(json.dumps(ordered, indent=2) + '\n')


def check_lines(data, split, differences, date):
    """{metric: difference} as the lines of a card, two digits each."""
    return [{'data': data, 'split': split, 'metric': metric, 'value': float(f'{d:.1e}'), 'date': date} for metric, d in differences.items()]


def score_lines(data, split, scores, date):
    """{metric: [value, [low, high]]} or {metric: value} as the lines of a card."""
    lines = []
    for metric, v in scores.items():
        value, interval = v if isinstance(v, (list, tuple)) else (v, None)
        lines.append({'data': data, 'split': split, 'metric': metric, 'value': round(float(value), 4), **({'interval': [round(float(b), 4) for b in interval]} if interval else {}), 'date': date})
    return lines
