"""Compound scaling: its three dimensions and what they cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, CURVE, FIRST, GREEN, GREY, MARK, PURPLE, SECOND, VERMILION, figure, line, points
from engine.functional.efficientnet import PUBLISHED, SIDE, Published, Stage

DIMENSIONS = {"depth": BLUE, "width": VERMILION, "side": GREEN}
HEIGHT = 320
MOST_PHI = 7.5
# Where a published network stands on the axis: its φ is read off its side, by the published γ.
GAMMA = 1.15


def place(network: Published) -> float:
    """The φ at which the published rule gives a network's input side."""
    return math.log(network.side / SIDE) / math.log(GAMMA)


def scaling(phis: Sequence[float], nets: Sequence[Published], phi: float) -> go.Figure:
    """Depth, width and side as multiples of B0's along φ, the published networks as dots."""
    values = {
        "depth": ([n.depth for n in nets], [n.depth for n in PUBLISHED.values()]),
        "width": ([n.width for n in nets], [n.width for n in PUBLISHED.values()]),
        "side": ([n.side / SIDE for n in nets], [n.side / SIDE for n in PUBLISHED.values()]),
    }
    x = [place(network) for network in PUBLISHED.values()]
    traces = []
    for name, color in DIMENSIONS.items():
        curve, published = values[name]
        traces.append(line(phis, np.array(curve, np.float32), name, color, hovertemplate="φ %{x:.2f}: %{y:.3f} ×"))
        dots = points(x, published, f"{name}, published", color, text=list(PUBLISHED), showlegend=False)
        traces.append(dots | {"hovertemplate": f"%{{text}}: {name} %{{y:.3g}} ×<extra></extra>"})
    return figure(traces, x="φ", y="times B0's", **_at(phi), height=HEIGHT)


def growth(
    phis: Sequence[float], lines: Mapping[str, Sequence[float]], counted: Mapping[str, int], phi: float, y: str
) -> go.Figure:
    """What growing costs along φ, on a log axis: together, in one dimension alone, and the published networks counted."""
    colors = {"compound": PURPLE, "law": CURVE, **{f"{name} alone": color for name, color in DIMENSIONS.items()}}
    traces: list[dict[str, Any]] = []
    for name, values in lines.items():
        wide = 3 if name == "compound" else 1.5
        style = {"line": {"color": colors[name], "width": wide, "dash": "dot" if name == "law" else "solid"}}
        hover = f"{name}, φ %{{x:.2f}}<br>%{{y:.3s}}<extra></extra>"
        traces.append(line(phis, np.array(values, np.float32), name, colors[name], hovertemplate=hover, **style))
    x = [place(PUBLISHED[name]) for name in counted]
    dots = points(x, list(counted.values()), "published", MARK, text=list(counted), mode="markers+text")
    dots |= {"textposition": "top left", "hovertemplate": "%{text}<br>%{y:,}<extra></extra>"}
    at = _at(phi)
    yaxis = {"type": "log", "tickformat": "~s", "dtick": "D2"}
    return figure([*traces, dots], x="φ", y=y, **at, yaxis=yaxis, height=HEIGHT + 60, margin={"l": 68, "t": 80})


def stages(first: Sequence[Stage], now: Sequence[Stage], what: str) -> go.Figure:
    """Layers or channels of the seven stages, B0's beside those of the network at φ."""
    x = [str(k + 1) for k in range(len(first))]
    traces = []
    for name, each, color in (("B0", first, GREY if first == now else FIRST), ("at φ", now, SECOND)):
        values = [getattr(stage, what) for stage in each]
        bar: dict[str, Any] = {
            "type": "bar",
            "name": name,
            "x": x,
            "y": values,
            "marker": {"color": color},
            "text": list(map(str, values)),
        }
        bar |= {"textposition": "outside", "cliponaxis": False, "textfont": {"size": 10}}
        traces.append(bar | {"hovertemplate": f"stage %{{x}}, {name}: %{{y}} {what}<extra></extra>"})
    return figure(traces, x="stage", y=what, barmode="group", xaxis={"type": "category"}, height=HEIGHT - 40)


def _at(phi: float) -> dict[str, Any]:
    """The axis of φ with the chosen one marked."""
    mark = {"type": "line", "x0": phi, "x1": phi, "y0": 0, "y1": 1, "yref": "paper"}
    mark |= {"line": {"color": MARK, "dash": "dot", "width": 2}}
    return {"xaxis": {"range": [-0.6, MOST_PHI]}, "shapes": [mark]}
