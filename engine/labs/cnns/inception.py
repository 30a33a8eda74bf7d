"""The inception module with its branches switched on and off, and GoogLeNet built of it."""

from __future__ import annotations

from typing import Literal

from engine.errors import BadInput
from engine.figures import inception as figures
from engine.lab import Frame, Frames, Lab
from engine.models import counting
from engine.models.inception import BRANCHES, GOOGLENET, Inception
from engine.params import Params, choice, number, toggle
from engine.results import inception as results
from engine.results.architectures import millions, shape

FIVE = BRANCHES.index("5 × 5")
HEAD_WEIGHT = 0.3


class InceptionParams(Params):
    """What a person can move."""

    bottleneck: bool = toggle(True, label="Bottleneck", help="1 × 1 convolutions that thin the channels first.")
    module: Literal["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"] = choice(
        "3a",
        label="Module",
        help="Which of GoogLeNet's nine, in order.",
        names={name: f"{name}: {w.side} × {w.side} × {w.channels}" for name, w in GOOGLENET.items()},
    )
    one: bool = toggle(True, label="1 × 1 branch", help="Mixes channels at each pixel.")
    three: bool = toggle(True, label="3 × 3 branch", help="Same padding, stride 1.")
    five: bool = toggle(True, label="5 × 5 branch", help="Same padding, stride 1.")
    pool: bool = toggle(True, label="Pool branch", help="3 × 3 max-pooling with padding and stride 1.")
    weight: float = number(
        HEAD_WEIGHT,
        low=0.0,
        high=1.0,
        hint=(0.0, 1.0, 0.05),
        label="Weight of a head",
        help="Of each auxiliary loss in the sum that training lowers; 0.3 as published.",
        more=True,
    )

    @property
    def on(self) -> list[str]:
        """The branches that are switched on."""
        switches = (self.one, self.three, self.five, self.pool)
        return [name for name, switched in zip(BRANCHES, switches, strict=True) if switched]


def run(params: InceptionParams) -> Frames:
    """One frame: the module with and without bottleneck, and the network it belongs to."""
    if not params.on:
        raise BadInput("At least one branch must be on to give the next layer something, got none.")
    direct, thinned = (results.module(params.module, bottleneck) for bottleneck in (False, True))
    now = [branch for branch in (thinned if params.bottleneck else direct) if branch.name in params.on]
    widths = GOOGLENET[params.module]
    start, out = shape((widths.channels, widths.side, widths.side)), sum(branch.channels for branch in now)
    end = shape((out, widths.side, widths.side))
    total = sum(branch.multiplications for branch in now)
    parts, five = results.googlenet(), (direct[FIVE].multiplications, thinned[FIVE].multiplications)
    yield Frame(
        figures={
            "Module": figures.module(thinned if params.bottleneck else direct, params.on, start, end),
            "Multiplications by branch": figures.costs(direct, thinned, params.on, params.bottleneck),
            "Concatenated channels": figures.channels(now, params.on),
            "GoogLeNet": figures.googlenet(parts, params.module),
            "Loss that reaches a module": figures.losses(results.reach(params.weight)),
        },
        says=(
            f"Module {params.module} with {', '.join(params.on)} turns {start} into {end} with {total:,} multiplications; "
            f"its 5 × 5 branch takes {five[0]:,} directly and {five[1]:,} behind a bottleneck."
        ),
        metrics={
            "5 × 5 directly": millions(five[0]),
            "5 × 5 behind bottleneck": millions(five[1]),
            "This module": millions(total),
            "Channels out": str(out),
        },
        tables={"Branches": table(direct, thinned), "GoogLeNet and its heads": heads(parts, params.weight)},
    )


def table(direct: tuple[results.Branch, ...], thinned: tuple[results.Branch, ...]) -> dict[str, list[str]]:
    """The branches without and with bottleneck, counted to the last multiplication."""
    return {
        "Branch": list(BRANCHES),
        "Direct": [f"{branch.multiplications:,}" for branch in direct],
        "Bottleneck": [" + ".join(f"{s.multiplications:,}" for s in b.steps if s.kind == "conv") for b in thinned],
        "Bottleneck in all": [f"{branch.multiplications:,}" for branch in thinned],
        "Parameters, direct": [f"{branch.parameters:,}" for branch in direct],
        "Parameters, bottleneck": [f"{branch.parameters:,}" for branch in thinned],
        "Channels out": [f"{a.channels} or {b.channels}" for a, b in zip(direct, thinned, strict=True)],
    }


def heads(parts: tuple[results.Part, ...], weight: float) -> dict[str, list[str]]:
    """Every part of the network, with what its own loss weighs where it has one."""
    losses = {"head": f"{weight:g}, in training only", "end": "1"}
    return {
        "Part": [part.name for part in parts],
        "Multiplications, published": [f"{part.published:,}" for part in parts],
        "Multiplications, torchvision": [f"{part.torchvision:,}" for part in parts],
        "Parameters, torchvision": [f"{part.parameters:,}" for part in parts],
        "Its loss weighs": [losses.get(part.kind, "") for part in parts],
    }


LAB = Lab(
    slug="inception",
    summary="Switch the branches of an inception module on and off, and see what a 1 × 1 bottleneck saves.",
    params=InceptionParams,
    run=run,
    look_for=(
        "Module 3a is the course's example: 28 × 28 × 192, and a 5 × 5 branch of 32 filters costs 120 million "
        "multiplications directly and 12.4 million behind 16 filters of 1 × 1. Without its 1 × 1 the pool passes all its "
        "channels on, so the next module would grow. torchvision's GoogLeNet has 3 × 3 kernels in place of 5 × 5, hence "
        "its marks below the bars. The heads hang behind 4a and 4d and are cut off after training: in which module does "
        "the bottleneck save the least?"
    ),
    maths=(
        r"$$28 \cdot 28 \cdot 32 \cdot 5 \cdot 5 \cdot 192 = 120{,}422{,}400, \qquad "
        r"28 \cdot 28 \cdot 16 \cdot 192 + 28 \cdot 28 \cdot 32 \cdot 5 \cdot 5 \cdot 16 = 12{,}443{,}648$$"
        "\n\n"
        r"$$J = J_{\text{last}} + w\,(J_{\text{head 1}} + J_{\text{head 2}}), \qquad w = 0.3 \text{ while training}, "
        r"\quad 0 \text{ afterwards}$$"
    ),
    code=(Inception, counting.count, counting.multiplications, results.reach),
    presets={
        "No bottleneck": {"bottleneck": False},
        "5 × 5 alone": {"one": False, "three": False, "pool": False},
        "5 × 5 alone, direct": {"one": False, "three": False, "pool": False, "bottleneck": False},
        "Deepest module": {"module": "5b"},
        "Heads of full weight": {"weight": 1.0},
    },
    rows=(
        ("Module",),
        ("Multiplications by branch", "Concatenated channels"),
        ("GoogLeNet", "Loss that reaches a module"),
    ),
)
