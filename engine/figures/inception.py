"""The inception module drawn, what its branches cost, and GoogLeNet with its heads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from engine.figures.theme import AMBER, BLUE, GREEN, GREY, PURPLE, VERMILION, figure, line
from engine.models.counting import Layer
from engine.results.architectures import millions, shape
from engine.results.inception import Branch, Part

COLORS = {"1 × 1": BLUE, "3 × 3": GREEN, "5 × 5": VERMILION, "pool": AMBER}
DIRECT, THINNED = "direct", "bottleneck"
PALE = 0.3
ON_COLOR = "#ffffff"
WIDE_TICKS = {"l": 68}
HEIGHT = 320
HIDDEN = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}


def module(branches: Sequence[Branch], on: Collection[str], start: str, end: str) -> go.Figure:
    """The module as a graph, input on the left, a row for each branch, the concatenation on the right."""
    traces, notes = [], [_box(0, 1.5, f"input<br>{start}", GREY), _box(3, 1.5, f"concat<br>{end}", GREY)]
    for row, branch in enumerate(reversed(branches)):
        color, alive = COLORS[branch.name], branch.name in on
        places = [1.5] if len(branch.steps) == 1 else [1.0, 2.0]
        path = [(0, 1.5), *((x, row) for x in places), (3, 1.5)]
        style = {
            "line": {"color": color if alive else GREY, "width": 3 if alive else 1, "dash": None if alive else "dot"}
        }
        x, y = zip(*path, strict=True)
        traces.append(line(x, y, branch.name, color, hoverinfo="skip", showlegend=False, **style))
        if alive:
            texts = (f"{_step(step)}<br>{shape(step.shape)}" for step in branch.steps)
            notes += [_box(x, row, text, color) for x, text in zip(places, texts, strict=True)]
        else:
            notes.append(_box(1.5, row, f"{branch.name} off", GREY))
    axes: dict[str, Any] = {"xaxis": HIDDEN | {"range": [-0.5, 3.5]}, "yaxis": HIDDEN | {"range": [-0.6, 3.6]}}
    margin = {"l": 4, "r": 4, "t": 4, "b": 4}
    return figure(traces, **axes, annotations=notes, margin=margin, height=HEIGHT)


def _step(step: Layer) -> str:
    f = step.kernel[0]
    return f"pool {f}×{f}" if step.kind == "pool" else f"{f}×{f}, {step.shape[0]}"


def _box(x: float, y: float, text: str, color: str) -> dict[str, Any]:
    """A text on a colour, which hides the lines behind."""
    look = {"bgcolor": color, "borderpad": 4}
    return {
        "x": x,
        "y": y,
        "text": text.replace(" × ", "×"),
        "showarrow": False,
        "font": {"size": 11, "color": ON_COLOR},
        **look,
    }


def costs(direct: Sequence[Branch], thinned: Sequence[Branch], on: Collection[str], bottleneck: bool) -> go.Figure:
    """Multiplications of each branch without and with bottleneck; what isn't part of the module now is pale."""
    traces: list[dict[str, Any]] = []
    for name, branches, color, now in ((DIRECT, direct, GREY, not bottleneck), (THINNED, thinned, BLUE, bottleneck)):
        seen = [1.0 if now and branch.name in on else PALE for branch in branches]
        values = [branch.multiplications for branch in branches]
        # Said once where both ways cost the same: the texts would meet.
        told = [now or a.multiplications != b.multiplications for a, b in zip(direct, thinned, strict=True)]
        texts = [millions(value) if tell else "" for value, tell in zip(values, told, strict=True)]
        bar: dict[str, Any] = {
            "type": "bar",
            "name": name,
            "x": [b.name for b in branches],
            "y": values,
            "text": texts,
        }
        bar |= {"marker": {"color": color, "opacity": seen}, "textposition": "outside", "cliponaxis": False}
        traces.append(bar | {"hovertemplate": f"%{{x}}, {name}<br>%{{y:,}} multiplications<extra></extra>"})
    most = max(branch.multiplications for branch in (*direct, *thinned))
    yaxis = {"tickformat": "~s", "range": [0, 1.12 * most]}
    layout: dict[str, Any] = {
        "barmode": "group",
        "height": HEIGHT,
        "margin": WIDE_TICKS,
        "xaxis": {"type": "category"},
        "yaxis": yaxis,
    }
    return figure(traces, x="branch", y="multiplications", **layout)


def channels(branches: Sequence[Branch], on: Collection[str]) -> go.Figure:
    """The concatenation: the channels that each branch adds, side by side."""
    traces = []
    for branch in branches:
        if branch.name in on:
            bar: dict[str, Any] = {
                "type": "bar",
                "orientation": "h",
                "name": branch.name,
                "y": ["out"],
                "x": [branch.channels],
            }
            bar |= {"marker": {"color": COLORS[branch.name]}, "text": [str(branch.channels)], "textposition": "inside"}
            traces.append(bar | {"hovertemplate": f"{branch.name}: %{{x}} channels<extra></extra>"})
    layout: dict[str, Any] = {"barmode": "stack", "height": 200, "yaxis": HIDDEN, "showlegend": True}
    return figure(traces, x="channels", margin={"l": 8, "t": 48}, **layout)


def googlenet(parts: Sequence[Part], chosen: str) -> go.Figure:
    """Multiplications of GoogLeNet's parts in order, heads in a colour of their own, the chosen module framed."""
    names = [part.name for part in parts]
    colors = {"module": BLUE, "head": PURPLE, "stem": GREY, "end": GREY}
    published: dict[str, Any] = {
        "type": "bar",
        "name": "published",
        "x": names,
        "y": [part.published for part in parts],
    }
    published |= {"marker": {"color": [colors[part.kind] for part in parts]}}
    published |= {"hovertemplate": "%{x}, 5 × 5 as published<br>%{y:,} multiplications<extra></extra>"}
    ticks: dict[str, Any] = {"type": "scatter", "mode": "markers", "name": "torchvision", "x": names}
    ticks |= {"y": [part.torchvision for part in parts], "customdata": [part.parameters for part in parts]}
    ticks |= {"marker": {"symbol": "line-ew-open", "size": 16, "color": VERMILION, "line": {"width": 3}}}
    ticks |= {
        "hovertemplate": "%{x} of torchvision<br>%{y:,} multiplications<br>%{customdata:,} parameters<extra></extra>"
    }
    frame = {"type": "rect", "x0": names.index(chosen) - 0.47, "x1": names.index(chosen) + 0.47, "y0": 0, "y1": 1}
    frame |= {"yref": "paper", "line": {"color": AMBER, "width": 2}}
    xaxis = {"type": "category", "tickangle": -60}
    return figure(
        [published, ticks],
        y="multiplications",
        xaxis=xaxis,
        yaxis={"tickformat": "~s"},
        shapes=[frame],
        height=HEIGHT,
        margin=WIDE_TICKS | {"b": 70},
    )


def losses(reach: Mapping[str, tuple[float, float, float]]) -> go.Figure:
    """For each module the weights of the losses whose gradient passes it, stacked."""
    names = list(reach)
    traces = []
    for at, (name, color) in enumerate((("last", BLUE), ("head 2", PURPLE), ("head 1", AMBER))):
        bar: dict[str, Any] = {
            "type": "bar",
            "name": name,
            "x": names,
            "y": [weights[at] for weights in reach.values()],
        }
        hover = f"%{{x}} learns from {name}<br>weight %{{y:g}}<extra></extra>"
        traces.append(bar | {"marker": {"color": color}, "hovertemplate": hover})
    layout: dict[str, Any] = {"barmode": "stack", "height": HEIGHT, "xaxis": {"type": "category"}}
    return figure(traces, x="module", y="weight of the losses that reach it", **layout)
