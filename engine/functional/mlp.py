"""Networks of L dense layers with a sigmoid or softmax output, forward and backward written out by hand.

Batch first: x is (..., m, n0); y is (..., m), 0 or 1 for one output unit, a whole number below C for C of them. Parameters
are the flat list [W1, b1, ..., WL, bL] in the layout of ``torch.nn.Linear``: W (..., n_out, n_in), b (..., n_out). Gradients
come in the same order and shapes. Leading dimensions hold networks of one shape side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from engine.functional.activations import ACTIVATIONS, sigmoid, softmax
from engine.functional.losses import binary_cross_entropy_with_logits, cross_entropy

Parameters = list[Tensor]
Rule = Literal["he", "xavier", "glorot"]


def deviation(rule: Rule, n_in: int, n_out: int) -> float:
    """The weights' deviation: He et al. 2015 sqrt(2 / n_in), the course's Xavier sqrt(1 / n_in), Glorot and Bengio 2010
    sqrt(2 / (n_in + n_out)), which keeps activations and gradients in balance.
    """
    return math.sqrt({"he": 2 / n_in, "xavier": 1 / n_in, "glorot": 2 / (n_in + n_out)}[rule])


def initialize(sizes: Sequence[int], generator: torch.Generator, scale: float | Rule = "he") -> Parameters:
    """Random normal weights, which break the symmetry between units, and zero biases, for layers of n0, n1, ..., nL units.

    ``scale`` is the weights' deviation, a number or a rule of :func:`deviation`.
    """
    params = []
    for n_in, n_out in pairwise(sizes):
        spread = deviation(scale, n_in, n_out) if isinstance(scale, str) else scale
        params += [spread * torch.randn(n_out, n_in, generator=generator), torch.zeros(n_out)]
    return params


def forward(params: Parameters, x: Tensor, activation: str, masks: Sequence[Tensor] = ()) -> list[Tensor]:
    """The activations of every layer: [A0 = x, A1, ..., ZL], each (..., m, n_l); the last are the logits.

    ``masks`` multiply the hidden layers' activations (dropout).
    """
    g = ACTIVATIONS[activation].function
    cache = [x]
    for layer, (W, b) in enumerate(zip(params[::2], params[1::2], strict=True), 1):
        z = cache[-1] @ W.mT + b.unsqueeze(-2)  # Z = A_prev Wᵀ + b, (..., m, n_l)
        hidden = 2 * layer < len(params)
        a = g(z) if hidden else z
        cache.append(a * masks[layer - 1] if hidden and masks else a)
    return cache


def output_error(z: Tensor, y: Tensor) -> Tensor:
    """dJ/dz = (a - y) / m of the logits z (..., m, n_L), the same for a sigmoid and for a softmax output."""
    if z.shape[-1] == 1:
        return sigmoid(z).sub_(y.unsqueeze(-1)).div_(z.shape[-2])
    a = softmax(z)
    return (a - torch.nn.functional.one_hot(y.long(), z.shape[-1])) / z.shape[-2]


def backward(
    params: Parameters, cache: list[Tensor], y: Tensor, activation: str, masks: Sequence[Tensor] = ()
) -> Parameters:
    """The gradients of the cross-entropy: [dW1, db1, ..., dWL, dbL] for the cache and masks of :func:`forward`."""
    backprop = ACTIVATIONS[activation].backprop
    dz = output_error(cache[-1], y)  # dZ = (A - Y) / m, (..., m, n_L)
    grads: Parameters = []
    for layer in range(len(cache) - 1, 0, -1):
        a, W = cache[layer - 1], params[2 * layer - 2]
        grads += [dz.sum(-2), dz.mT @ a]  # db (..., n_l), dW (..., n_l, n_prev)
        if layer > 1:
            dz = dz @ W  # dA_prev = dZ W, (..., m, n_prev)
            if masks:
                # A kept unit's activation was scaled by its mask; before that it was a / mask.
                mask = masks[layer - 2]
                dz, a = dz * mask, torch.where(mask > 0, a / mask, 0)
            dz = backprop(dz, a)  # dZ_prev = dA_prev * g'(Z_prev)
    return grads[::-1]


def cost(z: Tensor, y: Tensor) -> Tensor:
    """The mean cross-entropy of logits z (..., m, n_L) with labels y (..., m), for every network: (...)."""
    return binary_cross_entropy_with_logits(z.squeeze(-1), y, -1) if z.shape[-1] == 1 else cross_entropy(z, y, -1)


def predict(params: Parameters, x: Tensor, activation: str) -> Tensor:
    """The probability of class 1 for every row of x, (..., m); of every class, (..., m, C), for C outputs."""
    z = forward(params, x, activation)[-1]
    return sigmoid(z).squeeze(-1) if z.shape[-1] == 1 else softmax(z)
