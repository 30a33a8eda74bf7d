"""Receptive fields on the picture, through the layers, and as the gradient has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.images import GREYS
from engine.figures.theme import AMBER, GREY, MARK, PATH, SEQUENTIAL, SKY, figure, line
from engine.results import Array
from engine.results.fields import Box, EffectiveField, SeenFields

HEIGHT = 340
DRAWN = 128
TIGHT = {"l": 8, "r": 8, "t": 28, "b": 8}
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
MOST_DOTS = 40


def picture(result: SeenFields) -> go.Figure:
    """The picture with the field of each layer's unit at the place, the chosen one's thick."""
    levels = np.rint(_shrunk(result.picture, "mean") * 255).astype(np.uint8)
    traces = [_raster(levels, len(result.picture), GREYS, 255, hoverinfo="none")]
    for number, (name, box) in enumerate(zip(result.names, result.boxes, strict=True), start=1):
        chosen = number == len(result.boxes)
        label = f"layer {name}: {box.height} x {box.width}"
        style = {"color": MARK if chosen else SKY, "width": 4 if chosen else 1.5}
        traces.append(_outline(box, label, style))
    return _flat(traces, len(result.picture))


def effective(result: EffectiveField) -> go.Figure:
    """The gradient's size at every pixel as a picture, the theoretical field and the square around most of it."""
    size = _shrunk(np.sqrt(np.abs(result.gradient)), "max")
    levels = np.rint(255 * size / (float(size.max()) or 1.0)).astype(np.uint8)
    traces = [
        _raster(levels, len(result.gradient), SEQUENTIAL, 255, hoverinfo="none"),
        _outline(result.box, "theoretical", {"color": MARK, "width": 3}, showlegend=True),
        _outline(result.square, "90 % of it", {"color": AMBER, "width": 3, "dash": "dot"}, showlegend=True),
    ]
    return _flat(traces, len(result.gradient))


def way_down(result: SeenFields) -> go.Figure:
    """Along one row: each layer's units at the middle of what they see, those that the chosen unit depends on in colour."""
    traces, layers = [], len(result.down) - 1
    edges: list[tuple[float, float]] = []
    for number, (field, (first, last)) in enumerate(zip(result.fields, result.down, strict=False)):
        reach = np.array([field.start, field.start + (field.n - 1) * field.jump], np.float32)
        traces.append(
            line(
                reach, [number] * 2, "units", GREY, showlegend=False, hoverinfo="skip", line={"color": GREY, "width": 1}
            )
        )
        seen = field.start + field.jump * np.arange(first, last + 1, dtype=np.float32)
        edges.append((float(seen[0]) - field.jump / 2, float(seen[-1]) + field.jump / 2))
        few = len(seen) <= MOST_DOTS
        x = seen if few else seen[[0, -1]]
        color = MARK if number == layers else PATH
        hover = f"{last - first + 1} of {field.n} units, {field.jump} px apart<extra></extra>"
        style = {
            "mode": "markers" if few else "lines",
            "line": {"color": color, "width": 6},
            "marker": {"color": color, "size": 7},
        }
        traces.append(line(x, [number] * len(x), "seen", color, showlegend=False, hovertemplate=hover, **{**style}))
    sides = [[left for left, _ in edges], [right for _, right in edges]]
    traces += [
        line(
            side,
            list(range(len(edges))),
            "cone",
            PATH,
            line={"color": PATH, "width": 1, "dash": "dot"},
            showlegend=False,
            hoverinfo="skip",
        )
        for side in sides
    ]
    ticks = {
        "tickvals": list(range(layers + 1)),
        "ticktext": ["input", *result.names],
        "showgrid": False,
        "zeroline": False,
    }
    xaxis = {"range": [0, len(result.picture)], "zeroline": False}
    return figure(
        traces,
        x="pixel of the input, along one row",
        xaxis=xaxis,
        yaxis={**ticks, "range": [-0.5, layers + 0.5]},
        height=max(HEIGHT, 24 * layers + 90),
        margin={"l": 92, "r": 12, "t": 12, "b": 44},
    )


def _shrunk(values: Array, how: str) -> Array:
    """A square array with at most about 128 cells a side: blocks of it as their mean or largest."""
    n = len(values)
    step = -(-n // DRAWN)
    filled = np.full((-(-n // step) * step,) * 2, np.nan)
    filled[:n, :n] = values
    blocks = filled.reshape(len(filled) // step, step, len(filled) // step, step)
    return np.nanmean(blocks, (1, 3)) if how == "mean" else np.nanmax(blocks, (1, 3))


def _raster(levels: Array, n: int, colors: Any, most: float, **more: Any) -> dict[str, Any]:
    """Cells over the picture's own pixels, from 0 to n."""
    step = -(-n // DRAWN)
    cells = {
        "type": "heatmap",
        "z": levels,
        "x0": step / 2,
        "dx": step,
        "y0": step / 2,
        "dy": step,
        "zmin": 0,
        "zmax": most,
    }
    return cells | {"colorscale": colors, "showscale": False, "name": "picture"} | more


def _outline(box: Box, name: str, style: dict[str, Any], showlegend: bool = False) -> dict[str, Any]:
    x, y = (box.left, box.right + 1), (box.top, box.bottom + 1)
    corners = {"x": [x[0], x[1], x[1], x[0], x[0]], "y": [y[0], y[0], y[1], y[1], y[0]]}
    return (
        {"type": "scatter", "mode": "lines", "name": name, "line": style, "showlegend": showlegend}
        | corners
        | {"hovertemplate": f"{name}<extra></extra>"}
    )


def _flat(traces: list[dict[str, Any]], n: int) -> go.Figure:
    xaxis, yaxis = BARE | {"range": [0, n]}, BARE | {"range": [n, 0], "scaleanchor": "x"}
    return figure(traces, xaxis=xaxis, yaxis=yaxis, margin=TIGHT, height=HEIGHT)
