"""Sliding windows: a classifier asked about one crop after another, and the boxes that are left of its answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from engine.data.drawn import SHAPES
from engine.data.media import fit_within
from engine.data.pasted import scene
from engine.data.pixels import opened, to_levels, to_tensor
from engine.device import device
from engine.errors import BadInput
from engine.figures import maps
from engine.figures import scanned as figures
from engine.functional.boxes import batched_nms
from engine.functional.scanning import cut, window_boxes, window_count
from engine.lab import Event, Frame, Frames, Lab
from engine.models.answering import atlas
from engine.models.regions import by_crops
from engine.params import Params, PictureSource, choice, integer, number, picture
from engine.results.pictures import top
from engine.results.scanned import Scan
from engine.results.windows import left_out, opening, section
from engine.seeding import generator

LONGEST, MOST, GROWTH = 160, 1000, 1.5
RADII = (24.0, 32.0)
STEPS, BEST = 49, 5  # each step holds two pictures, and a walk travels as a whole


class SlidingWindows(Params):
    """What a person can move."""

    source: Literal["scene", "own"] = choice(
        "scene",
        label="Where to look",
        help="A drawn scene of shapes, or a picture of your own, at most 160 pixels along a side.",
        names={"scene": "Drawn scene", "own": "Your picture"},
    )
    picture: PictureSource = picture("shapes", label="Your picture", help="A sample, or your own picture.")
    size: int = integer(
        68, low=24, high=160, hint=(32, 96, 4), unit="px", label="Window", help="The side of the smallest window."
    )
    stride: int = integer(14, low=4, high=80, hint=(6, 48, 2), unit="px", label="Stride", help="From window to window.")
    score: float = number(
        0.7, low=0, high=1, hint=(0.0, 1.0, 0.02), label="Score threshold", help="Less sure answers are dropped."
    )
    crop: int = integer(
        32,
        low=1,
        high=MOST,
        hint=(1, 200, 1),
        label="Crop",
        help="Which crop to open at. Clicking the picture picks one too; beyond the last is the last.",
    )
    overlap: float = number(
        0.3,
        low=0,
        high=1,
        hint=(0.0, 1.0, 0.05),
        label="IoU threshold",
        help="Boxes of a class sharing more than this are the same.",
        more=True,
    )
    sizes: int = integer(
        1, low=1, high=3, label="Sizes of window", help="Each is half as large again as the one before.", more=True
    )
    shapes: int = integer(3, low=1, high=6, label="Shapes", help="How many shapes the scene holds.", more=True)


def looked_at(params: SlidingWindows) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """The picture (3, h, w) in [0, 1], and the boxes (k, 4) and names of the shapes that are known to be in it."""
    if params.source == "own":
        small = fit_within(opened(params.picture), LONGEST).pixels
        return to_tensor([small])[0], torch.zeros(0, 4), ()
    drawn, placed = scene(LONGEST, LONGEST, SHAPES, params.shapes, RADII, generator(params.seed, 1), "clouds")
    return drawn, torch.tensor([one.box for one in placed]), tuple(one.name for one in placed)


def window_sizes(params: SlidingWindows) -> list[int]:
    """The sides of the windows in pixels."""
    return [round(params.size * GROWTH**k) for k in range(params.sizes)]


def crops_of(params: SlidingWindows, height: int, width: int) -> Tensor:
    """Every window as a box (n, 4); BadInput if there is none, or more than a server can bear."""
    total = sum(counts_table(params, height, width)["crops"])
    if not total:
        raise BadInput(f"The window must fit into the picture of {width} x {height} pixels, got {params.size}.")
    if total > MOST:
        raise BadInput(f"The windows must be at most {MOST} crops, got {total}: take a longer stride.")
    return window_boxes(height, width, window_sizes(params), params.stride)


def counts_table(params: SlidingWindows, height: int, width: int) -> dict[str, list[Any]]:
    """How many crops there are of each size."""
    counts = [window_count(height, width, size, params.stride) for size in window_sizes(params)]
    return {
        "window": [f"{size} x {size}" for size in window_sizes(params)],
        "down": [down for down, _ in counts],
        "across": [across for _, across in counts],
        "crops": [math.prod(each) for each in counts],
    }


def scan(params: SlidingWindows) -> Scan:
    """Every crop through the whole bundled network."""
    seen, truth, names = looked_at(params)
    boxes = crops_of(params, *seen.shape[1:])
    network: Any = atlas().network
    answers = by_crops(network, seen.to(device()), boxes).softmax(1).cpu()
    return Scan(to_levels(seen), boxes, answers, truth, names)


def run(params: SlidingWindows) -> Frames:
    """One frame a crop."""
    result = scan(params)
    over, kept = result.over(params.score), result.kept(params.score, params.overlap)
    table, tags = counts_table(params, *result.pixels.shape[:2]), [tag(result, int(at)) for at in kept]
    left = figures.boxes(result.pixels, result.boxes[kept].numpy(), tags, result.truth.numpy())
    steps = section(len(over), params.crop - 1, STEPS)
    for at in steps:
        so_far = over[: at + 1]
        yield Frame(
            figures={**drawn(result, at, so_far), "After non-max suppression": left},
            says=(
                f"Crop {at + 1} of {len(over)} is answered with {tag(result, at)}; of the crops so far "
                f"{int(so_far.sum())} are a shape with at least {params.score:.0%}. Of all crops {int(over.sum())} are, "
                f"and non-max suppression leaves {len(kept)}."
            ),
            note=left_out(steps, len(over)),
            metrics={
                "Crops through the network": f"{at + 1} of {len(over)}",
                "Over the threshold": f"{int(so_far.sum())} of {int(over.sum())}",
                "After suppression": f"{len(kept)}",
                "Shapes found": f"{result.found(kept)} of {len(result.names)}" if result.names else "unknown",
            },
            progress=(at - steps.start + 1) / len(steps),
            tables={"Crops": table},
        )


def drawn(result: Scan, at: int, so_far: Tensor) -> dict[str, Any]:
    """One crop, its answer, and the crops so far (n,) that are over the threshold."""
    x0, y0, x1, y1 = result.boxes[at].int().tolist()
    found = result.boxes[: len(so_far)][so_far].numpy()
    return {
        "Crops over the threshold": figures.boxes(
            result.pixels, found, (), result.truth.numpy(), result.boxes[at].numpy()
        ),
        "This crop": figures.picture(result.pixels[y0:y1, x0:x1], [], height=260),
        "Its answer": maps.answer(top(result.probabilities[at], atlas().labels, BEST)),
    }


def tag(result: Scan, at: int) -> str:
    """A crop's likeliest class, and how likely it is."""
    sure, best = result.probabilities[at].max(0)
    return f"{atlas().labels[int(best)]} {float(sure):.0%}"


def respond(params: SlidingWindows, event: Event) -> Mapping[str, Any]:
    """A click on a picture picks the crop whose middle is nearest."""
    known = ("Crops over the threshold", "After non-max suppression")
    if event.figure not in known or not (abs(event.x) < 1e4 and abs(event.y) < 1e4):
        return {}
    try:
        boxes = crops_of(params, *looked_at(params)[0].shape[1:])
    except BadInput:
        return {}
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return {"crop": int((middles - torch.tensor([event.x, event.y])).norm(dim=1).argmin()) + 1}


def opens(params: SlidingWindows) -> int:
    """The frame of the chosen crop."""
    height, width = looked_at(params)[0].shape[1:]
    return opening(len(crops_of(params, height, width)), params.crop - 1, STEPS)


LAB = Lab(
    slug="sliding-windows",
    summary="Ask a classifier about one crop after another, then drop the unsure answers and the boxes that repeat another.",
    params=SlidingWindows,
    run=run,
    look_for=(
        "Every crop goes through the whole network, whatever it shares with the one before. The dotted boxes are the truth "
        "of the drawn scene; the network learned its shapes with a margin around them, so its surest window is often larger "
        "than the shape. Halve the stride: how many times more crops are there, and are the boxes that remain any closer?"
    ),
    maths=(
        r"$$\#\text{crops} = \sum_{f} \left(\left\lfloor \frac{h - f}{s} \right\rfloor + 1\right) "
        r"\left(\left\lfloor \frac{w - f}{s} \right\rfloor + 1\right)$$"
        "\n\n"
        r"A crop is a box when its likeliest class is a shape and $p_c \ge$ the score threshold; a material counts as "
        r"ground. Non-max suppression takes the surest box, drops the others of its class with $\text{IoU} >$ the IoU "
        r"threshold, and goes on with what is left."
    ),
    code=(window_boxes, window_count, cut, by_crops, batched_nms),
    presets={
        "Coarse": {"stride": 30, "crop": 5},
        "Fine": {"size": 64, "stride": 8, "crop": 85},
        "Two sizes": {"size": 48, "sizes": 2, "stride": 12, "crop": 130},
        "No suppression": {"overlap": 1.0, "score": 0.5, "stride": 18, "crop": 16},
        "Too small a window": {"size": 24, "stride": 16, "crop": 40},
        "Your picture": {"source": "own", "size": 48, "stride": 16, "sizes": 2, "crop": 20},
    },
    rows=(("Crops over the threshold", "After non-max suppression"), ("This crop", "Its answer")),
    listens=("click",),
    respond=respond,
    opens=opens,
)
