"""Recurrent cells over a sequence: gates and states as heatmaps, the unrolled cell, one step written out, gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import AMBER, BLUE, DIVERGING, GREEN, GREY, MARK, PURPLE, VERMILION, figure, line, points
from engine.results import Array
from engine.results.cells import Block, Edit, Reach, Unrolled

INK = "#1d232b"  # numbers on cells, which are light in both themes
OPEN = [[0.0, "#f4f4f4"], [1.0, GREEN]]
PALE = 1.3  # how far the colours' ends lie beyond the numbers, so that texts stay readable
GATES = ("Γ",)
CELLS = {"RNN": BLUE, "GRU": GREEN, "LSTM": VERMILION}
UNTOUCHED, OVERWRITTEN = BLUE, MARK
PHONE = 320  # pixels across on a phone
ROW, HEAD, FOOT = 22, 24, 58
LEAST = 1e-12  # smaller gradients are not drawn
GAP = 0.7  # cells between two matrices
AROUND = 3  # cells drawn on either side of the current one, at least
BARE = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False}


def heatmaps(
    panels: Mapping[str, Array], words: Sequence[str], at: int | None = None, edit: Edit | None = None
) -> go.Figure:
    """Gates and states (T, units) one below the other over the same words, unit 1 at the top.

    A panel whose name begins with Γ runs from 0 to 1, the others from -1 to 1 around zero, or further where they must.
    ``at`` is the step in view, from 1; hovering a cell of another goes there in a walk.
    """
    heights = [ROW * values.shape[1] + HEAD for values in panels.values()]
    total, top = sum(heights), 1.0
    traces, shapes, notes = [], [], []
    axes: dict[str, Any] = {"meta": {"step": at}} if at else {}
    for number, ((name, values), height) in enumerate(zip(panels.items(), heights, strict=True), start=1):
        units, axis = values.shape[1], "y" if number == 1 else f"y{number}"
        bottom = top - height / total
        domain = [max(0.0, bottom), bottom + ROW * units / total]
        ticks = {"tickvals": [1, units], "ticks": "", "showgrid": False, "zeroline": False, "title": {"text": ""}}
        axes[f"yaxis{'' if number == 1 else number}"] = ticks | {"domain": domain, "range": [units + 0.5, 0.5]}
        traces.append(_panel(name, values, words, axis))
        notes.append(_over(name, domain[1]))
        framed = edit is not None and edit.panel == name
        shapes += _frames(axis, units, at, edit if framed else None)
        top = bottom
    xaxis = _words(words) | {"showgrid": False, "zeroline": False, "anchor": axis}
    return figure(
        traces,
        xaxis=xaxis,
        **axes,
        shapes=shapes,
        annotations=notes,
        height=total + FOOT,
        margin={"l": 24, "r": 8, "t": 4, "b": FOOT - 4},
        dragmode=False,
        showlegend=False,
    )


def unrolled(shown: Unrolled) -> go.Figure:
    """The cell at every step: its input below, its most likely output above, its state handed on to the right."""
    steps = range(1, len(shown.words) + 1)
    first = max(1, min(shown.at - AROUND, len(steps) - 2 * AROUND))
    last = min(len(steps), first + 2 * AROUND)
    seen = range(first, last + 1)
    size = 13 if len(seen) > 4 else 15
    notes, shapes = [], []
    for t in seen:
        color = MARK if t == shown.at else BLUE if t < shown.at else GREY
        shapes.append(_box(t, 0, color, filled=t == shown.at))
        notes += [_text(t, 0, f"<b>a⟨{t}⟩</b>", size), _text(t, -1.15, f"<b>{shown.words[t - 1]}</b>", size)]
        output = f"{shown.outputs[t - 1]}<br>{shown.probabilities[t - 1]:.0%}" if t <= shown.at else "…"
        notes += [
            _text(t, 1.25, output, size - 1),
            _arrow((t, -0.9), (t, -0.36), color),
            _arrow((t, 0.36), (t, 0.85), color),
        ]
        notes.append(_arrow((t - 0.62, 0), (t - 0.36, 0), color))
        if t == shown.edited:
            notes.append(_text(t, -0.55, "✎", size, x=0.22))
    if last < len(steps):
        notes.append(_text(last + 0.5, 0, "…", size))
    cells = points(
        list(seen), [0.0] * len(seen), "step", GREY, marker={"size": 36, "opacity": 0}, customdata=list(seen)
    )
    cells["hovertemplate"] = "step %{customdata}<extra></extra>"
    return figure(
        [cells],
        xaxis=BARE | {"range": [first - 0.72, max(last, first + AROUND) + 0.6]},
        yaxis=BARE | {"range": [-1.5, 1.75]},
        shapes=shapes,
        annotations=notes,
        height=210,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        dragmode=False,
        showlegend=False,
        meta={"step": shown.at},
    )


def equation(blocks: Sequence[Block], reach: float | None = None) -> go.Figure:
    """Matrices side by side with the signs between them, each with its name and shape over it and a number in every cell."""
    rows = max(len(block.values) for block in blocks)
    columns: list[Array] = []
    edges, notes = [0.0], []
    for block in blocks:
        height, width = block.values.shape
        if block.sign:
            columns.append(np.full((rows, 1), np.nan, np.float32))
            notes.append(_text(edges[-1] + GAP / 2, (height - 1) / 2, block.sign, 16))
            edges.append(edges[-1] + GAP)
        columns.append(np.pad(block.values, ((0, rows - height), (0, 0)), constant_values=np.nan))
        name = f"{block.name}<br>({height}, {width})"
        notes.append(_text(edges[-1] + width / 2, -0.6, name, 12) | {"yanchor": "bottom"})
        edges += [edges[-1] + i + 1 for i in range(width)]
    sheet = np.concatenate(columns, 1).astype(np.float32)
    cell = min(42.0, PHONE / edges[-1])
    size = int(min(13, cell / 3))
    finite = np.abs(sheet[np.isfinite(sheet)])
    strongest = reach or (float(finite.max()) if finite.size else 0.0) or 1.0
    cells = _heatmap(sheet, DIVERGING, (-PALE * strongest, PALE * strongest))
    cells |= {"x": edges, "y0": 0, "xgap": 1, "ygap": 1, "hoverongaps": False}
    cells["hovertemplate"] = "%{z:.4g}<extra></extra>"
    if size >= 8:
        cells |= {"text": _written(sheet), "texttemplate": "%{text}", "textfont": {"color": INK, "size": size}}
    return figure(
        [cells],
        xaxis=BARE | {"range": [-0.1, edges[-1] + 0.1], "constrain": "domain"},
        yaxis=BARE | {"range": [rows - 0.4, -0.55 - 38 / cell], "scaleanchor": "x", "constraintoward": "top"},
        annotations=notes,
        height=round(min(560, max(120, rows * cell + 60))),
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        dragmode=False,
        showlegend=False,
    )


def reach(shown: Reach) -> go.Figure:
    """The size of the gradient that reaches each step, on a log axis; the step in view is marked on every curve."""
    steps = np.arange(1, len(shown.words) + 1, dtype=np.int16)
    traces = []
    for name, sizes in shown.sizes.items():
        known = _positive(sizes)
        hover = name + ", step %{x}: %{y:.3~g}<extra></extra>"
        traces.append(
            line(steps, known, name, CELLS[name], mode="lines+markers", hovertemplate=hover, customdata=steps)
        )
        traces[-1]["marker"] = {"size": 5}
        here = {"marker": {"size": 11}, "hoverinfo": "skip", "showlegend": False}
        traces.append(points([shown.at], known[shown.at - 1 : shown.at], name, CELLS[name], **here))
    values = np.concatenate([_positive(sizes) for sizes in shown.sizes.values()])
    yaxis = {"type": "log", "range": _decades(values), "exponentformat": "power", "dtick": _dtick(values)}
    rule = {"type": "line", "x0": shown.at, "x1": shown.at, "yref": "paper", "y0": 0, "y1": 1}
    rule["line"] = {"color": GREY, "width": 1, "dash": "dot"}
    return figure(
        traces,
        y="size of dJ/d state",
        xaxis=_words(shown.words),
        yaxis=yaxis,
        shapes=[rule],
        height=330,
        margin=_margin(64),
        meta={"step": shown.at},
    )


def scales(scale: Array, ratios: Mapping[str, Array], here: float) -> go.Figure:
    """The gradient at the first step over that at the last, by the scale of the recurrent weights; both axes are log."""
    traces = [
        line(
            scale, _positive(ratio), name, CELLS[name], hovertemplate=name + ", s = %{x:.2f}: %{y:.2~g}<extra></extra>"
        )
        for name, ratio in ratios.items()
    ]
    values = np.concatenate([_positive(ratio) for ratio in ratios.values()] + [np.ones(1, np.float32)])
    rule = {
        "type": "line",
        "x0": here,
        "x1": here,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": MARK, "width": 2},
    }
    kept = {"type": "line", "y0": 1, "y1": 1, "xref": "paper", "x0": 0, "x1": 1}
    kept["line"] = {"color": GREY, "width": 1, "dash": "dot"}
    ticks = [s for s in (0.25, 0.5, 1, 2, 4, 8) if scale[0] <= s <= scale[-1]]
    return figure(
        traces,
        x="weight scale s",
        y="first step / last step",
        xaxis={"type": "log", "tickvals": ticks, "ticktext": [f"{s:g}" for s in ticks]},
        yaxis={"type": "log", "range": _decades(values), "exponentformat": "power", "dtick": _dtick(values)},
        shapes=[rule, kept],
        height=330,
        margin=_margin(64),
    )


def sizes(values: Array, words: Sequence[str], at: int) -> go.Figure:
    """The size of every unit's gradient (T, units) as powers of ten over the words; NaN where nothing has come yet."""
    units = values.shape[1]
    powers = np.log10(np.maximum(np.abs(values), 1e-30)).T
    trace = _heatmap(powers, "Viridis", (float(np.nanmax(powers)) - 8, float(np.nanmax(powers))))
    trace |= {"x0": 1, "y0": 1, "hoverongaps": False}
    trace |= {
        "showscale": True,
        "colorbar": {"tickprefix": "10<sup>", "ticksuffix": "</sup>", "thickness": 10, "dtick": 2},
    }
    trace["hovertemplate"] = "step %{x}, unit %{y}: 10<sup>%{z:.1f}</sup><extra></extra>"
    height = min(330, max(90, 12 * units))
    yaxis = {"range": [units + 0.5, 0.5], "tickvals": [1, units], "showgrid": False, "zeroline": False}
    return figure(
        [trace],
        y="unit",
        xaxis=_words(words) | {"showgrid": False, "zeroline": False},
        yaxis=yaxis,
        shapes=_frames("y", units, at, None),
        height=height + FOOT,
        margin={"l": 40, "r": 8, "t": 8, "b": FOOT},
        dragmode=False,
    )


def opinions(words: Sequence[str], runs: Mapping[str, Array], names: tuple[str, str], at: int) -> go.Figure:
    """The probability of the second of two words after each step, one curve a run."""
    steps = np.arange(1, len(words) + 1, dtype=np.int16)
    colors = (UNTOUCHED, OVERWRITTEN)
    traces = [
        line(
            steps, values.astype(np.float32), run, color, mode="lines+markers", hovertemplate="%{y:.1%}<extra></extra>"
        )
        for (run, values), color in zip(runs.items(), colors, strict=False)
    ]
    yaxis = {"range": [-0.05, 1.05], "tickvals": [0, 0.5, 1], "ticktext": [names[0], "½", names[1]]}
    rule = {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1}
    rule["line"] = {"color": GREY, "width": 1, "dash": "dot"}
    return figure(traces, xaxis=_words(words), yaxis=yaxis, shapes=[rule], height=270, margin=_margin())


def progress(updates: Array, shares: Mapping[str, Array], last: int) -> go.Figure:
    """Shares from 0 to 1 by the number of updates."""
    traces = [
        line(updates, values, name, color, hovertemplate=name + " %{y:.1%}<extra></extra>")
        for (name, values), color in zip(shares.items(), (VERMILION, GREEN, PURPLE, AMBER), strict=False)
    ]
    xaxis, yaxis = {"range": [0, last]}, {"range": [0, 1.03], "tickformat": ".0%"}
    return figure(traces, x="updates", xaxis=xaxis, yaxis=yaxis, height=270, margin=_margin())


def _panel(name: str, values: Array, words: Sequence[str], axis: str) -> dict[str, Any]:
    """One gate or state (T, units), with numbers where they fit on a phone."""
    gate = name.startswith(GATES)
    strongest = max(1.0, float(np.abs(values).max()))
    limits = (0.0, PALE) if gate else (-PALE * strongest, PALE * strongest)
    trace = _heatmap(values.T, OPEN if gate else DIVERGING, limits) | {"x0": 1, "y0": 1, "yaxis": axis, "name": name}
    trace |= {"xgap": 1, "ygap": 1, "customdata": _steps(values.T.shape)}
    trace["hovertemplate"] = f"{name}, step %{{customdata}}, unit %{{y}}: %{{z:.3f}}<extra></extra>"
    if len(words) * 26 <= PHONE:
        trace |= {"texttemplate": "%{z:.2f}", "textfont": {"color": INK, "size": 10}}
    return trace


def _heatmap(values: Array, scale: Any, limits: tuple[float, float]) -> dict[str, Any]:
    z = np.asarray(values, np.float32)
    return {"type": "heatmap", "z": z, "colorscale": scale, "zmin": limits[0], "zmax": limits[1], "showscale": False}


def _steps(shape: tuple[int, ...]) -> Array:
    """The step of every cell (units, T), from 1."""
    return np.broadcast_to(np.arange(1, shape[1] + 1, dtype=np.int16), shape).copy()


def _words(words: Sequence[str]) -> dict[str, Any]:
    """An axis of words, from 1; every second, third, ... where they are too many to read."""
    step = -(-len(words) // 26)
    at = list(range(1, len(words) + 1, step))
    angle = 0 if max(map(len, words)) * len(at) * 8 <= PHONE else -60
    ticks = {"tickvals": at, "ticktext": [words[t - 1] for t in at], "tickangle": angle, "ticks": ""}
    return {**ticks, "range": [0.5, len(words) + 0.5], "title": {"text": ""}}


def _frames(axis: str, units: int, at: int | None, edit: Edit | None) -> list[dict[str, Any]]:
    """A grey frame around the step in view, and a red one around what is overwritten."""
    look: dict[str, Any] = {"type": "rect", "xref": "x", "yref": axis}
    frames = []
    if at:
        frames.append(
            look | {"x0": at - 0.5, "x1": at + 0.5, "y0": 0.5, "y1": units + 0.5, "line": {"color": GREY, "width": 2}}
        )
    if edit:
        low, high = (0.5, units + 0.5) if edit.unit == 0 else (edit.unit - 0.5, edit.unit + 0.5)
        box = {"x0": edit.step - 0.5, "x1": edit.step + 0.5, "y0": low, "y1": high}
        frames.append(look | box | {"line": {"color": MARK, "width": 3}})
    return frames


def _over(name: str, y: float) -> dict[str, Any]:
    """A panel's name over its left corner."""
    place = {"x": 0, "xref": "paper", "y": y, "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return {"text": f"<b>{name}</b>", "showarrow": False, "font": {"size": 13}, **place}


def _text(at: float, y: float, text: str, size: int, x: float = 0.0) -> dict[str, Any]:
    return {"x": at + x, "y": y, "text": text, "showarrow": False, "font": {"size": size}}


def _arrow(tail: tuple[float, float], head: tuple[float, float], color: str) -> dict[str, Any]:
    ends = {"ax": tail[0], "ay": tail[1], "x": head[0], "y": head[1], "axref": "x", "ayref": "y"}
    return {**ends, "showarrow": True, "arrowhead": 2, "arrowwidth": 2, "arrowcolor": color, "text": ""}


def _box(x: float, y: float, color: str, filled: bool) -> dict[str, Any]:
    corners = {"x0": x - 0.33, "x1": x + 0.33, "y0": y - 0.34, "y1": y + 0.34}
    inside = {"fillcolor": color, "opacity": 0.25} if filled else {}
    return {"type": "rect", **corners, "line": {"color": color, "width": 3}, "layer": "below", **inside}


def _written(sheet: Array) -> list[list[str]]:
    """Numbers in as few characters as tell them: two decimals, or a power of ten for small ones."""
    return [["" if np.isnan(x) else _short(float(x)) for x in row] for row in sheet]


def _short(x: float) -> str:
    if x == 0 or 0.005 <= abs(x) < 100:
        return f"{x:.2f}"
    mantissa, exponent = f"{x:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _positive(values: Array) -> Array:
    """Sizes for a log axis, NaN where there is as good as none."""
    return np.where(values > LEAST, values, np.nan).astype(np.float32)


def _decades(values: Array) -> list[float]:
    """The range of a log axis: whole decades, four of them at least."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return [-4, 0]
    high = float(np.ceil(np.log10(finite.max()) + 0.05))
    return [min(high - 4, float(np.floor(np.log10(finite.min())))), high]


def _dtick(values: Array) -> int:
    low, high = _decades(values)
    return max(1, round((high - low) / 6))


def _margin(bottom: int = FOOT) -> dict[str, int]:
    return {"l": 66, "r": 8, "t": 30, "b": bottom}
