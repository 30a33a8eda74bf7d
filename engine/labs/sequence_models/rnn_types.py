"""The four shapes of recurrent networks, each learning a small task."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from engine.data import shapes
from engine.data.shapes import Example, Task
from engine.figures import sequences as figures
from engine.lab import Frame, Frames, Lab
from engine.models.shapes import Shaped, initialize
from engine.params import Params, choice, integer, number, text
from engine.results.sequences import Unrolled
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.shapes import fit_shape

SHAPES = {
    "one-to-many": "One to many: a scale",
    "many-to-one": "Many to one: an opinion",
    "tagging": "Many to many: a tag each",
    "translation": "Many to many: read, then write",
}
TRY = {
    "one-to-many": "a note, up or down, and 2 to 8 notes, such as: G down 6",
    "many-to-one": "an opinion in its words, such as: the plot was not very boring",
    "tagging": "brackets, such as: ((()())())",
    "translation": "letters from a to h, such as: badge",
}
BATCH, ROWS, ROOM = 32, 12, 3


class Types(Params):
    """What a person can move."""

    shape: Literal["one-to-many", "many-to-one", "tagging", "translation"] = choice(
        "one-to-many", label="Shape", help="Which steps read and which answer.", names=SHAPES
    )
    which: int = integer(
        1, low=1, high=20, label="Held-out example", help="Which of the examples kept for testing is drawn."
    )
    own: str = text(
        "",
        longest=120,
        label="Your own input",
        help=f"For one to many {TRY['one-to-many']}; else {TRY['many-to-one']}, {TRY['tagging']}, or {TRY['translation']}.",
    )
    cell: Literal["rnn", "gru", "lstm"] = choice(
        "lstm", label="Cell", help="What computes the state.", names={"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
    )
    units: int = integer(48, low=2, high=128, hint=(4, 96, 2), label="Hidden units", help="How wide the state is.")
    updates: int = integer(
        250, low=1, high=5000, hint=(25, 1000, 25), label="Updates", help=f"How often it learns from {BATCH} examples."
    )
    rate: float = number(
        0.01, low=1e-4, high=0.3, log=True, label="Learning rate", help="First step of AdamW.", more=True
    )
    decay: float = number(
        0.7, low=0.0, high=2.0, label="Weight decay", help="Pulls the weights to zero, towards the rule.", more=True
    )


@lru_cache(maxsize=8)
def made(shape: str, seed: int) -> Task:
    """The task's examples."""
    return shapes.task(shape, generator(seed, 1))


def built(params: Types) -> Shaped:
    """The untrained network."""
    task = made(params.shape, params.seed)
    sizes = len(task.inputs), len(task.outputs), params.units
    return initialize(params.shape, params.cell, *sizes, generator(params.seed, 2))


def run(params: Types) -> Frames:
    """The untrained network at once, then about 25 looks at it; the examples are answered by :func:`view`."""
    task, network = made(params.shape, params.seed), built(params)
    train, test = task.encoded(task.train), task.encoded(task.test)
    random = generator(params.seed, 3)
    how: dict[str, Any] = {"rate": params.rate, "updates": params.updates, "decay": params.decay}
    for history in paced(recorded(fit_shape(network, train, test, batch=BATCH, generator=random, **how))):
        now = history[-1]
        updates, cost, steps, whole = (
            np.array([getattr(p, name) for p in history], np.float32) for name in ("update", "cost", "steps", "whole")
        )
        parts = {"steps": steps, "whole answers": whole} if params.shape != "many-to-one" else {"answers": whole}
        yield Frame(
            figures={
                "Held-out answers": figures.shares(updates, parts, params.updates),
                "Cost": figures.cost(updates, cost, params.updates),
            },
            says=f"After {now.update} updates {now.steps:.0%} of the held-out steps and {now.whole:.0%} of the whole answers "
            "are right.",
            metrics={
                "Steps right": f"{now.steps:.1%}",
                "Whole answers right": f"{now.whole:.1%}",
                "Cost J": f"{now.cost:.3g}",
                "Update": f"{now.update} of {params.updates}",
            },
            progress=now.update / params.updates,
            state={name: p.clone() for name, p in network.state_dict().items()},
        )


def answered(network: Shaped, task: Task, examples: tuple[Example, ...]) -> list[tuple[str, ...]]:
    """What the network answers to each example, up to the end that it says."""
    x, y = task.encoded([(ins, tuple(o for o in outs if o in task.outputs)) for ins, outs in examples])
    rows = network.answer(x, y.shape[1] + ROOM)
    said = [tuple(task.outputs[int(i)] for i in row) for row in rows]
    if network.generates:
        return [row[: row.index(shapes.END) + 1] if shapes.END in row else row for row in said]
    return [
        row[: len(ins)] if network.shape == "tagging" else row for row, (ins, _) in zip(said, examples, strict=True)
    ]


def unroll(network: Shaped, example: Example, said: tuple[str, ...]) -> Unrolled:
    """Where inputs go in and answers come out."""
    ins, outs = example
    before = {"one-to-many": 0, "many-to-one": len(ins) - 1, "tagging": 0, "translation": len(ins)}[network.shape]
    read: tuple[str | None, ...] = (" ".join(ins),) if network.shape == "one-to-many" else ins
    steps = max(len(read), before + len(said))
    right = [False] * before + [i < len(outs) and (outs[i] in (word, "?")) for i, word in enumerate(said)]
    return Unrolled(
        read + (None,) * (steps - len(read)),
        (None,) * before + said + (None,) * (steps - before - len(said)),
        tuple(right),
        tuple(range(before, steps - 1)) if network.generates else (),
        before if network.shape == "translation" else None,
    )


def view(params: Types, frame: Frame) -> Frame:
    """The network of a frame, unrolled over an example, and its answers to held-out ones."""
    task, network = made(params.shape, params.seed), built(params)
    network.load_state_dict(frame.state)
    own = task.read(params.own)
    shown = own or task.test[params.which - 1]
    said = answered(network, task, (shown, *task.test[:ROWS]))
    gap = " " if params.shape == "many-to-one" else ""
    table = {
        "input": [(gap or " " if params.shape == "one-to-many" else gap).join(ins) for ins, _ in task.test[:ROWS]],
        "answer": [gap.join(row) for row in said[1:]],
        "truth": [gap.join(outs) for _, outs in task.test[:ROWS]],
        "right": ["✓" if row == outs else "✗" for row, (_, outs) in zip(said[1:], task.test, strict=False)],
    }
    refused = params.own.strip() and own is None
    return replace(
        frame,
        figures={"Unrolled": figures.unrolled(unroll(network, shown, said[0]))},
        tables={"Held-out examples": table},
        says=f"{frame.says} To “{' '.join(shown[0])}” it answers “{' '.join(said[0])}”.",
        note=(f"It can't read that; try {TRY[params.shape]}." if refused else f"Try {TRY[params.shape]}."),
    )


LAB = Lab(
    slug="rnn-types",
    summary="One cell, four shapes: a scale from three words, an opinion's sign, a tag for each bracket, a word backwards.",
    params=Types,
    run=run,
    trains=True,
    look_for=(
        "The same cell is unrolled in four ways: it reads once and then feeds on its own answers, reads on and answers at "
        "the end, answers at every step, or reads everything into one state from which a second cell writes. Green states "
        "read, blue answers are right, and none of the examples drawn was trained on. Why does writing a word backwards need "
        "more units as the word grows, and tagging brackets not?"
    ),
    maths=(
        r"$$a^{\langle t \rangle} = \text{cell}(a^{\langle t-1 \rangle}, x^{\langle t \rangle}), \qquad "
        r"\hat y^{\langle t \rangle} = \text{softmax}(W_{ya} a^{\langle t \rangle} + b_y)$$"
        "\n\n"
        r"One to many: $x^{\langle t \rangle} = \hat y^{\langle t-1 \rangle}$ for $t > 1$, the true one in training. "
        r"Many to one: $\hat y$ from $a^{\langle T_x \rangle}$ alone. Many to many: $T_y = T_x$, or an encoder's "
        r"$a^{\langle T_x \rangle}$ is the decoder's $a^{\langle 0 \rangle}$."
        "\n\n"
        r"$$J = -\frac{1}{T_y} \sum_t \log \hat y^{\langle t \rangle}_{y^{\langle t \rangle}}$$"
    ),
    code=(Shaped, fit_shape),
    presets={
        "Opinion": {"shape": "many-to-one"},
        "Brackets": {"shape": "tagging", "updates": 150},
        "Backwards": {"shape": "translation"},
        "Backwards, plain RNN": {"shape": "translation", "cell": "rnn"},
        "Too long a word": {"shape": "translation", "own": "abcdefgh"},
        "Learns the list": {"decay": 0.0},
    },
    rows=(("Unrolled",), ("Held-out answers", "Cost")),
    views=("which", "own"),
    view=view,
)
