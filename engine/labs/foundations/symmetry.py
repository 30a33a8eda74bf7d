"""Three starts of one network side by side: all zeros, all the same, and random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from engine.data.planar import Examples
from engine.device import device
from engine.examples import NAMES, PLANAR, PlanarExamples, draw, load
from engine.figures import curves, layers, planar
from engine.figures.theme import AMBER, BLUE, GREY
from engine.functional import mlp, unitwise
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.params import ExamplesSource, choice, examples, integer, number
from engine.results.curves import race
from engine.results.layers import unit_rows
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import POINTS, Fleet, Step, accuracy, batches, cost, overflow, paced, recorded

STARTS = {"zero": GREY, "constant": AMBER, "random": BLUE}
BOUNDARIES = tuple(f"Boundary, {name} start" for name in STARTS)
ROWS = tuple(f"Units, {name} start" for name in STARTS)


class Symmetry(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("flower", sets=PLANAR, help="Two classes of points on the plane.", names=NAMES)
    units: int = integer(4, low=2, high=20, label="Hidden units", help="Each has a row of W.")
    activation: Literal["tanh", "relu", "sigmoid"] = choice(
        "tanh", label="Activation", help="What a unit makes of its weighted sum.", names={"relu": "ReLU"}
    )
    constant: float = number(
        0.5, low=-3.0, high=3.0, hint=(-2.0, 2.0, 0.1), label="The constant", help="Every weight of the constant start."
    )
    start: float = number(
        0.3, low=1e-4, high=10.0, log=True, label="Random scale", help="Deviation of the random start's weights."
    )
    rate: float = number(1.2, low=1e-4, high=30.0, log=True, label="Learning rate α", help="Step size along the slope.")
    batch: int = integer(0, low=0, high=1000, label="Mini-batch", help="Examples an update, 0 for all.", more=True)
    steps: int = integer(
        3000, low=1, high=20_000, hint=(100, 10_000, 100), log=True, label="Steps", help="Number of updates.", more=True
    )


def starts(params: Symmetry) -> mlp.Parameters:
    """The three networks as a fleet: W1 (3, units, 2), b1 (3, units), W2 (3, 1, units), b2 (3, 1); every bias is zero."""
    random = mlp.initialize((2, params.units, 1), generator(params.seed, 1), params.start)
    constant = [torch.full_like(p, params.constant) if p.dim() == 2 else p for p in random]
    return [torch.stack([torch.zeros_like(r), c, r]).to(device()) for c, r in zip(constant, random, strict=True)]


@torch.inference_mode()
def descend(
    weights: mlp.Parameters, train: Examples, dev: Examples, params: Symmetry, random: torch.Generator
) -> Iterator[Step]:
    """Gradient descent on all three, on the same batches; it ends where the first of them overflows."""
    drawn = batches((train[0].mT, train[1]), params.batch, random)
    for step in range(params.steps + 1):
        if step % max(1, params.steps // POINTS) == 0 or step == params.steps:
            costs = [cost(weights, part, params.activation) for part in (train, dev)]
            if not torch.isfinite(costs[0]).all():
                costs[0] = torch.full_like(costs[0], torch.inf)
            fleet = Fleet(weights, params.activation)
            yield (now := Step(step, fleet, fleet.flat, *costs))
            if not now.finite:
                return
        x, y = next(drawn)
        slopes = unitwise.gradient(weights, x.mT, y, params.activation)
        # Two operations: one that rounds once could round differently at the end of a row.
        weights = [w - params.rate * s for w, s in zip(weights, slopes, strict=True)]


def run(params: Symmetry) -> Frames:
    """About ten frames a second, from the three starts to the last step."""
    random = generator(params.seed, 0)
    data = load(params, random)
    for history in paced(recorded(descend(starts(params), data.train, data.dev, params, random))):
        yield frame(params, history, data.train, data.dev)


def frame(params: Symmetry, history: list[Step], train: Examples, dev: Examples) -> Frame:
    """The units, the boundary and the cost of each of the three."""
    now = history[-1]
    shown = now if now.finite else history[-2]
    networks = [[part[i] for part in shown.params] for i in range(len(STARTS))]
    units = [unit_rows(network, ("w₁", "w₂")) for network in networks]
    reach = max(float(np.abs(found.rows).max()) for found in units) or 1.0
    right = accuracy(shown.params, train, params.activation).tolist()
    why, remedy = overflow(history, params.rate, layers=2, scale="start")
    return Frame(
        figures={
            **{title: layers.rows(found, reach) for title, found in zip(ROWS, units, strict=True)},
            **{title: small_boundary(n, train, dev, params) for title, n in zip(BOUNDARIES, networks, strict=True)},
            "Cost": curves.race(race(tuple(STARTS), history), params.steps, STARTS),
        },
        says=(
            f"After {shown.step:,} steps the distinct units of {params.units} are {units[0].kinds} under the zero start, "
            f"{units[1].kinds} under the constant and {units[2].kinds} under the random one, which put {right[0]:.0%}, "
            f"{right[1]:.0%} and {right[2]:.0%} of the training examples in their class."
        ),
        metrics={
            **{f"Distinct, {name}": f"{u.kinds} of {params.units}" for name, u in zip(STARTS, units, strict=True)},
            "Step": f"{now.step:,} of {params.steps:,}",
        },
        progress=now.step / params.steps if now.finite else 1.0,
        diverged=why,
        remedy=remedy,
    )


def small_boundary(network: mlp.Parameters, train: Examples, dev: Examples, params: Symmetry) -> Any:
    """One of three boundaries side by side."""
    drawn = planar.boundary(boundary(network, train, dev, params.activation))
    drawn.layout.update(layers.SMALL, showlegend=False)
    return drawn


def respond(params: Symmetry, event: Event) -> Mapping[str, Any]:
    """A click on any of the three boundaries draws."""
    return draw(params, replace(event, figure="Boundary")) if event.figure in BOUNDARIES else {}


def randn_tuple(params: Symmetry) -> Mistake:
    """What NumPy makes of a size given as a tuple, and of separate sizes."""
    random = np.random.RandomState(params.seed)
    try:
        wrong = f"np.random.randn((2, 2)) * 0.01 gives {random.randn((2, 2)) * 0.01}."  # type: ignore[call-overload]
    except TypeError as error:
        wrong = f"np.random.randn((2, 2)) * 0.01 raises TypeError: {error}."
    W = np.round(random.randn(2, 2) * 0.01, 4).tolist()
    return Mistake(wrong, f"np.random.randn(2, 2) * 0.01 gives W = {W}.")


LAB = Lab(
    slug="symmetry",
    summary="Start one network three ways and see why weights must begin random: equal units stay equal for ever.",
    params=Symmetry,
    run=run,
    trains=True,
    look_for=(
        "Each row of the maps is one hidden unit. Under the zero and the constant start all units get the same gradient at "
        "every step, so their rows stay the same to the last bit, and the whole layer can do no more than a single unit. "
        "Zero biases are fine: random weights alone break the tie. With tanh the zero start doesn't move at all, but with "
        "the sigmoid it does. Why, and does that break the symmetry?"
    ),
    maths=(
        r"If two rows of $W^{[1]}$, their biases and their outgoing weights are equal, then $a_1^{[1]} = a_2^{[1]}$ and"
        "\n\n"
        r"$$dz_1^{[1]} = w_1^{[2]} \, dz^{[2]} \, g'(z_1^{[1]}) = dz_2^{[1]}, \qquad "
        r"dW^{[1]}_{1,:} = \tfrac{1}{m} \sum_i dz_1^{[1](i)} x^{(i)T} = dW^{[1]}_{2,:}$$"
        "\n\n"
        r"so they are equal after the step too, and by induction for ever. The cure is "
        r"$W^{[1]} \sim \mathcal{N}(0, \sigma^2)$ with a small $\sigma$; $b^{[1]} = 0$ may stay. "
        r"Each unit is computed here by the same operations in the same order, because a fast matrix product rounds its "
        r"rows differently and would tear equal rows apart in their last digits."
    ),
    code=(unitwise.forward, unitwise.gradient, starts, descend),
    presets={
        "Sigmoid moves": {"activation": "sigmoid"},
        "ReLU": {"activation": "relu", "rate": 0.5, "units": 10},
        "Many units": {"units": 20},
        "Two units, XOR": {"examples": "xor", "units": 2},
        "Nearly zero": {"start": 1e-4, "rate": 0.1},
        "Too fast": {"activation": "relu", "rate": 30.0},
    },
    mistakes={"randn-tuple": randn_tuple},
    rows=(ROWS, BOUNDARIES, ("Cost",)),
    listens=("click",),
    respond=respond,
)
