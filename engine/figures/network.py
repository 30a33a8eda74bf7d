"""A network drawn: units as dots, weights as lines, and rows of W as pictures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures import curves
from engine.figures.theme import ACTIVATIONS, DIVERGING, GRADIENTS, GREY, NEGATIVE, POSITIVE, WEIGHTS, figure
from engine.results import Array
from engine.results.network import MOST_UNITS, NetworkSketch, NetworkSpreads, WeightPictures

# Weights as a share of their layer's largest: those below the first bound are left out.
BANDS = ((0.1, 0.35, 0.6, 0.25), (0.35, 0.65, 1.5, 0.5), (0.65, 1.01, 3.0, 0.9))
GAP = 1


def network(result: NetworkSketch) -> go.Figure:
    """Layers from left to right; a line's colour is a weight's sign, its width the weight's size within its layer."""
    heights = [_heights(n) for n in result.sizes]
    traces = [_lines(result, heights, sign, *band) for band in BANDS for sign in (1, -1)]
    columns = np.repeat(np.arange(len(heights)), [len(y) for y in heights])
    numbers = np.concatenate([u + 1 for u in result.units])
    units: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": "units",
        "x": columns,
        "y": np.concatenate(heights),
    }
    units |= {"marker": {"color": GREY, "size": 11}, "customdata": numbers, "showlegend": False}
    units |= {"hovertemplate": "layer %{x}, unit %{customdata}<extra></extra>"}
    wide = [layer for layer, n in enumerate(result.sizes) if n > MOST_UNITS]
    labels = {"type": "scatter", "mode": "text", "name": "sizes", "hoverinfo": "skip", "showlegend": False}
    labels |= {
        "x": [*range(len(heights)), *wide],
        "y": [*(float(y.max()) + 0.8 for y in heights), *(0.0 for _ in wide)],
    }
    labels |= {"text": [*map(str, result.sizes), *("⋮" for _ in wide)]}
    top = (MOST_UNITS + 1) / 2 + 0.9
    ticks = ["x", *map(str, range(1, len(heights) - 1)), "ŷ"]
    xaxis = {"tickvals": list(range(len(heights))), "ticktext": ticks, "showgrid": False, "zeroline": False}
    yaxis = {"visible": False, "range": [-top + 0.8, top]}
    return figure([*traces, units, labels], x="layer, its units above", xaxis=xaxis, yaxis=yaxis)


def _heights(n: int) -> Array:
    """Where the drawn units of a layer of n stand, the first on top, with room for dots where some are left out."""
    k = min(n, MOST_UNITS)
    places = np.arange(k) + (np.arange(k) >= MOST_UNITS // 2 if n > MOST_UNITS else 0)
    return (places.max() / 2 - places).astype(np.float32)


def _lines(
    result: NetworkSketch, heights: list[Array], sign: int, low: float, high: float, width: float, opacity: float
) -> dict[str, Any]:
    """All weights of one sign and band as one trace of separate lines."""
    ends = [np.empty((0, 3, 2), np.float32)]
    for layer, W in enumerate(result.weights):
        above, below = np.nonzero((sign * W >= low) & (sign * W < high))
        line = np.full((len(above), 3, 2), np.nan, np.float32)  # from, to and a gap, each x and y
        line[:, :2, 0] = layer, layer + 1
        line[:, 0, 1], line[:, 1, 1] = heights[layer][below], heights[layer + 1][above]
        ends.append(line)
    x, y = np.concatenate(ends).reshape(-1, 2).T
    named = {"name": "weight > 0" if sign > 0 else "weight < 0", "showlegend": width > 2}
    style = {"line": {"color": POSITIVE if sign > 0 else NEGATIVE, "width": width}, "opacity": opacity}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", **style, **named}


def pictures(result: WeightPictures) -> go.Figure:
    """Each unit's weights as the picture it answers to most: grey is 0; in colour where the examples are."""
    count, height, width, channels = result.weights.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    sheet = np.full((down * (height + GAP), across * (width + GAP), channels), np.nan, np.float32)
    for k, weights in enumerate(result.weights):
        top, left = k // across * (height + GAP), k % across * (width + GAP)
        sheet[top : top + height, left : left + width] = weights
    shown: dict[str, Any] = {"hoverinfo": "skip", "name": "weights"}
    if channels == 1:
        shown |= {"type": "heatmap", "z": sheet[..., 0], "zmin": -1, "zmax": 1, "colorscale": DIVERGING}
        shown |= {"showscale": False, "hoverongaps": False}
    else:
        opaque = np.isfinite(sheet[..., :1])
        levels = np.where(opaque, np.nan_to_num(sheet[..., :3]) * 127 + 128, 0)
        pixels = np.concatenate([levels, opaque * 255], -1).astype(np.uint8)
        shown |= {"type": "image", "z": pixels, "colormodel": "rgba"}
    hidden = {"visible": False, "constrain": "domain"}
    yaxis = {**hidden, "scaleanchor": "x", "range": [len(sheet) - 0.5, -0.5]}
    return figure([shown], xaxis={**hidden, "range": [-0.5, sheet.shape[1] - 0.5]}, yaxis=yaxis, showlegend=False)


def spreads(result: NetworkSpreads) -> dict[str, go.Figure]:
    """Three small figures by title: a box for each layer's weights, activations and gradients."""
    gradients = curves.spread(result.gradients, "dW", GRADIENTS)
    gradients.layout.margin.l, gradients.layout.yaxis.exponentformat = 80, "e"  # for numbers such as -0.0005 and 3e-7
    return {
        "Weights": curves.spread(result.weights, "W", WEIGHTS),
        "Activations": curves.spread(result.activations, "A", ACTIVATIONS),
        "Gradients": gradients,
    }
