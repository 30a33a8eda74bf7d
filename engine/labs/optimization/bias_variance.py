"""Bias and variance: one network's capacity from too little to too much, beside a sweep over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.device import device
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, draw, load
from engine.figures import planar
from engine.figures import regularization as figures
from engine.figures.theme import DEV, TRAIN
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.functional.strategy import Diagnosis, diagnose
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, examples, integer, number
from engine.results.planar import boundary
from engine.results.regularization import sweep
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, overflow, paced, recorded

SWEPT = (1, 2, 3, 4, 6, 8, 16, 32, 64)
MEASURED = 60
HELD_OUT = 1000
# Training and dev error in percent where people make none: the course's four.
TEXTBOOK = {"Table 1": (1.0, 11.0), "Table 2": (15.0, 16.0), "Table 3": (15.0, 30.0), "Table 4": (0.5, 1.0)}


class BiasVariance(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("circles", sets=PLANAR, help="Two classes of points.", names=NAMES)
    points: int = integer(
        200,
        low=20,
        high=1000,
        hint=(20, 1000, 20),
        label="Training examples",
        help="More of them are the first cure for variance. Another 1,000 measure the dev error.",
    )
    units: int = integer(
        16, low=1, high=64, log=True, label="Hidden units", help="The capacity: more are the first cure for bias."
    )
    steps: int = integer(
        3000, low=1, high=10_000, hint=(50, 6000, 50), log=True, label="Steps", help="Longer training lowers bias."
    )
    l2: float = number(
        0.0, low=0.0, high=100.0, hint=(0.0, 2.0, 0.05), label="Regularization λ", help="Of L2: it lowers variance."
    )
    human: float = number(
        10.0,
        low=0.0,
        high=50.0,
        hint=(0.0, 30.0, 0.5),
        unit="%",
        label="Optimal error",
        help="The error that nobody can beat, such as a person's.",
    )
    rate: float = number(0.05, low=1e-4, high=1.0, log=True, label="Learning rate α", help="Of Adam.", more=True)


class Measured(NamedTuple):
    """A fleet's step with the share of wrong answers of every network, (F,), on both sets."""

    step: Step
    train: Tensor
    dev: Tensor


def capacities(units: int) -> list[int]:
    """The sizes that are trained side by side, the chosen one among them."""
    return sorted({*SWEPT, units})


def padded(sizes: list[int], seed: int) -> mlp.Parameters:
    """Networks of so many hidden units as a fleet of the widest's shape: [(F, n, 2), (F, n), (F, 1, n), (F, 1)].

    A missing unit's weights are all 0. Then tanh gives 0, and so are its gradients: it never comes to life.
    """
    widest = max(sizes)
    networks = []
    for n in sizes:
        W, b, v, c = mlp.initialize((2, n, 1), generator(seed, 1), "xavier")
        rest = widest - n
        networks.append(
            [torch.cat([W, W.new_zeros(rest, 2)]), b.new_zeros(widest), torch.cat([v, v.new_zeros(1, rest)], 1), c]
        )
    return [torch.stack(layer).to(device()) for layer in zip(*networks, strict=True)]


def measured(steps: Iterator[Step], data: Data) -> Iterator[Measured]:
    """Each step with its errors."""
    for step in steps:
        yield Measured(step, *(1 - accuracy(step.params, part, "tanh") for part in (data.train, data.dev)))


def run(params: BiasVariance) -> Frames:
    """About ten frames a second, from untrained networks to the last step."""
    random = generator(params.seed, 0)
    data = load(params, random, dev=HELD_OUT)
    # Of a large table of one's own no more than of a made set.
    train, dev = ((x[:most], y[:most]) for (x, y), most in ((data.train, params.points), (data.dev, HELD_OUT)))
    data = replace(data, train=train, dev=dev)
    sizes = capacities(params.units)
    recipe = Recipe("tanh", params.rate, adam, l2=params.l2)
    every = max(1, params.steps // MEASURED)
    steps = fit(padded(sizes, params.seed), data.train, data.dev, recipe, params.steps, every=every)
    for history in paced(recorded(measured(steps, data))):
        yield frame(params, data, sizes, history)


def frame(params: BiasVariance, data: Data, sizes: list[int], history: list[Measured]) -> Frame:
    """The chosen network, all of them at once, and what to do next."""
    now = history[-1]
    shown = now if now.step.finite else history[-2]
    chosen, human = sizes.index(params.units), params.human / 100
    train, dev = float(shown.train[chosen]), float(shown.dev[chosen])
    found = diagnose(human, train, dev)
    network = [p[chosen] for p in shown.step.params]
    why, remedy = overflow([each.step for each in history], params.rate, layers=2)
    return Frame(
        figures={
            "Boundary": planar.boundary(boundary(network, data.train, data.dev, "tanh")),
            "Error by capacity": by_capacity(sizes, shown, params),
            "Error by step": by_step(chosen, history, params),
        },
        says=(
            f"With {params.units} hidden unit{'s' * (params.units > 1)} the training error is {train:.1%} and the dev error "
            f"{dev:.1%}: an avoidable bias of {found.bias:.1%} over the optimal {human:.1%} and a variance of "
            f"{found.variance:.1%}, so {found.name}."
        ),
        metrics={
            "Train error": f"{train:.1%}",
            "Dev error": f"{dev:.1%}",
            "Diagnosis": found.name,
            "Try next": found.steps[0] if found.steps else "the test set",
        },
        progress=now.step.step / params.steps if now.step.finite else 1.0,
        diverged=why,
        remedy=remedy,
        tables={"Diagnoses": table({"This network": (human, train, dev)})},
    )


def by_capacity(sizes: list[int], shown: Measured, params: BiasVariance) -> Any:
    """Both errors of all networks."""
    result = sweep(("train", "dev"), sizes, (shown.train, shown.dev), params.units)
    ticks = {"tickvals": SWEPT, "ticktext": [str(n) for n in SWEPT]}
    shapes = [figures.level(params.human / 100)]
    return figures.sweep(result, "hidden units", "error", {"train": TRAIN, "dev": DEV}, shapes=shapes, xaxis=ticks)


def by_step(chosen: int, history: list[Measured], params: BiasVariance) -> Any:
    """Both errors of the chosen network over the training."""
    at = np.array([each.step.step for each in history], np.float32)
    train, dev = (
        np.array([float(e[chosen]) for e in errors], np.float32) for errors in list(zip(*history, strict=True))[1:]
    )
    return figures.errors(at, train, dev, params.human / 100, params.steps)


def table(first: dict[str, tuple[float, float, float]]) -> dict[str, list[Any]]:
    """Optimal, training and dev error, the gaps and what follows: of the rows given, then of the textbook's four."""
    rows = first | {name: (0.0, train / 100, dev / 100) for name, (train, dev) in TEXTBOOK.items()}
    told: list[Diagnosis] = [diagnose(*errors) for errors in rows.values()]
    shares = dict(zip(("Optimal", "Training", "Dev"), zip(*rows.values(), strict=True), strict=True))
    return {
        "": list(rows),
        **{name: [f"{share:.1%}" for share in column] for name, column in shares.items()},
        "Avoidable bias": [f"{d.bias:.1%}" for d in told],
        "Variance": [f"{d.variance:.1%}" for d in told],
        "Diagnosis": [d.name for d in told],
        "The recipe tries": [", ".join(d.steps) or "nothing: on to the test set" for d in told],
    }


LAB = Lab(
    slug="bias-variance",
    summary="Move a network's capacity from underfitting to overfitting, read its two gaps, and try the recipe's cures.",
    params=BiasVariance,
    run=run,
    trains=True,
    look_for=(
        "The training error only falls as units are added; the dev error falls, then stays or climbs. The gap between the "
        "optimal and the training error is the avoidable bias, the gap between training and dev error the variance, and "
        "each has its own cures. Start at one unit and follow the advice: which knob brings both gaps under two points? "
        "And if nobody could do better than 30 %, would the network of one unit still have a high bias?"
    ),
    maths=(
        r"$$\text{avoidable bias} = \text{training error} - \text{optimal error}, \qquad "
        r"\text{variance} = \text{dev error} - \text{training error}$$"
        "\n\n"
        r"A gap is called high here from 2 points on, unless the other is more than three times as large and comes first. "
        r"Bias is cured before variance: a bigger network, longer training, another optimizer or architecture; then more "
        r"data, regularization or another architecture. With a bigger network and more data at hand neither cure has to "
        r"hurt the other, so there is less of a trade-off than there was."
        "\n\n"
        r"All networks train side by side as one: a narrow one is a wide one whose missing units have zero weights, and "
        r"$\tanh(0) = 0$ keeps them so."
    ),
    code=(diagnose, padded, fit),
    presets={
        "High bias": {"units": 1},
        "High variance": {"units": 64},
        "Both": {"examples": "spiral", "noise": 0.4, "points": 60, "units": 1},
        "Cure: L2": {"units": 64, "l2": 0.3},
        "Cure: more data": {"units": 64, "points": 1000, "steps": 800},
        "Both cures": {"units": 64, "points": 1000, "l2": 0.5, "steps": 800},
    },
    rows=(("Boundary", "Error by capacity"), ("Error by step",)),
    listens=("click",),
    respond=draw,
)
