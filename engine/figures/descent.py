"""Paths of gradient descent on curves and surfaces."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import CURVE, MARK, PATH, SEQUENTIAL, figure, line, points
from engine.results import Array
from engine.results.descent import Descent1D, Descent2D


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
