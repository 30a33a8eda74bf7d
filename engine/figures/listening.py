"""What a recogniser makes of a sound over time: levels, probabilities of symbols, and where attention looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, GREY, MARK, SEQUENTIAL, VERMILION, figure, line
from engine.results import Array
from engine.results.listening import Fared

ATTENTION, CTC = BLUE, VERMILION
MOST_COLUMNS = 300
SHOWN = 0.05  # a symbol less likely than this in every frame has no row
ROW = 18  # pixels
LEFT = 64


def levels(
    values: Array, start: float, step: float, frequency: Array, lines: Sequence[dict[str, Any]] = ()
) -> go.Figure:
    """Levels (bands, t) over time, the first column at ``start`` s, with the bands' frequencies; ``lines`` lie over it."""
    every = -(-values.shape[1] // MOST_COLUMNS)
    shown = np.maximum.reduceat(values, np.arange(0, values.shape[1], every), axis=1)
    low, high = float(shown.min()), float(shown.max())
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": np.rint(100 * (shown - low) / max(high - low, 1e-9)).astype(np.uint8),
    }
    trace |= {"x0": start + (every - 1) / 2 * step, "dx": every * step, "y": np.arange(len(frequency), dtype=np.int16)}
    trace |= {"colorscale": SEQUENTIAL, "showscale": False, "zmin": 0, "zmax": 100, "name": "level"}
    trace |= {"hovertemplate": "%{x:.2f} s: %{z} % of the range<extra></extra>"}
    places = np.unique(np.linspace(0, len(frequency) - 1, 5).round()).astype(int)
    ticks = {"tickvals": places, "ticktext": [f"{frequency[i]:.0f}" for i in places]}
    xaxis = {"range": [start - step / 2, start + (values.shape[1] - 0.5) * step]}
    yaxis = {"range": [-0.5, len(frequency) - 0.5], **ticks}
    margin = {"l": LEFT, "r": 12, "t": 8, "b": 44}
    return figure(
        [trace, *lines],
        x="time (s)",
        y="mel band (Hz)",
        xaxis=xaxis,
        yaxis=yaxis,
        height=240,
        margin=margin,
        showlegend=False,
    )


def likely(
    probability: Array,
    names: Sequence[str],
    first: Sequence[int],
    start: float,
    step: float,
    path: Array | None = None,
) -> go.Figure:
    """Probabilities (T, K) of symbols over time, the ``first`` ones on top and then any other that is ever likely.

    The symbol of each frame on a ``path`` (T,) is marked.
    """
    others = [k for k in range(probability.shape[1]) if k not in first and probability[:, k].max() >= SHOWN]
    rows = [*first, *others]
    every = -(-len(probability) // MOST_COLUMNS)
    kept = np.maximum.reduceat(probability, np.arange(0, len(probability), every), axis=0)
    trace = {"type": "heatmap", "z": np.rint(100 * kept[:, rows].T).astype(np.uint8), "zmin": 0, "zmax": 100}
    trace |= {"x0": start + (every - 1) / 2 * step, "dx": every * step, "colorscale": SEQUENTIAL, "showscale": False}
    trace |= {"y0": 0, "dy": 1, "ygap": 1, "text": [[names[k]] for k in rows], "name": "probability"}
    trace |= {"hovertemplate": "%{x:.2f} s: %{z} %<extra></extra>"}
    traces: list[dict[str, Any]] = [trace]
    if path is not None:
        place = {symbol: row for row, symbol in enumerate(rows)}
        hover = {
            "hovertemplate": "%{x:.2f} s: best path<extra></extra>",
            "mode": "lines+markers",
            "marker": {"size": 5},
        }
        x = np.float32(start + step * np.arange(len(path)))
        traces.append(line(x, [place[int(k)] for k in path], "best path", MARK, **hover))
    yaxis = {"range": [len(rows) - 0.5, -0.5], "tickvals": list(range(len(rows))), "ticktext": [names[k] for k in rows]}
    xaxis = {"range": [start - step / 2, start + (len(probability) - 0.5) * step]}
    return figure(
        traces,
        x="time (s)",
        xaxis=xaxis,
        yaxis={**yaxis, "showgrid": False},
        height=ROW * max(4, len(rows)) + 60,
        margin={"l": LEFT, "r": 12, "t": 8, "b": 44},
        showlegend=False,
    )


def looked(at: Array, names: Sequence[str], times: Array) -> go.Figure:
    """Attention (Ty, T): for each digit written, a row, how much it looks at each moment; a mark where on average."""
    rows = [f"{i + 1}: {name}" for i, name in enumerate(names)]
    every = -(-at.shape[1] // MOST_COLUMNS)
    kept = np.maximum.reduceat(at, np.arange(0, at.shape[1], every), axis=1) if len(at) else np.zeros((1, 1))
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    trace = {"type": "heatmap", "z": np.rint(100 * kept).astype(np.uint8), "zmin": 0, "colorscale": SEQUENTIAL}
    trace |= {"x0": float(times[0]) + (every - 1) / 2 * step, "dx": every * step, "y0": 0, "dy": 1, "ygap": 1}
    trace |= {"showscale": False, "name": "attention", "hovertemplate": "%{x:.2f} s: %{z} %<extra></extra>"}
    hover = {"hovertemplate": "looks at %{x:.2f} s<extra></extra>", "mode": "lines+markers"}
    marks = line(np.float32(at @ times), list(range(len(at))), "on average", MARK, **hover)
    yaxis = {
        "range": [max(1, len(rows)) - 0.5, -0.5],
        "tickvals": list(range(len(rows))),
        "ticktext": rows,
        "showgrid": False,
    }
    return figure(
        [trace, marks],
        x="time (s)",
        xaxis={"range": [float(times[0]) - step / 2, float(times[-1]) + step / 2]},
        yaxis=yaxis,
        height=24 * max(3, len(rows)) + 60,
        margin={"l": LEFT, "r": 12, "t": 8, "b": 44},
        showlegend=False,
    )


def moments(at: Array, times: Array, names: Sequence[str], frequencies: int) -> list[dict[str, Any]]:
    """Where each digit's attention (Ty, T) looks on average, to lie over the levels: a line and the digit's name."""
    where = at @ times
    drawn = []
    for i, (moment, name) in enumerate(zip(where.tolist(), names, strict=True)):
        hover = f"digit {i + 1}, {name}: looks at {moment:.2f} s<extra></extra>"
        trace = line([moment, moment], [-0.5, frequencies - 0.5], name, MARK, hovertemplate=hover, mode="lines+text")
        drawn.append(
            trace | {"text": ["", name], "textposition": "bottom center", "textfont": {"color": "#ffffff", "size": 12}}
        )
    return drawn


def errors(found: Sequence[Fared], learned: int) -> go.Figure:
    """Digit error rates of both ways by the number of digits; training ended at the dashed line."""
    x = [each.digits for each in found]
    hover = "%{x} digits: %{y:.1%} wrong"
    traces = []
    for name, color, dash in (("attention", ATTENTION, "solid"), ("ctc", CTC, "dot")):
        y = np.array([getattr(each, name) for each in found], np.float32)
        label = name.upper() if name == "ctc" else name
        trace = line(x, y, label, color, mode="lines+markers", hovertemplate=f"{label}, {hover}<extra></extra>")
        traces.append(trace | {"line": {"color": color, "dash": dash}})
    edge: dict[str, Any] = {"type": "line", "x0": learned + 0.5, "x1": learned + 0.5, "yref": "paper", "y0": 0, "y1": 1}
    edge |= {"line": {"color": GREY, "dash": "dash"}}
    yaxis = {"rangemode": "tozero", "tickformat": ".0%"}
    return figure(
        traces, x="digits in the string", y="digits wrong", xaxis={"dtick": 1}, yaxis=yaxis, shapes=[edge], height=300
    )
