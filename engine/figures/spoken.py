"""A recogniser at work: what it hears, how sure it is of each symbol at each frame, and what it reads from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import ACTIVATIONS, BLUE, PURPLE, SEQUENTIAL, fading, figure
from engine.results import Array
from engine.results.spoken import Posteriors, Reading

MOST_COLUMNS = 300
BLANK = "blank"
NAMED = 30  # words that fit over the frames of a screen


def posteriors(result: Posteriors) -> go.Figure:
    """A row for each symbol, the blank below; the words read stand over their frames."""
    every = -(-len(result.chances) // MOST_COLUMNS)
    z = thinned(result.chances, every).T
    names = [symbol or BLANK for symbol in result.symbols]
    cells = {
        "type": "heatmap",
        "z": np.rint(100 * z).astype(np.uint8),
        "x0": result.start + every * result.seconds / 2,
        "dx": every * result.seconds,
        "y": names,
        "zmin": 0,
        "zmax": 100,
        "colorscale": fading(ACTIVATIONS),
        "showscale": False,
        "hovertemplate": "%{y} at %{x:.2f} s: %{z} %<extra></extra>",
    }
    axis = {"type": "category", "showgrid": False, "automargin": True}
    return figure([cells], x="time (s)", y="", yaxis=axis, annotations=_words(result), height=360)


def heard(levels: Array, result: Posteriors, hop: float, top: float) -> go.Figure:
    """Mel levels (t, bands) in [0, 1], a column every ``hop`` s, bands up to ``top`` Hz; the words read over them."""
    every = -(-len(levels) // MOST_COLUMNS)
    cells = {
        "type": "heatmap",
        "z": np.rint(100 * thinned(levels, every)).astype(np.uint8).T,
        "x0": result.start + (every - 1) / 2 * hop,
        "dx": every * hop,
        "y0": 1,
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "hovertemplate": "band %{y} at %{x:.2f} s: %{z} % of the range<extra></extra>",
    }
    y = f"mel band, up to {top / 1000:g} kHz"
    return figure([cells], x="time (s)", y=y, yaxis={"showgrid": False}, annotations=_words(result), height=300)


def thinned(values: Array, every: int) -> Array:
    """The largest of so many rows."""
    return np.maximum.reduceat(values, np.arange(0, len(values), every), axis=0)


def _words(result: Posteriors) -> list[dict[str, Any]]:
    if len(result.words) > NAMED:
        return []
    common = {"yref": "paper", "y": 1.0, "yanchor": "bottom", "showarrow": False, "font": {"size": 12}}
    return [{"x": second, "text": f"<b>{word}</b>", **common} for word, second in result.words]


def readings(result: Sequence[Reading], most: int = 8) -> go.Figure:
    """The best transcripts, each with how much sound and language model take from its score; the best one on top."""
    shown = list(result[:most])[::-1]
    names = [f"{one.words or '(nothing)'} " for one in shown]
    at = np.arange(len(shown))
    bars = [
        _bars(at, [one.sound for one in shown], "the sound", BLUE, "log P(words | sound)"),
        _bars(at, [one.language for one in shown], "the language model", PURPLE, "weighed log P(words)"),
    ]
    axis = {"tickvals": at, "ticktext": names, "automargin": True, "showgrid": False}
    height = 120 + 34 * len(shown)
    return figure(bars, x="log-probability", y="", yaxis=axis, barmode="stack", height=height)


def _bars(at: Array, values: list[float], name: str, color: str, told: str) -> dict[str, Any]:
    trace = {"type": "bar", "orientation": "h", "y": at, "x": np.array(values, np.float32), "name": name}
    return trace | {"marker": {"color": color}, "hovertemplate": f"{told} = %{{x:.2f}}<extra></extra>"}
