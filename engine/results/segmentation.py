"""A class for every pixel: what it is, and what networks take it for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Segmented:
    """Scenes as levels (m, h, w, 3), their true labels and those that each network found, (m, h, w), 0 being the ground."""

    pictures: Array
    truth: Array
    found: Mapping[str, Array]


@dataclass(frozen=True)
class ClassScores:
    """The IoU (classes,) of each class for each network by name; NaN for a class that nowhere occurs."""

    labels: tuple[str, ...]
    scores: Mapping[str, Array]
