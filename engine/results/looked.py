"""What detectors and segmenters make of one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Kept:
    """How many boxes each detector leaves (n,) at each score threshold ``at`` (n,); ``now`` is the present one."""

    at: Array
    counts: Mapping[str, Array]
    now: float


@dataclass(frozen=True)
class Overlay:
    """Layers over a picture (h, w, 3): ``layer`` (H, W) is 0 where there is none, or the 1-based number of its name."""

    pixels: Array
    layer: Array
    names: tuple[str, ...]
    colors: tuple[str, ...]


@dataclass(frozen=True)
class Areas:
    """The share of the picture that each named part covers (k,), in its colour."""

    names: tuple[str, ...]
    shares: Array
    colors: tuple[str, ...]
