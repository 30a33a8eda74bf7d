"""What excites the units of a network most."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patch:
    """The part of a picture (h, w, 3) that a unit sees: ``box`` (left, top, right, bottom) may reach beyond its edges.

    ``pixels`` are what of it lies inside; ``number`` and ``source`` say which picture it is.
    """

    picture: Array
    box: Box
    activation: float
    number: int
    source: str

    @property
    def inside(self) -> Box:
        """The box cut off at the picture's edges."""
        height, width = self.picture.shape[:2]
        left, top, right, bottom = self.box
        return max(left, 0), max(top, 0), min(right, width), min(bottom, height)

    @property
    def pixels(self) -> Array:
        """What the unit sees, (h, w, 3)."""
        left, top, right, bottom = self.inside
        return self.picture[top:bottom, left:right]


@dataclass(frozen=True)
class LayerUnits:
    """The mean activation and the share of zeros of each unit of a layer, (units,)."""

    mean: Array
    silent: Array
