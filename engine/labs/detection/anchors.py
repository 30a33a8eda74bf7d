"""Anchor boxes: k-means on box shapes step by step, and the objects that find a slot in a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.errors import BadInput
from engine.figures import anchors as figures
from engine.functional.boxes import Grouping, kmeans_anchors, kmeans_steps, shape_iou, slots
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer, text
from engine.results.detection import Assigned, Clustering
from engine.seeding import generator

SIDE, PICTURES, MOST_STEPS, STARTS = 100.0, 40, 60, 5
# Kinds of objects: mean width, mean height, and how much the logarithm of each varies.
KINDS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "street": ((34, 18, 0.3), (9, 26, 0.25), (7, 8, 0.3)),
    "sizes": ((12, 12, 0.15), (40, 40, 0.15)),
    "ratios": ((36, 12, 0.15), (12, 36, 0.15)),
    "mixed": ((20, 20, 0.7),),
}


class Anchors(Params):
    """What a person can move."""

    shapes: Literal["street", "sizes", "ratios", "mixed", "own"] = choice(
        "street",
        label="Objects",
        help="What lies in the pictures, or your own widths and heights.",
        names={
            "street": "Cars, people, signs",
            "sizes": "Small and large",
            "ratios": "Wide and tall",
            "mixed": "All shapes",
            "own": "Your own",
        },
    )
    k: int = integer(3, low=1, high=9, label="Anchors k", help="How many box shapes there are.")
    distance: Literal["iou", "euclidean"] = choice(
        "iou",
        label="Distance",
        help="What k-means takes for near: a high IoU, or few pixels between widths and heights.",
        names={"iou": "1 − IoU", "euclidean": "Euclidean"},
    )
    grid: int = integer(5, low=1, high=19, label="Grid S", help="Cells along each side of a picture.")
    objects: int = integer(6, low=1, high=20, label="Objects a picture", help="In each of 40 pictures.")
    step: int = integer(60, low=1, high=MOST_STEPS, label="Step", help="Which to open at; beyond the last is the last.")
    picture: int = integer(1, low=1, high=PICTURES, label="Picture", help="Which picture is drawn.", more=True)
    own: str = text(
        "30 12, 34 16, 28 14, 10 30, 8 26, 12 34, 20 20",
        longest=600,
        label="Your own shapes",
        help="Widths and heights up to 100, separated by commas; used when the objects are your own.",
        more=True,
    )


def own_sizes(typed: str) -> Tensor:
    """Typed widths and heights (n, 2); BadInput if they aren't two numbers each, from 1 to 100."""
    try:
        rows = [[float(word) for word in part.split()] for part in typed.split(",") if part.strip()]
        if not rows or any(len(row) != 2 or not all(1 <= x <= SIDE for x in row) for row in rows):
            raise ValueError
    except ValueError:
        raise BadInput(f"Your own shapes must be pairs of numbers from 1 to 100, got {typed[:40]!r}.") from None
    return torch.tensor(rows, dtype=torch.float64)


def drawn(params: Anchors) -> Tensor:
    """The objects of all pictures (40, m, 4): a shape of any kind, anywhere that it fits."""
    numbers = generator(params.seed)
    count = PICTURES * params.objects
    if params.shapes == "own":
        own = own_sizes(params.own)
        sizes = own[torch.randint(len(own), (count,), generator=numbers)]
    else:
        kinds = torch.tensor(KINDS[params.shapes], dtype=torch.float64)
        kind = kinds[torch.randint(len(kinds), (count,), generator=numbers)]
        spread = torch.randn(count, 2, generator=numbers, dtype=torch.float64)
        sizes = (kind[:, :2] * (kind[:, 2:] * spread).exp()).clamp(3, 0.9 * SIDE)
    corner = (SIDE - sizes) * torch.rand(count, 2, generator=numbers, dtype=torch.float64)
    return torch.cat([corner, corner + sizes], dim=1).view(PICTURES, params.objects, 4)


def sizes_of(boxes: Tensor) -> Tensor:
    """Widths and heights (n, 2) of all boxes (..., 4), rounded so that equal shapes stay equal wherever they lie."""
    return (boxes[..., 2:] - boxes[..., :2]).reshape(-1, 2).round(decimals=9)


def steps_of(params: Anchors, sizes: Tensor) -> list[Grouping]:
    """All steps of k-means for the parameters."""
    return list(kmeans_steps(sizes, params.k, generator(params.seed, 1), params.distance, MOST_STEPS))


def assign(pictures: Tensor, anchors: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """The slot (m, n, 3) of every object of the pictures (m, n, 4), and which (m, n) find it taken by one before them."""
    m, n = pictures.shape[:2]
    at = slots(pictures.reshape(-1, 4), (SIDE, SIDE), grid, anchors).view(m, n, 3)
    same = (at[:, :, None] == at[:, None]).all(-1)  # (m, n, n)
    return at, same.tril(diagonal=-1).any(-1)


def run(params: Anchors) -> Frames:
    """One frame a step of k-means."""
    pictures = drawn(params)
    sizes = sizes_of(pictures)
    steps = steps_of(params, sizes)
    *_, other = kmeans_steps(sizes, params.k, generator(params.seed, 1), "euclidean", MOST_STEPS)
    best = float(shape_iou(sizes, kmeans_anchors(sizes, params.k, generator(params.seed, 2), STARTS)).amax(1).mean())
    alone = int(assign(pictures, sizes[:1], params.grid)[1].sum())
    path, curve = torch.stack([step.anchors for step in steps]).numpy(), np.array([step.mean_iou for step in steps])
    for t, step in enumerate(steps, start=1):
        at, lost = assign(pictures, step.anchors, params.grid)
        i, collided = params.picture - 1, int(lost.sum())
        clusters = Clustering(sizes.numpy(), step.anchors.numpy(), path, step.nearest.numpy(), curve, other.mean_iou, t)
        placed = Assigned(pictures[i].numpy(), at[i].numpy(), lost[i].numpy(), params.grid, SIDE)
        yield Frame(
            figures={
                "Shapes": figures.shapes(clusters),
                "Anchors": figures.centres(clusters),
                "Mean best IoU": figures.progress(clusters),
                "One picture": figures.assigned(placed),
            },
            says=(
                f"Step {t} of {len(steps)}: the {len(sizes)} shapes have a mean IoU of {step.mean_iou:.3f} with their best of "
                f"{params.k} anchor{'s' * (params.k > 1)}; {collided} objects find their slot taken, with "
                f"a single anchor {alone}."
            ),
            note=f"Picture {params.picture} loses {int(lost[i].sum())} of its {params.objects} objects.",
            metrics={
                "Mean best IoU": f"{step.mean_iou:.3f}",
                f"Best of {STARTS} starts": f"{best:.3f}",
                "Collisions": f"{collided} of {len(sizes)}",
                "With one anchor": f"{alone}",
            },
            progress=t / len(steps),
        )


def respond(params: Anchors, event: Event) -> Mapping[str, Any]:
    """A click on the curve opens at that step."""
    if event.figure != "Mean best IoU" or not 0.5 <= event.x <= MOST_STEPS + 0.5:
        return {}
    return {"step": min(max(round(event.x), 1), MOST_STEPS)}


LAB = Lab(
    slug="anchors",
    summary="Find the box shapes that fit a set of objects best, and see which objects still fight for a slot.",
    params=Anchors,
    run=run,
    look_for=(
        "With 1 − IoU as the distance a small box counts as much as a large one; in pixels the large ones pull all anchors to "
        "them. An object goes to the cell of its middle and, there, to the anchor it overlaps best, so two objects in a cell "
        "are safe only if their shapes differ. Does a finer grid or one more anchor save more of the lost objects?"
    ),
    maths=(
        r"$$d(\text{box}, \text{anchor}) = 1 - \text{IoU}(\text{box}, \text{anchor}), \qquad "
        r"\text{mean best IoU} = \frac{1}{n} \sum_i \max_j \text{IoU}(\text{box}_i, \text{anchor}_j)$$"
        "\n\n"
        r"Only shapes are compared: both lie on the same corner. Each anchor moves to the mean width and height of its boxes. "
        r"A picture has $S \times S \times k$ slots, and a slot holds one object."
    ),
    code=(kmeans_steps, kmeans_anchors, shape_iou, slots, assign),
    presets={
        "One anchor": {"k": 1},
        "In pixels": {"distance": "euclidean", "k": 5, "shapes": "mixed"},
        "All shapes": {"shapes": "mixed", "k": 5},
        "Tall and wide on a coarse grid": {"shapes": "ratios", "k": 2, "grid": 3},
        "Crowded": {"objects": 16},
        "Fine grid": {"objects": 16, "grid": 13},
    },
    rows=(("Shapes", "Mean best IoU"), ("Anchors", "One picture")),
    listens=("click",),
    respond=respond,
    opens=lambda params: min(params.step, len(steps_of(params, sizes_of(drawn(params))))) - 1,
)
