"""Ensembles: several networks, and several snapshots of one, their probabilities averaged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from engine.data.tables import MOST_CLASSES
from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import ensembles as figures
from engine.functional import mlp
from engine.functional.ensembles import log_loss, right, running_average
from engine.functional.mlp import Parameters
from engine.functional.optimizers import adam
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, examples, integer, number, toggle
from engine.results.ensembles import boundaries, ensemble, table
from engine.seeding import generator
from engine.training import Recipe, Step, fit, overflow, paced, recorded

SETS = PLANAR + TABULAR
MOST_TRAIN, DEV, BATCH = 2000, 1000, 32


class Ensembles(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "spiral", sets=SETS, help="Points on the plane, a table, small pictures, or your own table.", names=NAMES
    )
    members: int = integer(
        8, low=2, high=16, label="Members k", help="So many networks, and so many snapshots of a single one."
    )
    units: int = integer(6, low=1, high=32, label="Hidden units", help="Of each network's one hidden tanh layer.")
    steps: int = integer(
        800, low=100, high=4000, hint=(100, 2000, 100), label="Steps", help="Updates of each network, by Adam."
    )
    restarts: bool = toggle(
        False,
        label="Restart the rate",
        help="The run with snapshots lowers its rate to 0 and starts again before each, so that they differ more.",
    )
    noise: float = number(
        0.4, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.", more=True
    )
    points: int = integer(
        100,
        low=20,
        high=2000,
        label="Training examples",
        help="How many are made; 1,000 more make the dev set.",
        more=True,
    )
    rate: float = number(0.03, low=1e-4, high=1.0, log=True, label="Learning rate α", help="Of Adam.", more=True)


class Moment(NamedTuple):
    """All networks, and one network's parameters at its latest moments; the steps done and to do."""

    networks: Step
    snapshots: list[Parameters]
    history: list[Step]
    total: int


def schedule(params: Ensembles, cycle: int) -> Mapping[str, Any]:
    """The factor on the rate of the run with snapshots: half a cosine in each cycle, Loshchilov and Hutter 2017."""
    if not params.restarts:
        return {}
    return {"schedule": lambda step: (1 + math.cos(math.pi * (step % cycle) / cycle)) / 2}


def start(params: Ensembles, data: Data, member: int) -> Parameters:
    """Each member begins elsewhere."""
    sizes = (data.inputs, params.units, data.outputs)
    return [p.to(device()) for p in mlp.initialize(sizes, generator(params.seed, 100 + member), "xavier")]


def trained(params: Ensembles, data: Data) -> Iterator[Moment]:
    """The k networks, each with its own start and batches, and beside them one run that leaves k snapshots.

    Snapshots come from evenly spaced moments of the run's second half, or from the ends of its cycles.
    """
    k = params.members
    every = params.steps // (2 * k)
    total, own = 2 * k * every, [generator(params.seed, 200 + i) for i in range(k)]
    fleet = [torch.stack(layer) for layer in zip(*(start(params, data, i) for i in range(k)), strict=True)]
    recipe = Recipe("tanh", params.rate, adam, batch=BATCH)
    alone = Recipe("tanh", params.rate, adam, batch=BATCH, **schedule(params, 2 * every))
    many = fit(fleet, data.train, data.dev, recipe, total, every=every, generator=own)
    one = fit(
        start(params, data, 0), data.train, data.dev, alone, total, every=every, generator=generator(params.seed, 200)
    )
    snapshots: list[Parameters] = []
    for networks, history in zip(many, recorded(one), strict=False):
        number = len(history) - 1
        due = number % 2 == 0 if params.restarts else number > k
        snapshots += [history[-1].params] if due and number else []
        yield Moment(networks, snapshots or [history[-1].params], history, total)


def run(params: Ensembles) -> Frames:
    """About ten frames a second, from untrained networks to the last step."""
    data = load(params, generator(params.seed, 0), classes=MOST_CLASSES, dev=DEV)
    train, dev = ((x[:most], y[:most]) for (x, y), most in ((data.train, MOST_TRAIN), (data.dev, DEV)))
    data = replace(data, train=train, dev=dev)
    for moment in paced(trained(params, data)):
        yield frame(params, data, moment)


def frame(params: Ensembles, data: Data, moment: Moment) -> Frame:
    """Each alone and all together, both ways."""
    x, y = data.dev
    stacked = [torch.stack(layer) for layer in zip(*moment.snapshots, strict=True)]
    networks, snapshots = (ensemble(mlp.predict(p, x, "tanh"), y) for p in (moment.networks.params, stacked))
    why, remedy = overflow(moment.history, params.rate, layers=2)
    done = moment.networks.step
    return Frame(
        figures={
            **answers(moment.networks.params, stacked, data),
            "Each alone and averaged": figures.errors(networks, snapshots),
            "Average of the first k": figures.together(networks, snapshots, params.members),
        },
        says=(
            f"After {done:,} steps each: alone, the {params.members} networks get {networks.accuracy.mean():.1%} of the dev "
            f"set right and the snapshots {snapshots.accuracy.mean():.1%}; averaged, {networks.together[-1]:.1%} and "
            f"{snapshots.together[-1]:.1%}."
        ),
        metrics={
            "Networks, alone": f"{networks.accuracy.mean():.1%}",
            "Networks, averaged": f"{networks.together[-1]:.1%}",
            "Snapshots, alone": f"{snapshots.accuracy.mean():.1%}",
            "Snapshots, averaged": f"{snapshots.together[-1]:.1%}",
        },
        progress=1.0 if why else done / moment.total,
        diverged=why,
        remedy=remedy,
        tables={"On the dev set": table(networks, snapshots)},
    )


def answers(networks: Parameters, snapshots: Parameters, data: Data) -> Mapping[str, Any]:
    """Both averages' boundaries, where there is a plane to draw them on."""
    if not data.planar or data.outputs > 1:
        return {}
    named = {"Boundary": networks, "Boundary of the snapshots": snapshots}
    return {name: figures.boundary(boundaries(p, data.train, data.dev, "tanh")) for name, p in named.items()}


LAB = Lab(
    slug="ensembles",
    summary="Average the probabilities of several networks, and of several snapshots of one, and compare with each alone.",
    params=Ensembles,
    run=run,
    trains=True,
    look_for=(
        "The thin lines are the members' own boundaries: where they disagree, the average is unsure, and its boundary is "
        "smoother than any of theirs. Its cost is never above their mean cost, while its accuracy may lie below the best "
        "member's. Snapshots of one run cost nothing extra and are right together nearly where each is, because they are "
        "so alike. Restart the rate: do they differ more? And from how many networks on is their curve flat?"
    ),
    maths=(
        r"$$\bar p(c \mid x) = \frac{1}{k} \sum_{j=1}^{k} p_j(c \mid x), \qquad \hat y = \arg\max_c \bar p(c \mid x)$$"
        "\n\n"
        r"$$-\log \bar p(y \mid x) \le \frac{1}{k} \sum_j -\log p_j(y \mid x)$$"
        "\n\n"
        r"because $-\log$ is convex (Jensen). Members have starts and mini-batches of their own. "
        r"Snapshots are one run's parameters at $k$ moments of its second "
        r"half; with restarts the rate falls in each of $k$ cycles of $T$ steps to 0, "
        r"$\alpha_t = \tfrac{\alpha}{2}\big(1 + \cos \tfrac{\pi (t \bmod T)}{T}\big)$, "
        r"and a snapshot ends each (Huang et al. 2017)."
    ),
    code=(running_average, right, log_loss, mlp.predict, fit),
    presets={
        "Restarts": {"restarts": True},
        "Three networks": {"members": 3},
        "Weak members": {"units": 3, "members": 16},
        "Strong members": {"units": 32, "points": 1000},
        "Digits": {"examples": "digits", "units": 8, "members": 8, "steps": 400},
    },
    rows=(("Boundary", "Boundary of the snapshots"), ("Each alone and averaged", "Average of the first k")),
    listens=("click",),
    respond=draw,
)
