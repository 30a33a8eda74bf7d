"""Curves over the course of a training."""

from __future__ import annotations

import plotly.graph_objects as go

from engine.figures.theme import DEV, TRAIN, figure, line
from engine.results.curves import LossCurves


def cost(result: LossCurves, last: int) -> go.Figure:
    """Training and dev cost against the number of updates, on an axis that reaches to the ``last`` from the start."""
    hover = {"hovertemplate": "step %{x}<br>J = %{y:.4f}"}
    traces = [
        line(result.steps, result.train, "train", TRAIN, **hover),
        line(result.steps, result.dev, "dev", DEV, **hover),
    ]
    return figure(traces, x="step", y="cost J", xaxis={"range": [0, last]}, yaxis={"rangemode": "tozero"})
