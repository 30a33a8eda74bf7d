"""Anchors: box shapes and their centres, and objects in the slots of a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.suppression import stage
from engine.figures.theme import COLORWAY, CURVE, GREY, MARK, PATH, figure, line, points
from engine.results import Array
from engine.results.detection import Assigned, Clustering

PALETTE = (*COLORWAY, "#7a5c3e", "#5b6bbf")  # nine anchors can be told apart
INSIDE = 0.45


def shapes(result: Clustering) -> go.Figure:
    """Every object's width and height, coloured by its nearest centre, and the path of each centre up to this step."""
    traces = []
    for i, color in enumerate(PALETTE[: len(result.anchors)]):
        own = result.sizes[result.nearest == i].astype(np.float32)
        hover = f"anchor {i + 1}<br>%{{x:.0f}} x %{{y:.0f}} px<extra></extra>"
        marker = {"size": 5, "opacity": 0.6}
        traces.append(points(own[:, 0], own[:, 1], f"{i + 1}", color, marker=marker, hovertemplate=hover))
    for i, color in enumerate(PALETTE[: len(result.anchors)]):
        path = result.path[: result.step, i].astype(np.float32)
        traces.append(line(path[:, 0], path[:, 1], "path", GREY, hoverinfo="skip"))
        cross = {"size": 15, "symbol": "x", "line": {"width": 1.5, "color": "#f4f4f4"}}
        at = result.anchors[i].astype(np.float32)
        hover = f"anchor {i + 1}: %{{x:.1f}} x %{{y:.1f}} px<extra></extra>"
        traces.append(points(at[:1], at[1:], f"anchor {i + 1}", color, marker=cross, hovertemplate=hover))
    widest = [0, 1.05 * float(result.sizes.max())]
    axes = {"xaxis": {"range": widest}, "yaxis": {"range": widest}}
    return figure(traces, x="width (px)", y="height (px)", showlegend=False, dragmode=False, height=400, **axes)


def centres(result: Clustering) -> go.Figure:
    """The centres as boxes around one middle."""
    traces = []
    for i, (width, height) in enumerate(result.anchors.tolist()):
        x, y = _outline((-width / 2, -height / 2, width / 2, height / 2))
        name = f"{i + 1}: {width:.0f} x {height:.0f}"
        traces.append(line(x, y, name, PALETTE[i], hoverinfo="name"))
    half = 0.55 * float(max(result.path.max(), 1))
    axis = {"range": [-half, half], "constrain": "domain"}
    return figure(
        traces,
        x="px",
        y="px",
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x"},
        showlegend=True,
        dragmode=False,
        height=400,
    )


def progress(result: Clustering) -> go.Figure:
    """The mean best IoU after every step, this step marked, and what Euclidean k-means reaches."""
    steps = np.arange(1, len(result.mean_iou) + 1)
    curve = line(steps, result.mean_iou.astype(np.float32), "k-means", PATH, mode="lines+markers", customdata=steps)
    curve |= {"hovertemplate": "step %{x}: %{y:.4f}<extra></extra>"}
    other = line(steps[[0, -1]], [result.reference] * 2, "Euclidean", CURVE)
    other["line"] |= {"dash": "dash"}
    other |= {"hovertemplate": "Euclidean k-means: %{y:.4f}<extra></extra>"}
    now = points([result.step], result.mean_iou[result.step - 1 : result.step], "now", MARK, marker={"size": 13})
    return figure(
        [other, curve, now | {"hoverinfo": "skip"}],
        x="step",
        y="mean best IoU",
        xaxis={"range": [0.5, len(steps) + 0.5]},
        showlegend=True,
        dragmode=False,
        height=400,
        meta={"step": result.step},
    )


def assigned(result: Assigned) -> go.Figure:
    """The objects of one picture in the colours of their anchors, with their middles; those without a slot are dotted."""
    traces = [grid_lines(result.grid, result.side)]
    for box, (row, column, anchor), lost in zip(result.boxes, result.slots, result.lost, strict=True):
        x, y = _outline(box.tolist())
        word = "no slot left" if lost else "its slot"
        name = f"anchor {anchor + 1}, row {row}, column {column}: {word}"
        trace = line(x, y, name, PALETTE[anchor], hoverinfo="name", opacity=0.6 if lost else 1.0)
        trace["line"] |= {"dash": "dot" if lost else "solid", "width": 2}
        traces.append(trace)
    middles = (result.boxes[:, :2] + result.boxes[:, 2:]) / 2
    marker = {
        "size": 11,
        "symbol": ["x" if lost else "circle" for lost in result.lost],
        "color": [PALETTE[anchor] for anchor in result.slots[:, 2]],
    }
    traces.append(points(middles[:, 0], middles[:, 1], "middle", GREY, marker=marker, hoverinfo="skip"))
    return figure(traces, showlegend=False, **stage(result.side, 400))


def grid_lines(grid: int, side: float) -> dict[str, Any]:
    """The lines of an S x S grid as one trace, so that they can't be dragged."""
    at = np.linspace(0, side, grid + 1)
    x, y = [], []
    for place in at.tolist():
        x += [place, place, None, 0, side, None]
        y += [0, side, None, place, place, None]
    trace = line(x, y, "grid", GREY, hoverinfo="skip", showlegend=False, opacity=INSIDE)
    trace["line"] |= {"width": 1}
    return trace


def _outline(box: Any) -> tuple[Array, Array]:
    x0, y0, x1, y1 = box
    return np.array([x0, x1, x1, x0, x0], np.float32), np.array([y0, y0, y1, y1, y0], np.float32)
