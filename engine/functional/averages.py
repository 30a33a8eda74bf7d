"""Averages over time."""

from __future__ import annotations

import torch
from torch import Tensor


def exponentially_weighted(values: Tensor, beta: float, corrected: bool = True, start: float = 0.0) -> Tensor:
    """v_t = beta * v_{t-1} + (1 - beta) * theta_t from v_0 = start, for values theta (n,): the averages (n,).

    It averages over about 1 / (1 - beta) values. ``corrected`` divides what is read by 1 - beta^t, never what recurs, which
    lifts the first averages out of their start at zero; a start of its own needs no correction.
    """
    v, averages = torch.tensor(start, dtype=values.dtype), []
    for value in values:
        v = beta * v + (1 - beta) * value
        averages.append(v)
    found = torch.stack(averages) if averages else values.clone()
    t = torch.arange(1, len(values) + 1, dtype=values.dtype)
    return found / (1 - beta**t) if corrected else found
