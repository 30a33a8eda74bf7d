"""Which classes a classifier takes for which."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, figure
from engine.results.confusion import Confusion

# Light enough in both themes for dark numbers on it.
SHARES = [[0.0, "#f4f4f4"], [1.0, BLUE]]
INK = "#1d232b"
LONGEST = 10


def confusion(result: Confusion) -> go.Figure:
    """True classes downwards, chosen ones across; colour is the share of a row, so that rare classes show too."""
    total = result.counts.sum(1, keepdims=True)
    share = (result.counts / np.maximum(total, 1)).astype(np.float32)
    names = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in result.classes]
    at = np.arange(len(names))
    cells = {"type": "heatmap", "name": "examples", "x": at, "y": at, "z": share, "zmin": 0, "zmax": 1.5}
    cells |= {"colorscale": SHARES, "showscale": False, "xgap": 2, "ygap": 2}
    cells |= {"text": result.counts.astype(str), "texttemplate": "%{text}", "textfont": {"color": INK}}
    cells |= {"hovertemplate": "%{text} examples, %{z:.1%} of their class<extra></extra>"}
    ticks = {"tickvals": at, "ticktext": names, "showgrid": False, "zeroline": False, "constrain": "domain"}
    return figure(
        [cells],
        x="chosen class",
        y="true class",
        xaxis={**ticks, "automargin": True},
        yaxis={**ticks, "autorange": "reversed", "automargin": True},
    )
