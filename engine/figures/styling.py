"""Style transfer: the picture as it changes, uncovered over its original; its costs; Gram matrices and what they sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from engine.data.media import Picture, fit_within
from engine.figures.pictures import HIDDEN, image, packed
from engine.figures.theme import (
    AMBER,
    BLUE,
    COLORWAY,
    GREEN,
    GREY,
    MARK,
    PURPLE,
    SEQUENTIAL,
    SKY,
    VERMILION,
    figure,
    line,
)
from engine.results import Array
from engine.results.styling import CostCurves, LayerGram

TOTAL, CONTENT, STYLE = GREY, BLUE, VERMILION
LAYER_COLORS = (GREEN, PURPLE, AMBER, SKY, "#8c6bb1")
GLOW_LOW, GLOW_HIGH = np.array((213.0, 70.0, 0.0)), np.array((255.0, 225.0, 70.0))
MOST_BYTES, SMALLER = 95_000, 320
BARE = {"l": 4, "r": 4, "t": 4, "b": 4}


def uncovered(before: Array, after: Array, percent: float, height: int = 470) -> go.Figure:
    """Two pictures (h, w, 3) as one: so much of ``before`` from the left, the rest of ``after``, a line between."""
    high, wide = after.shape[:2]
    at = round(wide * percent / 100)
    pixels = np.concatenate([before[:, :at], after[:, at:]], 1)
    if len(packed(pixels)) > MOST_BYTES:
        pixels = fit_within(Picture(pixels, "", ""), SMALLER).pixels
    ends = {"x0": at, "x1": at, "y0": 0, "y1": high}
    edge = [
        {"type": "line", **ends, "line": {"color": color, "width": width}} for color, width in (("#fff", 5), (MARK, 2))
    ]
    xaxis, yaxis = HIDDEN | {"range": [0, wide]}, HIDDEN | {"range": [high, 0], "scaleanchor": "x"}
    shapes = edge if 0 < at < wide else []
    trace = image(pixels, 0, 0, wide / pixels.shape[1])
    return figure([trace], xaxis=xaxis, yaxis=yaxis, shapes=shapes, showlegend=False, margin=BARE, height=height)


def lit(pixels: Array, heat: Array, height: int = 250) -> go.Figure:
    """A picture (h, w, 3) without its colours, and where a map (a, b), from 0 to 1, is active it glows."""
    wide, high = pixels.shape[1], pixels.shape[0]
    levels = Image.fromarray((255 * heat.clip(0, 1)).astype(np.uint8)).resize((wide, high), Image.Resampling.BILINEAR)
    strength = np.asarray(levels, np.float32)[..., None] / 255
    glow = GLOW_LOW + (GLOW_HIGH - GLOW_LOW) * strength
    grey = 0.7 * pixels.mean(-1, keepdims=True) + 20
    trace = image((grey + (glow - grey) * 0.92 * np.sqrt(strength)).astype(np.uint8), 0, 0)
    xaxis, yaxis = HIDDEN | {"range": [0, wide]}, HIDDEN | {"range": [high, 0], "scaleanchor": "x"}
    return figure([trace], xaxis=xaxis, yaxis=yaxis, showlegend=False, margin=BARE, height=height)


def costs(result: CostCurves, last: int, height: int = 320) -> go.Figure:
    """Total, content and style cost by step on a log axis, each as it counts in the total, and each layer's share."""
    hover = "step %{x}<br>%{y:.3~g}"

    def curve(values: Array, name: str, color: str, **pen: Any) -> dict[str, Any]:
        return line(result.steps, values, name, color, line={"color": color, **pen}, hovertemplate=hover)

    traces = [
        curve(values, name.removeprefix("relu"), color, dash="dot", width=1.5)
        for (name, values), color in zip(result.layers.items(), LAYER_COLORS, strict=False)
    ]
    traces += [
        curve(result.content, "content", CONTENT, width=2.5),
        curve(result.style, "style", STYLE, width=2.5),
        curve(result.total, "total", TOTAL, width=3),
    ]
    yaxis = {"type": "log", "exponentformat": "power", "nticks": 6}
    return figure(traces, x="step", y="cost J", xaxis={"range": [0, last]}, yaxis=yaxis, height=height)


def errors(steps: Array, values: Mapping[str, Array], last: int, y: str, height: int = 320) -> go.Figure:
    """A curve for each name on a log axis."""
    hover = "step %{x}<br>%{y:.3~g}"
    traces = [
        line(steps, curve, name.removeprefix("relu"), COLORWAY[k % len(COLORWAY)], hovertemplate=hover)
        for k, (name, curve) in enumerate(values.items())
    ]
    yaxis = {"type": "log", "exponentformat": "power", "nticks": 6}
    return figure(traces, x="step", y=y, xaxis={"range": [0, last]}, yaxis=yaxis, height=height)


def bars(names: Sequence[str], values: Sequence[float], y: str, height: int = 320) -> go.Figure:
    """A bar for each name, its number above it, in the colours of :func:`errors`."""
    colors = [COLORWAY[k % len(COLORWAY)] for k in range(len(names))]
    trace: dict[str, Any] = {
        "type": "bar",
        "x": [n.removeprefix("relu") for n in names],
        "y": np.array(values, np.float32),
    }
    trace |= {"text": [f"{v:.3f}" for v in values], "textposition": "outside", "cliponaxis": False, "name": y}
    trace |= {"marker": {"color": colors}, "hovertemplate": "%{x}: %{y:.4f}<extra></extra>"}
    top = max([*values, 1e-6]) * 1.15
    xaxis = {"type": "category"}
    return figure([trace], x="layer", y=y, xaxis=xaxis, yaxis={"range": [0, top]}, showlegend=False, height=height)


def left(rows: Sequence[str], columns: Sequence[str], shares: Array, used: Array, height: int = 320) -> go.Figure:
    """What share (rows, columns) of each layer's cost is left in each texture; the layers it was made from are framed."""
    text = [[f"{100 * v:.2g}" for v in row] for row in shares]
    scale = [[0.0, "rgba(0,158,115,0.55)"], [0.5, "rgba(128,128,128,0.15)"], [1.0, "rgba(213,94,0,0.45)"]]
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": np.log10(np.maximum(shares, 1e-4)).astype(np.float32),
        "text": text,
    }
    trace |= {
        "texttemplate": "%{text} %",
        "colorscale": scale,
        "zmin": -3,
        "zmax": 0,
        "showscale": False,
        "name": "left",
    }
    trace |= {
        "hovertemplate": "%{text} % left<extra></extra>",
        "x": list(range(len(columns))),
        "y": list(range(len(rows))),
    }
    frames = [
        {
            "type": "rect",
            "x0": j - 0.47,
            "x1": j + 0.47,
            "y0": i - 0.45,
            "y1": i + 0.45,
            "line": {"color": MARK, "width": 2},
        }
        for i, j in np.argwhere(used).tolist()
    ]
    xaxis = {"tickvals": list(range(len(columns))), "ticktext": [c.removeprefix("relu") for c in columns]}
    yaxis = {"tickvals": list(range(len(rows))), "ticktext": list(rows), "autorange": "reversed", "showgrid": False}
    layout: dict[str, Any] = {"shapes": frames, "height": height, "margin": {"l": 84, "r": 8, "t": 8, "b": 44}}
    return figure([trace], x="cost at layer", xaxis=xaxis | {"showgrid": False}, yaxis=yaxis, **layout)


def gram(result: LayerGram, pair: tuple[int, int] | None, height: int = 300) -> go.Figure:
    """A Gram matrix as a heatmap; ``pair`` marks the two channels whose entry is looked at, where they are among its own."""
    k = len(result.channels)
    ticks = np.linspace(0, k - 1, min(k, 5)).round().astype(int)
    names = [str(c) for c in result.channels + 1]
    trace: dict[str, Any] = {"type": "heatmap", "z": result.values.astype(np.float32), "colorscale": SEQUENTIAL}
    trace |= {"showscale": False, "name": result.name, "hovertemplate": "%{z:.3~g}<extra></extra>"}
    axis = {"tickvals": ticks, "ticktext": [names[i] for i in ticks], "showgrid": False, "constrain": "domain"}
    shapes = []
    found = [np.flatnonzero(result.channels == c) for c in pair or ()]
    if found and all(map(len, found)):
        rows, columns = (int(f[0]) for f in found)
        for x, y in {(columns, rows), (rows, columns)}:
            corners = {"x0": x - 0.9, "x1": x + 0.9, "y0": y - 0.9, "y1": y + 0.9}
            shapes.append({"type": "rect", **corners, "line": {"color": MARK, "width": 3}})
    yaxis = {**axis, "autorange": "reversed", "scaleanchor": "x"}
    layout: dict[str, Any] = {"shapes": shapes, "height": height, "margin": {"l": 48, "r": 8, "t": 8, "b": 44}}
    return figure([trace], x="channel k'", y="channel k", xaxis=axis, yaxis=yaxis, **layout)
