"""What a unit of a convolutional network sees."""

from __future__ import annotations

from dataclasses import dataclass

from engine.functional.convolution import Field
from engine.results import Array


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels, from its first row and column to its last, all included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Its rows."""
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        """Its columns."""
        return self.right - self.left + 1


@dataclass(frozen=True)
class SeenFields:
    """A grey picture (n, n) from 0 to 1 and the fields of units at one place: ``boxes`` of layers 1 to L, the last chosen.

    ``names`` are those of the layers. ``fields`` and ``down`` begin with the input: the arithmetic of every layer, and
    the first and last unit along a row that the chosen unit depends on.
    """

    picture: Array
    names: tuple[str, ...]
    boxes: tuple[Box, ...]
    fields: tuple[Field, ...]
    down: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class EffectiveField:
    """The size of a unit's gradient at each pixel (n, n), its theoretical field, and a square that holds most of it."""

    gradient: Array
    box: Box
    square: Box
