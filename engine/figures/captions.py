"""Captions: how likely each word is, where the network looks for it, and how many captions are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.maps import BARE, GLOW
from engine.figures.pictures import image, tiles
from engine.figures.theme import AMBER, BLUE, GREEN, VERMILION, figure
from engine.results import Array
from engine.results.captions import Caption, Measured

LOWEST = -3.0  # logs below it end at the edge, with their number written
ACROSS = 7
OBJECTS = (1, 2, 3)


def words(result: Caption, right: Sequence[bool], at: int) -> go.Figure:
    """log P of every word as a bar down from 0: blue where the reference has it, the word looked at framed."""
    count = len(result.words)
    told = [
        f"{word}: P = {np.exp(chance):.3f}<br>" + "<br>".join(f"{other} {p:.1%}" for other, p in others)
        for word, chance, others in zip(result.words, result.chances, result.alternatives, strict=True)
    ]
    names = [word.replace("<EOS>", "end") for word in result.words]
    traces = []
    for name, agrees, color in (("as in the reference", True, BLUE), ("otherwise", False, VERMILION)):
        some = [t for t in range(count) if right[t] == agrees]
        if not some:
            continue
        bars: dict[str, Any] = {"type": "bar", "name": name, "x": some, "text": [told[t] for t in some]}
        bars |= {"y": result.chances[some].clip(LOWEST).astype(np.float32), "textposition": "none"}
        bars |= {"hovertemplate": "%{text}<extra></extra>", "width": 0.8}
        traces.append(bars | {"marker": {"color": color}})
    ticks = {
        "tickvals": np.arange(count),
        "ticktext": names,
        "tickangle": -60,
        "range": [-0.7, count - 0.3],
        "tickfont": {"size": 11},
    }
    low = max(LOWEST, min(-0.3, 1.15 * float(result.chances.min())))
    band: dict[str, Any] = {"type": "rect", "x0": at - 0.5, "x1": at + 0.5, "y0": low, "y1": 0, "line": {"width": 0}}
    band |= {"fillcolor": AMBER, "opacity": 0.35, "layer": "below"}
    return figure(
        traces,
        y="log P",
        xaxis=ticks,
        yaxis={"range": [low, 0]},
        shapes=[band],
        height=320,
        margin={"l": 56, "r": 12, "t": 32, "b": 84},
        showlegend=True,
    )


def looked_at(pixels: Array, weights: Array, word: str) -> go.Figure:
    """A picture (h, w, 3) under the weights (8, 8) of one word, which is written above."""
    down, across = pixels.shape[0] / weights.shape[0], pixels.shape[1] / weights.shape[1]
    glow: dict[str, Any] = {"type": "heatmap", "z": weights.astype(np.float32), "zmin": 0, "name": "looked at"}
    glow |= {"x0": across / 2, "dx": across, "y0": down / 2, "dy": down, "zsmooth": "best", "showscale": False}
    glow |= {"colorscale": GLOW, "hovertemplate": "α = %{z:.3f}<extra></extra>"}
    above = {"x": 0.5, "y": 1, "xref": "paper", "yref": "paper", "yanchor": "bottom", "showarrow": False}
    return figure(
        [image(pixels, 0, 0), glow],
        xaxis=BARE | {"range": [0, pixels.shape[1]]},
        yaxis=BARE | {"range": [pixels.shape[0], 0], "scaleanchor": "x"},
        annotations=[{**above, "text": f"before “{word}”"}],
        margin={"l": 4, "r": 4, "t": 28, "b": 4},
        showlegend=False,
        height=340,
    )


def looks(result: Caption, pictures: Sequence[Array], at: int) -> go.Figure:
    """The picture once for every word, bright where the network looked before it said it; the one chosen is outlined."""
    names = [word.replace("<EOS>", "end") for word in result.words]
    rows = -(-len(names) // ACROSS)
    return tiles(pictures, names, ACROSS, chosen=at, height=20 + 88 * rows)


def held_out(result: Measured) -> go.Figure:
    """The share told exactly as the reference and BLEU, by the number of objects in a scene."""
    counts = [result.objects.count(n) for n in OBJECTS]
    names = [f"{n} object{'s' * (n > 1)}<br>({count} scenes)" for n, count in zip(OBJECTS, counts, strict=True)]
    traces = []
    for name, color, values in (
        ("exact", BLUE, [result.exact(n) for n in OBJECTS]),
        ("BLEU", GREEN, [result.bleu(n) for n in OBJECTS]),
    ):
        bars: dict[str, Any] = {"type": "bar", "name": name, "x": names, "y": np.nan_to_num(values).astype(np.float32)}
        bars |= {"marker": {"color": color}, "text": ["" if np.isnan(v) else f"{v:.2f}" for v in values]}
        bars |= {"textposition": "outside", "cliponaxis": False, "hovertemplate": f"{name}: %{{y:.3f}}<extra></extra>"}
        traces.append(bars)
    return figure(
        traces, y="share, score", yaxis={"range": [0, 1.12], "tickvals": [0, 0.5, 1]}, height=340, barmode="group"
    )
