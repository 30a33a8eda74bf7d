"""What regularization does: measured over settings, on weights, on units, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.results import Array


@dataclass(frozen=True)
class Sweep:
    """Numbers measured under several settings: ``values`` (names, k) at ``setting`` (k,), of which ``chosen`` is in view."""

    names: tuple[str, ...]
    setting: Array
    values: Array
    chosen: float


@dataclass(frozen=True)
class Histogram:
    """How many weights of each network lie in each bin: ``edges`` (bins + 1,), ``counts`` (names, bins)."""

    names: tuple[str, ...]
    edges: Array
    counts: Array


@dataclass(frozen=True)
class Masks:
    """Which units a pass keeps for each of some examples, layer by layer: each (units, examples), 1 or 0."""

    layers: tuple[Array, ...]


def sweep(names: Sequence[str], setting: Sequence[float], values: Sequence[Tensor], chosen: float) -> Sweep:
    """One row of values (k,) for each name."""
    rows = torch.stack(list(values)).numpy(force=True).astype(np.float32)
    return Sweep(tuple(names), np.array(setting, np.float32), rows, chosen)


def histogram(names: Sequence[str], weights: Sequence[Tensor], bins: int = 41) -> Histogram:
    """Count each network's weights, (n,) a name, in bins that reach equally far to both sides of zero."""
    values = [w.numpy(force=True) for w in weights]
    reach = max(float(np.abs(v).max()) for v in values) or 1.0
    edges = np.linspace(-reach, reach, bins + 1, dtype=np.float32)
    counts = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] for v in values]
    return Histogram(tuple(names), edges, np.stack(counts).astype(np.float32))
