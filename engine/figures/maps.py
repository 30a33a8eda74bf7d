"""A network's answers, maps and progress on pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import image
from engine.figures.theme import BLUE, DEV, GREY, SEQUENTIAL, TRAIN, figure, line
from engine.results import Array
from engine.results.pictures import Answer, Maps, Progress

MOST_MARKED = 40
BARE = {"visible": False, "constrain": "domain"}
TIGHT = {"l": 4, "r": 4, "t": 4, "b": 4}
GLOW = [[0.0, "rgba(213,94,0,0)"], [0.3, "rgba(213,94,0,0.1)"], [1.0, "rgba(255,170,0,0.75)"]]
PAPER = [[0.0, "#f4f4f4"], [1.0, "#1d232b"]]


def answer(result: Answer, *, height: int = 260) -> go.Figure:
    """A bar for each class, the likeliest at the top, its probability written beside it."""
    names = [name if len(name) <= 24 else name[:23] + "…" for name in result.labels]
    at = np.arange(len(names))
    bars: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": result.probabilities,
        "y": at,
        "name": "probability",
    }
    bars |= {"text": [f"{p:.1%}" for p in result.probabilities], "textposition": "outside", "cliponaxis": False}
    bars |= {"marker": {"color": [BLUE] + [GREY] * (len(names) - 1)}, "hovertemplate": "%{x:.2%}<extra></extra>"}
    yaxis = {"autorange": "reversed", "tickvals": at, "ticktext": names, "automargin": True, "showgrid": False}
    xaxis = {"range": [0, 1.18], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}
    return figure(
        [bars], xaxis=xaxis, yaxis=yaxis, showlegend=False, height=height, margin={"l": 30, "r": 8, "t": 8, "b": 28}
    )


def digits(probabilities: Array, truth: int | None = None) -> go.Figure:
    """A bar for each of the ten digits in their own order, the answer in blue, the truth framed."""
    best = int(probabilities.argmax())
    outline = [3 if digit == truth else 0 for digit in range(10)]
    marker = {
        "color": [BLUE if digit == best else GREY for digit in range(10)],
        "line": {"width": outline, "color": DEV},
    }
    bars: dict[str, Any] = {
        "type": "bar",
        "x": np.arange(10),
        "y": probabilities,
        "marker": marker,
        "name": "probability",
    }
    bars |= {"hovertemplate": "digit %{x}: %{y:.2%}<extra></extra>"}
    yaxis = {"range": [0, 1], "tickformat": ".0%"}
    return figure([bars], x="digit", xaxis={"dtick": 1}, yaxis=yaxis, showlegend=False, height=260)


def mosaic(result: Maps, across: int, *, height: int) -> go.Figure:
    """All maps of a layer side by side, each from its own lowest to its own highest value."""
    k, h, w = result.values.shape
    rows = -(-k // across)
    sheet = np.full((rows * (h + 1) - 1, across * (w + 1) - 1), np.nan, np.float32)
    low = result.values.min((1, 2), keepdims=True)
    span = result.values.max((1, 2), keepdims=True) - low
    even = (result.values - low) / np.where(span > 0, span, 1)
    for i in range(k):
        top, left = i // across * (h + 1), i % across * (w + 1)
        sheet[top : top + h, left : left + w] = even[i]
    trace = {"type": "heatmap", "z": sheet.round(2), "colorscale": SEQUENTIAL, "showscale": False, "zmin": 0, "zmax": 1}
    trace |= {"hoverinfo": "skip", "name": result.name}
    return figure(
        [trace], xaxis=BARE, yaxis=BARE | {"autorange": "reversed", "scaleanchor": "x"}, margin=TIGHT, height=height
    )


def paper(values: Array, *, height: int = 260) -> go.Figure:
    """One picture (h, w) in [0, 1] as ink on paper."""
    trace = {"type": "heatmap", "z": values.astype(np.float32), "colorscale": PAPER, "zmin": 0, "zmax": 1}
    trace |= {"showscale": False, "hovertemplate": "%{z:.2f}<extra></extra>", "name": "ink"}
    return figure(
        [trace], xaxis=BARE, yaxis=BARE | {"autorange": "reversed", "scaleanchor": "x"}, margin=TIGHT, height=height
    )


def progress(result: Progress, goal: float | None = None, x: str = "epoch") -> go.Figure:
    """Training cost and held-out accuracy over the course of a training, and the accuracy to reach, if there is one."""
    hover = f"{x} %{{x:.4~g}}<br>%{{y:.3f}}<extra></extra>"
    mode = "lines+markers" if len(result.epochs) <= MOST_MARKED else "lines"
    traces = [
        line(result.epochs, result.cost, "train cost", TRAIN, hovertemplate=hover),
        line(
            result.epochs,
            result.accuracy,
            "held-out accuracy",
            DEV,
            hovertemplate=hover,
            mode=mode,
            yaxis="y2",
        ),
    ]
    shapes = []
    if goal is not None:
        ends = {"x0": 0, "x1": result.last, "y0": goal, "y1": goal, "yref": "y2"}
        shapes.append({"type": "line", **ends, "line": {"color": GREY, "dash": "dot"}})
    second = {"overlaying": "y", "side": "right", "range": [0, 1.02], "showgrid": False}
    second |= {"tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    layout: dict[str, Any] = {
        "yaxis2": second,
        "shapes": shapes,
        "height": 260,
        "margin": {"l": 56, "r": 48, "t": 32, "b": 44},
    }
    return figure(traces, x=x, y="cost J", xaxis={"range": [0, result.last]}, yaxis={"rangemode": "tozero"}, **layout)


def seen(pixels: Array, where: Array | None, height: int = 340) -> go.Figure:
    """A picture (h, w, 3), with where the network looks (a, b), from 0 to 1, laid over it."""
    traces = [image(pixels, 0, 0)]
    if where is not None:
        down, across = pixels.shape[0] / where.shape[0], pixels.shape[1] / where.shape[1]
        glow: dict[str, Any] = {
            "type": "heatmap",
            "z": where.astype(np.float32),
            "zmin": 0,
            "zmax": 1,
            "name": "looked at",
        }
        glow |= {"x0": across / 2, "dx": across, "y0": down / 2, "dy": down, "zsmooth": "best", "showscale": False}
        glow |= {"colorscale": GLOW, "hovertemplate": "%{z:.0%}<extra></extra>"}
        traces.append(glow)
    xaxis = BARE | {"range": [0, pixels.shape[1]]}
    yaxis = BARE | {"range": [pixels.shape[0], 0], "scaleanchor": "x"}
    return figure(traces, xaxis=xaxis, yaxis=yaxis, margin=TIGHT, showlegend=False, height=height)
