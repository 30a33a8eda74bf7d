"""Batch, mini-batch and one example at a time: the same start, cost against epochs and against seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from engine.device import device
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, draw, load
from engine.figures import planar as figures
from engine.figures.theme import BLUE, GREY, SEQUENTIAL, VERMILION, figure, line
from engine.functional import mlp
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import ExamplesSource, examples, integer, number
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, batches, fit, paced

COLORS = {"all": GREY, "mini-batch": BLUE, "one": VERMILION}
POINTS_AN_EPOCH = 10
UPDATES_SHOWN, EXAMPLES_SHOWN = 14, 400


class MiniBatch(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("moons", sets=PLANAR, help="Two classes of points on the plane.", names=NAMES)
    batch: int = integer(
        64, low=2, high=2000, hint=(2, 512, 1), log=True, label="Mini-batch", help="Examples an update."
    )
    rate: float = number(0.1, low=1e-4, high=10.0, log=True, label="Learning rate α", help="The same for all three.")
    epochs: int = integer(
        40, low=1, high=200, hint=(5, 100, 5), label="Epochs", help="Times that every example is used."
    )
    units: int = integer(8, low=1, high=50, label="Hidden units", help="Of the one hidden tanh layer.", more=True)


@dataclass
class Runner:
    """One of the three: its steps still to come, what it has cost at which epoch and second, and its latest step."""

    updates: int
    steps: Iterator[Step]
    epochs: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    step: Step | None = None

    def advance(self, epoch: int) -> None:
        """Train up to the end of an epoch, timing nothing but the training."""
        while self.step is None or (self.step.finite and self.step.step < epoch * self.updates):
            began = time.perf_counter()
            self.step = next(self.steps)
            spent = time.perf_counter() - began
            self.seconds.append((self.seconds[-1] if self.seconds else 0.0) + spent)
            self.epochs.append(self.step.step / self.updates)
            self.costs.append(float(self.step.train))


def updates_an_epoch(m: int, size: int) -> int:
    """How many batches of that size m examples make, the last one smaller where it must be."""
    return math.ceil(m / size)


def recommended(m: int) -> str:
    """The course's rule: up to 2,000 examples all at once, above that a power of two from 64 to 512."""
    return "all at once" if m <= 2000 else "a power of two from 64 to 512"


def runners(params: MiniBatch, data: Data) -> dict[str, Runner]:
    """The three, from one start and with one order of the examples."""
    start = [p.to(device()) for p in mlp.initialize((2, params.units, 1), generator(params.seed, 1), "xavier")]
    m = len(data.train[1])
    found = {}
    for name, size in (("all", m), ("mini-batch", min(params.batch, m)), ("one", 1)):
        updates = updates_an_epoch(m, size)
        every = max(1, updates // POINTS_AN_EPOCH)
        recipe = Recipe("tanh", params.rate, batch=size)
        total = params.epochs * updates
        steps = fit(start, data.train, data.dev, recipe, total, every=every, generator=generator(params.seed, 2))
        found[name] = Runner(updates, steps)
    return found


def raced(params: MiniBatch, racing: dict[str, Runner]) -> Iterator[int]:
    """The epochs, as all three reach them."""
    for epoch in range(params.epochs + 1):
        for runner in racing.values():
            runner.advance(epoch)
        yield epoch


def run(params: MiniBatch) -> Frames:
    """A frame about ten times a second, from the common start to the last epoch."""
    data = load(params, generator(params.seed, 0))
    racing = runners(params, data)
    order = strip(params, len(data.train[1]))
    for epoch in paced(raced(params, racing)):
        yield frame(params, data, racing, order, epoch)


def frame(params: MiniBatch, data: Data, racing: dict[str, Runner], order: Any, epoch: int) -> Frame:
    """The three after an epoch."""
    middle = racing["mini-batch"].step
    assert middle is not None
    m = len(data.train[1])
    last = m - (racing["mini-batch"].updates - 1) * min(params.batch, m)
    right = float(accuracy(middle.params, data.dev, "tanh"))
    told = ", ".join(f"{runner.costs[-1]:.3f} with {name}" for name, runner in racing.items())
    return Frame(
        figures={
            "Cost by epoch": curves(racing, "epochs", "epoch", params.epochs),
            "Cost by second": curves(racing, "seconds", "seconds of training", None),
            "Which examples when": order,
            "Boundary": figures.boundary(boundary(middle.params, *(data.train, data.dev), "tanh")),
        },
        says=f"After {epoch} epochs the cost is {told}.",
        metrics={
            "Updates an epoch": " / ".join(f"{runner.updates:,}" for runner in racing.values()),
            "Last mini-batch": f"{last} of {min(params.batch, m)}",
            "Dev accuracy": f"{right:.1%}",
            "The course's advice": recommended(m),
        },
        progress=epoch / params.epochs,
    )


def curves(racing: dict[str, Runner], axis: str, title: str, last: float | None) -> Any:
    """The three costs against epochs or seconds, on a log axis."""
    traces = []
    for name, runner in racing.items():
        kept = np.unique(np.linspace(0, len(runner.costs) - 1, 300).astype(int))
        x, y = (np.array(values, np.float32)[kept] for values in (getattr(runner, axis), runner.costs))
        traces.append(line(x, y, name, COLORS[name], hovertemplate=f"{name}: %{{y:.3f}} at %{{x:.3g}}<extra></extra>"))
    xaxis = {"range": [0, last]} if last else {"rangemode": "tozero"}
    return figure(traces, x=title, y="cost J", xaxis=xaxis, yaxis={"type": "log"}, height=320)


def strip(params: MiniBatch, m: int) -> Any:
    """Which examples each of the first updates uses, coloured by epoch."""
    index = torch.arange(m)[None]
    drawn = batches((index, index), params.batch, generator(params.seed, 2))
    per_epoch = updates_an_epoch(m, min(params.batch, m))
    used = np.full((UPDATES_SHOWN, min(m, EXAMPLES_SHOWN)), np.nan, np.float32)
    sizes = []
    for update in range(UPDATES_SHOWN):
        chosen = next(drawn)[1][0].numpy()
        used[update, chosen[chosen < used.shape[1]]] = update // per_epoch
        sizes.append(f"{len(chosen)} examples")
    cells = {"type": "heatmap", "z": used, "y": np.arange(1, UPDATES_SHOWN + 1), "colorscale": SEQUENTIAL, "zmin": -1}
    cells |= {"zmax": 3, "showscale": False, "hoverongaps": False, "customdata": np.array([sizes] * used.shape[1]).T}
    cells |= {
        "hovertemplate": "update %{y}, example %{x}<br>of %{customdata}<extra></extra>",
        "ygap": 2,
        "name": "used",
    }
    return figure([cells], x="example", y="update", yaxis={"autorange": "reversed", "dtick": 2}, height=320)


def batch_size(params: MiniBatch) -> Mistake:
    """What both rules say of this set and of 2,001 examples."""
    m = params.points
    return Mistake(
        f"For m = {m:,} the notes' line takes a power of two, the opposite of the rule they quote.",
        f"For m = {m:,}: {recommended(m)}. For m = 2,001: {recommended(2001)}.",
    )


LAB = Lab(
    slug="mini-batch",
    summary="Train one network with all examples an update, with mini-batches, and with one, from the same start.",
    params=MiniBatch,
    run=run,
    trains=True,
    measures=True,
    look_for=(
        "Against epochs one example at a time falls fastest, and jumps about. Against seconds it loses what it gained, "
        "because each of its many updates costs nearly as much as one over a whole mini-batch. Set the mini-batch to 150 of "
        "400: why is the third batch of each epoch smaller? At which rate does one at a time no longer settle?"
    ),
    maths=(
        r"$$W := W - \alpha \, \frac{1}{|B_t|} \sum_{i \in B_t} \nabla_W L(\hat y^{(i)}, y^{(i)}), \qquad "
        r"t = 1, \dots, \lceil m / |B| \rceil$$"
        "\n\n"
        r"Batch descent takes $|B| = m$, stochastic descent $|B| = 1$. The examples are shuffled anew each epoch; the last "
        r"batch holds $m - (\lceil m/|B| \rceil - 1)\,|B|$ of them."
    ),
    code=(batches, updates_an_epoch, fit),
    presets={
        "A last batch of 100": {"batch": 150},
        "Small batches": {"batch": 8},
        "Fast": {"rate": 1.0},
        "Noisy": {"noise": 0.5, "rate": 0.5},
    },
    mistakes={"batch-size-2000": batch_size},
    rows=(("Cost by epoch", "Cost by second"), ("Which examples when", "Boundary")),
    listens=("click",),
    respond=draw,
)
