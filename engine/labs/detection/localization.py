"""Classification with localization: one vector for whether, where and what, and a loss that looks only where it should."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.figures import localization as figures
from engine.figures import maps
from engine.figures.pictures import tile_at
from engine.functional.boxes import iou
from engine.functional.losses import localization_loss
from engine.lab import Event, Frame, Frames, Lab
from engine.models.localizer import CLASSES, NUMBERS, SIDE, changed, corners, initialize, scenes
from engine.params import Params, integer, number, toggle
from engine.results import pictures as results
from engine.results.localization import Located, Terms
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.drawn import Look, fit_drawn

SHOWN, ACROSS, HELD, POOL = 12, 4, 128, 1600
RIGHT = 0.5


class Localization(Params):
    """What a person can move."""

    which: int = integer(1, low=1, high=SHOWN, label="Scene", help="Whose numbers are shown; clicking a scene sets it.")
    masked: bool = toggle(
        True, label="Masked loss", help="Off, the box and class of an empty scene count as targets of 0."
    )
    steps: int = integer(300, low=1, high=4000, hint=(50, 1500, 50), label="Steps", help="Updates of the network.")
    rate: float = number(0.004, low=1e-5, high=1.0, log=True, label="Learning rate", help="Highest step of Adam.")
    threshold: float = number(
        0.5, low=0.0, high=1.0, hint=(0.0, 1.0, 0.05), label="Threshold on pc", help="From where a box is drawn."
    )
    batch: int = integer(32, low=4, high=128, log=True, label="Mini-batch", help="Scenes an update.", more=True)


@dataclass(frozen=True)
class Kept:
    """What the view draws from: held-out pictures (m, 3, 48, 48), their targets and the predictions (m, 8)."""

    x: Tensor
    y: Tensor
    found: Tensor


def loss(prediction: Tensor, target: Tensor, masked: bool) -> Tensor:
    """The course's loss; without the mask, the squared error of all numbers of every scene."""
    return localization_loss(prediction, target) if masked else (prediction - target).square().sum(-1).mean()


def batches(params: Localization) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end from a pool of scenes that is drawn when the first is asked for, each changed anew."""
    x, y = scenes(POOL, generator(params.seed, 1))
    order = generator(params.seed, 2)
    while True:
        chosen = torch.randint(0, POOL, (params.batch,), generator=order)
        yield changed(x[chosen], y[chosen], order)


def held_out(seed: int) -> tuple[Tensor, Tensor]:
    """Held-out scenes and targets, the first of them two thirds with an object and one third without."""
    x, y = scenes(HELD, generator(seed, 0))
    there = y[:, 0] == 1
    rank = torch.where(there, there.cumsum(0) / 2, (~there).cumsum(0).float())
    order = rank.argsort(stable=True)
    return x[order], y[order]


def right(found: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Which scenes (m,) are answered right, whether there is an object, its class, and an IoU of 0.5; the IoUs of objects."""
    there = y[:, 0] == 1
    overlap = iou(corners(found), corners(y)).diagonal()
    answer = (found[:, 5:].argmax(1) == y[:, 5:].argmax(1)) & (overlap >= RIGHT)
    return ((found[:, 0] >= 0.5) == there) & (answer | ~there), overlap[there]


def run(params: Localization) -> Frames:
    """The untrained network at once, then its boxes as they move."""
    network = initialize(params.seed).to(memory_format=torch.channels_last)
    x, y = held_out(params.seed)
    drawn = batches(params)
    looks = fit_drawn(
        network,
        lambda: next(drawn),
        lambda found, y: loss(found, y, params.masked),
        lambda: network(x),
        rate=params.rate,
        steps=params.steps,
    )
    for history in paced(recorded(looks)):
        yield frame(params, history, x, y)


def frame(params: Localization, history: Sequence[Look[Tensor]], x: Tensor, y: Tensor) -> Frame:
    """What is known by the latest look, but for what the view draws."""
    now = history[-1]
    answered, overlap = right(now.seen, y)
    share = float(answered.float().mean())
    curve = [(each.step, each.cost, float(right(each.seen, y)[0].float().mean())) for each in history]
    return Frame(
        figures={"Training": maps.progress(results.progress(curve, params.steps), x="step")},
        says=f"After {now.step} steps {share:.0%} of {HELD} held-out scenes are answered right.",
        metrics={
            "Answered right": f"{share:.0%}",
            "Mean IoU": f"{float(overlap.mean()):.2f}",
            "Step": f"{now.step} of {params.steps}",
        },
        progress=1.0 if now.blown else now.step / params.steps,
        diverged="The rate is so high that the weights left the numbers a computer holds." if now.blown else "",
        remedy={"rate": 0.004} if now.blown else {},
        state=Kept(x[:SHOWN], y[:SHOWN], now.seen[:SHOWN]),
    )


def terms(found: Tensor, y: Tensor, masked: bool) -> Terms:
    """One scene's loss (1, 8) taken apart, its slopes by automatic differentiation."""
    prediction = found.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(loss(prediction, y, masked), prediction)
    counted = (
        torch.ones(len(NUMBERS), dtype=torch.bool) if not masked or y[0, 0] == 1 else torch.arange(len(NUMBERS)) < 1
    )
    squares = torch.where(counted, (found - y)[0].square(), 0.0)
    return Terms(NUMBERS, *(t.numpy(force=True) for t in (y[0], found[0], squares, slopes[0], counted)))


def view(params: Localization, frame: Frame) -> Frame:
    """The scenes with both boxes, and the numbers of the chosen one."""
    kept: Kept = frame.state
    pixels = (kept.x.movedim(1, -1) * 255).byte()
    shown = (pixels, kept.y, kept.found, corners(kept.y, SIDE), corners(kept.found, SIDE))
    k = params.which - 1
    apart = terms(kept.found[k : k + 1], kept.y[k : k + 1], params.masked)
    what = f"a {CLASSES[int(kept.y[k, 5:].argmax())]}" if kept.y[k, 0] == 1 else "no object"
    off = int((~apart.counted).sum())
    return replace(
        frame,
        figures={
            "Scenes": figures.located(
                Located(*(t.numpy(force=True) for t in shown)), CLASSES, params.threshold, ACROSS, k
            ),
            "Target, prediction, loss": figures.terms(apart),
        },
        says=f"{frame.says} Scene {params.which} has {what}: loss {apart.terms.sum():.3f}, {off} of 8 terms off.",
        metrics={**frame.metrics, "Its loss": f"{apart.terms.sum():.3f}"},
    )


def respond(params: Localization, event: Event) -> Mapping[str, Any]:
    """A click on a scene shows its numbers."""
    if event.figure != "Scenes" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    k = tile_at(event.x * 1.06 / (1 + figures.GAP), event.y, SHOWN, ACROSS)
    return {} if k is None else {"which": k + 1}


LAB = Lab(
    slug="localization",
    summary="Train a small network to say whether there is an object, where its box lies, and what it is.",
    params=Localization,
    run=run,
    look_for=(
        "The found boxes start in the middle of every scene and move onto the objects while the network learns. Choose an "
        "empty scene: its target is 0 and seven question marks, whose terms are off, and their slopes are exactly 0, so "
        "nothing is learned from a box that isn't there. Switch the mask off: what do the boxes of empty scenes shrink to?"
    ),
    maths=(
        r"$$y = [\,p_c,\ b_x,\ b_y,\ b_h,\ b_w,\ c_1,\ c_2,\ c_3\,]^T, \qquad y = [\,0,\ ?,\ ?,\ ?,\ ?,\ ?,\ ?,\ ?\,]^T "
        r"\text{ without an object}$$"
        "\n\n"
        r"$$\mathcal{L}(\hat y, y) = \begin{cases} \sum_{j=1}^{8} (\hat y_j - y_j)^2 & y_1 = 1 \\ (\hat y_1 - y_1)^2 & "
        r"y_1 = 0 \end{cases}$$"
        "\n\n"
        r"$(b_x, b_y)$ is the middle of the box and $b_h, b_w$ are its sides, as shares of the picture: $(0, 0)$ is the upper "
        r"left and $(1, 1)$ the lower right. In practice $p_c$ gets a logistic loss and the classes a softmax."
    ),
    code=(localization_loss, loss, fit_drawn),
    presets={
        "Without the mask": {"masked": False},
        "A quick look": {"steps": 100},
        "Every box drawn": {"threshold": 0.0},
        "Too fast": {"rate": 0.5, "steps": 100},
    },
    trains=True,
    rows=(("Scenes", "Target, prediction, loss"), ("Training",)),
    listens=("click",),
    respond=respond,
    views=("which", "threshold"),
    view=view,
)
