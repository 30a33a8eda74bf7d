"""What is inside layers: rows of weights, sizes by layer, histograms by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.functional.mlp import Parameters
from engine.results import Array

BINS = 60


@dataclass(frozen=True)
class UnitRows:
    """The numbers of each hidden unit, ``rows`` (units, k), a column for each of ``names``; ``kinds`` counts distinct rows."""

    names: tuple[str, ...]
    rows: Array
    kinds: int


@dataclass(frozen=True)
class LayerSizes:
    """Root mean squares by layer, 0 the input: ``activations``, ``gradients`` (L + 1,), ``slopes`` dJ/dW (L,).

    ``expected`` and ``expected_gradients`` (L + 1,) are what theory says of both, where it says something.
    """

    activations: Array
    gradients: Array
    slopes: Array
    expected: Array | None = None
    expected_gradients: Array | None = None


@dataclass(frozen=True)
class LayerHistograms:
    """Activations by layer: the ``shares`` (layers, bins) between ``edges`` (bins + 1,), and their ``deviation`` (layers,)."""

    edges: Array
    shares: Array
    deviation: Array


@dataclass(frozen=True)
class SizesByRule:
    """Root mean square of z, (rules, layers), ``measured`` in one network a rule, and what theory ``expected``."""

    names: tuple[str, ...]
    measured: Array
    expected: Array


def layer_histograms(layers: Sequence[Tensor], low: float | None = None, high: float | None = None) -> LayerHistograms:
    """Histograms of these tensors on one axis, from ``low`` to ``high`` or over nearly all of what there is."""
    values = [layer.flatten().numpy(force=True) for layer in layers]
    ends = np.quantile(np.concatenate(values), (0.005, 0.995))
    left = float(ends[0]) if low is None else low
    right = float(ends[1]) if high is None else high
    edges = np.linspace(left, right if right > left else left + 1.0, BINS + 1)
    shares = [np.histogram(part, edges)[0] / len(part) for part in values]
    return LayerHistograms(edges, np.array(shares), np.array([part.std() for part in values]))


def unit_rows(params: Parameters, features: Sequence[str]) -> UnitRows:
    """The weights, bias and outgoing weight of each unit of [W1, b1, W2, b2], one hidden layer and one output."""
    W, b, v, _ = params
    rows = torch.cat([W, b.unsqueeze(-1), v.mT], -1)
    return UnitRows((*features, "b", "out"), rows.numpy(force=True), len(torch.unique(rows, dim=0)))
