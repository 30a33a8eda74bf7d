"""The colours of a picture as a cloud, and what distortions do to a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import BARE, HIDDEN, image
from engine.figures.theme import CURVE, GREEN, GREY, PATH, VERMILION, figure, line, points
from engine.results import Array
from engine.results.augmentation import ColorCloud, Gains

RED, LEAF, SEA = "#d55e00", "#009e73", "#0072b2"
# Red to the right, blue upwards, green into the depth.
VIEW = np.array([[1.0, 0.0], [0.42, 0.34], [0.0, 1.0]])
SUBSCRIPTS = "₁₂₃"
AXES = (VERMILION, PATH, GREEN)


def cloud(result: ColorCloud, before: Array) -> go.Figure:
    """Pixels in the cube of red, green and blue, each in its own colour, and their axes, two deviations to either side.

    A line leads to their mean, a diamond, from where it was ``before`` (3,), an open one.
    """
    traces = [_cube(), _names()]
    x, y = (result.pixels @ VIEW).astype(np.float32).T
    levels = np.clip(result.pixels * 255, 0, 255).round().astype(int)
    colors = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in levels.tolist()]
    hover = [f"R {r}, G {g}, B {b}" for r, g, b in levels.tolist()]
    marker = {"color": colors, "size": 5, "line": {"width": 0.4, "color": GREY}}
    traces.append(points(x, y, "pixels", GREY, marker=marker, text=hover, hoverinfo="text", showlegend=False))
    for k, color in enumerate(AXES):
        reach = 2 * np.sqrt(result.values[k]) * result.axes[:, k]
        ends = (np.stack([result.mean - reach, result.mean + reach]) @ VIEW).astype(np.float32)
        name = f"σ{SUBSCRIPTS[k]} {np.sqrt(result.values[k]):.3f}"
        parts = ", ".join(f"{part:+.2f}" for part in result.axes[:, k] + 0.0)
        hover_axis = f"axis {k + 1}: ({parts})<extra></extra>"
        traces.append(
            line(ends[:, 0], ends[:, 1], name, color, hovertemplate=hover_axis) | {"line": {"color": color, "width": 4}}
        )
    moved = (np.stack([before, result.mean]) @ VIEW).astype(np.float32)
    marker = {
        "size": 11,
        "color": GREY,
        "symbol": ["diamond-open", "diamond"],
        "line": {"width": 1.5, "color": "white"},
    }
    arrow = {"mode": "lines+markers", "marker": marker, "hoverinfo": "skip", "showlegend": False}
    traces.append(line(moved[:, 0], moved[:, 1], "mean", GREY, **arrow) | {"line": {"color": GREY, "width": 3}})
    hidden = {"visible": False, "constrain": "domain"}
    yaxis = {**hidden, "range": [-0.15, 1.4], "scaleanchor": "x"}
    return figure(traces, xaxis={**hidden, "range": [-0.15, 1.55]}, yaxis=yaxis, height=340)


def _cube() -> dict[str, Any]:
    """The twelve edges of the cube as one line with gaps."""
    corners = [(r, g, b) for r in (0, 1) for g in (0, 1) for b in (0, 1)]
    x: list[float | None] = []
    y: list[float | None] = []
    for i, one in enumerate(corners):
        for other in corners[i + 1 :]:
            if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
                ends = np.array([one, other]) @ VIEW
                x += [*ends[:, 0].tolist(), None]
                y += [*ends[:, 1].tolist(), None]
    return line(x, y, "cube", GREY, hoverinfo="skip", showlegend=False) | {"line": {"color": GREY, "width": 1}}


def _names() -> dict[str, Any]:
    """R, G and B beside the middle of an edge each."""
    text = {"type": "scatter", "mode": "text", "text": ["R", "G", "B"], "textfont": {"color": [RED, LEAF, SEA]}}
    return text | {
        "x": [0.5, 1.27, -0.07],
        "y": [-0.08, 0.13, 0.5],
        "hoverinfo": "skip",
        "showlegend": False,
        "name": "names",
    }


def learning(result: Gains, last: int) -> go.Figure:
    """Dev accuracy without distortions and with all of them: the mean over the seeds in its band from worst to best."""
    traces = []
    for arm, color in ((0, CURVE), (len(result.names) - 1, PATH))[: len(result.names)]:
        traces += _banded(result.steps, result.accuracy[arm], result.names[arm], color)
    yaxis = {"range": [0, 1.02], "tickformat": ".0%"}
    return figure(traces, x="step", y="dev accuracy", xaxis={"range": [0, last]}, yaxis=yaxis, height=320)


def _banded(steps: Array, accuracy: Array, name: str, color: str) -> list[dict[str, Any]]:
    around = np.concatenate([steps, steps[::-1]])
    edge = np.concatenate([accuracy.max(0), accuracy.min(0)[::-1]])
    band = {"mode": "none", "fill": "toself", "fillcolor": color, "opacity": 0.25, "showlegend": False}
    hover = f"{name}<br>step %{{x}}: %{{y:.1%}}<extra></extra>"
    return [
        line(around, edge, f"{name}, band", color, hoverinfo="skip") | band,
        line(steps, accuracy.mean(0), name, color, hovertemplate=hover),
    ]


def lessons(rows: Array, names: Sequence[str]) -> go.Figure:
    """Pictures (k, n, h, w, 3) in k rows, with the names of the n columns above them."""
    k, n, h, w, _ = rows.shape
    sheet = np.zeros((k, h + 1, n, w + 1, 4), np.uint8)  # a pixel between two of them stays transparent
    sheet[:, :h, :, :w, :3] = rows.transpose(0, 2, 1, 3, 4)
    sheet[:, :h, :, :w, 3] = 255
    text: dict[str, Any] = {"type": "scatter", "mode": "text", "text": list(names), "hoverinfo": "skip"}
    text |= {"name": "classes", "x": (w + 1) * np.arange(n) + w / 2, "y": np.full(n, -h / 3), "textfont": {"size": 12}}
    traces = [image(sheet.reshape(k * (h + 1), n * (w + 1), 4), 0, 0), text]
    xaxis = {**HIDDEN, "range": [0, n * (w + 1) - 1]}
    yaxis = {**HIDDEN, "range": [k * (h + 1), -0.7 * h], "scaleanchor": "x"}
    return figure(traces, xaxis=xaxis, yaxis=yaxis, showlegend=False, margin=BARE, height=220)


def gains(result: Gains) -> go.Figure:
    """How many points of dev accuracy each distortion wins or loses: a bar for the mean, a dot for each seed."""
    won, names = 100 * result.gains[1:], list(result.names[1:])
    mean = won.mean(1) if len(names) else np.zeros(0)
    colors = [GREEN if gain >= 0 else VERMILION for gain in mean]
    reach = 10 * max(1, int(np.ceil(np.abs(won).max(initial=0) / 10)))
    bars = {"type": "bar", "orientation": "h", "x": mean.astype(np.float32), "y": names, "marker": {"color": colors}}
    bars |= {"name": "mean", "opacity": 0.75, "hovertemplate": "%{y}: %{x:+.1f} points<extra></extra>"}
    seeds = points(
        won.flatten().astype(np.float32),
        np.repeat(names, won.shape[1]).tolist(),
        "each seed",
        GREY,
        marker={"size": 7, "line": {"width": 1, "color": "white"}},
        hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
    )
    xaxis = {"range": [-reach, reach], "zeroline": True}
    margin = {"l": 96, "r": 12, "t": 12, "b": 44}
    layout: dict[str, Any] = {"yaxis": {"autorange": "reversed"}, "showlegend": False, "margin": margin, "height": 320}
    return figure([bars, seeds], x="points of dev accuracy", xaxis=xaxis, **layout)
