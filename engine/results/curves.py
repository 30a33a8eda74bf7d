"""Numbers over the course of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.results import Array
from engine.training import Step


@dataclass(frozen=True)
class LossCurves:
    """The cost on both sets after so many updates: ``steps``, ``train``, ``dev`` (k,)."""

    steps: Array
    train: Array
    dev: Array


@dataclass(frozen=True)
class Race:
    """Costs of several runs from one start: ``cost`` (runs, k) at ``steps`` (k,); ``low`` and ``high`` bound a band, if any."""

    names: tuple[str, ...]
    steps: Array
    cost: Array
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True)
class LayerSpread:
    """How a number is spread in each layer: quantiles (layers, 5) at 5, 25, 50, 75 and 95 %."""

    quantiles: Array


def loss_curves(history: Sequence[Step]) -> LossCurves:
    """The costs of one network's steps, those that overflowed left out."""
    kept = [step for step in history if step.finite]
    train, dev = (torch.stack([getattr(step, name) for step in kept]).numpy(force=True) for name in ("train", "dev"))
    return LossCurves(np.array([step.step for step in kept], np.float32), train, dev)


def race(names: Sequence[str], history: Sequence[Step]) -> Race:
    """The training costs of a fleet's steps, one network a name; NaN from where a network overflowed."""
    costs = torch.stack([step.train for step in history], -1).numpy(force=True).astype(np.float32)
    costs[~np.isfinite(costs)] = np.nan
    return Race(tuple(names), np.array([step.step for step in history], np.float32), costs)


def layer_spread(layers: Sequence[Tensor]) -> LayerSpread:
    """The spread of each of these tensors."""
    at = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    return LayerSpread(torch.stack([torch.quantile(t.flatten().cpu().float(), at) for t in layers]).numpy())
