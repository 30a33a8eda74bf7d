"""L1 regularization: many strengths trained at once, beside L2, and how many weights each leaves at zero."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from engine.data.tables import MOST_CLASSES
from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import planar
from engine.figures import regularization as figures
from engine.figures.network import pictures
from engine.figures.theme import AMBER, BLUE, GREEN
from engine.functional import mlp
from engine.functional.regularization import l1_penalty
from engine.functional.sparsity import proximal, share_of_zeros, soft_threshold
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, examples, integer, number
from engine.results.network import weight_pictures
from engine.results.planar import boundary
from engine.results.regularization import sweep
from engine.seeding import generator
from engine.training import Fleet, Recipe, Step, accuracy, fit, paced, recorded
from engine.training.survivors import overflow_of_any, until_overflow, whole

# The penalties raced, each at every λ: both steps for L1, and L2.
KINDS = {"L1, proximal": BLUE, "L1, sign": GREEN, "L2": AMBER}
SWEPT = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
MOST = 2000


class L1(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "suns",
        sets=("suns", *(name for name in TABULAR if name != "suns"), *PLANAR),
        help="Small pictures, a table, points on the plane, or your own table.",
        names=NAMES,
    )
    strength: float = number(
        3.0,
        low=1e-4,
        high=100.0,
        hint=(0.01, 100.0, 0.01),
        log=True,
        label="Penalty λ",
        help="Which of the strengths trained side by side is in view.",
    )
    threshold: float = number(
        0.01,
        low=0.0,
        high=1.0,
        hint=(0.0, 0.1, 0.001),
        label="Counts as zero below",
        help="The size up to which a weight is counted; at 0 only exact zeros are.",
    )
    units: int = integer(
        2,
        low=0,
        high=64,
        hint=(0, 32, 1),
        label="Hidden units",
        help="Of the one tanh layer. With 0 it is a regression.",
    )
    rate: float = number(
        0.05, low=1e-4, high=10.0, hint=(0.001, 3.0, 0.001), log=True, label="Learning rate α", help="Size of a step."
    )
    steps: int = integer(
        500, low=1, high=10_000, hint=(100, 5000, 100), log=True, label="Steps", help="Number of updates."
    )


def strengths(chosen: float) -> list[float]:
    """The λ trained side by side, the chosen one among them."""
    return sorted({*SWEPT, chosen})


def penalties(swept: list[float]) -> dict[str, Tensor]:
    """λ of every network under each kind of penalty, (3k,): k networks of each kind, one after another."""
    each = torch.tensor(swept, device=device())
    none = torch.zeros_like(each)
    return {kind: torch.cat([each if k == kind else none for k in KINDS]) for kind in KINDS}


def run(params: L1) -> Frames:
    """About ten frames a second, from one common start to the last step."""
    data = load(params, generator(params.seed, 0), classes=MOST_CLASSES)
    # Of a large table of one's own no more than of a made set: every step moves two dozen networks.
    train, dev = ((x[:MOST], y[:MOST]) for x, y in (data.train, data.dev))
    data = replace(data, train=train, dev=dev)
    swept = strengths(params.strength)
    sizes = (data.inputs, *([params.units] if params.units else []), data.outputs)
    one = mlp.initialize(sizes, generator(params.seed, 1), "xavier")
    start = [torch.stack([p] * (len(KINDS) * len(swept))).to(device()) for p in one]
    lambdas = penalties(swept)
    shrink = Fleet(start, "tanh").spread(lambdas["L1, proximal"] / len(data.train[1]), weights_only=True)
    update = partial(proximal, strength=shrink)
    recipe = Recipe("tanh", params.rate, update, l1=lambdas["L1, sign"], l2=lambdas["L2"])
    steps = fit(start, data.train, data.dev, recipe, params.steps)
    for history in paced(recorded(until_overflow(steps))):
        yield frame(params, data, swept, history)


def frame(params: L1, data: Data, swept: list[float], history: list[Step]) -> Frame:
    """Zeros and errors by λ, and the first layer under L1 and L2 at the chosen one."""
    now = history[-1]
    shown = now if whole(now) else history[-2]
    weights, chosen, k = shown.params[::2], swept.index(params.strength), len(swept)
    zeros = share_of_zeros(weights, params.threshold).reshape(len(KINDS), k)
    wrong = (1 - accuracy(shown.params, data.dev, "tanh")).reshape(len(KINDS), k)
    at = {kind: i * k + chosen for i, kind in enumerate(KINDS)}
    counted = dict(zip(KINDS, zeros[:, chosen].tolist(), strict=True))
    exact = float(share_of_zeros(weights)[at["L1, proximal"]])
    used = int((weights[0][at["L1, proximal"]] != 0).any(0).sum())
    found = {
        "Zero weights by λ": by_strength(swept, zeros, params, "zero weights", yaxis={"range": [-0.02, 1.02]}),
        "Dev error by λ": by_strength(swept, wrong, params, "dev error"),
    }
    if data.planar and data.outputs == 1:
        network = [p[at["L1, proximal"]] for p in shown.params]
        found["Boundary"] = planar.boundary(boundary(network, data.train, data.dev, "tanh"))
    found |= first_layers(weights[0][at["L1, proximal"]], weights[0][at["L2"]], data)
    why, remedy = overflow_of_any(now, params.rate, swept[-1], len(data.train[1]))
    return Frame(
        figures=found,
        says=(
            f"After {shown.step:,} steps at λ = {params.strength:g}, {counted['L1, proximal']:.0%} of the weights are zero "
            f"under L1 and {counted['L2']:.0%} under L2, with dev errors of {float(wrong[0, chosen]):.1%} and "
            f"{float(wrong[2, chosen]):.1%}; L1 still looks at {used} of {data.inputs} inputs."
        ),
        metrics={
            "Zero under L1": f"{counted['L1, proximal']:.0%}",
            "Exactly zero": f"{exact:.0%}",
            "Zero under L2": f"{counted['L2']:.0%}",
            "Inputs in use": f"{used} of {data.inputs}",
        },
        progress=now.step / params.steps if whole(now) else 1.0,
        diverged=why,
        remedy=remedy,
    )


def first_layers(one: Tensor, other: Tensor, data: Data) -> dict[str, Any]:
    """W (units, n) under L1 and under L2: as pictures where the inputs are pictures, else as rows in one colour scale."""
    layers = dict(zip(("First layer under L1", "First layer under L2"), (one, other), strict=True))
    if data.picture:
        return {title: pictures(weight_pictures(W, data.picture)) for title, W in layers.items()}
    reach = max(float(W.abs().max()) for W in layers.values()) or 1.0
    return {title: figures.rows(W.numpy(force=True), data.features, reach) for title, W in layers.items()}


def by_strength(swept: list[float], values: Tensor, params: L1, y: str, **layout: Any) -> Any:
    """One number (kinds, k) of every network against its λ."""
    result = sweep(tuple(KINDS), swept, list(values), params.strength)
    return figures.sweep(result, "λ", y, KINDS, dotted=("L1, sign",), **layout)


LAB = Lab(
    slug="l1",
    summary="Train one network under many strengths of L1 and L2 at once, and count the weights that each leaves at zero.",
    params=L1,
    run=run,
    trains=True,
    look_for=(
        "Both penalties shrink weights, but L2 pulls a small weight only a little, so it never arrives; L1 pulls every "
        "weight equally hard, so most land on zero and whole inputs drop out. Taken as plain descent on |w|, with the sign "
        "as the slope, a weight jumps across zero at each step by αλ/m; the proximal step stops it there. Set the "
        "threshold to 0: which curve stays up? And how many of the biopsies' 30 measurements can go before the error grows?"
    ),
    maths=(
        r"$$J = \frac{1}{m} \sum_i L(\hat y^{(i)}, y^{(i)}) + \frac{\lambda}{m} \sum_l \sum_{i,j} \big|w_{ij}^{[l]}\big|, "
        r"\qquad dW = (\text{from backpropagation}) + \frac{\lambda}{m} \operatorname{sign}(W)$$"
        "\n\n"
        r"The proximal step descends on the cross-entropy alone and then shrinks: "
        r"$$w := \operatorname{sign}(u)\, \max\!\Big(|u| - \frac{\alpha\lambda}{m},\, 0\Big), \qquad "
        r"u = w - \alpha\, (\text{from backpropagation})$$"
        "\n\n"
        r"Some write $\lambda / 2m$ here as for L2; that only renames $\lambda$. Biases aren't penalized."
    ),
    code=(l1_penalty, proximal, soft_threshold, share_of_zeros, fit),
    presets={
        "Only exact zeros": {"threshold": 0.0},
        "Strong": {"strength": 30.0},
        "Biopsies": {"examples": "breast-cancer", "units": 8, "rate": 0.5, "strength": 1.0, "steps": 1500},
        "A regression": {"examples": "breast-cancer", "units": 0, "rate": 0.5, "steps": 1500},
        "Moons": {"examples": "moons", "units": 16, "points": 100, "rate": 0.5, "strength": 0.3, "steps": 1500},
    },
    rows=(("Zero weights by λ", "Dev error by λ", "Boundary"), ("First layer under L1", "First layer under L2")),
    listens=("click",),
    respond=draw,
)
