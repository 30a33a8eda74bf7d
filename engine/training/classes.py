"""A softmax classifier of pictures or encodings, trained from scratch on all that are there."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.functional.losses import cross_entropy
from engine.functional.optimizers import State, adam

Parameters = list[Tensor]


def fit_classes(
    forward: Callable[[Parameters, Tensor], Tensor], start: Parameters, x: Tensor, y: Tensor, *, rate: float, steps: int
) -> Parameters:
    """The parameters after so many updates by Adam, each on all examples x (m, ...) with classes y (m,)."""
    params, state = start, State()
    for _ in range(steps):
        params = [p.detach().requires_grad_() for p in params]
        grads = torch.autograd.grad(cross_entropy(forward(params, x), y), params)
        with torch.no_grad():
            params, state = adam(params, grads, state, rate)
    return [p.detach() for p in params]


def linear(params: Parameters, x: Tensor) -> Tensor:
    """Logits (m, classes) of a softmax layer [W (classes, n), b (classes,)] on x (m, n)."""
    return x @ params[0].T + params[1]
