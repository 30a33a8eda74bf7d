"""Sentences with their names marked, recurrent networks unrolled over them, and how trainings of several starts go."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import (
    ACTIVATIONS,
    AMBER,
    BLUE,
    COLORWAY,
    DIVERGING,
    GREEN,
    GREY,
    PURPLE,
    VERMILION,
    fading,
    figure,
    line,
)
from engine.results.tagging import ByDepth, Grid, Marked, Race, Unrolled

KIND_COLORS = {"PER": BLUE, "LOC": GREEN, "ORG": VERMILION, "DATE": PURPLE, "O": GREY}
LINE = 40  # characters of a sentence in one line
INK = "#1d232b"
HIDDEN = {"visible": False, "showgrid": False, "zeroline": False}
SIGNS = {"r": 8, "t": 8}
NEAR = 0.6  # an accuracy from which differences matter more than the distance from guessing


def sentence(result: Marked, names: Mapping[str, str]) -> go.Figure:
    """The sentence with every name in a box of its kind's colour, and how sure the network is of it below."""
    places, x, row = [], 0, 0
    for word in result.shown:
        wide = min(len(word), LINE)
        if x and x + wide > LINE:
            x, row = 0, row + 1
        places.append((x, x + wide, row))
        x += wide + 1
    words: dict[str, Any] = {"type": "scatter", "mode": "text", "hoverinfo": "skip", "showlegend": False}
    words |= {"x": [(a + b) / 2 for a, b, _ in places], "y": [r for *_, r in places]}
    words |= {"text": [html.escape(word[:LINE]) for word in result.shown], "textfont": {"size": 15}}
    shapes, labels = [], []
    for span in result.spans:
        color = KIND_COLORS[span.kind]
        inside = places[span.start : span.end]
        for r in sorted({r for *_, r in inside}):
            ends = [(a, b) for a, b, at in inside if at == r]
            box = {"x0": ends[0][0] - 0.5, "x1": ends[-1][1] + 0.5, "y0": r - 0.26, "y1": r + 0.26}
            shapes.append({"type": "rect", **box, "line": {"color": color, "width": 2}, "fillcolor": color + "33"})
        first = [(a, b) for a, b, at in inside if at == inside[0][2]]
        middle = (first[0][0] + first[-1][1]) / 2
        labels.append((middle, inside[0][2] + 0.42, f"{names[span.kind]} {result.sure(span):.0%}", color))
    below: dict[str, Any] = {"type": "scatter", "mode": "text", "hoverinfo": "skip", "showlegend": False}
    below |= {"x": [p[0] for p in labels], "y": [p[1] for p in labels], "text": [p[2] for p in labels]}
    below |= {"textfont": {"size": 11, "color": [p[3] for p in labels]}}
    yaxis = {**HIDDEN, "range": [row + 0.65, -0.45]}
    return figure(
        [words, below],
        shapes=shapes,
        xaxis={**HIDDEN, "range": [-1, LINE + 1]},
        yaxis=yaxis,
        height=50 + 62 * (row + 1),
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )


def probabilities(result: Marked, names: Mapping[str, str]) -> go.Figure:
    """A row for each word: the probability of each kind in percent, the kind taken framed in its colour."""
    rows = [html.escape(word[:14]) for word in result.shown]
    percent = np.rint(100 * result.probabilities).astype(np.int16)
    cells: dict[str, Any] = {"type": "heatmap", "z": percent, "zmin": 0, "zmax": 100, "showscale": False}
    cells |= {"x": list(range(len(result.kinds))), "y": list(range(len(rows))), "xgap": 1, "ygap": 1}
    cells |= {"colorscale": [[0, "#f4f4f4"], [1, "#9ecae1"]], "texttemplate": "%{z}", "textfont": {"color": INK}}
    cells |= {"hovertemplate": "%{z} %<extra></extra>", "name": "probability"}
    shapes = []
    for t, tag in enumerate(result.tags):
        kind = tag.rpartition("-")[2]
        at = result.kinds.index(kind)
        edge = {"color": KIND_COLORS[kind], "width": 3 if kind != "O" else 1}
        shapes.append({"type": "rect", "x0": at - 0.5, "x1": at + 0.5, "y0": t - 0.5, "y1": t + 0.5, "line": edge})
    shown = [names.get(kind, "no name") for kind in result.kinds]
    xaxis = {"tickvals": cells["x"], "ticktext": shown, "side": "top", "tickfont": {"size": 11}, "showgrid": False}
    yaxis = {"tickvals": cells["y"], "ticktext": rows, "autorange": "reversed", "showgrid": False}
    margin = {"l": 104, "r": 8, "t": 30, "b": 4}
    return figure([cells], shapes=shapes, xaxis=xaxis, yaxis=yaxis, margin=margin, height=50 + 25 * len(rows))


def race(
    result: Race,
    last: int,
    y: str,
    *,
    goals: Sequence[float] = (),
    dashed: Sequence[str] = (),
    colors: Sequence[str] = COLORWAY,
    **layout: Any,
) -> go.Figure:
    """A curve for each name with the band from its lowest to its highest start; ``goals`` are dotted levels."""
    traces = []
    for i, name in enumerate(result.names):
        if not np.array_equal(result.low[i], result.high[i]):
            around = np.concatenate([result.steps, result.steps[::-1]])
            outline = np.concatenate([result.high[i], result.low[i][::-1]])
            band = {"mode": "none", "fill": "toself", "fillcolor": colors[i] + "33", "hoverinfo": "skip"}
            traces.append(line(around, outline, f"{name}, all starts", colors[i], showlegend=False, **band))
        style = {"color": colors[i], "dash": "dash" if name in dashed else "solid"}
        hover = f"{name}<br>update %{{x}}: %{{y:.3~f}}<extra></extra>"
        traces.append(
            line(result.steps, result.middle[i], name, colors[i], hovertemplate=hover, showlegend=name not in dashed)
            | {"line": style}
        )
    levels = [
        {"type": "line", "x0": 0, "x1": last, "y0": g, "y1": g, "line": {"color": GREY, "dash": "dot"}} for g in goals
    ]
    layout = {"height": 300, **layout}
    return figure(traces, x="update", y=y, xaxis={"range": [0, last]}, shapes=levels, **layout)


def by_kind(kinds: Sequence[str], values: Mapping[str, Sequence[float]], colors: Sequence[str]) -> go.Figure:
    """F1 of each kind of name, a bar for each network."""
    traces = []
    for (name, scores), color in zip(values.items(), colors, strict=True):
        bar: dict[str, Any] = {"type": "bar", "x": list(kinds), "y": list(scores), "name": name}
        bar |= {"marker": {"color": color}, "text": [f"{v:.0%}" for v in scores], "textposition": "auto"}
        traces.append(bar | {"hovertemplate": f"{name}<br>%{{x}}: %{{y:.1%}}<extra></extra>", "textangle": 0})
    yaxis = {"range": [0, 1.02], "tickformat": ".0%"}
    return figure(traces, x="", y="F1", yaxis=yaxis, barmode="group", height=300)


def unrolled(result: Unrolled) -> go.Figure:
    """Words at the bottom, activations above them, answers on top; what reaches the asked answer is in colour."""
    T, top = len(result.words), 3 if result.both_ways else 2
    arrows: dict[bool, list[tuple[float, float, float, float]]] = {True: [], False: []}
    for t in range(T):
        seen = t <= result.asked
        arrows[seen].append((t, 0, t, 1))
        arrows[t == result.asked].append((t, 1, t, top))
        if t:
            arrows[seen].append((t - 1, 1, t, 1))
        if result.both_ways:
            later = t >= result.asked
            arrows[later].append((t + 0.18, 0, t + 0.18, 2))
            arrows[t == result.asked].append((t + 0.18, 2, t + 0.18, top))
            if t:
                arrows[t > result.asked].append((t + 0.18, 2, t - 0.82, 2))
    traces = [_arrows(arrows[False], GREY, 1.0, 0.45), _arrows(arrows[True], BLUE, 2.5, 1.0)]
    traces += _nodes(result, top)
    words = [html.escape(word[:12]) for word in result.words]
    xaxis = {"tickvals": list(range(T)), "ticktext": words, "tickangle": -45, "range": [-0.6, T - 0.4]}
    rows = ["x", "a→", "a←", "ŷ"] if result.both_ways else ["x", "a→", "ŷ"]
    yaxis = {"tickvals": list(range(top + 1)), "ticktext": rows, "range": [-0.35, top + 0.6]}
    plain = {"showgrid": False, "zeroline": False}
    margin = {"l": 40, "r": 8, "t": 8, "b": 84}
    return figure(
        traces, xaxis=xaxis | plain, yaxis=yaxis | plain, showlegend=False, height=150 + 62 * top, margin=margin
    )


def _arrows(
    ends: Sequence[tuple[float, float, float, float]], color: str, width: float, opacity: float
) -> dict[str, Any]:
    """Arrows from (x0, y0) nearly to (x1, y1) as one trace."""
    x: list[float | None] = []
    y: list[float | None] = []
    for x0, y0, x1, y1 in ends:
        x += [x0 + 0.15 * (x1 - x0), x1 - 0.2 * (x1 - x0), None]
        y += [y0 + 0.15 * (y1 - y0) / abs(y1 - y0 or 1), y1 - 0.2 * (y1 - y0) / abs(y1 - y0 or 1), None]
    head = {"symbol": "arrow", "angleref": "previous", "size": [0, 5 + 2 * width, 0] * len(ends), "color": color}
    more = {"hoverinfo": "skip", "opacity": opacity, "name": "reads"}
    return {"type": "scatter", "mode": "lines+markers", "x": x, "y": y, "marker": head, **more} | {
        "line": {"color": color, "width": width}
    }


def _nodes(result: Unrolled, top: int) -> list[dict[str, Any]]:
    """The units of each row, and the answers with their percentages."""
    T, at = len(result.words), list(range(len(result.words)))
    rows = [(0, GREY, 0.0)] + [(1, ACTIVATIONS, 0.0)] + ([(2, AMBER, 0.18)] if result.both_ways else [])
    traces: list[dict[str, Any]] = []
    for y, color, shift in rows:
        traces.append(
            {"type": "scatter", "mode": "markers", "x": [t + shift for t in at], "y": [y] * T, "name": "units"}
        )
        traces[-1] |= {"marker": {"color": color, "size": 11}, "hovertemplate": "word %{x:.0f}<extra></extra>"}
    edge = [3 if t == result.asked else 1 for t in at]
    marker = {
        "size": 16,
        "color": np.float32(result.probabilities),
        "cmin": 0,
        "cmax": 1,
        "colorscale": fading(BLUE),
    }
    answers: dict[str, Any] = {"type": "scatter", "mode": "markers+text", "x": at, "y": [top] * T, "name": "P(name)"}
    answers |= {"marker": {**marker, "line": {"width": edge, "color": BLUE}}, "textposition": "top center"}
    answers |= {"text": [f"{100 * p:.0f}" for p in result.probabilities], "textfont": {"size": 12}}
    answers |= {"customdata": [html.escape(word) for word in result.words]}
    answers |= {"hovertemplate": "%{customdata}: a name at %{text} %<extra></extra>"}
    return [*traces, answers]


def grid(result: Grid) -> go.Figure:
    """Every unit of every layer at every time, layers from the bottom up; above them the answer, where wrong in brackets."""
    T = len(result.signs)
    gap = np.full((1, T), np.nan, np.float32)
    sheet = [part for layer in result.layers for part in (gap, layer.astype(np.float32))][1:]
    z = np.concatenate(sheet)
    cells: dict[str, Any] = {"type": "heatmap", "z": z.round(2), "zmin": -1, "zmax": 1, "colorscale": DIVERGING}
    cells |= {"colorbar": {"thickness": 10, "outlinewidth": 0, "title": {"text": "a"}}, "name": "activation"}
    cells |= {"hovertemplate": "time %{x}: %{z:.2f}<extra></extra>", "hoverongaps": False, "xgap": 1, "ygap": 1}
    units = len(result.layers[0])
    middles = [k * (units + 1) + (units - 1) / 2 for k in range(len(result.layers))]
    wrong = [a != b for a, b in zip(result.answers, result.truths, strict=True)]
    texts: dict[str, Any] = {"type": "scatter", "mode": "text", "x": list(range(T)), "y": [len(z) + 0.6] * T}
    texts |= {
        "text": [
            f"<b>{a}≠{b}</b>" if no else f"<b>{a}</b>"
            for a, b, no in zip(result.answers, result.truths, wrong, strict=True)
        ]
    }
    texts |= {"textfont": {"size": 14, "color": [VERMILION if no else GREEN for no in wrong]}, "hoverinfo": "skip"}
    texts |= {"name": "answer", "showlegend": False}
    xaxis = {
        "tickvals": list(range(T)),
        "ticktext": list(result.signs),
        "tickangle": 0,
        "tickfont": {"size": 15},
        "zeroline": False,
    }
    ticks = [*middles, len(z) + 0.6]
    names = [*(f"layer {k + 1}" for k in range(len(result.layers))), "ŷ"]
    yaxis = {"tickvals": ticks, "ticktext": names, "showgrid": False, "zeroline": False, "range": [-0.6, len(z) + 1.6]}
    height = 120 + 84 * len(result.layers)
    return figure(
        [cells, texts],
        x="time →",
        xaxis=xaxis | {"showgrid": False},
        yaxis=yaxis,
        height=height,
        margin=SIGNS | {"l": 60},
    )


def by_depth(result: ByDepth, chance: float) -> go.Figure:
    """The held-out accuracy of every start as a dot, their mean as a line, for each network; a dotted line for guessing."""
    traces: list[dict[str, Any]] = []
    for i, (name, values) in enumerate(zip(result.names, result.accuracies, strict=True)):
        at = i + np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.array([float(i)])
        dots = {"type": "scatter", "mode": "markers", "x": at.astype(np.float32), "y": np.float32(values), "name": name}
        dots |= {"marker": {"color": COLORWAY[i], "size": 9}, "hovertemplate": f"{name}: %{{y:.1%}}<extra></extra>"}
        mean = float(np.mean(values))
        level = line([i - 0.3, i + 0.3], [mean, mean], f"{name}, mean", COLORWAY[i], hoverinfo="skip")
        level["line"] |= {"width": 3}
        text = {
            "type": "scatter",
            "mode": "text",
            "x": [i],
            "y": [float(np.max(values))],
            "text": [f"{mean:.1%}"],
            "hoverinfo": "skip",
        }
        traces += [dots, level, text | {"textposition": "top center", "name": "mean"}]
    worst = min(float(np.min(values)) for values in result.accuracies)
    low = min(chance, worst) - 0.05 if worst < NEAR else math.floor(10 * worst - 0.5) / 10
    ticks = [f"{name}<br>{size:,} numbers" for name, size in zip(result.names, result.sizes, strict=True)]
    xaxis = {
        "tickvals": list(range(len(ticks))),
        "ticktext": ticks,
        "range": [-0.5, len(ticks) - 0.5],
        "showgrid": False,
        "zeroline": False,
    }
    guess = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": chance, "y1": chance}
    shapes = [guess | {"line": {"color": GREY, "dash": "dot"}}]
    yaxis = {"range": [low, 1 + 0.15 * (1 - low)], "tickformat": ".0%"}
    return figure(traces, y="held-out accuracy", xaxis=xaxis, yaxis=yaxis, shapes=shapes, showlegend=False, height=300)
