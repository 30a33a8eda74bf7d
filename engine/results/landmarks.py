"""Landmarks of faces, where they are and where a network puts them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class FoundLandmarks:
    """Faces (m, s, s, 3), their true landmarks and those found, (m, k, 2) as x, y in pixels, and how far off (m, k)."""

    pictures: Array
    truth: Array
    found: Array
    errors: Array


@dataclass(frozen=True)
class Approach:
    """Training cost and mean held-out error in pixels after so many steps, (k,) each."""

    steps: Array
    cost: Array
    error: Array
    last: int
