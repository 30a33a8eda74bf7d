"""A map of faces that moves while their encoding is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import packed
from engine.figures.theme import AMBER, COLORWAY, DEV, GREEN, PURPLE, TRAIN, figure, line, points
from engine.results import Array
from engine.results.embedding_map import Course, FaceMap

REACH, SIZE, FRAME = 1.25, 0.2, 2
SYMBOLS = ("circle", "square", "diamond", "cross")


def faces(result: FaceMap) -> go.Figure:
    """Every face at its place, in the colour of its person; the axes never move, so a collapse is seen as one."""
    colors = [COLORWAY[person % len(COLORWAY)] for person in result.people]
    images = [
        {
            "source": packed(framed(thumb, color)),
            "x": round(float(x), 3),
            "y": round(float(y), 3),
            "sizex": SIZE,
            "sizey": SIZE,
            "xref": "x",
            "yref": "y",
            "xanchor": "center",
            "yanchor": "middle",
            "layer": "above",
        }
        for thumb, color, (x, y) in zip(result.thumbs, colors, result.places, strict=True)
    ]
    x, y = result.places.astype(np.float32).T
    dots = points(x, y, "faces", TRAIN, marker={"color": colors, "size": 10}, customdata=result.people + 1)
    dots |= {"hovertemplate": "person %{customdata}<extra></extra>"}
    axis: dict[str, Any] = {"range": [-REACH, REACH], "showticklabels": False, "ticks": "", "constrain": "domain"}
    return figure(
        [dots],
        x="first main direction",
        y="second main direction",
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x"},
        images=images,
        showlegend=False,
        height=460,
        dragmode=False,
        margin={"l": 28, "r": 8, "t": 8, "b": 32},
    )


def framed(thumb: Array, color: str) -> Array:
    """A thumbnail (h, w, 3) with a border of a colour written as #rrggbb."""
    level = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    around = np.empty([n + 2 * FRAME for n in thumb.shape[:2]] + [3], np.uint8)
    around[:] = level
    around[FRAME:-FRAME, FRAME:-FRAME] = thumb
    return around


def course(result: Course, margin: float) -> go.Figure:
    """Loss and margin on the left, the share of active triplets and the spread of the batch on the right."""
    hover = {"hovertemplate": "step %{x}: %{y:.3f}"}
    dash = line([0, result.last], [margin, margin], "margin", TRAIN, hoverinfo="skip")
    dash["line"] |= {"dash": "dot"}
    traces = [
        line(result.steps, result.loss, "loss", TRAIN, **hover),
        dash,
        line(result.steps, result.active, "active", AMBER, yaxis="y2", **hover),
        line(result.steps, result.spread, "spread", PURPLE, yaxis="y2", **hover),
    ]
    second = {
        "overlaying": "y",
        "side": "right",
        "range": [0, 2.05],
        "tickvals": [0, 0.5, 1, 1.5, 2],
        "showgrid": False,
        "title": {"text": "share, spread"},
    }
    top = 1.1 * max(margin, float(np.nanmax(result.loss, initial=0.0)))
    layout = {"yaxis2": second, "showlegend": True, "height": 300, "margin": {"l": 56, "r": 56, "t": 32, "b": 44}}
    return figure(traces, x="step", y="loss", xaxis={"range": [0, result.last]}, yaxis={"range": [0, top]}, **layout)


def unseen(result: Course) -> go.Figure:
    """How people whom training never saw fare."""
    hover = {"hovertemplate": "step %{x}: %{y:.1%}"}
    traces = [
        line(result.steps, result.named, "nearest is right", GREEN, **hover),
        line(result.steps, result.error, "equal error", DEV, **hover),
    ]
    yaxis = {"range": [0, 1.03], "tickformat": ".0%"}
    return figure(
        traces, x="step", y="share", xaxis={"range": [0, result.last]}, yaxis=yaxis, showlegend=True, height=300
    )
