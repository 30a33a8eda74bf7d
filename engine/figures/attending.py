"""Attention over a written date: where every output looks, what it says, and what the looking costs."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, DIVERGING, GREEN, GREY, MARK, VERMILION, fading, figure, line, points
from engine.results import Array
from engine.results.attending import SYMBOLS, Aligned, Growth, Heads, Learned

# From nearly nothing, which shows either theme's ground, to the strong.
LOOKS = [[0.0, "rgba(43,123,186,0.07)"], [0.15, "rgba(43,123,186,0.35)"], [0.5, "rgba(43,123,186,0.7)"], [1.0, BLUE]]
BETWEEN = 2  # places left empty between two maps
COLORS = (VERMILION, BLUE, GREEN)
QUIET: dict[str, Any] = {"ticks": "", "showgrid": False, "zeroline": False}


def shown(letters: Sequence[str]) -> list[str]:
    """Letters as they stand on an axis."""
    return ["␣" if letter == " " else html.escape(letter) for letter in letters]


def _axis(labels: Sequence[str], title: str = "", size: int = 11, down: bool = False) -> dict[str, Any]:
    """An axis with a label for every place, from 1."""
    ends = [0.5, len(labels) + 0.5]
    ticks = {"tickvals": list(range(1, len(labels) + 1)), "ticktext": list(labels), "tickangle": 0}
    return {
        **QUIET,
        **ticks,
        "tickfont": {"size": size},
        "range": ends[::-1] if down else ends,
        "title": {"text": title},
    }


def _heatmap(z: Array, scale: Any, high: float = 1.0, low: float = 0.0) -> dict[str, Any]:
    colors = {"colorscale": scale, "zmin": low, "zmax": high, "showscale": False}
    return {"type": "heatmap", "z": np.asarray(z, np.float32), "x0": 1, "y0": 1, "xgap": 1, "ygap": 1, **colors}


def _frame(x: float, y: float, color: str, **place: Any) -> dict[str, Any]:
    box = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return {**box, "line": {"color": color, "width": 3}, **place}


def attention(result: Aligned, t: int, at: int) -> go.Figure:
    """Rows are what is written, columns what is read; every row's sum stands at its end, and red frames are overwritten."""
    Ty, Tx = result.alpha.shape
    cells = _heatmap(result.alpha, LOOKS) | {"name": "α"}
    cells["hovertemplate"] = "output %{y}, letter %{x}<br>α = %{z:.4f}<extra></extra>"
    if Tx <= 12:
        cells |= {"texttemplate": "%{z:.2f}", "textfont": {"size": 10}}
    sums = [
        {"x": 1.0, "xref": "paper", "xanchor": "left", "y": y, "text": f" {total:.3f}", "showarrow": False}
        | {"font": {"size": 11}}
        for y, total in enumerate(result.alpha.sum(1, dtype=np.float64).tolist(), start=1)
    ]
    head = {"x": 1.0, "xref": "paper", "xanchor": "left", "y": 1.0, "yref": "paper", "yanchor": "bottom"}
    sums.append({**head, "text": " Σ of row", "showarrow": False, "font": {"size": 11}, "xshift": -14})
    shapes = [_frame(x, y, MARK) for y, x in sorted(result.edits)]
    shapes.append(_frame(at, t, GREY, line={"color": GREY, "width": 2, "dash": "dot"}))
    return figure(
        [cells],
        xaxis=_axis(shown(result.letters), "read: t'", 10 if Tx > 24 else 13),
        yaxis=_axis(result.written, "written: t", 13, down=True),
        shapes=shapes,
        annotations=sums,
        height=80 + 28 * Ty,
        margin={"l": 52, "r": 44, "t": 22, "b": 44},
        dragmode=False,
        showlegend=False,
    )


def row(result: Aligned, t: int) -> go.Figure:
    """One output's weights: the network's own, and those used where they differ."""
    x = np.arange(1, len(result.letters) + 1, dtype=np.int16)
    hover = "letter %{x}: α = %{y:.4f}<extra>%{fullData.name}</extra>"
    own, used = result.own[t - 1], result.alpha[t - 1]
    traces = [
        {"type": "bar", "x": x, "y": own, "name": "network's own", "marker": {"color": BLUE}, "hovertemplate": hover}
    ]
    if np.abs(own - used).max() > 1e-6:
        bar: dict[str, Any] = {"type": "bar", "x": x, "y": used, "name": "used, overwritten", "marker": {"color": MARK}}
        traces.append({**bar, "hovertemplate": hover})
    return figure(
        traces,
        xaxis=_axis(shown(result.letters), f"output {t} writes “{result.written[t - 1]}”", 10 if len(x) > 24 else 13),
        yaxis={"title": {"text": f"α⟨{t},t'⟩"}, "range": [0, 1.03]},
        height=270,
        margin={"l": 52, "r": 8, "t": 28, "b": 48},
        bargap=0.15,
        showlegend=True,
        dragmode=False,
    )


def chances(result: Aligned, untouched: Aligned | None = None) -> go.Figure:
    """Every character's probability at every output, in percent; frames are what is written where it differs."""
    z = result.chances.T
    cells = _heatmap(z, fading(GREEN), 1.3) | {"name": "P"}
    texts = [["" if p < 0.005 else f"{100 * p:.0f}" for p in line_of] for line_of in z.tolist()]
    cells |= {"text": texts, "texttemplate": "%{text}", "textfont": {"size": 11}}
    cells["hovertemplate"] = "output %{x}: %{z:.2%}<extra></extra>"
    was = untouched.written if untouched else result.written
    changed = [t for t, symbol in enumerate(result.written) if t >= len(was) or was[t] != symbol]
    return figure(
        [cells],
        xaxis=_axis(result.written, "written", 13),
        yaxis=_axis(SYMBOLS, "", 12, down=True),
        shapes=[_frame(t + 1, SYMBOLS.index(result.written[t]) + 1, MARK) for t in changed],
        height=340,
        margin={"l": 40, "r": 8, "t": 8, "b": 44},
        dragmode=False,
        showlegend=False,
    )


def growth(result: Growth) -> go.Figure:
    """Work by length, each as a multiple of what the shortest takes: dashed as counted, points as measured."""
    traces = []
    for name, color in zip(result.counted, COLORS, strict=False):
        pairs, spent = result.counted[name], result.measured[name]
        told = {"customdata": np.stack([pairs, spent], 1).astype(np.float32)}
        hover = f"{name}, T = %{{x}}<br>%{{customdata[0]:,.0f}} counted, %{{customdata[1]:.3g}} ms<extra></extra>"
        dashed = line(
            result.lengths, (pairs / pairs[0]).astype(np.float32), name, color, hoverinfo="skip", showlegend=False
        )
        traces.append(dashed | {"line": {"color": color, "dash": "dash", "width": 1.5}})
        traces.append(
            points(result.lengths, (spent / spent[0]).astype(np.float32), name, color, hovertemplate=hover, **told)
            | {"mode": "lines+markers", "line": {"color": color, "width": 2}}
        )
    power = {"type": "log", "exponentformat": "power", "dtick": 1}
    ticks = {"tickvals": result.lengths, "ticktext": [f"{T:g}" for T in result.lengths.tolist()]}
    return figure(
        traces,
        x="letters T",
        y="times the work at the start",
        xaxis={"type": "log", **ticks},
        yaxis=power,
        height=320,
        margin={"l": 62, "r": 12, "t": 40, "b": 44},
    )


def learning(history: Sequence[Learned], last: int) -> go.Figure:
    """The share of held-out dates that come out exact, and the cost, by update."""
    steps = np.array([moment.step for moment in history], np.float32)
    cost, exact = (np.array([getattr(moment, name) for moment in history], np.float32) for name in ("cost", "exact"))
    traces = [
        line(steps, exact, "held-out exact", BLUE, hovertemplate="update %{x}: %{y:.1%} exact<extra></extra>"),
        line(steps, cost, "cost J", GREY, yaxis="y2", hovertemplate="update %{x}: J = %{y:.3f}<extra></extra>"),
    ]
    right = {"overlaying": "y", "side": "right", "showgrid": False, "title": {"text": "cost J"}}
    right |= {"range": [-0.05, 2.6], "tickmode": "linear", "tick0": 0, "dtick": 0.5}
    return figure(
        traces,
        x="update",
        y="exact",
        xaxis={"range": [0, last]},
        yaxis={"range": [-0.02, 1.03], "tickformat": ".0%"},
        yaxis2=right,
        height=270,
        margin={"l": 56, "r": 56, "t": 32, "b": 44},
    )


def heads(result: Heads) -> go.Figure:
    """Every head's weights, two side by side; a head that is switched off is pale, and what is hidden is empty.

    All stand on one plane, so that a point says whose it is: see :func:`head_at`.
    """
    count, Ty, Tx = result.alpha.shape
    traces, notes = [], []
    deep, wide = (room + BETWEEN for room in result.room)
    for number in range(count):
        x0, y0 = (number % 2) * wide, (number // 2) * deep
        z = np.where(result.hidden, np.nan, result.alpha[number]).astype(np.float32)
        off = number in result.off
        trace = _heatmap(z, LOOKS) | {"xgap": 0, "ygap": 0, "x0": x0 + 1, "y0": y0 + 1, "hoverongaps": False}
        trace |= {"name": f"head {number + 1}", "opacity": 0.25 if off else 1.0}
        traces.append(trace | {"hovertemplate": f"head {number + 1}: α = %{{z:.3f}}<extra></extra>"})
        text = f"<b>Head {number + 1}</b>{', off' if off else ''}"
        place = {"x": x0 + 0.5, "xanchor": "left", "y": y0 + 0.4, "yanchor": "bottom"}
        notes.append({**place, "text": text, "showarrow": False, "font": {"size": 12}})
    axes = [
        _twice(result.columns, wide, 7 if Tx > 24 else 8 if Tx > 12 else 11) | {"range": [0.5, wide + Tx + 0.5]},
        _twice(result.rows, deep, 7 if Ty > 24 else 9 if Ty > 12 else 11)
        | {"range": [(deep if count > 2 else 0) + Ty + 0.5, -0.8]},
    ]
    return figure(
        traces,
        xaxis=axes[0],
        yaxis=axes[1],
        annotations=notes,
        height=min(900, round(70 + (22 if Ty < 14 else 11) * (deep + Ty))),
        margin={"l": 30, "r": 6, "t": 4, "b": 24},
        dragmode=False,
        showlegend=False,
    )


def _twice(labels: Sequence[str], apart: int, size: int) -> dict[str, Any]:
    """The labels of two blocks on one axis."""
    axis = _axis(shown(labels), "", size)
    places, texts = axis["tickvals"], axis["ticktext"]
    return {**axis, "tickvals": [*places, *(place + apart for place in places)], "ticktext": [*texts, *texts]}


def head_at(x: float, y: float, room: tuple[int, int]) -> int:
    """Whose map a point of :func:`heads` lies in, from 0."""
    down, across = (int(at > size + BETWEEN / 2) for at, size in zip((y, x), room, strict=True))
    return 2 * down + across


def waves(values: Array) -> go.Figure:
    """What is added to a letter's vector, by place and number of the vector."""
    cells = _heatmap(values, DIVERGING, 1.0, -1.0) | {"xgap": 0, "ygap": 0, "x0": 0, "y0": 1}
    cells["hovertemplate"] = "place %{y}, number %{x}: %{z:.3f}<extra></extra>"
    return figure(
        [cells],
        x="number of the vector",
        y="place",
        yaxis={**QUIET, "autorange": "reversed"},
        xaxis=QUIET,
        height=270,
        margin={"l": 48, "r": 8, "t": 8, "b": 44},
        dragmode=False,
    )


def mask(allowed: Array, labels: Sequence[str]) -> go.Figure:
    """Who may look where as the answer is written: filled where a row may look at a column."""
    cells = _heatmap(allowed.astype(np.float32), fading(BLUE))
    cells["hovertemplate"] = "step %{y} looks at %{x}: %{z}<extra></extra>"
    return figure(
        [cells],
        xaxis=_axis(shown(labels), "looked at", 12),
        yaxis=_axis(shown(labels), "looking", 12, down=True),
        height=270,
        margin={"l": 60, "r": 8, "t": 8, "b": 44},
        dragmode=False,
    )


def bars(shares: Mapping[str, float], title: str) -> go.Figure:
    """A share for each name, the number at its bar."""
    names = list(shares)
    trace: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": np.array(list(shares.values()), np.float32),
    }
    trace |= {"text": [f"{share:.1%}" for share in shares.values()], "textposition": "outside", "cliponaxis": False}
    trace |= {
        "marker": {"color": [GREY, BLUE, VERMILION][: len(names)]},
        "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
    }
    return figure(
        [trace],
        x=title,
        xaxis={"range": [0, 1.2], "tickvals": [0, 0.5, 1], "tickformat": ".0%"},
        yaxis={"autorange": "reversed", "automargin": True},
        height=210,
        margin={"l": 90, "r": 12, "t": 8, "b": 44},
    )
