"""What a network answers for the windows of a picture, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.pictures import image, outline
from engine.figures.theme import BLUE, COLORWAY, GREY, MARK, figure
from engine.results import Array
from engine.results.scanned import Scanned

HEIGHT, SMALL = 330, 270
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
TIGHT = {"l": 4, "r": 4, "t": 4, "b": 4}
MOST_TEXTS, MOST_BOXES, MOST_TAGS = 10, 150, 20
LEFT = 88  # pixels for the names of ways
LIGHT, INK = "#f4f4f4", "#1d232b"  # on pictures and on cells, which are the same in both themes


def picture(pixels: Array, boxes: list[dict[str, Any]], height: int = HEIGHT, **layout: Any) -> go.Figure:
    """A picture (h, w, 3) with outlines over it, in pixels."""
    h, w = pixels.shape[:2]
    pad = 0.02 * max(h, w)
    xaxis = BARE | {"range": [-pad, w + pad]}
    yaxis = BARE | {"range": [h + pad, -pad], "scaleanchor": "x", "constraintoward": "top"}
    layout = {"margin": TIGHT, "height": height, "dragmode": False, **layout}
    return figure([image(pixels, 0, 0)], xaxis=xaxis, yaxis=yaxis, shapes=boxes, **layout)


def window(result: Scanned, at: int) -> go.Figure:
    """The picture with one window framed."""
    return picture(result.pixels, [outline(result.box(at), width=3)])


def answers(result: Scanned, at: int) -> go.Figure:
    """The likeliest class of every window as its colour, grey for the last, with its probability; one window framed."""
    down, across = result.grid
    row, column = divmod(at, across)
    here = (column - 0.5, row - 0.5, column + 0.5, row + 0.5)
    colors = [*COLORWAY[: len(result.labels) - 1], GREY]
    keys = [
        {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "name": name}
        | {"marker": {"color": color, "symbol": "square", "size": 12}}
        for name, color in zip(result.labels, colors, strict=True)
    ]
    return figure(
        [_cells(result, colors), *keys],
        xaxis=BARE | {"range": [-0.55, across - 0.45]},
        yaxis=BARE | {"range": [down - 0.45, -0.55], "scaleanchor": "x"},
        shapes=[outline(here, LIGHT, 6), outline(here, INK, 3)],
        height=HEIGHT,
        margin=TIGHT | {"t": 32},
        dragmode=False,
    )


def _cells(result: Scanned, colors: list[str]) -> dict[str, Any]:
    """A cell for every window; its probability stands in it where there is room."""
    best, sure = result.probabilities.argmax(0), result.probabilities.max(0)
    steps = np.repeat(np.linspace(0, 1, len(colors) + 1), 2)[1:-1]
    names = np.array(result.labels, object)[best]
    trace: dict[str, Any] = {"type": "heatmap", "z": best.astype(np.uint8), "zmin": -0.5, "zmax": len(colors) - 0.5}
    trace |= {"colorscale": [[float(x), colors[i // 2]] for i, x in enumerate(steps)], "showscale": False}
    trace |= {"text": [[f"{p:.0%}" for p in row] for row in sure], "customdata": names, "xgap": 1, "ygap": 1}
    trace |= {"hovertemplate": "row %{y}, column %{x}: %{customdata} %{text}<extra></extra>", "opacity": 0.8}
    if result.grid[1] <= MOST_TEXTS:
        trace |= {"texttemplate": "%{text}", "textfont": {"color": LIGHT, "size": 11}}
    return trace


def stacked(ways: Sequence[str], parts: Sequence[str], values: Array, unit: str) -> go.Figure:
    """What each way costs, ``values`` (ways, parts), as bars stacked from their parts."""
    bars: list[dict[str, Any]] = [
        {"type": "bar", "orientation": "h", "x": values[:, i], "y": list(ways), "name": part}
        | {"marker": {"color": COLORWAY[i]}, "hovertemplate": f"{part}: %{{x:.4s}}<extra></extra>"}
        for i, part in enumerate(parts)
    ]
    # A legend would stand in a column of its own where the figure is narrow.
    keys = "  ".join(f'<span style="color:{COLORWAY[i]}">■</span> {part}' for i, part in enumerate(parts))
    key = {"text": keys, "xref": "paper", "yref": "paper", "x": 0, "y": 1, "xshift": 4 - LEFT, "yshift": 6}
    key |= {"xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": 12}}
    return _ways(bars, unit, barmode="stack", annotations=[key], xaxis={"tickformat": "~s", "nticks": 5})


def times(ways: Sequence[str], spent: Array) -> go.Figure:
    """The milliseconds (ways,) of each way."""
    bars: dict[str, Any] = {"type": "bar", "orientation": "h", "x": spent, "y": list(ways), "name": "time"}
    bars |= {"marker": {"color": BLUE}, "text": [f"{t:.3g} ms" for t in spent], "textposition": "outside"}
    bars |= {"cliponaxis": False, "hovertemplate": "%{x:.3g} ms<extra></extra>"}
    return _ways([bars], "milliseconds", xaxis={"range": [0, 1.3 * float(spent.max())], "nticks": 5})


def _ways(bars: list[dict[str, Any]], x: str, xaxis: dict[str, Any], **layout: Any) -> go.Figure:
    yaxis = {"autorange": "reversed", "showgrid": False, "ticks": ""}
    margin = {"l": LEFT, "r": 12, "t": 32, "b": 48}
    xaxis |= {"tickangle": 0}
    return figure(bars, x=x, xaxis=xaxis, yaxis=yaxis, height=270, margin=margin, showlegend=False, **layout)


def boxes(
    pixels: Array,
    found: Array,
    names: Sequence[str] = (),
    truth: Array | None = None,
    here: Array | None = None,
    height: int = HEIGHT,
) -> go.Figure:
    """A picture with boxes (n, 4), named where there are names, the true ones (k, 4) dotted, and one (4,) in sight."""
    shapes = [] if truth is None else [_dotted(box) for box in truth.tolist()]
    shapes += [outline(tuple(box), width=2 if names else 1) for box in found.tolist()[:MOST_BOXES]]
    shapes += [] if here is None else [outline(tuple(here.tolist()), BLUE, 4)]
    tag: dict[str, Any] = {"showarrow": False, "xanchor": "left", "yanchor": "top", "bgcolor": MARK}
    tag |= {"font": {"color": LIGHT, "size": 11}, "borderpad": 1}
    tagged = zip(found.tolist(), names[:MOST_TAGS], strict=False)
    notes = [{**tag, "x": box[0], "y": box[1], "text": name} for box, name in tagged]
    return picture(pixels, shapes, height, annotations=notes)


def _dotted(box: list[float]) -> dict[str, Any]:
    shape = outline((box[0], box[1], box[2], box[3]), LIGHT, 2)
    shape["line"] |= {"dash": "dot"}
    return shape


def grouping(pixels: Array, parts: Array, merged: Array | None = None) -> go.Figure:
    """Regions in their mean colours; the box (4,) of the one merged last, and those of its parts (2, 4), dotted."""
    shapes = [outline(tuple(part), BLUE) for part in parts.tolist()]
    for shape in shapes:
        shape["line"] |= {"dash": "dot"}
    return picture(pixels, shapes + ([] if merged is None else [outline(tuple(merged.tolist()), width=3)]), SMALL)
