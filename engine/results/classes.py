"""A classifier of several classes on the plane."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Regions:
    """``probability`` of every class over a square is (len(y), len(x), C); points (m, 2) have labels (m,) below C."""

    x: Array
    y: Array
    probability: Array
    points: Array
    labels: Array
    names: tuple[str, ...]
