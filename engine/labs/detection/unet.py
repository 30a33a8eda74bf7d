"""A U-Net names every pixel of drawn scenes, with its skip connections and without."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from engine.figures import segmentation as figures
from engine.figures.pictures import tile_at, tiles
from engine.functional.segmentation import class_ious, mean_iou, overlaps, pixel_loss
from engine.lab import Event, Frame, Frames, Lab
from engine.models.unet import CLASSES, SIMPLE, UNet, bundled, initialize, mirrored, scenes, simple_scenes
from engine.params import Params, choice, integer, number, toggle
from engine.results import pictures as results
from engine.results.segmentation import ClassScores, Segmented
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.drawn import Look, fit_drawn

SHOWN, ACROSS, HELD, READ, POOL = 8, 4, 96, 12, 400
WITH, WITHOUT = "with skips", "without skips"


class Segmentation(Params):
    """What a person can move."""

    network: Literal["bundled", "live"] = choice(
        "bundled",
        label="Network",
        help="Trained before on six classes, or trained before your eyes to tell objects from the ground.",
        names={"bundled": "Bundled", "live": "Trained live"},
    )
    skips: bool = toggle(
        True, label="Skip connections", help="Whether maps from the way down join those on the way up."
    )
    which: int = integer(1, low=1, high=SHOWN, label="Scene", help="The scene shown large; clicking one sets it.")
    steps: int = integer(
        150, low=1, high=3000, hint=(20, 600, 10), label="Steps", help="Updates of the network that is trained live."
    )
    rate: float = number(
        0.005, low=1e-5, high=1.0, log=True, label="Learning rate", help="Highest step of Adam, live only."
    )
    batch: int = integer(12, low=2, high=32, log=True, label="Mini-batch", help="Scenes an update, live.", more=True)


@dataclass(frozen=True)
class Kept:
    """What the view draws from: scenes (m, 3, s, s), their labels and those that each network found, (m, s, s)."""

    x: Tensor
    y: Tensor
    found: Mapping[str, Tensor]
    labels: tuple[str, ...]


def run(params: Segmentation) -> Frames:
    """Held-out scenes as the bundled networks read them, or a training."""
    return live(params) if params.network == "live" else reading(params)


def reading(params: Segmentation) -> Frames:
    """Both bundled networks over held-out scenes, some at a time, counted as they come."""
    networks = {WITH: bundled(True), WITHOUT: bundled(False)}
    drawn, labels = generator(params.seed, 3), ("ground", *CLASSES)
    counts = dict.fromkeys(networks, (torch.zeros(len(labels)), torch.zeros(len(labels))))
    kept: Kept | None = None
    for seen in range(READ, HELD + 1, READ):
        x, y = scenes(READ, drawn, held_out=True)
        with torch.inference_mode():
            found = {name: network(x).argmax(1).clone() for name, network in networks.items()}
        for name, (shared, either) in counts.items():
            more = overlaps(found[name], y, len(labels))
            counts[name] = shared + more[0], either + more[1]
        kept = kept or Kept(x[:SHOWN], y[:SHOWN], {name: each[:SHOWN] for name, each in found.items()}, labels)
        ious = {name: class_ious(*pair) for name, pair in counts.items()}
        means = {name: float(each.nanmean()) for name, each in ious.items()}
        result = ClassScores(labels, {name: each.numpy() for name, each in ious.items()})
        yield Frame(
            figures={"IoU of each class": figures.scores(result)},
            says=f"On {seen} held-out scenes the mean IoU is {means[WITH]:.3f} with skips and {means[WITHOUT]:.3f} without.",
            metrics={
                "Mean IoU with skips": f"{means[WITH]:.3f}",
                "Without": f"{means[WITHOUT]:.3f}",
                "Scenes": f"{seen}",
            },
            progress=seen / HELD,
            state=kept,
        )


def batches(params: Segmentation) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end from a pool of scenes that is drawn when the first is asked for, some of each mirrored."""
    x, y = simple_scenes(POOL, generator(params.seed, 1))
    order = generator(params.seed, 2)
    while True:
        chosen = torch.randint(0, POOL, (params.batch,), generator=order)
        yield mirrored(x[chosen], y[chosen], order)


def live(params: Segmentation) -> Frames:
    """A smaller network from its random start on, which tells objects from the ground."""
    network = initialize(params.seed, 2, params.skips, SIMPLE).to(memory_format=torch.channels_last)
    x, y = simple_scenes(3 * SHOWN, generator(params.seed, 0))
    drawn = batches(params)
    looks = fit_drawn(
        network, lambda: next(drawn), pixel_loss, lambda: network(x).argmax(1), rate=params.rate, steps=params.steps
    )
    for history in paced(recorded(looks)):
        yield learned(params, history, x, y)


def learned(params: Segmentation, history: Sequence[Look[Tensor]], x: Tensor, y: Tensor) -> Frame:
    """What the network that is trained live finds by the latest look."""
    now, labels = history[-1], ("ground", "object")
    curve = [(each.step, each.cost, float(mean_iou(each.seen, y, 2))) for each in history]
    ious = class_ious(*overlaps(now.seen, y, 2)).numpy()
    name = WITH if params.skips else WITHOUT
    return Frame(
        figures={
            "IoU of each class": figures.scores(ClassScores(labels, {name: ious})),
            "Training": figures.progress(results.progress(curve, params.steps)),
        },
        says=f"After {now.step} steps {name} the mean IoU on {len(y)} held-out scenes is {curve[-1][2]:.3f}.",
        metrics={"Mean IoU": f"{curve[-1][2]:.3f}", "Step": f"{now.step} of {params.steps}"},
        progress=1.0 if now.blown else now.step / params.steps,
        diverged="The rate is so high that the weights left the numbers a computer holds." if now.blown else "",
        remedy={"rate": 0.005} if now.blown else {},
        state=Kept(x[:SHOWN], y[:SHOWN], {name: now.seen[:SHOWN]}, labels),
    )


def view(params: Segmentation, frame: Frame) -> Frame:
    """The scenes with what was found, and the chosen one large."""
    kept: Kept = frame.state
    pixels = (kept.x.movedim(1, -1) * 255).byte()
    shown = Segmented(pixels.numpy(), kept.y.numpy(), {name: found.numpy() for name, found in kept.found.items()})
    name = WITH if params.skips else WITHOUT
    found, k = kept.found[name], params.which - 1
    each = [float(mean_iou(found[i], kept.y[i], len(kept.labels))) for i in range(SHOWN)]
    over = [figures.overlaid(*pair) for pair in zip(shown.pictures, shown.found[name], strict=True)]
    wrong = float((found[k] != kept.y[k]).float().mean())
    captions = [f"IoU {score:.2f}" for score in each]
    return replace(
        frame,
        figures={
            "Scene": figures.scene(shown, k, kept.labels),
            "Held-out scenes": tiles(over, captions, ACROSS, chosen=k, height=230),
        },
        says=f"{frame.says} In scene {params.which} {wrong:.1%} of the pixels are wrong {name}.",
        metrics={**frame.metrics, "Wrong pixels": f"{wrong:.1%}"},
    )


def respond(params: Segmentation, event: Event) -> Mapping[str, Any]:
    """A click on a scene shows it large."""
    if event.figure != "Held-out scenes" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    k = tile_at(event.x, event.y, SHOWN, ACROSS)
    return {} if k is None else {"which": k + 1}


LAB = Lab(
    slug="unet",
    summary="Name every pixel of a scene with a U-Net, and take its skip connections away.",
    params=Segmentation,
    run=run,
    look_for=(
        "Both networks find the objects; the one without skips rounds their corners and swallows thin parts, because it draws "
        "every outline from a map of 8 x 8. The skips bring the fine maps of the way down, where outlines still are, to the "
        "way up. Which class loses most without skips? And trained live from its start, which of the two is ahead after 60 "
        "steps, and which after 300?"
    ),
    maths=(
        r"$$a^{(l)} = \text{conv}^2\big(x^{(l)}\big), \quad x^{(l+1)} = \text{pool}\big(a^{(l)}\big), \qquad "
        r"u^{(l)} = \text{conv}^2\big(\big[\,a^{(l)},\ \text{conv}^T\big(u^{(l+1)}\big)\,\big]\big)$$"
        "\n\n"
        r"Without skips $a^{(l)}$ is left out of the brackets. Every pixel gets $\hat y = \text{softmax}(z)$ over the classes, "
        r"and its label is the largest:"
        "\n\n"
        r"$$J = -\frac{1}{n} \sum_{p} \log \hat y_{p, y_p} + 1 - \frac{1}{C} \sum_c "
        r"\frac{2 \sum_p \hat y_{p,c}\, [y_p = c] + 1}{\sum_p \hat y_{p,c} + \sum_p [y_p = c] + 1}, \qquad "
        r"\text{IoU}_c = \frac{|\hat P_c \cap P_c|}{|\hat P_c \cup P_c|}$$"
    ),
    code=(UNet, pixel_loss, overlaps, class_ious, fit_drawn),
    presets={
        "Without skips": {"skips": False},
        "Live": {"network": "live"},
        "Live, without skips": {"network": "live", "skips": False},
    },
    trains=True,
    rows=(("Scene", "Held-out scenes"), ("IoU of each class", "Training")),
    listens=("click",),
    respond=respond,
    views=("which",),
    view=view,
)
