"""A small YOLO from its raw boxes to its answer, bundled or trained live on drawn scenes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import torch

from engine.data.scenes import CLASSES, Scenes, draw_scenes
from engine.figures import detected as figures
from engine.functional.boxes import batched_nms, decode_grid, encode_grid, filter_by_score, kmeans_anchors
from engine.lab import Frame, Frames, Lab
from engine.models import bundled
from engine.models.detecting import Raw, Scored, believed, detect, kept, scored
from engine.models.yolo import GRID, SIDE, Yolo, loss
from engine.params import Params, choice, integer, number
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.scenes import Moment, fit_detector

SHOWN, MEASURED, RAW_SHOWN = 12, 120, 60
RAW = f"Best {RAW_SHOWN} raw boxes"
EASY, WIDTHS = ("circle", "triangle", "star"), (8, 16, 32, 64)
BATCH, LIVE_ANCHORS = 12, 2


class YoloLab(Params):
    """What a person can move."""

    network: Literal["bundled", "live"] = choice(
        "bundled",
        label="Network",
        help="One trained before on nine classes, or a smaller one that learns three before your eyes.",
        names={"bundled": "Trained before", "live": "Learning now"},
    )
    which: int = integer(7, low=1, high=SHOWN, label="Scene", help="Which of twelve scenes that training never saw.")
    score: float = number(
        0.5, low=0.0, high=1.0, hint=(0.05, 0.95, 0.05), label="Score threshold", help="Boxes below it are dropped."
    )
    overlap: float = number(
        0.5, low=0.05, high=0.95, hint=(0.05, 0.95, 0.05), label="IoU threshold",
        help="A box that overlaps a better one of its class by more is suppressed.",
    )  # fmt: skip
    steps: int = integer(
        250, low=10, high=2000, hint=(50, 600, 10), label="Steps", help="Updates of the learning network.", more=True
    )
    rate: float = number(
        0.006, low=1e-4, high=0.1, log=True, label="Learning rate", help="Highest step of its training.", more=True
    )


@dataclass(frozen=True)
class Seen:
    """What :func:`view` draws from: twelve scenes, all that the network says of them, and its anchors."""

    scenes: Scenes
    raw: Raw
    anchors: torch.Tensor
    names: tuple[str, ...]


def drawn(params: YoloLab, m: int, stream: int) -> Scenes:
    """Scenes that training never sees, as hard as the network's own."""
    random = generator(params.seed, stream)
    return easy(m, random, held_out=True) if params.network == "live" else draw_scenes(m, random, held_out=True)


def easy(m: int, random: torch.Generator, held_out: bool = False) -> Scenes:
    """Scenes of one or two large shapes in three classes before a quiet ground."""
    return draw_scenes(
        m, random, most=2, classes=EASY, scale=(0.16, 0.3), overlap=0.1, clutter=0, texture=0.2, held_out=held_out
    )


@cache
def trained() -> Yolo:
    """The bundled network."""
    network = Yolo(len(CLASSES))
    network.load_state_dict(bundled.state("yolo"))
    return network.eval()


def untrained(params: YoloLab) -> Yolo:
    """A smaller network at its random start, its anchors fitted to easy scenes."""
    boxes, random = easy(200, generator(params.seed, 3)).boxes, generator(params.seed, 4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        return Yolo(len(EASY), kmeans_anchors(boxes[:, 2:] - boxes[:, :2], LIVE_ANCHORS, random), WIDTHS)


def run(params: YoloLab) -> Frames:
    """The bundled network's answers at once, then its score; or the frames of a training."""
    shown = drawn(params, SHOWN, 1)
    if params.network == "live":
        yield from learning(params, shown)
        return
    yield frame(trained(), shown, shown, (), params, 0.3)
    yield frame(trained(), shown, drawn(params, MEASURED, 2), (), params, 1.0)


def learning(params: YoloLab, shown: Scenes) -> Iterator[Frame]:
    """Frames of a training, scored on the shown scenes."""
    network, random = untrained(params), generator(params.seed, 5)
    moments = fit_detector(network, partial(easy, BATCH, random), rate=params.rate, steps=params.steps)
    for history in paced(recorded(moments), 0.4):
        yield frame(network, shown, shown, history, params, history[-1].step / params.steps)


def frame(
    network: Yolo, shown: Scenes, measured: Scenes, history: Sequence[Moment], params: YoloLab, progress: float
) -> Frame:
    """What a network makes of scenes, and how good that is; the boxes are drawn by :func:`view`."""
    names = EASY if params.network == "live" else CLASSES
    places = torch.tensor([names.index(name) if name in names else 0 for name in CLASSES])
    measured = replace(measured, classes=places[measured.classes])
    told = scored(believed(detect(network, measured.pictures)), measured, len(names))
    averages = np.array([each.average for each in told], np.float32)
    mean = float(np.nanmean(averages)) if np.isfinite(averages).any() else 0.0
    drawn_figures = quality(told, names, averages)
    if history:
        drawn_figures["Cost"] = figures.cost([m.step for m in history[1:]], [m.cost for m in history[1:]], params.steps)
    step = (
        {"Step": f"{history[-1].step} of {params.steps}"}
        if history
        else {"Scenes measured": f"{len(measured.pictures)}"}
    )
    return Frame(
        figures=drawn_figures,
        says=f"Over {len(measured.pictures)} scenes that it never saw, the mean average precision at IoU 0.5 is {mean:.1%}.",
        metrics={"mAP@0.5": f"{mean:.1%}", **step},
        progress=progress,
        state=Seen(
            replace(shown, classes=places[shown.classes]), detect(network, shown.pictures), network.anchors.cpu(), names
        ),
    )


def quality(told: Sequence[Scored], names: Sequence[str], averages: Any) -> dict[str, Any]:
    """Precision against recall, and the average precision of each class."""
    known = [i for i, each in enumerate(told) if np.isfinite(each.average)]
    curves = [told[i].precision.numpy() for i in known], [told[i].recall.numpy() for i in known]
    return {
        "Precision and recall": figures.curves(*curves, [names[i] for i in known]),
        "Average precision": figures.scores(names, averages),
    }


def view(params: YoloLab, frame: Frame) -> Frame:
    """One scene: all boxes, those above the score threshold, those that suppression leaves, and the target beside them."""
    seen: Seen = frame.state
    i, truths = params.which - 1, seen.scenes.of(params.which - 1)
    pixels = (seen.scenes.pictures[i].permute(1, 2, 0) * 255).round().byte().numpy()
    boxes = seen.scenes.boxes[truths]
    best = seen.raw.scores[i].argsort(descending=True)[:RAW_SHOWN]
    above = filter_by_score(seen.raw.boxes[i], seen.raw.scores[i], seen.raw.classes[i], params.score)
    left = kept(seen.raw, i, params.score, params.overlap)
    stages = {
        RAW: (
            seen.raw.boxes[i][best],
            seen.raw.classes[i][best],
            seen.raw.scores[i][best],
        ),
        "Above the score threshold": (above[0], above[2], above[1]),
        "After non-max suppression": (left.boxes, left.classes, left.scores),
    }
    drawn_stages = {
        title: figures.boxed(pixels, a.numpy(), b.numpy(), c.numpy(), seen.names, truths=boxes.numpy())
        for title, (a, b, c) in stages.items()
    }
    grid, _ = encode_grid(boxes, seen.scenes.classes[truths], (SIDE, SIDE), GRID, len(seen.names), seen.anchors)
    return replace(
        frame,
        figures={**drawn_stages, "Target, all anchors together": figures.target(grid.amax(2).numpy(), seen.names)},
        says=(
            f"{frame.says} Scene {params.which} holds {len(truths)} objects: of {len(seen.raw.scores[i])} boxes "
            f"{len(above[0])} score above {params.score:g}, and {len(left.boxes)} are left after suppression."
        ),
        metrics={**frame.metrics, "Boxes left": f"{len(left.boxes)} for {len(truths)} objects"},
    )


LAB = Lab(
    slug="yolo",
    summary="Follow a detector from hundreds of raw boxes to its answer, or watch one learn.",
    params=YoloLab,
    run=run,
    look_for=(
        "Every slot of the grid draws a box, whether anything is there or not: the score tells which to believe, and what the "
        "score leaves doubled, suppression thins out. Objects that hide each other are the hard ones: a strict IoU threshold "
        "swallows the second of two neighbours, a lax one counts one object twice. At which score does precision begin to "
        "cost recall?"
    ),
    maths=(
        r"$$b_x = \sigma(t_x) + c_x, \quad b_y = \sigma(t_y) + c_y, \quad b_w = a_w e^{t_w}, \quad b_h = a_h e^{t_h}, \quad "
        r"\text{score} = \sigma(t_c) \max_k p_k$$"
        "\n\n"
        r"$$J = \frac{1}{n} \Big[ \sum_{\text{slots}} w\, \text{BCE}(t_c, p_c) + 5 \sum_{p_c = 1} "
        r"\big( (b_x - \hat b_x)^2 + (b_y - \hat b_y)^2 + (t_w - \hat t_w)^2 + (t_h - \hat t_h)^2 \big) "
        r"- \sum_{p_c = 1} \log p_k \Big]$$"
        "\n\n"
        r"$c$ is the slot's cell, $a$ its anchor; $w$ is 1 where an object is and $\frac12$ where none is."
    ),
    code=(Yolo, loss, decode_grid, filter_by_score, batched_nms),
    presets={
        "Every box believed": {"score": 0.05},
        "No suppression": {"overlap": 0.95, "score": 0.3},
        "Strict suppression": {"overlap": 0.1},
        "Watch it learn": {"network": "live", "score": 0.3, "steps": 100},
    },
    trains=True,
    rows=(
        (RAW, "Above the score threshold"),
        ("After non-max suppression", "Target, all anchors together"),
        ("Cost",),
        ("Precision and recall", "Average precision"),
    ),
    views=("which", "score", "overlap"),
    view=view,
)
