"""Hyperparameter search: many networks at once over grid or random points, coarse to fine, and one that is babysat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.device import device
from engine.errors import BadInput
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, load
from engine.figures import search as figures
from engine.functional import mlp
from engine.functional.optimizers import momentum
from engine.functional.search import Range, grid, random, zoom
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, choice, examples, integer, text, toggle
from engine.results.search import Trials
from engine.seeding import generator
from engine.training import Fleet, Recipe, Step, accuracy, fit, paced

COLUMNS = ("rate α", "1 − β", "λ")
SPANS: tuple[Range, ...] = ((1e-3, 30.0), (1e-3, 1.0), (1e-3, 30.0))
ZOOM = 0.3
TOP = 10
HIDDEN = (8, 8)
BATCH = 32


class HyperparameterSearch(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "flower", sets=PLANAR + TABULAR, help="What to learn: your own table too.", names=NAMES
    )
    search: Literal["random", "grid"] = choice("random", label="Search", help="Draw points, or take every combination.")
    scale: Literal["log", "linear"] = choice(
        "log", label="Scale", help="Spread the values evenly in ratios, or evenly."
    )
    fine: bool = toggle(True, label="Coarse to fine", help="Search again, as many, around the best of the first round.")
    per_axis: int = integer(
        4, low=2, high=5, label="Values an axis", help="n values of 3 hyperparameters: n³ networks."
    )
    steps: int = integer(
        400, low=10, high=5000, hint=(50, 2000, 50), log=True, label="Steps", help="Updates of each network."
    )
    babysat: str = text(
        "0.1, 0.3, 0.3, 0.1",
        longest=80,
        label="Panda's rates",
        help="One network alone, its rate changed by you: a rate for each equal stretch of the training.",
        more=True,
    )


@dataclass(frozen=True)
class Round:
    """Networks trained at once: the points they stand for (n, 3), and their steps so far."""

    points: Tensor
    history: list[Step]


def points_of(params: HyperparameterSearch, spans: tuple[Range, ...] | list[Range], stream: int) -> Tensor:
    """The points of one round, (per_axis³, 3)."""
    log = params.scale == "log"
    if params.search == "grid":
        return grid(params.per_axis, spans, log)
    return random(params.per_axis**3, spans, log, generator(params.seed, stream))


def caviar(params: HyperparameterSearch, data: Data, points: Tensor) -> Iterator[Step]:
    """One network a point, all from one start and on the same batches, as a fleet."""
    layers = (data.inputs, *HIDDEN, data.outputs)
    one = mlp.initialize(layers, generator(params.seed, 1), "xavier")
    start = [part.expand(len(points), *part.shape).contiguous().to(device()) for part in one]
    rate, forget, decay = points.float().T.to(device())
    beta = Fleet(start, "tanh").spread(1 - forget)
    update = partial(momentum, beta=beta, dampening=beta)
    recipe = Recipe("tanh", rate, update, l2=decay, batch=BATCH)
    return fit(start, data.train, data.dev, recipe, params.steps, generator=generator(params.seed, 2))


def panda(params: HyperparameterSearch, data: Data) -> Iterator[Step]:
    """The one network whose rate the person sets, from the same start and on the same batches, with β = 0.9 and no λ."""
    rates = read_rates(params.babysat)
    start = [
        part.to(device())
        for part in mlp.initialize((data.inputs, *HIDDEN, data.outputs), generator(params.seed, 1), "xavier")
    ]
    stretch = -(-params.steps // len(rates))
    update = partial(momentum, beta=0.9, dampening=0.9)
    recipe = Recipe("tanh", 1.0, update, schedule=lambda step: rates[step // stretch], batch=BATCH)
    return fit(start, data.train, data.dev, recipe, params.steps, generator=generator(params.seed, 2))


def read_rates(typed: str) -> list[float]:
    """Rates typed with commas between them; BadInput if they aren't positive numbers up to 1,000."""
    try:
        rates = [float(part) for part in typed.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 < rate <= 1000 for rate in rates):
        raise BadInput(f"Panda's rates must be numbers above 0 and up to 1000 with commas, got {typed[:40]!r}.")
    return rates


def searched(params: HyperparameterSearch, data: Data) -> Iterator[tuple[list[Round], list[Step]]]:
    """Both rounds and the babysat network, after every recorded step."""
    alone: list[Step] = []
    babysat = panda(params, data)
    spans: tuple[Range, ...] | list[Range] = SPANS
    rounds: list[Round] = []
    for number in range(2 if params.fine else 1):
        points = points_of(params, spans, 3 + number)
        rounds = [*rounds, Round(points, [])]
        for step in caviar(params, data, points):
            rounds[-1].history.append(step)
            alone += [each] if number == 0 and (each := next(babysat, None)) else []
            yield rounds, alone
        spans = zoom(points[int(dev_cost(step).argmin())], SPANS, ZOOM)


def dev_cost(step: Step) -> Tensor:
    """The dev cost of each network, (n,) float64 on the CPU, infinite where it overflowed."""
    return torch.nan_to_num(step.dev.cpu().double(), nan=torch.inf, posinf=torch.inf)


def run(params: HyperparameterSearch) -> Frames:
    """About ten frames a second, both rounds one after the other."""
    data = load(params, generator(params.seed, 0), classes=10)
    for rounds, alone in paced(searched(params, data)):
        yield frame(params, data, rounds, alone)


def frame(params: HyperparameterSearch, data: Data, rounds: list[Round], alone: list[Step]) -> Frame:
    """All networks so far, ranked."""
    lasts = [each.history[-1] for each in rounds]
    points = torch.cat([each.points for each in rounds]).numpy()
    cost = torch.cat([dev_cost(step) for step in lasts]).numpy()
    right = torch.cat([accuracy(step.params, data.dev, "tanh").cpu() for step in lasts]).numpy()
    fine = np.repeat(np.arange(len(rounds)) > 0, params.per_axis**3)
    trials = Trials(COLUMNS, points.astype(np.float32), cost.astype(np.float32), fine)
    order = np.argsort(cost, kind="stable")
    best = order[0]
    latest = rounds[-1].history
    courses = torch.stack([dev_cost(step) for step in latest], 1).numpy()
    steps = np.array([step.step for step in latest], np.float32)
    stages = 2 if params.fine else 1
    done = (len(rounds) - 1 + latest[-1].step / params.steps) / stages
    values = ", ".join(f"{name} = {value:.3g}" for name, value in zip(COLUMNS, points[best], strict=True))
    return Frame(
        figures={
            "Tried": figures.tried(trials, 0, 1),
            "Parallel coordinates": figures.parallel(trials),
            "All at once": figures.courses(
                steps,
                courses,
                np.array([step.step for step in alone], np.float32),
                np.array([float(dev_cost(step)) for step in alone], np.float32),
                params.steps,
            ),
            "Different values": figures.distinct(points, COLUMNS),
        },
        says=(
            f"Of {len(cost)} networks the best so far has {values}: a dev cost of {cost[best]:.4f} and {right[best]:.1%} of "
            f"the dev examples right; the babysat one stands at {float(dev_cost(alone[-1])):.4f}."
        ),
        metrics={
            "Networks": f"{len(cost)}, at once {params.per_axis**3}",
            "Best dev cost": f"{cost[best]:.4f}",
            "Best dev accuracy": f"{right[best]:.1%}",
            "Panda's dev cost": f"{float(dev_cost(alone[-1])):.4f}",
        },
        progress=done,
        tables={"Ranked": ranked(points, cost, right, fine, order[:TOP])},
    )


def ranked(
    points: np.ndarray, cost: np.ndarray, right: np.ndarray, fine: np.ndarray, order: np.ndarray
) -> dict[str, list[Any]]:
    """The best networks, as a table."""
    return {
        "rank": list(range(1, len(order) + 1)),
        **{name: [f"{value:.3g}" for value in points[order, k]] for k, name in enumerate(COLUMNS)},
        "dev cost": [f"{value:.4f}" for value in cost[order]],
        "dev accuracy": [f"{value:.1%}" for value in right[order]],
        "round": ["fine" if is_fine else "coarse" for is_fine in fine[order]],
    }


LAB = Lab(
    slug="hyperparameter-search",
    summary="Search for a learning rate, a momentum and a penalty with many networks trained at once.",
    params=HyperparameterSearch,
    run=run,
    trains=True,
    look_for=(
        "Sixty-four networks on a grid try only four values of each hyperparameter; at random they try sixty-four. On a linear "
        "scale nearly all rates lie above 1, where most networks fail; 1 − β rather than β is searched in ratios, because 0.9 "
        "and 0.999 average over 10 and over 1,000 steps. Then the second round looks closer around the best. Babysit the "
        "panda under More: can your changing rates beat the best of the many?"
    ),
    maths=(
        r"$$r \sim U(0, 1), \qquad \alpha = \alpha_{min} \Big( \frac{\alpha_{max}}{\alpha_{min}} \Big)^{r}, \qquad "
        r"\beta = 1 - 10^{-3 (1 - r)}$$"
        "\n\n"
        r"so every power of ten gets as many trials. Momentum averages over about $\frac{1}{1-\beta}$ gradients, which changes "
        r"most where $\beta$ is near 1. Fine: the same around the best point, with 0.3 of the width in logarithms."
    ),
    code=(grid, random, zoom, caviar, fit),
    presets={
        "Grid": {"search": "grid"},
        "Linear scale": {"scale": "linear"},
        "One round": {"fine": False, "per_axis": 5},
        "Biopsies": {"examples": "breast-cancer", "steps": 200},
    },
    rows=(("Tried", "All at once"), ("Parallel coordinates", "Different values")),
)
