"""Grids with a number in every cell and the cells that a window covers in a frame: one cell a unit, row 0 at the top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, DIVERGING, GREEN, GREY, MARK, VERMILION, figure
from engine.results import Array
from engine.results.windows import Box, Panels, texts

INK = "#1d232b"  # numbers on cells, which are light in both themes
ZEROS = "#c3c8ce"  # the band of padding under its zeros
LIGHT = "#f4f4f4"
CHANNELS = {"Red": VERMILION, "Green": GREEN, "Blue": BLUE}
SCALES = tuple([[0.0, LIGHT], [1.0, color]] for color in CHANNELS.values())
HEIGHT = 270
NARROW, PHONE = 230, 320  # pixels across, of three figures side by side and of one on a phone
TITLE, NAME = 30, 20
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}


def grid(
    panels: Panels,
    reach: float | None = None,
    scales: Sequence[Any] = (),
    total: str = "",
    steps: Array | None = None,
    width: int = NARROW,
) -> go.Figure:
    """Panels of numbers, coloured by sign from -reach to reach, or a scale from 0 for each column of panels.

    ``total`` stands below; ``steps`` (h, w) numbers the steps of the walk that make the cells, for the hover. ``width`` is
    how many pixels there are where they are fewest.
    """
    down, across, h, w = panels.values.shape
    reach = reach or _reach(panels.values)
    columns: list[slice] = [slice(c, c + 1) for c in range(across)] if scales else [slice(0, across)]
    height = _height(panels, width, bool(total))
    cell = _cell(panels, width, height)
    size = _letters(panels, cell)
    traces = [_cells(panels, part, reach, scales[part.start] if scales else None, steps, size) for part in columns]
    head = 0.5 + (min(1.0, NAME / cell) if panels.names else 0.05)
    last = across * (w + 1) - 1 - panels.border - 0.45, down * (h + 1) - 1 - panels.border - 0.45
    xaxis = BARE | {"range": [-panels.border - 0.55, last[0]], "title": {"text": total, "font": {"size": 13}}}
    yaxis = BARE | {"range": [last[1], -panels.border - head], "scaleanchor": "x", "constraintoward": "top"}
    return figure(
        traces,
        xaxis=xaxis,
        yaxis=yaxis,
        shapes=_shapes(panels, INK if scales else MARK),
        annotations=_names(panels),
        margin={"l": 4, "r": 4, "t": 4, "b": TITLE if total else 4},
        height=height,
        dragmode=False,
        showlegend=False,
        **_at_step(panels, steps),
    )


def _at_step(panels: Panels, steps: Array | None) -> dict[str, Any]:
    """Which step of the walk the lit cell belongs to, so that hovering another cell can go to that cell's step."""
    if steps is None or not panels.lit:
        return {}
    place, box = next(iter(panels.lit.items()))
    return {"meta": {"step": int(np.broadcast_to(steps, panels.values.shape)[(*place, box.top, box.left)])}}


def sizes(table: Array, strides: Sequence[int], paddings: Sequence[int], here: tuple[int, int], n: int) -> go.Figure:
    """The side of the output by padding (down) and stride (across), the setting in use framed; n itself in bold."""
    words = [["none" if np.isnan(x) else f"<b>{x:g}</b>" if x == n else f"{x:g}" for x in row] for row in table]
    trace = _heatmap(table, words, float(np.nanmax(table)), None, 14)
    trace |= {"x0": strides[0], "y0": paddings[0], "hovertemplate": "p = %{y}, s = %{x}: %{text}<extra></extra>"}
    stride, padding = here
    whole = _frame(Box(paddings[0], strides[0], len(paddings), len(strides)))
    ground = whole | {"fillcolor": ZEROS, "line": {"width": 0}, "layer": "below"}  # where no window fits
    inked = {"tickmode": "array", "showgrid": False, "zeroline": False, "ticks": ""}
    return figure(
        [trace],
        x="stride s",
        y="padding p",
        xaxis=inked | {"tickvals": list(strides), "range": [strides[0] - 0.55, strides[-1] + 0.55]},
        yaxis=inked | {"tickvals": list(paddings), "range": [paddings[-1] + 0.55, paddings[0] - 0.55]},
        shapes=[ground, _frame(Box(padding, stride, 1, 1))],
        margin={"l": 44, "r": 4, "t": 4, "b": 40},
        height=HEIGHT,
        dragmode=False,
    )


def photo(pixels: Array, patch: Box) -> go.Figure:
    """A picture (h, w, 3) of 8-bit levels, the patch in use framed."""
    height, width = pixels.shape[:2]
    trace = {"type": "image", "z": pixels, "hovertemplate": "row %{y}, column %{x}: %{z}<extra></extra>"}
    xaxis = BARE | {"range": [-0.6, width - 0.4]}
    yaxis = BARE | {"range": [height - 0.4, -0.6], "scaleanchor": "x"}
    layout: dict[str, Any] = {"margin": {"l": 4, "r": 4, "t": 4, "b": 4}, "height": HEIGHT, "dragmode": False}
    return figure(
        [trace],
        xaxis=xaxis,
        yaxis=yaxis,
        shapes=[_frame(patch, color=INK, width=6), _frame(patch, color=LIGHT)],
        **layout,
    )


def network(volume: Array, filters: Array, maps: Array, window: Box, cell: Box) -> go.Figure:
    """A layer from afar, as stacks of sheets: the volume (3, n, n), the filters (k, 3, f, f) and their maps (k, o, o)."""
    n, k, f, o = volume.shape[-1], len(filters), filters.shape[-1], maps.shape[-1]
    deep, small, thin = 0.28 * n, 0.9, 0.3 * o
    drop = f + 2 * small + 1.2  # from one filter to the next
    tall = max(n + 2 * deep, k * drop, o + (k - 1) * thin)
    middle = n + 2 * deep + 3
    right = middle + f + 2 * small + 3
    traces, shapes = [], []
    top = (tall - n + 2 * deep) / 2  # of the front sheet
    for c in reversed(range(3)):
        traces.append(_sheet(volume[c], c * deep, top - c * deep, 9.0, SCALES[c]))
        shapes.append(_frame(window, c * deep, top - c * deep))
    heaviest = _reach(filters)
    for i in range(k):
        y = (tall - k * drop) / 2 + i * drop + 2 * small
        for c in reversed(range(3)):
            traces.append(_sheet(filters[i, c], middle + c * small, y - c * small, heaviest))
    top = (tall - o + (k - 1) * thin) / 2
    for i in reversed(range(k)):
        shapes.append(_empty(right + i * thin, top - i * thin, o, o))
        traces.append(_sheet(maps[i], right + i * thin, top - i * thin, _reach(maps)))
        shapes.append(_frame(cell, right + i * thin, top - i * thin))
    plural = "s" if k > 1 else ""
    words = [
        (n / 2 + deep, f"{n} × {n} × 3"),
        (middle + f / 2 + small, f"{k} filter{plural}<br>{f} × {f} × 3"),
        (right + o / 2 + (k - 1) * thin / 2, f"{o} × {o} × {k}"),
    ]
    signs = [(middle - 2, tall / 2, "∗"), (right - 1.8, tall / 2, "→")]
    notes = [_note(x, tall + 0.4, text, "top") for x, text in words] + [_note(*sign, "middle", 22) for sign in signs]
    xaxis = BARE | {"range": [-1, right + o + (k - 1) * thin]}
    yaxis = BARE | {"range": [tall + 4, -1], "scaleanchor": "x"}
    layout: dict[str, Any] = {"margin": {"l": 4, "r": 4, "t": 4, "b": 4}, "height": 340, "dragmode": False}
    return figure(traces, xaxis=xaxis, yaxis=yaxis, shapes=shapes, annotations=notes, **layout)


def _texts(panels: Panels) -> Array:
    """What stands in the cells."""
    return texts(panels.values) if panels.texts is None else panels.texts


def _height(panels: Panels, width: int, titled: bool) -> int:
    """Pixels that a figure of this width needs, and a little more where there is more room across."""
    down, across, h, w = panels.values.shape
    cells = down * (h + 1) / (across * (w + 1) - 1)
    return round(min(max(HEIGHT, 100 * down), max(120, 1.25 * width * cells) + (TITLE if titled else 0)))


def _cell(panels: Panels, width: int, height: int) -> float:
    """Pixels along a side of a cell."""
    down, across, h, w = panels.values.shape
    return min(width / (across * (w + 1) - 1), (height - TITLE) / (down * (h + 1)))


def _letters(panels: Panels, cell: float) -> int:
    """The size of letters that fit into every cell."""
    lines = [text.split("<br>") for text in _texts(panels).ravel()]
    longest = max(1, *(len(line) for text in lines for line in text))
    return int(min(14, max(7, min(cell / (0.6 * longest), cell / (1.3 * max(map(len, lines)))))))


def _cells(panels: Panels, part: slice, reach: float, scale: Any, steps: Array | None, size: int) -> dict[str, Any]:
    """The trace of some columns of panels."""
    _, _, _, w = panels.values.shape
    words = _joined(_texts(panels)[:, part], "").tolist()
    trace = _heatmap(_joined(panels.values[:, part], np.nan), words, reach, scale, size)
    trace |= {"x0": part.start * (w + 1) - panels.border, "y0": -panels.border}
    if steps is not None:
        trace["customdata"] = _joined(np.broadcast_to(steps, panels.values[:, part].shape), 0).astype(np.int16)
        trace["hovertemplate"] = "step %{customdata}: %{text}<extra></extra>"
    return trace


def _heatmap(values: Array, words: list[Any], reach: float, scale: Any, size: int) -> dict[str, Any]:
    """Cells with texts; pale, so that the texts stay readable."""
    limits = {"zmin": 0, "zmax": 1.8 * reach} if scale else {"zmin": -1.5 * reach, "zmax": 1.5 * reach}
    return {
        "type": "heatmap",
        "z": values.astype(np.float32),
        "colorscale": scale or DIVERGING,
        **limits,
        "text": words,
        "texttemplate": "%{text}",
        "textfont": {"color": INK, "size": size},
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _sheet(values: Array, x: float, y: float, reach: float, scale: Any = None) -> dict[str, Any]:
    """One sheet of a stack, its upper left corner at (x, y); numbers only on hover."""
    limits = {"zmin": 0 if scale else -reach, "zmax": reach}
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": values.astype(np.float32),
        "x0": x,
        "y0": y,
        "dx": 1,
        "dy": 1,
        **limits,
    }
    trace |= {"colorscale": scale or DIVERGING, "showscale": False, "hovertemplate": "%{z:.4~g}<extra></extra>"}
    return trace | {"xgap": 0.5, "ygap": 0.5}


def _joined(values: Array, between: Any) -> Array:
    """Panels (down, across, h, w) as one array, with a row and a column of ``between`` where two meet."""
    down, across, h, w = values.shape
    sheet = np.full((down, h + 1, across, w + 1), between, dtype=values.dtype)
    sheet[:, :h, :, :w] = values.transpose(0, 2, 1, 3)
    return sheet.reshape(down * (h + 1), across * (w + 1))[:-1, :-1]


def _shapes(panels: Panels, color: str) -> list[dict[str, Any]]:
    down, across, h, w = panels.values.shape
    places = [((r, c), c * (w + 1), r * (h + 1)) for r in range(down) for c in range(across)]
    empty = [_empty(x - panels.border, y - panels.border, h, w) for _, x, y in places]
    bands = [_band(x, y, h, w, panels.border) for _, x, y in places if panels.border]
    dims = [dim for _, x, y in places for dim in _dims(x, y, h, w, panels)]
    frames = [_frame(panels.lit[place], x, y, color) for place, x, y in places if place in panels.lit]
    return empty + bands + dims + frames


def _empty(x: float, y: float, h: int, w: int) -> dict[str, Any]:
    """The ground of one grid, seen where nothing is known yet."""
    corners = {"x0": x - 0.5, "y0": y - 0.5, "x1": x + w - 0.5, "y1": y + h - 0.5}
    return {"type": "rect", **corners, "fillcolor": GREY, "opacity": 0.15, "line": {"width": 0}, "layer": "below"}


def _band(x: float, y: float, h: int, w: int, border: int) -> dict[str, Any]:
    """The padding around one grid: a ring, below the cells, which are empty there."""
    left, top, inner = x - border - 0.5, y - border - 0.5, (x - 0.5, y - 0.5)
    outer = f"M{left},{top}L{left + w},{top}L{left + w},{top + h}L{left},{top + h}Z"
    right, bottom = inner[0] + w - 2 * border, inner[1] + h - 2 * border
    hole = f"M{inner[0]},{inner[1]}L{right},{inner[1]}L{right},{bottom}L{inner[0]},{bottom}Z"
    return {
        "type": "path",
        "path": outer + hole,
        "fillrule": "evenodd",
        "fillcolor": ZEROS,
        "line": {"width": 0},
        "layer": "below",
    }


def _dims(x: float, y: float, h: int, w: int, panels: Panels) -> list[dict[str, Any]]:
    """The rows and columns of one grid that no window reaches."""
    if not panels.lost:
        return []
    left, top = x - panels.border - 0.5, y - panels.border - 0.5
    right, bottom, lost = left + w, top + h, panels.lost
    boxes = [(left, bottom - lost, right, bottom), (right - lost, top, right, bottom - lost)]
    look = {"type": "rect", "fillcolor": GREY, "opacity": 0.6, "line": {"width": 0}}
    return [look | {"x0": x0, "y0": y0, "x1": x1, "y1": y1} for x0, y0, x1, y1 in boxes]


def _frame(box: Box, x: float = 0, y: float = 0, color: str = MARK, width: int = 3) -> dict[str, Any]:
    """A frame around cells of the grid whose row 0, column 0 is at (x, y)."""
    corners = {"x0": x + box.left - 0.5, "y0": y + box.top - 0.5}
    corners |= {"x1": corners["x0"] + box.width, "y1": corners["y0"] + box.height}
    return {"type": "rect", **corners, "line": {"color": color, "width": width}}


def _names(panels: Panels) -> list[dict[str, Any]]:
    _, _, h, w = panels.values.shape
    return [
        _note(c * (w + 1) - panels.border + (w - 1) / 2, r * (h + 1) - panels.border - 0.5, name, "bottom", 12)
        for r, row in enumerate(panels.names)
        for c, name in enumerate(row)
    ]


def _note(x: float, y: float, text: str, anchor: str, size: int = 14) -> dict[str, Any]:
    return {"x": x, "y": y, "text": text, "yanchor": anchor, "showarrow": False, "font": {"size": size}}


def _reach(values: Array) -> float:
    """The largest number without its sign, 1 where all are zero or unknown."""
    sizes = np.abs(values[~np.isnan(values)])
    return float(sizes.max()) if sizes.size and sizes.max() > 0 else 1.0
