"""Many networks under different settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.results import Array


@dataclass(frozen=True)
class Search:
    """A network a row: ``settings`` (n, k), a column for each of ``names``; ``dev`` (n,) costs, NaN where one overflowed.

    ``accuracy`` (n,) is of the dev set; ``round`` (n,) counts the rounds from 1. ``curves`` (n, points) are dev costs at
    ``steps`` (points,), NaN where there is none yet. ``chance`` is the cost of an answer that knows nothing.
    """

    names: tuple[str, ...]
    settings: Array
    dev: Array
    accuracy: Array
    round: Array
    steps: Array
    curves: Array
    chance: float

    @property
    def order(self) -> Array:
        """The networks from the lowest dev cost to the highest, (n,); those that overflowed come last."""
        return np.argsort(self.dev, kind="stable")


@dataclass(frozen=True)
class Panda:
    """One network watched day by day: costs (k,) at ``steps`` (k,), and the ``rates`` (days,), each held for a day's steps."""

    steps: Array
    train: Array
    dev: Array
    rates: tuple[float, ...]
    last: int


def search(
    names: Sequence[str],
    settings: Tensor,
    costs: Sequence[Tensor],
    accuracy: Tensor,
    number: int,
    steps: Array,
    chance: float,
) -> Search:
    """One round: ``settings`` (n, k) and the dev ``costs`` measured so far, each (n,), at the first of all ``steps``."""
    curves = np.full((len(settings), len(steps)), np.nan, np.float32)
    curves[:, : len(costs)] = torch.stack(list(costs), 1).numpy(force=True)
    curves[~np.isfinite(curves)] = np.nan
    right, rounds = accuracy.numpy(force=True), np.full(len(settings), number)
    return Search(tuple(names), settings.numpy(), curves[:, len(costs) - 1], right, rounds, steps, curves, chance)


def ranked(search: Search, most: int) -> dict[str, list[Any]]:
    """The best few as a table."""
    best = search.order[:most]
    return {
        "Rank": list(range(1, len(best) + 1)),
        "Round": search.round[best].tolist(),
        **{name: [float(f"{x:.3g}") for x in search.settings[best, i]] for i, name in enumerate(search.names)},
        "Dev cost": [f"{x:.4f}" if np.isfinite(x) else "overflowed" for x in search.dev[best]],
        "Dev accuracy": [f"{x:.1%}" for x in search.accuracy[best]],
    }


def joined(rounds: Sequence[Search]) -> Search:
    """All rounds as one."""
    parts = ("settings", "dev", "accuracy", "round", "curves")
    whole: dict[str, Any] = {name: np.concatenate([getattr(each, name) for each in rounds]) for name in parts}
    return replace(rounds[0], **whole)
