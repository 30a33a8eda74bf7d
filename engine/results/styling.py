"""What a style transfer costs on its way, and what a Gram matrix says of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.functional.style import gram_matrix
from engine.results import Array
from engine.training.styling import Moment, Plan


@dataclass(frozen=True)
class CostCurves:
    """Costs after so many ``steps`` (k,), each as it counts in the total; ``layers`` are those of style. Zeros are NaN."""

    steps: Array
    total: Array
    content: Array
    style: Array
    layers: Mapping[str, Array]


@dataclass(frozen=True)
class LayerGram:
    """The Gram matrix of a layer's strongest channels: ``values`` (k, k) a place, of ``channels`` (k,) in their order."""

    name: str
    values: Array
    channels: Array


def cost_curves(history: Sequence[Moment], plan: Plan) -> CostCurves:
    """The curves of a transfer's moments."""

    def curve(values: Sequence[float], weight: float = 1.0) -> Array:
        found = np.array(values, np.float32) * np.float32(weight)
        return np.where(found > 0, found, np.float32(np.nan))

    return CostCurves(
        np.array([m.step for m in history], np.float32),
        curve([m.total for m in history]),
        curve([m.content for m in history], plan.alpha),
        curve([m.style for m in history], plan.beta),
        {name: curve([m.layers[name] for m in history], plan.beta * weight) for name, weight in plan.layers.items()},
    )


def layer_gram(name: str, features: Tensor, most: int, among: Sequence[int] = ()) -> LayerGram:
    """The Gram matrix of activations (C, h, w), of so many channels or fewer: the strongest, and those named in ``among``."""
    whole = gram_matrix(features) / features.shape[-2:].numel()
    strength = whole.diagonal().clone()
    strength[list(among)] = torch.inf
    chosen = strength.topk(min(most, len(whole))).indices.sort().values
    return LayerGram(name, whole[chosen][:, chosen].numpy(force=True), chosen.numpy(force=True))
