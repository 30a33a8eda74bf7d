"""Networks drawn: shapes along the depth, treemaps of their layers, two of them stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import AMBER, BLUE, FIRST, GREEN, GREY, MARK, PURPLE, SECOND, VERMILION, figure
from engine.results.architectures import Architecture, millions, shape, window

Count = Literal["parameters", "multiplications"]

KINDS = {"conv": BLUE, "depthwise": GREEN, "dense": VERMILION, "pool": GREY, "norm": PURPLE, "other": AMBER}
WHOLE = "rgba(128,128,128,0.25)"
TREE_HEIGHT, SHAPES_HEIGHT, BARS_HEIGHT = 360, 330, 320
# In units of the axis, where layers stand one apart: none so narrow that it can't be seen or clicked.
NARROWEST, GAP = 0.3, 0.25
LABELS = 9


def treemap(result: Architecture, by: Count) -> go.Figure:
    """Areas in proportion to each layer's share, grouped by the size of the map they work on."""
    ids, labels, parents, values, colors = ["all"], [""], [""], [getattr(result, by)], [WHOLE]
    for stage in result.stages:
        if not getattr(stage, by):
            continue
        ids, labels, parents = [*ids, stage.label], [*labels, stage.label], [*parents, "all"]
        values, colors = [*values, getattr(stage, by)], [*colors, GREY]
        for name, layer in zip(stage.names, stage.layers, strict=True):
            if getattr(layer, by):
                ids, labels, parents = [*ids, name], [*labels, name], [*parents, stage.label]
                values, colors = [*values, getattr(layer, by)], [*colors, KINDS.get(layer.kind, GREY)]
    labels[0] = f"{result.title}: {millions(values[0])}"
    trace: dict[str, Any] = {"type": "treemap", "ids": ids, "labels": labels, "parents": parents, "values": values}
    trace |= {
        "branchvalues": "total",
        "marker": {"colors": colors},
        "tiling": {"pad": 2},
        "pathbar": {"visible": False},
    }
    trace |= {"text": [millions(v) for v in values], "textinfo": "label+text+percent root", "sort": False}
    trace |= {"hovertemplate": f"%{{label}}<br>%{{value:,}} {by}<br>%{{percentRoot:.1%}}<extra></extra>"}
    return go.Figure(
        data=[trace],
        layout={"template": {}, "height": TREE_HEIGHT, "margin": {"l": 2, "r": 2, "t": 4, "b": 4}},
        _validate=False,
    )


def shapes(result: Architecture, chosen: int) -> go.Figure:
    """Each layer as a box, its side upwards and its channels across, both as square roots; ``chosen`` is framed.

    The middle of the k-th box is at x = k, so that a click tells which layer it hit.
    """
    boxes = [result.layers[at] for at in result.shown]
    heights = np.sqrt([layer.side for layer in boxes])
    widths = np.sqrt([layer.shape[0] for layer in boxes])
    widths = NARROWEST + (1 - GAP - NARROWEST) * widths / widths.max()
    traces = []
    for kind in dict.fromkeys(layer.kind for layer in boxes):
        members = [k for k, layer in enumerate(boxes) if layer.kind == kind]
        texts = [_hover(result, result.shown[k]) for k in members]
        bar = {"type": "bar", "name": kind, "x": members, "y": 2 * heights[members], "base": -heights[members]}
        bar |= {"width": widths[members], "marker": {"color": KINDS.get(kind, GREY)}, "offset": -widths[members] / 2}
        traces.append(bar | {"hovertext": texts, "hoverinfo": "text"})
    top = float(heights.max())
    notes = [_note(k, heights[k] + 0.04 * top, f"{boxes[k].side}", "bottom") for k in _telling([b.side for b in boxes])]
    channels = [layer.shape[0] for layer in boxes]
    notes += [_note(k, -heights[k] - 0.04 * top, f"{channels[k]}", "top") for k in _telling(channels)]
    half, height = widths[chosen] / 2 + 0.06, heights[chosen] + 0.03 * top
    frame = {"type": "rect", "x0": chosen - half, "x1": chosen + half, "y0": -height, "y1": height}
    frame |= {"line": {"color": MARK, "width": 3}}
    hidden = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}
    return figure(
        traces,
        x="layer; side of the map above, channels below",
        xaxis=hidden | {"range": [-0.8, len(boxes) - 0.2]},
        yaxis=hidden | {"range": [-1.35 * top, 1.25 * top]},
        shapes=[frame],
        annotations=notes,
        height=SHAPES_HEIGHT,
        barmode="overlay",
        margin={"l": 8, "r": 8, "t": 32, "b": 40},
    )


def _hover(result: Architecture, at: int) -> str:
    layer = result.layers[at]
    parts = [result.names[at], window(layer), shape(layer.shape), f"{layer.parameters:,} parameters"]
    return "<br>".join(part for part in parts if part)


def _note(x: int, y: float, text: str, anchor: str) -> dict[str, Any]:
    return {"x": x, "y": float(y), "text": text, "showarrow": False, "yanchor": anchor, "font": {"size": 11}}


def _telling(values: Sequence[int]) -> list[int]:
    """Where a row of values changes, at most about nine of them so that their texts don't meet."""
    changes = [k for k, value in enumerate(values) if k == 0 or value != values[k - 1]]
    apart = max(1, len(values) // LABELS)
    kept: list[int] = []
    for k in changes:
        if not kept or k - kept[-1] >= apart:
            kept.append(k)
    return kept


def side_by_side(first: Architecture, second: Architecture, by: Count) -> go.Figure:
    """Two networks' parameters or multiplications by stage, a stage being how often the map's side was halved."""
    halvings = sorted({stage.halvings for net in (first, second) for stage in net.stages} - {-1})
    order = [*halvings, -1]
    labels = ["dense" if k < 0 else f"1/{2**k}" for k in order]
    traces = []
    for net, color in ((first, FIRST), (second, SECOND)):
        values = {stage.halvings: getattr(stage, by) for stage in net.stages}
        heights = [values.get(k, 0) for k in order]
        hover = f"{net.title}, side %{{x}}<br>%{{y:,}} {by}<extra></extra>"
        bar = {"type": "bar", "name": f"{net.title}: {millions(getattr(net, by))}", "x": labels, "y": heights}
        traces.append(bar | {"marker": {"color": color}, "hovertemplate": hover})
    return figure(
        traces,
        x="side of the map as a share of the input's",
        y=by,
        xaxis={"type": "category"},
        yaxis={"tickformat": "~s"},
        barmode="group",
        height=BARS_HEIGHT,
        showlegend=True,
        margin={"l": 68, "t": 56},
    )
