"""Verification as a binary classification of pairs: a logistic unit on how much every number of two encodings differs.

Taigman et al. 2014, 4.2: the weighted chi-square similarity, and the L1 distance of a Siamese network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from engine.functional.faces import chi_square
from engine.functional.losses import binary_cross_entropy_with_logits
from engine.functional.optimizers import State, adam


def manhattan(a: Tensor, b: Tensor) -> Tensor:
    """|f_k - f'_k| of encodings (..., n)."""
    return (a - b).abs()


def chi_square_of_signed(a: Tensor, b: Tensor) -> Tensor:
    """Chi-square of every number of encodings (..., n) in [-1, 1], moved into [0, 1] first: it takes no negative ones."""
    return chi_square((1 + a) / 2, (1 + b) / 2)


def probability(features: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """sigmoid(sum_k w_k x_k + b) of features (..., m, n), weights (..., n), bias (...): (..., m), same person or not."""
    return torch.sigmoid((features @ w[..., None])[..., 0] + b[..., None])


class Unit(NamedTuple):
    """After so many updates: weights (units, n), biases (units,), and the cost of each (units,)."""

    step: int
    w: Tensor
    b: Tensor
    cost: Tensor


def fit_units(features: Tensor, same: Tensor, *, rate: float, l2: float, steps: int) -> Iterator[Unit]:
    """Logistic units side by side, each on its own features (units, m, n) of the same pairs, by Adam on all of them.

    The cost is the cross-entropy plus l2 / 2 |w|^2, with features measured in units of their standard deviation, and no
    centre taken off: a pair without any difference stays at 0. Yields the start and every update, w for the features given.
    """
    y, m = same.to(features), len(same)
    scale = features.std(1).clamp(min=1e-12)  # (units, n)
    x = features / scale[:, None]
    w, b = torch.zeros_like(scale), torch.zeros(len(scale)).to(scale)
    state: State = {}
    for step in range(steps + 1):
        z = (x @ w[..., None])[..., 0] + b[:, None]  # (units, m)
        cost = binary_cross_entropy_with_logits(z, y.expand_as(z), dim=-1) + l2 / 2 * w.square().sum(-1)
        yield Unit(step, w / scale, b, cost)
        error = (torch.sigmoid(z) - y) / m
        grads = [(error[:, None] @ x)[:, 0] + l2 * w, error.sum(-1)]
        (w, b), state = adam([w, b], grads, state, rate)
