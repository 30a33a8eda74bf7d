"""Plain against residual networks while depth grows, trained on small pictures of digits."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.planar import Examples
from engine.data.tabular import digits
from engine.device import device
from engine.figures import residual as figures
from engine.lab import Frame, Frames, Lab
from engine.models.residual import Block, Networks
from engine.params import Params, choice, integer, number, toggle
from engine.results.residual import DepthRace, GradientNorms, Identities
from engine.seeding import generator
from engine.training import paced, recorded, thinned
from engine.training.depths import SCALES, Moment, towards_identity, train_depths

DEV = 200
KINDS = {"plain": 0.0, "residual": 1.0}
LOOKS = 4


class Resnet(Params):
    """What a person can move."""

    depth: int = integer(
        32, low=2, high=50, hint=(2, 50, 2), label="Depth", help="Layers of the deepest; half and a quarter race along."
    )
    steps: int = integer(50, low=1, high=400, hint=(20, 200, 10), label="Steps", help="Updates of every network.")
    rate: float = number(
        0.03, low=1e-4, high=1.0, hint=(0.001, 0.5, 0.001), log=True, label="Learning rate α", help="With momentum 0.9."
    )
    seeds: int = integer(3, low=1, high=5, label="Seeds", help="Starts of each network: the bands span them.")
    normalized: bool = toggle(True, label="Batch norm", help="After every convolution, as in the paper.")
    shortcut: Literal["projection", "padding"] = choice(
        "projection",
        label="Skip to a new shape",
        help="Where channels double: a learned 1 x 1 convolution Ws, or zeros.",
        names={"projection": "Projection Ws", "padding": "Zero padding"},
    )
    branch: float = number(
        1.0,
        low=0.0,
        high=1.0,
        label="Start of the branches",
        help="Scale of each residual block's second layer; at 0 every block begins as the identity.",
        more=True,
    )
    batch: int = integer(64, low=8, high=128, label="Mini-batch", help="Pictures an update.", more=True)
    width: int = integer(
        8, low=2, high=16, label="Channels", help="Of the first half; the second has twice.", more=True
    )

    @property
    def depths(self) -> tuple[int, ...]:
        """A quarter of the depth, half of it, and all, rounded to even numbers of layers."""
        return tuple(sorted({max(2, self.depth // part // 2 * 2) for part in (4, 2, 1)}))


def examples(params: Resnet) -> tuple[Examples, Examples]:
    """Digits (m, 1, 8, 8) from 0 to 1 and their classes, for training and dev."""
    found = digits()
    order = torch.randperm(len(found.y), generator=generator(params.seed, 0))
    x, y = (found.x / 16).view(-1, 1, 8, 8)[order].to(device()), found.y[order].to(device())
    return (x[DEV:], y[DEV:]), (x[:DEV], y[:DEV])


def fleets(params: Resnet) -> list[Networks]:
    """For each depth the plain networks of all seeds, then the residual ones from the same starts."""
    gates = [gate for gate in KINDS.values() for _ in range(params.seeds)]
    return [
        Networks(
            depth,
            gates,
            [generator(params.seed, 2 + seed) for _ in KINDS for seed in range(params.seeds)],
            params.width,
            params.normalized,
            params.shortcut,
            params.branch,
        ).to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
        for depth in params.depths
    ]


def run(params: Resnet) -> Frames:
    """About ten frames a second, from the untrained networks to the last step."""
    train, dev = examples(params)
    networks = fleets(params)
    every = max(1, params.steps // LOOKS)
    moments = train_depths(
        networks, train, dev, params.rate, params.steps, params.batch, generator(params.seed, 1), every
    )
    for history in paced(recorded(moments)):
        yield frame(params, history, networks[-1])


def split(members: Tensor, axis: int) -> np.ndarray[Any, Any]:
    """Numbers of a fleet with the axis of its members split into kind and seed: (..., 2, seeds, ...)."""
    return torch.unflatten(members, axis, (2, -1)).numpy(force=True)


def frame(params: Resnet, history: list[Moment], deepest: Networks) -> Frame:
    """What the networks of all depths have learned by the latest step."""
    now, look = history[-1], history[-1].look
    shown = [moment for moment in thinned(history) if moment.finite] or history[:1]
    steps = np.array([moment.step for moment in shown], np.float32)
    race = DepthRace(params.depths, steps, split(torch.stack([m.cost for m in shown], -1), 1))
    gradients = GradientNorms(split(history[0].look.gradients, 1), split(look.gradients, 1))
    plain, residual = (race.latest[:, kind].mean(1) for kind in (0, 1))
    low, high = params.depths[0], params.depths[-1]
    right = split(look.right[-1], 0).mean(1)
    drops = [g[0].mean() / max(g[-2].mean(), 1e-30) for g in gradients.now.transpose(1, 0, 2)]
    drawn = {
        "Plain": figures.costs(race, 0, params.steps),
        "Residual": figures.costs(race, 1, params.steps),
        "Cost by depth": figures.by_depth(race),
        "Gradient norms": figures.gradients(gradients),
        "Blocks": figures.blocks(params.width, params.normalized, params.shortcut),
    }
    if look.distance.numel() and torch.isfinite(look.distance).all():
        found = Identities(SCALES.numpy(), split(look.distance, 0))
        drawn["A block on its way to the identity"] = figures.identities(found)
    blown = not now.finite
    return Frame(
        figures=drawn,
        says=(
            f"After {now.step} steps the mean cost of {low} and of {high} layers is {plain[0]:.3f} and {plain[-1]:.3f} for "
            f"plain networks, {residual[0]:.3f} and {residual[-1]:.3f} for residual ones."
        ),
        metrics={
            f"Plain, {low} → {high} layers": f"J {plain[0]:.2f} → {plain[-1]:.2f}",
            f"Residual, {low} → {high} layers": f"J {residual[0]:.2f} → {residual[-1]:.2f}",
            f"Right, {high} layers: plain | residual": f"{right[0]:.0%} | {right[1]:.0%}",
            "First / last gradient: plain | residual": f"{drops[0]:.2g} | {drops[1]:.2g}",
        },
        progress=1.0 if blown else now.step / params.steps,
        diverged=f"A cost overflowed by step {now.step}: a rate of {params.rate:g} is too high, try a lower one."
        if blown
        else "",
        remedy={"rate": max(params.rate / 10, 1e-4)} if blown else {},
        tables={f"The residual network of {high} layers": layer_table(deepest)},
    )


def layer_table(network: Networks) -> dict[str, list[Any]]:
    """What each part of one member turns its input into, its skip and its parameters, runs of equal blocks in one row."""
    rows: list[list[Any]] = [
        ["convolution and pool", "8 × 8 × 1", f"4 × 4 × {network.width}", "–", 1, count(network, network.stem)]
    ]
    side = 4
    for block in network.chain:
        new = block.stride > 1
        kind = "identity block" if not new else "projection block" if block.projection is not None else "padding block"
        shape, side = f"{side} × {side} × {block.c_in}", side // block.stride
        skip = "a[l]" if not new else "Ws a[l]" if block.projection is not None else "a[l] and zeros"
        row = [kind, shape, f"{side} × {side} × {block.c_out}", skip, 1, count(network, block)]
        if rows[-1][:4] == row[:4]:
            rows[-1][4:] = [rows[-1][4] + 1, rows[-1][5] + row[5]]
        else:
            rows.append(row)
    channels = network.dense.shape[1]
    rows.append(["mean and dense", f"{side} × {side} × {channels}", "10", "–", 1, channels * 10 + 10])
    names = ("part", "input", "output", "skip", "times", "parameters")
    return {name: [str(row[i]) for row in rows] for i, name in enumerate(names)}


def count(network: Networks, part: torch.nn.Module) -> int:
    """The parameters of a part that belong to one member."""
    return sum(p.numel() for p in part.parameters()) // network.fleet


LAB = Lab(
    slug="resnet",
    summary="Train plain and residual networks of growing depth side by side, and see which of them depth hurts.",
    params=Resnet,
    run=run,
    trains=True,
    look_for=(
        "More layers can do whatever fewer can, by passing their input on, and yet the deep plain networks train worse: not "
        "on new pictures, on those they learn from. A residual block has the identity for nothing, so depth costs it little. "
        "Shrink a block's second layer to zero: the residual block passes its input, the plain one passes nothing. "
        "Without batch norm, do the plain gradients explode or vanish, and what would L2 regularization do to each block?"
    ),
    maths=(
        r"$$a^{[l+1]} = g(z^{[l+1]}), \qquad a^{[l+2]} = g\big(z^{[l+2]} + a^{[l]}\big), \qquad "
        r"z^{[l+2]} = W^{[l+2]} a^{[l+1]} + b^{[l+2]}$$"
        "\n\n"
        r"With $W^{[l+2]} = 0$ and $b^{[l+2]} = 0$ it is $g(a^{[l]}) = a^{[l]}$, because a ReLU's output is never negative; "
        r"under batch norm $\gamma$ and $\beta$ play their part. Where shapes differ, "
        r"$a^{[l+2]} = g\big(z^{[l+2]} + W_s\, a^{[l]}\big)$. The gradient gets a path of its own: "
        r"$\partial (z^{[l+2]} + a^{[l]}) / \partial a^{[l]} = \partial z^{[l+2]} / \partial a^{[l]} + I$."
    ),
    code=(Block.forward, Block.skip, Networks.forward, train_depths, towards_identity),
    presets={
        "Fifty layers": {"depth": 50, "steps": 40, "seeds": 2},
        "Without batch norm": {"normalized": False, "branch": 0.0, "steps": 60},
        "Blocks begin as identities": {"branch": 0.0},
        "Zero padding": {"shortcut": "padding"},
        "Shallow": {"depth": 8, "steps": 150},
    },
    rows=(
        ("Plain", "Residual"),
        ("Cost by depth", "Gradient norms"),
        ("A block on its way to the identity", "Blocks"),
    ),
)
