"""Several classifiers, drawn: where each would put the boundary, and how often each is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures import planar
from engine.figures.theme import AMBER, BLUE, GREY, figure, line, points
from engine.results import Array
from engine.results.ensembles import Boundaries, Ensemble

NETWORKS, SNAPSHOTS = BLUE, AMBER
LOW = 320


def boundary(result: Boundaries) -> go.Figure:
    """The average's boundary over the examples, and a thin line for each member's own."""
    whole = planar.boundary(result.average).to_plotly_json()
    field, *examples = whole["data"]
    ends = {"x0": result.average.x[0], "dx": _step(result.average.x, result), "y0": result.average.y[0]}
    ends["dy"] = _step(result.average.y, result)
    thin = {"type": "contour", **ends, "showscale": False, "hoverinfo": "skip", "line": {"color": GREY, "width": 1}}
    thin |= {"contours": {"coloring": "none", "start": 0, "end": 0, "size": 1}, "showlegend": False}
    members = [{**thin, "z": z, "name": f"member {i}"} for i, z in enumerate(result.logits, 1)]
    return go.Figure(data=[field, *members, *examples], layout=whole["layout"], _validate=False)


def _step(axis: Array, result: Boundaries) -> float:
    """How far the members' coarser grid is spaced along an axis."""
    return float(axis[-1] - axis[0]) / (result.logits.shape[-1] - 1)


def errors(networks: Ensemble, snapshots: Ensemble) -> go.Figure:
    """The share of the dev set that each member gets wrong, pale, and each average, in full colour."""
    traces: list[dict[str, Any]] = []
    names, gap = [], len(networks.accuracy) + 2
    for name, found, color, left in (("networks", networks, NETWORKS, 0), ("snapshots", snapshots, SNAPSHOTS, gap)):
        k = len(found.accuracy)
        wrong = 1 - np.append(found.accuracy, found.together[-1])
        bars = {"type": "bar", "name": name, "x": left + np.arange(k + 1), "y": wrong.astype(np.float32)}
        bars["marker"] = {"color": color, "opacity": [0.45] * k + [1.0]}
        labels = [*(f"{name[:-1]} {i}" for i in range(1, k + 1)), f"average of {k} {name}"]
        traces.append(bars | {"customdata": labels, "hovertemplate": "%{customdata}: %{y:.1%}<extra></extra>"})
        names += [(left + (k - 1) / 2, "each"), (left + k, "avg")]
    at, text = zip(*names, strict=True)
    yaxis = {"tickformat": ".0%", "rangemode": "tozero"}
    xaxis = {"tickvals": at, "ticktext": text, "tickangle": 0}
    return figure(traces, x="each alone, and their average", y="dev error", xaxis=xaxis, yaxis=yaxis, height=LOW)


def together(networks: Ensemble, snapshots: Ensemble, most: int) -> go.Figure:
    """The accuracy of the average of the first k, against k, and of the k-th alone."""
    traces = []
    for name, found, color in (("networks", networks, NETWORKS), ("snapshots", snapshots, SNAPSHOTS)):
        k = np.arange(1, len(found.accuracy) + 1)
        hover = "average of %{x} " + name + ": %{y:.1%}<extra></extra>"
        traces.append(line(k, found.together, f"{name}, averaged", color, mode="lines+markers", hovertemplate=hover))
        hover = f"{name[:-1]} %{{x}} alone: %{{y:.1%}}<extra></extra>"
        alone = {"symbol": "circle-open", "size": 7}
        traces.append(
            points(k, found.accuracy, "each alone", color, marker=alone, showlegend=False, hovertemplate=hover)
        )
    xaxis = {"range": [0.5, most + 0.5], "dtick": 1 if most <= 10 else 2}
    return figure(traces, x="k", y="dev accuracy", xaxis=xaxis, yaxis={"tickformat": ".0%"}, height=LOW)
