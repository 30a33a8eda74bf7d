"""Dev sets of one size, drawn many times over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.results import Array


@dataclass(frozen=True)
class DevSets:
    """``n`` examples each: the error that each measures and the ends of its interval, (redraws,), beside the ``truth``."""

    n: int
    truth: float
    error: Array
    low: Array
    high: Array

    @property
    def held(self) -> Array:
        """Whose interval holds the true error, (redraws,)."""
        return (self.low <= self.truth) & (self.truth <= self.high)

    @property
    def coverage(self) -> float:
        """The share of intervals that hold it."""
        return float(self.held.mean())

    @property
    def deviation(self) -> float:
        """How far the measured errors lie around their mean."""
        return float(self.error.std())


@dataclass(frozen=True)
class Wander:
    """Between which errors nearly all dev sets of a size lie, by theory: ``low`` and ``high`` (k,) at sizes ``n`` (k,)."""

    n: Array
    low: Array
    high: Array


def wander(truth: float, most: int, deviations: float) -> Wander:
    """So many deviations sqrt(truth (1 - truth) / n) to both sides, for sizes from 10 to ``most``."""
    n = np.geomspace(10, max(100, most), 60).round()
    reach = deviations * np.sqrt(truth * (1 - truth) / n)
    ends = (np.clip(truth + side * reach, 0, 1).astype(np.float32) for side in (-1, 1))
    return Wander(n.astype(np.float32), *ends)
