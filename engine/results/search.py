"""Many trainings that differ in their hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Trials:
    """``points`` (n, d) were tried, with ``names`` of their columns; ``cost`` (n,) is the dev cost, infinite if it overflowed.

    ``fine`` (n,) is True for those of the second round.
    """

    names: tuple[str, ...]
    points: Array
    cost: Array
    fine: Array
