"""A long short-term memory trained to remember a name against RNN and GRU, its gates seen over a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from engine.data.sequences import CUE, NAMES, TOLD, read, remember
from engine.figures import cells
from engine.figures import sequences as figures
from engine.functional.recurrent import LstmStates, lstm_cell, lstm_forward
from engine.functional.recurrent_weights import LstmWeights
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer, number, text, toggle
from engine.results.cells import Block, Edit, column, matrix
from engine.results.sequences import bands, cost_bands
from engine.seeding import generator
from engine.training import paced
from engine.training.sequences import CELLS, Batch, Recurrents, fit_fleets, watched

BATCH, TESTED, MOST_WORDS = 24, 40, 40
SENTENCE = "Finn and then rain fell while music played and rain fell and then music played who"
PANELS = {
    "update": "Γu update",
    "forget": "Γf forget",
    "output": "Γo output",
    "candidate": "c~ candidate",
    "c": "c memory",
}
RUNS = ("Untouched", "Overwritten")


class Lstm(Params):
    """What a person can move."""

    gap: int = integer(
        24, low=2, high=60, hint=(5, 50, 5), label="Gap",
        help="Training has from two thirds of this to this many words between a name and who.",
    )  # fmt: skip
    peephole: bool = toggle(False, label="Peepholes", help="Let the gates see the memory c, each unit its own.")
    text: str = text(
        SENTENCE, longest=400, label="Sentence",
        help="A name (Ada, Ben, Cleo, Dan, Eva, Finn, Gus, Hana), chatter (and, then, rain, fell, while, music, played), who.",
    )  # fmt: skip
    step: int = integer(
        8, low=1, high=MOST_WORDS, hint=(1, 16, 1), label="Word", help="Which word is overwritten; a click too."
    )
    gate: Literal["none", "update", "forget", "output", "candidate", "c"] = choice(
        "c", label="Overwrite", help="What is overwritten at that word.",
        names={"none": "Nothing", "update": "Γu", "forget": "Γf", "output": "Γo", "candidate": "c~", "c": "c"},
    )  # fmt: skip
    value: float = number(
        0.0, low=-3.0, high=3.0, hint=(-1.0, 1.0, 0.05), label="Its new value", help="A gate's is held to 0 … 1."
    )
    keep: float = number(
        3.0, low=-3.0, high=6.0, label="Start by keeping",
        help="Added to the keeping gates' first bias, and taken from Γu's of the LSTM.", more=True,
    )  # fmt: skip
    unit: int = integer(0, low=0, high=32, label="Unit to overwrite", help="One unit, or 0 for all of them.", more=True)
    units: int = integer(
        10, low=2, high=32, hint=(2, 24, 1), label="Units n", help="Numbers in every state.", more=True
    )
    updates: int = integer(
        110, low=1, high=5000, hint=(10, 600, 10), label="Updates", help=f"Of {BATCH} sentences each.", more=True
    )
    seeds: int = integer(3, low=1, high=8, label="Networks of a kind", help="The first is the one in view.", more=True)
    rate: float = number(
        0.03, low=1e-4, high=0.3, log=True, label="Learning rate", help="Step size of Adam.", more=True
    )


@dataclass(frozen=True)
class Reading:
    """A sentence read twice: its words, both runs' gates and states (1, T, n), and the names' chances after it (8,)."""

    words: list[str]
    states: tuple[LstmStates, LstmStates]
    chances: tuple[Tensor, Tensor]
    edit: Edit | None


def built(params: Lstm) -> dict[str, Recurrents]:
    """Untrained networks of all kinds."""
    sizes = params.seeds, len(TOLD), params.units, len(NAMES)
    return {
        cell.upper(): Recurrents(cell, *sizes, generator(params.seed, i), peephole=params.peephole, keep=params.keep)
        for i, cell in enumerate(CELLS)
    }


def batches(params: Lstm) -> Callable[[], Batch]:
    """What draws the next batch, all of one gap."""
    random = generator(params.seed, 10)
    shortest = math.ceil(params.gap * 2 / 3)
    return lambda: remember(BATCH, int(torch.randint(shortest, params.gap + 1, (), generator=random)), random)


def run(params: Lstm) -> Frames:
    """The untrained networks at once, then a frame a look; the sentence is read by :func:`view`."""
    gaps, random = list(range(0, params.gap * 3 // 2 + 1, max(1, params.gap // 6))), generator(params.seed, 11)
    tests = [remember(TESTED, gap, random) for gap in gaps]
    trained = (math.ceil(params.gap * 2 / 3), params.gap)
    inside = [i for i, gap in enumerate(gaps) if trained[0] <= gap <= trained[1]]
    for look in paced(watched(built(params), batches(params), tests, rate=params.rate, updates=params.updates)):
        result = bands(gaps, look.right)
        share = {name: float(result.mean[i][inside].mean()) for i, name in enumerate(result.names)}
        yield Frame(
            figures={
                "Right by gap": figures.accuracy_by_gap(result, trained),
                "Cost": figures.cost_by_update(cost_bands(look.history), params.updates, math.log(len(NAMES))),
            },
            says=f"After {look.update} updates the name is remembered over a gap of {trained[0]} to {trained[1]} words by "
            + ", ".join(f"{name} {right:.0%}" for name, right in share.items())
            + f"; a guess has {1 / len(NAMES):.1%}.",
            metrics={name: f"{right:.0%} right" for name, right in share.items()},
            progress=look.update / params.updates,
            state=look.weights["LSTM"],
        )


def first_lstm(network: Recurrents) -> LstmWeights:
    """The first network of a fleet of LSTMs in the course's layout."""
    W = torch.cat([network.across[0].T, network.inward[0].T], -1).detach()
    (Wu, Wf, Wc, Wo), (bu, bf, bc, bo) = W.chunk(4), network.bias[0, 0].detach().chunk(4)
    peeps = network.peeps[0].detach() if network.peeps is not None else ()
    return LstmWeights(Wc, bc, Wu, bu, Wf, bf, Wo, bo, *peeps)


def read_twice(params: Lstm, weights: Mapping[str, Tensor]) -> Reading:
    """The sentence read untouched, and with one gate or state overwritten."""
    network = built(params)["LSTM"]
    network.load_state_dict(weights)
    words = read(params.text, TOLD, MOST_WORDS)[0] or [CUE]
    x = one_hot(torch.tensor([[TOLD.index(word) for word in words]]), len(TOLD)).float()
    edit: Edit | None = None
    edits: dict[int, dict[str, Tensor]] = {}
    if params.gate != "none" and params.unit <= params.units:
        edit = Edit(PANELS[params.gate], min(params.step, len(words)), params.unit)
        new = torch.full((1, params.units), math.nan)
        value = min(max(params.value, 0.0), 1.0) if "Γ" in edit.panel else params.value
        new[:, slice(None) if edit.unit == 0 else edit.unit - 1] = value
        edits = {edit.step - 1: {params.gate: new}}
    cell = first_lstm(network)
    plain, changed = lstm_forward(cell, x), lstm_forward(cell, x, edits=edits)
    with torch.no_grad():
        said = [
            (states.a[0, -1] @ network.outward[0] + network.offset[0, 0]).softmax(-1) for states in (plain, changed)
        ]
    return Reading(words, (plain, changed), (said[0], said[1]), edit)


def view(params: Lstm, frame: Frame) -> Frame:
    """The sentence's gates and memory in both runs, its answers, and the step in view written out."""
    reading = read_twice(params, frame.state)
    at = min(params.step, len(reading.words))
    drawn = {
        f"{run}: gates and memory": cells.heatmaps(
            {panel: matrix(getattr(states, name)[0]) for name, panel in PANELS.items()}, reading.words, at, edit
        )
        for run, states, edit in zip(RUNS, reading.states, (None, reading.edit), strict=True)
    }
    both = {run: chance.numpy() for run, chance in zip(RUNS, reading.chances, strict=True)}
    first, second = (f"{NAMES[int(c.argmax())].title()} {float(c.max()):.0%}" for c in reading.chances)
    unknown = read(params.text, TOLD, MOST_WORDS)[1]
    return replace(
        frame,
        figures={
            "Who?": figures.answers([name.title() for name in NAMES], both),
            "One step: c = Γu ∗ c~ + Γf ∗ c before": one_step(reading, at),
            **drawn,
        },
        says=f"{frame.says} After the sentence the LSTM says {first}, and {second} overwritten at {reading.words[at - 1]!r}.",
        metrics={**frame.metrics, "LSTM → overwritten": f"{first.split()[0]} → {second.split()[0]}"},
        note=f"Not among its words, so left out: {', '.join(unknown[:8])}." if unknown else "",
    )


def one_step(reading: Reading, at: int) -> Any:
    """The new memory at one word, of the overwritten run."""
    states = reading.states[1]
    candidate, update, forget, _, c, _ = (state[0, at - 1] for state in states)
    before = states.c[0, at - 2] if at > 1 else torch.zeros_like(c)
    blocks = [("Γu", update, ""), ("c~", candidate, "∗"), ("Γf", forget, "+"), (f"c⟨{at - 1}⟩", before, "∗")]
    return cells.equation([Block(name, column(v), sign) for name, v, sign in [*blocks, (f"c⟨{at}⟩", c, "=")]])


def respond(params: Lstm, event: Event) -> Mapping[str, Any]:
    """A click on a word picks it."""
    return {"step": round(event.x)} if "gates and memory" in event.figure and 1 <= event.x <= MOST_WORDS else {}


LAB = Lab(
    slug="lstm",
    summary="Train an LSTM to remember a name through chatter, against RNN and GRU, and break its memory by hand.",
    params=Lstm,
    run=run,
    trains=True,
    look_for=(
        "The name is said once, chatter follows, and who asks for it. Once trained, Γu writes at the name, and Γf stays near 1 "
        "over the chatter, so the memory c keeps its colours; the RNN, which rewrites its whole state at every word, stays at "
        "a guess. Here c is overwritten with 0 at one word, and the name is gone. Which single unit can you wipe out without "
        "losing it? And why may the name survive when only Γf is closed for one word?"
    ),
    maths=(
        r"$$\tilde c^{\langle t \rangle} = \tanh(W_c [a^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_c), \qquad "
        r"\Gamma_i = \sigma(W_i [a^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_i) \quad (i = u, f, o)$$"
        "\n\n"
        r"$$c^{\langle t \rangle} = \Gamma_u * \tilde c^{\langle t \rangle} + \Gamma_f * c^{\langle t-1 \rangle}, \qquad "
        r"a^{\langle t \rangle} = \Gamma_o * \tanh c^{\langle t \rangle}$$"
        "\n\n"
        r"Peepholes add $p_u * c^{\langle t-1 \rangle}$ and $p_f * c^{\langle t-1 \rangle}$ inside $\Gamma_u$ and $\Gamma_f$, "
        r"and $p_o * c^{\langle t \rangle}$ inside $\Gamma_o$. Training starts with $b_f$ about 3 and $b_u$ about −3, so that "
        "the memory keeps from the first step on."
    ),
    code=(lstm_cell, lstm_forward, Recurrents, fit_fleets),
    presets={
        "Peepholes": {"peephole": True},
        "Nothing overwritten": {"gate": "none"},
        "Γf closed for one word": {"gate": "forget"},
        "Chatter written down": {"gate": "update", "value": 1.0},
        "Short gap": {"gap": 6, "updates": 250},
        "Starts by forgetting": {"keep": -1.0},
    },
    rows=(
        ("Who?", "Right by gap"),
        tuple(f"{run}: gates and memory" for run in RUNS),
        ("One step: c = Γu ∗ c~ + Γf ∗ c before", "Cost"),
    ),
    listens=("click",),
    respond=respond,
    views=("text", "step", "gate", "value", "unit"),
    view=view,
)
