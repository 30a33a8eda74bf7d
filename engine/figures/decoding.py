"""Searches for the best sequence: the tree of a beam, lengths against log-probabilities, and underflow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.language import shown
from engine.figures.theme import AMBER, BLUE, CURVE, GREEN, GREY, VERMILION, figure, line, points
from engine.results.decoding import SMALLEST, Competitor, Node, Underflow

HIDDEN = {"visible": False, "showgrid": False, "zeroline": False, "fixedrange": True}
BELOW, ABOVE, NUMBER = 0.17, 0.36, 0.22  # from a word to the edges down and up, and to its number, in steps
CROWDED = 6
WORDS = {"beam": ("beam", BLUE), "greedy": ("greedy", AMBER), "exact": ("exact", GREEN)}
BRANCHES = {"pruned": (GREY, "dot", 1), "kept": (BLUE, "solid", 2), "answer": (VERMILION, "solid", 3)}


def signed(value: float) -> str:
    """A number with two decimals and a true minus."""
    return f"{value:.2f}".replace("-", "−")


def tree(nodes: Sequence[Node], word: Callable[[int], str], begin: str) -> go.Figure:
    """A beam search from the top down: kept and pruned branches with log P of each word, the answer's path in bold."""
    deep = max(node.depth for node in nodes)
    most = max(sum(node.depth == d for node in nodes) for d in range(deep + 1))
    crowded = most > CROWDED
    down = [_down(nodes, i, crowded) for i in range(len(nodes))]
    traces = [_edges(nodes, down, kind) for kind in BRANCHES]
    traces.append(_numbers(nodes, down, 9 if crowded else 11))
    cut, size = (9, 10) if crowded else (10, 13)
    for pruned in (False, True):
        some = [i for i, node in enumerate(nodes) if (node.kind == "pruned") == pruned and i]
        texts = [_named(nodes[i], shown(word(nodes[i].tokens[-1]), cut)) for i in some]
        told = [_told(nodes[i], word) for i in some]
        trace: dict[str, Any] = {
            "type": "scatter",
            "mode": "text",
            "showlegend": False,
            "text": texts,
            "hovertext": told,
        }
        trace |= {"name": "pruned words" if pruned else "words", "hoverinfo": "text"}
        trace |= {"x": np.array([nodes[i].across for i in some], np.float32), "y": [down[i] for i in some]}
        traces.append(trace | {"textfont": {"size": size, "color": GREY} if pruned else {"size": size}})
    root = {"x": 0.5, "y": 0, "text": f"<b>{shown(begin, 40).replace('␣', ' ') or 'start'}</b>", "showarrow": False}
    return figure(
        traces,
        annotations=[root],
        xaxis={**HIDDEN, "range": [0, 1]},
        yaxis={**HIDDEN, "range": [deep + 0.6, -0.4]},
        margin={"l": 2, "r": 2, "t": 36, "b": 2},
        height=80 + (96 if crowded else 68) * deep,
    )


def _down(nodes: Sequence[Node], i: int, crowded: bool) -> float:
    """How far down a word is written: neighbours a little apart where there are many."""
    node = nodes[i]
    if not crowded or not i:
        return float(node.depth)
    place = sum(other.depth == node.depth for other in nodes[:i])
    return node.depth + (0.22 if place % 2 else -0.14)


def _named(node: Node, name: str) -> str:
    """A node's word, bold on the answer's path."""
    return f"<b>{name}</b>" if node.answer else name


def _told(node: Node, word: Callable[[int], str]) -> str:
    """What a node says when it is pointed at."""
    words = shown(" ".join(word(token) for token in node.tokens), 90).replace("␣", " ")
    state = "pruned" if node.kind == "pruned" else "complete" if node.ended else "kept"
    return f"{words}<br>log P {signed(node.total)}, P {math.exp(node.total):.2g}<br>{state}"


def _ends(nodes: Sequence[Node], down: Sequence[float], i: int) -> tuple[float, float, float, float]:
    """Where the edge to a node begins and ends: x, y, x, y."""
    parent = nodes[i].parent
    return nodes[parent].across, down[parent] + BELOW, nodes[i].across, down[i] - ABOVE


def _edges(nodes: Sequence[Node], down: Sequence[float], kind: str) -> dict[str, Any]:
    """All edges of a kind as one trace, a gap between any two."""
    x, y = list[float](), list[float]()
    for i, node in enumerate(nodes):
        if i and kind == ("answer" if node.answer else node.kind):
            x0, y0, x1, y1 = _ends(nodes, down, i)
            x += [x0, x1, math.nan]
            y += [y0, y1, math.nan]
    color, dash, width = BRANCHES[kind]
    trace = line(np.array(x or [math.nan], np.float32), np.array(y or [math.nan], np.float32), kind, color)
    return trace | {"line": {"color": color, "dash": dash, "width": width}, "hoverinfo": "skip"}


def _numbers(nodes: Sequence[Node], down: Sequence[float], size: int) -> dict[str, Any]:
    """The log-probability of every word, at the end of the edge to it."""
    x = np.array([node.across for node in nodes[1:]], np.float32)
    y = np.array(down[1:], np.float32) - NUMBER
    trace: dict[str, Any] = {"type": "scatter", "mode": "text", "x": x, "y": y, "name": "log P", "showlegend": False}
    return trace | {
        "text": [signed(node.chance) for node in nodes[1:]],
        "textfont": {"size": size},
        "hoverinfo": "skip",
    }


def lengths(competitors: Sequence[Competitor], best: Competitor, alpha: float) -> go.Figure:
    """Log-probability against length: what lies above the curve would score better than the answer, which lies on it."""
    reach = max(len(each.hypothesis.tokens) for each in competitors) + 1
    lowest = min(each.hypothesis.log_probability for each in competitors)
    t = np.linspace(0, reach, 121)[1:]
    with np.errstate(over="ignore"):
        level = (best.hypothesis.score * t**alpha).astype(np.float32)
    name = "equal score"
    traces = [line(t.astype(np.float32), level, name, CURVE, hoverinfo="skip", line={"color": CURVE, "dash": "dash"})]
    for what, (name, color) in WORDS.items():
        here = [each for each in competitors if each.what == what]
        symbol = {"beam": "circle", "greedy": "diamond-open", "exact": "circle-open"}[what]
        x = np.array([len(each.hypothesis.tokens) for each in here], np.int16)
        y = np.array([each.hypothesis.log_probability for each in here], np.float32)
        told = [
            f"{shown(each.text, 80).replace('␣', ' ')}<br>T {len(each.hypothesis.tokens)}, "
            f"log P {signed(each.hypothesis.log_probability)}, score {each.hypothesis.score:.3f}"
            for each in here
        ]
        marker = {"symbol": symbol, "size": {"beam": 8, "greedy": 13, "exact": 15}[what], "line": {"width": 2}}
        traces.append(points(x, y, name, color, marker=marker, text=told, hoverinfo="text"))
    return figure(
        traces,
        x="length T in tokens",
        y="log P",
        xaxis={"range": [0, reach], "dtick": 1 if reach < 16 else 5},
        yaxis={"range": [1.15 * lowest - 0.1, 0]},
        height=340,
        margin={"l": 56, "r": 12, "t": 40, "b": 44},
    )


def underflow(result: Underflow) -> go.Figure:
    """Powers of ten of a probability as it is multiplied on: summed logs go on, the float32 product ends at zero."""
    hover = "%{x} tokens: 10<sup>%{y:.1f}</sup><extra></extra>"
    product = line(result.tokens, result.product, "float32 product", VERMILION, hovertemplate=hover)
    product["line"] |= {"width": 6}
    product["opacity"] = 0.6
    traces = [product, line(result.tokens, result.logs, "sum of logs", BLUE, hovertemplate=hover)]
    end = float(result.tokens[-1])
    limit = line([0, end], [SMALLEST] * 2, "smallest", CURVE, hoverinfo="skip")
    traces.append(limit | {"line": {"color": CURVE, "dash": "dot"}})
    if result.zero:
        there = float(np.interp(result.zero, result.tokens, result.logs))
        mark = points([result.zero], [there], "zero", VERMILION, marker={"symbol": "x", "size": 11}, showlegend=False)
        mark |= {"mode": "markers+text", "text": [f"0 from {result.zero} on  "], "textposition": "bottom left"}
        traces.append(mark | {"hovertemplate": "the product is 0 from %{x} tokens on<extra></extra>"})
    return figure(
        traces,
        x="tokens multiplied",
        y="log₁₀ P",
        xaxis={"range": [0, end]},
        yaxis={"range": [1.06 * float(result.logs[-1]) - 0.1, 1]},
        height=340,
        margin={"l": 56, "r": 12, "t": 40, "b": 44},
    )
