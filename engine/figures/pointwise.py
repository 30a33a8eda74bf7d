"""Channels mixed by a 1 x 1 convolution: maps side by side, the product at one pixel, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.images import GREYS, INK
from engine.figures.theme import BLUE, DIVERGING, GREY, MARK, figure
from engine.models.counting import Layer
from engine.results import Array
from engine.results.architectures import millions, shape

HEIGHT, MAPS_HEIGHT = 280, 190
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
MOST_MAPS, GAP = 3, 3


def maps(values: Array, names: Sequence[str], at: tuple[int, int], signed: bool) -> go.Figure:
    """Maps (k, h, w) side by side, grey from 0 to 255 or coloured around zero, one pixel framed in each."""
    _, high, wide = values.shape
    reach = float(np.abs(values).max()) or 1.0
    colors, limits = (DIVERGING, (-reach, reach)) if signed else (GREYS, (0.0, 255.0))
    levels = np.rint(values).astype(np.int16 if signed else np.uint8)  # half the bytes, and nobody sees the rest
    traces, boxes, titles = [], [], []
    for k, (name, each) in enumerate(zip(names, levels, strict=True)):
        left = k * (wide + GAP)
        trace: dict[str, Any] = {"type": "heatmap", "z": each, "x0": left, "dx": 1, "name": name, "showscale": False}
        trace |= {"colorscale": colors, "zmin": limits[0], "zmax": limits[1]}
        traces.append(trace | {"hovertemplate": f"row %{{y}}<br>{name} %{{z}}<extra></extra>"})
        row, column = at
        corners = {"x0": left + column - 1.5, "x1": left + column + 1.5, "y0": row - 1.5, "y1": row + 1.5}
        boxes.append({"type": "rect", **corners, "line": {"color": MARK, "width": 2}})
        titles.append({"x": left + wide / 2, "y": -0.5, "yanchor": "bottom", "text": name, "showarrow": False})
    xaxis = BARE | {"range": [-0.5, MOST_MAPS * (wide + GAP) - GAP - 0.5]}
    yaxis = BARE | {"range": [high - 0.5, -0.5], "scaleanchor": "x"}
    margin = {"l": 4, "r": 4, "t": 28, "b": 4}
    return figure(traces, xaxis=xaxis, yaxis=yaxis, shapes=boxes, annotations=titles, margin=margin, height=MAPS_HEIGHT)


def product(weights: Array, pixel: Array, answer: Array) -> go.Figure:
    """A dense layer's sum at one pixel: weights (k, c) times levels (c,), a row for each output with its sum beside it."""
    cells = weights * pixel
    texts = [[f"{w:g} × {p:g}<br>= {w * p:.4g}" for w, p in zip(row, pixel, strict=True)] for row in weights]
    reach = float(np.abs(cells).max()) or 1.0
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": cells,
        "text": texts,
        "texttemplate": "%{text}",
        "showscale": False,
    }
    trace |= {"x": ["red", "green", "blue"], "y": [f"map {k + 1}<br>{a:.4g}" for k, a in enumerate(answer)]}
    # Paler than the ends of the scale, so that the texts stay readable.
    trace |= {"colorscale": DIVERGING, "zmin": -1.5 * reach, "zmax": 1.5 * reach, "xgap": 2, "ygap": 2}
    trace |= {"textfont": {"color": INK}, "hoverinfo": "text"}
    yaxis = {"autorange": "reversed", "showgrid": False, "ticks": ""}
    xaxis = {"showgrid": False, "ticks": "", "side": "top"}
    return figure([trace], xaxis=xaxis, yaxis=yaxis, height=HEIGHT, margin={"l": 70, "r": 8, "t": 36, "b": 8})


def volumes(layer: Layer) -> go.Figure:
    """The channels before and behind a 1 x 1 convolution."""
    shapes = (layer.inputs, layer.shape)
    bar: dict[str, Any] = {"type": "bar", "x": ["input", "output"], "y": [each[0] for each in shapes], "width": 0.5}
    bar |= {"text": [shape(each) for each in shapes], "textposition": "outside", "cliponaxis": False}
    bar |= {"marker": {"color": [GREY, BLUE]}, "hovertemplate": "%{text}<extra></extra>"}
    top = 1.2 * max(each[0] for each in shapes)
    return figure(
        [bar], y="channels", yaxis={"range": [0, top]}, xaxis={"type": "category"}, height=HEIGHT, margin={"l": 68}
    )


def kernels(layers: Sequence[Layer]) -> go.Figure:
    """Multiplications of convolutions that differ in the kernel's size alone, on a log axis."""
    values = [layer.multiplications for layer in layers]
    names = [f"{layer.kernel[0]} × {layer.kernel[1]}" for layer in layers]
    bar: dict[str, Any] = {"type": "bar", "x": names, "y": values, "text": [millions(v) for v in values]}
    bar |= {"textposition": "outside", "cliponaxis": False, "marker": {"color": [BLUE, *[GREY] * (len(layers) - 1)]}}
    bar |= {"customdata": [layer.parameters for layer in layers]}
    bar |= {"hovertemplate": "%{x}: %{y:,} multiplications<br>%{customdata:,} parameters<extra></extra>"}
    yaxis = {"tickformat": "~s", "range": [0, 1.15 * max(values)]}
    return figure(
        [bar], x="kernel", y="multiplications", xaxis={"type": "category"}, yaxis=yaxis, height=HEIGHT, margin={"l": 68}
    )
