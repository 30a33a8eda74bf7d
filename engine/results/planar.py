"""Classifiers on the plane."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Boundary:
    """A classifier on the plane, and the examples: ``probability`` of class 1 is (len(y), len(x)).

    ``train`` (m, 2) and ``dev`` (d, 2) are points with ``train_labels`` (m,) and ``dev_labels`` (d,), 0 or 1.
    """

    x: Array
    y: Array
    probability: Array
    train: Array
    train_labels: Array
    dev: Array
    dev_labels: Array


@dataclass(frozen=True)
class UnitMaps:
    """What hidden units add to the logit over a square of the plane: ``unit`` (k,) counts from 1; ``added`` (k, side, side)."""

    unit: Array
    added: Array
