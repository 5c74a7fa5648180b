"""Local SGD: forked processes of one thread each, weights averaged every few steps; checkpoints that resume; EMA.

Schedules are counted in steps. All draws of a step come from (seed, rank, step), so a resumed run sees the crops that an
unbroken one would have seen. On a GPU one process takes the batches of all, and pictures, jitter and targets stay there.
"""
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'passive')  # before torch: spinning threads stall a shared machine
os.environ.setdefault('OMP_NUM_THREADS', '1')
import numpy as np
import torch
import torch.multiprocessing as mp


@dataclass(frozen=True)
class Schedule:
    steps: int
    seed: int = 1
    batch: int = 16  # crops a step, of all processes
    workers: int = 2
    average_every: int = 6
    lr: float = 2e-3
    weight_decay: float = 0.02
    warmup: int = 100
    clip: float = 5.0
    ema: float = 0.998
    save_every: int = 120  # a multiple of average_every
    bf16: bool = True  # autocast of the forward pass: 1.5 times as fast where the CPU has AVX-512 BF16


def device():
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def lr_at(step, s):
    """Warm-up, then a cosine to 0."""
    if step < s.warmup:
        return s.lr * (step + 1) / s.warmup
    return s.lr * 0.5 * (1 + np.cos(np.pi * (step - s.warmup) / max(1, s.steps - s.warmup)))


def floats(net):
    """All float tensors of a net: weights and batch-norm statistics."""
    return [t for t in net.state_dict().values() if t.is_floating_point()]


def to_flat(net):
    return torch.cat([t.detach().reshape(-1) for t in floats(net)])


def from_flat(net, flat):
    size = sum(t.numel() for t in floats(net))
    if len(flat) != size:
        raise ValueError(f'{len(flat)} weights for a net of {size}')
    at = 0
    with torch.no_grad():
        for t in floats(net):
            t.copy_(flat[at: at + t.numel()].reshape(t.shape))
            at += t.numel()


def save(path, what):
    torch.save(what, f'{path}.tmp')
    os.replace(f'{path}.tmp', path)


def train(run, make_net, draw, loss_of, schedule, start=None, log_every=60):
    """Train, or go on with a run that was broken off, and return the net with averaged (EMA) weights, in eval mode on the device.

    make_net: () -> net.  draw: (rng, batch) -> dict of tensors on the device, the key `x` being the input.
    loss_of: (outputs, tensors, step) -> (loss, dict of tensors to log).  start: folder of a run whose averaged weights it starts from.
    """
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    if not (run / 'done.pt').exists():
        s, gpu = schedule, torch.cuda.is_available()
        workers = 1 if gpu else s.workers
        torch.manual_seed(s.seed)
        size = sum(t.numel() for t in floats(make_net()))
        first = torch.load(Path(start) / 'done.pt', map_location='cpu')['ema'] if start else None
        shared = torch.zeros(workers, size).share_memory_()
        barrier = mp.get_context('fork').Barrier(workers)
        args = (run, make_net, draw, loss_of, s, log_every, shared, barrier, first)
        if gpu:
            work(0, workers, s.batch, *args)
        else:
            children = [mp.get_context('fork').Process(target=work, args=(r, workers, s.batch // workers, *args)) for r in range(workers)]
            for c in children:
                c.start()
            for c in children:
                c.join()
                if c.exitcode:
                    for other in children:
                        other.terminate()
                    raise RuntimeError(f'a training process of {run} ended with {c.exitcode}')
    net = make_net()
    from_flat(net, torch.load(run / 'done.pt', map_location='cpu')['ema'])
    return net.eval().to(device())


def load_ema(run, make_net):
    """The averaged weights of a run: finished, or as far as it has come. Returns (net, step)."""
    run = Path(run)
    path = run / 'done.pt' if (run / 'done.pt').exists() else run / 'state-0.pt'
    state, net = torch.load(path, map_location='cpu'), make_net()
    from_flat(net, state['ema'])
    return net.eval(), state['step']


def work(rank, workers, batch, run, make_net, draw, loss_of, s, log_every, shared, barrier, first):
    torch.set_num_threads(1)
    dev = device()
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(s.seed)
    net = make_net()
    if first is not None:
        from_flat(net, first)
    net = net.to(dev, memory_format=torch.channels_last).train()
    plain = [p for p in net.parameters() if p.ndim < 2]
    decayed = [p for p in net.parameters() if p.ndim >= 2]
    fused = {'fused': True} if dev.type == 'cuda' else {}
    opt = torch.optim.AdamW([{'params': decayed, 'weight_decay': s.weight_decay}, {'params': plain, 'weight_decay': 0.0}], lr=s.lr, **fused)
    ema, start, spent = None, 0, 0.0
    mine = run / f'state-{rank}.pt'
    if all((run / f'state-{r}.pt').exists() for r in range(workers)):
        steps = [torch.load(run / f'state-{r}.pt', map_location='cpu')['step'] for r in range(workers)]
        if len(set(steps)) == 1:
            state = torch.load(mine, map_location='cpu')
            from_flat(net, state['flat'].to(dev)), opt.load_state_dict(state['opt'])
            ema, start, spent = state['ema'].to(dev), state['step'], state['spent']
    tallies, began = {}, time.time()
    for step in range(start, s.steps):
        for group in opt.param_groups:
            group['lr'] = lr_at(step, s)
        rng = np.random.default_rng([s.seed, rank, step])
        torch.manual_seed(s.seed * 1_000_003 + step * 16 + rank)
        tensors = draw(rng, batch)
        x = tensors['x'].contiguous(memory_format=torch.channels_last)
        with torch.autocast(dev.type, dtype=torch.bfloat16, enabled=s.bf16):
            outputs = net(x)
        outputs = {k: v.float() for k, v in outputs.items()} if isinstance(outputs, dict) else outputs.float()
        loss, numbers = loss_of(outputs, tensors, step)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), s.clip)
        opt.step()
        for k, v in {'loss': loss, **numbers}.items():
            tallies.setdefault(k, []).append(v.detach())  # read when they are logged: reading waits for the GPU
        last = step + 1 == s.steps
        if (step + 1) % s.average_every == 0 or last:
            flat = to_flat(net)
            if workers > 1:
                shared[rank].copy_(flat)
                barrier.wait(900)
                flat = shared.mean(0)
                barrier.wait(900)
                from_flat(net, flat)
            decay = min(s.ema ** s.average_every, (step + 1) / (step + 1 + 10 * s.average_every))
            ema = flat.clone() if ema is None else ema.mul_(decay).add_(flat, alpha=1 - decay)
            if (step + 1) % s.save_every == 0 and not last:
                save(mine, {'step': step + 1, 'flat': flat, 'ema': ema, 'opt': opt.state_dict(), 'spent': spent + time.time() - began})
                barrier.wait(900)
            if last and rank == 0:
                save(run / 'done.pt', {'step': s.steps, 'ema': ema, 'spent': spent + time.time() - began})
        if rank == 0 and ((step + 1) % log_every == 0 or last):
            line = {'step': step + 1, 'seconds': round(spent + time.time() - began, 1), **{k: round(float(torch.stack(v).mean()), 4) for k, v in tallies.items()}}
            with open(run / 'log.jsonl', 'a') as f:
                f.write(json.dumps(line) + '\n')
            tallies = {}
