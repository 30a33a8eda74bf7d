"""Pictures with the boxes that a detector drew, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.classes import CLASSES as COLORS
from engine.figures.pictures import image, outline
from engine.figures.theme import GREY, fading, figure, line
from engine.results import Array

HIDDEN = {"visible": False, "constrain": "domain"}
TIGHT = {"l": 4, "r": 4, "t": 4, "b": 4}
HALO = "#ffffff"
MOST_NAMED = 12


def boxed(
    pixels: Array,
    boxes: Array,
    classes: Array,
    scores: Array | None,
    names: Sequence[str],
    *,
    truths: Array | None = None,
    height: int = 300,
) -> go.Figure:
    """A picture (h, w, 3) with boxes (n, 4) in the colours of their classes (n,), fainter the lower their score (n,).

    ``truths`` (k, 4) are drawn dotted. The best dozen are named on the picture, all of them on hover.
    """
    shapes: list[dict[str, Any]] = []
    for box in truths if truths is not None else ():
        dotted = outline(tuple(box.tolist()), HALO, 2)
        dotted["line"]["dash"] = "dot"
        shapes.append(dotted)
    strength = (
        np.ones(len(boxes)) if scores is None else np.clip(scores / max(float(scores.max(initial=0)), 1e-6), 0.15, 1)
    )
    for box, kind, strong in zip(boxes, classes, strength, strict=True):
        shapes.append(outline(tuple(box.tolist()), COLORS[int(kind) % len(COLORS)], 2, opacity=float(strong)))
    texts = [
        names[int(k)] + (f" {s:.0%}" if scores is not None else "")
        for k, s in zip(classes, strength if scores is None else scores, strict=True)
    ]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    dots = {"type": "scatter", "mode": "markers", "x": middle[:, 0], "y": middle[:, 1], "name": "boxes", "opacity": 0}
    dots |= {"hovertext": texts, "hoverinfo": "text", "marker": {"size": 24}}
    notes = [
        {"x": float(box[0]), "y": float(box[1]), "text": text, "showarrow": False, "xanchor": "left", "yanchor": "bottom",
         "font": {"size": 11, "color": "#ffffff"}, "bgcolor": COLORS[int(kind) % len(COLORS)], "borderpad": 1}
        for box, kind, text in list(zip(boxes, classes, texts, strict=True))[:MOST_NAMED]
    ]  # fmt: skip
    h, w = pixels.shape[:2]
    xaxis, yaxis = HIDDEN | {"range": [0, w]}, HIDDEN | {"range": [h, 0], "scaleanchor": "x"}
    layout: dict[str, Any] = {
        "shapes": shapes,
        "annotations": notes,
        "margin": TIGHT,
        "height": height,
        "showlegend": False,
    }
    return figure([image(pixels, 0, 0), dots], xaxis=xaxis, yaxis=yaxis, **layout)


def curves(precision: Sequence[Array], recall: Sequence[Array], names: Sequence[str]) -> go.Figure:
    """Precision against recall for each class."""
    traces = [
        line(
            r,
            p,
            name,
            COLORS[i % len(COLORS)],
            hovertemplate=f"{name}<br>recall %{{x:.0%}}, precision %{{y:.0%}}<extra></extra>",
        )
        for i, (p, r, name) in enumerate(zip(precision, recall, names, strict=True))
    ]
    axis = {"range": [0, 1.02], "tickformat": ".0%"}
    return figure(
        traces,
        x="recall",
        y="precision",
        xaxis=axis,
        yaxis=axis,
        height=320,
        margin={"l": 56, "r": 12, "t": 56, "b": 44},
    )


def target(grid: Array, names: Sequence[str]) -> go.Figure:
    """A grid (S, S, 5 + C) as a picture for each of its numbers: pc, bx, by, bh, bw and the classes."""
    side, _, depth = grid.shape
    across = 5
    rows = -(-depth // across)
    sheet = np.full((rows * (side + 2), across * (side + 1)), np.nan, np.float32)
    titles = ["pc", "bx", "by", "bh", "bw", *names]
    notes = []
    for k in range(depth):
        top, left = k // across * (side + 2) + 1, k % across * (side + 1)
        part = grid[..., k]
        sheet[top : top + side, left : left + side] = part / max(1.0, float(part.max()))
        where = {"x": left + side / 2 - 0.5, "y": top - 0.5, "yanchor": "bottom", "showarrow": False}
        notes.append({**where, "text": titles[k], "font": {"size": 11}})
    trace = {
        "type": "heatmap",
        "z": sheet.round(3),
        "colorscale": fading(COLORS[0]),
        "zmin": 0,
        "zmax": 1,
    }
    trace |= {"showscale": False, "hovertemplate": "%{z:.2f}<extra></extra>", "name": "target"}
    yaxis = HIDDEN | {"autorange": "reversed", "scaleanchor": "x"}
    return figure([trace], xaxis=HIDDEN, yaxis=yaxis, annotations=notes, margin=TIGHT, height=300)


def scores(names: Sequence[str], values: Array) -> go.Figure:
    """The average precision of each class."""
    bars: dict[str, Any] = {"type": "bar", "x": list(names), "y": values, "name": "average precision"}
    bars |= {
        "marker": {"color": [COLORS[i % len(COLORS)] for i in range(len(names))]},
        "hovertemplate": "%{x}: %{y:.1%}<extra></extra>",
    }
    mean = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    rule = {
        "type": "line",
        "x0": -0.5,
        "x1": len(names) - 0.5,
        "y0": mean,
        "y1": mean,
        "line": {"color": GREY, "dash": "dot"},
    }
    yaxis = {"range": [0, 1], "tickformat": ".0%"}
    return figure([bars], y="average precision", yaxis=yaxis, shapes=[rule], showlegend=False, height=320)


def cost(steps: Sequence[int], costs: Sequence[float], last: int) -> go.Figure:
    """The cost of a training by step."""
    trace = line(np.array(steps, np.float32), np.array(costs, np.float32), "cost", COLORS[0])
    axes: dict[str, Any] = {"xaxis": {"range": [0, last]}, "yaxis": {"type": "log", "nticks": 5}}
    return figure([trace], x="step", y="cost J", showlegend=False, height=230, **axes)
