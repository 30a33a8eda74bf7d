"""Faces found in a picture, distances between them, and what a threshold makes of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import image, outline
from engine.figures.theme import GREEN, GREY, MARK, NEGATIVE, PATH, POSITIVE, VERMILION, figure, line, points
from engine.results import Array
from engine.results.recognition import Comparison, Named, ThresholdCurves

INK = "#1d232b"
# Near is coloured, far is pale: dark numbers are read on both.
NEARNESS = [[0.0, "#7fb5dd"], [0.5, "#f4f4f4"], [1.0, "#f4f4f4"]]
MOST_NUMBERED = 12
TIGHT = {"l": 4, "r": 4, "t": 4, "b": 4}
BARE = {"visible": False, "constrain": "domain"}


def found(pixels: Array, faces: Sequence[Named], *, height: int = 360) -> go.Figure:
    """A picture (h, w, 3) with every face's box, landmarks and name: blue if recognised, vermilion if not."""
    traces, shapes = [image(pixels, 0, 0)], []
    for face in faces:
        color = POSITIVE if face.known else NEGATIVE
        x0, y0, x1, y1 = face.box.tolist()
        label = {"text": face.text, "textposition": "top left", "font": {"color": "#ffffff", "size": 13}}
        dash = {"color": color, "width": 4 if face.chosen else 2}
        shapes.append(outline((x0, y0, x1, y1), color) | {"line": dash, "label": label})
        if len(face.points):
            x, y = face.points.astype(np.float32).T
            traces.append(points(x, y, face.text, color, marker={"size": 6}, hoverinfo="skip"))
    xaxis = BARE | {"range": [0, pixels.shape[1]]}
    yaxis = BARE | {"range": [pixels.shape[0], 0], "scaleanchor": "x"}
    return figure(traces, xaxis=xaxis, yaxis=yaxis, shapes=shapes, showlegend=False, margin=TIGHT, height=height)


def matrix(result: Comparison, threshold: float) -> go.Figure:
    """Squared distances of every two faces, or people: below the threshold they are coloured."""
    at, n = np.arange(len(result.names)), len(result.names)
    names = [name if len(name) <= 12 else name[:11] + "…" for name in result.names]
    cells: dict[str, Any] = {"type": "heatmap", "x": at, "y": at, "z": result.distances.round(2).astype(np.float32)}
    cells |= {"zmin": 0, "zmax": 2 * max(threshold, 1e-3), "colorscale": NEARNESS, "showscale": False}
    cells |= {"hovertemplate": "%{y} and %{x}: %{z:.2f}<extra></extra>", "name": result.what}
    if n <= MOST_NUMBERED:
        cells |= {"texttemplate": "%{z:.1f}", "textfont": {"color": INK, "size": 10}, "xgap": 1, "ygap": 1}
    sparse = {"tickvals": at, "ticktext": names} if n <= 24 else {"tickvals": at[::4], "ticktext": names[::4]}
    ticks = {**sparse, "showgrid": False, "zeroline": False, "constrain": "domain", "tickfont": {"size": 10}}
    yaxis = ticks | {"autorange": "reversed", "scaleanchor": "x", "automargin": True}
    margin = {"l": 78, "r": 8, "t": 8, "b": 86}
    return figure([cells], xaxis=ticks | {"tickangle": -60}, yaxis=yaxis, margin=margin, height=420)


def errors(
    result: ThresholdCurves, threshold: float, x: str = "threshold on the squared distance", y: str = "share of pairs"
) -> go.Figure:
    """How often is accepted and rejected wrongly at every threshold, and the chosen one."""
    traces = [
        line(result.thresholds, rate.astype(np.float32), name, color, hovertemplate=f"{name} %{{y:.2%}}<extra></extra>")
        for name, rate, color in (
            ("false accepts", result.false_accept, VERMILION),
            ("false rejects", result.false_reject, PATH),
        )
    ]
    at = {"type": "line", "x0": threshold, "x1": threshold, "y0": 0, "y1": 1, "yref": "paper"}
    mark = {**at, "line": {"color": MARK, "width": 2, "dash": "dot"}}
    xaxis = {"range": [0, float(result.thresholds[-1])]}
    yaxis = {"range": [-0.02, 1.02], "tickformat": ".0%"}
    layout: dict[str, Any] = {"xaxis": xaxis, "yaxis": yaxis, "shapes": [mark], "height": 320, "hovermode": "x"}
    return figure(traces, x=x, y=y, **layout)


def roc(result: ThresholdCurves, at: tuple[float, float]) -> go.Figure:
    """True accepts against false ones over all thresholds, and the chosen threshold's place (false, true)."""
    false, true = result.false_accept.astype(np.float32), (1 - result.false_reject).astype(np.float32)
    hover = {"hovertemplate": "false accepts %{x:.2%}<br>true accepts %{y:.2%}<extra></extra>"}
    curve = line(false, true, "all thresholds", PATH, **hover)
    chance = line([0, 1], [0, 1], "chance", GREY, hoverinfo="skip")
    chance["line"] |= {"dash": "dot"}
    here = points([at[0]], [at[1]], "chosen", MARK, marker={"size": 12}, **hover)
    axis = {"range": [-0.02, 1.02], "tickformat": ".0%"}
    layout: dict[str, Any] = {"xaxis": axis, "yaxis": axis, "height": 320}
    return figure([curve, chance, here], x="different people accepted", y="same person accepted", **layout)


def nearest(names: Sequence[str], distances: Array, threshold: float) -> go.Figure:
    """A face's squared distance to each person, the nearest at the top, and the threshold."""
    order = distances.argsort()[:10]
    at = np.arange(len(order))
    short = [names[k] if len(names[k]) <= 14 else names[k][:13] + "…" for k in order]
    near = distances[order] <= threshold
    color = [POSITIVE if k == 0 and near[0] else GREEN if near[k] else GREY for k in range(len(order))]
    bars: dict[str, Any] = {"type": "bar", "orientation": "h", "x": distances[order].astype(np.float32), "y": at}
    bars |= {"marker": {"color": color}, "hovertemplate": "%{x:.3f}<extra></extra>", "name": "squared distance"}
    bars |= {"text": [f"{distances[k]:.2f}" for k in order], "textposition": "outside", "cliponaxis": False}
    mark = {"type": "line", "x0": threshold, "x1": threshold, "y0": 0, "y1": 1, "yref": "paper"}
    mark |= {"line": {"color": MARK, "width": 2, "dash": "dot"}}
    yaxis = {"tickvals": at, "ticktext": short, "autorange": "reversed", "automargin": True, "showgrid": False}
    margin = {"l": 60, "r": 30, "t": 8, "b": 44}
    layout: dict[str, Any] = {
        "yaxis": yaxis,
        "xaxis": {"range": [0, 1.18 * max(float(distances[order].max()), threshold)]},
        "shapes": [mark],
    }
    return figure([bars], x="squared distance", showlegend=False, height=320, margin=margin, **layout)


def by_people(counts: Array, curves: dict[str, Array]) -> go.Figure:
    """Shares of errors against the number of enrolled people."""
    styles = {
        "strangers let in": (VERMILION, "solid"),
        "if independent": (GREY, "dot"),
        "wrong or no name": (PATH, "solid"),
    }
    traces = []
    for name, y in curves.items():
        color, dash = styles[name]
        trace = line(counts, y.astype(np.float32), name, color, mode="lines+markers" if dash == "solid" else "lines")
        trace["line"] |= {"dash": dash}
        traces.append(trace | {"hovertemplate": f"%{{x}} people, {name}: %{{y:.1%}}<extra></extra>"})
    xaxis = {"type": "log", "tickvals": counts.tolist(), "ticktext": [str(k) for k in counts.tolist()]}
    yaxis = {"rangemode": "tozero", "tickformat": ".0%"}
    return figure(traces, x="enrolled people K", y="share of askers", xaxis=xaxis, yaxis=yaxis, height=320)


def by_kind(names: Sequence[str], shares: Array, *, trained: Sequence[bool]) -> go.Figure:
    """The share of each kind that is taken for live; kinds that training never showed are hatched."""
    at = np.arange(len(names))
    marker: dict[str, Any] = {"color": [POSITIVE] + [NEGATIVE] * (len(names) - 1)}
    marker |= {"pattern": {"shape": ["" if known else "/" for known in trained]}}
    bars: dict[str, Any] = {"type": "bar", "x": at, "y": shares.astype(np.float32), "name": "taken for live"}
    bars |= {"marker": marker, "text": [f"{share:.0%}" for share in shares], "textposition": "outside"}
    bars |= {"cliponaxis": False, "hovertemplate": "%{y:.1%}<extra></extra>"}
    xaxis = {"tickvals": at, "ticktext": list(names), "showgrid": False}
    yaxis = {"range": [0, 1.12], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}
    return figure([bars], y="taken for live", xaxis=xaxis, yaxis=yaxis, showlegend=False, height=320)
