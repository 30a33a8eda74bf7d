"""A transposed convolution as stamps: the cell that is stamped, the canvas so far, and both matrices."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from engine.figures.windows import grid
from engine.results import Array
from engine.results.windows import Box, Panels, alone, products, ringed

MOST_NUMBERS = 16  # of a matrix, along a side, that have room in their cells


def one(x: Array, w: Array, at: tuple[int, int, int]) -> dict[str, go.Figure]:
    """The input (c, n, n) with one cell framed, and what that cell lays down of its kernel of ``w`` (c, 1, f, f)."""
    c, i, j = at
    number, kernel = float(x[at]), w[c, 0]
    places = Panels(x[None], lit={(0, c): Box(i, j, 1, 1)})
    return {
        "Input": grid(places, steps=np.arange(1, x.size + 1).reshape(1, *x.shape)),
        "Stamp": grid(alone(number * kernel, texts=products(np.full(kernel.shape, number), kernel))),
    }


def output(canvas: Array, padding: int, stamp: Box, reach: float) -> go.Figure:
    """The canvas so far (h, w), NaN where no stamp lies, its border dimmed and the last stamp framed."""
    return grid(ringed(canvas[None, None], padding, lit={(0, 0): stamp}), reach)


def kernels(w: Array, counts: Array) -> dict[str, go.Figure]:
    """The kernels (c, 1, f, f), and how many stamps lie on each cell."""
    return {"Kernel": grid(Panels(w.swapaxes(0, 1))), "Stamps on each cell": grid(alone(counts))}


def matrices(down: Array, up: Array, step: int) -> dict[str, go.Figure]:
    """The convolution's matrix and the transposed convolution's, the stamp of this step framed in both."""
    return {
        "Convolution W": _matrix(down, Box(step, 0, 1, down.shape[1])),
        "Transposed convolution Wᵀ": _matrix(up, Box(0, step, len(up), 1)),
    }


def _matrix(values: Array, lit: Box) -> go.Figure:
    """A matrix whose numbers stand in its cells where there is room for them."""
    return grid(alone(values, lit, None if max(values.shape) <= MOST_NUMBERS else np.full(values.shape, "", object)))
