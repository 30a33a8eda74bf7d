"""Inverted dropout: two networks from one start, one of which loses random units at every pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.data.planar import Examples
from engine.device import device
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, draw, load
from engine.figures import curves, planar
from engine.figures import regularization as figures
from engine.figures.theme import DEV, GREY, TRAIN
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.functional.regularization import dropout_mask, inverted_dropout
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, examples, integer, number
from engine.results.curves import Race
from engine.results.planar import boundary
from engine.results.regularization import Masks
from engine.seeding import generator
from engine.training import Fleet, Recipe, Step, accuracy, fit, overflow, paced, recorded

COLORS = {"one pass": GREY, "train": TRAIN, "dev": DEV}
SHOWN, AVERAGED = 24, 10_000
LOW = 320


class Dropout(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("moons", sets=PLANAR, help="Two classes of points.", names=NAMES)
    noise: float = number(
        0.3, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.", more=True
    )
    points: int = integer(100, low=20, high=1000, label="Training examples", help="Few, so that there is noise to fit.")
    keep1: float = number(
        0.8,
        low=0.05,
        high=1.0,
        label="Kept in layer 1",
        help="The probability that a unit of the layer stays in a pass.",
    )
    keep2: float = number(
        0.5, low=0.05, high=1.0, label="Kept in layer 2", help="At 1 nothing is dropped from the layer."
    )
    units: int = integer(
        32, low=1, high=100, hint=(1, 64, 1), label="Units a layer", help="Of each of the two hidden tanh layers."
    )
    rate: float = number(
        0.01, low=1e-5, high=1.0, hint=(1e-4, 0.3, 1e-4), log=True, label="Learning rate α", help="Of Adam."
    )
    steps: int = integer(
        1500, low=1, high=10_000, hint=(100, 5000, 100), log=True, label="Steps", help="Number of updates.", more=True
    )

    @property
    def keep(self) -> tuple[float, float]:
        """Of both layers."""
        return self.keep1, self.keep2


class Pair(NamedTuple):
    """Both networks after as many updates; the masks (n_l, m) that the next pass draws, and the cost under them."""

    without: Step
    dropped: Step
    masks: list[Tensor]
    cost: Tensor


def next_masks(random: torch.Generator, units: int, m: int, keep: Sequence[float]) -> list[Tensor]:
    """The masks that ``random`` is about to give a training, which it then still gives."""
    ahead = torch.Generator()
    ahead.set_state(random.get_state())
    return [dropout_mask((units, m), k, ahead).to(device()) for k in keep]


def masked_logits(weights: mlp.Parameters, x: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """z (m,) of one pass through the thinned network."""
    return mlp.forward(weights, x, "tanh", [mask.mT for mask in masks])[-1]


def pairs(params: Dropout, data: Data) -> Iterator[Pair]:
    """Both trainings, step by step, from one start on all examples at once."""
    sizes = (2, params.units, params.units, 1)
    start = [p.to(device()) for p in mlp.initialize(sizes, generator(params.seed, 1), "xavier")]
    random, m = generator(params.seed, 2), len(data.train[1])
    plain, thinned = Recipe("tanh", params.rate, adam), Recipe("tanh", params.rate, adam, keep=params.keep)
    without = fit(start, data.train, data.dev, plain, params.steps)
    dropped = fit(start, data.train, data.dev, thinned, params.steps, generator=random)
    for one, other in zip(without, dropped, strict=False):
        masks = next_masks(random, params.units, m, params.keep)
        yield Pair(one, other, masks, mlp.cost(masked_logits(other.params, data.train[0], masks), data.train[1]))


def kept_on_average(a: Tensor, keep: float, seed: int) -> float:
    """The mean of 10,000 inverted dropouts of activations a (n,), as a share of a along its own direction."""
    mean = inverted_dropout(a.cpu().expand(AVERAGED, -1), keep, generator(seed, 3))[0].mean(0)
    return float(mean @ a.cpu() / (a @ a).cpu().clamp(min=1e-12))


def averages(weights: mlp.Parameters, x: Tensor, params: Dropout) -> list[float]:
    """:func:`kept_on_average` of both hidden layers of one example x (1, 2)."""
    layers = mlp.forward(weights, x, "tanh")[1:-1]
    return [kept_on_average(a[0], keep, params.seed) for a, keep in zip(layers, params.keep, strict=True)]


def left_on(weights: mlp.Parameters, dev: Examples, params: Dropout) -> float:
    """The dev accuracy of a single pass that drops units as in training."""
    masks = next_masks(generator(params.seed, 4), params.units, len(dev[1]), params.keep)
    return float(((masked_logits(weights, dev[0], masks)[:, 0] > 0) == (dev[1] == 1)).float().mean())


def run(params: Dropout) -> Frames:
    """About ten frames a second, from the common start to the last step."""
    data = load(params, generator(params.seed, 0))
    for history in paced(recorded(pairs(params, data))):
        yield frame(params, data, history)


def frame(params: Dropout, data: Data, history: list[Pair]) -> Frame:
    """Both networks as they answer at test time, and the masks of the pass to come."""
    now = history[-1]
    finite = now.without.finite and now.dropped.finite
    kept = history if finite else history[:-1]
    shown = kept[-1]
    without, dropped = shown.without.params, shown.dropped.params
    right = [float(accuracy(weights, data.dev, "tanh")) for weights in (without, dropped)]
    average = averages(dropped, data.train[0][:1], params)
    in_pass = [float((mask > 0).float().mean()) for mask in shown.masks]
    J = [float(step.dev) for step in (shown.without, shown.dropped)]
    at_test = left_on(dropped, data.dev, params)
    why, remedy = overflow([e.dropped if now.without.finite else e.without for e in history], params.rate, 3)
    return Frame(
        figures={
            "Masks": figures.masks(
                Masks(tuple((mask[:, :SHOWN] > 0).float().numpy(force=True) for mask in shown.masks))
            ),
            "Boundary": planar.boundary(boundary(dropped, data.train, data.dev, "tanh")),
            "Boundary without": planar.boundary(boundary(without, data.train, data.dev, "tanh")),
            **costs(kept, params.steps),
        },
        says=(
            f"After {shown.dropped.step:,} steps {right[0]:.1%} of the dev examples are right without dropout and "
            f"{right[1]:.1%} with it, at dev costs of {J[0]:.3g} and {J[1]:.3g}; were units still dropped at test time, it "
            f"would be {at_test:.1%}."
        ),
        metrics={
            "Dev accuracy": f"{right[0]:.1%} → {right[1]:.1%}",
            "Left on at test": f"{at_test:.1%}",
            "Kept in this pass": " and ".join(f"{share:.0%}" for share in in_pass),
            "Average activation": " and ".join(f"{share:.1%}" for share in average),
        },
        progress=now.dropped.step / params.steps if finite else 1.0,
        diverged=why,
        remedy=remedy,
    )


def costs(history: list[Pair], last: int) -> dict[str, Any]:
    """The cost curves of both: with dropout also of single thinned passes."""
    at = np.array([pair.dropped.step for pair in history], np.float32)
    columns = {
        "Cost": [(pair.cost, pair.dropped.train, pair.dropped.dev) for pair in history],
        "Cost without": [(pair.without.train, pair.without.dev) for pair in history],
    }
    rows = {title: torch.tensor(values).numpy(force=True).T for title, values in columns.items()}
    names, top = tuple(COLORS), 1.05 * max(float(v.max()) for v in rows.values())
    layout = {"yaxis": {"type": "linear", "range": [0, top]}, "height": LOW}
    return {t: curves.race(Race(names[-len(v) :], at, v), last, COLORS, **layout) for t, v in rows.items()}


LAB = Lab(
    slug="dropout",
    summary="Train with random units missing from every pass, beside the same network with all of them.",
    params=Dropout,
    run=run,
    trains=True,
    look_for=(
        "Each column of the masks is one example: it meets its own thinned network, and a new one at the next pass, so no "
        "unit can rely on another. The cost of a single pass is noisy for that reason; train and dev are measured with "
        "dropout off, as at test time. Kept activations are divided by the keep probability, which holds their average. "
        "Set both to 1: which curves become one? How low may the second layer go before the network underfits?"
    ),
    maths=(
        r"$$D^{[l]}_{ij} = \mathbf 1[u_{ij} < k_l], \quad u_{ij} \sim U(0, 1), \qquad "
        r"A^{[l]} := \frac{A^{[l]} * D^{[l]}}{k_l}, \qquad \mathbb E\big[A^{[l]} * D^{[l]} / k_l\big] = A^{[l]}$$"
        "\n\n"
        r"Backward the same mask is used: $dA^{[l]} := dA^{[l]} * D^{[l]} / k_l$. At test time nothing is dropped and nothing "
        r"scaled. Each pass descends on another cost, so $J$ doesn't fall steadily; with $k_l = 1$ it has to."
        "\n\n"
        r"The average activation above is measured: the mean of one example's activations under 10,000 masks, along the "
        r"unmasked ones."
    ),
    code=(dropout_mask, inverted_dropout, next_masks, Fleet.gradient, fit),
    presets={
        "Off": {"keep1": 1.0, "keep2": 1.0},
        "Half of everything": {"keep1": 0.5, "keep2": 0.5},
        "Too much": {"keep1": 0.1, "keep2": 0.1},
        "Circles": {"examples": "circles", "noise": 0.2},
    },
    rows=(("Masks", "Boundary", "Boundary without"), ("Cost", "Cost without")),
    listens=("click",),
    respond=draw,
)
