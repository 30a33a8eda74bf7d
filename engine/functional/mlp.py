"""A network of L dense layers with one sigmoid output, forward and backward written out by hand.

Batch first: x is (m, n0) and y is (m,), 0 or 1. Parameters are the flat list [W1, b1, ..., WL, bL] in the layout of
``torch.nn.Linear``: W (n_out, n_in), b (n_out,). Gradients come in the same order and shapes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from engine.functional.activations import ACTIVATIONS, sigmoid

Parameters = list[Tensor]


def initialize(
    sizes: Sequence[int], generator: torch.Generator, scale: float | Literal["he", "xavier"] = "he"
) -> Parameters:
    """Random normal weights, which break the symmetry between units, and zero biases, for layers of n0, n1, ..., nL units.

    ``scale`` is the weights' deviation: a number, "he" for sqrt(2 / n_in), or "xavier" for sqrt(1 / n_in).
    """
    gain = {"he": 2.0, "xavier": 1.0}
    params = []
    for n_in, n_out in pairwise(sizes):
        deviation = math.sqrt(gain[scale] / n_in) if isinstance(scale, str) else scale
        params += [deviation * torch.randn(n_out, n_in, generator=generator), torch.zeros(n_out)]
    return params


def forward(params: Parameters, x: Tensor, activation: str) -> list[Tensor]:
    """The activations of every layer: [A0 = x, A1, ..., ZL], each (m, n_l); the last is the logit, before its sigmoid."""
    g = ACTIVATIONS[activation].function
    cache = [x]
    for W, b in zip(params[:-2:2], params[1:-2:2], strict=True):
        cache.append(g(torch.addmm(b, cache[-1], W.T)))  # A = g(A_prev Wᵀ + b), (m, n_l)
    cache.append(torch.addmm(params[-1], cache[-1], params[-2].T))  # (m, 1)
    return cache


def backward(params: Parameters, cache: list[Tensor], y: Tensor, activation: str) -> Parameters:
    """The gradients of the binary cross-entropy: [dW1, db1, ..., dWL, dbL] for the cache of :func:`forward`."""
    slope = ACTIVATIONS[activation].slope
    dz = (sigmoid(cache[-1]) - y[:, None]) / len(y)  # dZ = A - Y, with the mean's 1/m taken in here, (m, 1)
    grads: Parameters = []
    for a, W in zip(reversed(cache[:-1]), reversed(params[::2]), strict=True):
        grads += [dz.sum(0), dz.T @ a]  # db (n_l,), dW (n_l, n_prev)
        if len(grads) < len(params):
            dz = (dz @ W) * slope(a)  # dZ_prev = dZ W * g'(Z_prev), (m, n_prev)
    return grads[::-1]


def predict(params: Parameters, x: Tensor, activation: str) -> Tensor:
    """The probability of class 1 for every row of x, (m,)."""
    return sigmoid(forward(params, x, activation)[-1]).squeeze(-1)
