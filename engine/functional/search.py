"""Settings to try in a hyperparameter search: scales to draw on, a grid, random points, and a closer look around the best.

Bergstra and Bengio 2012, "Random search for hyper-parameter optimization".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Scale = Literal["linear", "log", "one minus"]


@dataclass(frozen=True)
class Range:
    """From ``low`` to ``high``, evenly spaced by ``scale``: of x itself, of log x, or of log (1 - x), as suits a β near 1."""

    low: float
    high: float
    scale: Scale

    @property
    def _ends(self) -> tuple[float, float]:
        return self._stretched(self.low), self._stretched(self.high)

    def _stretched(self, x: float) -> float:
        return {"linear": lambda: x, "log": lambda: math.log10(x), "one minus": lambda: -math.log10(1 - x)}[
            self.scale
        ]()

    def at(self, share: Tensor) -> Tensor:
        """The values that lie at shares from 0 to 1 of the way from low to high, in float64."""
        low, high = self._ends
        place = low + (high - low) * share.double()
        if self.scale == "linear":
            return place
        return 10**place if self.scale == "log" else 1 - 10**-place

    def share(self, x: float) -> float:
        """How far along the way a value lies, 0 at low and 1 at high."""
        low, high = self._ends
        return (self._stretched(x) - low) / (high - low)

    def zoomed(self, x: float, width: float = 0.25) -> Range:
        """A part of the range, ``width`` of it wide on its scale, around x and still inside."""
        left = min(max(self.share(x) - width / 2, 0.0), 1 - width)
        low, high = self.at(torch.tensor([left, left + width], dtype=torch.float64)).tolist()
        return replace(self, low=low, high=high)


def grid(ranges: Sequence[Range], side: int) -> Tensor:
    """All combinations of ``side`` evenly spaced values of each range, both ends among them: (side^k, k)."""
    values = [each.at(torch.linspace(0, 1, side, dtype=torch.float64)) for each in ranges]
    return torch.cartesian_prod(*values).reshape(-1, len(ranges))


def sampled(ranges: Sequence[Range], count: int, generator: torch.Generator) -> Tensor:
    """Settings drawn uniformly on every range's own scale, each apart from the others: (count, k)."""
    shares = torch.rand(count, len(ranges), generator=generator, dtype=torch.float64)
    return torch.stack([each.at(share) for each, share in zip(ranges, shares.T, strict=True)], 1)
