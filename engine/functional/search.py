"""Where to look for hyperparameters: on a grid or at random, evenly or evenly in ratios, coarse and then fine.

A range is (low, high) of one hyperparameter; points are (n, d), a column for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Range = tuple[float, float]


def place(u: Tensor, span: Range, log: bool) -> Tensor:
    """Numbers u from 0 to 1 laid into a range: evenly, or evenly in their logarithms, each of the shape of u."""
    low, high = (torch.tensor(end, dtype=torch.float64) for end in span)
    return low * (high / low) ** u if log else low + (high - low) * u


def grid(per_axis: int, spans: Sequence[Range], log: bool) -> Tensor:
    """Every combination of ``per_axis`` values of each hyperparameter, from end to end, (per_axis^d, d)."""
    u = torch.linspace(0, 1, per_axis, dtype=torch.float64)
    return torch.cartesian_prod(*(place(u, span, log) for span in spans))


def random(n: int, spans: Sequence[Range], log: bool, generator: torch.Generator) -> Tensor:
    """n points drawn in the box, each with values of its own in every column, (n, d). Bergstra and Bengio 2012."""
    u = torch.rand(n, len(spans), generator=generator, dtype=torch.float64)
    return torch.stack([place(u[:, k], span, log) for k, span in enumerate(spans)], 1)


def zoom(best: Tensor, spans: Sequence[Range], share: float) -> list[Range]:
    """Ranges around the best point (d,), ``share`` as wide in their logarithms, moved to stay inside the old ones."""
    zoomed = []
    for value, (low, high) in zip(best.tolist(), spans, strict=True):
        width = (high / low) ** share
        start = min(max(value / width**0.5, low), high / width)
        zoomed.append((start, start * width))
    return zoomed
