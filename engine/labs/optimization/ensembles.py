"""Model ensembles: several networks, or several snapshots of one, averaged, against each alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.data import planar
from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import planar as figures
from engine.figures.theme import AMBER, BLUE, GREEN, GREY, figure, line, points
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, examples, integer, number
from engine.results.planar import GRID, Boundary
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, paced, recorded

MEMBERS, SNAPSHOTS = BLUE, AMBER


class Ensembles(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "moons", sets=PLANAR + TABULAR, help="What to learn: your own table too.", names=NAMES
    )
    members: int = integer(
        10, low=1, high=32, hint=(1, 20, 1), label="Networks k", help="Trained at once, then averaged."
    )
    snapshots: int = integer(
        5, low=1, high=20, label="Snapshots", help="Of the first network, evenly over its second half."
    )
    points: int = integer(
        100, low=20, high=2000, hint=(20, 400, 10), label="Training examples", help="Few make them differ."
    )
    steps: int = integer(500, low=10, high=5000, hint=(50, 2000, 50), label="Steps", help="Updates of every network.")
    noise: float = number(0.35, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.")
    units: int = integer(16, low=1, high=64, label="Hidden units", help="In each of two layers.", more=True)
    rate: float = number(0.02, low=1e-4, high=1.0, log=True, label="Learning rate α", help="Of Adam.", more=True)
    batch: int = integer(
        16, low=0, high=2000, label="Mini-batch", help="Each network draws its own; 0 for all.", more=True
    )


def average(probability: Tensor) -> Tensor:
    """The mean probability of the first 1, 2, ..., k members, (k, ...), of theirs (k, ...)."""
    count = torch.arange(1, len(probability) + 1, device=probability.device)
    return probability.cumsum(0) / count.view(-1, *[1] * (probability.dim() - 1))


def share_right(probability: Tensor, y: Tensor) -> Tensor:
    """The share of examples in their class, (...), for probabilities of class 1 (..., m) or of every class (..., m, C)."""
    chosen = probability.argmax(-1) if probability.dim() > y.dim() + 1 else probability > 0.5
    return (chosen == y).float().mean(-1)


def taken(history: list[Step], count: int) -> list[Step]:
    """That many snapshots, evenly over the second half of a training so far."""
    half = history[len(history) // 2 :]
    return [half[i] for i in np.unique(np.linspace(0, len(half) - 1, count).round().astype(int))]


def run(params: Ensembles) -> Frames:
    """About ten frames a second, all networks at once."""
    data = load(params, generator(params.seed, 0), classes=10)
    layers = (data.inputs, params.units, params.units, data.outputs)
    starts = [mlp.initialize(layers, generator(params.seed, 100 + k), "xavier") for k in range(params.members)]
    start = [torch.stack(parts).to(device()) for parts in zip(*starts, strict=True)]
    draws = [generator(params.seed, 200 + k) for k in range(params.members)]
    recipe = Recipe("tanh", params.rate, adam, batch=params.batch)
    for history in paced(recorded(fit(start, data.train, data.dev, recipe, params.steps, generator=draws))):
        yield frame(params, data, history)


def frame(params: Ensembles, data: Data, history: list[Step]) -> Frame:
    """Members, their average, and the snapshots' average, on the dev set."""
    now, (x, y) = history[-1], data.dev
    probability = mlp.predict(now.params, x, "tanh")
    together = share_right(average(probability), y)
    alone = accuracy(now.params, data.dev, "tanh")
    shots = torch.stack(
        [mlp.predict([p[0] for p in step.params], x, "tanh") for step in taken(history, params.snapshots)]
    )
    snapshots = share_right(average(shots), y)
    found: dict[str, Any] = {"Accuracy by members": by_count(alone, together, snapshots)}
    if data.planar and data.outputs == 1:
        found["Boundary"] = figures.boundary(boundary(now.params, data))
        found["One network alone"] = figures.boundary(boundary([p[:1] for p in now.params], data))
    best, k = float(together[-1]), params.members
    return Frame(
        figures=found,
        says=(
            f"After {now.step:,} steps a network alone is right on {float(alone.mean()):.1%} of the dev examples on average, "
            f"the average of all {k} on {best:.1%}, and {len(shots)} snapshots of one on {float(snapshots[-1]):.1%}."
        ),
        metrics={
            "Average of all": f"{best:.1%}",
            "One alone, mean": f"{float(alone.mean()):.1%}",
            "Best alone": f"{float(alone.max()):.1%}",
            "Snapshots of one": f"{float(snapshots[-1]):.1%}",
        },
        progress=now.step / params.steps,
    )


def boundary(weights: mlp.Parameters, data: Data) -> Boundary:
    """The networks' average probability over a square around the training examples."""
    square, x, y = planar.grid(data.train[0], GRID)
    field = mlp.predict(weights, square, "tanh").mean(0).reshape(GRID, GRID)
    return Boundary(*(part.numpy(force=True) for part in (x, y, field, *data.train, *data.dev)))


def by_count(alone: Tensor, together: Tensor, snapshots: Tensor) -> Any:
    """Each member's accuracy, and that of the average of the first so many."""
    values = [part.numpy(force=True) for part in (alone, together, snapshots)]
    count = [np.arange(1, len(v) + 1) for v in values]
    hover = {"hovertemplate": "%{x}: %{y:.1%}"}
    mean = float(values[0].mean())
    traces = [
        points(count[0], values[0], "each alone", GREY, **hover),
        line(
            [1, len(values[0])],
            [mean, mean],
            "mean of them",
            GREY,
            line={"color": GREY, "dash": "dot"},
            hoverinfo="skip",
        ),
        line(count[1], values[1], "average of k", MEMBERS, mode="lines+markers", **hover),
        line(count[2], values[2], "of snapshots", SNAPSHOTS, mode="lines+markers", **hover),
        points([len(values[1])], [values[1][-1]], "all", GREEN, marker={"size": 12}, showlegend=False, **hover),
    ]
    low = max(0.0, min(float(v.min()) for v in values) - 0.02)
    yaxis = {"tickformat": ".0%", "range": [low, min(1.0, max(float(v.max()) for v in values) + 0.02)]}
    return figure(traces, x="networks averaged, or the network's number", y="dev accuracy", yaxis=yaxis, height=360)


LAB = Lab(
    slug="ensembles",
    summary="Average the probabilities of several networks, or of several snapshots of one, and compare with each alone.",
    params=Ensembles,
    run=run,
    trains=True,
    look_for=(
        "The members start and draw their batches differently, so each is wrong in its own places, and the average is right "
        "where most of them are: its boundary is smoother than any one's. A few members give most of the gain. Snapshots of "
        "one network cost no more training, but are too alike to help as much. With 1,000 examples and little noise, what is "
        "left to gain?"
    ),
    maths=(
        r"$$\hat y = \frac1k \sum_{j=1}^k \hat y_j(x)$$"
        "\n\n"
        r"If the members' errors $\epsilon_j$ have variance $v$ and covariance $c$, the error of their mean has "
        r"$$\mathrm{E}\Big[\Big(\frac1k \sum_j \epsilon_j\Big)^2\Big] = \frac{v}{k} + \frac{k-1}{k}\, c,$$ "
        r"so averaging helps as far as they are wrong independently. At test time it costs $k$ times the work."
    ),
    code=(average, share_right, taken, fit),
    presets={
        "Two": {"members": 2},
        "Many": {"members": 30, "steps": 300},
        "Enough examples": {"points": 1000, "noise": 0.2, "steps": 300},
        "Digits": {"examples": "digits", "members": 5, "steps": 150, "batch": 32},
    },
    rows=(("Boundary", "One network alone"), ("Accuracy by members",)),
    listens=("click",),
    respond=draw,
)
