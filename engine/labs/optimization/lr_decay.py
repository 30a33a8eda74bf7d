"""Learning-rate decay: the rate's curve, and what it does to a training and to a path on a noisy bowl."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.device import device
from engine.errors import BadInput
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, draw, load
from engine.figures import curves
from engine.figures import descent as descents
from engine.figures import planar as planes
from engine.figures.theme import AMBER, BLUE, GREY, figure, line, points
from engine.functional import mlp
from engine.functional.optimizers import exponential, inverse_sqrt, inverse_time, sgd, staircase
from engine.functional.surfaces import SURFACES
from engine.lab import Event, Frame, Frames, Lab
from engine.labs.optimization._schedules import Decay, rate_at, redrawn
from engine.params import ExamplesSource, examples, integer, number
from engine.results.descent import Paths, paths
from engine.results.planar import boundary
from engine.results.rivals import rivals
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, overflow, paced
from engine.training.race import raced

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLORS = {"constant": GREY, "decayed": BLUE}
STEPS_AN_EPOCH = 2


class LrDecay(PlanarExamples, Decay):
    """What a person can move: the schedule first, then the examples."""

    examples: ExamplesSource = examples("moons", sets=PLANAR, help="Two classes of points on the plane.", names=NAMES)
    noise: float = number(
        0.3, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.", more=True
    )
    batch: int = integer(4, low=1, high=1000, label="Mini-batch", help="Few examples make noisy slopes.", more=True)
    units: int = integer(16, low=1, high=50, label="Hidden units", help="Of the one tanh layer.", more=True)
    shaking: float = number(
        1.0, low=0.0, high=5.0, label="Noise on the bowl", help="Deviation added to each slope there.", more=True
    )


def rates_of(params: LrDecay) -> dict[str, list[float]]:
    """The rate of every epoch, the constant one and the schedule's."""
    return {
        "constant": [params.rate] * params.epochs,
        "decayed": [rate_at(params, t) for t in range(params.epochs)],
    }


def fits(params: LrDecay, data: Data, updates: int) -> dict[str, Iterator[Step]]:
    """Both trainings, from one start with the same batches, at so many updates an epoch."""
    start = [p.to(device()) for p in mlp.initialize((2, params.units, 1), generator(params.seed, 1), "xavier")]
    total, found = params.epochs * updates, {}
    for name, rates in rates_of(params).items():
        factors = [rate / params.rate for rate in rates]
        schedule = partial(_factor, factors, updates)
        recipe = Recipe("tanh", params.rate, schedule=schedule, batch=params.batch)
        found[name] = fit(start, data.train, data.dev, recipe, total, generator=generator(params.seed, 2))
    return found


def _factor(factors: list[float], updates: int, step: int) -> float:
    return factors[step // updates]


def shaken(rates: list[float], noise: Tensor) -> tuple[Tensor, Tensor]:
    """Descent on a bowl with noise (k, 2) added to its slopes, at each of k rates: points (k + 1, 2), costs (k + 1,)."""
    bowl = SURFACES["bowl"]
    points = [torch.tensor(bowl.start, dtype=torch.float64)]
    for rate, extra in zip(rates, noise, strict=True):
        [point], _ = sgd([points[-1]], [bowl.slope(points[-1]) + extra], {}, rate)
        points.append(point)
    path = torch.stack(points)
    return path, bowl.cost(path)


def on_bowl(params: LrDecay) -> Paths:
    """Both paths on the bowl, shaken alike."""
    count = params.epochs * STEPS_AN_EPOCH
    noise = params.shaking * torch.randn(count, 2, generator=generator(params.seed, 3), dtype=torch.float64)
    taken = {name: shaken(np.repeat(rates, STEPS_AN_EPOCH).tolist(), noise) for name, rates in rates_of(params).items()}
    return paths(SURFACES["bowl"], taken)


def run(params: LrDecay) -> Frames:
    """About ten frames a second, until the last epoch."""
    data, bowl = load(params, generator(params.seed, 0)), on_bowl(params)
    m = len(data.train[1])
    updates = math.ceil(m / min(params.batch, m))
    for histories in paced(raced(fits(params, data, updates))):
        yield frame(params, data, bowl, histories, updates)


def frame(params: LrDecay, data: Data, bowl: Paths, histories: Mapping[str, list[Step]], updates: int) -> Frame:
    """Both trainings after their latest step."""
    now = {name: history[-1] if history[-1].finite else history[-2] for name, history in histories.items()}
    epoch = max(step.step for step in now.values()) / updates
    rate = rate_at(params, min(int(epoch), params.epochs - 1))
    until = round(epoch * STEPS_AN_EPOCH)
    away = {name: float(np.sqrt(2 * cost[until // 2 : until + 1]).mean()) for name, cost in bowl.costs.items()}
    costs = {name: float(step.train) for name, step in now.items()}
    why, remedy = next(filter(any, (overflow(h, params.rate, layers=2) for h in histories.values())), ("", {}))
    return Frame(
        figures={
            "Learning rate": draw_rates(params, epoch),
            "Cost": curves.race(rivals(histories), params.epochs * updates, COLORS),
            "Noisy bowl": descents.paths(bowl, until, COLORS),
            "Boundary": planes.boundary(boundary(now["decayed"].params, data.train, data.dev, "tanh")),
        },
        says=(
            f"In epoch {epoch:.0f} the rate is {rate:.3g}; the cost is {costs['constant']:.3g} at the constant rate and "
            f"{costs['decayed']:.3g} with decay; on the bowl the later half of the steps lies {away['constant']:.2g} and "
            f"{away['decayed']:.2g} from the minimum."
        ),
        metrics={
            "Rate now": f"{rate:.3g}",
            "Cost, constant rate": f"{costs['constant']:.4f} ± {bounce(histories['constant']):.4f}",
            "Cost, with decay": f"{costs['decayed']:.4f} ± {bounce(histories['decayed']):.4f}",
            "Dev accuracy": " and ".join(f"{float(accuracy(s.params, data.dev, 'tanh')):.1%}" for s in now.values()),
        },
        progress=epoch / params.epochs if any(history[-1].finite for history in histories.values()) else 1.0,
        diverged=why,
        remedy=remedy,
    )


def bounce(history: list[Step]) -> float:
    """The deviation of the cost over the last fifth of a training so far."""
    return float(torch.stack([step.train for step in history[-max(2, len(history) // 5) :]]).std(unbiased=False))


def draw_rates(params: LrDecay, epoch: float) -> go.Figure:
    """The rate in every epoch, constant and by the schedule, and where the training is."""
    t = np.arange(params.epochs, dtype=np.float32)
    traces = []
    for name, rates in rates_of(params).items():
        style = {"color": COLORS[name], "shape": "hv"}
        hover = "epoch %{x}: %{y:.3g}"
        traces.append(line(t, np.array(rates, np.float32), name, COLORS[name], line=style, hovertemplate=hover))
    now = min(int(epoch), params.epochs - 1)
    traces.append(points([now], [rate_at(params, now)], "now", AMBER, marker={"size": 12}))
    xaxis, yaxis = {"range": [0, params.epochs]}, {"type": "log", "exponentformat": "power", "dtick": "D2"}
    return figure(traces, x="epoch t", y="learning rate α", xaxis=xaxis, yaxis=yaxis, margin=descents.ROOM)


def respond(params: LrDecay, event: Event) -> Mapping[str, Any]:
    """A click on the rate's figure draws by hand, where that is the schedule; one on the boundary draws an example."""
    if event.figure != "Learning rate" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return draw(params, event)
    try:
        return {"stretches": redrawn(params, event.x, event.y)} if params.schedule == "drawn" else {}
    except BadInput:
        return {}


LAB = Lab(
    slug="lr-decay",
    summary="Let the learning rate fall while a network trains, and see it settle where a constant rate keeps bouncing.",
    params=LrDecay,
    run=run,
    trains=True,
    look_for=(
        "Small batches make noisy slopes, and at a constant rate the cost keeps bouncing: on the bowl the path circles the "
        "minimum at a distance that the rate decides. A falling rate closes in. Fall too fast, and it stops before it "
        "arrives: at which decay rate does the decayed network end worse than the constant one?"
    ),
    maths=(
        r"$$\alpha = \frac{\alpha_0}{1 + k\,t}, \qquad \alpha = b^{\,t} \alpha_0, \qquad "
        r"\alpha = \frac{k}{\sqrt t}\, \alpha_0, \qquad \alpha = f^{\lfloor t / n \rfloor} \alpha_0$$"
        "\n\n"
        r"with $t$ the number of the epoch, one pass over all examples. On a bowl of curvature 1 with noise of deviation "
        r"$\sigma$ in every slope, a constant rate ends up spread around the minimum by "
        r"$\sigma \sqrt{\alpha / (2 - \alpha)}$ in each direction."
    ),
    code=(inverse_time, exponential, inverse_sqrt, staircase, rate_at, shaken, fit),
    presets={
        "Exponential": {"schedule": "exponential"},
        "k/√t": {"schedule": "inverse-sqrt"},
        "Staircase": {"schedule": "staircase"},
        "Drawn by hand": {"schedule": "drawn"},
        "Too fast": {"decay": 10.0},
        "Small rate": {"rate": 0.05},
    },
    rows=(("Learning rate", "Cost"), ("Noisy bowl", "Boundary")),
    listens=("click",),
    respond=respond,
)
