"""Colour pictures as tiles in rows, each with its caption, packed as files so that they travel small."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from engine.figures.theme import GREY, MARK, figure
from engine.results import Array

LOSSLESS = 40 * 40
QUALITY = 80
HIDDEN = {"visible": False, "constrain": "domain"}
BARE = {"l": 4, "r": 4, "t": 4, "b": 4}
Box = tuple[float, float, float, float]


def packed(pixels: Array) -> str:
    """Levels (h, w, 3) as the address of a picture: exact where it is small or has an alpha (h, w, 4), else a JPEG."""
    file = io.BytesIO()
    small = _exact(pixels)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.save(file, "PNG" if small else "JPEG", quality=QUALITY)
    return f"data:image/{'png' if small else 'jpeg'};base64,{base64.b64encode(file.getvalue()).decode()}"


def image(pixels: Array, left: float, top: float, size: float = 1.0, hover: str = "") -> dict[str, Any]:
    """Levels (h, w, 3) as a trace whose corner lies at (left, top), a pixel being ``size`` wide; rows run downwards."""
    trace: dict[str, Any] = {"type": "image", "source": packed(pixels), "dx": size, "dy": size}
    trace |= {"x0": left + size / 2, "y0": top + size / 2}
    trace |= {"hovertemplate": f"{hover}<extra></extra>"} if hover else {"hoverinfo": "skip"}
    return trace | ({} if _exact(pixels) else {"zsmooth": "fast"})


def _exact(pixels: Array) -> bool:
    return pixels.shape[0] * pixels.shape[1] <= LOSSLESS or pixels.shape[2] == 4


def tiles(
    pictures: Sequence[Array],
    captions: Sequence[str],
    across: int,
    *,
    cell: tuple[float, float] = (1.0, 1.0),
    places: Sequence[Box] | None = None,
    marks: Sequence[Box] | None = None,
    framed: bool = False,
    chosen: int | None = None,
    height: int = 380,
) -> go.Figure:
    """Pictures (h, w, 3) in rows of ``across``, the caption of each under its cell.

    A cell is (height, width); a picture fills it, or lies in it at its place (left, top, pixel's size, _). ``marks`` are
    boxes (left, top, right, bottom) drawn in the cells, which are outlined if they are ``framed`` or ``chosen``.
    """
    high, wide = cell
    gap, line = 0.06 * wide, 0.2 * min(high, wide)
    traces, shapes, x, y = [], [], [], []
    for k, pixels in enumerate(pictures):
        left, top = (k % across) * (wide + gap), (k // across) * (high + line)
        inside = places[k] if places else (0.0, 0.0, wide / pixels.shape[1], 0.0)
        traces.append(image(pixels, left + inside[0], top + inside[1], inside[2], captions[k]))
        x.append(left + wide / 2)
        y.append(top + high + line / 2)
        if framed:
            shapes.append(outline((left, top, left + wide, top + high), GREY, 1))
        if k == chosen:
            shapes.append(outline((left, top, left + wide, top + high), width=3))
        if marks:
            a, b, c, d = marks[k]
            shapes.append(outline((left + a, top + b, left + c, top + d)))
    text = {"type": "scatter", "mode": "text", "x": x, "y": y, "text": list(captions), "hoverinfo": "skip"}
    rows = -(-len(pictures) // across)
    xaxis = {**HIDDEN, "range": [-gap, across * (wide + gap)]}
    yaxis = {**HIDDEN, "range": [rows * (high + line), -gap], "scaleanchor": "x"}
    traces.append({**text, "name": "captions", "textfont": {"size": 12}})
    return figure(traces, xaxis=xaxis, yaxis=yaxis, shapes=shapes, showlegend=False, margin=BARE, height=height)


def outline(box: Box, color: str = MARK, width: int = 2, **more: Any) -> dict[str, Any]:
    """A rectangle (left, top, right, bottom)."""
    corners = {"x0": box[0], "y0": box[1], "x1": box[2], "y1": box[3]}
    return {"type": "rect", **corners, "line": {"color": color, "width": width}, **more}


def tile_at(x: float, y: float, count: int, across: int, cell: tuple[float, float] = (1.0, 1.0)) -> int | None:
    """Which of ``count`` tiles lies at a place of :func:`tiles`' figure; None between and beside them."""
    high, wide = cell
    column, row = x // (wide * 1.06), y // (high + 0.2 * min(high, wide))
    if not (0 <= column < across and 0 <= row <= count // across):
        return None
    k = int(row) * across + int(column)
    return k if k < count else None
