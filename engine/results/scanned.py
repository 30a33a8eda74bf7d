"""What a network answers for the windows of a picture, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.data.drawn import SHAPES
from engine.functional.boxes import batched_nms, iou
from engine.models.counting import Layer, count
from engine.models.timing import timed
from engine.models.windowed import SIDE, as_convolutions, crop_by_crop, crops_as_batch, dense_form, grid, in_one_pass
from engine.results import Array

CALLS, FOUND = 3, 0.5
LAYERS = ("conv", "dense 1", "dense 2", "dense 3")


@dataclass(frozen=True)
class Scanned:
    """A picture (h, w, 3) in 8 bits and the probabilities (classes, down, across) of its windows.

    A window is ``side`` pixels wide; the next one lies ``stride`` pixels on. ``labels`` names the classes.
    """

    pixels: Array
    probabilities: Array
    labels: tuple[str, ...]
    side: int
    stride: int

    @property
    def grid(self) -> tuple[int, int]:
        """How many windows lie below and beside each other."""
        return self.probabilities.shape[1], self.probabilities.shape[2]

    def box(self, window: int) -> tuple[int, int, int, int]:
        """A window, counted row by row from 0, as left, top, right and bottom in pixels."""
        row, column = divmod(window, self.grid[1])
        left, top = column * self.stride, row * self.stride
        return left, top, left + self.side, top + self.side

    def nearest(self, x: float, y: float) -> int:
        """The window whose middle is nearest to a place of the picture."""
        down, across = self.grid
        column, row = ((at - self.side / 2) / self.stride for at in (x, y))
        return min(max(round(row), 0), down - 1) * across + min(max(round(column), 0), across - 1)


@dataclass(frozen=True)
class Both:
    """Logits (4, down, across) of the windows of a picture (3, h, w), by one pass and by cropping.

    ``times`` (3,) are the milliseconds of one pass, crop by crop, and all crops as one batch.
    """

    picture: Tensor
    one_pass: Tensor
    by_crops: Tensor
    times: Array


def both_ways(network: nn.Sequential, picture: Tensor) -> Both:
    """The windows of a picture (3, h, w) by one pass and by cropping, timed."""
    network.eval()
    convolutions = as_convolutions(network)
    one_pass, first = timed(lambda: in_one_pass(convolutions, picture), CALLS)
    by_crops, second = timed(lambda: crop_by_crop(network, picture), CALLS)
    _, third = timed(lambda: crops_as_batch(network, picture), CALLS)
    return Both(picture, one_pass, by_crops, np.array([first, second, third]))


@lru_cache(maxsize=8)
def counted(side: int) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
    """The layers for one window, and as convolutions for a picture of this side; those with weights."""
    rows = count(dense_form(), (3, SIDE, SIDE)), count(as_convolutions(dense_form()), (3, side, side))
    dense, convolutions = (tuple(row for row in form if row.multiplications) for form in rows)
    return dense, convolutions


def multiplications(side: int) -> Array:
    """Multiplications (3, 4) of one pass, crop by crop and one batch, layer by layer, for a picture of this side."""
    dense, convolutions = counted(side)
    cropped = [math.prod(grid(side, side)) * row.multiplications for row in dense]
    return np.array([[row.multiplications for row in convolutions], cropped, cropped], np.int64)


def layer_table(side: int) -> dict[str, list[Any]]:
    """What becomes of every layer, and its multiplications either way."""
    (dense, convolutions), work = counted(side), multiplications(side)
    return {
        "layer": list(LAYERS),
        "trained on 14 x 14 as": ["5 x 5 convolution", *(f"{d.inputs[0]} x {d.shape[0]} dense" for d in dense[1:])],
        "as a convolution": [
            f"{c.kernel[0]} x {c.kernel[1]} x {c.inputs[0]}, {c.shape[0]} kernels" for c in convolutions
        ],
        "output": [" x ".join(map(str, (*c.shape[1:], c.shape[0]))) for c in convolutions],
        "one pass": work[0].tolist(),
        "all crops": work[1].tolist(),
    }


@dataclass(frozen=True)
class Scan:
    """A picture (h, w, 3), its crops as boxes (n, 4), and a classifier's probabilities (n, classes) for them.

    ``truth`` holds the boxes (k, 4) of the scene's shapes and ``names`` what they are.
    """

    pixels: Array
    boxes: Tensor
    probabilities: Tensor
    truth: Tensor
    names: tuple[str, ...]

    def over(self, score: float) -> Tensor:
        """Which crops (n,) are a shape, at least this sure; a material counts as ground."""
        sure, best = self.probabilities.max(1)
        return (sure >= score) & (best < len(SHAPES))

    def kept(self, score: float, overlap: float) -> Tensor:
        """The indices of the crops over the score that non-max suppression keeps, class by class, the surest first."""
        sure, best = self.probabilities.max(1)
        over = self.over(score).nonzero().flatten()
        return over[batched_nms(self.boxes[over], sure[over], best[over], overlap)]

    def found(self, kept: Tensor) -> int:
        """How many of the scene's shapes have a crop of their name that shares at least half of the union with theirs."""
        best = self.probabilities[kept].argmax(1)
        same = torch.tensor([SHAPES.index(name) for name in self.names])[:, None] == best
        return int((same & (iou(self.truth, self.boxes[kept]) >= FOUND)).any(1).sum())
