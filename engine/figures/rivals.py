"""Networks that race each other on the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from engine.figures.planar import MOST_DEV, MOST_TRAIN
from engine.figures.theme import COLORWAY, NEGATIVE, POSITIVE, figure, points
from engine.results.planar import Boundary

EVERY = 2


def boundaries(results: Mapping[str, Boundary], colors: Mapping[str, str]) -> go.Figure:
    """The line where each network's probability is one half, over the examples that all of them learned from."""
    any_one = next(iter(results.values()))
    traces: list[dict[str, Any]] = []
    for x, labels, symbol in (
        (any_one.train[:MOST_TRAIN], any_one.train_labels[:MOST_TRAIN], "circle"),
        (any_one.dev[:MOST_DEV], any_one.dev_labels[:MOST_DEV], "diamond"),
    ):
        for k, color in ((1, POSITIVE), (0, NEGATIVE)):
            marker = {"symbol": symbol, "size": 5}
            dots = points(x[labels == k, 0], x[labels == k, 1], f"class {k}", color, marker=marker, opacity=0.45)
            traces.append({**dots, "hoverinfo": "skip", "showlegend": False})
    for i, (name, result) in enumerate(results.items()):
        half = {"type": "contour", "name": name, "z": result.probability[::EVERY, ::EVERY], "showlegend": True}
        half |= {"x": result.x[::EVERY], "y": result.y[::EVERY], "autocontour": False, "showscale": False}
        half |= {"contours": {"coloring": "none", "start": 0.5, "end": 0.5, "size": 1}, "hoverinfo": "skip"}
        traces.append({**half, "line": {"color": colors.get(name, COLORWAY[i]), "width": 3}})
    plain = {"showgrid": False, "zeroline": False, "constrain": "domain"}
    return figure(
        traces,
        x="x₁",
        y="x₂",
        xaxis={**plain, "range": [float(any_one.x[0]), float(any_one.x[-1])]},
        yaxis={**plain, "range": [float(any_one.y[0]), float(any_one.y[-1])], "scaleanchor": "x"},
    )
