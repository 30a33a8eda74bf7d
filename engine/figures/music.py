"""A melody as a piano roll, the choice behind a note, and how the cost of a melody model falls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.data.tunes import WHITE, name_of
from engine.figures.theme import BLUE, DEV, GREEN, GREY, TRAIN, VERMILION, figure, line
from engine.results import Array
from engine.results.music import Melody, Next

EVERY = 4  # notes from one number to the next, so that they never touch


def roll(result: Melody, asked: int) -> go.Figure:
    """A bar for each note, its pitch up and time across, every fourth numbered; the asked note is framed."""
    beats = np.array([note.beats for note in result.notes], np.float32)
    begins = np.concatenate([[0], beats.cumsum()[:-1]]).astype(np.float32)
    pitches = [note.pitch for note in result.notes]
    colors = [GREEN if i < result.given else BLUE for i in range(len(pitches))]
    bars: dict[str, Any] = {"type": "bar", "orientation": "h", "base": begins, "x": 0.94 * beats, "y": pitches}
    edge = {"color": VERMILION, "width": [3 if i == asked else 0 for i in range(len(pitches))]}
    bars |= {"width": 0.9, "marker": {"color": colors, "line": edge}, "name": "notes", "showlegend": False}
    names = [[n, f"{name_of(note.pitch)}, {note.beats:g} beats"] for n, note in enumerate(result.notes, 1)]
    hover = "note %{customdata[0]}: %{customdata[1]}<br>at beat %{base}<extra></extra>"
    bars |= {"customdata": names, "hovertemplate": hover}
    numbers: dict[str, Any] = {"type": "scatter", "mode": "text", "hoverinfo": "skip", "name": "numbers"}
    numbers |= {
        "x": (begins + beats / 2)[::EVERY],
        "y": [p + 0.3 for p in pitches[::EVERY]],
        "textposition": "top center",
    }
    numbers |= {"text": [str(n) for n in range(1, len(pitches) + 1, EVERY)], "textfont": {"size": 11}}
    shapes = [
        {"type": "line", "x0": begins[i], "x1": begins[i], "y0": 0, "y1": 1, "yref": "paper"}
        | {"line": {"color": GREY, "dash": "dot"}}
        for i in result.breaks
    ]
    low, high = min(pitches) - 1, max(pitches) + 2
    ticks = [p for p in range(low, high + 1) if p % 12 in WHITE]
    yaxis = {
        "tickvals": ticks,
        "ticktext": [name_of(p) for p in ticks],
        "range": [low - 0.5, high + 0.5],
        "zeroline": False,
    }
    xaxis = {
        "range": [0, float(beats.sum())],
        "dtick": 4 * max(1, math.ceil(float(beats.sum()) / 64)),
        "zeroline": False,
    }
    return figure(
        [bars], x="beat", y="", xaxis=xaxis, yaxis=yaxis, shapes=shapes, barmode="overlay", height=360, showlegend=False
    )


def following(result: Next) -> go.Figure:
    """The likeliest notes at one place, the best on top, and which was drawn."""
    at = np.arange(len(result.names))
    colors = [VERMILION if name == result.taken else GREY for name in result.names]
    bars: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": result.probabilities,
        "y": at,
        "name": "probability",
    }
    bars |= {"marker": {"color": colors}, "text": [f"{p:.1%}" for p in result.probabilities], "textposition": "outside"}
    bars |= {"cliponaxis": False, "hovertemplate": "%{x:.1%}<extra></extra>"}
    yaxis = {"tickvals": at, "ticktext": list(result.names), "autorange": "reversed", "showgrid": False}
    xaxis = {"range": [0, 1.15], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}
    margin = {"l": 104, "r": 8, "t": 8, "b": 44}
    return figure([bars], x="probability", xaxis=xaxis, yaxis=yaxis, showlegend=False, height=300, margin=margin)


def costs(steps: Sequence[int], train: Array, held: Array, guess: float, last: int) -> go.Figure:
    """Cost a note on the tunes trained on and on those held out, beside that of guessing among all notes alike."""
    hover = {"hovertemplate": "update %{x}: %{y:.3f}"}
    traces = [
        line(np.array(steps, np.int32), train, "tunes trained on", TRAIN, **hover),
        line(np.array(steps, np.int32), held, "held-out melodies", DEV, **hover),
    ]
    level = {"type": "line", "x0": 0, "x1": last, "y0": guess, "y1": guess, "line": {"color": GREY, "dash": "dot"}}
    top = max(guess, float(np.nanmax(held)), float(np.nanmax(train)))
    yaxis = {"range": [0, 1.08 * top]} if math.isfinite(top) else {}
    return figure(traces, x="update", y="cost J", xaxis={"range": [0, last]}, yaxis=yaxis, shapes=[level], height=300)
