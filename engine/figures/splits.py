"""Three parts of a set, and what is measured on one of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, DEV, GREEN, GREY, MARK, TRAIN, figure, line, points
from engine.results.splits import DevSets, Wander

COLORS = {"train": TRAIN, "dev": DEV, "test": GREEN}
BINS, SHOWN = 41, 60
LOW = 300


def parts(counts: Mapping[str, tuple[int, int, int]], chosen: str) -> go.Figure:
    """A bar for each way to split a set, cut into its three parts; the chosen one in full colour."""
    names = list(counts)
    opacity = [1.0 if name == chosen else 0.4 for name in names]
    traces = []
    for part, (name, color) in enumerate(COLORS.items()):
        sizes = [counts[split][part] for split in names]
        shares = [size / sum(counts[split]) for size, split in zip(sizes, names, strict=True)]
        bars = {"type": "bar", "orientation": "h", "name": name, "x": shares, "y": names, "customdata": sizes}
        hover = f"%{{y}}: %{{customdata:,}} {name} (%{{x:.2%}})<extra></extra>"
        traces.append({**bars, "marker": {"color": color, "opacity": opacity}, "hovertemplate": hover})
    yaxis = {"autorange": "reversed", "type": "category"}
    xaxis = {"range": [0, 1], "tickformat": ".0%"}
    return figure(
        traces, x="share of the examples", barmode="stack", xaxis=xaxis, yaxis=yaxis, height=LOW, margin={"l": 112}
    )


def histogram(result: DevSets) -> go.Figure:
    """The errors that all redrawn dev sets measure, with the true one marked."""
    wrong = np.rint(result.error * result.n)
    # Whole numbers of wrong answers to a bin, the same to each, or bins would differ by chance.
    width = np.ceil((np.ptp(wrong) + 1) / BINS)
    counts, edges = np.histogram(wrong, np.arange(wrong.min() - 0.5, wrong.max() + width + 0.5, width))
    shares = (counts / counts.sum()).astype(np.float32)
    bars = {"type": "bar", "name": "dev estimates", "x": (edges[1:] + edges[:-1]) / 2 / result.n, "y": shares}
    bars |= {"marker": {"color": DEV}, "hovertemplate": "about %{x:.2%}: %{y:.1%} of the dev sets<extra></extra>"}
    mark = line([result.truth] * 2, [0, float(shares.max())], "true error", GREY, hoverinfo="skip")
    xaxis = {"tickformat": ".1~%", "nticks": 6}
    return figure([bars, mark], x="measured error", y="share", xaxis=xaxis, bargap=0.05, height=LOW)


def intervals(result: DevSets) -> go.Figure:
    """The first dev sets' intervals; those that miss the true error stand out."""
    at = np.arange(1, min(SHOWN, len(result.error)) + 1)
    traces = []
    for name, color, among in (("holds it", BLUE, result.held), ("misses it", MARK, ~result.held)):
        chosen = np.flatnonzero(among[: len(at)])
        error = result.error[chosen]
        bars = {"type": "data", "symmetric": False, "array": result.high[chosen] - error, "width": 0, "thickness": 1.5}
        bars |= {"arrayminus": error - result.low[chosen], "color": color}
        hover = "dev set %{x}: %{y:.2%}<extra></extra>"
        traces.append(points(at[chosen], error, name, color, marker={"size": 5}, error_y=bars, hovertemplate=hover))
    traces.append(line([0, len(at) + 1], [result.truth] * 2, "true error", GREY, hoverinfo="skip"))
    yaxis = {"tickformat": ".1~%"}
    return figure(traces, x="dev set", y="error", xaxis={"range": [0, len(at) + 1]}, yaxis=yaxis, height=LOW)


def wander(result: Wander, measured: Mapping[str, DevSets], chosen: str) -> go.Figure:
    """Where nearly all dev estimates lie by theory, and how far those drawn at each split's size do."""
    hover = {"hovertemplate": "%{x:,.0f} dev examples: %{y:.2%}<extra></extra>"}
    band = {"fill": "tonexty", "fillcolor": "rgba(213, 94, 0, 0.2)"}
    traces = [
        line(result.n, result.low, "low", DEV, showlegend=False, **hover),
        line(result.n, result.high, "nearly all estimates", DEV, **band, **hover),
    ]
    for name, found in measured.items():
        bars = {"type": "data", "symmetric": False, "color": BLUE, "width": 5, "thickness": 2 if name == chosen else 1}
        ends = np.quantile(found.error, [0.025, 0.975])
        bars |= {"array": [ends[1] - found.truth], "arrayminus": [found.truth - ends[0]]}
        told = f"{name}: {found.n:,} dev examples<br>95 % of the estimates from {ends[0]:.2%} to {ends[1]:.2%}<extra></extra>"
        marker = {"size": 11 if name == chosen else 6}
        own = points([found.n], [found.truth], name, BLUE, marker=marker, error_y=bars, hovertemplate=told)
        traces.append({**own, "showlegend": name == chosen})
    yaxis = {"tickformat": ".0%", "rangemode": "tozero"}
    return figure(traces, x="dev examples", y="error", xaxis={"type": "log", "dtick": 1}, yaxis=yaxis, height=LOW)
