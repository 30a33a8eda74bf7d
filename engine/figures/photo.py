"""One picture in colour on axes of its own pixels."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from engine.figures.pictures import packed
from engine.figures.theme import MARK, figure
from engine.results import Array

HEIGHT = 330
HALO = "#ffffff"


def photo(pixels: Array, side: float = 0, **layout: Any) -> go.Figure:
    """A picture (h, w, 3) in uint8, on axes in its own pixels or in those of a picture ``side`` wide."""
    high, wide = pixels.shape[:2]
    scale = side / wide if side else 1.0
    trace: dict[str, Any] = {"type": "image", "source": packed(pixels), "name": "picture"}
    trace |= {"x0": scale / 2 - 0.5, "y0": scale / 2 - 0.5, "dx": scale, "dy": scale}
    trace |= {"hovertemplate": "row %{y:.0f}, column %{x:.0f}<extra></extra>"}
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
    xaxis = bare | {"range": [-0.5, wide * scale - 0.5]} | layout.pop("xaxis", {})
    yaxis = bare | {"range": [high * scale - 0.5, -0.5], "scaleanchor": "x"}
    layout = {"height": HEIGHT, "margin": {"l": 4, "r": 4, "t": 4, "b": 28}, "showlegend": False, **layout}
    return figure([trace], xaxis=xaxis, yaxis=yaxis, **layout)


def frame(left: float, right: float, top: float, bottom: float) -> list[dict[str, Any]]:
    """A rectangle around pixels, from the first ones inside to the last ones, with a halo that shows on any picture."""
    corners = {"x0": left - 0.5, "x1": right + 0.5, "y0": top - 0.5, "y1": bottom + 0.5}
    return [
        {"type": "rect", **corners, "line": {"color": color, "width": width}} for color, width in ((HALO, 7), (MARK, 3))
    ]
