"""Intersection over union of two boxes that a person moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.figures import boxes as figures
from engine.functional.boxes import area, intersection, iou, paired_iou
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.params import Params, Span, number, span
from engine.results.boxes import BoxPair, Slide

SIDE = 100


def edges_of(default: tuple[float, float], label: str, help: str) -> Any:
    """Two opposite edges of a box, moved as one slider."""
    return span(default, low=0, high=SIDE, step=1, unit="px", label=label, help=help)


class Boxes(Params):
    """What a person can move."""

    a_across: Span = edges_of((15.0, 65.0), "A, left to right", "Left and right edge of box A.")
    a_down: Span = edges_of((20.0, 70.0), "A, top to bottom", "Top and bottom edge of box A.")
    b_across: Span = edges_of((30.0, 85.0), "B, left to right", "Left and right edge of box B.")
    b_down: Span = edges_of((30.0, 80.0), "B, top to bottom", "Top and bottom edge of box B.")
    threshold: float = number(
        0.5, low=0.0, high=1.0, hint=(0.0, 1.0, 0.05), label="Threshold", help="The lowest IoU that counts as correct."
    )


def box(across: tuple[float, float], down: tuple[float, float]) -> Tensor:
    """A box (1, 4) from its left and right, and its top and bottom edge."""
    return torch.tensor([[across[0], down[0], across[1], down[1]]], dtype=torch.float64)


def slide(a: Tensor, b: Tensor) -> Slide:
    """IoU with ``a`` while ``b`` slides in over the left border and out over the right one, pixel by pixel."""
    width = b[0, 2] - b[0, 0]
    left = torch.arange(-float(width), SIDE + 1, dtype=b.dtype)
    slid = b.repeat(len(left), 1)
    slid[:, 0], slid[:, 2] = left, left + width
    return Slide(left.numpy(), iou(a, slid)[0].numpy(), float(b[0, 0]), float(iou(a, b)))


def run(params: Boxes) -> Frames:
    """One frame: the boxes, their areas, and the IoU along a slide."""
    a, b = box(params.a_across, params.a_down), box(params.b_across, params.b_down)
    shared = intersection(a, b)[0, 0]
    inside = float(area(shared))
    union = float(area(a) + area(b)) - inside
    value = float(iou(a, b))
    word = "correct" if value >= params.threshold else "not correct"
    pair = BoxPair(a[0].numpy(), b[0].numpy(), shared.numpy(), inside, union)
    yield Frame(
        figures={
            "Boxes": figures.pair(pair, SIDE),
            "B slides across": figures.slide(slide(a, b), params.threshold),
        },
        says=f"The boxes share {inside:g} of the {union:g} px² they cover together: IoU {value:.3f}, {word}.",
        metrics={"IoU": f"{value:.3f}", "Intersection": f"{inside:g} px²", "Union": f"{union:g} px²", "Verdict": word},
    )


def union_without_overlap(params: Boxes) -> Mistake:
    """The union as the plain sum of both areas, beside the right one."""
    a, b = box(params.a_across, params.a_down), box(params.b_across, params.b_down)
    shared, one, other = (float(area(x)) for x in (intersection(a, b), a, b))
    return Mistake(
        wrong=f"{shared:g} / ({one:g} + {other:g}) = {shared / (one + other):.3f}",
        right=f"{shared:g} / ({one:g} + {other:g} − {shared:g}) = {float(iou(a, b)):.3f}",
    )


def edges(low: float, high: float, now: tuple[float, float]) -> tuple[float, float]:
    """A dragged pair of edges as whole pixels in the picture; a box moved past the border keeps its size."""
    low, high = sorted((low, high))
    size = now[1] - now[0]
    if abs(high - low - size) < 0.5:
        low = min(max(round(low), 0), SIDE - size)
        return low, low + size
    low = min(max(round(low), 0), SIDE - 1)
    return low, min(max(round(high), low + 1), SIDE)


def centre(params: Boxes, name: str) -> tuple[float, float]:
    """The middle of a box."""
    (x0, x1), (y0, y1) = getattr(params, f"{name}_across"), getattr(params, f"{name}_down")
    return (x0 + x1) / 2, (y0 + y1) / 2


def respond(params: Boxes, event: Event) -> Mapping[str, Any]:
    """A dragged box moves the parameters of its edges; a drawn one becomes the box whose middle is nearer."""
    if not all(map(math.isfinite, event.box)):
        return {}
    x0, y0, x1, y1 = event.box
    middle = (x0 + x1) / 2, (y0 + y1) / 2
    name = (
        event.name
        if event.kind == "drag"
        else min(("a", "b"), key=lambda name: math.dist(centre(params, name), middle))
    )
    if name not in ("a", "b"):
        return {}
    across, down = f"{name}_across", f"{name}_down"
    return {across: edges(x0, x1, getattr(params, across)), down: edges(y0, y1, getattr(params, down))}


LAB = Lab(
    slug="iou",
    summary="Drag two boxes and see how much of what they cover together they share.",
    params=Boxes,
    run=run,
    look_for=(
        "IoU is 1 only for identical boxes and 0 as soon as they come apart, however near they stay. It falls quickly: two "
        "equal squares that share half their width reach only a third, and a small box inside a big one scores its share of "
        "the area. How far can one of two identical boxes move before it no longer counts as correct at 0.5?"
    ),
    maths=(
        r"$$\text{IoU}(A, B) = \frac{|A \cap B|}{|A \cup B|}, \qquad |A \cup B| = |A| + |B| - |A \cap B|$$"
        "\n\n"
        r"$$|A \cap B| = \max(0, \min(x_2^A, x_2^B) - \max(x_1^A, x_1^B)) \cdot "
        r"\max(0, \min(y_2^A, y_2^B) - \max(y_1^A, y_1^B))$$"
        "\n\n"
        r"A detection counts as correct when its $\text{IoU}$ with the labelled box reaches a threshold, by convention $0.5$."
    ),
    code=(iou, paired_iou, intersection, area),
    presets={
        "Identical": {"b_across": (15.0, 65.0), "b_down": (20.0, 70.0)},
        "Half overlap": {"b_across": (40.0, 90.0), "b_down": (20.0, 70.0)},
        "Inside": {"b_across": (25.0, 55.0), "b_down": (30.0, 60.0)},
        "Touching": {"b_across": (65.0, 100.0), "b_down": (20.0, 70.0)},
        "Apart": {"b_across": (75.0, 95.0), "b_down": (75.0, 95.0)},
        "One seventh": {
            "a_across": (40.0, 80.0),
            "a_down": (20.0, 60.0),
            "b_across": (20.0, 60.0),
            "b_down": (40.0, 80.0),
        },
    },
    mistakes={"iou-union": union_without_overlap},
    rows=(("Boxes", "B slides across"),),
    listens=("drag", "draw"),
    respond=respond,
)
