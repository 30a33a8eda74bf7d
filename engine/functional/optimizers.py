"""Optimizers as pure functions: parameters, gradients and state in, parameters and state out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

State = dict[str, Any]


def sgd(params: Sequence[Tensor], grads: Sequence[Tensor], state: State, rate: float) -> tuple[list[Tensor], State]:
    """One step of gradient descent: p <- p - rate * dp. Keeps no state."""
    return [p - rate * g for p, g in zip(params, grads, strict=True)], state


def descend(
    cost: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor], start: Tensor, rate: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Follow plain gradient descent and keep the whole path.

    ``cost`` maps points (..., n) to costs (...), ``slope`` a point (n,) to its gradient (n,). Returns the points,
    (k + 1, n), and their costs, (k + 1,), where k is ``steps``, or fewer when the cost stops being finite.
    """
    points = [start]
    for _ in range(steps):
        [point], _ = sgd([points[-1]], [slope(points[-1])], {}, rate)
        points.append(point)
    path = torch.stack(points)
    costs = cost(path)
    finite = int(torch.isfinite(costs).cumprod(0).sum())
    return path[:finite], costs[:finite]
