"""Several classifiers, each alone and all as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from engine.data import planar
from engine.data.planar import Examples
from engine.functional.ensembles import log_loss, right, running_average
from engine.functional.mlp import Parameters, forward, predict
from engine.results import Array
from engine.results.planar import GRID, Boundary

COARSE = 31
MOST_LOGIT = 8.0


@dataclass(frozen=True)
class Ensemble:
    """Dev accuracy and cost of each member alone, (k,), and of the average of the first 1, ..., k of them, (k,)."""

    accuracy: Array
    cost: Array
    together: Array
    together_cost: Array


@dataclass(frozen=True)
class Boundaries:
    """An ensemble's boundary, and the ``logits`` of its members over the same square on a coarser grid, (k, side, side).

    They are whole numbers from -127 to 127, which is enough for where they are 0.
    """

    average: Boundary
    logits: Array


def ensemble(p: Tensor, y: Tensor) -> Ensemble:
    """Measure probabilities p, (k, m) or (k, m, C), on labels y (m,)."""
    average = running_average(p)
    parts = (right(p, y), log_loss(p, y), right(average, y), log_loss(average, y))
    return Ensemble(*(part.numpy(force=True) for part in parts))


def boundaries(fleet: Parameters, train: Examples, dev: Examples, activation: str) -> Boundaries:
    """A fleet's average probability of class 1, and its members' boundaries, over a square around the training examples."""
    square, x, y = planar.grid(train[0], GRID)
    average = predict(fleet, square, activation).mean(0).view(GRID, GRID)
    coarse = planar.grid(train[0], COARSE)[0]
    logits = forward(fleet, coarse, activation)[-1].view(-1, COARSE, COARSE)
    scaled = (logits.clamp(-MOST_LOGIT, MOST_LOGIT) * (127 / MOST_LOGIT)).round()
    whole = Boundary(*(part.numpy(force=True) for part in (x, y, average, *train, *dev)))
    return Boundaries(whole, scaled.numpy(force=True).astype(np.int8))


def table(networks: Ensemble, snapshots: Ensemble) -> dict[str, list[Any]]:
    """A row for each member, and one for the average of all."""
    columns: dict[str, list[Any]] = {"": [*(str(i) for i in range(1, len(networks.accuracy) + 1)), "average"]}
    for name, found in (("Networks", networks), ("Snapshots", snapshots)):
        rows = len(networks.accuracy) - len(found.accuracy)
        columns[f"{name}: accuracy"] = [
            *(f"{a:.1%}" for a in found.accuracy),
            *[""] * rows,
            f"{found.together[-1]:.1%}",
        ]
        columns[f"{name}: cost"] = [*(f"{c:.4f}" for c in found.cost), *[""] * rows, f"{found.together_cost[-1]:.4f}"]
    return columns
