"""The matrices of one equation with their numbers, and where in the network it is at work."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import AMBER, DIVERGING, GREY, VERMILION, figure
from engine.results.by_hand import Line

GAP = 1


def matrices(result: Line) -> go.Figure:
    """The result and the matrices it is made of, side by side, each with its shape over it and a number in every cell."""
    rows = max(len(matrix) for matrix in result.matrices)
    width = sum(matrix.shape[1] for matrix in result.matrices) + GAP * (len(result.matrices) - 1)
    sheet = np.full((rows, width), np.nan, np.float32)
    at, titles = 0, []
    for name, matrix in zip(result.names, result.matrices, strict=True):
        height, across = matrix.shape
        top = (rows - height) // 2
        sheet[top : top + height, at : at + across] = matrix
        titles.append((at + (across - 1) / 2, top - 0.8, f"{name} ({height}, {across})"))
        at += across + GAP
    strongest = float(np.nanmax(np.abs(sheet))) or 1.0
    cells: dict[str, Any] = {
        "type": "heatmap",
        "z": sheet,
        "colorscale": DIVERGING,
        "zmin": -1.6 * strongest,
        "zmax": 1.6 * strongest,
    }
    cells |= {"showscale": False, "xgap": 2, "ygap": 2, "hoverongaps": False, "name": "numbers"}
    cells |= {"texttemplate": "%{z:.2f}", "textfont": {"size": 13}, "hovertemplate": "%{z:.6f}<extra></extra>"}
    x, y, text = zip(*titles, strict=True)
    names: dict[str, Any] = {
        "type": "scatter",
        "mode": "text",
        "x": x,
        "y": y,
        "text": text,
        "hoverinfo": "skip",
        "name": "shapes",
    }
    names |= {"textfont": {"size": 14}}
    hidden = {"visible": False}
    yaxis = {**hidden, "range": [rows - 0.4, -1.4]}
    margin = {"l": 8, "r": 8, "t": 8, "b": 8}
    return figure([cells, names], xaxis=hidden, yaxis=yaxis, showlegend=False, height=260, margin=margin)


def network(result: Line) -> go.Figure:
    """The units, layer by layer, with the layer at work in colour and an arrow for the direction."""
    places = [(layer, n / 2 - k - 0.5) for layer, n in enumerate(result.sizes) for k in range(n)]
    x, y = (np.array(axis, np.float32) for axis in zip(*places, strict=True))
    lines: list[tuple[float | None, float | None]] = []
    for layer, (n_in, n_out) in enumerate(pairwise(result.sizes)):
        ends = [
            ((layer, n_in / 2 - i - 0.5), (layer + 1, n_out / 2 - j - 0.5)) for i in range(n_in) for j in range(n_out)
        ]
        lines += [point for a, b in ends for point in (a, b, (None, None))]
    edge_x, edge_y = zip(*lines, strict=True)
    color = VERMILION if result.backward else AMBER
    edges: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "x": edge_x,
        "y": edge_y,
        "line": {"color": GREY, "width": 1},
    }
    units: dict[str, Any] = {"type": "scatter", "mode": "markers", "x": x, "y": y, "name": "units"}
    units |= {"marker": {"size": 26, "color": [color if layer == result.layer else GREY for layer in x]}}
    start = result.layer if result.backward else result.layer - 1
    step = -0.8 if result.backward else 0.8
    low = -max(result.sizes) / 2 - 0.6
    arrow = {"x": start + step, "ax": start, "y": low, "ay": low, "axref": "x", "ayref": "y", "arrowcolor": color}
    arrow |= {"showarrow": True, "arrowhead": 2, "arrowwidth": 3, "text": ""}
    ticks = ["X", *(f"A{'⁰¹²³⁴'[layer]}" for layer in range(1, len(result.sizes)))]
    xaxis = {"tickvals": list(range(len(result.sizes))), "ticktext": ticks, "showgrid": False, "zeroline": False}
    yaxis = {"visible": False, "range": [low - 0.4, max(result.sizes) / 2 + 0.3]}
    traces = [{**edges, "hoverinfo": "skip", "name": "weights"}, {**units, "hoverinfo": "skip"}]
    margin = {"l": 20, "r": 20, "t": 8, "b": 30}
    return figure(traces, xaxis=xaxis, yaxis=yaxis, annotations=[arrow], showlegend=False, height=260, margin=margin)
