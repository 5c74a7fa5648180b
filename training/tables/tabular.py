"""What the table trainings share: reading, scores with bootstrap intervals, a small ONNX graph builder, cards, the check against the product's session."""
import argparse
import csv
import datetime
import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OPSET, IR = 13, 8
Z = 1.96  # the product's limits of a table model are mean -+ 1.96 sd, cut at 0
TODAY = os.environ.get('UNDERSTORY_DATE') or datetime.date.today().isoformat()


def arguments(about):
    p = argparse.ArgumentParser(description=about)
    p.add_argument('--data', default=os.environ.get('UNDERSTORY_DATA'), help='folder of the training data (or set UNDERSTORY_DATA)')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--models', type=Path, default=ROOT / 'models')
    p.add_argument('--rows', type=Path, default=ROOT / 'test/models', help='folder of the synthetic rows with their values, which tests compare with')
    args = p.parse_args()
    if not args.data or not Path(args.data).is_dir():
        p.error('give the folder of the training data: --data FOLDER, or set UNDERSTORY_DATA')
    args.data = Path(args.data)
    return args


def number(text):
    return float(text) if text not in ('', 'NA') else np.nan


def records(path):
    with open(path, newline='') as f:
        return list(csv.DictReader(f))


def scores(observed, mean, sd=None):
    """RMSE, bias (predicted - observed), both also in % of the observed mean, R2, share within mean -+ 1.96 sd (%)."""
    e, m = mean - observed, observed.mean()
    out = {'rmse': np.sqrt(np.mean(e ** 2)), 'bias': e.mean()}
    out |= {'rmse_percent': 100 * out['rmse'] / m, 'bias_percent': 100 * out['bias'] / m, 'r2': 1 - np.sum(e ** 2) / np.sum((observed - m) ** 2)}
    if sd is not None:
        out['within_limits_percent'] = 100 * np.mean(np.abs(e) <= Z * sd)
    return out


def bootstrap(score, groups, seed=1, draws=1000):
    """95 % interval of score(indices): whole groups (plots, sites) are drawn with replacement."""
    names, rng = np.unique(groups), np.random.default_rng(seed)
    members = [np.flatnonzero(groups == name) for name in names]
    drawn = [score(np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])) for _ in range(draws)]
    return [float(b) for b in np.percentile(drawn, [2.5, 97.5])]


class Graph:
    """A plain ONNX graph of float32, a row a sample; names of results are made here."""

    def __init__(self, columns):
        self.nodes, self.constants, self.columns = [], [], columns

    def constant(self, value):
        name = f'c{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def indices(self, value):
        name = f'c{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.int64), name))
        return name

    def op(self, kind, *inputs, **attributes):
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        out = f'v{len(self.nodes)}'
        self.nodes.append(helper.make_node(kind, names, [out], **attributes))
        return out

    def column(self, name):
        """One input column, n x 1."""
        return self.op('Gather', 'table', self.indices([self.columns.index(name)]), axis=1)

    def clipped(self, name, low, high):
        return self.op('Min', self.op('Max', name, low), high)

    def save(self, path, value, sd):
        """Output `value`, n x 2: the value and its standard deviation."""
        self.nodes.append(helper.make_node('Concat', [value, sd], ['value'], axis=1))
        graph = helper.make_graph(self.nodes, 'table', [helper.make_tensor_value_info('table', TensorProto.FLOAT, ['rows', len(self.columns)])],
                                  [helper.make_tensor_value_info('value', TensorProto.FLOAT, ['rows', 2])], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', OPSET)], producer_name='understory training')
        model.ir_version = IR
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(path))


def run_onnx(path, rows):
    """What the product's own session gives for rows (n x columns): n x 2."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        np.ascontiguousarray(rows, '<f4').tofile(folder / '0.f32')
        (folder / 'dims.json').write_text(json.dumps([list(rows.shape)]))
        subprocess.run([str(ROOT / 'node_modules/.bin/node'), str(HERE.parent / 'run-onnx.ts'), str(Path(path).resolve()), str(folder)], check=True)
        return np.fromfile(folder / '0.value.f32', '<f4').reshape(len(rows), 2).astype(float)


def statistics(columns, rows):
    return {c: {'mean': round(float(m), 4), 'sd': round(float(s), 4)} for c, m, s in zip(columns, rows.mean(0), rows.std(0))}


def outputs(variable, unit, high, high_sd):
    one = {'name': 'value', 'channels': 2}
    return [{**one, 'variable': variable, 'unit': unit, 'range': [0, high], 'channel': 0}, {**one, 'of': variable, 'is': 'sd', 'range': [0, high_sd], 'channel': 1}]


def write_card(folder, card):
    """card.json beside model.onnx, with the hash of the network."""
    sha = hashlib.sha256((folder / 'model.onnx').read_bytes()).hexdigest()
    head = ('name', 'version', 'task', 'licence')
    (folder / 'card.json').write_text(json.dumps({k: card[k] for k in head} | {'sha256': sha} | {k: v for k, v in card.items() if k not in head}, indent=2) + '\n')


def write_rows(path, columns, rows, values):
    """Rows made up here (none is a data row) with what this script says of them, for test/models/tables.test.ts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({'row': [float(x) for x in row], 'value': float(v), 'sd': float(s)}) for row, (v, s) in zip(rows, values)]
    path.write_text('{"columns": %s, "rows": [\n  %s\n]}\n' % (json.dumps(columns), ',\n  '.join(lines)))
