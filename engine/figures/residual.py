"""Plain and residual networks: costs while depth grows, gradients by layer, and the blocks themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures import curves
from engine.figures.theme import AMBER, BLUE, GREEN, GREY, PURPLE, VERMILION, figure, line
from engine.results import Array
from engine.results.curves import Race
from engine.results.residual import DepthRace, GradientNorms, Identities

KINDS = {"plain": VERMILION, "residual": BLUE}
DEPTHS = (GREEN, AMBER, PURPLE)
HEIGHT = 300
COSTS = [-1.4, 0.6]  # powers of ten, the same on both figures


def costs(result: DepthRace, kind: int, last: int) -> go.Figure:
    """Cost by step of the plain (0) or residual (1) networks: the mean over seeds, and a band from lowest to highest."""
    cost = result.cost[:, kind].astype(np.float32)  # (depths, seeds, k)
    names = tuple(f"{depth} layers" for depth in result.depths)
    race = Race(names, result.steps, cost.mean(1), cost.min(1), cost.max(1))
    colors = dict(zip(names, DEPTHS[-len(names) :], strict=True))
    return curves.race(race, last, colors, height=HEIGHT, yaxis={"range": COSTS, "autorange": False})


def by_depth(result: DepthRace) -> go.Figure:
    """The latest cost against depth, with the band of the seeds."""
    traces = _bands(np.array(result.depths), result.latest.transpose(1, 2, 0), "%{x} layers: J = %{y:.3f}")
    ticks = {"tickvals": list(result.depths), "range": [0, result.depths[-1] + 1]}
    return figure(traces, x="layers", y="cost J", xaxis=ticks, yaxis={"range": [0, 2.6]}, height=HEIGHT)


def gradients(result: GradientNorms) -> go.Figure:
    """The gradient's size in each layer of the deepest networks, now as lines and at the start dotted; means over seeds."""
    layers = np.arange(1, len(result.now) + 1)
    floor = 1e-8  # a layer whose gradient is nothing has no place on a log axis
    traces = []
    for kind, (name, color) in enumerate(KINDS.items()):
        for when, values, dash in (("start", result.start, "dot"), ("now", result.now, "solid")):
            y = np.maximum(values[:, kind].mean(1), floor).astype(np.float32)
            hover = f"{name}, {when}<br>layer %{{x}}: %{{y:.2g}}<extra></extra>"
            style = {"color": color, "dash": dash, "width": 2}
            traces.append(line(layers, y, f"{name}, {when}", color, line=style, hovertemplate=hover))
    yaxis = {"type": "log", "exponentformat": "power", "nticks": 6}
    return figure(traces, x="layer", y="gradient norm", yaxis=yaxis, height=HEIGHT + 30, legend={"font": {"size": 12}})


def identities(result: Identities) -> go.Figure:
    """The distance of a block's output from its input while its second layer is shrunk to nothing."""
    traces = _bands(result.scales, result.distance, "s = %{x:.1f}: %{y:.2f}")
    yaxis = {"rangemode": "tozero"}
    return figure(traces, x="scale s of the second layer", y="‖output − input‖ / ‖input‖", yaxis=yaxis, height=HEIGHT)


def _bands(x: Array, values: Array, hover: str) -> list[dict[str, Any]]:
    """A line with a band for plain and for residual networks: values (2, seeds, k) at x (k,)."""
    traces = []
    for (name, color), each in zip(KINDS.items(), values.astype(np.float32), strict=True):
        around, outline = np.concatenate([x, x[::-1]]), np.concatenate([each.max(0), each.min(0)[::-1]])
        band = {"fill": "toself", "mode": "none", "fillcolor": color, "opacity": 0.2, "showlegend": False}
        traces.append(line(around, outline, f"{name}, band", color, hoverinfo="skip", **band))
        style = {"mode": "lines+markers", "hovertemplate": f"{name}<br>{hover}<extra></extra>"}
        traces.append(line(x, each.mean(0), name, color, **style))
    return traces


def blocks(width: int, normalized: bool, shortcut: str) -> go.Figure:
    """Both kinds of block drawn from top to bottom: the two convolutions on the left, the way around them on the right."""
    norm = " + BN" if normalized else ""
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    turns = {
        "projection": f"Ws: 1 × 1, {2 * width}<br>stride 2{norm}",
        "padding": "every 2nd pixel,<br>zeros as channels",
    }
    for left, title, c_out, side, skip in (
        (0.0, "Identity block", width, 4, "a as it is"),
        (1.0, "Projection block" if shortcut == "projection" else "Padding block", 2 * width, 2, turns[shortcut]),
    ):
        stride = ", stride 2" if side == 2 else ""
        steps = (
            f"a[l]: 4 × 4 × {width}",
            f"3 × 3, {c_out}{stride}{norm}",
            "ReLU",
            f"3 × 3, {c_out}{norm}",
            "+",
            f"ReLU → a[l+2]: {side} × {side} × {c_out}",
        )
        main, around = left + 0.34, left + 0.8
        traces.append(_arrow([main, main], [5.8, 0.3], GREY))
        traces.append(_arrow([main, around, around, main], [5.5, 5.5, 1.0, 1.0], BLUE))
        notes += [_note(main, 5 - i, text) for i, text in enumerate(steps)]
        notes += [_note(around, 3, skip, BLUE), _note(left + 0.5, 6.2, f"<b>{title}</b>")]
    hidden = {"visible": False, "fixedrange": True}
    return figure(
        traces,
        xaxis={**hidden, "range": [0, 2]},
        yaxis={**hidden, "range": [-0.4, 6.6]},
        annotations=notes,
        showlegend=False,
        height=HEIGHT + 30,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )


def _arrow(x: list[float], y: list[float], color: str) -> dict[str, Any]:
    return line(x, y, "path", color, line={"color": color, "width": 2}, hoverinfo="skip")


def _note(x: float, y: float, text: str, color: str = GREY) -> dict[str, Any]:
    box = {"bgcolor": "#f4f4f4", "bordercolor": color, "borderpad": 3} if not text.startswith("<b>") else {}
    font = {"size": 11, "color": "#1d232b"} if box else {"size": 13}
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": font, **box}
