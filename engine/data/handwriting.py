"""Handwritten digits for convolutional networks: scikit-learn's, and what a person draws or photographs, alike.

The set was made from scanned pages: each digit was cut to its bounding box, brought to a bitmap of 32 x 32 pixels, and the
pixels of every 4 x 4 block counted (Alpaydin and Kaynak 1998). A drawing goes the same way.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from engine.seeding import generator

BITMAP, BLOCK = 32, 4
HELD_OUT = 360
PEN = 4.5  # of the bitmap, about as thick as in the set
SIDE = 32


class Digits(NamedTuple):
    """Pictures (m, 1, 32, 32) in [0, 1] and digits (m,), apart for training and for testing."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor


@cache
def digits(seed: int = 0) -> Digits:
    """All 1797 digits of scikit-learn, 360 of them held out; the seed decides which."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = enlarged(torch.from_numpy(found.images).float())
    labels = torch.from_numpy(found.target).long()
    order = torch.randperm(len(labels), generator=generator(seed, 7))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    return Digits(pictures[train], labels[train], pictures[test], labels[test])


def enlarged(levels: Tensor) -> Tensor:
    """Counts (m, 8, 8) from 0 to 16 as pictures (m, 1, 32, 32) in [0, 1], with a border of two pixels as LeNet has it."""
    smooth = interpolate(levels[:, None] / BLOCK**2, size=(SIDE - 4, SIDE - 4), mode="bilinear", align_corners=False)
    return pad(smooth, (2, 2, 2, 2))


def from_strokes(strokes: tuple[tuple[int, ...], ...]) -> Tensor:
    """A drawing, strokes x0, y0, x1, y1, ... of any size, as a picture (1, 1, 32, 32); an empty pad is empty."""
    if not strokes:
        return torch.zeros(1, 1, SIDE, SIDE)
    points = [np.array(stroke, float).reshape(-1, 2) for stroke in strokes]
    corner, opposite = np.concatenate(points).min(0), np.concatenate(points).max(0)
    scale = (BITMAP - PEN) / max(*(opposite - corner), 1.0)
    fine = 4  # drawn finer, because Pillow's lines have no soft edges
    image = Image.new("L", (BITMAP * fine, BITMAP * fine))
    pen = ImageDraw.Draw(image)
    for stroke in points:
        at = ((stroke - (corner + opposite) / 2) * scale + BITMAP / 2) * fine
        pen.line([tuple(point) for point in at.tolist()], fill=255, width=round(PEN * fine), joint="curve")
        for x, y in at.tolist():
            pen.ellipse([(x - PEN * fine / 2, y - PEN * fine / 2), (x + PEN * fine / 2, y + PEN * fine / 2)], fill=255)
    return _counted(torch.from_numpy(np.array(image.resize((BITMAP, BITMAP), Image.Resampling.BOX))).float() / 255)


def from_picture(pixels: np.ndarray) -> Tensor:
    """A photographed digit (h, w, 3) as a picture (1, 1, 32, 32): dark on bright or bright on dark, cut to its ink."""
    from skimage.filters import threshold_otsu

    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)
    if np.ptp(grey) < 8:
        return torch.zeros(1, 1, SIDE, SIDE)
    ink = grey > threshold_otsu(grey)  # type: ignore[no-untyped-call]
    if ink.mean() > 0.5:
        ink = ~ink  # the page is the larger part
    rows, columns = ink.any(1).nonzero()[0], ink.any(0).nonzero()[0]
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = [max(1, round(n * BITMAP / max(cut.shape))) for n in cut.shape[::-1]]
    small = Image.fromarray(cut.astype(np.uint8) * 255).resize((size[0], size[1]), Image.Resampling.BOX)
    bitmap = Image.new("L", (BITMAP, BITMAP))
    bitmap.paste(small, ((BITMAP - size[0]) // 2, (BITMAP - size[1]) // 2))
    return _counted(torch.from_numpy(np.array(bitmap)).float() / 255)


def _counted(bitmap: Tensor) -> Tensor:
    """A bitmap (32, 32) in [0, 1] by its blocks' sums, enlarged as the set is."""
    return enlarged(avg_pool2d(bitmap[None, None], BLOCK)[0] * BLOCK**2)
