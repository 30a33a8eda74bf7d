"""Curves over the course of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import COLORWAY, DEV, TRAIN, figure, line
from engine.results.curves import LayerSpread, LossCurves, Race


def cost(result: LossCurves, last: int, marks: Sequence[dict[str, Any]] = ()) -> go.Figure:
    """Training and dev cost against the number of updates, on an axis that reaches to the ``last`` from the start.

    ``marks`` are more traces to lay over them.
    """
    hover = {"hovertemplate": "step %{x}<br>J = %{y:.4f}"}
    traces = [
        line(result.steps, result.train, "train", TRAIN, **hover),
        line(result.steps, result.dev, "dev", DEV, **hover),
    ]
    return figure([*traces, *marks], x="step", y="cost J", xaxis={"range": [0, last]}, yaxis={"rangemode": "tozero"})


def race(result: Race, last: float, colors: Mapping[str, str] | None = None, **layout: Any) -> go.Figure:
    """One curve for each run, on a log axis of cost, with its band where it has one; a run that overflowed just ends."""
    traces = []
    for i, name in enumerate(result.names):
        color = (colors or {}).get(name, COLORWAY[i % len(COLORWAY)])
        if result.low is not None and result.high is not None:
            outline = np.concatenate([result.high[i], result.low[i][::-1]])
            around = np.concatenate([result.steps, result.steps[::-1]])
            band = {"fill": "toself", "opacity": 0.2, "mode": "none", "fillcolor": color, "showlegend": False}
            traces.append(line(around, outline, f"{name}, band", color, hoverinfo="skip", **{**band}))
        hover = f"{name}<br>step %{{x}}<br>J = %{{y:.4g}}<extra></extra>"
        traces.append(line(result.steps, result.cost[i], name, color, hovertemplate=hover))
    yaxis = {"type": "log", "exponentformat": "power", "nticks": 6, **layout.pop("yaxis", {})}
    return figure(traces, x=layout.pop("x", "step"), y="cost J", xaxis={"range": [0, last]}, yaxis=yaxis, **layout)


def spread(result: LayerSpread, y: str, color: str) -> go.Figure:
    """A box for each layer: half of the numbers lie in it, nine tenths between its whiskers."""
    low, q1, median, q3, high = result.quantiles.T
    boxes = {"type": "box", "name": y, "x": np.arange(1, len(median) + 1), "q1": q1, "median": median, "q3": q3}
    boxes |= {"lowerfence": low, "upperfence": high, "marker": {"color": color}, "line": {"color": color}}
    boxes |= {"hoverinfo": "y", "showlegend": False}
    return figure([boxes], x="layer", y=y, xaxis={"dtick": 1}, height=260)
