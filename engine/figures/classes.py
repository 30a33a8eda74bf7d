"""Several classes on the plane, each in a colour of its own."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import COLORWAY, figure, points
from engine.results import Array
from engine.results.classes import Regions

MOST_POINTS = 300
PALE = 0.55
# Ten at most: the seven of the colourway, and three that still tell themselves from their neighbours.
CLASSES = (*COLORWAY, "#7a5c3e", "#5c6f00", "#8a2be2")


def regions(result: Regions, at: tuple[float, float] | None = None) -> go.Figure:
    """The plane in the classes' colours mixed by their probabilities, with the examples, and one picked point."""
    palette = np.array([_levels(color) for color in CLASSES[: len(result.names)]])
    mixed = result.probability @ palette  # (h, w, 3)
    step = [float(axis[1] - axis[0]) for axis in (result.x, result.y)]
    ground = {
        "type": "image",
        "z": (255 - PALE * (255 - mixed)).astype(np.uint8),
        "hoverinfo": "skip",
        "name": "regions",
    }
    ground |= {"x0": float(result.x[0]), "dx": step[0], "y0": float(result.y[0]), "dy": step[1]}
    traces = [ground]
    shown, labels = result.points[:MOST_POINTS], result.labels[:MOST_POINTS]
    for k, name in enumerate(result.names):
        mine = shown[labels == k]
        marker = {"size": 7, "line": {"width": 1, "color": "white"}}
        traces.append(points(mine[:, 0], mine[:, 1], name, CLASSES[k], marker=marker, hoverinfo="skip"))
    if at:
        marker = {"size": 16, "symbol": "x", "line": {"width": 1, "color": "white"}}
        traces.append(points([at[0]], [at[1]], "picked", "#1d232b", marker=marker))
    plain = {"showgrid": False, "zeroline": False, "constrain": "domain"}
    xaxis = {**plain, "range": [float(result.x[0]), float(result.x[-1])]}
    yaxis = {**plain, "range": [float(result.y[0]), float(result.y[-1])], "scaleanchor": "x", "autorange": False}
    return figure(traces, x="x₁", y="x₂", xaxis=xaxis, yaxis=yaxis)


def answers(soft: Array, hard: Array, names: tuple[str, ...]) -> go.Figure:
    """Softmax and hard max of one example, (C,) each, side by side for every class."""
    colors = list(CLASSES[: len(names)])
    shared = {"type": "bar", "x": list(names)}
    traces = [
        {
            **shared,
            "name": "softmax",
            "y": soft,
            "marker": {"color": colors},
            "hovertemplate": "%{x}: %{y:.3g}<extra></extra>",
        },
        {
            **shared,
            "name": "hard max",
            "y": hard,
            "marker": {"color": colors, "pattern": {"shape": "/", "fgcolor": "white"}},
            "hovertemplate": "%{x}: %{y}<extra></extra>",
        },
    ]
    return figure(traces, y="probability", yaxis={"range": [0, 1.02]}, barmode="group")


def _levels(color: str) -> list[int]:
    """A colour's red, green and blue from 0 to 255."""
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]
