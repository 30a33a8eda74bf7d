"""A Siamese network: one network, with one set of weights, reads both pictures (Taigman et al. 2014)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.data.faces import SIDE
from engine.functional.faces import squared_distance


class Compared(NamedTuple):
    """Encodings (m, n) of the first and of the second pictures, and their squared distances (m,)."""

    one: Tensor
    other: Tensor
    distance: Tensor


def compare(network: nn.Module, a: Tensor, b: Tensor) -> Compared:
    """Both arms are the same module, so their weights are the same and the gradient of both arms adds up in them."""
    one, other = network(a), network(b)
    return Compared(one, other, squared_distance(one, other))


def cropped(pixels: np.ndarray) -> Tensor:
    """The middle square of a picture (h, w, 3) as a face (1, 3, 64, 64) in [0, 1]."""
    side = min(pixels.shape[:2])
    top, left = ((n - side) // 2 for n in pixels.shape[:2])
    square = torch.tensor(pixels[top : top + side, left : left + side]).movedim(-1, 0)[None] / 255
    return interpolate(square, size=(SIDE, SIDE), mode="bilinear", antialias=True).clamp(0, 1)
