"""One look for every figure: colours with one meaning each, and a light and a dark template.

Colours are Okabe and Ito's colour-blind-safe set, darkened where needed to keep a contrast of 3:1 on white and on the dark
background alike, so a figure needs no redrawing when the theme changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

BLUE, VERMILION, GREEN, PURPLE, AMBER, SKY, GREY = (
    "#2b7bba", "#d55e00", "#009e73", "#b5649a", "#b07d00", "#3a93c4", "#808080",
)  # fmt: skip

TRAIN, DEV = BLUE, VERMILION
POSITIVE, NEGATIVE = BLUE, VERMILION
FIRST, SECOND, OVERLAP = BLUE, VERMILION, GREEN
CURVE, PATH, MARK = GREY, BLUE, VERMILION

# The same everywhere, so that a race is read without its legend.
OPTIMIZERS = {"sgd": GREY, "momentum": BLUE, "rmsprop": GREEN, "adam": VERMILION}
WEIGHTS, ACTIVATIONS, GRADIENTS = BLUE, GREEN, PURPLE

COLORWAY = (BLUE, VERMILION, GREEN, PURPLE, AMBER, SKY, GREY)
# Low to high in one hue, light enough and dark enough for both backgrounds; diverging around zero in the class colours.
SEQUENTIAL = "Viridis"
DIVERGING = [[0.0, VERMILION], [0.5, "#f4f4f4"], [1.0, BLUE]]

FONT = '"Source Sans", "Source Sans Pro", system-ui, sans-serif'


def fading(color: str) -> list[tuple[float, str]]:
    """A scale from nearly nothing, which shows either theme's ground, to a color."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return [(0.0, f"rgba({red},{green},{blue},0.07)"), (1.0, color)]


def template(dark: bool) -> dict[str, Any]:
    """The layout template of one theme, as plain JSON."""
    text, grid, line = ("#e6e8ec", "#30363f", "#6b7480") if dark else ("#1d232b", "#e6e9ee", "#9aa3ae")
    axis = {
        "gridcolor": grid,
        "zerolinecolor": line,
        "linecolor": line,
        "ticks": "outside",
        "tickcolor": line,
        "ticklen": 4,
    }
    return {
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 14, "color": text},
            "colorway": list(COLORWAY),
            "xaxis": axis,
            "yaxis": axis,
            # Fixed, because measuring the labels for Plotly's automatic margins takes a third of a redraw.
            "margin": {"l": 56, "r": 12, "t": 32, "b": 44},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0.0, "xanchor": "left"},
            "hoverlabel": {"font": {"family": FONT}},
            "colorscale": {"sequential": SEQUENTIAL, "diverging": DIVERGING},
        }
    }


def figure(traces: Sequence[dict[str, Any]], x: str = "", y: str = "", **layout: Any) -> go.Figure:
    """A figure of plain traces with axis titles, carrying no template of its own: the page or the export adds one."""
    xaxis = {"title": {"text": x}, **layout.pop("xaxis", {})}
    yaxis = {"title": {"text": y}, **layout.pop("yaxis", {})}
    layout = {"xaxis": xaxis, "yaxis": yaxis, "template": {}, **layout}
    # Checking every property takes longer than everything else a closed-form lab does; the contract test checks them.
    return go.Figure(data=list(traces), layout=layout, _validate=False)


def line(x: Any, y: Any, name: str, color: str, **more: Any) -> dict[str, Any]:
    """A line trace; float32 arrays keep the message small."""
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": {"color": color}, **more}


def points(x: Any, y: Any, name: str, color: str, **more: Any) -> dict[str, Any]:
    """A marker trace."""
    marker = {"color": color, "size": 8, **more.pop("marker", {})}
    return {"type": "scatter", "mode": "markers", "x": x, "y": y, "name": name, "marker": marker, **more}
