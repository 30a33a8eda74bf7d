"""Landmark detection: a small network learns where the eyes, nose, mouth and chin of drawn faces are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.faces import LANDMARKS, SIDE, draw_faces
from engine.data.media import Picture, fit_within
from engine.data.samples import picture_sample
from engine.figures import landmarks as figures
from engine.figures.pictures import tile_at
from engine.lab import Event, Frame, Frames, Lab
from engine.models import dlib_faces as real
from engine.models.landmarker import batches, errors, faces, initialize
from engine.params import Params, PictureSource, choice, integer, number, picture
from engine.results.landmarks import Approach, FoundLandmarks
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.drawn import Look, fit_drawn

SHOWN, ACROSS, HELD, WIDEST = 12, 4, 64, 480


class Landmarks(Params):
    """What a person can move."""

    source: Literal["drawn", "picture"] = choice(
        "drawn",
        label="Faces",
        help="Drawn ones, of which a network learns now, or those in a picture, by a model of real faces.",
        names={"drawn": "Drawn", "picture": "In a picture"},
    )
    which: int = integer(1, low=1, high=SHOWN, label="Face", help="The face shown large; clicking one sets it.")
    people: int = integer(
        640, low=8, high=4000, hint=(8, 2000, 8), log=True, label="Training faces", help="One of each drawn person."
    )
    steps: int = integer(180, low=1, high=4000, hint=(20, 1500, 20), label="Steps", help="Updates of the network.")
    rate: float = number(0.006, low=1e-5, high=1.0, log=True, label="Learning rate", help="Highest step of Adam.")
    picture: PictureSource = picture("photo-china", help="Your own picture with faces, for a model of real faces.")
    variation: float = number(
        1.0, low=0.0, high=1.0, label="Variation", help="How much pose, expression and light differ.", more=True
    )
    batch: int = integer(32, low=4, high=128, log=True, label="Mini-batch", help="Faces an update.", more=True)


@dataclass(frozen=True)
class Kept:
    """What the view draws from: held-out faces (m, 3, 64, 64), their landmarks and those found (m, 28)."""

    x: Tensor
    y: Tensor
    found: Tensor


def loss(found: Tensor, truth: Tensor) -> Tensor:
    """Squared distances of all landmarks (m, 28) of a face, the mean over faces."""
    return (found - truth).square().sum(1).mean()


def run(params: Landmarks) -> Frames:
    """Landmarks of drawn faces as they are learned, or of a picture's faces."""
    return learning(params) if params.source == "drawn" else photographed(params)


def learning(params: Landmarks) -> Frames:
    """The untrained network at once, then its points as they move."""
    network = initialize(params.seed).to(memory_format=torch.channels_last)
    x, y = faces(HELD, generator(params.seed, 0), params.variation)
    drawn = batches(params.people, params.batch, generator(params.seed, 1), generator(params.seed, 2), params.variation)
    looks = fit_drawn(network, lambda: next(drawn), loss, lambda: network(x), rate=params.rate, steps=params.steps)
    for history in paced(recorded(looks)):
        yield learned(params, history, x, y)


def learned(params: Landmarks, history: Sequence[Look[Tensor]], x: Tensor, y: Tensor) -> Frame:
    """What is known by the latest look, but for what the view draws."""
    now, off = history[-1], [errors(look.seen, y) for look in history]
    mean, worst = float(off[-1].mean()), int(off[-1].mean(0).argmax())
    curve = [(look.step, look.cost, float(each.mean())) for look, each in zip(history, off, strict=True)]
    steps, cost, error = np.array(curve, np.float32).T
    return Frame(
        figures={
            "Training": figures.approach(Approach(steps, cost, error, params.steps)),
            "Error of each landmark": figures.each(off[-1].mean(0).numpy(), LANDMARKS),
        },
        says=f"After {now.step} steps the landmarks of {HELD} faces of persons never seen are {mean:.2f} px off on average, "
        f"the {LANDMARKS[worst]} most, by {float(off[-1][:, worst].mean()):.2f} px.",
        metrics={
            "Mean error": f"{mean:.2f} px of {SIDE}",
            "Within 2 px": f"{float((off[-1] <= 2).float().mean()):.0%}",
            "Step": f"{now.step} of {params.steps}",
        },
        progress=1.0 if now.blown else now.step / params.steps,
        diverged="The rate is so high that the weights left the numbers a computer holds." if now.blown else "",
        remedy={"rate": 0.006} if now.blown else {},
        state=Kept(x[:SHOWN], y[:SHOWN], now.seen[:SHOWN]),
    )


def photographed(params: Landmarks) -> Frames:
    """A picture with the 68 landmarks of each face in it, if the model of real faces is installed."""
    given = params.picture if isinstance(params.picture, Picture) else picture_sample(params.picture)
    pixels = fit_within(given, WIDEST).pixels
    there = real.installed()
    found = real.landmarks(pixels) if there else np.zeros((0, 68, 2), np.float32)
    count = {0: "no face", 1: "one face, with 68 landmarks"}.get(
        len(found), f"{len(found)} faces, with 68 landmarks each"
    )
    yield Frame(
        figures={"Picture": figures.photograph(pixels, found)},
        says=f"dlib's model finds {count}." if there else "The picture is shown without landmarks.",
        metrics={"Faces": str(len(found))} if there else {},
        note=real.OUTLINE_LICENCE
        if there
        else f"No model of real faces is installed here: `{real.INSTALL}` installs one.",
    )


def view(params: Landmarks, frame: Frame) -> Frame:
    """The held-out faces with both kinds of points, and the chosen one large."""
    if frame.state is None:
        return frame
    kept: Kept = frame.state
    pixels = (kept.x.movedim(1, -1) * 255).byte()
    truth, found = (points.view(SHOWN, -1, 2) * SIDE for points in (kept.y, kept.found))
    off, k = errors(kept.found, kept.y), params.which - 1
    result = FoundLandmarks(*(t.numpy(force=True) for t in (pixels, truth, found, off)))
    here = float(off[k].mean())
    return replace(
        frame,
        figures={
            "Held-out faces": figures.gallery(result, ACROSS, k),
            "Face": figures.face(result, k, LANDMARKS),
        },
        says=f"{frame.says} Face {params.which} is {here:.2f} px off.",
        metrics={**frame.metrics, "This face": f"{here:.2f} px"},
    )


def respond(params: Landmarks, event: Event) -> Mapping[str, Any]:
    """A click on a face shows it large."""
    if event.figure != "Held-out faces" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    k = tile_at(event.x, event.y, SHOWN, ACROSS)
    return {} if k is None else {"which": k + 1}


LAB = Lab(
    slug="landmarks",
    summary="Watch a small network learn where the eyes, nose, mouth and chin of a face are.",
    params=Landmarks,
    run=run,
    look_for=(
        "All points start in the middle of the picture, then spread into an average face, and at last follow each face's own "
        "pose and expression. The order of the numbers is the only thing that tells an inner corner from an outer one, so it "
        "must be the same in every example, and a mirrored picture must swap left and right. Train on 16 faces instead: what "
        "happens to the error on persons never seen while the training cost falls? Which landmark stays hardest?"
    ),
    maths=(
        r"$$\hat y = [\,l_{1x},\ l_{1y},\ l_{2x},\ l_{2y},\ \ldots,\ l_{14x},\ l_{14y}\,]^T, \qquad "
        r"J = \frac{1}{m} \sum_{i=1}^{m} \sum_{k=1}^{14} \big\lVert \hat l^{(i)}_k - l^{(i)}_k \big\rVert^2$$"
        "\n\n"
        r"Places are shares of the picture, from $(0, 0)$ at the upper left to $(1, 1)$ at the lower right. Where there may be "
        r"no face, a first number $p$ says whether there is one, and the others count only if there is, as in localization. "
        r"The error is $\frac{1}{14 m} \sum_{i, k} \lVert \hat l^{(i)}_k - l^{(i)}_k \rVert$ in pixels of the 64."
    ),
    code=(loss, errors, draw_faces, fit_drawn),
    presets={
        "Few faces": {"people": 16},
        "Always facing us": {"variation": 0.0, "steps": 100},
        "A quick look": {"steps": 60},
        "Your picture": {"source": "picture"},
    },
    trains=True,
    rows=(("Held-out faces", "Face"), ("Training", "Error of each landmark")),
    listens=("click",),
    respond=respond,
    views=("which",),
    view=view,
)
