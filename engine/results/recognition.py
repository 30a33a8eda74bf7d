"""Faces that were found and compared, and how often a threshold errs on pairs of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.functional.faces import error_rates
from engine.results import Array

POINTS = 161


@dataclass(frozen=True)
class ThresholdCurves:
    """At each of the ``thresholds`` (t,), squared distances: shares of wrong accepts and wrong rejects, NaN if unknown."""

    thresholds: Array
    false_accept: Array
    false_reject: Array


def threshold_curves(distances: Tensor, same: Tensor, last: float) -> ThresholdCurves:
    """Both errors of pairs (p,) from threshold 0 to ``last``."""
    thresholds = torch.linspace(0, last, POINTS)
    rates = error_rates(distances, same, thresholds)
    return ThresholdCurves(*(t.numpy(force=True) for t in (thresholds, *rates)))


@dataclass(frozen=True)
class Comparison:
    """Squared distances (n, n) between faces or people of these ``names``; ``what`` says which and how."""

    names: tuple[str, ...]
    distances: Array
    what: str


@dataclass(frozen=True)
class Named:
    """A box (4,) and five landmarks (5, 2) or none in a picture's pixels, what to write at it, and whether it is recognised."""

    box: Array
    points: Array
    text: str
    known: bool
    chosen: bool
