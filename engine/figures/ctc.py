"""Paths and the word they spell: one collapsed, all of them as a trellis, the likeliest, and their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import ACTIVATIONS, BLUE, CURVE, DIVERGING, GREY, MARK, PATH, PURPLE, figure, line, points
from engine.results import Array
from engine.results.ctc import Collapsed, Counts, Likeliest, Trellis

INK = "#1d232b"  # numbers on cells, which are light in both themes
LIGHT = "#f4f4f4"
PALE = 1.3  # how far the colours' ends lie beyond the numbers, so that texts stay readable
KINDS = [
    [0.0, "#d5d9de"],
    [1 / 3, "#d5d9de"],
    [1 / 3, "#b9d6ec"],
    [2 / 3, "#b9d6ec"],
    [2 / 3, "#6fb0df"],
    [1, "#6fb0df"],
]
KIND_NAMES = ("blank", "merged with the one before", "stays")
BARE = {"ticks": "", "showgrid": False, "zeroline": False, "fixedrange": True}
ROW, HEAD, FOOT, LEFT, PHONE = 24, 8, 46, 44, 350
MOST_WRITTEN = 10  # frames whose numbers fit on a phone


def collapsed(result: Collapsed) -> go.Figure:
    """A path, what is left when repeats are merged, and what is left without blanks, each symbol below its frame."""
    kind = result.kind.astype(np.float32)
    merged = np.where(result.begins, kind, np.nan)
    z = np.stack([kind, merged, np.where(kind == 2, kind, np.nan)])
    rows = [f"<b>{name}</b>" for name in ("path", "merged", "word")]
    trace = _letters(z, [result.symbols] * 3)
    return _cells(trace, rows, len(result.symbols), left=62)


def outputs(result: Trellis, at: int) -> go.Figure:
    """y: how likely the network holds each symbol at each frame; frame ``at``, from 1, is framed."""
    return _numbers(result.y, result.symbols, at, [[0.0, LIGHT], [1.0, ACTIVATIONS]], (0.0, PALE), "y")


def posterior(result: Trellis, at: int) -> go.Figure:
    """γ: how likely each symbol is at each frame if the word was said."""
    return _numbers(result.posterior, result.symbols, at, [[0.0, LIGHT], [1.0, PURPLE]], (0.0, PALE), "γ")


def gradient(result: Trellis, at: int) -> go.Figure:
    """y - γ: positive where an update makes the symbol less likely, negative where it makes it more likely."""
    slope = result.y - result.posterior
    reach = PALE * max(0.1, float(np.abs(slope).max()))
    return _numbers(slope, result.symbols, at, DIVERGING, (-reach, reach), "y − γ")


def trellis(result: Trellis, at: int, forward: bool) -> go.Figure:
    """α of the frames up to ``at``, or β of those from it on, each state coloured by its share of the frame.

    The cells of a typed path that spells the word are framed in red.
    """
    values = result.alpha if forward else result.beta
    frames = np.arange(1, len(values) + 1)
    seen = frames <= at if forward else frames >= at
    share = values / np.maximum(values.sum(1, keepdims=True), np.finfo(values.dtype).tiny)
    share[~seen] = np.nan
    trace = _heatmap(share, [[0.0, LIGHT], [1.0, BLUE]], (0.0, PALE))
    rows = values.T.tolist()
    trace["text"] = [[_short(x) if known else "" for x, known in zip(row, seen, strict=True)] for row in rows]
    trace["hovertemplate"] = f"frame %{{x}}: {'α' if forward else 'β'} = %{{text}}<extra></extra>"
    if len(values) <= MOST_WRITTEN:
        trace["texttemplate"] = "%{text}"
    path = [_box(t, s + 1, t, s + 1, MARK) for t, s in enumerate(result.path, start=1)]
    return _cells(trace, result.states, len(values), at, path)


def likeliest(result: Likeliest) -> go.Figure:
    """The likeliest alignments, one a row, with the share of the word's probability that each holds."""
    rows = [f"{share:.1%}" for share in result.share]
    return _cells(_letters(result.kind, result.symbols), rows, result.kind.shape[1], left=62)


def counts(result: Counts, frames: int) -> go.Figure:
    """How many paths there are and how many spell the word, by the number of frames, the one in use marked."""
    spell = np.where(result.spell > 0, result.spell, np.nan)
    hover = "%{x} frames: %{y:,.0f} "
    traces = [
        line(result.frames, result.paths, "paths", CURVE, hovertemplate=hover + "paths<extra></extra>"),
        line(result.frames, spell, "spell it", PATH, hovertemplate=hover + "spell it<extra></extra>"),
        points(result.frames, result.listed, "listed", PATH, hovertemplate=hover + "listed<extra></extra>"),
        points(
            [frames], [spell[result.frames == frames][0]], "now", MARK, hovertemplate=hover + "spell it<extra></extra>"
        ),
    ]
    yaxis = {"type": "log", "exponentformat": "power", "nticks": 6}
    margin = {"l": 68, "r": 12, "t": 32, "b": FOOT}
    return figure(traces, x="frames T", y="how many", yaxis=yaxis, margin=margin, height=320)


def _numbers(
    values: Array, symbols: Sequence[str], at: int, scale: Any, limits: tuple[float, float], name: str
) -> go.Figure:
    """A number for each symbol at each frame (T, K), written out where there is room."""
    trace = _heatmap(values, scale, limits)
    trace["hovertemplate"] = f"frame %{{x}}: {name} = %{{z:.3f}}<extra></extra>"
    if len(values) <= MOST_WRITTEN:
        trace["texttemplate"] = "%{z:.2f}"
    return _cells(trace, symbols, len(values), at)


def _heatmap(values: Array, scale: Any, limits: tuple[float, float]) -> dict[str, Any]:
    """Numbers (T, rows), a column a frame, which knows its frame for the walk."""
    steps = np.broadcast_to(np.arange(1, len(values) + 1, dtype=np.int16), values.T.shape).copy()
    trace = {"type": "heatmap", "z": np.asarray(values.T, np.float32), "customdata": steps, "colorscale": scale}
    trace |= {"zmin": limits[0], "zmax": limits[1], "x0": 1, "y0": 1, "xgap": 1, "ygap": 1, "showscale": False}
    return trace | {"hoverongaps": False, "textfont": {"color": INK, "size": 10}}


def _letters(kind: Array, symbols: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Symbols in cells (rows, T) coloured by their kind; a cell of NaN stays empty."""
    shown = [
        ["" if np.isnan(k) else symbol for k, symbol in zip(*row, strict=True)]
        for row in zip(kind, symbols, strict=True)
    ]
    trace = {"type": "heatmap", "z": np.asarray(kind, np.float32), "zmin": 0, "zmax": 2, "colorscale": KINDS}
    trace |= {"x0": 1, "y0": 1, "xgap": 1, "ygap": 2, "showscale": False, "hoverongaps": False}
    trace |= {"text": shown, "texttemplate": "%{text}", "textfont": {"color": INK, "size": _size(kind.shape[1])}}
    names = [["" if np.isnan(k) else KIND_NAMES[int(k)] for k in row] for row in kind]
    return trace | {"customdata": names, "hovertemplate": "frame %{x}: %{text}, %{customdata}<extra></extra>"}


def _cells(
    trace: dict[str, Any],
    names: Sequence[str],
    frames: int,
    at: int | None = None,
    shapes: Sequence[dict[str, Any]] = (),
    left: int = LEFT,
) -> go.Figure:
    """Cells of frames (across) and named rows (down), with the walk's frame in grey."""
    rows, every = len(names), max(1, -(-frames // 12))
    xaxis = BARE | {"range": [0.4, frames + 0.6], "tickvals": list(range(1, frames + 1, every))}
    yaxis = BARE | {"range": [rows + 0.6, 0.4], "tickvals": list(range(1, rows + 1)), "ticktext": list(names)}
    walk: dict[str, Any] = {} if at is None else {"meta": {"step": at}}
    here = [] if at is None else [_box(at, 1, at, rows, GREY)]
    return figure(
        [trace],
        x="frame",
        xaxis=xaxis,
        yaxis=yaxis,
        shapes=[*shapes, *here],
        height=ROW * rows + HEAD + FOOT,
        margin={"l": left, "r": 6, "t": HEAD, "b": FOOT},
        dragmode=False,
        showlegend=False,
        **walk,
    )


def _box(x0: float, y0: float, x1: float, y1: float, color: str) -> dict[str, Any]:
    corners = {"x0": x0 - 0.5, "x1": x1 + 0.5, "y0": y0 - 0.5, "y1": y1 + 0.5}
    return {"type": "rect", **corners, "line": {"color": color, "width": 2}}


def _short(x: float) -> str:
    """A number in as few characters as tell it: 0 alone for none, two decimals, or a power of ten for a small one."""
    if x == 0:
        return "0"
    if x >= 0.01:
        return f"{x:.2f}"
    mantissa, exponent = f"{x:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _size(frames: int) -> int:
    """Letters that fit into a cell on a phone."""
    return int(min(15, max(7, 0.8 * (PHONE - LEFT) / max(1, frames))))
