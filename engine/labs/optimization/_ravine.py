"""What the labs on a ravine share: its steepness, where the paths start, and the walk of several optimizers from there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from engine.functional.optimizers import State, descend
from engine.functional.surfaces import SURFACES, Surface, ravine, ravine_slope
from engine.lab import Event
from engine.params import Params, number

WIDE, HIGH = (edges[1] for edges in (SURFACES["ravine"].x, SURFACES["ravine"].y))
Update = Callable[..., tuple[list[Tensor], State]]


class OnRavine(Params):
    """Where the paths start."""

    start_x: float = number(
        -2.5, low=-WIDE, high=WIDE, label="Start x", help="A click on the path sets it too.", more=True
    )
    start_y: float = number(
        1.0, low=-HIGH, high=HIGH, label="Start y", help="A click on the path sets it too.", more=True
    )


def ravine_of(stretch: float, degrees: float = 0.0) -> Surface:
    """A ravine of that steepness and turn."""
    cost, slope = (partial(f, stretch=stretch, degrees=degrees) for f in (ravine, ravine_slope))
    return replace(SURFACES["ravine"], cost=cost, slope=slope)


def walk(
    surface: Surface, params: OnRavine, rate: float, steps: int, updates: Mapping[str, Update]
) -> dict[str, tuple[Tensor, Tensor]]:
    """The points (k, 2) and costs (k,) of each optimizer, by name, from the one start."""
    start = torch.tensor([params.start_x, params.start_y], dtype=torch.float64)
    return {name: descend(surface.cost, surface.slope, start, rate, steps, f) for name, f in updates.items()}


def respond(params: OnRavine, event: Event) -> Mapping[str, Any]:
    """A click on the path's figure moves the start there."""
    if event.figure != "Path" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    x, y = round(event.x, 2), round(event.y, 2)
    return {"start_x": min(max(x, -WIDE), WIDE), "start_y": min(max(y, -HIGH), HIGH)}
