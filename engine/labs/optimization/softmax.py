"""Softmax regression: several classes on the plane, with temperature and the hard max beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.data import planar
from engine.data.sectors import SECTORS
from engine.data.tables import Table
from engine.device import device
from engine.examples import REACH, Data, PlanarExamples, load
from engine.examples import draw as drawn_point
from engine.figures import classes as figures
from engine.figures import curves
from engine.functional import mlp
from engine.functional.activations import softmax, softmax_derivative
from engine.functional.losses import cross_entropy
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.params import ExamplesSource, examples, integer, number
from engine.results.classes import Regions
from engine.results.curves import loss_curves
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, overflow, paced, recorded

GRID = 61
DEV = 200
MOST_CLASSES = 10


class Softmax(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "clusters",
        sets=("clusters", "wheel", "moons", "drawn"),
        help="Made sets of as many classes as you choose, two classes, or two columns of your own table.",
        names={"drawn": "Drawn by you"},
    )
    classes: int = integer(4, low=2, high=6, label="Classes C", help="Of the clusters and of the wheel.")
    temperature: float = number(
        1.0,
        low=0.01,
        high=100.0,
        hint=(0.05, 20.0, 0.01),
        log=True,
        label="Temperature T",
        help="Divides z first.",
    )
    rate: float = number(
        0.3, low=1e-4, high=1000.0, hint=(0.001, 100.0, 0.001), log=True, label="Learning rate α", help="Step."
    )
    steps: int = integer(
        1000, low=1, high=20_000, hint=(10, 10_000, 10), log=True, label="Steps", help="Updates to take."
    )
    noise: float = number(
        0.3, low=0.0, high=3.0, hint=(0.0, 2.0, 0.1), label="Noise", help="Deviation added to every example."
    )
    x1: float = number(
        1.0, low=-REACH, high=REACH, hint=(-5.0, 5.0, 0.1), label="Picked x₁", help="Where to read.", more=True
    )
    x2: float = number(
        1.0, low=-REACH, high=REACH, hint=(-5.0, 5.0, 0.1), label="Picked x₂", help="Where to read.", more=True
    )


def hard_max(z: Tensor) -> Tensor:
    """1 for the largest of z (..., C), 0 for the others: the one-hot of the argmax."""
    return torch.nn.functional.one_hot(z.argmax(-1), z.shape[-1]).to(z)


def logits(weights: mlp.Parameters, x: Tensor) -> Tensor:
    """z of every class for x (m, 2), (m, C). A single output unit's z is the second class's against a first at 0."""
    z = mlp.forward(weights, x, "linear")[-1]
    return z if z.shape[-1] > 1 else torch.cat([torch.zeros_like(z), z], -1)


def sets(params: Softmax, random: torch.Generator) -> Data:
    """Both sets, whole-number labels."""
    if isinstance(params.examples, Table) or params.examples not in SECTORS:
        data = load(params, random, classes=MOST_CLASSES)
        train, dev = ((x, y.long()) for x, y in (data.train, data.dev))
        return Data(train, dev, data.features, data.classes)
    made = SECTORS[params.examples](params.points + DEV, params.classes, params.noise, random)
    train, dev = ((x.to(device()), y.to(device())) for x, y in planar.split(made, DEV, random))
    return Data(train, dev, ("x₁", "x₂"), tuple(f"class {k + 1}" for k in range(params.classes)))


def run(params: Softmax) -> Frames:
    """About ten frames a second, from weights of zero to the last step."""
    random = generator(params.seed, 0)
    data = sets(params, random)
    C = len(data.classes)
    start = [torch.zeros(C, 2, device=device()), torch.zeros(C, device=device())]
    steps = fit(start, data.train, data.dev, Recipe("linear", params.rate), params.steps)
    for history in paced(recorded(steps)):
        yield frame(params, data, history)


def frame(params: Softmax, data: Data, history: list[Step]) -> Frame:
    """The regions so far, and what the picked point is told."""
    now = history[-1]
    shown = now if now.finite else history[-2]
    weights = shown.params
    right = [float(accuracy(weights, examples, "linear")) for examples in (data.train, data.dev)]
    picked = torch.tensor([[params.x1, params.x2]], device=device())
    z = logits(weights, picked)[0]
    soft = softmax(z / params.temperature)
    square, across, up = planar.grid(data.train[0], GRID)
    over = softmax(logits(weights, square) / params.temperature).reshape(GRID, GRID, -1)
    x, y, probability, points, labels = (part.numpy(force=True) for part in (across, up, over, *data.train))
    best = int(soft.argmax())
    why, remedy = overflow(history, params.rate, layers=1)
    return Frame(
        figures={
            "Regions": figures.regions(
                Regions(x, y, probability, points, labels, data.classes), (params.x1, params.x2)
            ),
            "The picked point": figures.answers(soft.numpy(force=True), hard_max(z).numpy(force=True), data.classes),
            "Cost": curves.cost(loss_curves(history), params.steps),
        },
        says=(
            f"After {shown.step:,} steps {right[1]:.1%} of the dev examples of {len(data.classes)} classes are right; the "
            f"picked point is {data.classes[best]} with probability {float(soft[best]):.2f}."
        ),
        metrics={
            "Train accuracy": f"{right[0]:.1%}",
            "Dev accuracy": f"{right[1]:.1%}",
            "Train cost J": f"{float(now.train):.4g}",
            "Picked point": f"{data.classes[best]}, {float(soft[best]):.1%}",
        },
        progress=now.step / params.steps if now.finite else 1.0,
        diverged=why,
        remedy=remedy,
    )


def respond(params: Softmax, event: Event) -> Mapping[str, Any]:
    """A click on the regions picks the point there, or draws one where the examples are drawn."""
    if event.figure != "Regions" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    if params.examples == "drawn":
        return drawn_point(params, Event(event.kind, "Boundary", event.x, event.y))
    return {"x1": min(max(round(event.x, 2), -REACH), REACH), "x2": min(max(round(event.y, 2), -REACH), REACH)}


def derivative(params: Softmax) -> Mistake:
    """The whole Jacobian of a softmax of three, beside its diagonal."""
    z = torch.tensor([2.0, 1.0, 0.0])
    a, whole = softmax(z), softmax_derivative(z)
    return Mistake(
        f"ŷ(1 − ŷ) for z = (2, 1, 0) gives only {', '.join(f'{float(v):.3f}' for v in a * (1 - a))}.",
        f"The derivative of ŷ₁ by z₂ isn't 0 but {float(whole[0, 1]):.3f} = −ŷ₁ŷ₂, and by z₁ it is {float(whole[0, 0]):.3f}.",
    )


def maximum(params: Softmax) -> Mistake:
    """What np.max and the hard max make of the same z."""
    z = torch.tensor([5.0, 2.0, -1.0, 3.0])
    return Mistake(
        f"np.max(5, 2, −1, 3) is the number {float(z.max()):g}.",
        f"The hard max is ({', '.join(f'{v:g}' for v in hard_max(z).tolist())}).",
    )


LAB = Lab(
    slug="softmax",
    summary="Tell several classes apart with one linear layer and a softmax, and warm or cool its answers.",
    params=Softmax,
    run=run,
    trains=True,
    look_for=(
        "Every border between two classes is a straight line, because it is where two linear functions are equal. Lower the "
        "temperature and the softmax hardens into the hard max, raise it and every class gets its share; the borders stay "
        "where they are. With two classes this is logistic regression with w = w₂ − w₁. Where on the plane is the "
        "classifier least sure, and does the temperature change that place?"
    ),
    maths=(
        r"$$z = W x + b, \qquad \hat y_k = \frac{e^{z_k / T}}{\sum_{j=1}^C e^{z_j / T}}, \qquad L = -\sum_k y_k \log \hat y_k$$"
        "\n\n"
        r"$$\frac{\partial L}{\partial z} = \hat y - y, \qquad "
        r"\frac{\partial \hat y_i}{\partial z_j} = \hat y_i (\delta_{ij} - \hat y_j)$$"
        "\n\n"
        r"For $C = 2$: $\hat y_2 = \dfrac{e^{z_2}}{e^{z_1} + e^{z_2}} = \sigma(z_2 - z_1)$, logistic regression with "
        r"$w = w_2 - w_1$. Subtracting the largest $z$ first changes nothing and keeps $e^z$ from overflowing."
    ),
    code=(softmax, hard_max, cross_entropy, mlp.backward),
    presets={
        "Two classes": {"classes": 2},
        "Six clusters": {"classes": 6},
        "Wheel": {"examples": "wheel", "classes": 5, "noise": 0.1},
        "Hot": {"temperature": 10.0},
        "Nearly hard": {"temperature": 0.05},
    },
    mistakes={"softmax-derivative": derivative, "hard-max": maximum},
    rows=(("Regions", "The picked point"), ("Cost",)),
    listens=("click",),
    respond=respond,
)
