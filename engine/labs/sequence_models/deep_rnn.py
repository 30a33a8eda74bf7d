"""One, two and three recurrent layers on top of each other: where depth helps, and what each layer holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.nested import TASKS, sequences
from engine.figures import tagging as figures
from engine.lab import Frame, Frames, Lab
from engine.models.tagger import Taggers, seeded, weights_each
from engine.params import Params, choice, integer, number, text
from engine.results import Array
from engine.results.tagging import ByDepth, Grid, raced
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.tagging import fit_tagger, found_tags

DEPTHS = (1, 2, 3)
NAMES = ("1 layer", "2 layers", "3 layers")
LENGTH, MADE, HELD_OUT, MOST_SIGNS = 12, 3000, 300, 24
EXAMPLES = {"brackets": "( [ / { ( / / [ { / /", "bits": "1 0 1 1 0 0 1 0 1 1 1 0 0 1"}


class Depths(Params):
    """What a person can move."""

    sequence: str = text(
        EXAMPLES["brackets"],
        longest=80,
        label="Sequence",
        help="Brackets ( [ { and / to close the innermost; or bits 0 and 1.",
    )
    look: int = integer(3, low=1, high=3, label="Look into", unit="layers", help="Whose activations are drawn.")
    task: Literal["brackets", "bits"] = choice(
        "brackets",
        label="Task",
        help="Name the innermost open bracket, or tell if the last four bits hold an odd number of ones.",
        names={"brackets": "Innermost bracket", "bits": "Last four bits"},
    )
    same: Literal["width", "numbers"] = choice(
        "width",
        label="Alike in",
        help="Every layer has as many units; or every network learns as many numbers, so that a deep one is narrow.",
        names={"width": "Units a layer", "numbers": "Numbers learned"},
    )
    width: int = integer(
        8, low=2, high=24, hint=(3, 16, 1), label="Units", help="Of each layer, or of the deepest network's."
    )
    steps: int = integer(180, low=20, high=1500, hint=(40, 600, 20), label="Updates", help="Of 64 sequences each.")
    starts: int = integer(5, low=1, high=8, label="Random starts", help="Networks of each depth.", more=True)
    rate: float = number(0.015, low=1e-4, high=0.3, log=True, label="Learning rate", help="Of Adam.", more=True)


@dataclass(frozen=True)
class Look:
    """After some updates: the cost and the held-out accuracy of every start, one array (starts,) for each depth."""

    step: int
    costs: list[Array]
    accuracies: list[Array]


def size(width: int, layers: int, words: int, classes: int) -> int:
    """How many numbers a network with ``layers`` of ``width`` plain units learns, with vectors as wide as a layer."""
    return words * width + layers * (2 * width * width + width) + width * classes + classes


def widths(params: Depths) -> list[int]:
    """The units a layer for each depth; alike in numbers, those whose count comes nearest to the deepest network's."""
    if params.same == "width":
        return [params.width] * len(DEPTHS)
    sizes = len(TASKS[params.task].signs), len(TASKS[params.task].answers)
    goal = size(params.width, DEPTHS[-1], *sizes)
    return [min(range(2, 64), key=lambda n: abs(size(n, layers, *sizes) - goal)) for layers in DEPTHS]


def build(params: Depths, layers: int) -> Taggers:
    """The networks of one depth at their starts."""
    task, width = TASKS[params.task], widths(params)[layers - 1]
    network = seeded(
        params.seed, Taggers, params.starts, len(task.signs), len(task.answers), hidden=width, layers=layers
    )
    assert isinstance(network, Taggers)
    return network


@lru_cache(maxsize=4)
def material(task: str, seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Sequences with their answers to train on, and held-out ones, none of which is among them."""
    x, y = sequences(task, MADE, LENGTH, generator(seed, 1))
    held_x, held_y = sequences(task, HELD_OUT, LENGTH, generator(seed, 2))
    met = set(map(tuple, x.tolist()))
    new = torch.tensor([tuple(row) not in met for row in held_x.tolist()])
    return (x, y), (held_x[new], held_y[new])


def training(params: Depths, networks: Sequence[Taggers]) -> Iterator[Look]:
    """All depths trained on the same batches."""
    train, held = material(params.task, params.seed)
    runs = [
        fit_tagger(
            network,
            [train],
            steps=params.steps,
            rate=params.rate,
            batch=64,
            generator=generator(params.seed, 3),
            every=-(-params.steps // 14),
        )
        for network in networks
    ]
    for updates in zip(*runs, strict=True):
        found = [found_tags(network, [held])[0][0] for network in networks]
        right = [(guess == held[1]).float().mean((1, 2)).numpy() for guess in found]
        yield Look(updates[0].step, [update.cost.numpy() for update in updates], right)


def run(params: Depths) -> Frames:
    """The untrained networks at once, then a frame for every look."""
    networks = [build(params, layers) for layers in DEPTHS]
    sizes = tuple(weights_each(network) for network in networks)
    _, (_, answers) = material(params.task, params.seed)
    chance = float(answers.flatten().bincount().max()) / answers.numel()
    for history in paced(recorded(training(params, networks))):
        now, steps = history[-1], [look.step for look in history]
        costs = raced(NAMES, steps, [np.stack([look.costs[i] for look in history]) for i in range(len(DEPTHS))])
        means = [float(x.mean()) for x in now.accuracies]
        said = ", ".join(f"{mean:.1%} with {name}" for mean, name in zip(means, NAMES, strict=True))
        yield Frame(
            figures={
                "Accuracy of every start": figures.by_depth(ByDepth(NAMES, sizes, tuple(now.accuracies)), chance),
                "Cost of the batches": figures.race(costs, params.steps, "cost J", yaxis={"rangemode": "tozero"}),
            },
            says=f"After {now.step} updates, mean accuracy on held-out sequences is {said}; always giving the commonest answer "
            f"would get {chance:.1%}.",
            metrics={name: f"{mean:.1%}" for name, mean in zip(NAMES, means, strict=True)}
            | {"Commonest answer": f"{chance:.1%}"},
            progress=now.step / params.steps,
            state=[{name: value.clone() for name, value in network.state_dict().items()} for network in networks],
        )


def view(params: Depths, frame: Frame) -> Frame:
    """What every unit of every layer of the first network of a depth holds over the person's sequence."""
    task = TASKS[params.task]
    typed = [sign for sign in params.sequence if not sign.isspace()]
    known = [sign for sign in typed if sign in task.signs]
    signs = known[:MOST_SIGNS] or EXAMPLES[params.task].split()
    network = build(params, params.look)
    network.load_state_dict(frame.state[params.look - 1])
    with torch.inference_mode():
        layers, logits = network.every(torch.tensor([[task.signs.index(sign) for sign in signs]]))
    answers = tuple(task.answers[i] for i in logits[0, 0].argmax(-1).tolist())
    truths = tuple(task.solve(signs))
    grid = Grid(tuple(signs), tuple(layer[0, 0].T.numpy() for layer in layers), answers, truths)
    right = sum(a == b for a, b in zip(answers, truths, strict=True))
    notes = ["None of the signs typed belongs to this task: an example is read instead."] if typed and not known else []
    notes += [f"Only the signs {' '.join(task.signs)} are read."] if known and len(known) < len(typed) else []
    notes += [f"Only the first {MOST_SIGNS} signs are read."] if len(known) > MOST_SIGNS else []
    said = (
        f"{frame.says} On your sequence the network with {NAMES[params.look - 1]} gets {right} of {len(signs)} right."
    )
    return replace(frame, figures={"Every unit over time": figures.grid(grid)}, says=said, note=" ".join(notes))


LAB = Lab(
    slug="deep-rnn",
    summary="Stack one, two or three recurrent layers, watch every unit over time, and see whether the depth was worth it.",
    params=Depths,
    run=run,
    look_for=(
        "With eight units a layer, a second layer gets more brackets right and a third hardly more. But deeper networks also "
        "have more numbers to learn: let all learn as many, and most of the lead on this task is gone. "
        "In the grid, look for units of the upper layers that hold one value for as long as one bracket is innermost. "
        "How few units may a single layer have before it loses track of the brackets?"
    ),
    maths=(
        r"$$a^{[l]\langle t \rangle} = \tanh\big(W_{aa}^{[l]} a^{[l]\langle t-1 \rangle} + "
        r"W_{ax}^{[l]} a^{[l-1]\langle t \rangle} + b_a^{[l]}\big), \qquad a^{[0]\langle t \rangle} = x^{\langle t \rangle}, "
        r"\qquad \hat y^{\langle t \rangle} = \text{softmax}(W_y a^{[L]\langle t \rangle} + b_y)$$"
        "\n\n"
        "With $n$ units a layer, each layer learns $2n^2 + n$ numbers. The signs' vectors have $n$ numbers too. Dots are "
        "random starts, the line is their mean; bands reach from the lowest to the highest start."
    ),
    code=(Taggers, fit_tagger, size),
    presets={
        "As many numbers": {"same": "numbers", "width": 5},
        "Last four bits": {"task": "bits", "sequence": EXAMPLES["bits"]},
        "Four units": {"width": 4},
        "Look into one layer": {"look": 1},
    },
    trains=True,
    rows=(("Every unit over time",), ("Accuracy of every start", "Cost of the batches")),
    views=("sequence", "look"),
    view=view,
)
