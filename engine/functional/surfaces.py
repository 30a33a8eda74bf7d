"""Costs over two parameters on which optimizers differ, with their slopes by hand.

Points are (..., 2), costs (...), slopes (..., 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.functional.optimizers import State


def bowl(points: Tensor) -> Tensor:
    """J = (x² + y²) / 2."""
    return points.square().sum(-1) / 2


def bowl_slope(points: Tensor) -> Tensor:
    """(x, y)."""
    return points


def _turned(points: Tensor, degrees: float) -> Tensor:
    """The coordinates of points (..., 2) along axes turned by an angle."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = points.unbind(-1)
    return torch.stack([c * x + s * y, c * y - s * x], -1)


def ravine(points: Tensor, stretch: float = 50.0, degrees: float = 0.0) -> Tensor:
    """J = (u² + stretch · v²) / 2, with u and v the coordinates along axes turned by an angle."""
    u, v = _turned(points, degrees).unbind(-1)
    return (u**2 + stretch * v**2) / 2


def ravine_slope(points: Tensor, stretch: float = 50.0, degrees: float = 0.0) -> Tensor:
    """(u, stretch · v), turned back."""
    u, v = _turned(points, degrees).unbind(-1)
    return _turned(torch.stack([u, stretch * v], -1), -degrees)


def rosenbrock(points: Tensor) -> Tensor:
    """J = (y - x²)² + (1 - x)² / 100, a curved valley that is flat along its floor: Rosenbrock 1960, divided by 100."""
    x, y = points.unbind(-1)
    return (y - x**2) ** 2 + (1 - x) ** 2 / 100


def rosenbrock_slope(points: Tensor) -> Tensor:
    """(-4x (y - x²) - (1 - x) / 50, 2 (y - x²))."""
    x, y = points.unbind(-1)
    above = y - x**2
    return torch.stack([-4 * x * above - (1 - x) / 50, 2 * above], -1)


def saddle(points: Tensor) -> Tensor:
    """J = (x² - y²) / 2 + y⁴ / 4: a saddle at (0, 0) between two minima of -1/4 at (0, ±1)."""
    x, y = points.unbind(-1)
    return (x**2 - y**2) / 2 + y**4 / 4


def saddle_slope(points: Tensor) -> Tensor:
    """(x, y³ - y)."""
    x, y = points.unbind(-1)
    return torch.stack([x, y**3 - y], -1)


def plateau(points: Tensor) -> Tensor:
    """J = 1 - exp(-(x² + y²) / 2): a well in a plain that is the flatter the further out."""
    return -torch.expm1(-bowl(points))


def plateau_slope(points: Tensor) -> Tensor:
    """(x, y) · exp(-(x² + y²) / 2)."""
    return points * torch.exp(-bowl(points))[..., None]


@dataclass(frozen=True)
class Surface:
    """A cost and its slope, the part of the plane worth seeing, a telling start, and the least cost."""

    cost: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    x: tuple[float, float]
    y: tuple[float, float]
    start: tuple[float, float]
    least: float = 0.0


SURFACES = {
    "ravine": Surface(ravine, ravine_slope, (-3.0, 3.0), (-1.5, 1.5), (-2.5, 1.0)),
    "rosenbrock": Surface(rosenbrock, rosenbrock_slope, (-1.8, 1.8), (-0.6, 2.0), (-1.2, 1.0)),
    # A little beside the ridge: on it no slope ever leads away.
    "saddle": Surface(saddle, saddle_slope, (-2.0, 2.0), (-1.5, 1.5), (-1.5, 0.001), least=-0.25),
    "plateau": Surface(plateau, plateau_slope, (-4.0, 2.0), (-3.0, 2.0), (-3.0, -2.0)),
    "bowl": Surface(bowl, bowl_slope, (-3.0, 3.0), (-3.0, 3.0), (-2.5, 2.0)),
}


def steps_to(
    surface: Surface,
    goal: float,
    start: Tensor,
    rates: Tensor,
    steps: int,
    update: Callable[..., tuple[list[Tensor], State]],
) -> Tensor:
    """After how many steps each of several rates has the cost at ``goal`` or below for good; infinite where it never has.

    ``start`` is (2,), ``rates`` (r,); the answer is (r,).
    """
    point, state = start.expand(len(rates), 2), {}  # type: tuple[Tensor, State]
    above = torch.full_like(rates, -1.0)
    for step in range(steps + 1):
        above = torch.where(surface.cost(point) <= goal, above, step)
        [point], state = update([point], [surface.slope(point)], state, rates[:, None])
    return torch.where(above < steps, above + 1, math.inf)
