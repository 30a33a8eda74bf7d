"""A sound as numbers: its channels, single samples at two rates, their spectra, and the noise of few bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.data.media import Sound
from engine.figures.audio import envelope
from engine.figures.theme import BLUE, CURVE, GREY, MARK, PATH, VERMILION, figure, line, points
from engine.results.waveform import Noise, Spectrum, Stretch

COLORS = {"original": GREY, "filtered": BLUE, "no filter": VERMILION}
DASHES = {"original": "dot", "filtered": "solid", "no filter": "solid"}
SYMBOLS = {"original": "circle", "filtered": "circle", "no filter": "x"}
MOST_CHANNELS, MOST_DOTS, MOST_POINTS = 2, 250, 500
FLOOR_DB, TOP_DB = -90.0, 3.0
SHADE = "#d55e0033"


def channels(sound: Sound, window: tuple[float, float]) -> go.Figure:
    """The wave of the first two channels, one over the other, with the stretch (from, to) in s shaded."""
    shown = sound.samples[:MOST_CHANNELS]
    names = ("left", "right") if len(shown) == MOST_CHANNELS else ("amplitude",)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    for i, (name, samples) in enumerate(zip(names, shown, strict=True)):
        y, step = envelope(samples)
        hover = f"{name} at %{{x:.3f}} s: %{{y:.3f}}<extra></extra>"
        trace = line(
            None, y, name, CURVE, x0=0, dx=step / sound.rate, yaxis=f"y{i + 1}" if i else "y", hovertemplate=hover
        )
        traces.append(trace | {"line": {"color": CURVE, "width": 1}})
        top, room = 1 - i / len(shown), 0.94 / len(shown)
        axes[f"yaxis{i + 1}" if i else "yaxis"] = {
            "title": {"text": name},
            "domain": [top - room, top],
            "range": [-1.05, 1.05],
        }
    xaxis = {"title": {"text": "time (s)"}, "range": [0, sound.seconds], "anchor": "y2" if len(shown) > 1 else "y"}
    layout: dict[str, Any] = {"xaxis": xaxis, **axes, "shapes": [_band(*window)], "showlegend": False, "height": 260}
    layout["margin"] = {"l": 56, "r": 12, "t": 8, "b": 44}
    return figure(traces, **layout)


def single_samples(stretches: Mapping[str, Stretch], seconds: float) -> go.Figure:
    """The samples around a moment, each a dot where there is room for dots."""
    traces = []
    for name, found in stretches.items():
        y, step = envelope(found.samples)
        x = np.float32(found.start + found.step * step * np.arange(len(y)))
        dots = {"mode": "lines+markers", "marker": {"size": 6, "symbol": SYMBOLS[name]}} if len(y) <= MOST_DOTS else {}
        hover = f"{name}, %{{x:.3f}} ms: %{{y:.5f}}<extra></extra>"
        style = {"color": COLORS[name], "width": 1.5, "dash": DASHES[name]}
        traces.append(line(x, np.float32(y), name, COLORS[name], hovertemplate=hover, **dots) | {"line": style})
    half = 500 * seconds
    return figure(traces, x="time from the moment (ms)", y="amplitude", xaxis={"range": [-half, half]}, height=360)


def spectra(found: Mapping[str, Spectrum]) -> go.Figure:
    """The amplitude at every frequency in dB under full scale; the dashed line is half of the new sample rate."""
    traces = []
    for name, each in found.items():
        starts = np.arange(0, len(each.frequency), -(-len(each.frequency) // MOST_POINTS))
        loudest = np.maximum.reduceat(each.amplitude, starts)
        level = np.maximum(FLOOR_DB, 20 * np.log10(np.maximum(loudest, 1e-9)))
        hover = f"{name}, %{{x:.0f}} Hz: %{{y:.1f}} dB<extra></extra>"
        style = {"color": COLORS[name], "width": 1.5, "dash": DASHES[name]}
        traces.append(
            line(np.float32(each.frequency[starts]), np.float32(level), name, COLORS[name], hovertemplate=hover)
            | {"line": style}
        )
    nyquist = found["filtered"].rate / 2
    limit: dict[str, Any] = {"type": "line", "x0": nyquist, "x1": nyquist, "yref": "paper", "y0": 0, "y1": 1}
    limit |= {"line": {"color": GREY, "dash": "dash", "width": 2}}
    xaxis = {"range": [0, max(each.rate for each in found.values()) / 2]}
    yaxis = {"range": [FLOOR_DB, TOP_DB]}
    return figure(traces, x="frequency (Hz)", y="amplitude (dB)", xaxis=xaxis, yaxis=yaxis, shapes=[limit], height=360)


def noise(result: Noise, bits: int) -> go.Figure:
    """How far the noise of so many bits lies under the sound, measured and by the rule; the bits in use are marked."""
    hover = "%{x} bits: %{y:.1f} dB<extra></extra>"
    here = result.bits == bits
    traces = [
        line(result.bits, np.float32(result.rule), "6 dB a bit", CURVE, hovertemplate=hover),
        points(result.bits, np.float32(result.measured), "measured", PATH, hovertemplate=hover),
        points(
            result.bits[here], np.float32(result.measured[here]), "now", MARK, marker={"size": 12}, hovertemplate=hover
        ),
    ]
    return figure(traces, x="bits per sample", y="sound over noise (dB)", xaxis={"dtick": 2}, height=360)


def _band(start: float, end: float) -> dict[str, Any]:
    """The stretch that is looked at, from top to bottom."""
    edge = {"color": MARK, "width": 1.5}
    return {"type": "rect", "x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper", "line": edge, "fillcolor": SHADE}
