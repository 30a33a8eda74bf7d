"""L2 regularization: one network twice from one start, without and with the penalty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.device import device
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, draw, load
from engine.figures import curves, planar
from engine.figures import regularization as figures
from engine.figures.theme import DEV, GREY, PURPLE, TRAIN, WEIGHTS
from engine.functional import mlp
from engine.functional.optimizers import OPTIMIZERS, sgd
from engine.functional.regularization import l2_penalty
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, choice, examples, integer, number
from engine.results.curves import Race
from engine.results.planar import boundary
from engine.results.regularization import histogram
from engine.seeding import generator
from engine.training import Fleet, Recipe, Step, accuracy, fit, paced, recorded
from engine.training.survivors import decay, overflow_of_any, until_overflow, whole

COLORS = {"J with the term": PURPLE, "train": TRAIN, "dev": DEV}
LOW = 320
SHOWN = (1e-4, 1e4)


class L2(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("moons", sets=PLANAR, help="Two classes of points.", names=NAMES)
    noise: float = number(0.3, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.")
    points: int = integer(
        100, low=20, high=2000, label="Training examples", help="Few, so that there is noise to fit.", more=True
    )
    l2: float = number(
        0.1,
        low=0.0,
        high=1000.0,
        hint=(0.001, 100.0, 0.001),
        log=True,
        label="Penalty λ",
        help="How much the squared weights cost in one of the two networks; the other goes without.",
    )
    units: int = integer(32, low=1, high=100, hint=(1, 64, 1), label="Hidden units", help="Of the one tanh layer.")
    optimizer: Literal["sgd", "momentum", "rmsprop", "adam"] = choice(
        "adam",
        label="Optimizer",
        help="Only under plain gradient descent is the penalty the same as weight decay.",
        names={"sgd": "Gradient descent", "rmsprop": "RMSprop"},
    )
    rate: float = number(
        0.05, low=1e-4, high=30.0, hint=(0.001, 10.0, 0.001), log=True, label="Learning rate α", help="Size of a step."
    )
    steps: int = integer(
        3000, low=1, high=20_000, hint=(100, 10_000, 100), log=True, label="Steps", help="Number of updates.", more=True
    )
    batch: int = integer(
        0, low=0, high=1000, label="Mini-batch", help="Examples an update, 0 for all; both get the same.", more=True
    )


class Priced(NamedTuple):
    """A step of the two networks, and what the penalty adds to the cost of the second."""

    step: Step
    penalty: Tensor


def priced(steps: Iterator[Step], strength: float, m: int) -> Iterator[Priced]:
    """Each step with λ / 2m times the sum of the second network's squared weights."""
    for step in steps:
        yield Priced(step, l2_penalty([W[1] for W in step.params[::2]], strength, m))


def run(params: L2) -> Frames:
    """About ten frames a second, from the common start to the last step."""
    data = load(params, generator(params.seed, 0))
    one = mlp.initialize((2, params.units, 1), generator(params.seed, 1), "xavier")
    start = [torch.stack([p, p]).to(device()) for p in one]
    strengths = torch.tensor([0.0, params.l2], device=device())
    recipe = Recipe("tanh", params.rate, OPTIMIZERS[params.optimizer], l2=strengths, batch=params.batch)
    steps = fit(start, data.train, data.dev, recipe, params.steps, generator=generator(params.seed, 2))
    for history in paced(recorded(priced(until_overflow(steps), params.l2, len(data.train[1])))):
        yield frame(params, data, history)


def frame(params: L2, data: Data, history: list[Priced]) -> Frame:
    """Both networks, by the latest step at which both have a finite cost."""
    kept = history if whole(history[-1].step) else history[:-1]
    shown, now, m = kept[-1].step, history[-1].step, len(data.train[1])
    without, penalized = ([p[i] for p in shown.params] for i in (0, 1))
    flat = [torch.cat([W.flatten() for W in network[::2]]) for network in (without, penalized)]
    right = accuracy(shown.params, data.dev, "tanh").tolist()
    dev, size = shown.dev.tolist(), [float(w.double().norm()) for w in flat]
    plain, full = costs(kept, params.steps)
    why, remedy = overflow_of_any(now, params.rate, params.l2, m)
    return Frame(
        figures={
            "Boundary without": planar.boundary(boundary(without, data.train, data.dev, "tanh")),
            "Boundary": planar.boundary(boundary(penalized, data.train, data.dev, "tanh")),
            "Cost without": plain,
            "Cost": full,
            "Weights": figures.histogram(histogram(("λ = 0", f"λ = {params.l2:g}"), flat), (GREY, WEIGHTS)),
        },
        says=(
            f"After {shown.step:,} steps the network without a penalty has a dev cost of {dev[0]:.3g} and weights of norm "
            f"{size[0]:.3g}, and the one with λ = {params.l2:g} has {dev[1]:.3g} and {size[1]:.3g}; {right[0]:.1%} and "
            f"{right[1]:.1%} of the dev examples are right."
        ),
        metrics={
            "Dev cost, λ = 0": f"{dev[0]:.3g}",
            "Dev cost with λ": f"{dev[1]:.3g}",
            "Norm of W": f"{size[0]:.3g} and {size[1]:.3g}",
            "Decay 1 − αλ/m": f"{decay(params.rate, params.l2, m):.6g}",
        },
        progress=now.step / params.steps if whole(now) else 1.0,
        diverged=why,
        remedy=remedy,
    )


def costs(history: list[Priced], last: int) -> tuple[Any, Any]:
    """The cost curves of both networks on one scale; the second's also with the term."""
    at = np.array([each.step.step for each in history], np.float32)
    train, dev = (
        torch.stack([getattr(each.step, name) for each in history], -1).numpy(force=True) for name in ("train", "dev")
    )
    full = train[1] + torch.stack([each.penalty for each in history]).numpy(force=True)
    every = np.clip(np.concatenate([*train, *dev, full]), *SHOWN)
    ends = np.log10(every.min()) - 0.1, np.log10(every.max()) + 0.1
    layout = {"yaxis": {"range": ends}, "height": LOW, "margin": {"l": 66}}
    plain = Race(("train", "dev"), at, np.stack([train[0], dev[0]]))
    penalized = Race(tuple(COLORS), at, np.stack([full, train[1], dev[1]]))
    return curves.race(plain, last, COLORS, **layout), curves.race(penalized, last, COLORS, **layout)


LAB = Lab(
    slug="l2",
    summary="Train one network twice from the same start, without and with a price on large weights, and compare.",
    params=L2,
    run=run,
    trains=True,
    look_for=(
        "Without a penalty the boundary bends around single noisy points, the dev cost turns and climbs, and the weights "
        "keep growing. With λ the weights gather around zero, tanh stays in its nearly linear part and the boundary is "
        "smooth. What descends is J with the term; the cross-entropy alone may rise for a while. At which λ is the dev "
        "cost lowest, and what becomes of the boundary at λ = 10?"
    ),
    maths=(
        r"$$J = \frac{1}{m} \sum_i L(\hat y^{(i)}, y^{(i)}) + \frac{\lambda}{2m} \sum_l \big\| W^{[l]} \big\|_F^2, \qquad "
        r"\big\| W^{[l]} \big\|_F^2 = \sum_{i,j} \big(w_{ij}^{[l]}\big)^2$$"
        "\n\n"
        r"$$dW^{[l]} = (\text{from backpropagation}) + \frac{\lambda}{m} W^{[l]}$$"
        "\n\n"
        r"$$W^{[l]} := \Big(1 - \frac{\alpha \lambda}{m}\Big) W^{[l]} - \alpha\, (\text{from backpropagation})$$"
        "\n\n"
        r"so under plain gradient descent the penalty is weight decay. Under Adam it isn't: there the term is divided by "
        r"$\sqrt{s}$ with the rest of the gradient. Biases aren't penalized."
    ),
    code=(l2_penalty, Fleet.gradient, sgd, fit),
    presets={
        "Too little": {"l2": 0.003},
        "Too much": {"l2": 10.0},
        "Weight decay": {"optimizer": "sgd", "rate": 2.0, "steps": 6000},
        "Circles": {"examples": "circles", "noise": 0.2, "l2": 0.3},
        "Grows instead": {"optimizer": "sgd", "rate": 2.0, "l2": 130.0},
    },
    rows=(("Boundary without", "Boundary"), ("Cost without", "Cost"), ("Weights",)),
    listens=("click",),
    respond=draw,
)
