"""Three kinds of first layer beside each other."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class ShiftAccuracy:
    """The share of dev pictures put in their class, (networks, k), when shifted by ``shifts`` (k,) pixels."""

    names: tuple[str, ...]
    shifts: Array
    right: Array


@dataclass(frozen=True)
class LayerMatrix:
    """A corner of a first layer's matrix, (outputs, inputs): outputs of one map ``across`` a row, pixels ``wide`` a row."""

    weights: Array
    across: int
    wide: int


@dataclass(frozen=True)
class ShiftedDigit:
    """One picture (h, h) of class ``label`` on a canvas of ``canvas`` pixels a side, and what the networks say of it.

    ``probability`` is theirs at shifts of -k to k pixels to the right, (networks, 2k + 1, 10).
    """

    names: tuple[str, ...]
    picture: Array
    label: int
    canvas: int
    probability: Array
