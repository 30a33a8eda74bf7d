"""Boxes laid over each other in picture coordinates: x to the right, y down."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import CURVE, FIRST, GREY, MARK, OVERLAP, SECOND, figure, line, points
from engine.results import Array
from engine.results.boxes import BoxPair, Slide


def pair(result: BoxPair, side: float) -> go.Figure:
    """Two boxes that can be dragged, named a and b, with their union and their intersection shaded."""
    both = np.concatenate([_corners(result.a), [[np.nan, np.nan]], _corners(result.b)])
    traces = [_area(both, f"union {result.union:g} px²", GREY)]
    if result.intersection > 0:
        traces.append(_area(_corners(result.shared), f"intersection {result.intersection:g} px²", OVERLAP))
    axis = {"range": [0, side], "constrain": "domain", "zeroline": False}
    return figure(
        traces,
        x="x (px)",
        y="y (px)",
        shapes=[_outline(result.a, "a", FIRST), _outline(result.b, "b", SECOND)],
        xaxis=axis,
        yaxis=axis | {"range": [side, 0], "scaleanchor": "x"},
        showlegend=True,
        dragmode=False,
    )


def slide(result: Slide, threshold: float) -> go.Figure:
    """IoU against the place of the sliding box, the present place marked, and the threshold as a line."""
    limit = line(result.left[[0, -1]], [threshold] * 2, "threshold", CURVE, hoverinfo="skip")
    limit["line"] |= {"dash": "dash"}
    curve = line(result.left, result.iou, "IoU", SECOND)
    curve |= {"hovertemplate": "left edge %{x:g} px<br>IoU %{y:.3f}<extra></extra>"}
    now = points([result.at], [result.value], "now", MARK, marker={"size": 12})
    return figure([limit, curve, now], x="left edge of B (px)", y="IoU", yaxis={"range": [0, 1.05]})


def _corners(box: Array) -> Array:
    """The outline of a box as a closed path, (5, 2)."""
    return box[[[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]]]


def _area(path: Array, name: str, color: str) -> dict[str, Any]:
    """A shaded area that says its name, with the number in it, when pointed at."""
    fill = {"fill": "toself", "fillcolor": color, "opacity": 0.4, "line": {"width": 0, "color": color}}
    return line(path[:, 0], path[:, 1], name, color, hoveron="fills", hoverinfo="name", **fill)


def _outline(box: Array, name: str, color: str) -> dict[str, Any]:
    label = {"text": name.upper(), "textposition": "top left", "font": {"color": color, "size": 16}}
    x0, y0, x1, y1 = box.tolist()
    corners = {"type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1}
    return {**corners, "name": name, "editable": True, "label": label, "line": {"color": color, "width": 3}}
