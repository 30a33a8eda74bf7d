"""Numbers of recurrent networks: over seeds, along a sentence, and over the weights of a tiny one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.results import Array
from engine.training import thinned
from engine.training.clipping import CLIPS, ClipStep
from engine.training.sequences import Round


@dataclass(frozen=True)
class Bands:
    """Numbers of several kinds of network, each over seeds: ``mean``, ``low`` and ``high`` (kinds, k) at ``x`` (k,)."""

    names: tuple[str, ...]
    x: Array
    mean: Array
    low: Array
    high: Array


def bands(x: Sequence[float], values: Mapping[str, Sequence[Tensor]]) -> Bands:
    """Mean, lowest and highest over seeds of one tensor (seeds,) for every x, by name."""
    grids = [np.stack([v.numpy(force=True) for v in row]).astype(np.float32) for row in values.values()]
    mean, low, high = (np.stack([f(grid, axis=1) for grid in grids]) for f in (np.mean, np.min, np.max))
    return Bands(tuple(values), np.asarray(x, np.float32), mean, low, high)


def cost_bands(history: Sequence[Round]) -> Bands:
    """The costs of all fleets over the course of their training."""
    kept = thinned(history, 100)
    return bands([r.update for r in kept], {name: [r.cost[name] for r in kept] for name in kept[0].cost})


@dataclass(frozen=True)
class Along:
    """What networks answer after each word: ``chance`` (versions, k), a line a version, by the network's name."""

    words: tuple[tuple[str, ...], ...]
    chance: Mapping[str, Array]


@dataclass(frozen=True)
class Cliff:
    """The cost (k, k) of one recurrent unit over its weight ``w`` (k,) and bias ``b`` (k,)."""

    w: Array
    b: Array
    cost: Array


@dataclass(frozen=True)
class Clipped:
    """Descents from one start under different clipping, by name: costs and gradient norms (k,) at ``updates`` (k,).

    ``paths`` (k, 2) hold w and b of a single unit, and are empty for a network.
    """

    updates: Array
    cost: Mapping[str, Array]
    norm: Mapping[str, Array]
    paths: Mapping[str, Array]


def clipped(history: Sequence[ClipStep], path: bool) -> Clipped:
    """The course of descents under different clipping; what overflowed is NaN."""
    kept = thinned(history)
    sizes = (torch.stack([getattr(step, name) for step in kept]).float() for name in ("cost", "norm"))
    cost, norm = (torch.where(part.isfinite(), part, torch.nan).numpy(force=True) for part in sizes)
    places = torch.stack([step.at for step in kept]).float().numpy() if path else None
    return Clipped(
        np.array([step.update for step in kept], np.float32),
        {name: cost[:, i] for i, name in enumerate(CLIPS)},
        {name: norm[:, i] for i, name in enumerate(CLIPS)},
        {} if places is None else {name: places[:, i] for i, name in enumerate(CLIPS)},
    )


@dataclass(frozen=True)
class Unrolled:
    """A network drawn step by step: what goes in and comes out at each (None for nothing), and whether that is right.

    ``fed`` are the steps whose answer is the next one's input, ``first`` the step where a second cell takes over, if any.
    """

    inputs: tuple[str | None, ...]
    outputs: tuple[str | None, ...]
    right: tuple[bool, ...]
    fed: tuple[int, ...]
    second: int | None = None
