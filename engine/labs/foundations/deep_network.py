"""A network of as many layers as wanted: built, counted, and trained on points, tables or pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from engine.data.tables import MOST_CLASSES
from engine.device import device
from engine.errors import BadInput
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import curves, planar
from engine.figures import network as figures
from engine.figures.confusion import confusion as confusion_figure
from engine.functional import mlp
from engine.functional.optimizers import OPTIMIZERS
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, choice, examples, integer, number, text
from engine.results.confusion import confusion
from engine.results.curves import loss_curves
from engine.results.network import layer_spreads, layer_table, sketch, weight_pictures
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, overflow, paced, recorded
from engine.training.fleet import Fleet, count

MOST_LAYERS, MOST_UNITS = 20, 128
SETS = PLANAR + TABULAR


class DeepNetwork(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "spiral", sets=SETS, help="Points on the plane, a table, small pictures, or your own table.", names=NAMES
    )
    layers: int = integer(
        3, low=0, high=MOST_LAYERS, hint=(0, 10, 1), label="Hidden layers", help="With 0 it is a regression."
    )
    units: int = integer(
        8, low=1, high=MOST_UNITS, hint=(1, 64, 1), label="Units a layer", help="How wide each hidden layer is."
    )
    activation: Literal["relu", "leaky_relu", "tanh", "sigmoid", "linear"] = choice(
        "tanh",
        label="Activation",
        help="What a hidden unit makes of its weighted sum.",
        names={"relu": "ReLU", "leaky_relu": "Leaky ReLU"},
    )
    optimizer: Literal["sgd", "momentum", "rmsprop", "adam"] = choice(
        "adam",
        label="Optimizer",
        help="How a gradient becomes a step.",
        names={"sgd": "Gradient descent", "rmsprop": "RMSprop"},
    )
    rate: float = number(
        0.003, low=1e-5, high=30.0, hint=(1e-4, 10.0, 1e-4), log=True, label="Learning rate α", help="Size of a step."
    )
    sizes: str = text(
        "",
        longest=80,
        label="Units of each layer",
        help="For layers of different width, such as 16, 8, 4. Empty leaves it to the sliders.",
        more=True,
    )
    start: Literal["he", "xavier", "glorot"] = choice(
        "xavier",
        label="Start",
        help="Variance of the first weights: 2/n, 1/n, or 2/(n + n') of the units on both sides.",
        names={"he": "He"},
        more=True,
    )
    batch: int = integer(0, low=0, high=1000, label="Mini-batch", help="Examples an update, 0 for all.", more=True)
    steps: int = integer(
        5000, low=1, high=50_000, hint=(100, 10_000, 100), log=True, label="Steps", help="Number of updates.", more=True
    )


def hidden_layers(params: DeepNetwork) -> list[int]:
    """The units of each hidden layer: as typed, or as the sliders say."""
    words = re.findall(r"[^\s,;]+", params.sizes)
    if not words:
        return [params.units] * params.layers
    sizes = [int(word) if word.isdecimal() else 0 for word in words]
    if len(sizes) > MOST_LAYERS or not all(1 <= n <= MOST_UNITS for n in sizes):
        must = f"at most {MOST_LAYERS} whole numbers from 1 to {MOST_UNITS}"
        raise BadInput(f"The units of each layer must be {must}, got {params.sizes!r}.")
    return sizes


def run(params: DeepNetwork) -> Frames:
    """About ten frames a second, from the untrained network to the last step."""
    random = generator(params.seed, 0)
    data = load(params, random, classes=MOST_CLASSES)
    sizes = [data.inputs, *hidden_layers(params), data.outputs]
    start = [p.to(device()) for p in mlp.initialize(sizes, generator(params.seed, 1), params.start)]
    recipe = Recipe(params.activation, params.rate, OPTIMIZERS[params.optimizer], batch=params.batch)
    table = layer_table(sizes, params.activation, len(data.train[1]))
    for history in paced(lightened(fit(start, data.train, data.dev, recipe, params.steps, generator=random))):
        yield frame(params, history, data, sizes, table)


def lightened(steps: Iterator[Step]) -> Iterator[list[Step]]:
    """All steps so far, at every step, of which only the last two keep their parameters: large ones would fill the memory."""
    for history in recorded(steps):
        if len(history) > 2:
            history[-3] = replace(history[-3], flat=history[-3].flat.new_empty(0))
        yield history


def frame(params: DeepNetwork, history: list[Step], data: Data, sizes: list[int], table: dict[str, list[Any]]) -> Frame:
    """What the network has learned by the latest step, or by the last one with a finite cost."""
    now = history[-1]
    shown = now if now.finite else history[-2]
    weights = shown.params
    right = [float(accuracy(weights, part, params.activation)) for part in (data.train, data.dev)]
    why, remedy = overflow(history, params.rate, len(sizes) - 1)
    return Frame(
        figures={
            **answers(weights, data, params.activation),
            "Network": figures.network(sketch(weights)),
            "Cost": curves.cost(loss_curves(history), params.steps),
            **figures.spreads(layer_spreads(weights, data.train, params.activation)),
        },
        says=(
            f"After {shown.step:,} steps this network of L = {len(sizes) - 1} and {count(sizes):,} parameters puts "
            f"{right[0]:.0%} of the training and {right[1]:.0%} of the dev examples in their class."
        ),
        metrics={
            "Parameters": f"{count(sizes):,}",
            "Train accuracy": f"{right[0]:.1%}",
            "Dev accuracy": f"{right[1]:.1%}",
            "Step": f"{now.step:,} of {params.steps:,}",
        },
        progress=now.step / params.steps if now.finite else 1.0,
        diverged=why,
        remedy=remedy,
        tables={"Layers": table},
    )


def answers(weights: mlp.Parameters, data: Data, activation: str) -> dict[str, Any]:
    """What the network answers: over the plane, or else which dev examples it confuses, with W1 as pictures if it sees any."""
    if data.planar and data.outputs == 1:
        return {"Boundary": planar.boundary(boundary(weights, data.train, data.dev, activation))}
    x, y = data.dev
    probability = mlp.predict(weights, x, activation)
    chosen = probability.argmax(-1) if data.outputs > 1 else probability > 0.5
    found = {"Confusion, dev set": confusion_figure(confusion(data.classes, y, chosen))}
    if data.picture:
        found["First layer's weights"] = figures.pictures(weight_pictures(weights[0], data.picture))
    return found


LAB = Lab(
    slug="deep-network",
    summary="Build a network layer by layer, count its parameters, and watch it learn points, tables or pictures.",
    params=DeepNetwork,
    run=run,
    trains=True,
    look_for=(
        "The table under the figures counts what you built: a layer of n units over n' has n (n' + 1) parameters, so width "
        "costs by its square and depth only in proportion. Watch the three rows of boxes while it trains: in a healthy "
        "network every layer's activations spread and every layer's gradients stay alive. With the sigmoid and six "
        "layers, which layers stop learning, and does ReLU wake them?"
    ),
    maths=(
        r"$$Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}, \qquad A^{[l]} = g^{[l]}(Z^{[l]}), \qquad A^{[0]} = X,\quad "
        r"A^{[L]} = \hat Y$$"
        "\n\n"
        r"$$W^{[l]}: (n^{[l]}, n^{[l-1]}), \quad b^{[l]}: (n^{[l]}, 1), \quad Z^{[l]}, A^{[l]}: (n^{[l]}, m), \qquad "
        r"\text{parameters} = \sum_{l=1}^{L} n^{[l]} \big(n^{[l-1]} + 1\big)$$"
        "\n\n"
        r"$$dZ^{[l]} = dA^{[l]} * g'^{[l]}(Z^{[l]}), \quad dW^{[l]} = \tfrac{1}{m} dZ^{[l]} A^{[l-1]T}, \quad "
        r"db^{[l]} = \tfrac{1}{m} \sum_i dZ^{[l](i)}, \quad dA^{[l-1]} = W^{[l]T} dZ^{[l]}$$"
        "\n\n"
        r"Two classes end in one sigmoid unit, more in a softmax; either way $dZ^{[L]} = A^{[L]} - Y$. The boxes hold half of "
        r"a layer's numbers and the whiskers nine tenths, over at most 200 training examples."
    ),
    code=(mlp.initialize, mlp.forward, mlp.backward, Fleet.gradient, count, fit),
    presets={
        "No hidden layer": {"layers": 0},
        "One wide layer": {"layers": 1, "units": 32},
        "Six sigmoid layers": {"layers": 6, "activation": "sigmoid", "optimizer": "sgd", "rate": 0.1},
        "Cancer cells": {"examples": "breast-cancer", "layers": 2, "units": 16, "steps": 1000},
        "Digits": {"examples": "digits", "sizes": "32, 16", "activation": "relu", "batch": 64, "steps": 2000},
        "Suns and moons": {"examples": "suns", "layers": 1, "units": 9, "batch": 64, "steps": 1000},
        "Too fast": {"units": 32, "activation": "relu", "optimizer": "sgd", "rate": 30.0},
    },
    rows=(
        ("Boundary", "Confusion, dev set", "Network"),
        ("Cost", "First layer's weights"),
        ("Weights", "Activations", "Gradients"),
    ),
    listens=("click",),
    respond=draw,
)
