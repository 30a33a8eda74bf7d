"""A window that slides over a signal and over the slices of a volume."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import ACTIVATIONS, CURVE, DIVERGING, MARK, PATH, SEQUENTIAL, figure, line, points
from engine.results import Array
from engine.results.sliding import SignalSlide, VolumeSlide

INK = "#1d232b"  # numbers on DIVERGING, which is light in both themes
HEIGHT = 260
GAP = 1
TIGHT = {"l": 8, "r": 8, "t": 8, "b": 40}
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}


def signal(result: SignalSlide) -> go.Figure:
    """The sampled signal with the window shaded."""
    n, f, first = len(result.signal), len(result.kernel), result.at * result.stride
    hover = {"hovertemplate": "sample %{x}: %{y:.2f}<extra></extra>"}
    traces = [
        line(*result.smooth, "heart", CURVE, hoverinfo="skip"),
        points(np.arange(n), result.signal, "samples", PATH, **hover),
    ]
    box = {"type": "rect", "x0": first - 0.5, "x1": first + f - 0.5, "y0": 0, "y1": 1, "yref": "paper"}
    box |= {"fillcolor": MARK, "opacity": 0.25, "line": {"width": 0}}
    xaxis = {"range": [-0.7, n - 0.3], "zeroline": False}
    return figure(traces, x="sample", y="level", xaxis=xaxis, shapes=[box], height=HEIGHT)


def response(result: SignalSlide) -> go.Figure:
    """The kernel's answer at every window, the one at hand marked."""
    hover = {"hovertemplate": "window %{x}: %{y:.3f}<extra></extra>"}
    o, at = np.arange(len(result.response)), result.at
    traces = [
        line(o, result.response, "response", ACTIVATIONS, mode="lines+markers", **hover),
        points([at], result.response[[at]], "this window", MARK, marker={"size": 12}, **hover),
    ]
    xaxis = {"range": [-0.7, len(o) - 0.3], "zeroline": False}
    return figure(traces, x="window", y="response", xaxis=xaxis, height=HEIGHT)


def products(result: SignalSlide) -> go.Figure:
    """The window, the kernel and their products as three rows of numbers, and the sum under them."""
    rows = np.stack([result.window, result.kernel, result.window * result.kernel])
    reach = np.abs(rows).max(1, keepdims=True)
    trace = _cells(rows / np.where(reach > 0, reach, 1) / 1.5, np.vectorize(_short)(rows))
    trace["y"] = ["x", "k", "x · k"]
    total = f"sum = {_short(float(rows[2].sum()))}"
    xaxis = BARE | {"constrain": "range"}
    yaxis = {"autorange": "reversed", "showgrid": False, "zeroline": False, "ticks": ""}
    return figure([trace], x=total, xaxis=xaxis, yaxis=yaxis, height=HEIGHT, margin=TIGHT | {"l": 44})


def features(maps: Array, at: tuple[int, int] | None = None) -> go.Figure:
    """Activations (o, k) of k filters at o places as a picture; ``at`` frames the places from one to another."""
    z = np.ascontiguousarray(maps.T, np.float32)
    trace: dict[str, Any] = {"type": "heatmap", "z": z, "colorscale": SEQUENTIAL, "name": "a"}
    trace |= {"colorbar": {"thickness": 10, "outlinewidth": 0}, "zmin": 0.0, "zmax": float(maps.max()) or 1.0}
    trace |= {"hovertemplate": "place %{x}, filter %{y}: %{z:.3f}<extra></extra>", "y0": 1, "dy": 1}
    shapes = []
    if at is not None:
        shapes = [_box(at[0] - 0.5, 0.5, at[1] + 0.5, maps.shape[1] + 0.5)]
    return figure(
        [trace], x="place", y="filter", shapes=shapes, height=HEIGHT, xaxis={"dtick": 2 if len(maps) < 14 else 4}
    )


def slices(result: VolumeSlide) -> go.Figure:
    """The slices of the volume that lie under the window, with the window's square in each."""
    f, n = len(result.kernel), len(result.volume)
    z, y, x = (a * result.stride for a in result.at)
    sheet, corners = _sheet(result.volume[z : z + f])
    trace = _raster(sheet, SEQUENTIAL, (0.0, float(result.volume.max()) or 1.0), "density")
    boxes = [_box(left + x - 0.5, top + y - 0.5, left + x + f - 0.5, top + y + f - 0.5) for left, top in corners]
    first = f"slices {z} to {z + f - 1} of {n}"
    return _flat([trace], sheet.shape, boxes, first)


def place_in_slice(n: int, x: float, y: float) -> tuple[int, int] | None:
    """The row and column of a voxel where :func:`slices` was clicked, None in a gap; the slices are n x n."""
    pitch = n + GAP
    if not (0 <= x < 1e4 and 0 <= y < 1e4):
        return None
    row, column = round(y) % pitch, round(x) % pitch
    return (row, column) if row < n and column < n else None


def kernel_slices(result: VolumeSlide) -> go.Figure:
    """The kernel's slices, one beside another; the numbers stand in the cells where there is room."""
    f = len(result.kernel)
    sheet, _ = _sheet(result.kernel)
    reach = float(np.abs(result.kernel).max()) or 1.0
    texts = np.vectorize(lambda v: "" if math.isnan(v) else _short(v))(sheet)
    trace = _cells(sheet / reach / 1.5, texts if f <= 3 else None)
    trace |= {"customdata": sheet.astype(np.float32), "hovertemplate": "%{customdata:.3g}<extra></extra>"}
    return _flat([trace], sheet.shape, [], f"its {f} slices")


def response_slice(result: VolumeSlide) -> go.Figure:
    """The slice of the response in which the window's sum lies, the sum framed."""
    z, y, x = result.at
    reach = float(np.abs(result.response).max()) or 1.0
    trace = _raster(result.response[z], DIVERGING, (-reach, reach), "response")
    trace |= {"showscale": True, "colorbar": {"thickness": 10, "outlinewidth": 0}}
    box = _box(x - 0.5, y - 0.5, x + 0.5, y + 0.5)
    return _flat([trace], result.response[z].shape, [box], f"slice {z} of {len(result.response)}")


def _sheet(stack: Array) -> tuple[Array, list[tuple[int, int]]]:
    """Slices (k, n, n) laid out in rows on one array, and the left and top of each."""
    k, n, _ = stack.shape
    across = math.ceil(math.sqrt(k))
    down = math.ceil(k / across)
    sheet = np.full((down * (n + GAP) - GAP, across * (n + GAP) - GAP), np.nan, np.float32)
    corners = [(i % across * (n + GAP), i // across * (n + GAP)) for i in range(k)]
    for each, (left, top) in zip(stack, corners, strict=True):
        sheet[top : top + n, left : left + n] = each
    return sheet, corners


def _raster(values: Array, colors: Any, limits: tuple[float, float], name: str) -> dict[str, Any]:
    trace = {"type": "heatmap", "z": values.astype(np.float32), "colorscale": colors, "zmin": limits[0]}
    trace |= {"zmax": limits[1], "showscale": False, "hoverongaps": False, "name": name}
    return trace | {"hovertemplate": f"{name} %{{z:.3f}}<extra></extra>"}


def _cells(values: Array, texts: Array | None) -> dict[str, Any]:
    trace: dict[str, Any] = {"type": "heatmap", "z": values.astype(np.float32), "colorscale": DIVERGING}
    trace |= {"zmin": -1, "zmax": 1, "showscale": False, "xgap": 2, "ygap": 2, "hoverongaps": False}
    if texts is not None:
        trace |= {"text": texts, "texttemplate": "%{text}", "textfont": {"color": INK}, "hoverinfo": "text"}
    return trace


def _flat(traces: list[dict[str, Any]], shape: tuple[int, ...], boxes: list[dict[str, Any]], x: str) -> go.Figure:
    height, width = shape
    xaxis = BARE | {"range": [-0.5, width - 0.5]}
    yaxis = BARE | {"range": [height - 0.5, -0.5], "scaleanchor": "x"}
    return figure(traces, x=x, xaxis=xaxis, yaxis=yaxis, shapes=boxes, margin=TIGHT, height=HEIGHT)


def _box(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    return {"type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": {"color": MARK, "width": 2}}


def _short(value: float) -> str:
    """A number in two decimals at most; adding 0 turns -0 into 0."""
    return f"{round(float(value), 2) + 0:g}"
