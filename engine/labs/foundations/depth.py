"""Why deep: the parity of n bits by a tree of XORs and by one wide hidden layer, counted and trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.figures import curves
from engine.figures.theme import AMBER, BLUE, VERMILION, figure, line, points
from engine.functional.activations import sigmoid
from engine.functional.optimizers import State, adam
from engine.lab import Frame, Frames, Lab
from engine.models import parity
from engine.models.parity import bits, tree_units, wide_units
from engine.params import Params, integer, number
from engine.results.curves import Race
from engine.seeding import generator
from engine.training import paced

COLORS = {"tree": BLUE, "one layer": VERMILION}
MOST_COUNTED = 20


class Depth(Params):
    """What a person can move."""

    bits: int = integer(4, low=2, high=6, label="Bits n", help="How many bits the parity is taken of.")
    steps: int = integer(200, low=1, high=1000, hint=(20, 500, 10), label="Steps", help="Updates of both networks.")
    rate: float = number(0.03, low=1e-4, high=1.0, log=True, label="Learning rate α", help="Of Adam, for both.")
    restarts: int = integer(
        64,
        low=1,
        high=128,
        hint=(1, 128, 1),
        log=True,
        label="Starts",
        help="Trained at once; the best of them is shown.",
    )


@dataclass
class Learner:
    """Networks of one kind in training: parameters with a leading dimension of restarts, and the best cost at each step."""

    params: list[Tensor]
    forward: Callable[[list[Tensor], Tensor], Tensor]
    state: State = field(default_factory=dict)
    costs: list[float] = field(default_factory=list)
    answers: Tensor = field(default_factory=lambda: torch.empty(0))
    solved: int = 0

    def look(self, x: Tensor, y: Tensor) -> Tensor:
        """Forward over all strings: notes the best restart, and returns the cost of each, (R,)."""
        z = self.forward(self.params, x)
        costs = torch.nn.functional.binary_cross_entropy_with_logits(z, y.expand_as(z), reduction="none").mean(-1)
        with torch.no_grad():
            right = ((z > 0) == (y == 1)).double().mean(-1)
            best = int((right - costs.clamp(max=100) * 1e-3).argmax())
            self.answers = sigmoid(z[best])
            self.costs.append(float(costs[best]))
            self.solved = int((right == 1).sum())
        return costs

    def step(self, x: Tensor, y: Tensor, rate: float) -> None:
        """One update of every restart by Adam."""
        self.params = [p.requires_grad_() for p in self.params]
        with torch.enable_grad():
            grads = torch.autograd.grad(self.look(x, y).sum(), self.params)
        with torch.no_grad():
            self.params, self.state = adam([p.detach() for p in self.params], grads, self.state, rate)


def learners(params: Depth) -> dict[str, Learner]:
    """Both kinds of networks, untrained."""
    n, restarts = params.bits, params.restarts
    return {
        "tree": Learner(parity.tree(n, restarts, generator(params.seed, 0)), parity.tree_forward),
        "one layer": Learner(parity.wide(n, restarts, generator(params.seed, 1)), parity.wide_forward),
    }


def trained(params: Depth) -> Iterator[tuple[int, dict[str, Learner]]]:
    """Both kinds after every update."""
    x, y = bits(params.bits)
    both = learners(params)
    for step in range(params.steps):
        for learner in both.values():
            learner.step(x, y, params.rate)
        yield step, both
    for learner in both.values():
        with torch.no_grad():
            learner.look(x, y)
    yield params.steps, both


def run(params: Depth) -> Frames:
    """About ten frames a second, from the untrained networks to the last step."""
    for step, both in paced(trained(params)):
        yield frame(params, step, both)


def frame(params: Depth, step: int, both: dict[str, Learner]) -> Frame:
    """The counts, and what both have learned."""
    n = params.bits
    _, y = bits(n)
    right = {name: float(((learner.answers > 0.5) == (y == 1)).float().mean()) for name, learner in both.items()}
    counts = {name: sum(p[0].numel() for p in learner.params) for name, learner in both.items()}
    costs = np.array([learner.costs for learner in both.values()], np.float32)
    steps = np.arange(costs.shape[1], dtype=np.float32)
    return Frame(
        figures={
            "Units needed": units_needed(n),
            "Cost": curves.race(Race(tuple(both), steps, np.maximum(costs, 1e-6)), params.steps, COLORS, height=320),
            "Answers": answers(n, both),
        },
        says=(
            f"A tree of XORs over {n} bits needs {tree_units(n)} units and one hidden layer {wide_units(n)}; after {step} "
            f"steps the tree answers {right['tree']:.0%} and the layer {right['one layer']:.0%} of all {2**n} strings right."
        ),
        metrics={
            "Units: tree / one layer": f"{tree_units(n)} / {wide_units(n)}",
            "Trained numbers": f"{counts['tree']} / {counts['one layer']}",
            "Strings right": f"{right['tree']:.0%} / {right['one layer']:.0%}",
            "Starts that solved it": " / ".join(str(learner.solved) for learner in both.values()),
        },
        progress=step / params.steps,
        tables={"Units by the number of bits": table()},
    )


def units_needed(n: int) -> Any:
    """Both counts against the number of bits, on a log axis, the chosen one marked."""
    many = np.arange(2, MOST_COUNTED + 1)
    counted = {"tree": [tree_units(int(k)) for k in many], "one layer": [wide_units(int(k)) for k in many]}
    traces = [
        line(
            many,
            np.array(count, np.float32),
            name,
            COLORS[name],
            hovertemplate=f"{name}, %{{x}} bits: %{{y:,}}<extra></extra>",
        )
        for name, count in counted.items()
    ]
    traces.append(
        points([n, n], [tree_units(n), wide_units(n)], "chosen", AMBER, marker={"size": 11}, showlegend=False)
    )
    return figure(traces, x="bits n", y="units", yaxis={"type": "log"}, height=320)


def answers(n: int, both: dict[str, Learner]) -> Any:
    """The probability of odd parity that both give every string, beside the truth, the strings in counting order."""
    _, y = bits(n)
    rows = [y, *(learner.answers for learner in both.values())]
    names = [f"{k:0{n}b}" for k in range(2**n)]
    cells = {
        "type": "heatmap",
        "z": torch.stack(rows).numpy(force=True),
        "y": ["truth", *both],
        "x": names,
        "zmin": 0,
        "zmax": 1,
    }
    cells |= {"colorscale": [[0, VERMILION], [0.5, "#f4f4f4"], [1, BLUE]], "showscale": False, "ygap": 4, "xgap": 1}
    cells |= {"hovertemplate": "%{x}, %{y}: odd with %{z:.2f}<extra></extra>", "name": "answers"}
    yaxis, xaxis = {"autorange": "reversed"}, {"type": "category", "nticks": 8, "tickangle": 0}
    margin = {"l": 76, "r": 12, "t": 12, "b": 44}
    return figure([cells], x="string", xaxis=xaxis, yaxis=yaxis, height=220, margin=margin)


def table() -> dict[str, list[Any]]:
    """The counts up to twelve bits."""
    many = list(range(2, 13))
    return {
        "bits": many,
        "tree, 3(n − 1)": [tree_units(k) for k in many],
        "levels of the tree": [int(np.ceil(np.log2(k))) for k in many],
        "one hidden layer, 2ⁿ⁻¹ + 1": [wide_units(k) for k in many],
    }


LAB = Lab(
    slug="depth",
    summary="Compute the parity of n bits with a deep tree of XORs and with one wide layer; count both, train both.",
    params=Depth,
    run=run,
    trains=True,
    look_for=(
        "The tree grows by three units a bit; the single layer doubles, since it must keep a unit for half of all strings. Yet "
        "the wide layer is the easier one to train: nearly every start solves it, while of the trees only a few find their "
        "way. With one start only, how often does the tree of six bits fail, and does that contradict the counting?"
    ),
    maths=(
        r"$$y = x_1 \oplus x_2 \oplus \dots \oplus x_n$$"
        "\n\n"
        r"As a tree of $n - 1$ XORs, each of two hidden units and one output: $3(n-1)$ units in $\lceil \log_2 n \rceil$ "
        r"levels. In one hidden layer that lists the strings of odd parity: $2^{n-1} + 1$ units. The trained tree has a spare "
        r"unit in every XOR, against bad starts."
    ),
    code=(bits, tree_units, wide_units, parity.tree_forward, parity.wide_forward, adam),
    presets={"Two bits": {"bits": 2}, "Six bits": {"bits": 6, "steps": 300}, "One start": {"bits": 5, "restarts": 1}},
    rows=(("Units needed", "Cost"), ("Answers",)),
)
