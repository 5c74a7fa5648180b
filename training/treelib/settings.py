"""Command-line arguments that all trainings share."""
import argparse
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
MODELS = {'count': 'tree-count-urban', 'dead': 'dead-tree-naip', 'crown': 'tree-crown-rgb', 'alive': 'crown-alive-dead'}  # folders in models/


def parser(about):
    p = argparse.ArgumentParser(description=about)
    p.add_argument('--data', default=os.environ.get('UNDERSTORY_DATA'), help='folder of the training data (or set UNDERSTORY_DATA)')
    p.add_argument('--runs', default=HERE / 'runs', type=Path, help='folder of checkpoints, logs and predictions')
    p.add_argument('--cache', default=None, type=Path, help='folder of decoded pictures (default: cache/ in the folder of the runs)')
    p.add_argument('--steps', type=int, help='length of the schedule')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--batch', type=int, default=16, help='crops a step')
    p.add_argument('--start', type=Path, help='folder of a finished run to start from (a second cycle: use a lower --lr)')
    p.add_argument('--lr', type=float, default=2e-3, help='highest learning rate')
    return p


def settled(p):
    args = p.parse_args()
    if not args.data or not Path(args.data).is_dir():
        p.error('give the folder of the training data: --data FOLDER, or set UNDERSTORY_DATA')
    args.data = Path(args.data)
    args.cache = args.cache or args.runs / 'cache'
    return args
