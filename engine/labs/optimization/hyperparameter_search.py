"""Hyperparameter search: many networks trained at once and ranked, beside a single one that is watched and nudged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from torch import Tensor

from engine.data.tables import MOST_CLASSES
from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import planar
from engine.figures import search as figures
from engine.functional import mlp
from engine.functional.mlp import Parameters
from engine.functional.optimizers import momentum
from engine.functional.search import Range, grid, sampled
from engine.lab import Event, Frame, Frames, Lab
from engine.params import ExamplesSource, Span, choice, examples, integer, number, span, toggle
from engine.results.curves import loss_curves
from engine.results.planar import boundary
from engine.results.search import Panda, Search, joined, ranked, search
from engine.seeding import generator
from engine.training import Fleet, Recipe, Step, accuracy, fit, paced

SETS = PLANAR + TABULAR
MOST_TRAIN, MOST_DEV = 2000, 1000
MEASURED, BATCH, RANKED = 50, 64, 25
BETA, DECAY = (0.0, 0.999), (0.01, 100.0)
PANDA_BETA = 0.9
HYPERPARAMETERS = ("rate α", "β", "λ")
DAYS, SLOWEST, FASTEST = 5, 1e-4, 10.0


def _day(day: int) -> Any:
    """The panda's rate on one day."""
    tip = "A click on the panda's upper half sets it too."
    label = f"Panda's rate, day {day}"
    return number(0.01, low=SLOWEST, high=FASTEST, log=True, label=label, help=tip, more=True)


class HyperparameterSearch(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "flower", sets=SETS, help="Points on the plane, a table, small pictures, or your own table.", names=NAMES
    )
    way: Literal["random", "grid"] = choice(
        "random", label="Settings", help="Drawn at random, or all combinations of a few values."
    )
    scale: Literal["log", "linear"] = choice(
        "log",
        label="Scale",
        help="What is drawn evenly: the logarithms of α and of 1 − β, or α and β themselves.",
        names={"log": "Logarithmic"},
    )
    side: int = integer(
        4,
        low=2,
        high=5,
        label="Values a side",
        help="Of the grid over three hyperparameters; random gets as many networks.",
    )
    zoom: bool = toggle(
        True, label="Coarse to fine", help="A second round, in a quarter of each range around the best."
    )
    steps: int = integer(
        500,
        low=50,
        high=3000,
        hint=(50, 2000, 50),
        label="Steps",
        help="Updates of each network, the panda's five days.",
    )
    decades: Span = span(
        (-4.0, 1.0),
        low=-6.0,
        high=2.0,
        step=0.5,
        label="Rates from 10^ to 10^",
        help="Where to look for the rate α.",
        more=True,
    )
    units: int = integer(8, low=1, high=32, label="Hidden units", help="Of the one hidden tanh layer.", more=True)
    day_1: float = _day(1)
    day_2: float = _day(2)
    day_3: float = _day(3)
    day_4: float = _day(4)
    day_5: float = _day(5)


class Round(NamedTuple):
    """Networks under one round's settings (n, 3): their latest step, and the dev costs (n,) of all steps so far."""

    settings: Tensor
    step: Step
    costs: list[Tensor]


def ranges(params: HyperparameterSearch) -> list[Range]:
    """Where to look for the rate, for β and for λ."""
    low, high = (10.0**power for power in params.decades)
    log = params.scale == "log"
    return [
        Range(low, high, "log" if log else "linear"),
        Range(*BETA, "one minus" if log else "linear"),
        Range(*DECAY, "log"),
    ]


def drawn(params: HyperparameterSearch, where: list[Range], turn: int) -> Tensor:
    """One round's settings, (side³, 3) either way."""
    if params.way == "grid":
        return grid(where, params.side)
    return sampled(where, params.side ** len(where), generator(params.seed, 10 + turn))


def start(params: HyperparameterSearch, data: Data) -> Parameters:
    """The one network that all begin as, so that settings alone make the difference."""
    sizes = (data.inputs, params.units, data.outputs)
    return [p.to(device()) for p in mlp.initialize(sizes, generator(params.seed, 1), "xavier")]


def caviar(params: HyperparameterSearch, data: Data, settings: Tensor) -> Iterator[Step]:
    """All networks of a round trained at once, with the same batches."""
    many = [p.expand(len(settings), *p.shape) for p in start(params, data)]
    rate, beta, decay = settings.float().to(device()).T
    update = partial(momentum, beta=Fleet(many, "tanh").spread(beta))
    return _fitted(params, data, many, Recipe("tanh", rate, update, l2=decay, batch=BATCH))


def panda(params: HyperparameterSearch, data: Data) -> Iterator[Step]:
    """One network whose rate changes from day to day."""
    rates, day = days(params), params.steps / DAYS
    update = partial(momentum, beta=PANDA_BETA)
    recipe = Recipe("tanh", 1.0, update, lambda step: rates[min(int(step / day), DAYS - 1)], batch=BATCH)
    return _fitted(params, data, start(params, data), recipe)


def _fitted(params: HyperparameterSearch, data: Data, begin: Parameters, recipe: Recipe) -> Iterator[Step]:
    every = max(1, params.steps // MEASURED)
    return fit(begin, data.train, data.dev, recipe, params.steps, every=every, generator=generator(params.seed, 2))


def days(params: HyperparameterSearch) -> tuple[float, ...]:
    """The panda's rate on each day."""
    return tuple(getattr(params, f"day_{day}") for day in range(1, DAYS + 1))


def rounds(params: HyperparameterSearch, data: Data) -> Iterator[tuple[list[Round], list[Step], list[Range]]]:
    """All rounds so far, the panda's steps so far, and the ranges of the second round once there is one."""
    where, done, zoomed = ranges(params), [], []  # type: list[Range], list[Round], list[Range]
    watched: list[Step] = []
    pet = panda(params, data)
    for turn in range(1, 2 + params.zoom):
        settings = drawn(params, zoomed or where, turn)
        costs: list[Tensor] = []
        for step in caviar(params, data, settings):
            costs.append(step.dev)
            watched += [at for at in (next(pet, None),) if at]
            yield [*done, Round(settings, step, costs)], watched, zoomed
        done.append(Round(settings, step, costs))
        best = settings[costs[-1].nan_to_num(math.inf, math.inf).argmin()].tolist()
        zoomed = [each.zoomed(x) for each, x in zip(where, best, strict=True)]


def run(params: HyperparameterSearch) -> Frames:
    """About ten frames a second, from untrained networks to the last step of the last round."""
    data = load(params, generator(params.seed, 0), classes=MOST_CLASSES)
    train, dev = ((x[:most], y[:most]) for (x, y), most in ((data.train, MOST_TRAIN), (data.dev, MOST_DEV)))
    data = replace(data, train=train, dev=dev)
    for found, watched, zoomed in paced(rounds(params, data)):
        yield frame(params, data, found, watched, zoomed)


def measured(found: Round, turn: int, params: HyperparameterSearch, data: Data) -> Search:
    """One round's numbers."""
    planned = np.unique([*range(0, params.steps, max(1, params.steps // MEASURED)), params.steps])
    right = accuracy(found.step.params, data.dev, "tanh")
    return search(HYPERPARAMETERS, found.settings, found.costs, right, turn, planned, math.log(max(2, data.outputs)))


def frame(
    params: HyperparameterSearch, data: Data, found: list[Round], watched: list[Step], zoomed: list[Range]
) -> Frame:
    """Where all networks and the panda stand."""
    result = joined([measured(each, turn, params, data) for turn, each in enumerate(found, 1)])
    where, best = ranges(params), int(result.order[0])
    setting, cost = result.settings[best], float(result.dev[best])
    own = params.side**3 * (int(result.round[best]) - 1)
    weights = [p[best - own] for p in found[result.round[best] - 1].step.params]
    dead = not math.isfinite(cost)
    told = f"α = {setting[0]:.3g}, β = {setting[1]:.4g} and λ = {setting[2]:.3g}"
    pet = watched_panda(watched, params)
    slow = int((result.settings[:, 0] < 0.1).sum())
    return Frame(
        figures={
            "Settings tried": figures.samples(result, where, zoomed if len(found) > 1 else []),
            "Parallel coordinates": figures.parallel(result, where),
            "Caviar: many at once": figures.caviar(result, params.steps),
            "Panda: one, watched": figures.panda(pet, SLOWEST, FASTEST, cost),
            **answers(weights, data),
        },
        says=(
            f"Of {len(result.dev)} networks the best has {told}: dev cost {cost:.4f}, dev accuracy "
            f"{result.accuracy[best]:.1%}. The panda has come to {pet.dev[-1]:.4f}."
        ),
        metrics={
            "Best dev cost": f"{cost:.4f}",
            "Best rate α": f"{setting[0]:.3g}",
            "Different rates": f"{len(np.unique(result.settings[:, 0]))} of {len(result.dev)}",
            "Rates below 0.1": f"{slow} of {len(result.dev)}",
        },
        progress=1.0 if dead else (len(found) - 1 + found[-1].step.step / params.steps) / (1 + params.zoom),
        tables={f"The best {min(RANKED, len(result.dev))} of {len(result.dev)}": ranked(result, RANKED)},
        diverged="Every network overflowed: all the rates are too high. Look among lower ones." if dead else "",
        remedy={"decades": (-4.0, 0.0)} if dead else {},
    )


def answers(weights: Parameters, data: Data) -> Mapping[str, Any]:
    """The best network's boundary, where there is a plane to draw it on."""
    if not data.planar or data.outputs > 1:
        return {}
    return {"Boundary": planar.boundary(boundary(weights, data.train, data.dev, "tanh"))}


def watched_panda(steps: list[Step], params: HyperparameterSearch) -> Panda:
    """The panda's curves so far."""
    curves = loss_curves(steps)
    return Panda(curves.steps, curves.train, curves.dev, days(params), params.steps)


def respond(params: HyperparameterSearch, event: Event) -> Mapping[str, Any]:
    """A click on the panda's upper half sets that day's rate; one on the boundary draws."""
    if event.figure != "Panda: one, watched":
        return draw(params, event)
    if not (0 <= event.x < params.steps and SLOWEST <= event.y <= FASTEST):
        return {}
    return {f"day_{int(event.x / params.steps * DAYS) + 1}": float(f"{event.y:.2g}")}


LAB = Lab(
    slug="hyperparameter-search",
    summary="Search three hyperparameters with many networks at once, and nurse a single one day by day beside them.",
    params=HyperparameterSearch,
    run=run,
    trains=True,
    look_for=(
        "A grid of 64 networks tries only 4 rates, and what the other two hyperparameters do hardly matters; 64 random "
        "settings try 64. On a linear scale nine rates in ten lie in the top decade and nine β in ten below 0.9. Read the "
        "parallel coordinates from the right: through which rates do the best tenth pass, and do they agree on λ? Then "
        "click into the panda's upper half: which rates, day by day, bring one network to the dotted line?"
    ),
    maths=(
        r"$$\alpha = 10^{r}, \quad r \sim U(\log_{10} a, \log_{10} b), \qquad \beta = 1 - 10^{-s}, \quad s \sim U(0, 3)$$"
        "\n\n"
        r"With momentum $v := \beta v + \partial J$, $\; \theta := \theta - \alpha v$, a gradient counts for about "
        r"$1 / (1 - \beta)$ steps: from $\beta = 0.9$ to $0.9005$ nothing changes, from $0.999$ to $0.9995$ the average "
        r"doubles in length. That is why $1 - \beta$ is drawn on the log scale. The course averages instead, "
        r"$v := \beta v + (1-\beta)\,\partial J$, which is the same path at the rate $\alpha / (1 - \beta)$. L2's $\lambda$ "
        r"is searched between $0.01$ and $100$."
        "\n\n"
        r"All networks of a round start alike, see the same mini-batches of 64, and train as one batch of tensors, as "
        r"caviar does with its eggs. The panda rears one child: its rate is constant for a fifth of the steps, a day."
    ),
    code=(Range.at, sampled, grid, Range.zoomed, momentum, fit),
    presets={
        "Grid": {"way": "grid"},
        "Linear scale": {"scale": "linear"},
        "125 networks": {"side": 5, "zoom": False},
        "A nursed panda": {"day_1": 0.05, "day_2": 0.2, "day_3": 0.2, "day_4": 0.1, "day_5": 0.02},
        "Spiral": {"examples": "spiral"},
        "Digits": {"examples": "digits", "zoom": False, "steps": 200},
    },
    rows=(("Settings tried", "Parallel coordinates"), ("Caviar: many at once", "Panda: one, watched"), ("Boundary",)),
    listens=("click",),
    respond=respond,
)
