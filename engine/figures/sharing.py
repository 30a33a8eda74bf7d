"""Dense, local and convolutional first layers: their matrices, and what a shift does to their answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures import curves
from engine.figures.images import GREYS
from engine.figures.theme import AMBER, BLUE, DIVERGING, GREY, MARK, VERMILION, figure, line
from engine.results.curves import Race
from engine.results.sharing import LayerMatrix, ShiftAccuracy, ShiftedDigit

COLORS = {"dense": VERMILION, "local": AMBER, "conv": BLUE}
HEIGHT = 260
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}


def by_shift(result: ShiftAccuracy) -> go.Figure:
    """Accuracy against the shift, a line for each network, and guessing as a dotted one."""
    traces: list[dict[str, Any]] = []
    for name, right in zip(result.names, result.right.astype(np.float32), strict=True):
        hover = {"hovertemplate": f"{name}, %{{x}} px: %{{y:.1%}}<extra></extra>", "mode": "lines+markers"}
        traces.append(line(result.shifts, right, name, COLORS[name], **hover))
    ends = [result.shifts[0], result.shifts[-1]]
    style = {"color": GREY, "dash": "dot"}
    traces.append(line(ends, [0.1, 0.1], "guessing", GREY, line=style, hoverinfo="skip", showlegend=False))
    yaxis = {"range": [0, 1.02], "tickformat": ".0%"}
    return figure(traces, x="shift, pixels", y="right on dev", xaxis={"dtick": 1}, yaxis=yaxis, height=HEIGHT)


def costs(result: Race, last: int) -> go.Figure:
    """The training costs, averaged over the latest batches."""
    return curves.race(result, last, COLORS, height=HEIGHT, yaxis={"range": [-3, 0.7], "autorange": False})


def matrix(result: LayerMatrix, name: str) -> go.Figure:
    """A corner of the first layer's matrix: a row an output, a column a pixel, white where there is no connection."""
    reach = float(np.abs(result.weights).max()) or 1.0
    trace = {"type": "heatmap", "z": result.weights.astype(np.float32), "colorscale": DIVERGING, "showscale": False}
    trace |= {"zmin": -reach, "zmax": reach, "name": name}
    trace |= {"hovertemplate": "output %{y}, pixel %{x}<br>weight %{z:.3f}<extra></extra>"}
    height, width = result.weights.shape
    rules = [_rule(x=x - 0.5) for x in range(result.wide, width, result.wide)]
    rules += [_rule(y=y - 0.5) for y in range(result.across, height, result.across)]
    yaxis = {"range": [height - 0.5, -0.5], "dtick": result.across, "showgrid": False, "zeroline": False}
    xaxis = {"dtick": 2 * result.wide, "showgrid": False, "zeroline": False}
    room = {"l": 48, "r": 8, "t": 8, "b": 44}
    return figure([trace], x="pixel", y="output", xaxis=xaxis, yaxis=yaxis, shapes=rules, height=HEIGHT, margin=room)


def _rule(x: float | None = None, y: float | None = None) -> dict[str, Any]:
    """A thin line where the next row of pixels or of outputs begins."""
    if x is not None:
        ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper"}
    else:
        ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": y, "y1": y}
    return {"type": "line", **ends, "line": {"color": GREY, "width": 0.5}}


def digit(result: ShiftedDigit, shift: int) -> go.Figure:
    """The picture on its canvas, moved to the right; where it was trained to be is framed."""
    n, h = result.canvas, len(result.picture)
    at = (n - h) // 2
    canvas = np.zeros((n, n), np.uint8)
    canvas[at : at + h, at + shift : at + shift + h] = np.rint(result.picture * 16)
    trace = {"type": "heatmap", "z": canvas, "colorscale": GREYS, "zmin": 0, "zmax": 16, "showscale": False}
    trace |= {"hovertemplate": "row %{y}, column %{x}: %{z} of 16<extra></extra>", "name": "picture"}
    box = {"type": "rect", "x0": at - 0.5, "y0": at - 0.5, "x1": at + h - 0.5, "y1": at + h - 0.5}
    box["line"] = {"color": MARK, "width": 2, "dash": "dot"}
    xaxis, yaxis = BARE | {"range": [-0.5, n - 0.5]}, BARE | {"range": [n - 0.5, -0.5], "scaleanchor": "x"}
    room = {"l": 4, "r": 4, "t": 4, "b": 32}
    title = f"a {result.label}, {shift:+d} px"
    return figure([trace], x=title, xaxis=xaxis, yaxis=yaxis, shapes=[box], height=HEIGHT, margin=room)


def answers(result: ShiftedDigit, shift: int) -> go.Figure:
    """The probability that each network gives each class at that shift."""
    middle = result.probability.shape[1] // 2
    traces = []
    for name, each in zip(result.names, result.probability[:, middle + shift].astype(np.float32), strict=True):
        bars: dict[str, Any] = {"type": "bar", "x": np.arange(len(each)), "y": each, "name": name}
        bars |= {"marker": {"color": COLORS[name]}, "hovertemplate": f"{name}, %{{x}}: %{{y:.1%}}<extra></extra>"}
        traces.append(bars)
    yaxis = {"range": [0, 1.02], "tickformat": ".0%"}
    return figure(traces, x="class", y="probability", xaxis={"dtick": 1}, yaxis=yaxis, height=HEIGHT)
