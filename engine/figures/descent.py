"""Paths of gradient descent on curves and surfaces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import COLORWAY, CURVE, GREY, MARK, OPTIMIZERS, PATH, SEQUENTIAL, figure, line, points
from engine.results import Array
from engine.results.descent import Descent1D, Descent2D, Paths

NAMES = {"sgd": "plain", "momentum": "momentum", "rmsprop": "RMSprop", "adam": "Adam"}
# A longer path is a line without its steps, which a browser would be slow to draw.
MOST_MARKED = 101
LEAST, MOST = 1e-8, 1e2
# Powers of ten as labels leave no room for the axis title in the house's margin.
ROOM = {"l": 72, "r": 12, "t": 32, "b": 44}


def curve(result: Descent1D) -> go.Figure:
    """The cost curve with every step of the path on it; the view keeps to the curve when the path leaves it."""
    steps = np.arange(len(result.path_w))
    path = line(
        result.path_w,
        result.path_cost,
        "steps",
        PATH,
        mode="lines+markers",
        customdata=steps,
        hovertemplate="step %{customdata}<br>w = %{x:.4g}<br>J = %{y:.4g}<extra></extra>",
    )
    end = points(result.path_w[-1:], result.path_cost[-1:], "last step", MARK, marker={"size": 12})
    return figure(
        [line(result.w, result.cost, "J(w)", CURVE, hoverinfo="skip"), path, end],
        x="w",
        y="cost J(w)",
        xaxis={"range": [float(result.w[0]), float(result.w[-1])]},
        yaxis={"range": [-0.04 * float(result.cost.max()), 1.05 * float(result.cost.max())]},
    )


def contours(result: Descent2D) -> go.Figure:
    """The surface from above, with the path."""
    heights = {
        "type": "contour",
        "x": result.w,
        "y": result.b,
        "z": result.cost,
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "ncontours": 24,
        "contours": {"coloring": "lines"},
        "hoverinfo": "skip",
    }
    path = line(
        result.path[:, 0],
        result.path[:, 1],
        "steps",
        PATH,
        mode="lines+markers",
        customdata=result.path_cost,
        hovertemplate="w = %{x:.4g}<br>b = %{y:.4g}<br>J = %{customdata:.4g}<extra></extra>",
    )
    end = points(result.path[-1:, 0], result.path[-1:, 1], "last step", MARK, marker={"size": 12})
    return figure(
        [heights, path, end],
        x="w",
        y="b",
        xaxis={"range": [float(result.w[0]), float(result.w[-1])]},
        yaxis={"range": [float(result.b[0]), float(result.b[-1])]},
    )


def surface(result: Descent2D) -> go.Figure:
    """The bowl in three dimensions, the part of the path inside it drawn just above."""
    inside = (result.path[:, 0] >= result.w[0]) & (result.path[:, 0] <= result.w[-1])
    inside &= (result.path[:, 1] >= result.b[0]) & (result.path[:, 1] <= result.b[-1])
    bowl = {
        "type": "surface",
        "x": result.w,
        "y": result.b,
        "z": result.cost,
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "opacity": 0.85,
        "hoverinfo": "skip",
        "name": "J(w, b)",
    }
    path = {
        "type": "scatter3d",
        "mode": "lines+markers",
        "name": "steps",
        "x": result.path[inside, 0],
        "y": result.path[inside, 1],
        "z": result.path_cost[inside],
        "line": {"color": MARK, "width": 6},
        "marker": {"color": MARK, "size": 3},
    }
    axes = {"xaxis": {"title": {"text": "w"}}, "yaxis": {"title": {"text": "b"}}, "zaxis": {"title": {"text": "J"}}}
    camera = {"eye": {"x": 1.3, "y": -1.5, "z": 0.9}}
    return figure(
        [bowl, path], scene={**axes, "camera": camera}, showlegend=False, margin={"l": 0, "r": 0, "t": 0, "b": 0}
    )


def cost_by_step(costs: Array) -> go.Figure:
    """Cost against step number on a log axis, where steady progress is a straight line."""
    shown = np.maximum(costs, 1e-12)
    trace = line(np.arange(len(costs)), shown, "cost", PATH, mode="lines+markers")
    return figure([trace], x="step", y="cost J", yaxis={"type": "log", "exponentformat": "power"}, showlegend=False)


def paths(result: Paths, until: int | None = None, colors: Mapping[str, str] = OPTIMIZERS) -> go.Figure:
    """Several paths over the contours of their surface, up to the step ``until``; names of optimizers have their colours."""
    heights = {"type": "contour", "x": result.x, "y": result.y, "z": result.height, "ncontours": 16, "name": "cost J"}
    heights |= {"contours": {"coloring": "none"}, "line": {"color": GREY, "width": 1}, "opacity": 0.45}
    heights |= {"showscale": False, "showlegend": False, "hoverinfo": "skip"}
    traces = [heights]
    for i, (name, path) in enumerate(result.paths.items()):
        color = colors.get(name, COLORWAY[i])
        seen = path if until is None else path[: until + 1]
        shown = NAMES.get(name, name)
        mode = "lines+markers" if len(path) <= MOST_MARKED else "lines"
        hover = f"{shown}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>"
        traces.append(line(seen[:, 0], seen[:, 1], shown, color, mode=mode, marker={"size": 4}, hovertemplate=hover))
        end = {"size": 11, "line": {"width": 1, "color": GREY}}
        last = points(seen[-1:, 0], seen[-1:, 1], shown, color, marker=end, showlegend=False, hoverinfo="skip")
        traces.append(last)
    plain = {"showgrid": False, "zeroline": False}
    return figure(
        traces,
        x="x",
        y="y",
        xaxis={**plain, "range": [float(result.x[0]), float(result.x[-1])]},
        yaxis={**plain, "range": [float(result.y[0]), float(result.y[-1])]},
    )


def costs(result: Paths, last: int, until: int | None = None, colors: Mapping[str, str] = OPTIMIZERS) -> go.Figure:
    """The cost above the least by step on a log axis, of every path, up to the step ``until`` of ``last``."""
    traces = []
    for i, (name, cost) in enumerate(result.costs.items()):
        seen = cost if until is None else cost[: until + 1]
        shown = NAMES.get(name, name)
        hover = f"{shown}, step %{{x}}: %{{y:.2g}}<extra></extra>"
        at = np.arange(len(seen), dtype=np.float32)
        # The clipping keeps a cost of nearly zero, or of a path that left, on a log axis that fits the others.
        heights = seen.clip(LEAST / 10, MOST * 10)
        traces.append(line(at, heights, shown, colors.get(name, COLORWAY[i]), hovertemplate=hover))
    yaxis = {"type": "log", "exponentformat": "power", "range": [np.log10(LEAST), np.log10(MOST)]}
    xaxis = {"range": [0, max(last, 1)]}
    return figure(traces, x="step", y="cost J above the least", xaxis=xaxis, yaxis=yaxis, margin=ROOM)
