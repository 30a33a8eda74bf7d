"""A hyperparameter search, drawn: where it looked, how settings lead to costs, and one network watched beside many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, DEV, GREY, MARK, SEQUENTIAL, TRAIN, VERMILION, figure, line, points
from engine.functional.search import Range, Scale
from engine.results import Array
from engine.results.search import Panda, Search

MOST_CURVES = 60
# Costs so many times that of knowing nothing are all drawn alike.
HOPELESS, TINY = 6.0, 1e-6
# Room for long numbers beside an axis.
WIDE = {"l": 68}
SYMBOLS = ("circle", "diamond")
# How the three hyperparameters are drawn, whichever scale they were searched on.
LOGARITHMIC: tuple[Scale, ...] = ("log", "one minus", "log")
BETAS = {1.0: "0", 0.1: "0.9", 0.01: "0.99", 0.001: "0.999"}
HEIGHT = 380


def samples(result: Search, ranges: list[Range], zoomed: list[Range]) -> go.Figure:
    """Every network's rate and β, coloured by dev cost, above a mark for every rate that was tried at all.

    Both axes are of the logarithmic kind, whichever scale the search drew on; ``zoomed`` bounds the second round, if any.
    """
    rate, spare = result.settings[:, 0], 1 - result.settings[:, 1]
    marker, shade = _shades(result)
    hover = "α = %{x:.3g}, β = %{customdata[0]:.4f}<br>dev J = %{customdata[1]:.4f}<extra></extra>"
    traces = []
    # The best come last, on top of those that differ only in what isn't drawn.
    backward = result.order[::-1]
    for number in np.unique(result.round):
        own = backward[result.round[backward] == number]
        look = {**marker, "color": shade[own], "symbol": SYMBOLS[number - 1], "showscale": bool(number == 1)}
        told = np.stack([result.settings[own, 1], result.dev[own]], 1).astype(np.float32)
        traces.append(
            points(rate[own], spare[own], f"round {number}", GREY, marker=look, customdata=told, hovertemplate=hover)
        )
    first = result.order[[0]]
    star = {"symbol": "star-open", "size": 18, "line": {"width": 2}}
    traces.append(points(rate[first], spare[first], "best", MARK, marker=star, hoverinfo="skip"))
    tried = np.unique(rate)
    rug = {"marker": {"symbol": "line-ns-open", "size": 10}, "hovertemplate": "α = %{x:.3g}<extra></extra>"}
    traces.append(points(tried, np.full(len(tried), 1.45), "rates tried", BLUE, **rug))
    low, high = np.log10([ranges[0].low, ranges[0].high])
    xaxis = {"type": "log", "exponentformat": "power", "range": [low - 0.2, high + 0.2]}
    yaxis = {"type": "log", "range": [0.25, -3.2], "tickvals": list(BETAS), "ticktext": list(BETAS.values())}
    look = {"height": HEIGHT, "margin": WIDE, "shapes": [_box(zoomed)] if zoomed else []}
    return figure(traces, x="rate α", y="momentum β", xaxis=xaxis, yaxis=yaxis, **look)


def _shades(result: Search) -> tuple[dict[str, Any], Array]:
    """Markers with a bar of colours from the best cost to that of knowing nothing, and each network's place on it, (n,)."""
    best, chance = _lowest(result), result.chance
    place = np.log10(np.clip(np.nan_to_num(result.dev, nan=chance), best, chance)).astype(np.float32)
    ticks = [best, (best * chance) ** 0.5, chance]
    bar = {
        "title": {"text": "dev J"},
        "thickness": 8,
        "tickvals": np.log10(ticks),
        "ticktext": [f"{t:.2g}" for t in ticks],
    }
    marker = {"colorscale": SEQUENTIAL, "cmin": np.log10(best), "cmax": np.log10(chance), "colorbar": bar, "size": 9}
    return marker | {"line": {"width": 1, "color": GREY}}, place


def _lowest(result: Search) -> float:
    """The best dev cost, where there is one better than chance; not 0, which sure and right answers round to."""
    return max(float(np.nanmin([*result.dev, 0.9 * result.chance])), TINY)


def _box(zoomed: list[Range]) -> dict[str, Any]:
    rate, beta = zoomed[0], zoomed[1]
    sides = {"x0": rate.low, "x1": rate.high, "y0": 1 - beta.low, "y1": 1 - beta.high}
    return {"type": "rect", **sides, "line": {"color": GREY, "dash": "dot", "width": 1}}


def _groups(result: Search) -> list[tuple[str, str, int, Array]]:
    """Name, colour, width and members of what is drawn alike, from the back to the front, thinned where there are many."""
    n = len(result.dev)
    rest, half, tenth = np.split(result.order[::-1], [n - max(2, n // 2), n - max(1, n // 10)])
    groups = [("the rest", GREY, 1, rest), ("best half", BLUE, 1, half), ("best tenth", VERMILION, 2, tenth)]
    return [(name, color, width, own[:: 1 + 2 * len(own) // MOST_CURVES]) for name, color, width, own in groups]


def _strokes(x: Array, rows: Array) -> tuple[Array, Array]:
    """Rows (n, k) over x (k,) as one line, broken between them."""
    gap = np.full((len(rows), 1), np.nan)
    across = np.concatenate([np.broadcast_to(x, rows.shape), gap], 1)
    return across.ravel().astype(np.float32), np.concatenate([rows, gap], 1).ravel().astype(np.float32)


def parallel(result: Search, ranges: list[Range]) -> go.Figure:
    """Parallel coordinates: a line a network through its settings to its dev cost, every axis on its own log scale.

    Costs far above chance end at the top. Drawn as plain lines, because Plotly's own
    kind needs WebGL, which a browser may not have.
    """
    dev = Range(_lowest(result), HOPELESS * result.chance, "log")
    axes = [*(replace(each, scale=kind) for each, kind in zip(ranges, LOGARITHMIC, strict=True)), dev]
    values = np.column_stack([result.settings, np.clip(np.nan_to_num(result.dev, nan=dev.high), dev.low, dev.high)])
    shares = np.column_stack(
        [[axis.share(float(v)) for v in column] for axis, column in zip(axes, values.T, strict=True)]
    )
    x = np.arange(len(axes))
    traces = []
    for name, color, width, members in _groups(result):
        told = np.concatenate([values[members], np.full((len(members), 1), np.nan)], 1).ravel().astype(np.float32)
        look = {"color": color, "width": width}
        across, up = _strokes(x, shares[members])
        hover = {"customdata": told, "hovertemplate": "%{customdata:.3g}<extra></extra>"}
        traces.append(line(across, up, name, color, **hover) | {"line": look, "opacity": 0.5 if width == 1 else 1.0})
    marks = [(i, axis.share(v), f"{v:.3g}") for i, axis in enumerate(axes) for v in _ticks(axis)]
    text = {"type": "scatter", "mode": "text", "textposition": "middle right", "hoverinfo": "skip", "showlegend": False}
    text |= dict(zip(("x", "y", "text"), map(list, zip(*marks, strict=True)), strict=True))
    upright = {"type": "line", "y0": 0, "y1": 1, "layer": "below", "line": {"color": GREY}}
    xaxis = {"tickvals": x, "ticktext": [*result.names, "dev J"], "range": [-0.1, len(axes) - 0.5]}
    plain = {"showgrid": False, "zeroline": False}
    return figure(
        [*traces, {**text, "name": "ticks"}],
        xaxis=xaxis | plain,
        yaxis={"visible": False, "range": [-0.04, 1.04]},
        shapes=[{**upright, "x0": i, "x1": i} for i in range(len(axes))],
        height=HEIGHT,
    )


def _ticks(axis: Range) -> list[float]:
    """Round values on an axis, from both ends inward."""
    if axis.scale == "one minus":
        return [x for x in (0.0, 0.9, 0.99, 0.999) if axis.low <= x <= axis.high]
    low, high = np.ceil(np.log10(axis.low) - 1e-9), np.floor(np.log10(axis.high) + 1e-9)
    return [10.0**power for power in np.arange(low, high + 1)] if high > low else [axis.low, axis.high]


def caviar(result: Search, last: int) -> go.Figure:
    """Dev cost by step, a curve a network."""
    traces = []
    for name, color, width, members in _groups(result):
        x, y = _strokes(result.steps, np.maximum(result.curves[members], TINY))
        hover = {"hovertemplate": "step %{x}: dev J = %{y:.3g}<extra></extra>"}
        look = {"line": {"color": color, "width": width}, "opacity": 0.5 if width == 1 else 1.0}
        traces.append(line(x, y, name, color, **hover) | look)
    ends = np.log10([0.8 * _lowest(result), HOPELESS * result.chance])
    yaxis = {"type": "log", "exponentformat": "power", "range": ends}
    return figure(traces, x="step", y="dev cost J", xaxis={"range": [0, last]}, yaxis=yaxis, height=HEIGHT)


def panda(result: Panda, low: float, high: float, goal: float) -> go.Figure:
    """Above, the rate of each day, where a click sets it; below, the cost that it led to, and the best of the many."""
    day = result.last / len(result.rates)
    ends = np.repeat(np.arange(len(result.rates) + 1), 2)[1:-1] * day
    hover = {"hovertemplate": "%{fullData.name}<br>step %{x}: %{y:.4g}<extra></extra>"}
    below = {"yaxis": "y2", **hover}
    traces = [
        line(ends, np.repeat(result.rates, 2), "rate α", GREY, **hover),
        line(result.steps, result.train, "train", TRAIN, **below),
        line(result.steps, result.dev, "dev", DEV, **below),
        line([0, result.last], [goal, goal], "best of all", GREY, **below) | {"line": {"color": GREY, "dash": "dot"}},
    ]
    xaxis = {"range": [0, result.last], "tickvals": np.arange(len(result.rates) + 1) * day, "anchor": "y2"}
    yaxis = {
        "type": "log",
        "range": [np.log10(low), np.log10(high)],
        "domain": [0.58, 1.0],
        "exponentformat": "power",
        "dtick": 2,
    }
    second = {"title": {"text": "cost J"}, "domain": [0.0, 0.5], "rangemode": "tozero"}
    return figure(traces, x="step", y="rate α", xaxis=xaxis, yaxis=yaxis, yaxis2=second, height=HEIGHT, margin=WIDE)
