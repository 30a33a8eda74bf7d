"""Scores of a detector: precision against recall, mean average precision by threshold, and single detections judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from engine.figures.suppression import KINDS, stage
from engine.figures.theme import AMBER, CURVE, GREEN, GREY, MARK, PATH, VERMILION, figure, line, points
from engine.results import Array
from engine.results.detection import CLASSES, VERDICTS, Curve, Judged, Ranked

SHADES = dict(zip(VERDICTS, (GREEN, AMBER, VERMILION, GREY), strict=True))


def precision_recall(curves: Sequence[Curve]) -> go.Figure:
    """Each class's precision against its recall, dotted, and above it the highest at that recall or a higher one."""
    traces = []
    for each in curves:
        color, recall = KINDS[each.name], each.recall.astype(np.float32)
        highest = np.maximum.accumulate(each.precision[::-1])[::-1].astype(np.float32)
        raw = line(recall, each.precision.astype(np.float32), each.name, color, opacity=0.7, showlegend=False)
        raw["line"] |= {"dash": "dot", "width": 1.5}
        end = [recall[-1:], np.zeros(1, np.float32)] if len(recall) else []
        envelope = line(
            np.concatenate([[0], recall, *end[:1]]), np.concatenate([highest[:1], highest, *end[1:]]), "", color
        )
        envelope["line"] |= {"shape": "vh", "width": 3}
        name = "none" if np.isnan(each.average) else f"{each.average:.2f}"
        hover = {"hovertemplate": f"{each.name}<br>recall %{{x:.2f}}, precision %{{y:.2f}}<extra></extra>"}
        traces += [raw | hover, envelope | {"name": f"{each.name} {name}"} | hover]
    axis = {"range": [0, 1.03]}
    return figure(
        traces, x="recall", y="precision", xaxis=axis, yaxis=axis, showlegend=True, dragmode=False, height=400
    )


def by_threshold(thresholds: Array, averages: Array, chosen: float, value: float) -> go.Figure:
    """The mean average precision at every IoU threshold, the chosen one marked."""
    curve = line(thresholds.astype(np.float32), averages.astype(np.float32), "mAP", PATH, mode="lines+markers")
    curve |= {"hovertemplate": "IoU %{x:.2f}: mAP %{y:.3f}<extra></extra>"}
    now = points([chosen], [value], "chosen", MARK, marker={"size": 13})
    now |= {"hovertemplate": "IoU %{x:.2f}: mAP %{y:.3f}<extra></extra>"}
    layout = {
        "xaxis": {"range": [0, 1]},
        "yaxis": {"range": [0, 1.03]},
        "showlegend": True,
        "dragmode": False,
        "height": 400,
    }
    return figure([curve, now], x="IoU threshold", y="mAP", **layout)


def ranking(result: Ranked) -> go.Figure:
    """All detections from the highest score down, coloured by their verdicts; the one looked at marked."""
    at = np.arange(1, len(result.scores) + 1)
    traces: list[dict[str, Any]] = []
    for i, verdict in enumerate(VERDICTS):
        own = result.verdicts == i
        names = [CLASSES[kind] for kind in result.classes[own]]
        bar = {
            "type": "bar",
            "x": at[own].astype(np.int16),
            "y": result.scores[own].astype(np.float32),
            "name": verdict,
        }
        bar |= {"marker": {"color": SHADES[verdict], "line": {"width": 0}}, "width": 1, "customdata": names}
        traces.append(bar | {"hovertemplate": f"%{{x}}: %{{customdata}} %{{y:.2f}}, {verdict}<extra></extra>"})
    if result.chosen >= 0:
        score = result.scores[result.chosen]
        arrow = {"size": 13, "symbol": "triangle-down"}
        traces.append(
            points(
                [result.chosen + 1],
                [score + 0.05],
                "looked at",
                CURVE,
                marker=arrow,
                hoverinfo="skip",
                showlegend=False,
            )
        )
    layout = {"yaxis": {"range": [0, 1.1]}, "showlegend": True, "bargap": 0, "dragmode": False, "height": 420}
    return figure(traces, x="rank by score", y="score", **layout)


def judged(result: Judged) -> go.Figure:
    """A picture's truths, solid in the colours of their classes, and detections, dashed in those of their verdicts."""
    traces = []
    for box, kind in zip(result.truths, result.truth_classes, strict=True):
        name = CLASSES[kind]
        trace = _outline(box, f"truth: {name}", KINDS[name], 3, "solid")
        x0, y0 = box[:2].tolist()
        label = {"type": "scatter", "mode": "text", "x": [x0], "y": [y0], "text": [name], "textposition": "top right"}
        traces += [trace, label | {"textfont": {"color": KINDS[name], "size": 12}, "hoverinfo": "skip"}]
    for i, (box, kind, verdict) in enumerate(zip(result.boxes, result.classes, result.verdicts, strict=True)):
        word = VERDICTS[verdict]
        trace = _outline(box, f"{CLASSES[kind]}: {word}", SHADES[word], 5 if i == result.chosen else 1.5, "dash")
        traces.append(trace)
    return figure(traces, showlegend=False, **stage(result.side, 420))


def _outline(box: Array, name: str, color: str, width: float, dash: str) -> dict[str, Any]:
    x0, y0, x1, y1 = box.tolist()
    x, y = np.array([x0, x1, x1, x0, x0], np.float32), np.array([y0, y0, y1, y1, y0], np.float32)
    trace = line(x, y, name, color, hoverinfo="name")
    trace["line"] |= {"width": width, "dash": dash}
    return trace
