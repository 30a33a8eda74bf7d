"""Non-max suppression, a moment of it: the boxes, their scores, and their overlap with the pick."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import AMBER, BLUE, CURVE, GREEN, GREY, PURPLE, VERMILION, figure, line
from engine.results import Array
from engine.results.detection import CLASSES, State, Suppression

# Colours of classes: what a box is. How it stands is told by its outline.
KINDS = dict(zip(CLASSES, (BLUE, VERMILION, PURPLE), strict=True))
STATES: dict[State, tuple[str, str, float, float]] = {  # dash, word, width, opacity
    "pick": ("solid", "picked now", 6, 1.0),
    "kept": ("solid", "kept", 3, 1.0),
    "discarded": ("dot", "discarded", 2, 0.8),
    "waiting": ("dash", "waiting", 2, 1.0),
    "low": ("dot", "low score", 1, 0.6),
}
SHADES: dict[State, str] = {"pick": GREEN, "kept": GREEN, "discarded": GREY, "waiting": AMBER, "low": GREY}
# Boxes that lie over each other mostly follow each other, so their names are told apart.
CORNERS = ("top left", "top right", "bottom left", "bottom right")


def stage(side: float, height: int = 420) -> dict[str, Any]:
    """The layout of a square picture in pixels, y down."""
    axis = {"range": [0, side], "constrain": "domain", "zeroline": False, "showgrid": False}
    yaxis = axis | {"range": [side, 0], "scaleanchor": "x"}
    return {"x": "x (px)", "y": "y (px)", "xaxis": axis, "yaxis": yaxis, "dragmode": False, "height": height}


def rectangle(box: Array, name: str, color: str, corner: str = "top left", **outline: Any) -> dict[str, Any]:
    """A box that can be dragged, its name at a corner."""
    x0, y0, x1, y1 = box.tolist()
    corners = {"type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "name": name, "editable": True}
    label = {"text": name, "textposition": corner, "font": {"color": color, "size": 15}, "padding": 2}
    opacity = outline.pop("opacity", 1.0)
    return {**corners, "label": label, "opacity": opacity, "line": {"color": color, "width": 2, **outline}}


def boxes(result: Suppression, side: float) -> go.Figure:
    """All boxes in the colours of their classes, outlined by what has become of them."""
    shapes = []
    each = zip(result.boxes, result.classes, result.names, result.states, strict=True)
    for (box, kind, name, state), corner in zip(each, cycle(CORNERS), strict=False):
        dash, _, width, opacity = STATES[state]
        color = KINDS[CLASSES[kind]]
        shapes.append(rectangle(box, name, color, corner, dash=dash, width=width, opacity=opacity))
    legend = keys(result.classes)
    legend += [_key(STATES[state][1], GREY, STATES[state][0]) for state in ("waiting", "discarded")]
    return figure(legend, shapes=shapes, showlegend=True, legend={"font": {"size": 12}}, **stage(side))


def keys(classes: Array) -> list[dict[str, Any]]:
    """An entry of the legend for each of the classes (n,) that there are."""
    return [_key(CLASSES[kind], KINDS[CLASSES[kind]], "solid") for kind in sorted(set(classes.tolist()))]


def scores(result: Suppression, threshold: float) -> go.Figure:
    """Every box's score from the highest down, coloured by what has become of it, and the threshold as a line."""
    order = np.argsort(-result.scores, kind="stable")
    words = [STATES[state][1] for state in result.states]
    return _bars(result, order, result.scores, threshold, "score", words, "inside", 420)


def overlaps(result: Suppression, threshold: float) -> go.Figure:
    """Every compared box's IoU with the pick, and the threshold as a line."""
    order = np.argsort(-result.scores, kind="stable")
    texts = ["" if np.isnan(x) else f"{x:.2f}" for x in result.overlaps]
    return _bars(result, order, result.overlaps, threshold, "IoU with the pick", texts, "outside", 300)


def _bars(
    result: Suppression,
    order: Array,
    values: Array,
    threshold: float,
    title: str,
    texts: list[str],
    place: str,
    height: int,
) -> go.Figure:
    names = [result.names[i] for i in order]
    at = np.arange(len(order))
    trace = {
        "type": "bar", "orientation": "h", "y": at, "x": np.nan_to_num(values[order]).astype(np.float32), "width": 0.7,
        "marker": {"color": [SHADES[result.states[i]] for i in order]}, "customdata": result.decided[order],
        "text": [texts[i] for i in order], "textposition": place, "cliponaxis": False,
        "hovertemplate": [f"{names[k]}: %{{x:.3f}}, step %{{customdata}}<extra></extra>" for k in at],
    }  # fmt: skip
    limit = line([threshold] * 2, [-0.5, len(order) - 0.5], "threshold", CURVE, hoverinfo="skip")
    limit["line"] |= {"dash": "dash"}
    yaxis = {"tickmode": "array", "tickvals": at, "ticktext": names, "range": [len(order) - 0.5, -0.5]}
    return figure(
        [trace, limit],
        x=title,
        xaxis={"range": [0, 1.06]},
        yaxis=yaxis | {"showgrid": False, "zeroline": False},
        showlegend=False,
        dragmode=False,
        meta={"step": result.step},
        height=height,
        margin={"l": 34, "r": 12, "t": 12, "b": 44},
    )


def _key(name: str, color: str, dash: str) -> dict[str, Any]:
    """An entry of the legend alone."""
    trace = line([None], [None], name, color)
    trace["line"] |= {"dash": dash, "width": 3}
    return trace
