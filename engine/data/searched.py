"""Pictures of 64 x 64 pixels to search through, each found again by its number alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.data.drawn import CLASSES, SIDE, draw
from engine.data.media import Picture
from engine.data.pixels import opened, to_levels, to_tensor
from engine.seeding import generator

SCALES = (64, 90, 128, 181, 256, 362, 512)
PAD = 128
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawn:
    """Drawn pictures of the twenty classes in turn."""

    seed: int
    count: int

    def batch(self, numbers: range) -> Tensor:
        """Some of them, (m, 3, 64, 64) in [0, 1]."""
        return torch.cat([draw(torch.tensor([n % len(CLASSES)]), generator(self.seed, n)) for n in numbers])

    def pixels(self, number: int) -> np.ndarray:
        """One as levels (64, 64, 3)."""
        return to_levels(self.batch(range(number, number + 1))[0])

    def name(self, number: int) -> str:
        """The class it belongs to."""
        return CLASSES[number % len(CLASSES)]


@dataclass(frozen=True)
class Windows:
    """Windows of one picture at several scales."""

    source: str | Picture

    @property
    def count(self) -> int:
        """How many there are."""
        return len(windows(self.source))

    def batch(self, numbers: range) -> Tensor:
        """Some of them, (m, 3, 64, 64) in [0, 1]."""
        return to_tensor([self.pixels(n) for n in numbers])

    def pixels(self, number: int) -> np.ndarray:
        """One as levels (64, 64, 3)."""
        return windows(self.source)[number].pixels

    def name(self, number: int) -> str:
        """The scale it was cut at."""
        return f"the picture at {1 / windows(self.source)[number].scale:.0%} of its size"

    def place(self, number: int, box: Box) -> Box:
        """Where a box (left, top, right, bottom) of a window lies in the picture, in its pixels."""
        _, left, top, scale = windows(self.source)[number]
        return left + scale * box[0], top + scale * box[1], left + scale * box[2], top + scale * box[3]


class Window(NamedTuple):
    """A window's pixels (64, 64, 3), and how it lies in the picture: left and top in pixels, and pixels for each of its."""

    pixels: np.ndarray
    left: float
    top: float
    scale: float


@lru_cache(maxsize=2)
def windows(source: str | Picture) -> tuple[Window, ...]:
    """The picture with its longer side 64, 90, 128, ... 512 pixels, each cut into windows side by side around its middle.

    A picture is enlarged to twice its size at most; what is narrower than a window gets grey edges.
    """
    picture = opened(source)
    full, found = max(picture.pixels.shape[:2]), []
    for longest in sorted({min(longest, 2 * full) for longest in SCALES}):
        scaled = resized(picture, longest)
        down, across = (max(0, SIDE - n) for n in scaled.shape[:2])
        borders = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
        padded, scale = np.pad(scaled, borders, constant_values=PAD), full / longest
        for top in _starts(padded.shape[0]):
            for left in _starts(padded.shape[1]):
                pixels = padded[top : top + SIDE, left : left + SIDE]
                found.append(Window(pixels, (left - across // 2) * scale, (top - down // 2) * scale, scale))
    return tuple(found)


def resized(picture: Picture, longest: int) -> np.ndarray:
    """A picture's levels with its longer side at ``longest`` pixels, antialiased; no side falls below one."""
    height, width = picture.pixels.shape[:2]
    size = [max(1, round(n * longest / max(height, width))) for n in (width, height)]
    return np.asarray(Image.fromarray(picture.pixels).resize((size[0], size[1]), Image.Resampling.LANCZOS))


def _starts(n: int) -> range:
    """Where windows side by side begin along n pixels, as much left over before them as behind."""
    return range(n % SIDE // 2, n - SIDE + 1, SIDE)
