"""Optimizers as pure functions: parameters, gradients and state in, parameters and state out; and learning-rate schedules.

The state starts as an empty dict. Rates and coefficients are numbers, or tensors that broadcast over the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

State = dict[str, Any]
Rate = float | Tensor


def _moved(p: Tensor, direction: Tensor, rate: Rate) -> Tensor:
    """p - rate * direction as one operation, which on small networks takes a third of the time of two."""
    return p.addcmul(direction, rate, value=-1) if isinstance(rate, Tensor) else p.sub(direction, alpha=rate)


def sgd(params: Sequence[Tensor], grads: Sequence[Tensor], state: State, rate: Rate) -> tuple[list[Tensor], State]:
    """One step of gradient descent: p <- p - rate * dp. Keeps no state."""
    return [_moved(p, g, rate) for p, g in zip(params, grads, strict=True)], state


def momentum(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    state: State,
    rate: Rate,
    beta: Rate = 0.9,
    dampening: Rate = 0.0,
) -> tuple[list[Tensor], State]:
    """Gradient descent with momentum: v <- beta * v + (1 - dampening) * dp; p <- p - rate * v. Polyak 1964.

    Without dampening this is ``torch.optim.SGD``. The course averages, dampening = beta: the same path as PyTorch's at
    rate * (1 - beta).
    """
    v = state.get("v") or [torch.zeros_like(p) for p in params]
    v = [beta * a + (1 - dampening) * g for a, g in zip(v, grads, strict=True)]
    return [_moved(p, a, rate) for p, a in zip(params, v, strict=True)], {"v": v}


def rmsprop(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    state: State,
    rate: Rate,
    beta: Rate = 0.9,
    epsilon: float = 1e-8,
) -> tuple[list[Tensor], State]:
    """s <- beta * s + (1 - beta) * dp²; p <- p - rate * dp / (sqrt(s) + epsilon). Hinton's lecture 6e, 2012."""
    s = state.get("s") or [torch.zeros_like(p) for p in params]
    s = [beta * a + (1 - beta) * g * g for a, g in zip(s, grads, strict=True)]
    stepped = [p - rate * g / (a.sqrt() + epsilon) for p, g, a in zip(params, grads, s, strict=True)]
    return stepped, {"s": s}


def adam(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    state: State,
    rate: Rate,
    beta1: Rate = 0.9,
    beta2: Rate = 0.999,
    epsilon: float = 1e-8,
) -> tuple[list[Tensor], State]:
    """Momentum over RMSprop, both corrected for their start at zero. Kingma and Ba 2015, algorithm 1.

    v <- beta1 * v + (1 - beta1) * dp; s <- beta2 * s + (1 - beta2) * dp²;
    p <- p - rate * (v / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon). The averages stay uncorrected in the state.
    """
    t = state.get("t", 0) + 1
    v = state.get("v") or [torch.zeros_like(p) for p in params]
    s = state.get("s") or [torch.zeros_like(p) for p in params]
    v = [beta1 * a + (1 - beta1) * g for a, g in zip(v, grads, strict=True)]
    s = [beta2 * a + (1 - beta2) * g * g for a, g in zip(s, grads, strict=True)]
    c1, c2 = 1 - beta1**t, 1 - beta2**t
    stepped = [p - rate * (a / c1) / ((b / c2).sqrt() + epsilon) for p, a, b in zip(params, v, s, strict=True)]
    return stepped, {"v": v, "s": s, "t": t}


OPTIMIZERS = {"sgd": sgd, "momentum": momentum, "rmsprop": rmsprop, "adam": adam}


def inverse_time(rate: float, t: float, decay: float) -> float:
    """rate / (1 + decay * t), with t in epochs."""
    return rate / (1 + decay * t)


def exponential(rate: float, t: float, base: float) -> float:
    """rate * base^t."""
    return float(rate * base**t)


def inverse_sqrt(rate: float, t: float, k: float = 1.0) -> float:
    """rate * k / sqrt(t), held at ``rate`` while k / sqrt(t) is above 1, as at t = 0."""
    return rate * min(1.0, k / t**0.5) if t > 0 else rate


def staircase(rate: float, t: float, factor: float, every: float) -> float:
    """rate * factor^floor(t / every): a drop by ``factor`` after every so many epochs."""
    return float(rate * factor ** (t // every))


def descend(
    cost: Callable[[Tensor], Tensor],
    slope: Callable[[Tensor], Tensor],
    start: Tensor,
    rate: float,
    steps: int,
    update: Callable[..., tuple[list[Tensor], State]] = sgd,
) -> tuple[Tensor, Tensor]:
    """Follow an optimizer, plain gradient descent unless told otherwise, and keep the whole path.

    ``cost`` maps points (..., n) to costs (...), ``slope`` a point (n,) to its gradient (n,). Returns the points,
    (k + 1, n), and their costs, (k + 1,), where k is ``steps``, or fewer when the cost stops being finite.
    """
    points, state = [start], {}  # type: tuple[list[Tensor], State]
    for _ in range(steps):
        [point], state = update([points[-1]], [slope(points[-1])], state, rate)
        points.append(point)
    path = torch.stack(points)
    costs = cost(path)
    finite = int(torch.isfinite(costs).cumprod(0).sum())
    return path[:finite], costs[:finite]
