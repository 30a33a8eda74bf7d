"""Batch, mini-batch and one example at a time: the same start, cost against epochs and against seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from engine.data.planar import Examples
from engine.device import device
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, draw, load
from engine.figures import planar as figures
from engine.figures.theme import AMBER, BLUE, GREY, VERMILION, figure, line
from engine.functional import mlp
from engine.functional.optimizers import sgd
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import ExamplesSource, examples, integer, number
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import Fleet, accuracy, batches, paced

COLORS = {"all": GREY, "mini-batch": BLUE, "one": VERMILION}
POINTS_AN_EPOCH = 10
UPDATES_SHOWN, EXAMPLES_SHOWN = 14, 200


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


class Runner:
    """One of the three: its network, and what it has cost at which epoch and second."""

    def __init__(self, start: mlp.Parameters, columns: Examples, size: int, rate: float, seed: int) -> None:
        """Nothing is trained yet; examples are columns as :class:`Fleet` takes them, ``size`` of them an update."""
        self.rate, self.columns = rate, columns
        self.fleet = Fleet(start, "tanh")
        self.drawn = batches(columns, size, generator(seed, 2))
        self.updates = updates_an_epoch(columns[1].shape[-1], size)
        self.done = 0
        self.overflowed = False
        self.epochs, self.seconds, self.costs = [], [], []  # type: tuple[list[float], list[float], list[float]]
        self.read(0.0)
        # The first gradient of a size makes its buffers, which is no part of the training.
        self.fleet.gradient(columns[0][:, :size], columns[1][:, :size])

    def update(self) -> None:
        """One step of descent on the next batch."""
        self.fleet.gradient(*next(self.drawn))
        [moved], _ = sgd([self.fleet.flat], [self.fleet.grad], {}, self.rate)
        self.fleet.flat.copy_(moved)

    def read(self, spent: float) -> None:
        """Note the cost on the whole set after so many more seconds; one that overflowed ends the training."""
        cost = float(self.fleet.cost(*self.columns))
        self.overflowed = not math.isfinite(cost)
        if not self.overflowed:
            self.sound = self.fleet.flat.clone()
            self.epochs.append(self.done / self.updates)
            self.seconds.append((self.seconds[-1] if self.seconds else 0.0) + spent)
            self.costs.append(cost)

    @torch.inference_mode()
    def advance(self, epoch: int) -> None:
        """Train up to the end of an epoch. Timed are the updates, not the reading of the cost."""
        while not self.overflowed and self.done < epoch * self.updates:
            count = min(max(1, self.updates // POINTS_AN_EPOCH), epoch * self.updates - self.done)
            began = time.perf_counter()
            for _ in range(count):
                self.update()
            self.done += count
            self.read(time.perf_counter() - began)

    @property
    def params(self) -> mlp.Parameters:
        """The network at its last finite cost."""
        return self.fleet.unpack(self.sound)


def updates_an_epoch(m: int, size: int) -> int:
    """How many batches of that size m examples make, the last one smaller where it must be."""
    return math.ceil(m / size)


def recommended(m: int) -> str:
    """The course's rule: up to 2,000 examples all at once, above that a power of two from 64 to 512."""
    return "all at once" if m <= 2000 else "a power of two from 64 to 512"


def runners(params: MiniBatch, data: Data) -> dict[str, Runner]:
    """The three, from one start and with one order of the examples."""
    start = [p.to(device()) for p in mlp.initialize((2, params.units, 1), generator(params.seed, 1), "xavier")]
    x, y = data.train
    columns = torch.cat([x, torch.ones_like(x[:, :1])], -1).mT.contiguous(), y[None]
    sizes = {"all": len(y), "mini-batch": min(params.batch, len(y)), "one": 1}
    return {name: Runner(start, columns, size, params.rate, params.seed) for name, size in sizes.items()}


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
    middle = racing["mini-batch"].params
    m = len(data.train[1])
    last = m - (racing["mini-batch"].updates - 1) * min(params.batch, m)
    right = float(accuracy(middle, data.dev, "tanh"))
    told = ", ".join(f"{runner.costs[-1]:.3f} with {name}" for name, runner in racing.items())
    lost = " and ".join(name for name, runner in racing.items() if runner.overflowed)
    return Frame(
        figures={
            "Cost by epoch": curves(racing, "epochs", "epoch", params.epochs),
            "Cost by second": curves(racing, "seconds", "seconds of training", None),
            "Which examples when": order,
            "Boundary": figures.boundary(boundary(middle, data.train, data.dev, "tanh")),
        },
        says=f"After {epoch} epochs the cost is {told}.",
        metrics={
            "Updates an epoch": " / ".join(f"{runner.updates:,}" for runner in racing.values()),
            "Last mini-batch": f"{last} of {min(params.batch, m)}",
            "Dev accuracy": f"{right:.1%}",
            "The course's advice": recommended(m),
        },
        progress=epoch / params.epochs,
        diverged=f"The cost overflowed with {lost}: a rate of {params.rate:g} overshoots. Try a lower one."
        if lost
        else "",
        remedy={"rate": float(f"{params.rate / 30:.1g}")} if lost else {},
    )


def curves(racing: dict[str, Runner], axis: str, title: str, last: float | None) -> Any:
    """The three costs against epochs or seconds, on a log axis."""
    traces = []
    for name, runner in racing.items():
        kept = np.unique(np.linspace(0, len(runner.costs) - 1, 300).astype(int))
        x, y = (np.array(values, np.float32)[kept] for values in (getattr(runner, axis), runner.costs))
        traces.append(line(x, y, name, COLORS[name], hovertemplate=f"{name}: %{{y:.3f}} at %{{x:.3g}}<extra></extra>"))
    xaxis = {"range": [0, last]} if last else {"type": "log", "exponentformat": "power"}
    return figure(traces, x=title, y="cost J", xaxis=xaxis, yaxis={"type": "log"}, height=340)


def used(params: MiniBatch, m: int) -> list[list[int]]:
    """The examples of each of the first updates, as the training draws them."""
    index = torch.arange(m)[None]
    drawn = batches((index, index), params.batch, generator(params.seed, 2))
    return [next(drawn)[1][0].tolist() for _ in range(UPDATES_SHOWN)]


def strip(params: MiniBatch, m: int) -> Any:
    """Which examples each of the first updates uses: epochs in two shades, and each epoch's smaller last batch marked."""
    per_epoch = updates_an_epoch(m, min(params.batch, m))
    size = min(params.batch, m)
    cells = np.full((UPDATES_SHOWN, min(m, EXAMPLES_SHOWN)), np.nan, np.float32)
    labels = []
    for update, chosen in enumerate(used(params, m)):
        shown = [i for i in chosen if i < cells.shape[1]]
        cells[update, shown] = 2 if len(chosen) < size else update // per_epoch % 2
        labels.append(f"{update + 1}: {len(chosen)}")
    shades = [GREY, BLUE, AMBER]
    scale = [[(k + j) / 3, color] for k, color in enumerate(shades) for j in (0, 1)]
    rows = {"type": "heatmap", "z": cells, "y": np.arange(1, UPDATES_SHOWN + 1), "name": "used", "ygap": 2}
    rows |= {"colorscale": scale, "zmin": -0.5, "zmax": 2.5, "showscale": False, "hoverongaps": False}
    rows |= {"hovertemplate": "update %{y}, example %{x}<extra></extra>"}
    ticks = {"tickvals": list(range(1, UPDATES_SHOWN + 1)), "ticktext": labels, "autorange": "reversed"}
    margin = {"l": 84, "r": 12, "t": 32, "b": 44}
    return figure([rows], x="example (smaller last batch yellow)", y="update: its examples", yaxis=ticks, margin=margin)


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
        "Against epochs one example at a time falls fastest, and jumps about. Against seconds its lead shrinks, because each "
        "of its many updates takes nearly as long as one over a whole mini-batch. Set the mini-batch to 150 of "
        "400: why is the third batch of each epoch smaller? At which rate does one at a time no longer settle?"
    ),
    maths=(
        r"$$W := W - \alpha \, \frac{1}{|B_t|} \sum_{i \in B_t} \nabla_W L(\hat y^{(i)}, y^{(i)}), \qquad "
        r"t = 1, \dots, \lceil m / |B| \rceil$$"
        "\n\n"
        r"Batch descent takes $|B| = m$, stochastic descent $|B| = 1$. The examples are shuffled anew each epoch; the last "
        r"batch holds $m - (\lceil m/|B| \rceil - 1)\,|B|$ of them."
    ),
    code=(batches, updates_an_epoch, Runner, Fleet.gradient, sgd),
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
