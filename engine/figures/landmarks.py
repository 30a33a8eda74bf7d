"""Landmarks that move onto their faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import BARE, HIDDEN, image, outline
from engine.figures.theme import DEV, FIRST, GREY, MARK, SECOND, TRAIN, figure, line, points
from engine.results import Array
from engine.results.landmarks import Approach, FoundLandmarks

GAP, LINE = 0.06, 0.2
FURTHEST = 15  # pixels that the untrained network is off, about


def _dots(at: Array, name: str, color: str, size: int, **more: Any) -> dict[str, Any]:
    """Places (k, 2) in a picture; large ones have a white rim, which stands out from any colour."""
    marker = {"size": size, "line": {"color": "#ffffff", "width": 1 if size > 4 else 0}}
    return points(at[:, 0], at[:, 1], name, color, marker=marker, **more)


def gallery(result: FoundLandmarks, across: int, chosen: int) -> go.Figure:
    """Every face with its true landmarks and those found; below, the mean error."""
    m, side = result.pictures.shape[:2]
    k = np.arange(m)
    corners = np.stack([k % across * (1 + GAP), k // across * (1 + LINE)], 1)  # (m, 2)
    traces = [image(pixels, x, y, 1 / side) for pixels, (x, y) in zip(result.pictures, corners.tolist(), strict=True)]
    traces += [
        _dots((corners[:, None] + at / side).reshape(-1, 2).round(4), name, color, 4, hoverinfo="skip")
        for name, color, at in (("true", FIRST, result.truth), ("found", SECOND, result.found))
    ]
    text = [f"{error:.1f} px" for error in result.errors.mean(1)]
    captions: dict[str, Any] = {"type": "scatter", "mode": "text", "text": text, "name": "error", "showlegend": False}
    captions |= {"x": corners[:, 0] + 0.5, "y": corners[:, 1] + 1 + LINE / 2, "textfont": {"size": 12}}
    captions |= {"hoverinfo": "skip"}
    left, top = corners[chosen]
    rows = -(-m // across)
    return figure(
        [*traces, captions],
        xaxis={**HIDDEN, "range": [-GAP, across * (1 + GAP)]},
        yaxis={**HIDDEN, "range": [rows * (1 + LINE), -GAP], "scaleanchor": "x"},
        shapes=[outline((left, top, left + 1, top + 1), MARK, 3)],
        showlegend=True,
        margin=BARE | {"t": 28},
        height=390,
    )


def face(result: FoundLandmarks, k: int, names: Sequence[str]) -> go.Figure:
    """One face with its landmarks, named where they are pointed at, and a line from each to where it was found."""
    side, truth, found = result.pictures.shape[1], result.truth[k], result.found[k]
    gaps = np.full_like(truth, np.nan)
    x, y = np.stack([truth, found, gaps], 1).reshape(-1, 2).T
    off = line(x, y, "error", GREY, hoverinfo="skip")
    labels = [f"{name}: {error:.1f} px off" for name, error in zip(names, result.errors[k], strict=True)]
    dots = [
        _dots(at, name, color, 9, text=labels, hovertemplate=f"%{{text}}<extra>{name}</extra>")
        for name, color, at in (("true", FIRST, truth), ("found", SECOND, found))
    ]
    axis = {**HIDDEN, "range": [0, side]}
    return figure(
        [image(result.pictures[k], 0, 0), off, *dots],
        xaxis=axis,
        yaxis=axis | {"range": [side, 0], "scaleanchor": "x"},
        showlegend=True,
        margin=BARE | {"t": 28},
        height=390,
    )


def each(errors: Array, names: Sequence[str]) -> go.Figure:
    """The mean error (k,) of each landmark in pixels."""
    bars: dict[str, Any] = {"type": "bar", "orientation": "h", "x": errors.round(3), "y": list(names), "name": "error"}
    bars |= {"marker": {"color": DEV}, "text": [f"{error:.1f}" for error in errors], "textposition": "outside"}
    bars |= {"cliponaxis": False, "textangle": 0}
    bars |= {"hovertemplate": "%{y}: %{x:.2f} px<extra></extra>"}
    yaxis = {"autorange": "reversed", "automargin": True, "showgrid": False}
    return figure(
        [bars],
        x="mean error (px)",
        xaxis={"range": [0, max(4.0, 1.15 * float(errors.max()))]},
        yaxis=yaxis,
        height=400,
        showlegend=False,
        margin={"l": 8, "r": 12, "t": 8, "b": 44},
    )


def approach(result: Approach) -> go.Figure:
    """Training cost, and the mean error on held-out faces, by step."""
    hover = "step %{x}<br>%{y:.3~g}<extra></extra>"
    traces = [
        line(result.steps, result.cost, "train cost", TRAIN, hovertemplate=hover),
        line(result.steps, result.error, "held-out error", DEV, hovertemplate=hover, yaxis="y2"),
    ]
    second = {
        "overlaying": "y",
        "side": "right",
        "range": [0, FURTHEST],
        "tickvals": list(range(0, FURTHEST, 2)),
        "showgrid": False,
        "title": {"text": "error (px)"},
    }
    return figure(
        traces,
        x="step",
        y="cost J",
        xaxis={"range": [0, result.last]},
        yaxis={"rangemode": "tozero"},
        yaxis2=second,
        height=400,
        showlegend=True,
        margin={"l": 56, "r": 56, "t": 32, "b": 44},
    )


def photograph(pixels: Array, landmarks: Array) -> go.Figure:
    """A picture (h, w, 3) with the landmarks (faces, k, 2) found in it."""
    high, wide = pixels.shape[:2]
    traces = [image(pixels, 0, 0)]
    traces += [
        _dots(at, f"face {i}", SECOND, 5, hovertemplate=f"face {i}<extra></extra>") for i, at in enumerate(landmarks, 1)
    ]
    yaxis = {**HIDDEN, "range": [high, 0], "scaleanchor": "x"}
    return figure(traces, xaxis={**HIDDEN, "range": [0, wide]}, yaxis=yaxis, showlegend=False, margin=BARE, height=390)
