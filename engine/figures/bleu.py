"""BLEU: n-grams marked over a candidate and its references, the precisions, and the brevity penalty."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.language import shown
from engine.figures.theme import AMBER, BLUE, CURVE, GREEN, GREY, MARK, PURPLE, VERMILION, figure, line, points
from engine.functional.bleu import Bleu, Cover, brevity_penalty

REFERENCES = (BLUE, GREEN, PURPLE)
LINE = 34  # characters of a sentence in one line
LONGEST = 16
LANE = 0.32
LOW = 0.15  # a bar too low to write in
HIDDEN = {"visible": False, "showgrid": False, "zeroline": False, "fixedrange": True}

# Where every token of a sentence lies: its left and right end, and its row.
Places = list[tuple[float, float, float]]


def aligned(
    candidate: Sequence[str], references: Sequence[Sequence[str]], covers: Sequence[Cover], n: int
) -> go.Figure:
    """The candidate over its references, every n-gram a bar: in the colour of the reference that covers it, or of none."""
    lanes, top = min(n, max(1, len(candidate))), 0.0
    words: dict[str, Any] = {"x": [], "y": [], "text": []}
    placed: list[Places] = []
    for name, tokens in (("Candidate", candidate), *((f"Y{i + 1}", r) for i, r in enumerate(references))):
        places, bottom = laid_out(tokens, top + 0.8, 1 + LANE * lanes)
        words["x"] += [0.0, *((a + b) / 2 for a, b, _ in places)]
        words["y"] += [top, *(y for *_, y in places)]
        words["text"] += [f"<b>{name}</b>", *(shown(token, LONGEST) for token in tokens)]
        placed.append(places)
        top = bottom + 0.5
    at = {"textposition": ["middle right" if text.startswith("<b>") else "middle center" for text in words["text"]]}
    traces = [
        {"type": "scatter", "mode": "text", "name": "words", "showlegend": False, "hoverinfo": "skip", **words, **at}
    ]
    traces += [bar(name, color, dash, spans) for name, color, dash, spans in marked(candidate, placed, covers, n)]
    return figure(
        traces,
        xaxis={**HIDDEN, "range": [-0.5, LINE + 1]},
        yaxis={**HIDDEN, "range": [top - 0.3, -0.6]},
        height=70 + int(27 * top),
        margin={"l": 4, "r": 4, "t": 40, "b": 4},
        legend={"itemwidth": 30, "font": {"size": 12}},
        showlegend=True,
    )


def laid_out(tokens: Sequence[str], top: float, tall: float) -> tuple[Places, float]:
    """Places of tokens in lines ``tall`` high, and where the last line ends."""
    places: Places = []
    x, row = 0, 0
    for token in tokens:
        wide = min(len(token), LONGEST)
        if x and x + wide > LINE:
            x, row = 0, row + 1
        places.append((x, x + wide, top + row * tall))
        x += wide + 1
    return places, top + (row + 1) * tall


def marked(
    candidate: Sequence[str], placed: Sequence[Places], covers: Sequence[Cover], n: int
) -> list[tuple[str, str, str, list[tuple[str, list[tuple[float, float, float]]]]]]:
    """Name, colour, dash and told stretches of every kind of bar: covered by a reference, clipped, in no reference."""
    kinds: dict[str, tuple[str, str, list[tuple[str, list[tuple[float, float, float]]]]]] = {
        f"in Y{i + 1}": (REFERENCES[i], "solid", []) for i in range(len(placed) - 1)
    }
    kinds |= {"clipped": (AMBER, "dot", []), "in none": (GREY, "dot", [])}
    for cover in covers:
        ngram = shown(" ".join(candidate[cover.start : cover.start + n]), 60).replace("␣", " ")
        name = "clipped" if cover.clipped else "in none" if cover.reference is None else f"in Y{cover.reference + 1}"
        kinds[name][2].append((f"{ngram}: {name}", stretch(placed[0], cover.start, n)))
        if cover.reference is not None and cover.place is not None:
            there = stretch(placed[cover.reference + 1], cover.place, n)
            kinds[name][2].append((f"{ngram}: counts", there))
    return [(name, *kind) for name, kind in kinds.items() if kind[2] or name == "clipped"]


def stretch(places: Places, start: int, n: int) -> list[tuple[float, float, float]]:
    """The n-gram at ``start`` as a bar in each line that it runs over, in the lane that keeps it off its neighbours."""
    rows: dict[float, list[tuple[float, float]]] = {}
    for a, b, y in places[start : start + n]:
        rows.setdefault(y, []).append((a, b))
    down = 0.55 + LANE * (start % n)
    return [(ends[0][0] - 0.25, ends[-1][1] + 0.25, y + down) for y, ends in rows.items()]


def bar(name: str, color: str, dash: str, spans: list[tuple[str, list[tuple[float, float, float]]]]) -> dict[str, Any]:
    """One trace of thick lines, a gap between any two."""
    x, y, told = list[float](), list[float](), list[str]()
    for text, lines in spans:
        for a, b, down in lines:
            x += [a, (a + b) / 2, b, math.nan]
            y += [down] * 3 + [math.nan]
            told += [text] * 3 + [""]
    style = {"color": color, "width": 5, "dash": dash}
    at = {"x": np.array(x or [math.nan], np.float32), "y": np.array(y or [math.nan], np.float32)}
    told = told or [""]
    return {"type": "scatter", "mode": "lines", **at, "name": name, "line": style, "text": told, "hoverinfo": "text"}


def precisions(result: Bleu, n: int) -> go.Figure:
    """Every p_n as a bar with its fraction, that of the n in sight full, their geometric mean and the score as lines."""
    orders = np.arange(1, len(result.precisions) + 1)
    smooth = [not match and p > 0 for match, p in zip(result.matches, result.precisions, strict=True)]
    texts = [
        f"{match}/{count}" + (f"<br>→ {p:.3f}" if is_smooth else "")
        for match, count, p, is_smooth in zip(result.matches, result.counts, result.precisions, smooth, strict=True)
    ]
    bars: dict[str, Any] = {"type": "bar", "x": orders, "y": np.array(result.precisions, np.float32), "name": "pₙ"}
    bars |= {
        "text": texts,
        "textposition": ["inside" if p > LOW else "outside" for p in result.precisions],
        "insidetextanchor": "start",
        "textangle": 0,
        "cliponaxis": False,
        "hovertemplate": "p<sub>%{x}</sub> = %{y:.4f}",
    }
    bars["marker"] = {
        "color": [AMBER if is_smooth else BLUE for is_smooth in smooth],
        "opacity": [1.0 if k == n else 0.75 for k in orders],
    }
    mean = result.score / result.penalty if result.penalty else 0.0
    ends = [0.5, len(orders) + 0.5]
    levels = []
    for name, value, color, dash in (
        ("geometric mean", mean, GREEN, "dash"),
        ("BLEU", result.score, VERMILION, "solid"),
    ):
        level = line(ends, [value] * 2, name, color, hovertemplate=f"{name} {value:.4f}<extra></extra>")
        levels.append(level | {"line": {"color": color, "dash": dash, "width": 2}})
    return figure(
        [bars, *levels],
        x="n",
        y="precision",
        xaxis={"dtick": 1, "range": ends},
        yaxis={"range": [0, 1.18], "tickvals": [0, 0.25, 0.5, 0.75, 1]},
        height=360,
    )


def brevity(result: Bleu, lengths: Sequence[int]) -> go.Figure:
    """The brevity penalty against the candidate's length c, the references' lengths as dotted lines, and the candidate."""
    reach = max(result.length, *lengths, 1)
    c = np.linspace(0, 1.4 * reach, 141)[1:]
    r = result.reference
    penalty = np.array([1.0 if x >= r else math.exp(1 - r / x) for x in c], np.float32)
    hover = "c = %{x:.3~g}: BP %{y:.3f}<extra></extra>"
    curve = line(c.astype(np.float32), penalty, "BP", BLUE, hovertemplate=hover)
    here = points([result.length], [brevity_penalty(result.length, r)], "candidate", MARK, marker={"size": 11})
    here["hovertemplate"] = hover
    shapes = [
        {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": {"color": CURVE, "dash": "dot", "width": 1}}
        for x in sorted(set(lengths))
    ]
    names: dict[int, list[str]] = {}
    for i, x in enumerate(lengths):
        names.setdefault(x, []).append(f"Y{i + 1}")
    notes = [
        {"x": x, "y": 0.06 + 0.1 * (k % 2), "text": html.escape(", ".join(each)), "showarrow": False, "xanchor": "left"}
        for k, (x, each) in enumerate(sorted(names.items()))
    ]
    return figure(
        [curve, here],
        x="length c in tokens",
        y="BP",
        shapes=shapes,
        annotations=notes,
        xaxis={"range": [0, 1.4 * reach]},
        yaxis={"range": [0, 1.08]},
        height=300,
    )
