"""The weights of a single unit, as a picture or as bars, and what it makes of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import DIVERGING, NEGATIVE, POSITIVE, figure
from engine.results import Array

MOST_BARS = 16
GAP = 1


def picture(weights: Array) -> go.Figure:
    """Weights (h, w, channels) over the pixels that they read.

    Three channels are drawn as a picture in which grey is 0, brighter more and darker less of a colour; one as a heatmap.
    """
    reach = float(np.abs(weights).max()) or 1.0
    shown: dict[str, Any] = {"name": "weights"}
    if weights.shape[-1] == 3:
        levels = np.clip(127.5 + 127.5 * weights / reach, 0, 255).astype(np.uint8)
        shown |= {"type": "image", "z": levels, "customdata": weights.round(3)}
        shown["hovertemplate"] = "weights of R, G, B: %{customdata}<extra></extra>"
    else:
        shown |= {"type": "heatmap", "z": weights[..., 0], "zmin": -reach, "zmax": reach, "colorscale": DIVERGING}
        shown |= {"showscale": False, "hovertemplate": "%{z:.3f}<extra></extra>"}
    return figure([shown], **_without_axes())


def _without_axes() -> dict[str, Any]:
    """Square pixels, the first row on top, no axes."""
    hidden = {"visible": False, "constrain": "domain"}
    return {"xaxis": hidden, "yaxis": {**hidden, "scaleanchor": "x", "autorange": "reversed"}}


def bars(weights: Array, names: Sequence[str]) -> go.Figure:
    """Weights (n,) as bars, the strongest of many."""
    chosen = np.sort(np.argsort(-np.abs(weights), kind="stable")[:MOST_BARS])
    value = weights[chosen].astype(np.float32)
    labels = [names[i] if len(names[i]) < 22 else names[i][:20] + "…" for i in chosen]
    colors = [POSITIVE if v > 0 else NEGATIVE for v in value]
    shown = {"type": "bar", "orientation": "h", "x": value, "y": labels, "marker": {"color": colors}, "name": "weight"}
    shown |= {"hovertemplate": "%{y}: %{x:.3f}<extra></extra>"}
    margin = {"l": 150 if max(map(len, labels)) > 6 else 56, "r": 12, "t": 32, "b": 44}
    return figure([shown], x="weight", yaxis={"autorange": "reversed"}, margin=margin, showlegend=False)


def montage(pictures: Array, captions: Sequence[str]) -> go.Figure:
    """Pictures (k, h, w, channels) with levels from 0 to 1 in a row of rows, each with its caption under it."""
    count, h, w = pictures.shape[:3]
    across = min(count, 5)
    rows = -(-count // across)
    gap = max(GAP, h // 3)
    sheet = np.full((rows * (h + gap), across * (w + gap), 3), 128, np.uint8)
    alpha = np.zeros((*sheet.shape[:2], 1), np.uint8)
    x, y = [], []
    for k, one in enumerate(pictures):
        top, left = (k // across) * (h + gap), (k % across) * (w + gap)
        sheet[top : top + h, left : left + w] = np.clip(np.broadcast_to(one, (h, w, 3)) * 255, 0, 255)
        alpha[top : top + h, left : left + w] = 255
        x.append(left + w / 2 - 0.5)
        y.append(top + h + gap / 2 - 0.7)
    shown = {"type": "image", "z": np.concatenate([sheet, alpha], -1), "colormodel": "rgba256", "hoverinfo": "skip"}
    text = {"type": "scatter", "mode": "text", "x": x, "y": y, "text": list(captions), "hoverinfo": "skip"}
    return figure([shown, text], showlegend=False, **_without_axes())
