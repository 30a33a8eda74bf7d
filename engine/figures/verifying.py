"""Pairs of faces judged by their encodings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import BARE, HIDDEN, image, outline
from engine.figures.theme import CURVE, FIRST, GREEN, GREY, MARK, NEGATIVE, POSITIVE, SECOND, figure, line, points
from engine.results import Array
from engine.results.verifying import ByPeople, Errors, PairPicture

SAME, DIFFERENT = POSITIVE, NEGATIVE
LEAST = 1e-4
HEIGHT = 360


def _limit(at: float) -> dict[str, Any]:
    """The threshold as a line through the whole figure."""
    return {
        "type": "line",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": CURVE, "dash": "dash"},
    }


def distances(same: Array, different: Array, threshold: float, furthest: float) -> go.Figure:
    """Histograms of squared distances of pairs of one person and of two, each as shares of its kind."""
    edges = np.linspace(0, furthest, 61)
    traces = []
    for name, values, color in (("same person", same, SAME), ("two people", different, DIFFERENT)):
        share = np.histogram(values, edges)[0] / max(1, len(values))
        bar = {"type": "bar", "name": name, "x": ((edges[1:] + edges[:-1]) / 2).astype(np.float32), "opacity": 0.65}
        bar |= {"y": share.astype(np.float32), "width": edges[1], "marker": {"color": color, "line": {"width": 0}}}
        traces.append(bar | {"hovertemplate": "d %{x:.2f}: %{y:.1%}<extra>" + name + "</extra>"})
    layout = {"barmode": "overlay", "shapes": [_limit(threshold)], "height": HEIGHT, "showlegend": True}
    yaxis = {"tickformat": ".0%"}
    return figure(
        traces, x="squared distance d", y="share of pairs", xaxis={"range": [0, furthest]}, yaxis=yaxis, **layout
    )


def by_threshold(result: Errors, threshold: float, now: tuple[float, float]) -> go.Figure:
    """Both errors against the threshold, those at the chosen one marked."""
    traces = []
    both = (
        ("false accept", result.false_accept, DIFFERENT, now[0]),
        ("false reject", result.false_reject, SAME, now[1]),
    )
    for name, share, color, here in both:
        hover = {"hovertemplate": "d %{x:.2f}: %{y:.2%}<extra>" + name + "</extra>"}
        traces.append(line(result.thresholds, share, name, color, **hover))
        traces.append(points([threshold], [here], name, color, marker={"size": 11}, showlegend=False, **hover))
    layout = {"shapes": [_limit(threshold)], "height": HEIGHT, "showlegend": True}
    xaxis = {"range": [0, float(result.thresholds[-1])]}
    yaxis = {"range": [0, 1.03], "tickformat": ".0%"}
    return figure(traces, x="threshold τ", y="share judged wrong", xaxis=xaxis, yaxis=yaxis, **layout)


def roc(curves: Mapping[str, Errors], marks: Mapping[str, tuple[float, float]], colors: Mapping[str, str]) -> go.Figure:
    """Accepted pairs of one person against accepted pairs of two, which has a log axis; marks are false accept, reject."""
    traces = []
    least = max(LEAST, min(float(e.false_accept[e.false_accept > 0].min(initial=1.0)) for e in curves.values()) / 2)
    for name, result in curves.items():
        hover = {"hovertemplate": f"{name}<br>false accept %{{x:.2%}}<br>true accept %{{y:.2%}}<extra></extra>"}
        there = np.maximum(result.false_accept, least)
        traces.append(line(there, 1 - result.false_reject, name, colors[name], **hover))
        if name in marks:
            accept, reject = marks[name]
            at = points([max(accept, least)], [1 - reject], name, colors[name], showlegend=False, **hover)
            traces.append(at | {"marker": {"color": colors[name], "size": 12}})
    low = min(
        float(1 - result.false_reject[result.false_accept <= least].min(initial=1.0)) for result in curves.values()
    )
    xaxis = {"type": "log", "range": [np.log10(least), 0.02], "tickvals": [1e-4, 1e-3, 1e-2, 0.1, 1]}
    xaxis |= {"ticktext": ["0.01 %", "0.1 %", "1 %", "10 %", "100 %"]}
    yaxis = {"range": [max(0.0, min(low, 0.9) - 0.05), 1.01], "tickformat": ".0%"}
    return figure(
        traces, x="false accept", y="true accept", xaxis=xaxis, yaxis=yaxis, height=HEIGHT, showlegend=len(curves) > 1
    )


def by_people(result: ByPeople, chosen: int) -> go.Figure:
    """What becomes of a threshold as more people are enrolled."""
    hover = {"hovertemplate": "K = %{x}: %{y:.1%}<extra>%{fullData.name}</extra>"}
    formula = line(result.people, result.independent, "1 − (1 − FAR)ᴷ", GREY, **hover)
    formula["line"] |= {"dash": "dot"}
    traces = [
        line(result.people, result.strangers, "stranger let in", DIFFERENT, mode="lines+markers", **hover),
        formula,
        line(result.people, result.named, "named right", GREEN, mode="lines+markers", **hover),
    ]
    mark = {"type": "line", "x0": chosen, "x1": chosen, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": CURVE}}
    xaxis: dict[str, Any] = {"type": "log", "tickvals": [1, 2, 5, 10, 20, 50, 100, 200, 500]}
    yaxis = {"range": [0, 1.03], "tickformat": ".0%"}
    layout: dict[str, Any] = {"shapes": [mark], "height": HEIGHT, "showlegend": True}
    return figure(traces, x="people enrolled K", y="share of visitors", xaxis=xaxis, yaxis=yaxis, **layout)


def pairs(result: Sequence[PairPicture], across: int, height: int = 380) -> go.Figure:
    """Pairs of pictures side by side, outlined in green where judged right and in the mark's colour where wrong."""
    traces, shapes, x, y = [], [], [], []
    wide, high, gap = 2.2, 1.4, 0.15
    for k, pair in enumerate(result):
        left, top = (k % across) * wide, (k // across) * high
        both = np.concatenate([pair.one, pair.other], 1)
        traces.append(image(both, left, top, 1 / both.shape[0], pair.caption))
        shapes.append(outline((left, top, left + 2, top + 1), GREEN if pair.right else MARK, 3))
        x.append(left + 1)
        y.append(top + 1.18)
    text: dict[str, Any] = {
        "type": "scatter",
        "mode": "text",
        "x": x,
        "y": y,
        "text": [pair.caption for pair in result],
    }
    text |= {"hoverinfo": "skip", "textfont": {"size": 11}, "name": "captions"}
    rows = -(-len(result) // across)
    xaxis = {**HIDDEN, "range": [-gap, across * wide]}
    yaxis = {**HIDDEN, "range": [rows * high, -gap], "scaleanchor": "x"}
    layout: dict[str, Any] = {"shapes": shapes, "showlegend": False, "margin": BARE, "height": height}
    return figure([*traces, text], xaxis=xaxis, yaxis=yaxis, **layout)


def encodings(one: Array, other: Array) -> go.Figure:
    """The numbers of two encodings (n,) side by side."""
    at = np.arange(1, len(one) + 1)
    traces = []
    for name, values, color in (("f(A)", one, FIRST), ("f(B)", other, SECOND)):
        bar = {"type": "bar", "x": at, "y": values.astype(np.float32), "name": name, "marker": {"color": color}}
        traces.append(bar | {"hovertemplate": name + ", number %{x}: %{y:.3f}<extra></extra>"})
    layout = {"barmode": "group", "bargap": 0.15, "height": 300, "showlegend": True}
    return figure(traces, x="number k of the encoding", y="value", **layout)


def shares(one: Array, other: Array) -> go.Figure:
    """What every number of two encodings (n,) adds to their squared distance."""
    bar = {"type": "bar", "x": np.arange(1, len(one) + 1), "y": ((one - other) ** 2).astype(np.float32)}
    bar |= {"marker": {"color": CURVE}, "name": "share", "hovertemplate": "number %{x} adds %{y:.3f}<extra></extra>"}
    return figure([bar], x="number k of the encoding", y="(f(A) − f(B))²", height=260, showlegend=False)


def gauge(distance: float, threshold: float, furthest: float) -> go.Figure:
    """A distance on a line: same person up to the threshold, two people beyond it."""
    bands: list[dict[str, Any]] = []
    for x0, x1, color in ((0.0, threshold, SAME), (threshold, furthest, DIFFERENT)):
        bands.append({"type": "rect", "x0": x0, "x1": x1, "y0": 0, "y1": 1, "fillcolor": color, "opacity": 0.25})
        bands[-1] |= {"line": {"width": 0}, "layer": "below"}
    at = points([distance], [0.5], "d", MARK, marker={"size": 18, "symbol": "diamond"}, cliponaxis=False)
    at |= {"hovertemplate": "d = %{x:.3f}<extra></extra>", "mode": "markers+text", "textposition": "top center"}
    at |= {"text": [f"d = {distance:.3f}"]}
    notes = [
        {"x": x, "y": 0, "yanchor": "bottom", "xanchor": anchor, "text": word, "showarrow": False}
        for x, anchor, word in ((0.0, "left", "same"), (furthest, "right", "two people"))
    ]
    yaxis = {"visible": False, "range": [0, 1]}
    layout: dict[str, Any] = {
        "shapes": [*bands, _limit(threshold)],
        "annotations": notes,
        "height": 170,
        "showlegend": False,
    }
    return figure([at], x="squared distance d", xaxis={"range": [0, furthest]}, yaxis=yaxis, **layout)


def by_arrival(people: Array, lines: Mapping[str, tuple[Array, str]], y: str, **yaxis: Any) -> go.Figure:
    """One line for each way to know people, by how many are enrolled (k,)."""
    unit = "%{y:.0%}" if yaxis.get("tickformat") else "%{y:.3~g} ms"
    traces = []
    for name, (values, color) in lines.items():
        hover = {"hovertemplate": f"%{{x}} people: {unit}<extra>{name}</extra>"}
        traces.append(line(people, values.astype(np.float32), name, color, mode="lines+markers", **hover))
    return figure(traces, x="people enrolled", y=y, yaxis=yaxis, height=HEIGHT, showlegend=True)


def weights(lines: Mapping[str, tuple[Array, str]]) -> go.Figure:
    """The weight of every number's difference, for each kind of feature, in shares of the largest."""
    traces = []
    for name, (values, color) in lines.items():
        top = max(float(np.abs(values).max()), 1e-9)
        bar = {"type": "bar", "name": name, "x": np.arange(1, len(values) + 1), "y": (values / top).astype(np.float32)}
        bar |= {"customdata": values.astype(np.float32), "marker": {"color": color}}
        traces.append(bar | {"hovertemplate": name + ", number %{x}: %{customdata:.3~g}<extra></extra>"})
    layout = {"barmode": "group", "bargap": 0.15, "height": HEIGHT, "showlegend": True}
    return figure(traces, x="number k of the encoding", y="wₖ / largest", yaxis={"range": [-1.05, 1.05]}, **layout)
