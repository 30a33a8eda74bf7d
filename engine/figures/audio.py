"""Sound drawn: the wave, the spectrogram, and the energy of one window.

Everything is thinned to what a screen can show. Thinning keeps extremes, so a click of one sample stays visible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch

from engine.figures.theme import CURVE, MARK, PATH, SEQUENTIAL, figure, line, points
from engine.functional.audio import decibels
from engine.results import Array
from engine.results.audio import Spectrogram, Waveform

MOST_POINTS = 1000
MOST_ROWS, MOST_COLUMNS = 224, 400  # 120 kB as text
RANGE_DB = 80.0


def wave(result: Waveform, window: tuple[float, float]) -> go.Figure:
    """The wave, as the lowest and highest sample of each short stretch, with the window (from, to) in s shaded."""
    y, step = envelope(result.samples)
    trace = line(None, y, "amplitude", CURVE, x0=0, dx=step / result.rate)
    trace |= {"line": {"color": CURVE, "width": 1}, "hovertemplate": "%{x:.3f} s<br>%{y:.3f}<extra></extra>"}
    return figure(
        [trace],
        x="time (s)",
        y="amplitude",
        xaxis={"range": [0, len(result.samples) / result.rate]},
        shapes=[_band(*window)],
        showlegend=False,
    )


def spectrogram(result: Spectrogram, moment: float, in_decibels: bool = True, log_axis: bool = False) -> go.Figure:
    """Energy over time and frequency as a heatmap, with a line at ``moment`` s.

    A cell shows the largest of the levels it stands for. Levels travel rounded to whole dB or percent, in one byte each,
    so a drawn level is within half a unit of the computed one.
    """
    every = -(-len(result.time) // MOST_COLUMNS)
    power = np.maximum.reduceat(result.power, np.arange(0, len(result.time), every), axis=1)
    power, y, yaxis = _rows(result, power, log_axis)
    hop = float(result.time[1] - result.time[0]) if len(result.time) > 1 else 1.0
    unit, most = ("dB", RANGE_DB) if in_decibels else ("%", 100)
    heatmap = {
        "type": "heatmap",
        "z": np.rint(levels(power, float(result.power.max()), in_decibels)).astype(np.uint8),
        "x0": float(result.time[0]) + (every - 1) / 2 * hop,
        "dx": every * hop,
        **y,
        "zmin": 0,
        "zmax": most,
        "colorscale": SEQUENTIAL,
        "colorbar": {"title": {"text": unit}, "thickness": 12, "outlinewidth": 0},
        "hovertemplate": f"%{{x:.3f}} s<br>%{{y}} Hz<br>%{{z}} {unit}<extra></extra>",
    }
    return figure([heatmap], x="time (s)", y="frequency (Hz)", yaxis=yaxis, shapes=[_band(moment, moment)])


def one_window(result: Spectrogram, index: int, in_decibels: bool = True, log_axis: bool = False) -> go.Figure:
    """The energy at every frequency of one window, against the loudest of all windows, its strongest frequency marked."""
    shown = levels(result.power[:, index], float(result.power.max()), in_decibels)
    top = int(shown.argmax())
    starts = np.arange(0, len(shown), -(-len(shown) // MOST_POINTS))
    y = np.maximum.reduceat(shown, starts)
    unit, most = ("dB", RANGE_DB) if in_decibels else ("%", 100)
    hover = {"hovertemplate": f"%{{x:.0f}} Hz<br>%{{y:.1f}} {unit}<extra></extra>"}
    return figure(
        [
            line(np.float32(result.frequency[starts]), np.float32(y), "every frequency", PATH, **hover),
            points(result.frequency[[top]], shown[[top]], "the strongest", MARK, **hover),
        ],
        x="frequency (Hz)",
        y=f"energy ({unit})",
        xaxis={"type": "log" if log_axis else "linear"},
        yaxis={"range": [-0.02 * most, 1.05 * most]},
    )


def levels(power: Array, loudest: float, in_decibels: bool) -> Array:
    """Power as dB above a floor 80 dB under the loudest, from 0 to 80, or as percent of the loudest; silence is 0."""
    if in_decibels:
        return decibels(torch.from_numpy(power), RANGE_DB, loudest).numpy() + RANGE_DB
    return power * (100 / loudest if loudest > 0 else 0.0)


def envelope(samples: Array) -> tuple[Array, float]:
    """Thin (n,) samples to at most 1000: the lowest and highest of each stretch in turn. Also their spacing in samples."""
    if len(samples) <= MOST_POINTS:
        return samples, 1.0
    every = -(-2 * len(samples) // MOST_POINTS)
    starts = np.arange(0, len(samples), every)
    ends = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    return np.stack(ends, axis=1).ravel(), every / 2


def _rows(result: Spectrogram, power: Array, log_axis: bool) -> tuple[Array, dict[str, Any], dict[str, Any]]:
    """Thin (f, t) power to at most 224 rows; with the heatmap's y and the axis it stands on.

    Mel bands are rows of equal height, named by the frequency at their middle. On a log axis a row between two bins
    repeats the lower one, and the bin at 0 Hz is left out.
    """
    frequency = result.frequency
    if result.mel:
        ticks = np.unique(np.linspace(0, len(frequency) - 1, 8).round())
        return power, {"y": np.rint(frequency).astype(np.int32)}, {"type": "category", "tickvals": ticks}
    if log_axis:
        edges = np.geomspace(frequency[1], frequency[-1], MOST_ROWS + 1)
        starts = np.rint(edges[:-1] / frequency[1]).astype(int)
        y = np.sqrt(edges[:-1] * edges[1:]).astype(np.float32)
        return np.maximum.reduceat(power, starts), {"y": y}, {"type": "log", "hoverformat": ".0f"}
    every = -(-len(frequency) // MOST_ROWS)
    step = float(frequency[1])
    y0_dy = {"y0": (every - 1) / 2 * step, "dy": every * step}
    return np.maximum.reduceat(power, np.arange(0, len(frequency), every)), y0_dy, {"hoverformat": ".0f"}


def _band(start: float, end: float) -> dict[str, Any]:
    """The stretch of time that is looked at, from top to bottom."""
    edge = {"color": MARK, "width": 1.5}
    return {
        "type": "rect",
        "x0": start,
        "x1": end,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": edge,
        "fillcolor": "#d55e0033",
    }
