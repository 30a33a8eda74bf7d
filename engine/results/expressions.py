"""Typed functions and costs: a nudge and its quotient, a path on a cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.functional.expressions import Expression
from engine.functional.quotients import curvature, quotient, value_and_slope
from engine.results import Array
from engine.results.descent import Descent2D
from engine.training.tape import Point

# Beyond this a path has left every figure, and the numbers would not fit into single precision.
FAR = 1e30
FINE, COARSE = 241, 41
# What a nudge shows at least, from minus this to this, and how many h a lens shows.
REACH, LENS = 4.0, (-0.5, 1.5)
EPSILON = torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class Nudge:
    """A function nudged from ``a`` by ``h``: ``x``, ``y`` (n,) its curve; ``heights`` are f(a) and f(a + h), ``slope`` f'(a).

    ``lens`` (k,) are places between a and a + h in units of h, and ``rise`` (k,) what the function rises there, in h too.
    """

    x: Array
    y: Array
    a: float
    h: float
    heights: tuple[float, float]
    slope: float
    lens: Array
    rise: Array

    @property
    def ratio(self) -> float:
        """Δf/h."""
        return (self.heights[1] - self.heights[0]) / self.h

    @property
    def finite(self) -> bool:
        """Whether there is a triangle to draw."""
        return bool(np.isfinite([*self.heights, self.slope]).all())


@dataclass(frozen=True)
class QuotientError:
    """How far Δf/h is from f'(a) at the steps ``h`` (k,): as measured, and what truncation and rounding make of it."""

    h: Array
    measured: Array
    truncation: Array
    rounding: Array


@dataclass(frozen=True)
class CostPath:
    """A path on a cost curve and its cost by step: ``w``, ``cost`` (n,); ``path_w``, ``path_cost``, ``steps`` (k,)."""

    w: Array
    cost: Array
    path_w: Array
    path_cost: Array
    steps: Array


def nudge(f: Expression, a: float, h: float) -> Nudge:
    """A function of one number around a."""
    x = torch.linspace(min(-REACH, a - 1), max(REACH, a + h + 1), FINE, dtype=torch.float64)
    lens = torch.linspace(*LENS, FINE // 2, dtype=torch.float64)
    value, slope = value_and_slope(f, torch.tensor([a, a + h], dtype=torch.float64))
    rise = (value_and_slope(f, a + h * lens)[0] - value[0]) / h
    heights = float(value[0]), float(value[1])
    return Nudge(
        _small(x), _small(value_and_slope(f, x)[0]), a, h, heights, float(slope[0]), _small(lens), _small(rise)
    )


def quotient_error(f: Expression, a: float) -> QuotientError:
    """|Δf/h - f'(a)| for h from 1e-16 to 1, beside h |f''(a)| / 2 and the rounding of f and of a + h, divided by h."""
    h = torch.logspace(-16, 0, 129, dtype=torch.float64)
    value, slope = (float(x) for x in value_and_slope(f, torch.tensor(a, dtype=torch.float64)))
    lines = [(quotient(f, a, h) - slope).abs(), h * abs(curvature(f, a)) / 2]
    lines += [EPSILON * (abs(value) + abs(a * slope)) / h]
    # A log axis has no place for zero.
    measured, truncation, rounding = (torch.where(y > 0, y, torch.nan).numpy() for y in lines)
    return QuotientError(h.numpy(), measured, truncation, rounding)


def cost_path(cost: Expression, history: Sequence[Point], reach: float) -> CostPath:
    """A cost of w alone from -reach to reach, and the path on it."""
    w = torch.linspace(-reach, reach, FINE, dtype=torch.float64)
    steps, path, costs = _inside(history)
    return CostPath(_small(w), _small(cost.forward({"w": w})[-1].expand_as(w)), path[:, 0], costs, steps)


def cost_surface(cost: Expression, history: Sequence[Point], reach: float) -> Descent2D:
    """A cost of w and b over the square from -reach to reach, its highest tenth cut off, and the path on it."""
    w = torch.linspace(-reach, reach, COARSE, dtype=torch.float64)
    heights = cost.forward({"w": w, "b": w[:, None]})[-1].expand(COARSE, COARSE)
    finite = heights[heights.isfinite()]
    high = finite.quantile(0.9) if len(finite) else torch.inf
    _, path, costs = _inside(history)
    return Descent2D(_small(w), _small(w), _small(heights.clamp(max=high)), path, costs)


def _inside(history: Sequence[Point]) -> tuple[Array, Array, Array]:
    """Steps (k,), places (k, variables) and costs (k,) of a path, as long as they can be drawn."""
    rows = np.array([[point.step, *point.at.values(), point.cost] for point in history])
    rows = rows[(np.abs(rows) < FAR).all(1)].astype(np.float32)
    return rows[:, 0], rows[:, 1:-1], rows[:, -1]


def _small(values: Tensor) -> Array:
    return values.float().numpy()
