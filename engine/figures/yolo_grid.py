"""Objects on a grid: the picture with its cells, and the target that they are written into."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from engine.figures import windows
from engine.figures.anchors import grid_lines
from engine.figures.suppression import KINDS, keys, rectangle, stage
from engine.figures.theme import GREY, MARK, figure, line, points
from engine.results.detection import CLASSES, Encoded
from engine.results.windows import Box, Panels

COLUMNS = 2  # of panels, for each anchor
STRONGEST = 1.5  # all larger numbers are as blue
MOST_WRITTEN = {1: 5, 2: 4}  # cells along a side that leave room for numbers, by anchors


def picture(result: Encoded) -> go.Figure:
    """The boxes, which can be dragged, over the grid; the cells of their middles are shaded, the cell looked at framed."""
    grid, size = result.target.shape[0], result.side / result.target.shape[0]
    drawn = [grid_lines(grid, result.side)]
    for name, (row, column, _), kind in zip(result.names, result.slots.tolist(), result.classes, strict=True):
        color = KINDS[CLASSES[kind]]
        x, y = np.array([0, 1, 1, 0, 0]) * size + column * size, np.array([0, 0, 1, 1, 0]) * size + row * size
        shade = {"fill": "toself", "fillcolor": color, "opacity": 0.25, "hoveron": "fills", "hoverinfo": "name"}
        drawn.append(line(x, y, f"cell of {name}", color, showlegend=False, **shade))
    row, column = result.cell
    x, y = np.array([0, 1, 1, 0, 0]) * size + column * size, np.array([0, 0, 1, 1, 0]) * size + row * size
    frame = line(x, y, "cell looked at", MARK, hoverinfo="skip", showlegend=False)
    frame["line"] |= {"width": 4}
    middles = (result.boxes[:, :2] + result.boxes[:, 2:]) / 2
    symbols = ["x" if lost else "circle" for lost in result.lost]
    colors = [KINDS[CLASSES[kind]] for kind in result.classes]
    marks = points(
        middles[:, 0], middles[:, 1], "middle", GREY, marker={"size": 11, "symbol": symbols, "color": colors}
    )
    marks |= {"hovertemplate": "middle (%{x:.4~g}, %{y:.4~g})<extra></extra>", "showlegend": False}
    shapes = [
        rectangle(box, name, KINDS[CLASSES[kind]], dash="dot" if lost else "solid", width=3)
        for box, name, kind, lost in zip(result.boxes, result.names, result.classes, result.lost, strict=True)
    ]
    return figure([*drawn, frame, marks, *keys(result.classes)], shapes=shapes, showlegend=True, **stage(result.side))


def target(result: Encoded) -> go.Figure:
    """All 5 + C numbers of every slot, a panel each, two columns of panels an anchor; empty where there is no object."""
    grid, _, depth, parts = result.target.shape
    known = (result.target[..., :1] > 0) | (np.arange(parts) == 0)
    values = np.where(known, result.target, np.nan).transpose(3, 2, 0, 1)  # (5 + C, A, S, S)
    down = -(-parts // COLUMNS)
    sheets = np.full((down * COLUMNS, depth, grid, grid), np.nan)
    sheets[:parts] = values
    panels = sheets.reshape(down, COLUMNS, depth, grid, grid).swapaxes(1, 2).reshape(down, -1, grid, grid)
    labels = np.array([*result.parts, *[""] * (down * COLUMNS - parts)]).reshape(down, COLUMNS)
    rows = [
        [f"{name} ({a + 1})" if depth > 1 else name for a in range(depth) for name in row] for row in labels.tolist()
    ]
    shown = ["" if grid > MOST_WRITTEN[depth] or np.isnan(x) else f"{x:.2g}" for x in panels.ravel()]
    texts = np.array(shown, dtype=object).reshape(panels.shape)
    lit = {(r, c): Box(*result.cell, 1, 1) for r in range(down) for c in range(COLUMNS * depth)}
    named = Panels(panels, names=tuple(map(tuple, rows)), texts=texts, lit=lit)
    drawn = windows.grid(named, reach=STRONGEST, width=windows.PHONE)
    height = {1: 560, 2: 430}[depth]
    cell = height / (down * (grid + 1))
    bottom, top = drawn.layout.yaxis.range
    drawn.update_layout(height=height, yaxis_range=(bottom, min(top, -0.5 - windows.NAME / cell)))
    return drawn.update_traces(textfont_size=max(min(13, int(cell / 2.6)), 7))
