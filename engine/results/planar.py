"""Classifiers on the plane."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data import planar
from engine.data.planar import Examples
from engine.functional.mlp import Parameters, predict
from engine.results import Array

GRID = 61


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


def boundary(weights: Parameters, train: Examples, dev: Examples, activation: str) -> Boundary:
    """A network's probabilities of class 1 over a square around the training examples."""
    square, x, y = planar.grid(train[0], GRID)
    probability = predict(weights, square, activation).reshape(GRID, GRID)
    return Boundary(*(part.numpy(force=True) for part in (x, y, probability, *train, *dev)))
