"""A network's units: what excites them, how much, and their weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import BARE, HIDDEN, image, outline, tile_at, tiles
from engine.figures.theme import ACTIVATIONS, MARK, SEQUENTIAL, figure, points
from engine.results import Array
from engine.results.features import LayerUnits, Patch

ACROSS = 3
HEIGHT = 380
FILTERS_ACROSS = 8
BAR = {"orientation": "h", "thickness": 8, "outlinewidth": 0, "y": 0, "yanchor": "top", "nticks": 5}


def patches(found: Sequence[Patch]) -> go.Figure:
    """What the unit sees where it is most active, each with its activation; frames show what lies beyond the edges."""
    size = found[0].box[2] - found[0].box[0]
    places = [(patch.inside[0] - patch.box[0], patch.inside[1] - patch.box[1], 1.0, 0.0) for patch in found]
    captions = [f"{k}: {patch.activation:.2f}" for k, patch in enumerate(found, start=1)]
    cell = (float(size), float(size))
    pixels = [patch.pixels for patch in found]
    return tiles(pixels, captions, ACROSS, cell=cell, places=places, framed=True, height=HEIGHT)


def whole(found: Sequence[Patch]) -> go.Figure:
    """The pictures that the patches come from, each with its patch framed."""
    captions = [f"{k}: {patch.source}" for k, patch in enumerate(found, start=1)]
    height, width = found[0].picture.shape[:2]
    marks = [tuple(map(float, patch.inside)) for patch in found]
    cell = (float(height), float(width))
    pixels = [patch.picture for patch in found]
    return tiles(pixels, captions, ACROSS, cell=cell, marks=marks, height=HEIGHT)  # type: ignore[arg-type]


def located(pixels: Array, boxes: Sequence[tuple[float, float, float, float]]) -> go.Figure:
    """A picture (h, w, 3) with the patches' boxes, numbered from the strongest."""
    height, width = pixels.shape[:2]
    shapes = [outline(box) for box in boxes]
    corners = np.array(boxes, np.float32)[::-1, :2]  # the strongest on top
    marker = {"size": 15, "line": {"width": 1, "color": "white"}}
    numbers = points(corners[:, 0], corners[:, 1], "patches", MARK, marker=marker, hoverinfo="skip")
    text = {"mode": "markers+text", "text": [str(k) for k in range(len(boxes), 0, -1)], "cliponaxis": False}
    numbers |= {**text, "textfont": {"color": "white", "size": 10}}
    return _raster([image(pixels, 0, 0), numbers], height, width, shapes=shapes)


def picture(pixels: Array) -> go.Figure:
    """A picture (h, w, 3)."""
    return _raster([image(pixels, 0, 0)], *pixels.shape[:2], height=300)


def activation_map(values: Array, height: int, width: int) -> go.Figure:
    """One unit's activations (h, w), drawn as large as the picture of ``height`` x ``width`` pixels that they are of."""
    rows, columns = values.shape
    step = (width / columns, height / rows)
    trace = {"type": "heatmap", "z": values.astype(np.float32), "colorscale": SEQUENTIAL, "zmin": 0}
    trace |= {"zmax": float(values.max()) or 1.0, "colorbar": BAR}
    trace |= {"x0": step[0] / 2, "dx": step[0], "y0": step[1] / 2, "dy": step[1], "name": "activation"}
    trace |= {"hovertemplate": "%{z:.3f}<extra></extra>"}
    return _raster([trace], height, width, height=300)


def _raster(traces: Sequence[dict[str, object]], rows: int, columns: int, **layout: object) -> go.Figure:
    xaxis, yaxis = {**HIDDEN, "range": [0, columns]}, {**HIDDEN, "range": [rows, 0], "scaleanchor": "x"}
    height = layout.pop("height", HEIGHT)
    return figure(traces, xaxis=xaxis, yaxis=yaxis, margin=BARE, height=height, showlegend=False, **layout)  # type: ignore[arg-type]


def mean_activation(result: LayerUnits, unit: int) -> go.Figure:
    """A bar for each unit, the chosen one marked."""
    return _bars(result.mean, unit, "mean activation", ".3f")


def silence(result: LayerUnits, unit: int) -> go.Figure:
    """For each unit the share of places where it is 0."""
    return _bars(result.silent, unit, "share of zeros", ".1%", range=[0, 1.02], tickformat=".0%")


def _bars(values: Array, unit: int, y: str, digits: str, **yaxis: object) -> go.Figure:
    colors = [MARK if k == unit else ACTIVATIONS for k in range(len(values))]
    bars = {"type": "bar", "x": np.arange(len(values)), "y": values.astype(np.float32), "marker": {"color": colors}}
    bars |= {"name": y, "hovertemplate": f"unit %{{x}}: %{{y:{digits}}}<extra></extra>"}
    xaxis = {"range": [-0.6, len(values) - 0.4]}
    return figure([bars], x="unit", y=y, xaxis=xaxis, yaxis={**yaxis}, height=230, showlegend=False)


def filters(weights: Array, unit: int | None) -> go.Figure:
    """Weights (k, f, f, 3) as colours in which grey is 0, each kernel stretched to its own largest weight."""
    reach = np.abs(weights).max((1, 2, 3), keepdims=True)
    levels = np.clip(127.5 + 127.5 * weights / np.where(reach, reach, 1), 0, 255).round().astype(np.uint8)
    names = [str(k) for k in range(len(weights))]
    return tiles(list(levels), names, FILTERS_ACROSS, chosen=unit, height=230)


def filter_at(x: float, y: float, count: int) -> int | None:
    """Which of ``count`` kernels lies at a place of :func:`filters`' figure."""
    return tile_at(x, y, count, FILTERS_ACROSS)
