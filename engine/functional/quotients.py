"""Slopes of a typed function of one number: exact by its graph, and measured by a nudge."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.functional.expressions import Expression


def value_and_slope(f: Expression, x: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) and f'(x) in the shape of x, by one pass forward through the graph and one backward."""
    values = f.forward(dict.fromkeys(f.variables, x))
    slopes = f.backward(values)
    return values[-1].expand_as(x), torch.stack([torch.zeros_like(x), *(slopes[i] for i in f.variables.values())]).sum(
        0
    )


def curvature(f: Expression, a: float) -> float:
    """f''(a), by automatic differentiation of the backward pass."""
    x = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    _, slope = value_and_slope(f, x)
    bend = torch.autograd.grad(slope, x, allow_unused=True)[0] if slope.requires_grad else None
    return 0.0 if bend is None else float(bend)


def quotient(f: Expression, a: float, h: Tensor) -> Tensor:
    """Δf/h = (f(a + h) - f(a)) / h for every h."""
    value, _ = value_and_slope(f, torch.cat([torch.tensor([a], dtype=torch.float64), a + h]))
    return (value[1:] - value[0]) / h
