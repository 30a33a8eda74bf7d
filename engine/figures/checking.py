"""A gradient beside its measured approximation."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import AMBER, BLUE, GREEN, GREY, MARK, PURPLE, figure, line, points
from engine.results.checking import Components, RatioCurves

LAYERS = (BLUE, GREEN, PURPLE, AMBER)
# Where the course calls a gradient right, and where it calls it wrong.
RIGHT, WRONG = 1e-7, 1e-3
FLOOR, CEILING = 1e-17, 1e3


def components(result: Components) -> go.Figure:
    """A bar for each component as high as the two gradients are apart, on a log axis, coloured by layer, biases paler."""
    at, apart = np.arange(len(result.names)), np.maximum(result.apart, FLOOR)
    groups = np.array(result.groups)
    traces = []
    for k, group in enumerate(dict.fromkeys(result.groups)):
        mine = groups == group
        told = [
            f"d{result.names[i]}<br>g = {result.gradient[i]:.6g}<br>g' = {result.approximation[i]:.6g}"
            for i in np.flatnonzero(mine)
        ]
        bars = {"type": "bar", "name": f"d{group}", "x": at[mine], "y": apart[mine].astype(np.float32), "width": 0.9}
        bars |= {"marker": {"color": LAYERS[k // 2 % len(LAYERS)], "opacity": 0.5 if group[0] == "b" else 1.0}}
        traces.append({**bars, "text": told, "textposition": "none", "hovertemplate": "%{text}<extra></extra>"})
    yaxis = {"type": "log", "exponentformat": "power", "range": [-14, max(0.0, float(np.log10(apart.max())) + 0.2)]}
    xaxis = {"showticklabels": False, "ticks": "", "showgrid": False}
    return figure(
        traces, x="component of θ", y="|g − g'|", xaxis=xaxis, yaxis=yaxis, barmode="overlay", margin={"l": 68}
    )


def ratios(result: RatioCurves) -> go.Figure:
    """The ratio against ε, both on log axes, with the bounds of right and wrong and the chosen ε."""
    colors = dict(zip(("this code", "right code", "one-sided"), (BLUE, GREEN, GREY), strict=True))
    traces = []
    for bound, name in ((WRONG, "a bug above"), (RIGHT, "right below")):
        edge = line(result.epsilons[[0, -1]], [bound, bound], name, MARK, hoverinfo="skip", showlegend=False)
        edge["line"] |= {"dash": "dot", "width": 1}
        label: dict[str, Any] = {
            "type": "scatter",
            "mode": "text",
            "x": [result.epsilons[-1]],
            "y": [bound],
            "text": [name],
        }
        label |= {"textposition": "top left", "hoverinfo": "skip", "showlegend": False, "name": name}
        traces += [edge, label]
    for name, values in result.ratios.items():
        hover = f"{name}<br>ε = %{{x:.1e}}<br>ratio %{{y:.2e}}<extra></extra>"
        traces.append(line(result.epsilons, np.maximum(values, FLOOR), name, colors[name], hovertemplate=hover))
    here = points([result.epsilon], [max(result.ratio, FLOOR)], "chosen ε", MARK, marker={"size": 12})
    log = {"type": "log", "exponentformat": "power"}
    yaxis = log | {"range": [-12, 0.3]}
    return figure([*traces, here], x="ε", y="ratio", xaxis=log, yaxis=yaxis, margin={"l": 68})
