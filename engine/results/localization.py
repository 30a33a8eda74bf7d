"""What a localizer finds in pictures of one object or none."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Located:
    """Pictures (m, h, w, 3), true vectors (m, 5 + C), found ones; boxes (m, 4) of both as x0, y0, x1, y1 in pixels."""

    pictures: Array
    truth: Array
    found: Array
    true_boxes: Array
    boxes: Array


@dataclass(frozen=True)
class Terms:
    """One picture's target, prediction, the terms of its loss and their slopes (5 + C,) each; ``counted`` (5 + C,) terms."""

    names: tuple[str, ...]
    truth: Array
    found: Array
    terms: Array
    slopes: Array
    counted: Array
