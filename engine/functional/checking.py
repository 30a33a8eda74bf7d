"""A network's cost and gradient over one long vector of its parameters, and bugs to plant in the gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from engine.functional import mlp
from engine.functional.activations import ACTIVATIONS
from engine.functional.mlp import Parameters

BUGS = ("none", "factor", "sign", "slope", "transposed", "forgotten", "doubled", "axis", "penalty")


def pack(params: Parameters) -> Tensor:
    """[W1, b1, ..., WL, bL] as one vector θ (P,)."""
    return torch.cat([p.flatten() for p in params])


def unpack(theta: Tensor, sizes: Sequence[int]) -> Parameters:
    """The parameters of layers of n0, ..., nL units from θ (..., P), which may hold many networks."""
    counts = [count for n_in, n_out in pairwise(sizes) for count in (n_out * n_in, n_out)]
    parts = torch.split(theta, counts, -1)
    shapes = [shape for n_in, n_out in pairwise(sizes) for shape in ((n_out, n_in), (n_out,))]
    return [part.reshape(*theta.shape[:-1], *shape) for part, shape in zip(parts, shapes, strict=True)]


def cost(params: Parameters, x: Tensor, y: Tensor, activation: str, l2: float, masks: Sequence[Tensor] = ()) -> Tensor:
    """J = cross-entropy + l2 / 2m * all squared weights, (...), for x (m, n0) and y (m,)."""
    z = mlp.forward(params, x, activation, masks)[-1]
    return mlp.cost(z, y) + l2 / (2 * len(y)) * sum(W.square().sum((-2, -1)) for W in params[::2])


def gradient(
    params: Parameters,
    x: Tensor,
    y: Tensor,
    activation: str,
    l2: float,
    masks: Sequence[Tensor] = (),
    bug: str = "none",
) -> Parameters:
    """dJ by backpropagation, [dW1, db1, ...], for hidden layers of one width; ``bug`` names a mistake to make, of ``BUGS``."""
    cache = mlp.forward(params, x, activation, masks)
    d, grads = mlp.output_error(cache[-1], y), []  # type: Tensor, Parameters
    for layer in range(len(cache) - 1, 0, -1):
        W, a = params[2 * layer - 2], cache[layer - 1]
        dW, db = d.mT @ a, d.sum(0)
        if bug != "penalty":
            dW = dW + l2 / len(y) * W
        if bug == "axis":
            db = d.sum().expand_as(db)
        if layer == 2 and bug in ("doubled", "sign"):
            dW, db = (2 * dW, db) if bug == "doubled" else (dW, -db)
        if layer == 1 and bug == "forgotten":
            dW, db = torch.zeros_like(dW), torch.zeros_like(db)
        grads += [db, dW]
        if layer > 1:
            d = d @ (W.mT if layer == 2 and bug == "transposed" else W)
            if masks:
                d, a = d * masks[layer - 2], torch.where(masks[layer - 2] > 0, a / masks[layer - 2], 0)
            if layer != 2 or bug != "slope":
                d = ACTIVATIONS[activation].backprop(d, a)
    return [g * len(y) if bug == "factor" else g for g in grads[::-1]]


def differences(f: Callable[[Tensor], Tensor], theta: Tensor, epsilons: Tensor) -> tuple[Tensor, Tensor]:
    """The slopes of f in every component of θ (P,) by one-sided and by two-sided differences, (E, P) each, for E epsilons.

    All the moved vectors are given to ``f`` at once: it maps (..., P) to (...).
    """
    steps = epsilons[:, None, None] * torch.eye(len(theta), dtype=theta.dtype)  # (E, P, P)
    above, here, below = f(theta + steps), f(theta), f(theta - steps)
    width = epsilons[:, None]
    return (above - here) / width, (above - below) / (2 * width)
