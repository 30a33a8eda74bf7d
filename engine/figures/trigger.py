"""A listener for one word drawn: the clip in its parts, the probability, and what happens on held-out clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.audio import envelope
from engine.figures.theme import CURVE, DEV, GREEN, GREY, MARK, PATH, TRAIN, figure, line, points
from engine.models.trigger import FRAME_SECONDS
from engine.results import Array
from engine.results.trigger import Rates
from engine.training.trigger import Update

MOST_POINTS = 1000
SHADE, DIM = "#009e7340", "#80808030"
LEAST_REACH = 0.02  # of full scale: what a panel shows at least
PANEL = 92  # pixels
TALLEST = 0.05  # the threshold whose false alarms still fit into the figure


def parts(
    sounds: Mapping[str, Array], rate: int, words: Sequence[tuple[str, float, float, bool]], fired: Sequence[float]
) -> go.Figure:
    """Waves (n,) one over the other, each on its own scale, with the words (name, from, to in s, trigger) and firings in s."""
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    high = 1 / len(sounds)
    for i, (name, samples) in enumerate(sounds.items()):
        y, step = envelope(samples)
        axis = f"y{i + 1}" if i else "y"
        hover = f"{name} at %{{x:.2f}} s: %{{y:.3f}}<extra></extra>"
        trace = line(None, np.float32(y), name, CURVE, x0=0, dx=step / rate, yaxis=axis, hovertemplate=hover)
        traces.append(trace | {"line": {"color": CURVE, "width": 1}})
        reach = 1.1 * max(LEAST_REACH, float(np.abs(samples).max(initial=0)))
        domain = [1 - (i + 0.94) * high, 1 - i * high]
        layout[f"yaxis{i + 1}" if i else "yaxis"] = {
            "title": {"text": name},
            "range": [-reach, reach],
            "domain": domain,
            "nticks": 3,
        }
        last, top = axis, reach
    names = [
        {"x": (a + b) / 2, "y": (0.85, -0.85)[i % 2] * top, "text": word} for i, (word, a, b, _) in enumerate(words)
    ]
    label = {"yref": last, "showarrow": False, "font": {"size": 11}}
    shapes = [_span(a, b, SHADE if trigger else DIM) for _, a, b, trigger in words] + [_moment(t) for t in fired]
    seconds = max(len(samples) for samples in sounds.values()) / rate
    return figure(
        traces,
        **layout,
        xaxis={"title": {"text": "time (s)"}, "range": [0, seconds], "anchor": last},
        annotations=[{**name, **label} for name in names],
        shapes=shapes,
        showlegend=False,
        height=PANEL * len(sounds) + 80,
        margin={"l": 72, "r": 12, "t": 8, "b": 44},
    )


def probability(p: Array, label: Array | None, threshold: float, fired: Sequence[float]) -> go.Figure:
    """p (T,) of the word having just ended, the labels if they are known, the threshold, and where it fires, in s."""
    every = -(-len(p) // MOST_POINTS)
    starts = np.arange(0, len(p), every)
    time = {"x0": FRAME_SECONDS * (every + 1) / 2, "dx": FRAME_SECONDS * every}
    traces = []
    if label is not None:
        area = {"fill": "tozeroy", "fillcolor": SHADE, "hoverinfo": "skip", **time}
        shown = np.maximum.reduceat(label, starts).astype(np.uint8)
        traces.append(
            line(None, shown, "label", GREEN, **area) | {"line": {"color": GREEN, "width": 1, "shape": "hvh"}}
        )
    said = np.maximum.reduceat(p, starts).astype(np.float32)
    traces.append(line(None, said, "probability", PATH, hovertemplate="%{x:.2f} s: %{y:.3f}<extra></extra>", **time))
    hover = {"hovertemplate": "fires at %{x:.2f} s<extra></extra>", "marker": {"size": 10}}
    traces.append(points(list(fired), [threshold] * len(fired), "fires", MARK, **hover))
    level: dict[str, Any] = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold}
    level |= {"line": {"color": GREY, "dash": "dash"}}
    xaxis, yaxis = {"range": [0, len(p) * FRAME_SECONDS]}, {"range": [0, 1.05]}
    margin = {"l": 72, "r": 12, "t": 32, "b": 44}
    return figure(
        traces, x="time (s)", y="probability", xaxis=xaxis, yaxis=yaxis, shapes=[level], height=260, margin=margin
    )


def detected(found: Rates, at: int) -> go.Figure:
    """The share of held-out trigger words found, by the threshold; the one in use is marked."""
    return _by_threshold(
        found.threshold, found.detected, at, "words detected", ".1%", {"range": [0, 1.04], "tickformat": ".0%"}
    )


def alarms(found: Rates, at: int) -> go.Figure:
    """False alarms an hour, by the threshold; the one in use is marked. Very low thresholds may lie above the figure."""
    most = max(10.0, 1.2 * float(found.alarms[found.threshold >= TALLEST].max()), 1.2 * float(found.alarms[at]))
    return _by_threshold(found.threshold, found.alarms, at, "false alarms an hour", ".1f", {"range": [0, most]})


def cost(history: Sequence[Update], last: int) -> go.Figure:
    """The mean cost of a frame over the course of a training."""
    hover = {"hovertemplate": "update %{x}<br>J = %{y:.4f}<extra></extra>"}
    costs = np.array([now.cost for now in history], np.float32)
    trace = line([now.update for now in history], costs, "train", TRAIN, mode="lines+markers", **hover)
    xaxis, yaxis = {"range": [0, last]}, {"rangemode": "tozero"}
    return figure([trace], x="update", y="cost J", xaxis=xaxis, yaxis=yaxis, height=260, showlegend=False)


def _by_threshold(threshold: Array, y: Array, at: int, name: str, digits: str, yaxis: dict[str, Any]) -> go.Figure:
    hover = f"threshold %{{x:g}}: %{{y:{digits}}}<extra></extra>"
    traces = [
        line(np.float32(threshold), np.float32(y), name, DEV, hovertemplate=hover),
        points([threshold[at]], [y[at]], "in use", MARK, marker={"size": 11}, hovertemplate=hover),
    ]
    margin = {"l": 64, "r": 12, "t": 8, "b": 44}
    xaxis = {"range": [0, 1]}
    return figure(traces, x="threshold", y=name, xaxis=xaxis, yaxis=yaxis, showlegend=False, height=260, margin=margin)


def _span(start: float, end: float, color: str) -> dict[str, Any]:
    corners = {"x0": start, "x1": end, "yref": "paper", "y0": 0, "y1": 1}
    return {"type": "rect", **corners, "fillcolor": color, "line": {"width": 0}, "layer": "below"}


def _moment(at: float) -> dict[str, Any]:
    corners = {"x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1}
    return {"type": "line", **corners, "line": {"color": MARK, "width": 2}}
