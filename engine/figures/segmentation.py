"""Labels of pixels as colours over the scenes they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb

from engine.figures import maps
from engine.figures.pictures import tiles
from engine.figures.theme import COLORWAY, GREY, figure
from engine.results import Array
from engine.results.pictures import Progress
from engine.results.segmentation import ClassScores, Segmented

GROUND, WRONG = (60, 60, 60), (213, 0, 0)


def painted(labels: Array) -> Array:
    """Labels (h, w) as colours (h, w, 4): dark for the ground, then the colours of :data:`COLORWAY`."""
    colors = np.array([GROUND, *(hex_to_rgb(color) for color in COLORWAY)], np.uint8)[labels]
    return np.concatenate([colors, np.full((*labels.shape, 1), 255, np.uint8)], -1)


def overlaid(pixels: Array, labels: Array) -> Array:
    """A scene (h, w, 3), greyed, with what was found in colour over it."""
    grey = pixels.mean(-1, keepdims=True).repeat(3, -1)
    mixed = np.where(labels[..., None] > 0, 0.35 * grey + 0.65 * painted(labels)[..., :3], grey)
    return mixed.astype(np.uint8)


def scene(result: Segmented, k: int, labels: Sequence[str]) -> go.Figure:
    """One scene and the labels each network finds in it; below, its true labels, and which of those found are wrong."""
    truth, found = result.truth[k], {name: each[k] for name, each in result.found.items()}
    off = [each != truth for each in found.values()]
    above = {"scene": result.pictures[k]} | {name: painted(each) for name, each in found.items()}
    pictures = [*above.values(), painted(truth), *(_wrong(each) for each in off)]
    captions = [*above, "truth", *(f"{each.mean():.1%} wrong" for each in off)]
    drawn = tiles(pictures, captions, len(above), height=420 if len(off) == 1 else 330).to_plotly_json()
    drawn["data"][-1]["showlegend"] = False
    marks = [_key(name, COLORWAY[i]) for i, name in enumerate(labels[1:])]
    layout = drawn["layout"] | {"showlegend": True, "margin": {"l": 4, "r": 4, "t": 48, "b": 4}}
    return figure([*drawn["data"], *marks], **layout)


def _wrong(where: Array) -> Array:
    pixels = painted(where * 0)
    pixels[where, :3] = WRONG
    return pixels


def _key(name: str, color: str) -> dict[str, Any]:
    marker = {"color": color, "size": 10, "symbol": "square"}
    return {"type": "scatter", "mode": "markers", "x": [None], "y": [None], "name": name, "marker": marker}


def scores(result: ClassScores, colors: Sequence[str] = (COLORWAY[0], GREY)) -> go.Figure:
    """A bar a class for each network."""
    bars = [
        {
            "type": "bar",
            "x": result.labels,
            "y": np.round(values, 4),
            "name": name,
            "marker": {"color": color},
            "text": [f"{v:.2f}" if np.isfinite(v) else "" for v in values],
            "hovertemplate": "%{x}: %{y:.3f}<extra></extra>",
        }
        for (name, values), color in zip(result.scores.items(), colors, strict=False)
    ]
    return figure(bars, y="IoU", yaxis={"range": [0, 1.05]}, barmode="group", showlegend=True, height=300)


def progress(result: Progress) -> go.Figure:
    """Training cost, and the mean IoU on held-out scenes, by step."""
    drawn = maps.progress(result, x="step").update_layout(xaxis_title_text="step")
    drawn.data[1].name = "mean IoU"
    return drawn
