"""Recurrent networks over seeds, along sentences, unrolled, and on the cliff of a tiny one."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.cells import CELLS, OVERWRITTEN, UNTOUCHED
from engine.figures.theme import (
    ACTIVATIONS,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    SEQUENTIAL,
    SKY,
    TRAIN,
    VERMILION,
    figure,
    line,
    points,
)
from engine.results import Array
from engine.results.sequences import Along, Bands, Cliff, Clipped, Unrolled

CLIPS = {"none": VERMILION, "by value": PURPLE, "by norm": BLUE}
FADED = 0.2
MOST_MARKED = 101
MOST_BOXED = 2  # characters that fit into a box
# Powers of ten as labels leave no room for the axis title in the house's margin.
ROOM = {"l": 72, "r": 12, "t": 32, "b": 44}


def over_seeds(result: Bands, x: str, y: str, hover: str, **layout: Any) -> go.Figure:
    """A line a kind of network, the mean over seeds, in a band from the lowest to the highest."""
    traces = []
    for i, name in enumerate(result.names):
        color = CELLS[name]
        around = np.concatenate([result.x, result.x[::-1]])
        outline = np.concatenate([result.high[i], result.low[i][::-1]])
        band = {"fill": "toself", "mode": "none", "fillcolor": color, "opacity": FADED, "showlegend": False}
        traces.append(line(around, outline, f"{name}, all seeds", color, hoverinfo="skip", **band))
    for i, name in enumerate(result.names):
        seeds = np.stack([result.low[i], result.high[i]], 1)
        traces.append(line(result.x, result.mean[i], name, CELLS[name], customdata=seeds, hovertemplate=hover))
    return figure(traces, x=x, y=y, **layout)


def accuracy_by_gap(result: Bands, trained: tuple[float, float]) -> go.Figure:
    """The share of held-out verbs that are right, by the gap; gaps that were trained on are shaded."""
    hover = "gap %{x}: %{y:.0%} right<br>seeds %{customdata[0]:.0%} to %{customdata[1]:.0%}"
    shade = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": trained[0], "x1": trained[1]}
    shade |= {"line": {"width": 0}, "layer": "below", "fillcolor": GREY, "opacity": FADED}
    yaxis = {"range": [-0.03, 1.03], "tickformat": ".0%"}
    xaxis = {"range": [float(result.x[0]), float(result.x[-1])]}
    return over_seeds(result, "gap in words", "held-out right", hover, shapes=[shade], xaxis=xaxis, yaxis=yaxis)


def cost_by_update(result: Bands, last: int, guess: float) -> go.Figure:
    """The cost by update; the dotted line is what a guess costs."""
    hover = "update %{x}: J = %{y:.3f}<br>seeds %{customdata[0]:.3f} to %{customdata[1]:.3f}"
    chance: dict[str, Any] = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": guess, "y1": guess}
    chance |= {"line": {"dash": "dot", "color": GREY, "width": 1}}
    yaxis = {"range": [0, 1.6 * guess]}
    return over_seeds(result, "update", "cost J", hover, shapes=[chance], xaxis={"range": [0, last]}, yaxis=yaxis)


def along(result: Along) -> go.Figure:
    """How likely the second form is after each word, a line a network: solid as typed, dashed with its subject turned."""
    labels = [html.escape("/".join(dict.fromkeys(words))) for words in zip(*result.words, strict=True)]
    at = np.arange(len(labels), dtype=np.float32)
    traces = []
    for name, chances in result.chance.items():
        for words, chance, dash in zip(result.words, chances, ("solid", "dash"), strict=True):
            hover = (
                f"{name}, “{html.escape(' '.join(words[:2]))} …”<br>after %{{x}}: P(were) = %{{y:.2f}}<extra></extra>"
            )
            style: dict[str, Any] = {"color": CELLS[name], "dash": dash, "width": 2}
            traces.append(
                line(at, chance, name, CELLS[name], showlegend=dash == "solid", hovertemplate=hover) | {"line": style}
            )
    ticks: dict[str, Any] = {"tickvals": at, "ticktext": labels, "tickangle": -60, "range": [-0.3, len(labels) - 0.7]}
    yaxis = {"range": [-0.03, 1.03], "tickformat": ".0%"}
    margin = {"l": 56, "r": 12, "t": 32, "b": 96}
    return figure(traces, y="P(were)", xaxis=ticks, yaxis=yaxis, margin=margin)


def cliff(result: Cliff, runs: Clipped) -> go.Figure:
    """The cost of one unit over its weight and bias from above, with the steps of every run; a run may leave the map."""
    heights: dict[str, Any] = {
        "type": "contour",
        "x": result.w,
        "y": result.b,
        "z": result.cost,
        "colorscale": SEQUENTIAL,
    }
    heights |= {"ncontours": 16, "opacity": 0.45, "showscale": False, "line": {"width": 0}}
    heights |= {"hovertemplate": "w = %{x:.2f}<br>b = %{y:.2f}<br>J = %{z:.3f}<extra></extra>", "name": "cost J"}
    traces: list[dict[str, Any]] = [heights]
    for name, path in runs.paths.items():
        hover = f"{name}, update %{{customdata}}<br>w = %{{x:.4g}}, b = %{{y:.4g}}<extra></extra>"
        mode = "lines+markers" if len(path) <= MOST_MARKED else "lines"
        style: dict[str, Any] = {
            "mode": mode,
            "marker": {"size": 5},
            "customdata": runs.updates,
            "hovertemplate": hover,
        }
        traces.append(line(path[:, 0], path[:, 1], name, CLIPS[name], **style))
    start = next(iter(runs.paths.values()))[:1]
    mark = {"symbol": "x", "size": 10}
    traces.append(points(start[:, 0], start[:, 1], "start", GREY, marker=mark, showlegend=False, hoverinfo="skip"))
    xaxis, yaxis = ({"range": [float(ends[0]), float(ends[-1])]} for ends in (result.w, result.b))
    return figure(traces, x="w", y="b", xaxis=xaxis, yaxis=yaxis)


def cliff_in_space(result: Cliff, runs: Clipped) -> go.Figure:
    """The cost as a surface, with the parts of the runs that lie on it just above."""
    surface: dict[str, Any] = {"type": "surface", "x": result.w[::2], "y": result.b[::2], "z": result.cost[::2, ::2]}
    surface |= {"colorscale": SEQUENTIAL, "showscale": False, "opacity": 0.85, "hoverinfo": "skip", "name": "cost J"}
    traces: list[dict[str, Any]] = [surface]
    for name, path in runs.paths.items():
        inside = (path[:, 0] >= result.w[0]) & (path[:, 0] <= result.w[-1])
        inside &= (path[:, 1] >= result.b[0]) & (path[:, 1] <= result.b[-1])
        drawn = {
            "type": "scatter3d",
            "mode": "lines+markers",
            "name": name,
            "marker": {"size": 3, "color": CLIPS[name]},
        }
        drawn |= {"x": path[inside, 0], "y": path[inside, 1], "z": runs.cost[name][inside] + 0.01}
        traces.append(drawn | {"line": {"color": CLIPS[name], "width": 5}, "hoverinfo": "name"})
    axes = {"xaxis": {"title": {"text": "w"}}, "yaxis": {"title": {"text": "b"}}, "zaxis": {"title": {"text": "J"}}}
    scene = {**axes, "camera": {"eye": {"x": -1.5, "y": -1.4, "z": 0.9}}}
    return figure(traces, scene=scene, showlegend=False, margin={"l": 0, "r": 0, "t": 0, "b": 0})


def _by_update(values: Mapping[str, Array], updates: Array, last: int, y: str, **layout: Any) -> go.Figure:
    traces = []
    for name, value in values.items():
        hover = f"{name}, update %{{x}}: %{{y:.3g}}<extra></extra>"
        traces.append(line(updates, value, name, CLIPS[name], hovertemplate=hover))
    return figure(traces, x="update", y=y, xaxis={"range": [0, last]}, margin=ROOM, **layout)


def clipped_costs(runs: Clipped, last: int) -> go.Figure:
    """The cost of every run by update."""
    power = {"type": "log", "exponentformat": "power", "nticks": 6}
    return _by_update({k: v.clip(1e-6) for k, v in runs.cost.items()}, runs.updates, last, "cost J", yaxis=power)


def gradient_norms(runs: Clipped, last: int, limit: float) -> go.Figure:
    """The norm of every run's gradient before clipping, by update; the dotted line is what clipping by norm leaves."""
    held = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit}
    held |= {"line": {"dash": "dot", "color": CLIPS["by norm"], "width": 1}}
    power = {"type": "log", "exponentformat": "power", "nticks": 6}
    norms = {k: v.clip(1e-8) for k, v in runs.norm.items()}
    return _by_update(norms, runs.updates, last, "‖gradient‖", yaxis=power, shapes=[held])


def directions(arrows: Mapping[str, Array], limits: tuple[float, float]) -> go.Figure:
    """One gradient of two numbers as it is, cut off by the frame, held by value to a square and by norm to a circle."""
    by_value, by_norm = limits
    reach = 1.5 * max(by_value, by_norm)
    turn = np.linspace(0, 2 * np.pi, 73, dtype=np.float32)
    square = by_value * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]], np.float32)
    around: dict[str, Any] = {"hoverinfo": "skip", "showlegend": False}
    traces = [
        line(square[:, 0], square[:, 1], "square", CLIPS["by value"], **around),
        line(by_norm * np.cos(turn), by_norm * np.sin(turn), "circle", CLIPS["by norm"], **around),
    ]
    for name, arrow in arrows.items():
        size = {"size": [0, 9], "symbol": "diamond"}
        hover = f"{name}: dJ/dw = {arrow[0]:.3g}, dJ/db = {arrow[1]:.3g}<extra></extra>"
        style: dict[str, Any] = {"mode": "lines+markers", "marker": size, "hovertemplate": hover}
        traces.append(line([0, float(arrow[0])], [0, float(arrow[1])], name, CLIPS[name], **style))
    box = {"range": [-reach, reach]}
    return figure(traces, x="dJ/dw", y="dJ/db", xaxis=box, yaxis={**box, "scaleanchor": "x"})


def _boxes(
    at: Sequence[float], height: float, texts: Sequence[str], name: str, color: str, size: int
) -> dict[str, Any]:
    framed = max(map(len, texts)) <= MOST_BOXED
    marker = {"symbol": "square", "size": size, "color": "rgba(0,0,0,0)"}
    marker |= {"line": {"color": color, "width": 2 if framed else 0}}
    shown = [html.escape(text) for text in texts]
    box = points(list(at), [height] * len(texts), name, color, text=shown, marker=marker, showlegend=False)
    box |= {"mode": "markers+text", "textfont": {"size": 13}, "hovertemplate": f"{name}: %{{text}}<extra></extra>"}
    return box


def _arrows(pairs: Sequence[tuple[float, float, float, float]], color: str, dash: str = "solid") -> dict[str, Any]:
    """Lines from (x0, y0) to (x1, y1), each with a head."""
    x = [v for x0, _, x1, _ in pairs for v in (x0, x1, None)]
    y = [v for _, y0, _, y1 in pairs for v in (y0, y1, None)]
    heads = {"symbol": "arrow", "angleref": "previous", "size": [0, 10, 0] * len(pairs), "color": color}
    arrows = line(x, y, "arrows", color, mode="lines+markers", marker=heads, hoverinfo="skip", showlegend=False)
    return arrows | {"line": {"color": color, "width": 1.5, "dash": dash}}


def unrolled(result: Unrolled) -> go.Figure:
    """Inputs below, states in the middle, answers on top, blue where right; dashed arrows feed an answer to the next step."""
    steps = range(len(result.inputs))
    below = [t for t in steps if result.inputs[t] is not None]
    above = [t for t in steps if result.outputs[t] is not None]
    size = 30 if len(steps) <= 14 else 22
    traces = [
        _arrows([(t + 0.18, 1, t + 0.82, 1) for t in steps[:-1]], ACTIVATIONS),
        _arrows([(t, 0.25, t, 0.72) for t in below] + [(t, 1.28, t, 1.75) for t in above], GREY),
        _arrows([(t + 0.2, 1.8, t + 0.9, 1.25) for t in result.fed], GREY, "dot"),
    ]
    for name, cell, color in (("state", False, ACTIVATIONS), ("decoder's state", True, SKY)):
        of = [t for t in steps if (result.second is not None and t >= result.second) == cell]
        if of:
            traces.append(_boxes(of, 1, ["a"] * len(of), name, color, size))
    traces.append(_boxes(below, 0, [str(result.inputs[t]) for t in below], "x", GREY, size))
    for name, verdict, color in (("ŷ, right", True, BLUE), ("ŷ, wrong", False, VERMILION)):
        of = [t for t in above if result.right[t] == verdict]
        if of:
            traces.append(_boxes(of, 2, [str(result.outputs[t]) for t in of], name, color, size))
    plain = {"showgrid": False, "zeroline": False}
    xaxis = {
        **plain,
        "range": [-0.6, max(len(steps), 6) - 0.4],
        "tickvals": list(steps),
        "ticktext": [t + 1 for t in steps],
    }
    yaxis = {**plain, "range": [-0.5, 2.5], "tickvals": [0, 1, 2], "ticktext": ["x", "a", "ŷ"]}
    return figure([t for t in traces if len(t["x"])], x="step t", xaxis=xaxis, yaxis=yaxis, height=300)


def shares(updates: Array, parts: Mapping[str, Array], last: int) -> go.Figure:
    """Shares of held-out answers by update."""
    traces = []
    for (name, share), color in zip(parts.items(), (BLUE, GREEN), strict=False):
        hover = f"{name}, update %{{x}}: %{{y:.1%}}<extra></extra>"
        traces.append(line(updates, share, name, color, hovertemplate=hover))
    yaxis = {"range": [-0.03, 1.03], "tickformat": ".0%"}
    return figure(traces, x="update", y="held-out right", xaxis={"range": [0, last]}, yaxis=yaxis, height=300)


def cost(updates: Array, values: Array, last: int) -> go.Figure:
    """The training cost by update."""
    trace = line(updates, values, "train", TRAIN, hovertemplate="update %{x}: J = %{y:.3f}<extra></extra>")
    yaxis = {"rangemode": "tozero"}
    return figure([trace], x="update", y="cost J", xaxis={"range": [0, last]}, yaxis=yaxis, height=300)


def answers(names: Sequence[str], runs: Mapping[str, Array]) -> go.Figure:
    """The probability of every answer, a bar a run."""
    traces = []
    for (run, likely), color in zip(runs.items(), (UNTOUCHED, OVERWRITTEN), strict=False):
        bar = {"type": "bar", "name": run, "x": list(names), "y": likely.astype(np.float32), "marker": {"color": color}}
        traces.append(bar | {"hovertemplate": f"{run}, %{{x}}: %{{y:.1%}}<extra></extra>"})
    return figure(traces, y="probability", yaxis={"range": [0, 1.02], "tickformat": ".0%"}, height=330)
