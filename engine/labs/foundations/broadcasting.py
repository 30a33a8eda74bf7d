"""Broadcasting: two shapes aligned, the stretched copies, and the result or the reason why it fails."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from engine.errors import BadInput
from engine.figures.theme import AMBER, BLUE, GREEN, GREY, SEQUENTIAL, VERMILION, figure
from engine.functional.broadcasting import Axis, Shape, align, broadcast_shape, clash
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, text

MOST_AXES, MOST_SIZE, MOST_CELLS = 6, 64, 4096
DRAWN_SIDE = 12


class Broadcasting(Params):
    """What a person can move."""

    a: str = text(
        "3, 1", longest=40, label="Shape of A", help="Sizes with commas, such as 4, 3; nothing for a single number."
    )
    b: str = text(
        "4", longest=40, label="Shape of B", help="Sizes with commas; (4,) has rank 1 and is neither row nor column."
    )
    operation: Literal["add", "multiply"] = choice(
        "add",
        label="Operation",
        help="What is done with the cells that meet.",
        names={"add": "A + B", "multiply": "A × B"},
    )


def read_shape(typed: str, name: str) -> Shape:
    """A shape as typed, with or without brackets; BadInput in one sentence if it is none."""
    bare = typed.strip().removeprefix("(").removesuffix(")").strip().removesuffix(",")
    parts = [part.strip() for part in bare.split(",")] if bare else []
    if not all(part.isascii() and part.isdigit() and 1 <= len(part) <= 3 for part in parts):
        raise BadInput(f"The shape of {name} must be whole numbers with commas, such as 4, 3, got {typed[:40]!r}.")
    shape = tuple(map(int, parts))
    if len(shape) > MOST_AXES or any(not 1 <= size <= MOST_SIZE for size in shape):
        raise BadInput(f"The shape of {name} must have at most {MOST_AXES} axes of 1 to {MOST_SIZE}, got {shape}.")
    return shape


def filled(shape: Shape, start: int) -> np.ndarray:
    """An array of that shape that counts up from ``start`` in tens or ones."""
    return start * (1 + np.arange(math.prod(shape))).reshape(shape)


def run(params: Broadcasting) -> Frames:
    """One frame: the aligned axes, both arrays stretched, and what comes of them."""
    shapes = read_shape(params.a, "A"), read_shape(params.b, "B")
    axes, result = align(*shapes), broadcast_shape(*shapes)
    told = [str(shape) for shape in shapes]
    figures: dict[str, Any] = {"Aligned axes": aligned(axes)}
    if result is not None and math.prod(result) <= MOST_CELLS:
        a, b = filled(shapes[0], 10), filled(shapes[1], 1)
        answer = a + b if params.operation == "add" else a * b
        for name, whole, own in (
            ("A, stretched", a, shapes[0]),
            ("B, stretched", b, shapes[1]),
            ("Result", answer, result),
        ):
            figures[name] = cells(np.broadcast_to(whole, result), own, result)
    failed = clash(*shapes)
    reason = ""
    if failed is not None:
        axis = axes[failed]
        reason = f"axis {failed} has {axis.a} and {axis.b}, and neither is 1"
    copies = [math.prod(result) // math.prod(shape) for shape in shapes] if result is not None else []
    yield Frame(
        figures=figures,
        says=(
            f"{told[0]} and {told[1]} broadcast to {result}; A is used {copies[0]} and B {copies[1]} times."
            if result is not None
            else f"{told[0]} and {told[1]} can't be broadcast: {reason}."
        ),
        metrics={
            "A": told[0],
            "B": told[1],
            "Result": str(result) if result is not None else "fails",
            "Copies of A / B": f"{copies[0]} / {copies[1]}" if copies else reason,
        },
        note=trap(shapes, result),
    )


def trap(shapes: tuple[Shape, Shape], result: Shape | None) -> str:
    """A warning where a rank-1 array meets a column: they make a table, not a sum of two vectors."""
    for one, other in (shapes, shapes[::-1]):
        if len(one) == 1 and len(other) == 2 and other[1] == 1 and one[0] > 1:
            return (
                f"The rank-1 trap: {one} is neither a row nor a column, is taken for a row, and with the column {other} "
                f"gives the table {result}, without an error. Write reshape({one[0]}, 1) and say which you mean."
            )
    return ""


def aligned(axes: list[Axis]) -> Any:
    """A table of cells: both shapes and the result, axis by axis, right ends lined up."""
    names = [f"axis {place - len(axes)}" for place in range(len(axes))] or ["no axis"]
    rows = {"A": [x.a for x in axes], "B": [x.b for x in axes], "result": [x.result for x in axes]}
    kinds, texts = [], []
    for name, sizes in rows.items():
        for place, size in enumerate(sizes):
            stretched = name != "result" and size in (None, 1) and axes[place].result not in (None, 1)
            kinds.append(3 if axes[place].result is None else 1 if stretched else 2 if name == "result" else 0)
            missing = "clash" if name == "result" else f"– → {axes[place].result}"
            texts.append(missing if size is None else f"1 → {axes[place].result}" if stretched else str(size))
    width = max(1, len(axes))
    z = np.array(kinds or [0, 0, 2]).reshape(3, width)
    grid: dict[str, Any] = {
        "type": "heatmap",
        "z": z,
        "x": names,
        "y": list(rows),
        "text": np.array(texts or ["1 number"] * 3).reshape(3, width),
    }
    scale = [
        [0, BLUE],
        [0.25, BLUE],
        [0.25, AMBER],
        [0.5, AMBER],
        [0.5, GREEN],
        [0.75, GREEN],
        [0.75, VERMILION],
        [1, VERMILION],
    ]
    grid |= {
        "texttemplate": "%{text}",
        "textfont": {"size": 18, "color": "white"},
        "colorscale": scale,
        "zmin": -0.5,
        "zmax": 3.5,
    }
    grid |= {"showscale": False, "xgap": 4, "ygap": 4, "hoverinfo": "skip", "name": "axes"}
    return figure([grid], yaxis={"autorange": "reversed"}, xaxis={"side": "top"}, height=230)


def cells(whole: np.ndarray, own: Shape, result: Shape) -> Any:
    """The last two axes of an array at the first place of the others; copies that broadcasting made are drawn paler."""
    padded = (1,) * (len(result) - len(own)) + own
    flat = whole.reshape((-1, *(1, 1, *result)[-2:]))[0][:DRAWN_SIDE, :DRAWN_SIDE]
    mine = np.zeros(flat.shape, bool)
    sides = (1, 1, *padded)[-2:]
    mine[: sides[0] if sides[0] > 1 else 1, : sides[1] if sides[1] > 1 else 1] = True
    shown: dict[str, Any] = {
        "type": "heatmap",
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
    }
    span = {"zmin": float(whole.min()), "zmax": float(whole.max()) + 1}
    number = {"texttemplate": "%{z}", "textfont": {"size": 14}}
    traces = [
        {**shown, **span, **number, "z": np.where(mine, flat, np.nan).astype(np.float32), "name": "own"},
        {
            **shown,
            **span,
            **number,
            "z": np.where(mine, np.nan, flat).astype(np.float32),
            "name": "copies",
            "opacity": 0.35,
        },
    ]
    rest = f", first of {math.prod(result[:-2])}" if math.prod(result[:-2]) > 1 else ""
    hidden = {"showticklabels": False, "ticks": "", "constrain": "domain", "showgrid": False, "zeroline": False}
    title = {"text": f"{tuple(own)} → {tuple(result)}{rest}", "font": {"color": GREY}}
    return figure(
        [traces[0], traces[1]], xaxis={**hidden, "title": title}, yaxis={**hidden, "autorange": "reversed"}, height=270
    )


LAB = Lab(
    slug="broadcasting",
    summary="Type two shapes, and see how their axes line up, what is copied, and what comes out or why nothing does.",
    params=Broadcasting,
    run=run,
    look_for=(
        "Shapes are lined up at their right ends; a missing axis counts as 1, and a 1 is stretched by copying, the paler "
        "cells. Two sizes that differ fail unless one is 1. The trap: (5,) and (5, 1) don't fail, they make a table of 25. "
        "What does a row of (1, 3) added to a column of (4, 1) give, and which of A, B is copied how often?"
    ),
    maths=(
        r"$$(n_1, n_2) + (m_1, m_2): \quad r_k = \max(n_k, m_k) \; \text{ if } n_k = m_k \text{ or } \min(n_k, m_k) = 1$$"
        "\n\n"
        r"In the course: $Z = W^T X + b$ with $b$ of shape $(1, 1)$ or $(n, 1)$ is stretched over all $m$ columns of $X$. "
        r"Shapes of fewer axes are filled with 1 on the left."
    ),
    code=(align, broadcast_shape, clash),
    presets={
        "Column and row": {"a": "4, 1", "b": "1, 3"},
        "Bias over examples": {"a": "4, 6", "b": "4, 1"},
        "Rank-1 trap": {"a": "5", "b": "5, 1"},
        "Fails": {"a": "4, 3", "b": "4"},
        "Three axes": {"a": "2, 1, 4", "b": "3, 1"},
    },
    rows=(("Aligned axes",), ("A, stretched", "B, stretched", "Result")),
)
