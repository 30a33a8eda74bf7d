"""A picture rebuilt from noise by what a network's layers know of it, shallow to deep beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from engine.figures import styling as figures
from engine.figures.pictures import tiles
from engine.functional.style import content_cost
from engine.lab import Frame, Frames, Lab
from engine.labs.style_transfer._reading import Network, brought, levels, network, read_in
from engine.models.styling import Reader
from engine.params import Params, PictureSource, integer, picture
from engine.seeding import generator
from engine.training import paced, thinned
from engine.training.styling import Moment, Plan, moments

MOST_DEPTHS = 6


class Rebuild(Params):
    """What a person can move."""

    picture: PictureSource = picture("photo-flower", help="What is rebuilt: a sample or your own picture.")
    steps: int = integer(50, low=1, high=1000, hint=(10, 300, 10), label="Steps", help="Of L-BFGS, for every depth.")
    side: int = integer(72, low=32, high=256, hint=(48, 192, 8), unit="px", label="Size", help="Longer side.")
    network: Network = network()


def depths(reader: Reader) -> tuple[str, ...]:
    """All layers where there are few, else the first of every block."""
    return tuple(reader.taps) if len(reader.taps) <= MOST_DEPTHS else reader.style


def rebuilding(reader: Reader, picture: Tensor, names: Sequence[str], steps: int, seed: int) -> Iterator[list[Moment]]:
    """All depths in step, each from the same noise with the content cost of one layer alone."""
    plans = [Plan(name, {}, alpha=1.0, beta=0.0, start="noise") for name in names]
    courses = [moments(reader, picture, picture, plan, generator(seed)) for plan in plans]
    for _ in range(steps + 1):
        yield [next(course) for course in courses]


def pixel_error(one: Tensor, other: Tensor) -> float:
    """Root mean square difference of two pictures in [0, 1]."""
    return float((one - other).square().mean().sqrt())


def run(params: Rebuild) -> Frames:
    """The picture at once, then all depths as they come about."""
    wanted = read_in(params.picture, params.side)
    noise = levels(torch.rand(wanted.shape, generator=generator(params.seed)))
    waiting = partial(_waiting, levels(wanted), noise)
    yield waiting("Every depth starts from the same noise.", 0.0)
    reader, why = yield from brought(params.network, waiting)
    names, history = depths(reader), list[tuple[int, list[float], list[float]]]()

    def recorded() -> Iterator[tuple[list[Moment], list[tuple[int, list[float], list[float]]]]]:
        for now in rebuilding(reader, wanted, names, params.steps, params.seed):
            errors = [pixel_error(moment.picture, wanted) for moment in now]
            history.append((now[0].step, errors, [moment.content for moment in now]))
            yield now, history

    for now, passed in paced(recorded()):
        yield rebuilt(params, levels(wanted), names, now, passed, f"{why} {reader.title} reads the picture.".strip())


def _waiting(wanted: np.ndarray, noise: np.ndarray, sentence: str, share: float) -> Frame:
    drawn = tiles([wanted, noise], ["the picture", "the start"], 2, cell=_cell(wanted), height=260)
    return Frame(figures={"Rebuilt": drawn}, says=sentence, note=sentence, progress=0.2 * share)


def _cell(pixels: np.ndarray) -> tuple[float, float]:
    return pixels.shape[0] / pixels.shape[1], 1.0


def rebuilt(
    params: Rebuild,
    wanted: np.ndarray,
    names: Sequence[str],
    now: Sequence[Moment],
    history: Sequence[tuple[int, list[float], list[float]]],
    note: str,
) -> Frame:
    """All depths beside the picture, and how far each is from it."""
    drawn = [wanted, *(levels(moment.picture) for moment in now)]
    captions = ["the picture", *(name.removeprefix("relu") for name in names)]
    across = 4 if len(drawn) > 6 else 3
    height = round(-(-len(drawn) // across) * (40 + 170 * min(1.5, _cell(wanted)[0])))
    step, errors, costs = history[-1]
    shown = thinned(history)
    at = np.array([s for s, _, _ in shown], np.float32)
    curves = {name: np.array([c[k] for _, _, c in shown], np.float32) for k, name in enumerate(names)}
    return Frame(
        figures={
            "Rebuilt": tiles(
                drawn,
                captions,
                across,
                cell=_cell(wanted),
                height=height,
            ),
            "Pixel error": figures.bars(names, errors, "pixel error"),
            "Content cost": figures.errors(at, curves, params.steps, "content cost J"),
        },
        says=f"After {step} steps the picture rebuilt from {names[0]} is {errors[0]:.3f} from the original, a picture being 0 "
        f"to 1, and that from {names[-1]} {errors[-1]:.3f}.",
        metrics={
            f"Error from {names[0].removeprefix('relu')}": f"{errors[0]:.3f}",
            f"Error from {names[-1].removeprefix('relu')}": f"{errors[-1]:.3f}",
            "Its cost": f"{costs[-1]:.2g}",
            "Step": f"{step} of {params.steps}",
        },
        progress=step / params.steps,
        note=note,
    )


LAB = Lab(
    slug="content-cost",
    summary="Rebuild a picture from what each layer of a network knows of it.",
    params=Rebuild,
    run=run,
    look_for=(
        "The first layer gives every pixel back. With depth the pixels are less and less certain, though the cost falls there "
        "too: colours and fine grain go first, the arrangement stays. That is why the content cost is read from a layer "
        "in the middle. With more steps, which depths still gain and which are at their limit?"
    ),
    maths=(
        r"$$J^{[l]}_{\text{content}}(C, G) = \frac{1}{4 n_H n_W n_C} \sum \big(a^{[l](C)} - a^{[l](G)}\big)^2, \qquad "
        r"\text{error} = \sqrt{\tfrac{1}{3 n_H n_W} \sum (C - G)^2}$$"
        "\n\n"
        r"Every $G$ starts from the same noise and knows one layer alone (Mahendran and Vedaldi 2015)."
    ),
    code=(content_cost, rebuilding, pixel_error),
    presets={
        "Photograph": {"picture": "photo-china"},
        "Shapes": {"picture": "shapes"},
        "Strokes": {"picture": "brush-strokes", "steps": 80},
    },
    trains=True,
    rows=(("Rebuilt",), ("Pixel error", "Content cost")),
)
