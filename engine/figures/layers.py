"""What is inside layers: rows of weights, sizes by layer, histograms by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import ACTIVATIONS, CURVE, DIVERGING, GRADIENTS, WEIGHTS, figure, line, points
from engine.results import Array
from engine.results.layers import LayerHistograms, LayerSizes, SizesByRule, UnitRows

# Numbers on DIVERGING, which is light in both themes.
INK = "#1d232b"
MOST_WRITTEN = 8
# The smallest and the largest number of single precision.
SINGLE = (1.4e-45, 3.4e38)
# The layout of figures that stand three in a row.
SMALL = {"height": 260, "margin": {"t": 8}}


def rows(result: UnitRows, reach: float) -> go.Figure:
    """A row for each unit, its numbers coloured from -reach to reach and written where there is room."""
    cells: dict[str, Any] = {
        "type": "heatmap",
        "name": "weights",
        "z": result.rows,
        "zmin": -1.5 * reach,
        "zmax": 1.5 * reach,
    }
    cells |= {"x": list(range(len(result.names))), "y": np.arange(1, len(result.rows) + 1), "colorscale": DIVERGING}
    cells |= {"showscale": False, "xgap": 1, "ygap": 1, "hovertemplate": "unit %{y}: %{z:.7g}<extra></extra>"}
    if len(result.rows) <= MOST_WRITTEN:
        cells |= {"texttemplate": "%{z:.3f}", "textfont": {"color": INK}}
    xaxis = {"tickvals": cells["x"], "ticktext": list(result.names), "showgrid": False, "zeroline": False}
    yaxis = {"autorange": "reversed", "dtick": 1 if len(result.rows) <= MOST_WRITTEN else 5, "showgrid": False}
    return figure([cells], x="weights of", y="unit", xaxis=xaxis, yaxis=yaxis, **SMALL)


def activation_sizes(result: LayerSizes) -> go.Figure:
    """How large the activations of each layer are, on a log axis, beside what theory expects."""
    traces = [*_expected(result.expected), _sizes(result.activations, 0, "activations", ACTIVATIONS)]
    return _by_layer(traces, "size of A")


def gradient_sizes(result: LayerSizes) -> go.Figure:
    """How large the gradients of the cost by each layer's activations and weights are, on a log axis."""
    traces = _expected(result.expected_gradients)
    traces += [_sizes(result.gradients, 0, "dJ/dA", GRADIENTS), _sizes(result.slopes, 1, "dJ/dW", WEIGHTS)]
    return _by_layer(traces, "size of the gradient")


def _sizes(values: Array, first: int, name: str, color: str) -> dict[str, Any]:
    shown = np.where(values > 0, values, np.nan)  # a log axis has no place for 0
    hover = {"hovertemplate": "layer %{x}: %{y:.3e}"}
    return line(np.arange(first, first + len(values)), shown, name, color, mode="lines+markers", **hover)


def _expected(values: Array | None) -> list[dict[str, Any]]:
    if values is None:
        return []
    style = {"line": {"color": CURVE, "width": 6}, "opacity": 0.4, "hoverinfo": "skip"}
    return [{"type": "scatter", "mode": "lines", "x": np.arange(len(values)), "y": values, "name": "theory", **style}]


def _by_layer(traces: list[dict[str, Any]], y: str) -> go.Figure:
    """Curves over layers on a log axis, with the ends of single precision where they come near."""
    last = max(int(trace["x"][-1]) for trace in traces)
    values = np.concatenate([trace["y"] for trace in traces])
    near = [end for end in SINGLE if np.nanmin(values) < end < np.nanmax(values)]
    ends = [
        line([0, last], [end, end], "end of float32", CURVE, mode="lines", hoverinfo="skip", showlegend=i == 0)
        for i, end in enumerate(near)
    ]
    for end in ends:
        end["line"] |= {"dash": "dot"}
    yaxis = {"type": "log", "exponentformat": "power"}
    axes = {"xaxis": {"range": [-0.5, last + 0.5]}, "yaxis": yaxis, "margin": {"l": 72}}
    return figure([*traces, *ends], x="layer", y=y, **axes)


def histograms(result: LayerHistograms) -> go.Figure:
    """One histogram under the other, the first layer on top; a spike far above the rest is cut off."""
    layers, middle = len(result.shares), np.repeat(result.edges, 2)[1:-1]
    x: list[Any] = []
    y: list[Any] = []
    for layer, shares in enumerate(result.shares, 1):
        top = np.sort(shares)[-2] or shares.max() or 1.0
        height = 0.85 * np.minimum(np.repeat(shares, 2) / top, 1.0)
        x += [middle[:1], middle, middle[-1:], [np.nan]]
        y += [[layer], layer - height, [layer], [np.nan]]
    outline = {"type": "scatter", "mode": "lines", "fill": "toself", "line": {"color": ACTIVATIONS, "width": 1}}
    outline |= {"x": np.concatenate(x).astype(np.float32), "y": np.concatenate(y).astype(np.float32)}
    names = [f"{layer}<br>±{value:.2g}" for layer, value in enumerate(result.deviation, 1)]
    yaxis = {"range": [layers + 0.1, 0.0], "tickvals": list(range(1, layers + 1)), "ticktext": names, "zeroline": False}
    named = {"name": "activations", "hoverinfo": "skip", "showlegend": False}
    return figure([outline | named], x="activation", y="layer and deviation", yaxis=yaxis, margin={"l": 88, "t": 8})


def sizes_by_rule(result: SizesByRule, colors: Mapping[str, str]) -> go.Figure:
    """The size of z in each layer for each rule, dots on theory's lines, on a log axis."""
    traces: list[dict[str, Any]] = []
    at = np.arange(1, result.measured.shape[1] + 1)
    for name, measured, expected in zip(result.names, result.measured, result.expected, strict=True):
        style = {"line": {"color": colors[name], "width": 6}, "opacity": 0.35, "hoverinfo": "skip", "showlegend": False}
        traces.append(line(at, np.where(expected > 0, expected, np.nan), f"{name}, theory", colors[name], **style))
        hover = {"hovertemplate": f"{name}<br>layer %{{x}}: %{{y:.3g}}<extra></extra>"}
        traces.append(points(at, np.where(measured > 0, measured, np.nan), name, colors[name], **hover))
    yaxis = {"type": "log", "exponentformat": "power"}
    return figure(traces, x="layer", y="size of z", xaxis={"dtick": 1}, yaxis=yaxis, margin={"l": 72})
