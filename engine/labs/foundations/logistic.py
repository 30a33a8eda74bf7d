"""Logistic regression: one sigmoid unit trained live on points, tables or small pictures."""

from __future__ import annotations

import math

import torch

from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import curves, weights
from engine.figures import planar as figures
from engine.functional import mlp
from engine.functional.activations import sigmoid
from engine.functional.losses import binary_cross_entropy_with_logits
from engine.functional.optimizers import sgd
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import ExamplesSource, examples, integer, number
from engine.results.curves import loss_curves
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, cost, fit, overflow, paced, recorded

SHOWN = 10
TWO_CLASSES = tuple(name for name in TABULAR if name in ("breast-cancer", "suns"))


class Logistic(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "blobs",
        sets=PLANAR + TWO_CLASSES,
        help="Points on the plane, a table, or small RGB pictures flattened to a vector.",
        names=NAMES,
    )
    rate: float = number(
        0.1, low=1e-4, high=100.0, log=True, label="Learning rate α", help="Step size along the slope."
    )
    steps: int = integer(
        2000, low=1, high=50_000, hint=(10, 20_000, 10), log=True, label="Steps", help="Updates to take."
    )
    noise: float = number(
        1.0, low=0.0, high=3.0, label="Noise", help="Deviation added to every made example.", hint=(0.0, 2.0, 0.1)
    )
    batch: int = integer(0, low=0, high=2000, label="Mini-batch", help="Examples an update, 0 for all.", more=True)


def run(params: Logistic) -> Frames:
    """About ten frames a second, from weights of zero to the last step."""
    random = generator(params.seed, 0)
    data = load(params, random)
    start = [torch.zeros(1, data.inputs, device=device()), torch.zeros(1, device=device())]
    recipe = Recipe("linear", params.rate, batch=params.batch)
    steps = fit(start, data.train, data.dev, recipe, params.steps, generator=random)
    for history in paced(recorded(steps)):
        yield frame(params, data, history)


def frame(params: Logistic, data: Data, history: list[Step]) -> Frame:
    """What the unit has learned by the latest step with a finite cost."""
    now = history[-1]
    shown = now if now.finite else history[-2]
    W, b = shown.params
    right = [float(accuracy(shown.params, examples, "linear")) for examples in (data.train, data.dev)]
    found = {}
    if data.planar:
        found["Boundary"] = figures.boundary(boundary(shown.params, data.train, data.dev, "linear"))
    elif data.picture:
        pixels = data.dev[0][:SHOWN]
        probability = mlp.predict(shown.params, pixels, "linear")
        found["Pictures"] = weights.montage(
            pixels.reshape(-1, *data.picture).numpy(force=True),
            [f"{p:.0%} {data.classes[1]}" for p in probability.tolist()],
        )
    vector = W[0].numpy(force=True)
    found["Weights"] = (
        weights.picture(vector.reshape(data.picture)) if data.picture else weights.bars(vector, data.features)
    )
    found["Cost"] = curves.cost(loss_curves(history), params.steps)
    why, remedy = overflow(history, params.rate, layers=1)
    return Frame(
        figures=found,
        says=(
            f"After {shown.step:,} steps the unit puts {right[0]:.1%} of the training and {right[1]:.1%} of the dev examples "
            f"into their class, {data.classes[0]} or {data.classes[1]}, at a cost of {float(shown.train):.4f}."
        ),
        metrics={
            "Train accuracy": f"{right[0]:.1%}",
            "Dev accuracy": f"{right[1]:.1%}",
            "Train cost J": f"{float(now.train):.4g}",
            "Weights": f"{W.numel():,} and b = {float(b):.3g}",
        },
        progress=now.step / params.steps if now.finite else 1.0,
        diverged=why,
        remedy=remedy,
    )


def parentheses(params: Logistic) -> Mistake:
    """Both readings of the formula at z = 2."""
    z = 2.0
    wrong, right = 1 / 1 + math.exp(-z), float(sigmoid(torch.tensor(z)))
    return Mistake(f"1 / 1 + exp(−2) = {wrong:.4f}, which no probability can be.", f"1 / (1 + exp(−2)) = {right:.4f}.")


def sign(params: Logistic) -> Mistake:
    """Both costs of the untrained unit on the training set."""
    data = load(params, generator(params.seed, 0))
    start = [torch.zeros(1, data.inputs, device=device()), torch.zeros(1, device=device())]
    right = float(cost(start, data.train, "linear"))
    return Mistake(
        f"The sum as written is {-right:.4f} an example at first, and descent would make it ever smaller by being wrong.",
        f"Its negative, {right:.4f}, is the cost: log 2 for a unit that says one half.",
    )


LAB = Lab(
    slug="logistic",
    summary="Train one sigmoid unit on points, on a table or on small pictures, and look at the weights it finds.",
    params=Logistic,
    run=run,
    trains=True,
    look_for=(
        "The boundary is always straight, so moons and circles stay partly wrong however long it trains. Take the suns: the "
        "weights, laid out as a picture, show what the unit looks for, warm in the middle and cool around. Set the noise of "
        "the blobs to 0: why do the weights then grow for ever while the boundary hardly moves?"
    ),
    maths=(
        r"$$\hat y = \sigma(w^T x + b), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}$$"
        "\n\n"
        r"$$J(w, b) = -\frac{1}{m} \sum_{i=1}^m \Big[ y^{(i)} \log \hat y^{(i)} + (1 - y^{(i)}) \log (1 - \hat y^{(i)}) \Big]$$"
        "\n\n"
        r"$$\frac{\partial J}{\partial w} = \frac{1}{m} X (A - Y)^T, \qquad \frac{\partial J}{\partial b} = "
        r"\frac{1}{m} \sum_i (a^{(i)} - y^{(i)})$$"
    ),
    code=(mlp.forward, mlp.backward, binary_cross_entropy_with_logits, sgd, fit),
    presets={
        "Suns and moons": {"examples": "suns", "rate": 0.02, "steps": 1000},
        "Biopsies": {"examples": "breast-cancer", "rate": 0.3},
        "Not separable": {"examples": "circles", "noise": 0.1, "rate": 1.0, "steps": 500},
        "Too fast": {"examples": "suns", "rate": 2.0, "steps": 500},
        "Draw your own": {"examples": "drawn"},
    },
    mistakes={"sigmoid-parentheses": parentheses, "cost-sign": sign},
    rows=(("Boundary", "Pictures", "Weights"), ("Cost",)),
    listens=("click",),
    respond=draw,
)
