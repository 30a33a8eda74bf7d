"""Translations: scores by length, where the network looks, and whose fault the errors are."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.data.translations import spelled
from engine.figures.theme import AMBER, BLUE, GREEN, SEQUENTIAL, VERMILION, figure, line
from engine.results import Array
from engine.results.translation import ByLength, Judged, Spoken

WITH, WITHOUT = "attention", "no attention"
COLORS = {WITH: BLUE, WITHOUT: VERMILION}
BLAMED = {"right": GREEN, "beam": BLUE, "model": VERMILION}
CALLED = {"right": "right", "beam": "beam search at fault", "model": "RNN at fault"}
CUT = 90


def by_length(found: Mapping[str, ByLength], what: str) -> go.Figure:
    """The share translated exactly ("exact") or BLEU ("bleu") by the number of French words, a line a network."""
    traces, ticks = [], list[str]()
    for name, result in found.items():
        ticks = [f"{low}–{high}" for low, high in result.bins]
        values = result.exact if what == "exact" else result.bleu
        hover = f"{name}, %{{x}} words: %{{y:.3f}}<br>%{{customdata}} sentences<extra></extra>"
        more: dict[str, Any] = {"customdata": result.counts, "hovertemplate": hover, "mode": "lines+markers"}
        traces.append(line(ticks, values, name, COLORS[name], connectgaps=False, **more))
    y = "translated exactly" if what == "exact" else "BLEU"
    xaxis = {"type": "category", "categoryorder": "array", "categoryarray": ticks, "range": [-0.3, len(ticks) - 0.7]}
    yaxis = {"range": [-0.03, 1.03], **({"tickformat": ".0%"} if what == "exact" else {})}
    return figure(traces, x="French words", y=y, xaxis=xaxis, yaxis=yaxis, height=330)


def alignment(result: Spoken, source: Sequence[str]) -> go.Figure:
    """The weights of every English word (rows) over the French ones (columns); each row sums to 1."""
    hover = "“%{y}” looks at “%{x}”: α = %{z:.3f}<extra></extra>"
    said = [word.replace("<EOS>", "end") for word in result.words]
    heat: dict[str, Any] = {"type": "heatmap", "z": result.alpha.astype(np.float32), "zmin": 0, "zmax": 1, "name": "α"}
    heat |= {"colorscale": SEQUENTIAL, "xgap": 1, "ygap": 1, "showscale": False, "hovertemplate": hover}
    if len(source) <= 14:
        heat |= {"text": [[f"{a:.2f}"[1:] if a >= 0.1 else "" for a in row] for row in result.alpha.clip(0, 0.99)]}
        heat |= {"texttemplate": "%{text}", "textfont": {"size": 10}}
    size = 10 if max(len(source), len(said)) > 16 else 12
    axis: dict[str, Any] = {"showgrid": False, "tickfont": {"size": size}}
    xaxis = {**axis, "tickvals": np.arange(len(source)), "ticktext": list(source), "tickangle": -60, "side": "bottom"}
    yaxis = {**axis, "tickvals": np.arange(len(said)), "ticktext": said, "autorange": "reversed"}
    margin = {"l": 84, "r": 8, "t": 8, "b": 84}
    return figure([heat], xaxis=xaxis, yaxis=yaxis, height=110 + max(180, 20 * len(said)), margin=margin)


def chances(found: Mapping[str, Spoken]) -> go.Figure:
    """log P of every word of each network's translation, one below the other."""
    traces = []
    for name, result in found.items():
        total = float(result.chances.sum())
        words = [word.replace("<EOS>", "end") for word in result.words]
        told = [f"{word}: log P = {p:.2f}, P = {np.exp(p):.3f}" for word, p in zip(words, result.chances, strict=True)]
        more = {"text": told, "hovertemplate": "%{text}<extra></extra>", "mode": "lines+markers"}
        at = np.arange(1, len(words) + 1)
        label = f"{name}, Σ {total:.1f}".replace("-", "−")
        traces.append(line(at, result.chances.astype(np.float32), label, COLORS[name], **more))
    low = min([-0.5, *(float(each.chances.min()) for each in found.values())])
    return figure(traces, x="English word", y="log P", yaxis={"range": [1.1 * low, -0.04 * low]}, height=330)


def cost(history: Mapping[str, tuple[Array, Array]], last: int) -> go.Figure:
    """The cost of a word in training, by update, a line a network."""
    hover = "update %{x}: J = %{y:.3f}"
    traces = [
        line(x, y, name, COLORS[name], hovertemplate=f"{name}, {hover}<extra></extra>")
        for name, (x, y) in history.items()
    ]
    return figure(traces, x="update", y="cost J", xaxis={"range": [0, last]}, yaxis={"rangemode": "tozero"}, height=330)


def errors(wrong: Sequence[Judged], chosen: int, normalised: bool) -> go.Figure:
    """By how much the network prefers the reference to its own translation, a bar an error: up means beam search missed it.

    Values are as they are compared: logs of probabilities, or these divided by T^α.
    """
    gaps = np.array([each.reference_score - each.found_score for each in wrong] or [0.0], np.float32)
    traces = []
    for kind in ("beam", "model"):
        some = [k for k, each in enumerate(wrong) if each.blame == kind]
        bars: dict[str, Any] = {"type": "bar", "name": CALLED[kind], "x": [k + 1 for k in some], "y": gaps[some]}
        bars |= {"text": [_told(k, wrong[k]) for k in some], "hovertemplate": "%{text}<extra></extra>"}
        traces.append(bars | {"textposition": "none", "width": 0.8, "marker": {"color": BLAMED[kind]}})
    over = " / T<sup>α</sup>" if normalised else ""
    reach = 1.1 * float(abs(gaps).max()) + 0.01
    top = max(0.35 * reach, 1.2 * float(gaps.max()))
    return figure(
        traces,
        x="error (click one)",
        y=f"log P(y*|x){over} − log P(ŷ|x){over}",
        xaxis={"range": [0.3, max(len(wrong), 8) + 0.7]},
        yaxis={"range": [-reach, top], "zeroline": True},
        shapes=[_chosen(chosen + 1, -reach, top)] if wrong else [],
        height=400,
        showlegend=True,
    )


def _chosen(at: float, low: float, high: float) -> dict[str, Any]:
    """A band behind the chosen bar."""
    return {"type": "rect", "x0": at - 0.5, "x1": at + 0.5, "y0": low, "y1": high, "line": {"width": 0}} | {
        "fillcolor": AMBER,
        "opacity": 0.35,
        "layer": "below",
    }


def _told(k: int, each: Judged) -> str:
    """What an error says when it is pointed at."""
    y, found = (_cut(spelled(words)) for words in (each.reference, each.found))
    logs = f"log P(y*) {each.reference_log:.2f}, log P(ŷ) {each.found_log:.2f}".replace("-", "−")
    return f"error {k + 1}, {CALLED[each.blame]}<br>y*: {y}<br>ŷ: {found}<br>{logs}"


def _cut(text: str) -> str:
    return html.escape(text if len(text) <= CUT else text[: CUT - 1] + "…")


def blamed(widths: Array, shares: Sequence[Array], at: float, last: int) -> go.Figure:
    """The shares of sentences right, and of errors by whose fault they are, over the beam's width, stacked to 1."""
    traces = []
    for kind, share in zip(("model", "beam", "right"), reversed(shares), strict=True):
        hover = f"B = %{{x}}: {CALLED[kind]} %{{y:.1%}}<extra></extra>"
        area = {"stackgroup": "all", "hovertemplate": hover, "mode": "lines+markers", "marker": {"size": 5}}
        traces.append(line(widths, share, CALLED[kind].removesuffix(" at fault"), BLAMED[kind], **area))
    mark: dict[str, Any] = {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": {"color": AMBER, "width": 3}}
    xaxis = {"range": [0.7, last + 0.3]}
    yaxis = {"range": [0, 1], "tickformat": ".0%"}
    return figure(traces, x="beam width B", y="of all sentences", xaxis=xaxis, yaxis=yaxis, shapes=[mark], height=400)


def path(reference: Spoken, found: Spoken) -> go.Figure:
    """log P of the first words, added up word by word, of the reference and of what the beam found."""
    traces = []
    for name, result, color in (("y*", reference, GREEN), ("ŷ", found, VERMILION)):
        sums = np.concatenate([[0.0], result.chances.cumsum()]).astype(np.float32)
        words = ["start", *(word.replace("<EOS>", "end") for word in result.words)]
        told = [f"{name} after “{word}”: {total:.2f}" for word, total in zip(words, sums, strict=True)]
        more = {"text": told, "hovertemplate": "%{text}<extra></extra>", "mode": "lines+markers"}
        traces.append(line(np.arange(len(sums)), sums, name, color, **more))
    return figure(traces, x="words read", y="log P so far", height=340)
