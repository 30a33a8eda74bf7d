"""One hidden layer computed unit by unit, so that equal units stay equal to the last bit.

A matrix product adds a row's terms in an order that depends on where the row stands, so rounding makes equal rows differ in
their last digits. Here every unit's numbers go through the same operations in the same order.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.functional.activations import ACTIVATIONS, sigmoid
from engine.functional.mlp import Parameters


def forward(params: Parameters, x: Tensor, activation: str) -> tuple[Tensor, Tensor]:
    """The hidden activations (..., n1, m) and logits (..., m) of [W1, b1, W2, b2], laid out as in ``mlp``, for x (m, n0)."""
    W, b, v, c = params
    z = b.unsqueeze(-1)
    for i in range(x.shape[-1]):
        z = z + W[..., i, None] * x[:, i]  # Z = W X + b, one input after the other
    a = ACTIVATIONS[activation].function(z)
    return a, (v.mT * a).sum(-2) + c


def gradient(params: Parameters, x: Tensor, y: Tensor, activation: str) -> Parameters:
    """The gradients of the mean cross-entropy on x (m, n0) and y (m,), 0 or 1: [dW1, db1, dW2, db2]."""
    a, z = forward(params, x, activation)
    d = ((sigmoid(z) - y) / len(y)).unsqueeze(-2)  # dJ/dz of the output, (..., 1, m)
    dz = ACTIVATIONS[activation].backprop(params[2].mT * d, a)  # (..., n1, m)
    dW = torch.stack([(dz * x[:, i]).sum(-1) for i in range(x.shape[-1])], -1)
    return [dW, dz.sum(-1), (a * d).sum(-1).unsqueeze(-2), d.sum(-1)]
