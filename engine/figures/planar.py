"""Classifiers on the plane: their boundary, and what their hidden units make of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import DIVERGING, NEGATIVE, POSITIVE, figure, points
from engine.results import Array
from engine.results.planar import Boundary, UnitMaps

GAP = 5
MOST_TRAIN, MOST_DEV = 300, 100


def boundary(result: Boundary) -> go.Figure:
    """The probability of class 1 as colour, the line where it is one half, and some of the examples.

    Markers are what a browser is slow to draw, so they are plain, and a large set shows only its first few hundred.
    """
    field = {
        "type": "contour",
        "name": "probability",
        "x": result.x,
        "y": result.y,
        "z": result.probability,
        "zmin": 0,
        "zmax": 1,
        "colorscale": DIVERGING,
        "showscale": False,
        "opacity": 0.6,
        "contours": {"coloring": "heatmap", "start": 0.5, "end": 0.5, "size": 1},
        "line": {"color": "black", "width": 2},
        "hovertemplate": "x₁ = %{x:.2f}, x₂ = %{y:.2f}<br>probability of class 1: %{z:.3f}<extra></extra>",
    }
    examples = _examples(result.train[:MOST_TRAIN], result.train_labels[:MOST_TRAIN], "train", "circle", 6)
    examples += _examples(result.dev[:MOST_DEV], result.dev_labels[:MOST_DEV], "dev", "diamond", 8)
    plain = {"showgrid": False, "zeroline": False, "constrain": "domain"}
    return figure(
        [field, *examples],
        x="x₁",
        y="x₂",
        xaxis={**plain, "range": [float(result.x[0]), float(result.x[-1])]},
        yaxis={**plain, "range": [float(result.y[0]), float(result.y[-1])], "scaleanchor": "x"},
    )


def _examples(x: Array, labels: Array, name: str, symbol: str, size: int) -> list[dict[str, Any]]:
    """One trace of markers for each class; the probability under them answers the pointer."""
    marker = {"symbol": symbol, "size": size}
    return [
        points(x[labels == k, 0], x[labels == k, 1], f"{name}, class {k}", color, marker=marker, hoverinfo="skip")
        for k, color in ((1, POSITIVE), (0, NEGATIVE))
    ]


def units(result: UnitMaps) -> go.Figure:
    """One small map for each hidden unit, all in one colour scale, so that a pale map is a unit that matters little."""
    count, side, _ = result.added.shape
    across = math.ceil(math.sqrt(count))
    cell = side + GAP
    sheet = np.full((math.ceil(count / across) * cell, across * cell), np.nan, np.float32)
    left = cell * (np.arange(count) % across)
    top = len(sheet) - cell * (np.arange(count) // across)
    for added, i, j in zip(result.added, left, top, strict=True):
        sheet[j - cell : j - GAP, i : i + side] = added
    strongest = float(np.abs(result.added).max()) or 1.0
    maps = {"type": "heatmap", "name": "units", "z": sheet, "zmin": -strongest, "zmax": strongest}
    maps |= {"colorscale": DIVERGING, "showscale": False, "hoverongaps": False}
    maps |= {"hovertemplate": "adds %{z:.2f} to z<extra></extra>"}
    titles = {"type": "scatter", "mode": "text", "x": left + side / 2, "y": top - GAP / 2, "hoverinfo": "skip"}
    titles |= {"text": [str(k) for k in result.unit], "textfont": {"size": 12}, "name": "numbers"}
    hidden = {"visible": False, "constrain": "domain"}
    return figure([maps, titles], xaxis=hidden, yaxis={**hidden, "scaleanchor": "x"}, showlegend=False)
