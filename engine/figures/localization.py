"""Boxes that move onto their objects, and the loss of one picture term by term."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import BARE, HIDDEN, image, outline
from engine.figures.theme import FIRST, MARK, SECOND, figure
from engine.results.localization import Located, Terms

ROWS = ("target y", "prediction ŷ", "loss term", "slope ∂ℒ/∂ŷ")
GAP = 0.08
LINE = 0.2
ON, OFF, INK = "#dbe9f5", "#a6a6a6", "#1d232b"  # opaque, so that the numbers read before any background


def located(result: Located, labels: tuple[str, ...], threshold: float, across: int, chosen: int) -> go.Figure:
    """Every picture with its true box and, where p reaches the threshold, the box found; below, the class found."""
    side = result.pictures.shape[1]
    traces: list[dict[str, Any]] = []
    shapes, x, y, text = [], [], [], []
    for k, pixels in enumerate(result.pictures):
        left, top = k % across * (1 + GAP), k // across * (1 + LINE)
        p, best = float(result.found[k, 0]), labels[int(result.found[k, 5:].argmax())]
        traces.append(image(pixels, left, top, 1 / side))
        corner = np.array([left, top, left, top])
        if result.truth[k, 0] == 1:
            shapes.append(outline(tuple(corner + result.true_boxes[k] / side), FIRST, 2))
        if p >= threshold:
            inside = np.clip(result.boxes[k] / side, 0, 1)
            shapes.append(outline(tuple(corner + inside), SECOND, 2))
        if k == chosen:
            shapes.append(outline((left - 0.03, top - 0.03, left + 1.03, top + 1.03), MARK, 3, layer="below"))
        x.append(left + 0.5)
        y.append(top + 1 + LINE / 2)
        text.append(f"{best} {p:.0%}" if p >= threshold else f"none, p {p:.0%}")
    captions = {
        "type": "scatter",
        "mode": "text",
        "x": x,
        "y": y,
        "text": text,
        "hoverinfo": "skip",
        "name": "found",
        "showlegend": False,
    }
    rows = -(-len(result.pictures) // across)
    traces.append(captions | {"textfont": {"size": 11}})
    keys = [("true box", FIRST), ("found box", SECOND)]
    traces += [_key(name, color) for name, color in keys]
    return figure(
        traces,
        xaxis={**HIDDEN, "range": [-GAP / 2, across * (1 + GAP) - GAP / 2]},
        yaxis={**HIDDEN, "range": [rows * (1 + LINE), -GAP / 2], "scaleanchor": "x"},
        shapes=shapes,
        margin=BARE | {"t": 28},
        height=340,
    )


def _key(name: str, color: str) -> dict[str, Any]:
    """A line without points, for the legend alone."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [None],
        "y": [None],
        "name": name,
        "line": {"color": color, "width": 3},
    }


def terms(result: Terms) -> go.Figure:
    """Target, prediction, loss and slope number by number; a dash where the loss doesn't look."""
    values = np.stack([result.truth, result.found, result.terms, result.slopes])
    counted = np.broadcast_to(result.counted, values.shape).copy()
    counted[1] = True  # the network says something everywhere
    text = [[f"{v:.2f}" if c else "–" for v, c in zip(*row, strict=True)] for row in zip(values, counted, strict=True)]
    text[0] = [t if c else "?" for t, c in zip(text[0], result.counted, strict=True)]
    text[3] = [f"{v:+.2f}" if c else "0" for v, c in zip(values[3], result.counted, strict=True)]
    shade = np.where(counted, 1.0, 0.0).astype(np.float32)
    trace: dict[str, Any] = {"type": "heatmap", "z": shade, "x": result.names, "y": ROWS, "name": "terms"}
    trace |= {"colorscale": [[0, OFF], [1, ON]], "zmin": 0, "zmax": 1}
    trace |= {
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"size": 12, "color": INK},
    }
    trace |= {"customdata": values.astype(np.float32), "hovertemplate": "%{y}, %{x}: %{customdata:.4f}<extra></extra>"}
    yaxis = {"autorange": "reversed", "automargin": True, "showgrid": False}
    return figure(
        [trace], xaxis={"side": "top", "showgrid": False}, yaxis=yaxis, height=230, margin=BARE | {"t": 32, "l": 96}
    )
