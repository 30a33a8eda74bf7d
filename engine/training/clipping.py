"""Gradient descent without clipping, clipped by value and clipped by norm, side by side from one start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.functional.gradients import clip_by_norm, clip_by_value

CLIPS = ("none", "by value", "by norm")


@dataclass(frozen=True)
class ClipStep:
    """The three descents after ``update`` updates: the cost there and the gradient's norm before clipping, each (3,).

    ``at`` and ``gradient`` (3, ...) are the first parameter and its gradient.
    """

    update: int
    cost: Tensor
    norm: Tensor
    at: Tensor
    gradient: Tensor


def clip_descent(
    parameters: Sequence[Tensor], costs: Callable[[], Tensor], rate: float, updates: int, *, value: float, norm: float
) -> Iterator[ClipStep]:
    """Plain gradient descent on parameters (3, ...), changed in place, one row for each of CLIPS.

    ``costs`` gives the three costs (3,) of a batch. ``value`` and ``norm`` are the thresholds. Ends early when none is finite.
    """
    for update in range(updates + 1):
        cost = costs()
        grads = torch.autograd.grad(cost.sum(), parameters)
        rows = [[g[i] for g in grads] for i in range(len(CLIPS))]
        norms = torch.stack([torch.stack([g.norm() for g in row]).norm() for row in rows])
        yield ClipStep(update, cost.detach(), norms, parameters[0].detach().clone(), grads[0].clone())
        if update == updates or not cost.isfinite().any():
            return
        held = (rows[0], clip_by_value(rows[1], value), clip_by_norm(rows[2], norm))
        with torch.no_grad():
            for parameter, *steps in zip(parameters, *held, strict=True):
                parameter -= rate * torch.stack(steps)
