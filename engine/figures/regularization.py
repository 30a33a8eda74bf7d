"""What regularization does, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import COLORWAY, DEV, DIVERGING, GREY, TRAIN, figure, line
from engine.results import Array
from engine.results.regularization import Histogram, Masks, Sweep

# Kept and dropped, on both themes.
KEPT = [[0.0, "#80808022"], [1.0, TRAIN]]
GAP = 2
LOW = 320
# Room for percentages beside the axis title.
SHARES, WIDE = {"tickformat": ".1~%", "rangemode": "tozero"}, {"l": 66}


def sweep(
    result: Sweep, x: str, y: str, colors: Mapping[str, str], dotted: Sequence[str] = (), **layout: Any
) -> go.Figure:
    """A curve a name against a setting on a log axis, with a dashed line at the setting in view.

    Those named in ``dotted`` are drawn so, where they would hide another.
    """
    traces = []
    for i, name in enumerate(result.names):
        hover = f"{name}<br>{x} %{{x:.3g}}: %{{y:.1%}}<extra></extra>"
        color = colors.get(name, COLORWAY[i])
        one = line(result.setting, result.values[i], name, color, mode="lines+markers", hovertemplate=hover)
        traces.append(one | {"line": {"color": color, "dash": "dot" if name in dotted else "solid"}})
    yaxis = {**SHARES, **layout.pop("yaxis", {})}
    shapes = [_upright(result.chosen), *layout.pop("shapes", [])]
    xaxis = {"type": "log", "exponentformat": "power", **layout.pop("xaxis", {})}
    return figure(traces, x=x, y=y, xaxis=xaxis, yaxis=yaxis, shapes=shapes, margin=WIDE, **layout)


def _upright(x: float) -> dict[str, Any]:
    """A dashed line from bottom to top at x, which a shape takes as it is on a log axis too."""
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": GREY, "dash": "dash"},
    }


def level(y: float) -> dict[str, Any]:
    """A dotted line across a figure."""
    return {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": y, "y1": y, "line": {"color": GREY, "dash": "dot"}}


def errors(steps: Array, train: Array, dev: Array, optimal: float, last: int) -> go.Figure:
    """The share of wrong answers (k,) on both sets against steps (k,), with a dotted line at the optimal error."""
    hover = {"hovertemplate": "step %{x}: %{y:.1%}"}
    traces = [line(steps, train, "train", TRAIN, **hover), line(steps, dev, "dev", DEV, **hover)]
    xaxis = {"range": [0, last]}
    return figure(traces, x="step", y="error", xaxis=xaxis, yaxis=SHARES, shapes=[level(optimal)], margin=WIDE)


def histogram(result: Histogram, colors: Sequence[str]) -> go.Figure:
    """Bars for each network, laid over each other."""
    middle = (result.edges[1:] + result.edges[:-1]) / 2
    bars = [
        {"type": "bar", "name": name, "x": middle, "y": counts, "opacity": 0.6, "marker": {"color": color}}
        | {"hovertemplate": f"{name}<br>%{{y}} weights around %{{x:.2f}}<extra></extra>"}
        for name, counts, color in zip(result.names, result.counts, colors, strict=True)
    ]
    return figure(bars, x="weight", y="how many", barmode="overlay", bargap=0, height=LOW)


def masks(result: Masks) -> go.Figure:
    """A panel for each layer, left to right: a row for each unit, a column for each example; a filled cell is kept."""
    units = max(len(layer) for layer in result.layers)
    width = result.layers[0].shape[1] + GAP
    sheet = np.full((units, width * len(result.layers) - GAP), np.nan, np.float32)
    for i, layer in enumerate(result.layers):
        sheet[: len(layer), i * width : i * width + layer.shape[1]] = layer
    cells: dict[str, Any] = {"type": "heatmap", "name": "kept", "z": sheet, "zmin": 0, "zmax": 1, "colorscale": KEPT}
    cells |= {"y": np.arange(1, units + 1), "showscale": False, "hoverongaps": False, "xgap": 1, "ygap": 1}
    cells |= {"hovertemplate": "unit %{y}: %{z}<extra></extra>"}
    middles = [i * width + (width - GAP - 1) / 2 for i in range(len(result.layers))]
    names = [f"layer {i + 1}" for i in range(len(result.layers))]
    xaxis = {"tickvals": middles, "ticktext": names, "showgrid": False, "zeroline": False}
    yaxis = {"autorange": "reversed", "showgrid": False, "zeroline": False}
    return figure([cells], x="one column an example", y="unit", xaxis=xaxis, yaxis=yaxis)


def rows(weights: Array, names: Sequence[str], reach: float) -> go.Figure:
    """A layer's weights (units, n): a row for each unit, from -reach to reach; exact zeros are left empty."""
    shown = np.where(weights == 0, np.nan, weights).astype(np.float32)
    cells: dict[str, Any] = {"type": "heatmap", "name": "weights", "z": shown, "zmin": -reach, "zmax": reach}
    cells |= {"colorscale": DIVERGING, "showscale": False, "hoverongaps": False, "y": np.arange(1, len(shown) + 1)}
    cells |= {"x": np.arange(len(names)), "text": [list(names)] * len(shown) if len(names) <= 64 else None}
    cells |= {"hovertemplate": "unit %{y}, %{text}<br>w = %{z:.4f}<extra></extra>"}
    xaxis = {"range": [-0.5, len(names) - 0.5], "showgrid": False, "zeroline": False}
    yaxis = {"range": [len(shown) + 0.5, 0.5], "showgrid": False, "dtick": max(1, len(shown) // 8)}
    return figure([cells], x="input", y="unit", xaxis=xaxis, yaxis=yaxis, height=LOW)
