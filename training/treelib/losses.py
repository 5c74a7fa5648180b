"""Losses that more than one training uses."""
import torch


def centre_focal(logits, heat):
    """CenterNet's focal loss (Zhou et al. 2019, alpha 2, beta 4) by centre; heat is 1 at a centre and falls about it."""
    p, peak = torch.sigmoid(logits).clamp(1e-4, 1 - 1e-4), heat > 0.999
    return -torch.where(peak, (1 - p).pow(2) * p.log(), (1 - heat).pow(4) * p.pow(2) * (1 - p).log()).sum() / peak.sum().clamp(min=1)
