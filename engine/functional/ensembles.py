"""Several classifiers as one: probabilities averaged, and what an average is worth.

Probabilities p of k members on m examples are (k, m), of class 1, or (k, m, C), of every class; labels y are (m,).
"""

from __future__ import annotations

import torch
from torch import Tensor


def running_average(p: Tensor) -> Tensor:
    """The mean of the first 1, 2, ..., k members' probabilities, in the shape of p; the last is the whole ensemble's."""
    count = torch.arange(1, len(p) + 1, device=p.device).view(-1, *[1] * (p.ndim - 1))
    return p.cumsum(0) / count


def right(p: Tensor, y: Tensor) -> Tensor:
    """The share of examples whose likeliest class is the true one, (k,)."""
    chosen = p.argmax(-1) if p.ndim > 2 else p > 0.5
    return (chosen == y).float().mean(-1)


def log_loss(p: Tensor, y: Tensor) -> Tensor:
    """The cross-entropy -mean(log of the true class's probability), (k,).

    It is convex in p, so that of an average is never above the mean of its members' (Jensen).
    """
    true = (
        torch.where(y == 1, p, 1 - p) if p.ndim == 2 else p.gather(-1, y.long().expand(len(p), -1)[..., None])[..., 0]
    )
    return -true.clamp(min=1e-7).log().mean(-1)
