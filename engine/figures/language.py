"""Text in figures: tokens as cells, one-hot vectors, probabilities of sequences, samples."""

from __future__ import annotations

import html
import textwrap
import unicodedata
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.theme import BLUE, DEV, FIRST, GREEN, GREY, MARK, SECOND, TRAIN, VERMILION, figure, line, points
from engine.results.language import Costs, Coverage, NextToken, OneHot, Scored, Tokens, Written

CUT = 11
WRAP = 34  # characters that fit beside a label at 390 px
HIDDEN = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True}
KINDS = ("known", "<EOS>", "<UNK>")
CELLS = [[0.0, BLUE], [1 / 3, BLUE], [1 / 3, GREEN], [2 / 3, GREEN], [2 / 3, VERMILION], [1.0, VERMILION]]


def shown(token: str, cut: int = CUT) -> str:
    """A token as a figure can show it: blanks seen, nothing read as markup, nothing that has no shape of its own."""
    token = token if len(token) <= cut else token[: cut - 1] + "…"
    signs = [{" ": "␣", "\n": "↵", "\t": "⇥"}.get(sign, sign) for sign in token]
    signs = ["�" if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in signs]
    text = "".join(signs)
    if text and unicodedata.category(text[0]).startswith("M"):
        text = "◌" + text
    return html.escape(text, quote=False)


def tokens(result: Tokens, at: int, across: int) -> go.Figure:
    """Every token in a cell over its index, coloured by what it is, the one at position ``at`` framed."""
    count = len(result.typed)
    down = -(-count // across)
    kind = np.full(down * across, np.nan, np.float32)
    label, hover = [""] * len(kind), [""] * len(kind)
    for t, (typed, index) in enumerate(zip(result.typed, result.indices, strict=True)):
        kind[t] = 1 if index == result.eos else 2 if index == result.unk else 0
        label[t] = f"{shown(typed)}<br>{index}"
        hover[t] = f"x<sup>⟨{t + 1}⟩</sup> = {shown(typed, 40)}<br>index {index}, {shown(result.read[t], 40)}"
    rows = {"z": kind.reshape(down, across)}
    texts = {"text": _grid(label, across), "customdata": _grid(hover, across)}
    trace = {"type": "heatmap", **rows, **texts, "texttemplate": "%{text}", "zmin": 0, "zmax": 2, "colorscale": CELLS}
    trace |= {"xgap": 3, "ygap": 3, "showscale": False, "hovertemplate": "%{customdata}<extra></extra>"}
    trace |= {"name": "tokens", "textfont": {"size": 12}, "hoverongaps": False}
    x, y = at % across, at // across
    frame = {
        "type": "rect",
        "x0": x - 0.5,
        "x1": x + 0.5,
        "y0": y - 0.5,
        "y1": y + 0.5,
        "line": {"color": GREY, "width": 3},
    }
    names = [
        points([None], [None], name, color, marker={"symbol": "square"})
        for name, color in zip(KINDS, (BLUE, GREEN, VERMILION), strict=True)
    ]
    for each in names:
        each["name"] = html.escape(each["name"])
    bare = {**HIDDEN, "showticklabels": False}
    return figure(
        [trace, *names],
        xaxis={**bare, "range": [-0.6, across - 0.4]},
        yaxis={**bare, "range": [down - 0.4, -0.6]},
        shapes=[frame],
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        height=54 + 46 * down,
    )


def _grid(flat: list[str], across: int) -> list[list[str]]:
    return [flat[i : i + across] for i in range(0, len(flat), across)]


def one_hot(result: OneHot, at: int) -> go.Figure:
    """One-hot vectors as columns of 0 and 1, the one of position ``at`` framed."""
    down, across = result.values.shape
    place = [f"{row[0]} {shown(row[1])}" if row else "⋮" for row in result.rows]
    text = [["" if np.isnan(v) else f"{v:.0f}" for v in row] for row in result.values]
    trace = {"type": "heatmap", "z": result.values, "text": text, "texttemplate": "%{text}", "zmin": 0, "zmax": 1}
    trace |= {"colorscale": [[0, "rgba(128,128,128,0.12)"], [1, BLUE]], "xgap": 2, "ygap": 1, "showscale": False}
    trace |= {"hoverongaps": False, "hovertemplate": "row %{y}<br>%{z}<extra></extra>", "name": "one-hot"}
    column = at - result.first
    frame = {"type": "rect", "x0": column - 0.5, "x1": column + 0.5, "y0": -0.5, "y1": down - 0.5}
    ticks = [f"{result.first + i + 1}<br>{shown(token, 7)}" for i, token in enumerate(result.tokens)]
    return figure(
        [trace],
        xaxis={
            **HIDDEN,
            "tickvals": np.arange(across),
            "ticktext": ticks,
            "side": "top",
            "tickangle": 0,
            "tickfont": {"size": 11},
        },
        yaxis={
            **HIDDEN,
            "tickvals": np.arange(down),
            "ticktext": place,
            "range": [down - 0.5, -0.5],
            "automargin": True,
        },
        shapes=[{**frame, "line": {"color": GREY, "width": 2}}],
        margin={"l": 96, "r": 8, "t": 52, "b": 8},
        height=64 + 21 * down,
    )


def coverage(result: Coverage) -> go.Figure:
    """The share of a text that isn't <UNK>, by the vocabulary's size."""
    hover = {"hovertemplate": "%{x:,} tokens know %{y:.1%}<extra></extra>"}
    chosen = min(result.chosen, float(result.sizes[-1]))
    mark = points([chosen], [result.chosen_share], "here", MARK, **hover)
    traces = [line(result.sizes, result.share.astype(np.float32), "known", BLUE, **hover), mark]
    yaxis = {"range": [0, 1.05], "tickformat": ".0%"}
    return figure(
        traces,
        x="vocabulary size",
        y="text known",
        xaxis={"type": "log", "dtick": 1},
        yaxis=yaxis,
        showlegend=False,
        height=280,
    )


def sentences(first: Scored, second: Scored, lowest: float = 1e-6) -> go.Figure:
    """The probability of every token after those before it, of two sentences side by side, on a log axis."""
    longest = max(len(first.tokens), len(second.tokens))
    bars = []
    for name, scored, color in (("first", first, FIRST), ("second", second, SECOND)):
        height = np.maximum(scored.chances, lowest * 1.2).astype(np.float32)
        told = [
            f"{shown(token, 30)}: {chance:.2g}" for token, chance in zip(scored.tokens, scored.chances, strict=True)
        ]
        bar = {"type": "bar", "x": np.arange(1, len(height) + 1), "y": height, "name": name, "customdata": told}
        bars.append(bar | {"marker": {"color": color}, "hovertemplate": "%{customdata}<extra></extra>"})
    ticks = [_both(first, second, t) for t in range(longest)]
    low = max(lowest, min(1e-3, float(min(first.chances.min(), second.chances.min())) / 2))
    return figure(
        bars,
        y="P(token | those before)",
        xaxis={
            "tickvals": np.arange(1, longest + 1),
            "ticktext": ticks,
            "tickangle": 0 if longest <= 9 else 90,
            "tickfont": {"size": 11},
        },
        yaxis={"type": "log", "range": [np.log10(low), 0.05], "exponentformat": "power", "nticks": 6},
        barmode="group",
        height=320,
        margin={"l": 64, "r": 8, "t": 32, "b": 64 if longest <= 9 else 90},
    )


def _both(first: Scored, second: Scored, t: int) -> str:
    """The tokens at a position, one below the other where the sentences differ."""
    here = [scored.tokens[t] for scored in (first, second) if t < len(scored.tokens)]
    return "<br>".join(shown(token, 8) for token in dict.fromkeys(here))


def products(first: Scored, second: Scored) -> go.Figure:
    """The probability of each sentence up to every token: the product of the steps so far, on a log axis."""
    traces = []
    for name, scored, color in (("first", first, FIRST), ("second", second, SECOND)):
        power = np.concatenate([[0], np.log10(scored.chances.astype(np.float64)).cumsum()]).astype(np.float32)
        hover = "after %{x} tokens: 10<sup>%{y:.2f}</sup><extra></extra>"
        traces.append(line(np.arange(len(power)), power, name, color, mode="lines+markers", hovertemplate=hover))
    return figure(
        traces, x="tokens", y="log₁₀ of the product", xaxis={"dtick": 1 if len(power) < 16 else 5}, height=320
    )


def cost(result: Costs) -> go.Figure:
    """Cost of a token against updates, with that of a model that knows nothing."""
    hover = {"hovertemplate": "step %{x}<br>%{y:.3f} nats<extra></extra>"}
    traces = [line(result.steps, result.train, "train", TRAIN, **hover)]
    if np.isfinite(result.dev).any():
        traces.append(line(result.steps, result.dev, "held out", DEV, **hover))
    ends = [0, result.last]
    traces.append(line(ends, [result.uniform] * 2, "log V", GREY, line={"color": GREY, "dash": "dot"}, **hover))
    yaxis = {"range": [0, 1.08 * result.uniform]}
    return figure(traces, x="step", y="nats a token", xaxis={"range": ends}, yaxis=yaxis, height=300)


def perplexity(result: Costs) -> go.Figure:
    """Perplexity against updates, on a log axis that begins at the size of the vocabulary."""
    hover = {"hovertemplate": "step %{x}<br>perplexity %{y:.3~g}<extra></extra>"}
    traces = [line(result.steps, np.exp(result.train), "train", TRAIN, **hover)]
    if np.isfinite(result.dev).any():
        traces.append(line(result.steps, np.exp(result.dev), "held out", DEV, **hover))
    ends, size = [0, result.last], np.exp(result.uniform)
    traces.append(line(ends, [size] * 2, "V", GREY, line={"color": GREY, "dash": "dot"}, **hover))
    yaxis = {"type": "log", "range": [0, np.log10(1.5 * size)], "dtick": "D2" if size < 100 else 1}
    return figure(traces, x="step", y="perplexity", xaxis={"range": ends}, yaxis=yaxis, height=320)


def next_token(result: NextToken, *, drawn: bool = True, height: int = 340) -> go.Figure:
    """The likeliest next tokens as learned, and if ``drawn`` at the temperature and how often each came in the draws."""
    at = np.arange(len(result.tokens))
    told = "%{y}: %{x:.2%}<extra></extra>"
    sides = [(result.learned, "learned", GREY), (result.tempered, "tempered", BLUE)]
    traces: list[dict[str, Any]] = [
        {"type": "bar", "orientation": "h", "y": at, "x": values, "name": name, "hovertemplate": told}
        | {"marker": {"color": color}}
        for values, name, color in (sides if drawn else sides[1:])
    ]
    if drawn:
        marker = {"symbol": "line-ns-open", "size": 14}
        traces.append(points(result.drawn, at, f"{result.draws:,} draws", MARK, hovertemplate=told, marker=marker))
    else:
        traces[0] |= {"text": [f"{p:.1%}" for p in result.learned], "textposition": "outside", "cliponaxis": False}
    ticks = {"tickvals": at, "ticktext": [shown(token) for token in result.tokens]}
    yaxis = {"range": [len(at) - 0.4, -0.6], **ticks, "showgrid": False, "automargin": True}
    highest = float(max(each.max() for each in (result.learned, result.tempered, result.drawn)))
    xaxis = {"tickformat": ".0%", "range": [0, 1.2 * highest], "nticks": 6}
    layout: dict[str, Any] = {
        "barmode": "group",
        "height": height,
        "margin": {"l": 72, "r": 8, "t": 32, "b": 44},
        "showlegend": drawn,
    }
    return figure(traces, x="probability", xaxis=xaxis, yaxis=yaxis, **layout)


def written(result: Written) -> go.Figure:
    """Texts in rows, broken where a narrow screen ends, what was given in bold."""
    blocks = [_wrapped(result.begin, text) for text in result.texts]
    sizes = np.array([block.count("<br>") + 1 for block in blocks])
    tops = np.concatenate([[0], np.cumsum(sizes + 0.6)])
    middle = (tops[:-1] + sizes / 2).astype(np.float32)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "text",
        "x": np.full(len(blocks), 0.01),
        "y": middle,
        "text": blocks,
        "name": "text",
    }
    trace |= {"textposition": "middle right", "hoverinfo": "skip", "textfont": {"size": 14}, "cliponaxis": False}
    yaxis = {**HIDDEN, "range": [tops[-1], -0.4], "tickvals": middle, "ticktext": list(result.labels)}
    return figure(
        [trace],
        xaxis={**HIDDEN, "visible": False, "range": [0, 1]},
        yaxis=yaxis,
        showlegend=False,
        height=24 + int(19 * tops[-1]),
        margin={"l": 20 + 8 * max(map(len, result.labels)), "r": 4, "t": 8, "b": 8},
    )


def _wrapped(begin: str, text: str) -> str:
    """A text in lines, its beginning in bold; an empty one as a dash."""
    lines = textwrap.wrap(begin + text, WRAP, drop_whitespace=True, break_long_words=True) or ["–"]
    left, made = len(begin), []
    for each in lines:
        bold, plain = each[: max(0, left)], each[max(0, left) :]
        left -= len(each)
        strong = f"<b>{_safe(bold)}</b>" if bold else ""
        made.append(strong + _safe(plain))
    return "<br>".join(made)


def _safe(text: str) -> str:
    """A stretch of text with nothing in it that a figure would read as markup or cannot hold."""
    return html.escape("".join("�" if unicodedata.category(s) in ("Cc", "Cs") else s for s in text), quote=False)
