"""Trials of hyperparameters: where they were, how they ended, and their courses."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import AMBER, BLUE, GREY, VERMILION, figure, line
from engine.results import Array
from engine.results.search import Trials

# From the best fifth to the worst: one hue that fades, so that the best stands out on both backgrounds.
SHADES = ("#0b4f8a", "#2b7bba", "#6f9fc4", "#a0a8b0", "#c9a48a")
GROUPS = ("best fifth", "2nd", "3rd", "4th", "last fifth")


def groups(cost: Array) -> Array:
    """Which fifth each trial is in by its cost, 0 the best, (n,)."""
    rank = np.argsort(np.argsort(cost, kind="stable"), kind="stable")
    return rank * len(SHADES) // len(cost)


def tried(result: Trials, across: int, up: int) -> go.Figure:
    """Two of the hyperparameters of every trial on log axes, coloured by fifths, the best marked."""
    fifth, traces = groups(result.cost), []
    for k in reversed(range(len(SHADES))):
        mine = fifth == k
        marker = {"color": SHADES[k], "size": 9, "symbol": np.where(result.fine[mine], "diamond", "circle").tolist()}
        shown = {"type": "scatter", "mode": "markers", "x": result.points[mine, across], "y": result.points[mine, up]}
        hover = f"{result.names[across]} %{{x:.3g}}, {result.names[up]} %{{y:.3g}}<br>J = %{{customdata:.4g}}<extra></extra>"
        shown |= {"name": GROUPS[k], "marker": marker, "customdata": result.cost[mine], "hovertemplate": hover}
        traces.append(shown)
    best = int(np.argmin(result.cost))
    star = {"type": "scatter", "mode": "markers", "x": [result.points[best, across]], "y": [result.points[best, up]]}
    traces.append(
        {**star, "name": "best", "marker": {"color": VERMILION, "size": 16, "symbol": "star"}, "hoverinfo": "skip"}
    )
    log = {"type": "log", "exponentformat": "power"}
    return figure(traces[::-1], x=result.names[across], y=result.names[up], xaxis=log, yaxis=log)


def parallel(result: Trials) -> go.Figure:
    """One line a trial over an axis a hyperparameter and one for the cost, coloured by fifths."""
    finite = np.where(
        np.isfinite(result.cost), result.cost, np.nanmax(np.where(np.isfinite(result.cost), result.cost, np.nan))
    )
    columns = np.log10(np.column_stack([result.points, np.maximum(finite, 1e-6)]))
    low, high = columns.min(0), columns.max(0)
    scaled = (columns - low) / np.where(high > low, high - low, 1)
    names = (*result.names, "dev cost")
    at = np.arange(len(names), dtype=np.float32)
    fifth, traces = groups(result.cost), []
    for k in reversed(range(len(SHADES))):
        mine = scaled[fifth == k]
        gap = np.full((len(mine), 1), np.nan)
        y = np.concatenate([mine, gap], 1).ravel().astype(np.float32)
        x = np.tile(np.append(at, np.float32(np.nan)), len(mine))
        color = {"color": SHADES[k], "width": 1.5 if k else 2.5}
        traces.append(line(x, y, GROUPS[k], SHADES[k], line=color, hoverinfo="skip"))
    ends = [f"{10**v:.2g}" for v in low], [f"{10**v:.2g}" for v in high]
    notes = [
        {"x": float(x), "y": y, "text": text, "showarrow": False}
        for y, row in ((-0.06, ends[0]), (1.06, ends[1]))
        for x, text in zip(at, row, strict=True)
    ]
    xaxis = {"tickvals": at.tolist(), "ticktext": list(names), "range": [-0.3, len(names) - 0.7]}
    yaxis = {"visible": False, "range": [-0.12, 1.12]}
    return figure(traces[::-1], xaxis=xaxis, yaxis=yaxis, annotations=notes, showlegend=False, height=340)


def courses(steps: Array, cost: Array, panda_steps: Array, panda: Array, last: float) -> go.Figure:
    """The dev cost of all trials (n, k) over the steps (k,), coloured by fifths, and of the one that was babysat."""
    final = np.where(np.isfinite(cost[:, -1]), cost[:, -1], np.inf)
    fifth, traces = groups(final), []
    keep = np.unique(np.linspace(0, len(steps) - 1, 60).astype(int))
    for k in reversed(range(len(SHADES))):
        mine = cost[fifth == k][:, keep]
        y = np.concatenate([mine, np.full((len(mine), 1), np.nan)], 1).ravel().astype(np.float32)
        x = np.tile(np.append(steps[keep], np.nan), len(mine)).astype(np.float32)
        y[~np.isfinite(y)] = np.nan
        traces.append(line(x, y, GROUPS[k], SHADES[k], line={"color": SHADES[k], "width": 1}, hoverinfo="skip"))
    hover = "babysat, step %{x}: %{y:.4g}<extra></extra>"
    bold = {"color": AMBER, "width": 3}
    traces.append(line(panda_steps, panda, "panda", AMBER, line=bold, hovertemplate=hover))
    yaxis = {"type": "log"}
    return figure(traces[::-1], x="step", y="dev cost J", xaxis={"range": [0, last]}, yaxis=yaxis)


def distinct(points: Array, names: tuple[str, ...]) -> go.Figure:
    """How many different values of each hyperparameter were tried."""
    count = [len(np.unique(points[:, k].round(12))) for k in range(points.shape[1])]
    bars = {"type": "bar", "x": list(names), "y": count, "marker": {"color": [BLUE] * len(names)}, "text": count}
    bars |= {"name": "different values", "hovertemplate": "%{x}: %{y}<extra></extra>"}
    mark = line([names[0], names[-1]], [len(points)] * 2, "trials", GREY, hoverinfo="skip")
    return figure([bars, mark], y="different values", yaxis={"rangemode": "tozero"}, showlegend=False, height=300)
