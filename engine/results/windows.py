"""A window that slides over a picture: where it stands, what it covers, and grids of numbers to show it on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.functional.convolution import (
    Pooling,
    conv_backward,
    output_size,
    pool_backward,
    pool_forward,
    pool_mask,
    windows,
    zero_pad,
)
from engine.results import Array

MOST_STEPS = 64


class Box(NamedTuple):
    """A rectangle of cells, from row ``top`` and column ``left`` on; both are below 0 inside the padding."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Slide:
    """An f x f window that slides over n x n cells with ``padding`` zeros around them, ``stride`` cells at a time.

    Windows count from 0, row by row. Making a slide that has no window at all is BadInput.
    """

    n: int
    f: int
    padding: int = 0
    stride: int = 1
    side: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "side", output_size(self.n, self.f, self.padding, self.stride))

    @property
    def count(self) -> int:
        """How many windows there are."""
        return self.side**2

    @property
    def lost(self) -> int:
        """How many rows at the bottom, and columns at the right, no window ever reaches."""
        return (self.n + 2 * self.padding - self.f) % self.stride

    def place(self, window: int) -> tuple[int, int]:
        """The window's row and column in the output."""
        return divmod(window, self.side)

    def box(self, window: int) -> Box:
        """The cells that the window covers, in the picture's own rows and columns."""
        i, j = self.place(window)
        return Box(i * self.stride - self.padding, j * self.stride - self.padding, self.f, self.f)

    def at(self, row: int, column: int) -> int | None:
        """The window that makes this cell of the output, None outside it."""
        return row * self.side + column if 0 <= row < self.side and 0 <= column < self.side else None

    def covering(self, row: int, column: int) -> int | None:
        """The first window that covers this cell of the padded picture, None where none does."""
        first = [max(0, math.ceil((x + self.padding - self.f + 1) / self.stride)) for x in (row, column)]
        window = self.at(*first)
        return window if window is not None and inside(self.box(window), row, column) else None


@dataclass(frozen=True)
class Panels:
    """Grids of numbers beside and below each other: ``values`` (down, across, h, w), NaN where nothing is known yet.

    ``border`` cells on every side of a grid are padding. ``names`` (down, across) stand over the grids, ``texts``, shaped
    as the values, in the cells in place of the numbers. ``lit`` goes from a grid (down, across) to its framed cells;
    ``lost`` rows at the bottom and columns at the right of every grid are dimmed.
    """

    values: Array
    border: int = 0
    names: tuple[tuple[str, ...], ...] = ()
    texts: Array | None = None
    lit: Mapping[tuple[int, int], Box] = field(default_factory=dict)
    lost: int = 0


@dataclass(frozen=True)
class Pooled:
    """Pooling of ``x`` (n, n) in both directions, with ``grad`` (side, side) coming back for its output.

    ``patches`` are the windows and ``shares`` what each of their cells gets back (side, side, f, f); ``gathered``
    (windows, n, n) is the gradient by the input after each window.
    """

    kind: Pooling
    slide: Slide
    x: Array
    patches: Array
    output: Array
    grad: Array
    shares: Array
    gathered: Array


def pooled(x: Tensor, grad: Tensor, slide: Slide, kind: Pooling) -> Pooled:
    """Pool ``x`` (n, n), and hand ``grad`` (side, side) back window by window."""
    f, stride, count = slide.f, slide.stride, slide.count
    output = pool_forward(x[None, None], f, stride, kind)[0, 0]
    shares = pool_mask(x[None, None], f, stride, kind)[0, 0] * grad[..., None, None]
    first = torch.ones(count, count, dtype=grad.dtype).tril().view(count, 1, *grad.shape)  # the first 1, 2, ... windows
    gathered = pool_backward(first * grad, x.expand(count, 1, -1, -1), f, stride, kind)[:, 0]
    tensors = (x, windows(x, f, stride), output, grad, shares, gathered)
    return Pooled(kind, slide, *(tensor.numpy() for tensor in tensors))


@dataclass(frozen=True)
class GradientStep:
    """One filter at one window on the way back through a convolution: what it adds to the gradients, and their sums then.

    ``dz`` is the gradient by the output there, ``patch`` the window of the input and ``weights`` the filter, (c, f, f).
    ``dx`` (c, n + 2p, n + 2p) keeps its border, on which falls what is dropped in the end; ``dw`` is (k, c, f, f), ``db`` (k,).
    """

    filter: int
    window: int
    dz: float
    patch: Array
    weights: Array
    dx: Array
    dw: Array
    db: Array


def gradient_steps(x: Tensor, w: Tensor, dz: Tensor, slide: Slide, steps: range) -> Iterator[GradientStep]:
    """The gradients of a convolution of ``x`` (c, n, n) by filters ``w`` (k, c, f, f), built from ``dz`` (k, side, side).

    A step is one number of dZ: row by row, column by column, and every filter at each place.
    """
    padded_x = zero_pad(x, slide.padding)
    patches = windows(padded_x, slide.f, slide.stride)
    order = torch.arange(dz.numel()).view(*dz.shape[1:], len(dz)).permute(2, 0, 1)
    for step in steps:
        window, k = divmod(step, len(w))
        i, j = slide.place(window)
        dx, dw, db = conv_backward((dz * (order <= step))[None], padded_x[None], w, slide.stride)
        arrays = (tensor.numpy() for tensor in (patches[:, i, j], w[k], dx[0], dw, db))
        yield GradientStep(k, window, float(dz[k, i, j]), *arrays)


def inside(box: Box, row: int, column: int) -> bool:
    """Whether a cell lies in the box."""
    return 0 <= row - box.top < box.height and 0 <= column - box.left < box.width


def alone(values: Array, lit: Box | None = None, texts: Array | None = None, lost: int = 0) -> Panels:
    """One grid (h, w) by itself."""
    frames = {} if lit is None else {(0, 0): lit}
    return Panels(values[None, None], texts=None if texts is None else texts[None, None], lit=frames, lost=lost)


def padded(values: Array, border: int, **more: Any) -> Panels:
    """Grids (down, across, h, w) with zeros around them."""
    around = [(0, 0), (0, 0), (border, border), (border, border)]
    return ringed(np.pad(values, around), border, **more)


def ringed(values: Array, border: int, **more: Any) -> Panels:
    """Grids (down, across, h, w) whose outermost rings, ``border`` cells wide, are padding: their numbers have no colour."""
    held = values.astype(np.float32)
    height, width = values.shape[-2:]
    ring = np.ones((height, width), bool)
    ring[border : height - border, border : width - border] = False
    held[..., ring] = np.nan
    return Panels(held, border, texts=texts(values), **more)


def texts(values: Array) -> Array:
    """Every number as it stands in a cell."""
    return np.array([shown(x) for x in values.ravel().tolist()], dtype=object).reshape(values.shape)


def everywhere(box: Box, down: int, across: int) -> dict[tuple[int, int], Box]:
    """The same cells framed in every grid."""
    return {(r, c): box for r in range(down) for c in range(across)}


def picked(x: float, y: float, height: int, width: int, border: int = 0) -> tuple[int, int, int, int] | None:
    """The grid (down, across) and the cell (row, column) at a point of the figure of panels; None between two grids.

    ``height`` and ``width`` are those of one grid with its border. A point beyond the last grid has a number beyond it.
    """
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    (down, row), (across, column) = divmod(round(y) + border, height + 1), divmod(round(x) + border, width + 1)
    if row == height or column == width or down < 0 or across < 0:
        return None
    return down, across, row - border, column - border


def section(count: int, at: int, most: int = MOST_STEPS) -> range:
    """The steps of a walk: all of them, or the ``most`` around step ``at`` where there are more. Steps count from 0."""
    first = max(0, min(at, count - 1) - most // 2)
    return range(max(0, min(first, count - most)), min(count, first + most))


def opening(count: int, at: int, most: int = MOST_STEPS) -> int:
    """Where step ``at`` stands in its section, the last step for any beyond."""
    return min(at, count - 1) - section(count, at, most).start


def left_out(steps: range, count: int) -> str:
    """A sentence where a walk shows only a section of all steps."""
    if len(steps) == count:
        return ""
    return f"The walk holds {steps.start + 1} to {steps.stop} of {count}; pick another place to go beyond."


def window_at(slide: Slide, x: float, y: float, output: bool) -> tuple[int, int, int] | None:
    """The grid (down, across) and the window at a point of a figure: the one that makes a cell of the output, or the first
    one that covers a cell of the padded input."""
    border = 0 if output else slide.padding
    side = slide.side if output else slide.n + 2 * border
    cell = picked(x, y, side, side, border)
    if cell is None:
        return None
    down, across, row, column = cell
    window = slide.at(row, column) if output else slide.covering(row, column)
    return None if window is None else (down, across, window)


def known(values: Array, steps: int) -> Array:
    """The first numbers of (..., h, w), counted row by row; NaN for the others."""
    flat = np.asarray(values, np.float32).reshape(*values.shape[:-2], -1).copy()
    flat[..., steps:] = np.nan
    return flat.reshape(values.shape)


def unknown(values: Array) -> Array:
    """NaN in the shape of these numbers."""
    return np.full(values.shape, np.nan, np.float32)


def shown(x: float) -> str:
    """A number in few digits: whole ones whole, others with two decimals, none for NaN. Adding 0 turns -0 into 0."""
    return "" if math.isnan(x) else f"{round(float(x), 2) + 0:g}"


def factor(x: float) -> str:
    """A number inside a product or a sum, in brackets if it is below zero."""
    return f"({shown(x)})" if x < 0 else shown(x)


def products(left: Array, right: Array, times: str = " × ") -> Array:
    """The texts "a × b" of two arrays of the same shape, to stand in cells."""
    texts = [f"{shown(a)}{times}{shown(b)}" for a, b in zip(left.ravel(), right.ravel(), strict=True)]
    return np.array(texts, dtype=object).reshape(left.shape)


def written(left: Iterable[float], right: Iterable[float]) -> str:
    """The sum of products, written out."""
    return " + ".join(f"{factor(a)}·{factor(b)}" for a, b in zip(left, right, strict=True))
