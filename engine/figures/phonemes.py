"""Two ways to a word: which words fit, and how often each way is wrong by the clips it learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import AMBER, BLUE, VERMILION, figure, line, points
from engine.results import Array
from engine.results.phonemes import Stages
from engine.training.phonemes import Update

COLORS = {"staged": BLUE, "letters": VERMILION, "lexicon": AMBER}
NAMES = {"staged": "phonemes + lexicon", "letters": "letters", "lexicon": "letters + lexicon"}
MOST_WORDS = 6


def words(result: Stages, names: Sequence[str], truth: str) -> go.Figure:
    """The words that fit best, by phonemes and by letters, the likeliest on top; what was said is in bold."""
    order = np.argsort(-(result.staged + result.direct), kind="stable")[:MOST_WORDS][::-1]
    labels = [f"<b>{names[i]}</b>" if names[i] == truth else names[i] for i in order]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "x": values[order].astype(np.float32),
            "y": labels,
            "name": NAMES[way],
            "marker": {"color": COLORS[way]},
            "hovertemplate": f"{NAMES[way]}: %{{x:.1%}}<extra></extra>",
        }
        for way, values in (("lexicon", result.direct), ("staged", result.staged))
    ]
    xaxis = {"range": [0, 1.02], "tickformat": ".0%"}
    legend = {"traceorder": "reversed"}
    margin = {"l": 84, "r": 12, "t": 32, "b": 44}
    return figure(traces, x="share of the fit", xaxis=xaxis, barmode="group", legend=legend, height=300, margin=margin)


def by_data(
    sizes: Sequence[int], found: Mapping[str, Array], now: tuple[int, Mapping[str, float]] | None, at: int
) -> go.Figure:
    """Words wrong (sizes, seeds) of each way by the clips learned from: mean, band from best to worst, and what is new."""
    traces: list[dict[str, Any]] = []
    for way, errors in found.items():
        around = np.concatenate([sizes, sizes[::-1]])
        outline = np.concatenate([errors.max(1), errors.min(1)[::-1]])
        band = {"fill": "toself", "opacity": 0.2, "mode": "none", "fillcolor": COLORS[way], "showlegend": False}
        traces.append(
            line(around, np.float32(outline), f"{NAMES[way]}, band", COLORS[way], hoverinfo="skip", **{**band})
        )
        hover = f"{NAMES[way]}, %{{x}} clips: %{{y:.1%}} wrong<extra></extra>"
        traces.append(
            line(
                list(sizes),
                np.float32(errors.mean(1)),
                NAMES[way],
                COLORS[way],
                mode="lines+markers",
                hovertemplate=hover,
            )
        )
    size, here = now or (0, {})
    for way, error in here.items():
        hover = f"{NAMES[way]}, trained here: %{{y:.1%}} wrong<extra></extra>"
        star = {"size": 15, "symbol": "star"}
        traces.append(
            points(
                [size], [error], f"{NAMES[way]} here", COLORS[way], marker=star, hovertemplate=hover, showlegend=False
            )
        )
    level: dict[str, Any] = {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1}
    level |= {"line": {"color": "#808080", "dash": "dot"}}
    xaxis = {"type": "log", "tickvals": list(sizes), "ticktext": [f"{size:,}" for size in sizes]}
    yaxis = {"range": [-0.02, 1.02], "tickformat": ".0%"}
    return figure(
        traces, x="clips to learn from", y="words wrong", xaxis=xaxis, yaxis=yaxis, shapes=[level], height=340
    )


def costs(staged: Sequence[Update], direct: Sequence[Update], last: int) -> go.Figure:
    """The cost of both networks over the course of their trainings, one after the other."""
    hover = "%{x} updates<br>J = %{y:.3f}<extra></extra>"
    traces = [
        line(
            [now.update for now in history],
            np.array([now.cost for now in history], np.float32),
            name,
            color,
            mode="lines+markers",
            hovertemplate=hover,
        )
        for name, color, history in (("a frame's phoneme", BLUE, staged), ("letters, CTC", VERMILION, direct))
    ]
    xaxis, yaxis = {"range": [0, last]}, {"rangemode": "tozero"}
    return figure(traces, x="update", y="cost J", xaxis=xaxis, yaxis=yaxis, height=300)
