"""Why convolutions: the same network with a dense, a local and a convolutional first layer, trained on the same digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.data.planar import Examples
from engine.data.tabular import digits
from engine.device import device
from engine.figures import sharing as figures
from engine.lab import Frame, Frames, Lab
from engine.models.sharing import KINDS, Sharing, on_canvas
from engine.params import Params, choice, integer, number
from engine.results.curves import Race
from engine.results.sharing import LayerMatrix, ShiftAccuracy, ShiftedDigit
from engine.seeding import generator
from engine.training import paced, recorded, thinned

SIDE = 14
FARTHEST = 3
DEV = 200
LOOKS = 6
BATCH = 64
MEMORY = 0.9
ROWS = 3


class WhyConv(Params):
    """What a person can move."""

    shift: int = integer(
        2, low=-FARTHEST, high=FARTHEST, label="Shift to the right", unit="px", help="How far the shown digit is moved."
    )
    maps: int = integer(
        24, low=1, high=32, label="Maps", help="Filters of the convolution; the others have as many outputs."
    )
    pooled: Literal["1", "2", "5"] = choice(
        "1",
        label="Pooled to",
        help="How many places of each map are left by max pooling; one forgets all places.",
        names={"1": "1 x 1: global", "2": "2 x 2", "5": "5 x 5"},
    )
    size: Literal["3", "5", "7"] = choice("5", label="Kernel size f", help="An output of a map sees f x f pixels.")
    digits: int = integer(
        1200, low=20, high=1500, label="Training digits", help="All stand in the middle of the canvas."
    )
    steps: int = integer(200, low=1, high=1000, hint=(50, 500, 10), label="Steps", help="Updates of each network.")
    rate: float = number(
        0.015, low=1e-4, high=1.0, log=True, label="Learning rate α", help="Of Adam, for all three.", more=True
    )


@dataclass(frozen=True)
class Moment:
    """The three networks' costs (3,) after ``step`` updates, and what is looked at now and then.

    ``right`` is their accuracy by shift (3, 1 + farthest), ``probability`` their answers about one digit (3, shifts, 10).
    """

    step: int
    cost: Tensor
    right: Tensor
    probability: Tensor


def examples(params: WhyConv) -> tuple[Examples, Examples]:
    """Digits (m, 1, 8, 8) from 0 to 1 with their classes, for training and dev."""
    found = digits()
    order = torch.randperm(len(found.y), generator=generator(params.seed, 0))
    x, y = (found.x / 16).view(-1, 1, 8, 8)[order].to(device()), found.y[order].to(device())
    last = DEV + params.digits
    return (x[DEV:last], y[DEV:last]), (x[:DEV], y[:DEV])


def networks(params: WhyConv) -> list[Sharing]:
    """The three networks, untrained."""
    f, pooled = int(params.size), int(params.pooled)
    return [
        Sharing(kind, SIDE, f, params.maps, pooled, generator(params.seed, 2 + i)).to(device())
        for i, kind in enumerate(KINDS)
    ]


def moves(k: int) -> list[tuple[int, int]]:
    """The shifts by k pixels down, up, right and left."""
    return [(k, 0), (-k, 0), (0, k), (0, -k)] if k else [(0, 0)]


@torch.no_grad()
def accuracy(network: Sharing, dev: Examples, k: int) -> Tensor:
    """The share of digits put in their class when moved by k pixels, the mean over the four directions."""
    x, y = dev
    return torch.stack([(network(on_canvas(x, SIDE, *by)).argmax(-1) == y).float().mean() for by in moves(k)]).mean()


@torch.no_grad()
def answers(network: Sharing, picture: Tensor) -> Tensor:
    """The probabilities of one digit (1, 8, 8) at every shift to the right, (2 · farthest + 1, 10)."""
    shifts = range(-FARTHEST, FARTHEST + 1)
    return network(torch.cat([on_canvas(picture[None], SIDE, 0, k) for k in shifts])).softmax(-1)


def train(params: WhyConv, three: Sequence[Sharing], train: Examples, dev: Examples) -> Iterator[Moment]:
    """Adam on the same batches for all three, before the first update and after each; ends where a cost overflows."""
    random, every = generator(params.seed, 1), max(1, params.steps // LOOKS)
    optimizers = [torch.optim.Adam(network.parameters(), params.rate) for network in three]
    x, y = on_canvas(train[0], SIDE), train[1]
    average = torch.zeros(len(three), device=y.device)
    for step in range(params.steps + 1):
        at = torch.randperm(len(y), generator=random)[:BATCH].to(y.device)
        costs = [cross_entropy(network(x[at]), y[at]) for network in three]
        average = MEMORY * average + (1 - MEMORY) * torch.stack(costs).detach()
        if step % every == 0 or step == params.steps:
            right = torch.stack([torch.stack([accuracy(net, dev, k) for k in range(FARTHEST + 1)]) for net in three])
            probability = torch.stack([answers(net, dev[0][0]) for net in three])
        yield Moment(step, average / (1 - MEMORY ** (step + 1)), right, probability)
        if not average.isfinite().all():
            return
        for cost, optimizer in zip(costs, optimizers, strict=True):
            optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def run(params: WhyConv) -> Frames:
    """About ten frames a second, from the untrained networks to the last step."""
    (x, y), dev = examples(params)
    three = networks(params)
    tables = {"First layers, counted": counted(three), "The course's layer, 32 × 32 × 3 to 28 × 28 × 6": course()}
    for history in paced(recorded(train(params, three, (x, y), dev))):
        yield frame(params, history, three, dev, tables)


def frame(
    params: WhyConv, history: list[Moment], three: list[Sharing], dev: Examples, tables: Mapping[str, Any]
) -> Frame:
    """The three networks at the latest step, but for what depends on the shift."""
    now = history[-1]
    shown = [moment for moment in thinned(history) if moment.cost.isfinite().all()] or history[:1]
    costs = torch.stack([moment.cost for moment in shown], -1).clamp(min=1e-6).numpy(force=True)
    race = Race(KINDS, np.array([moment.step for moment in shown], np.float32), costs)
    right = ShiftAccuracy(KINDS, np.arange(FARTHEST + 1), now.right.numpy(force=True))
    blown = not bool(now.cost.isfinite().all())
    middle, far = right.right[:, 0], right.right[:, -1]
    return Frame(
        figures={
            "Accuracy by shift": figures.by_shift(right),
            "Training cost": figures.costs(race, params.steps),
            **{f"Weights: {net.kind}": figures.matrix(corner(net), net.kind) for net in three},
        },
        says=(
            f"After {now.step} steps the dense, local and convolutional networks are right on "
            f"{middle[0]:.0%}, {middle[1]:.0%} and {middle[2]:.0%} of centred digits and on {far[0]:.0%}, {far[1]:.0%} and "
            f"{far[2]:.0%} of digits {FARTHEST} pixels off."
        ),
        progress=1.0 if blown else now.step / params.steps,
        diverged=f"A cost overflowed by step {now.step}: a rate of {params.rate:g} is too high." if blown else "",
        remedy={"rate": max(params.rate / 10, 1e-4)} if blown else {},
        tables=tables,
        state=(
            right,
            ShiftedDigit(
                KINDS, dev[0][0, 0].numpy(force=True), int(dev[1][0]), SIDE, now.probability.numpy(force=True)
            ),
        ),
    )


def view(params: WhyConv, frame: Frame) -> Frame:
    """The digit at the shift asked for, and the answers to it."""
    right, digit = frame.state
    at = right.right[:, abs(params.shift)]
    first = frame.tables["First layers, counted"]["parameters"]
    return replace(
        frame,
        figures={
            "A digit, shifted": figures.digit(digit, params.shift),
            "What they say": figures.answers(digit, params.shift),
        },
        metrics={
            "First layer, dense": f"{first[0]} numbers",
            "First layer, conv": f"{first[-1]} numbers",
            "Centred: dense | conv": f"{right.right[0, 0]:.0%} | {right.right[-1, 0]:.0%}",
            f"{abs(params.shift)} px off: dense | conv": f"{at[0]:.0%} | {at[-1]:.0%}",
        },
    )


def corner(network: Sharing) -> LayerMatrix:
    """The rows of the first map's first outputs, and the columns of the pixels that they could share."""
    weights = network.matrix()[: ROWS * network.o, : (network.f + ROWS - 1) * network.n]
    return LayerMatrix(weights.numpy(force=True), network.o, network.n)


def counted(three: Sequence[Sharing]) -> dict[str, list[str]]:
    """What the first layers are made of, counted on their tensors and on their matrices."""
    matrices = [network.matrix() for network in three]
    return {
        "first layer": [network.kind for network in three],
        "outputs": [f"{len(m):,}" for m in matrices],
        "connections": [f"{int((m != 0).sum()):,}" for m in matrices],
        "of all possible": [f"{float((m != 0).float().mean()):.1%}" for m in matrices],
        "different weights": [f"{len(np.unique(m[m != 0].numpy(force=True))):,}" for m in matrices],
        "parameters": [f"{network.first_parameters():,}" for network in three],
    }


def course() -> dict[str, list[str]]:
    """The parameters of the course's first layer, counted on PyTorch's modules."""
    dense, conv = nn.Linear(32 * 32 * 3, 28 * 28 * 6, device="meta"), nn.Conv2d(3, 6, 5, device="meta")
    layers: dict[str, nn.Module] = {"dense": dense, "convolution, f = 5": conv}
    return {
        "layer": list(layers),
        "parameters": [f"{sum(p.numel() for p in layer.parameters()):,}" for layer in layers.values()],
    }


LAB = Lab(
    slug="why-conv",
    summary="Train the same network with a dense, a local and a convolutional first layer, then shift what it looks at.",
    params=WhyConv,
    run=run,
    trains=True,
    look_for=(
        "A convolution is a dense layer under two rules: an output is connected to few pixels only, and all outputs of a map "
        "share their weights, so its matrix is one row repeated, each time a pixel further. The local layer keeps the first "
        "rule and drops the second. All three learn the centred digits; only the convolution still knows them elsewhere, "
        "having learned every detector at all places at once. What does a pool that keeps 5 x 5 places cost it, and why?"
    ),
    maths=(
        r"$$Z = W x + b, \quad W \in \mathbb{R}^{k o^2 \times n^2}: \qquad "
        r"\text{dense } (n^2 + 1)\, k o^2, \quad \text{local } (f^2 + 1)\, k o^2, \quad \text{conv } (f^2 + 1)\, k"
        r"\text{ parameters}$$"
        "\n\n"
        r"with $k$ maps of $o \times o$, $o = n - f + 1$. Of $W$'s $n^2$ columns a local or convolutional row uses $f^2$: "
        r"sparsity of connections. Row $(i, j)$ of a convolution is row $(0, 0)$ moved by $i n + j$ columns, a Toeplitz "
        r"structure: parameter sharing. So a shifted input gives shifted maps, $Z(T x) = T Z(x)$ away from the border."
    ),
    code=(Sharing.linear, Sharing.forward, Sharing.matrix, on_canvas, accuracy),
    presets={
        "Few digits": {"digits": 100},
        "Keep the places": {"pooled": "5", "maps": 8},
        "Four maps": {"maps": 4},
        "Small kernels": {"size": "3"},
    },
    rows=(
        ("Accuracy by shift", "A digit, shifted", "What they say"),
        ("Weights: dense", "Weights: local", "Weights: conv"),
        ("Training cost",),
    ),
    views=("shift",),
    view=view,
)
