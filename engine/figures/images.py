"""Pictures, kernels and their maps in picture coordinates: one cell a pixel, row 0 at the top."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import DIVERGING, MARK, PATH, SEQUENTIAL, figure, line
from engine.results import Array
from engine.results.images import KernelMap

GREYS = [[0.0, "#000000"], [1.0, "#ffffff"]]
INK = "#1d232b"  # numbers on DIVERGING, which is light in both themes
PICTURE_HEIGHT, KERNEL_HEIGHT, CURVE_HEIGHT = 290, 230, 250
TIGHT = {"l": 4, "r": 4, "t": 4, "b": 28}
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}


def grey(result: KernelMap) -> go.Figure:
    """The picture in grey levels from 0 to 255, the picked window framed."""
    f = len(result.kernel)
    return _raster(result.grey, GREYS, (0, 255), "grey", shapes=[_frame(result.column, result.row, f)])


def response(result: KernelMap, absolute: bool) -> go.Figure:
    """The kernel's answer at every window: around zero by sign, or its size alone; the picked one framed."""
    values = np.abs(result.response) if absolute else result.response
    reach = float(np.abs(values).max()) or 1.0
    colors, limits = (SEQUENTIAL, (0.0, reach)) if absolute else (DIVERGING, (-reach, reach))
    frame = _frame(result.column - 1, result.row - 1, 3)
    return _raster(values, colors, limits, "response", shapes=[frame], bar=True)


def kernel(weights: Array, reach: float) -> go.Figure:
    """A kernel (f, f) with its weights written in the cells, coloured from -reach to reach."""
    return _cells(weights, _numbers(weights), reach)


def window(result: KernelMap) -> go.Figure:
    """The picked window's sum, one product of pixel and weight a cell."""
    products = result.window * result.kernel
    texts = np.char.add(np.char.add(_numbers(result.window), " × "), _numbers(result.kernel))
    total = f"sum {result.response[result.row, result.column]:g}"
    return _cells(products, texts, float(np.abs(products).max()) or 1.0, xaxis={"title": {"text": total}})


def cost_by_step(steps: Array, costs: Array, last: int) -> go.Figure:
    """Cost against step, both logarithmic, on an axis that ends at step ``last``; step 0 has no place on it."""
    trace = line(steps[1:], np.maximum(costs[1:], 1e-12), "cost", PATH, mode="lines+markers")
    xaxis = {"type": "log", "range": [-0.1, np.log10(max(last, 10)) + 0.1]}
    yaxis = {"type": "log", "exponentformat": "power"}
    layout = {"xaxis": xaxis, "yaxis": yaxis, "showlegend": False, "height": CURVE_HEIGHT}
    return figure([trace], x="step", y="mean squared error", **layout)


def _raster(
    values: Array, colors: Any, limits: tuple[float, float], name: str, bar: bool = False, **layout: Any
) -> go.Figure:
    """An array (h, w) as a picture."""
    hover = f"row %{{y}}, column %{{x}}<br>{name} %{{z:.4~g}}<extra></extra>"
    trace = {"type": "heatmap", "z": _compact(values), "colorscale": colors, "zmin": limits[0], "zmax": limits[1]}
    trace |= {"showscale": bar, "hovertemplate": hover, "colorbar": {"thickness": 10, "outlinewidth": 0}}
    height, width = values.shape
    xaxis = BARE | {"range": [-0.5, width - 0.5]}
    return figure([trace], xaxis=xaxis, yaxis=_down(height), margin=TIGHT, height=PICTURE_HEIGHT, **layout)


def _cells(values: Array, texts: Array, reach: float, **layout: Any) -> go.Figure:
    """An array (f, f) with a text in each cell."""
    trace: dict[str, Any] = {"type": "heatmap", "z": values, "colorscale": DIVERGING, "text": texts}
    trace |= {"zmin": -1.5 * reach, "zmax": 1.5 * reach}  # paler than the ends, so that the texts stay readable
    trace |= {"texttemplate": "%{text}", "textfont": {"color": INK}, "xgap": 2, "ygap": 2}
    trace |= {"showscale": False, "hoverinfo": "text"}
    xaxis = BARE | {"range": [-0.5, len(values) - 0.5]} | layout.pop("xaxis", {})
    return figure([trace], xaxis=xaxis, yaxis=_down(len(values)), margin=TIGHT, height=KERNEL_HEIGHT, **layout)


def _down(height: int) -> dict[str, Any]:
    return BARE | {"range": [height - 0.5, -0.5], "scaleanchor": "x"}


def _frame(column: int, row: int, size: int) -> dict[str, Any]:
    """A square around ``size`` cells from the given one on."""
    corners = {"x0": column - 0.5, "y0": row - 0.5, "x1": column + size - 0.5, "y1": row + size - 0.5}
    return {"type": "rect", **corners, "line": {"color": MARK, "width": 3}}


def _numbers(values: Array) -> Array:
    """Numbers as short texts; adding 0 turns -0 into 0."""
    return np.array([[f"{round(x, 2) + 0:g}" for x in row] for row in values.tolist()])


def _compact(values: Array) -> Array:
    """The same numbers in fewer bytes: whole ones as 8 or 16 bits, others as float32."""
    for kind in (np.uint8, np.int16):
        limits = np.iinfo(kind)
        if values.min() >= limits.min and values.max() <= limits.max and np.array_equal(values, np.rint(values)):
            return values.astype(kind)
    return values.astype(np.float32)
