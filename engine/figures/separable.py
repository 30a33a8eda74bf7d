"""Normal against separable convolution, and the bottleneck block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.architectures import KINDS
from engine.figures.theme import CURVE, FIRST, GREEN, GREY, MARK, SECOND, figure, line, points
from engine.functional.separable import ratio
from engine.models.counting import Layer
from engine.results.architectures import millions, shape
from engine.results.separable import Timing

HEIGHT = 320
NORMAL, SEPARABLE = FIRST, SECOND


def costs(normal: int, depthwise: int, pointwise: int) -> go.Figure:
    """Multiplications of both ways, the separable one in its two steps."""
    ways = ["normal", "separable"]
    parts = (
        ("normal", [normal, 0], NORMAL),
        ("depthwise", [0, depthwise], KINDS["depthwise"]),
        ("pointwise 1 × 1", [0, pointwise], SECOND),
    )
    traces = []
    for name, values, color in parts:
        bar = {"type": "bar", "name": name, "x": ways, "y": values, "text": [f"{v:,}" if v else "" for v in values]}
        hover = f"{name}: %{{y:,}} multiplications<extra></extra>"
        traces.append(bar | {"marker": {"color": color}, "hovertemplate": hover, "textposition": "auto"})
    layout: dict[str, Any] = {
        "barmode": "stack",
        "height": HEIGHT,
        "yaxis": {"tickformat": "~s"},
        "xaxis": {"type": "category"},
    }
    return figure(traces, y="multiplications", **layout)


def times(done: Sequence[Timing], sizes: Sequence[int], filters: int) -> go.Figure:
    """Milliseconds of one call against the number of filters, as far as measured."""
    x = [each.filters for each in done]
    traces = []
    for name, color in (("normal", NORMAL), ("separable", SEPARABLE)):
        y = [1000 * getattr(each, name) for each in done]
        hover = f"{name}, %{{x}} filters<br>%{{y:.3g}} ms<extra></extra>"
        traces.append(line(x, y, name, color, mode="lines+markers", hovertemplate=hover))
    yaxis = {"type": "log", "exponentformat": "power", "dtick": 1}
    return figure(traces, x="filters", y="milliseconds", **_filters(sizes, filters), yaxis=yaxis, height=HEIGHT)


def ratios(done: Sequence[Timing], sizes: Sequence[int], filters: int, f: int) -> go.Figure:
    """Separable over normal: in multiplications 1/n + 1/f², and in measured time."""
    counted = line(sizes, [ratio(k, f) for k in sizes], "multiplications", CURVE)
    counted |= {"hovertemplate": "%{x} filters: %{y:.3f} of the multiplications<extra></extra>"}
    x, y = [each.filters for each in done], [each.separable / each.normal for each in done]
    measured = line(
        x, y, "time", SECOND, mode="lines+markers", hovertemplate="%{x} filters: %{y:.3f} of the time<extra></extra>"
    )
    even = line([sizes[0], sizes[-1]], [1, 1], "even", GREY, line={"color": GREY, "dash": "dot"}, hoverinfo="skip")
    now = points([filters], [ratio(filters, f)], "now", MARK, marker={"size": 12}, showlegend=False)
    least, most = min(ratio(k, f) for k in sizes), max([4.0, *y])
    yaxis = {
        "type": "log",
        "tickvals": [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50],
        "range": [np.log10(0.7 * least), np.log10(1.3 * most)],
    }
    traces = [even | {"showlegend": False}, counted, measured, now]
    return figure(traces, x="filters", y="separable / normal", **_filters(sizes, filters), yaxis=yaxis, height=HEIGHT)


def _filters(sizes: Sequence[int], filters: int) -> dict[str, Any]:
    """A logarithmic axis over all that will be measured, the chosen number marked."""
    ends = [np.log10(min(sizes)) - 0.1, np.log10(max(*sizes, 2)) + 0.1]
    mark = {"type": "line", "x0": filters, "x1": filters, "y0": 0, "y1": 1, "yref": "paper"}
    mark |= {"line": {"color": MARK, "dash": "dot", "width": 1}}
    return {"xaxis": {"type": "log", "range": ends, "tickvals": list(sizes)}, "shapes": [mark]}


def block(steps: Sequence[Layer], residual: bool) -> go.Figure:
    """Channels along a bottleneck block as bars, what each step does between them, the residual as an arc above."""
    channels = [steps[0].inputs[0], *(step.shape[0] for step in steps)]
    shapes = [steps[0].inputs, *(step.shape for step in steps)]
    names = ["input", *(_name(step, at == len(steps) - 1) for at, step in enumerate(steps))]
    colors = [GREY, *(KINDS[step.kind] for step in steps)]
    costs = [0, *(step.multiplications for step in steps)]
    places = list(range(len(channels)))
    hover = [f"{n}<br>{shape(s)}<br>{c:,} multiplications" for n, s, c in zip(names, shapes, costs, strict=True)]
    bar: dict[str, Any] = {"type": "bar", "x": places, "y": channels, "marker": {"color": colors}, "width": 0.5}
    bar |= {
        "text": [
            f"{shape(s).replace(' ', '')}<br>{millions(c) if c else ''}" for s, c in zip(shapes, costs, strict=True)
        ]
    }
    bar |= {
        "textposition": "outside",
        "hovertext": hover,
        "hoverinfo": "text",
        "showlegend": False,
        "cliponaxis": False,
    }
    traces = [bar]
    top = float(max(channels))
    if residual:
        end = places[-1]
        arc = line(
            [0, 0, end, end], [1.5 * top, 1.62 * top, 1.62 * top, 1.5 * top], "input added", GREEN, hoverinfo="skip"
        )
        traces.append(arc | {"showlegend": True})
    xaxis = {
        "tickvals": places,
        "ticktext": names,
        "showgrid": False,
        "zeroline": False,
        "range": [-0.6, places[-1] + 0.6],
    }
    return figure(traces, y="channels", xaxis=xaxis, yaxis={"range": [0, 1.75 * top]}, height=HEIGHT, margin={"t": 48})


def _name(step: Layer, last: bool) -> str:
    if step.kind == "depthwise":
        return "depthwise<br>3 × 3"
    return "project<br>1 × 1" if last else "expand<br>1 × 1"


def gradients(with_input: Sequence[float], without: Sequence[float], residual: bool) -> go.Figure:
    """A gradient's size at each block's input, going back from the last, with and without the residual connection."""
    traces = []
    for name, values, color, now in (("residual", with_input, GREEN, residual), ("none", without, GREY, not residual)):
        hover = f"block %{{x}}, {name}<br>%{{y:.3g}} times<extra></extra>"
        style = {"line": {"color": color, "width": 3 if now else 1.5}}
        x = np.arange(1, len(values))
        traces.append(line(x, values[:-1], name, color, mode="lines+markers", hovertemplate=hover, **style))
    yaxis = {"type": "log", "dtick": 1, "exponentformat": "power"}
    return figure(traces, x="block", y="gradient, times the last's", yaxis=yaxis, height=HEIGHT)
