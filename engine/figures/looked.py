"""What detectors and segmenters make of one picture: boxes that outlive a threshold, masks over it, and their areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb

from engine.figures.classes import CLASSES
from engine.figures.detected import boxed
from engine.figures.pictures import BARE, HIDDEN, image
from engine.figures.theme import COLORWAY, GREY, MARK, figure, line
from engine.results import Array
from engine.results.looked import Areas, Kept, Overlay


def _mixed(color: str, other: int, share: float) -> str:
    return "#" + "".join(f"{round((1 - share) * level + share * other):02x}" for level in hex_to_rgb(color))


# Twenty that tell themselves apart: the classes' ten, then each of them paler.
PALETTE = (*CLASSES, *(_mixed(color, 255, 0.45) for color in CLASSES))
PLAIN = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "constrain": "domain"}
TALLEST = 24


def color_of(number: int) -> str:
    """The colour of class or thing ``number``, from 1 on; 0 is the ground's."""
    return PALETTE[(number - 1) % len(PALETTE)] if number else GREY


def found(
    pixels: Array, boxes: Array, classes: Array, scores: Array, labels: Sequence[str], told: str, truths: Array | None
) -> go.Figure:
    """A picture (h, w, 3) with boxes (n, 4) in its pixels, and a line under it that tells whose they are."""
    drawn = boxed(pixels, boxes, classes, scores, labels, truths=truths, height=400)
    return _captioned(drawn, told)


def _captioned(drawn: go.Figure, told: str) -> go.Figure:
    layout = {"xaxis": {**PLAIN, "visible": True, "title": {"text": told, "font": {"size": 13}, "standoff": 6}}}
    return drawn.update_layout(**layout, margin={**BARE, "b": 34})


def kept(result: Kept) -> go.Figure:
    """Boxes left against the score threshold, a step curve for each detector, and the present threshold."""
    traces = [
        line(result.at, counts, name, COLORWAY[i], hovertemplate=f"{name}<br>above %{{x:.2f}}: %{{y}}<extra></extra>")
        for i, (name, counts) in enumerate(result.counts.items())
    ]
    for trace in traces:
        trace["line"] |= {"shape": "hv"}
    top = max(1.0, *(float(counts.max()) for counts in result.counts.values()))
    ends = np.full(2, result.now, np.float32)
    traces.append(line(ends, np.array([0, 1.05 * top], np.float32), "threshold", MARK, hoverinfo="skip"))
    traces[-1]["line"] |= {"dash": "dot"}
    yaxis = {"range": [0, 1.05 * top], **_whole(top)}
    return figure(traces, x="score threshold", y="boxes left", xaxis={"range": [0, 1]}, yaxis=yaxis, height=300)


def _whole(most: float) -> dict[str, Any]:
    """Whole numbers along an axis up to ``most``, about five of them."""
    return {"dtick": max(1, round(most / 5)), "tickformat": "d"}


def counts(result: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """How many of each class each detector finds: bars, the most frequent class first."""
    named: dict[str, int] = {}
    for found_by in result.values():
        for name, count in found_by.items():
            named[name] = max(count, named.get(name, 0))
    order = sorted(named, key=lambda name: (-named[name], name))[:TALLEST] or ["nothing"]
    bars: list[dict[str, Any]] = [
        {
            "type": "bar",
            "x": order,
            "y": [found_by.get(name, 0) for name in order],
            "name": detector,
            "marker": {"color": COLORWAY[i]},
            "hovertemplate": f"{detector}<br>%{{x}}: %{{y}}<extra></extra>",
        }
        for i, (detector, found_by) in enumerate(result.items())
    ]
    most = max([1, *named.values()])
    yaxis = {"range": [0, 1.05 * most], **_whole(most)}
    return figure(bars, y="things found", yaxis=yaxis, barmode="group", showlegend=True, height=300)


def layer(result: Overlay, opacity: float) -> Array:
    """The overlay alone as colours (H, W, 4), seen through where there is nothing."""
    colors = np.array([(0, 0, 0), *(hex_to_rgb(color) for color in result.colors)], np.uint8)[result.layer]
    alpha = np.where(result.layer > 0, round(255 * opacity), 0).astype(np.uint8)
    return np.concatenate([colors, alpha[..., None]], -1)


def overlaid(result: Overlay, opacity: float, told: str) -> go.Figure:
    """A picture, greyed so that every colour is a layer's, with its layers over it and their names as a legend."""
    h, w = result.pixels.shape[:2]
    grey = result.pixels.mean(-1, keepdims=True).repeat(3, -1).astype(np.uint8)
    traces = [image(grey, 0, 0), image(layer(result, opacity), 0, 0, w / result.layer.shape[1])]
    traces += [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": name,
            "marker": {"color": color, "size": 10, "symbol": "square"},
        }
        for name, color in list(zip(result.names, result.colors, strict=True))[:8]
    ]
    axes: dict[str, Any] = {
        "xaxis": HIDDEN | {"range": [0, w]},
        "yaxis": HIDDEN | {"range": [h, 0], "scaleanchor": "x"},
    }
    drawn = figure(traces, **axes, showlegend=bool(result.names), height=440)
    return _captioned(drawn, told).update_layout(margin={**BARE, "t": 60, "b": 34})


def areas(result: Areas) -> go.Figure:
    """A bar for each part: the share of the picture that it covers."""
    bars: dict[str, Any] = {"type": "bar", "x": list(result.names), "y": result.shares.astype(np.float32)}
    bars |= {"marker": {"color": list(result.colors)}, "name": "area", "hovertemplate": "%{x}: %{y:.2%}<extra></extra>"}
    bars |= {"text": [f"{share:.1%}" for share in result.shares], "textposition": "outside", "cliponaxis": False}
    yaxis = {"tickformat": ".0%", "range": [0, 1.12 * float(result.shares.max(initial=0.01))]}
    return figure([bars], y="share of the picture", yaxis=yaxis, showlegend=False, height=300)
