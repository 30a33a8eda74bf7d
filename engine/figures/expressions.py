"""Typed functions and costs: slope triangles, computation graphs, paths on a cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, CURVE, GREY, MARK, PATH, PURPLE, VERMILION, figure, line, points
from engine.functional.layering import Place, layered
from engine.results import Array
from engine.results.expressions import CostPath, Nudge, QuotientError
from engine.results.graphs import GraphWalk, shown

VALUE, SLOPE = BLUE, VERMILION
SMOOTH = {"color": CURVE, "simplify": False}
DASHED = {"color": VERMILION, "dash": "dash"}
ROW, TALL_ROW = 92, 54
NODE, ARROW = 30, 10
MANY_LAYERS = 5
SIGNS = {"*": "×", "/": "÷", "-": "−", "negative": "−", "sigmoid": "σ", "sqrt": "√", "square": "( )²", "abs": "| |"}
# On a node's own colour, which is the same on both backgrounds.
ON_NODE = {"color": "#ffffff", "size": 12}


def triangle(result: Nudge) -> go.Figure:
    """The curve with the slope triangle from a to a + h, and the tangent; the curve alone where there is none."""
    traces = [line(result.x, result.y, "f", CURVE, line=SMOOTH, hovertemplate="f(%{x:.3g}) = %{y:.4g}<extra></extra>")]
    if result.finite:
        tangent = result.heights[0] + result.slope * (result.x - result.a)
        traces.append(line(result.x, tangent, "tangent", VERMILION, line=DASHED, hoverinfo="skip"))
        traces += _triangle(np.array([result.a, result.a + result.h]), np.array(result.heights))
    return figure(
        traces,
        x="x",
        y="f(x)",
        xaxis={"range": [float(result.x[0]), float(result.x[-1])]},
        yaxis={"range": _span(result.y, result.heights)},
    )


def lens(result: Nudge) -> go.Figure:
    """The same triangle magnified until h is as long as the axis: the curve straightens as h shrinks."""
    traces = [
        line(result.lens, result.rise, "f", CURVE, line=SMOOTH, hoverinfo="skip"),
        line(result.lens, result.slope * result.lens, "tangent", VERMILION, line=DASHED, hoverinfo="skip"),
        *_triangle(np.array([0.0, 1.0]), np.array([0.0, result.ratio])),
    ]
    return figure(
        traces,
        x="distance from a, in h",
        y="rise, in h",
        xaxis={"range": [float(result.lens[0]), float(result.lens[-1])]},
        yaxis={"range": _span(result.rise, (0.0, result.ratio))},
        showlegend=False,
    )


def _triangle(x: Array, y: Array) -> list[dict[str, Any]]:
    """h along, Δf up, and the secant that closes the triangle."""
    legs = line(x[[0, 1, 1]], y[[0, 0, 1]], "h and Δf", PATH, fill="toself", opacity=0.8, hoverinfo="skip")
    secant = line(x, y, "Δf / h", PURPLE, line={"color": PURPLE, "width": 3}, hoverinfo="skip")
    ends = points(x, y, "ends", MARK, hovertemplate="%{x:.6g}, %{y:.6g}<extra></extra>", showlegend=False)
    return [legs, secant, ends]


def _span(y: Array, sure: tuple[float, ...]) -> list[float]:
    """An axis that holds most of a curve, whatever its poles do, and all of the numbers that must be seen."""
    finite = y[np.isfinite(y)]
    most = np.quantile(finite, [0.02, 0.98]) if finite.size else np.zeros(2)
    low, high = np.nanmin([*most, *sure]), np.nanmax([*most, *sure])
    room = 0.08 * (high - low) or 1.0
    return [float(low - room), float(high + room)]


def quotient_error(result: QuotientError, h: float) -> go.Figure:
    """The error against h on log axes, with the two straight lines that make its V, and the h in use."""
    dotted = {"dash": "dot", "width": 2}
    traces = [
        line(
            result.h,
            result.measured,
            "measured",
            PATH,
            mode="markers",
            marker={"color": PATH, "size": 5},
            hovertemplate="h = %{x:.1e}<br>error %{y:.1e}<extra></extra>",
        ),
        line(result.h, result.truncation, "truncation", PURPLE, line={"color": PURPLE, **dotted}, hoverinfo="skip"),
        line(result.h, result.rounding, "rounding", GREY, line={"color": GREY, **dotted}, hoverinfo="skip"),
    ]
    shown = result.measured[np.isfinite(result.measured)]
    low, high = (np.log10(shown.min()), np.log10(shown.max())) if shown.size else (-16.0, 0.0)
    here = {"type": "line", "x0": h, "x1": h, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": MARK, "width": 2}}
    power = {"type": "log", "exponentformat": "power"}
    return figure(
        traces,
        x="h",
        y="error of Δf / h",
        xaxis={**power, "range": [float(np.log10(result.h[0])), float(np.log10(result.h[-1]))]},
        yaxis={**power, "range": [float(low) - 0.5, float(high) + 0.5]},
        shapes=[here],
        margin={"l": 72},
        height=320,
    )


def graph(result: GraphWalk) -> go.Figure:
    """Nodes and edges; values in blue over the derivatives in vermilion, the step's node and edges in its colour.

    It runs from left to right, and a long one from top to bottom with its labels beside the nodes.
    """
    now = SLOPE if result.back else VALUE
    places, ways = layered(result.inputs)
    x, y = np.array(places, np.float32).T
    across, up = np.array([place for way in [places, *ways.values()] for place in way]).T
    tall = x.max() >= MANY_LAYERS
    if tall:
        x, y, across, up = -y, -x, -up, -across
        ways = {edge: [(-y, -x) for x, y in way] for edge, way in ways.items()}
    nodes = points(x, y, "operations", GREY, mode="markers+text", cliponaxis=False)
    nodes["marker"] = {"color": [now if i == result.current else GREY for i in result.drawn], "size": NODE}
    nodes |= {"text": [_sign(result, i) for i in result.drawn], "textposition": "middle center", "textfont": ON_NODE}
    nodes |= {
        "customdata": [result.operation(i) for i in result.drawn],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    lit = [result.drawn[edge[0 if result.back else 1]] == result.current for edge in ways]
    edges = [
        _edges([way for way, used in zip(ways.values(), lit, strict=True) if used == wanted], color, name)
        for wanted, color, name in ((False, GREY, "edges"), (True, now, "edges in use"))
    ]
    hidden = {"visible": False, "fixedrange": True}
    before, after = (0.2, 0.85) if tall else (0.4, 0.4)
    return figure(
        [*edges, nodes, *_labels(x, y, result, tall)],
        xaxis={**hidden, "range": [float(across.min()) - before, float(across.max()) + after]},
        yaxis={**hidden, "range": [float(up.min()) - 0.55, float(up.max()) + 0.55]},
        margin={"l": 12, "r": 12, "t": 4, "b": 4},
        height=max(220, int((TALL_ROW if tall else ROW) * float(up.max() - up.min() + 1.1))),
        showlegend=False,
    )


def _sign(result: GraphWalk, place: int) -> str:
    """What stands in a node: its name if it is a variable, else its sign, with the number that it takes, if any."""
    node = result.graph.nodes[place]
    if not node.operation:
        return node.name
    sign = SIGNS.get(node.operation, node.operation)
    numbers = [result.name(i) if result.graph.nodes[i].number is not None else "" for i in node.inputs]
    return f"{numbers[0]}{sign}{numbers[1]}" if len(numbers) == 2 else sign


def _labels(x: Array, y: Array, result: GraphWalk, beside: bool) -> list[dict[str, Any]]:
    """What is known by now: values over the nodes and derivatives under them, or both beside them, on two lines."""
    name, equals = result.name, "=" if beside else " = "
    values = [f"{name(i)}{equals}{shown(result.values[i], 3)}" if result.has_value(i) else "" for i in result.drawn]
    slopes = [f"d{name(i)}{equals}{shown(result.slopes[i], 3)}" if result.has_slope(i) else "" for i in result.drawn]
    where = ["middle right"] * 2 if beside else ["top center", "bottom center"]
    if beside:
        values, slopes = [f"{text}<br> " for text in values], [f" <br>{text}" for text in slopes]
    # An invisible marker of the node's size keeps the text clear of the node.
    plain: dict[str, Any] = {"mode": "markers+text", "hoverinfo": "skip", "cliponaxis": False}
    plain["marker"] = {"size": NODE, "color": "rgba(0,0,0,0)"}
    return [
        points(x, y, title, color, text=text, textposition=at, textfont={"color": color}, **plain)
        for title, color, text, at in zip(
            ("values", "derivatives"), (VALUE, SLOPE), (values, slopes), where, strict=True
        )
    ]


def _edges(ways: list[list[Place]], color: str, name: str) -> dict[str, Any]:
    """Lines broken between edges, each with its arrow at the user's side."""
    x, y, ends = [], [], []
    for way in ways:
        x += [*(place[0] for place in way), None]
        y += [*(place[1] for place in way), None]
        ends += [0] * (len(way) - 1) + [1, 0]
    marker: dict[str, Any] = {"symbol": "arrow", "angleref": "previous", "color": color}
    marker |= {"size": [ARROW * end for end in ends], "standoff": [NODE / 2 * end for end in ends]}
    return line(x, y, name, color, mode="lines+markers", marker=marker, hoverinfo="skip")


def path(result: CostPath) -> go.Figure:
    """A cost curve of any sign with every step on it; the view keeps to the curve when the path leaves it."""
    hover = "step %{customdata}<br>w = %{x:.4g}<br>J = %{y:.4g}<extra></extra>"
    steps = line(
        result.path_w,
        result.path_cost,
        "steps",
        PATH,
        mode="lines+markers",
        customdata=result.steps,
        hovertemplate=hover,
    )
    traces = [
        line(result.w, result.cost, "J(w)", CURVE, line=SMOOTH, hoverinfo="skip"),
        steps,
        points(result.path_w[-1:], result.path_cost[-1:], "last step", MARK, marker={"size": 12}, hoverinfo="skip"),
    ]
    shown = result.cost[np.isfinite(result.cost)]
    low = float(shown.min()) if shown.size else 0.0
    high = float(max([*result.path_cost[:1], np.quantile(shown, 0.6)])) if shown.size else 1.0
    room = 0.06 * (high - low) or 1.0
    return figure(
        traces,
        x="w",
        y="cost J(w)",
        xaxis={"range": [float(result.w[0]), float(result.w[-1])]},
        yaxis={"range": [low - room, high + room]},
    )


def cost_by_step(steps: Array, costs: Array, last: int) -> go.Figure:
    """Cost, of any sign, against step number, on an axis that reaches to the ``last`` from the start."""
    hover = "step %{x}<br>J = %{y:.4g}<extra></extra>"
    trace = line(steps, costs, "cost", PATH, mode="lines+markers", hovertemplate=hover)
    return figure([trace], x="step", y="cost J", xaxis={"range": [0, max(last, 1)]}, showlegend=False)
