"""Costs over one or two parameters, and paths taken on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.functional.surfaces import Surface
from engine.results import Array

GRID = 45
# Beyond so many widths of the view a path has left, and only its way out is drawn.
GONE = 3.0


@dataclass(frozen=True)
class Descent1D:
    """A cost curve over one parameter and the path taken on it: ``w``, ``cost`` (n,); ``path_w``, ``path_cost`` (k,)."""

    w: Array
    cost: Array
    path_w: Array
    path_cost: Array


@dataclass(frozen=True)
class Descent2D:
    """A cost surface over (w, b) and the path on it: ``cost`` is (len(b), len(w)); ``path`` (k, 2); ``path_cost`` (k,)."""

    w: Array
    b: Array
    cost: Array
    path: Array
    path_cost: Array


@dataclass(frozen=True)
class Paths:
    """Several paths over one surface, seen from above.

    ``height`` (len(y), len(x)) is the square root of the cost above the least, which spreads contours evenly up a bowl.
    ``paths`` go from a name to points (k, 2), up to the first outside the view by far; ``costs`` to the cost above the
    least at every step (n,).
    """

    x: Array
    y: Array
    height: Array
    paths: Mapping[str, Array]
    costs: Mapping[str, Array]


def paths(surface: Surface, taken: Mapping[str, tuple[Tensor, Tensor]]) -> Paths:
    """What :func:`engine.functional.optimizers.descend` found on a surface: name to points (k, 2) and costs (k,)."""
    x, y = (torch.linspace(*side, GRID) for side in (surface.x, surface.y))
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
    height = (surface.cost(grid) - surface.least).clamp(min=0).sqrt()
    points = {name: _until_gone(surface, path).float().numpy() for name, (path, _) in taken.items()}
    # A cost beyond single precision would turn infinite.
    costs = {name: (cost - surface.least).clamp(0, 1e30).float().numpy() for name, (_, cost) in taken.items()}
    return Paths(x.numpy(), y.numpy(), height.numpy(), points, costs)


def _until_gone(surface: Surface, path: Tensor) -> Tensor:
    low, high = torch.tensor([surface.x, surface.y], dtype=path.dtype).T
    far = ((path - (low + high) / 2).abs() > GONE * (high - low)).any(-1)
    return path[: int(far.double().argmax()) + 1] if bool(far.any()) else path
