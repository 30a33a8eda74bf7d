"""Boxes, and what two of them share."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class BoxPair:
    """Two boxes (4,) as x1, y1, x2, y2 in pixels, the box they share (4,), and the areas of that and of both, in px²."""

    a: Array
    b: Array
    shared: Array
    intersection: float
    union: float


@dataclass(frozen=True)
class Slide:
    """IoU while a box slides: its left edge ``left`` (n,) in pixels and ``iou`` (n,); ``at`` and ``value`` are the present."""

    left: Array
    iou: Array
    at: float
    value: float
