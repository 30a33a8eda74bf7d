"""Numbers over the course of a training."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class LossCurves:
    """The cost on both sets after so many updates: ``steps``, ``train``, ``dev`` (k,)."""

    steps: Array
    train: Array
    dev: Array
