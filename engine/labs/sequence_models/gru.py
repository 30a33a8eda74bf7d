"""A gated recurrent unit trained live to remember its subject, its gates seen over a typed sentence and overwritten."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.sequences import FORMS, INDEX
from engine.errors import BadInput
from engine.figures import cells as figures
from engine.functional.recurrent import GruStates, gru_cell, gru_forward
from engine.functional.recurrent_weights import initialize_gru
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.params import Params, choice, integer, number, text
from engine.results.cells import Block, Edit, column, label, labels, matrix
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.gated import Reader, fit, one_hots

LONGEST, MOST_WORDS = 300, 40
SENTENCE = "The cat that chased the old dogs near the children was full"
PANELS = {"update": "Γu update", "relevance": "Γr relevance", "candidate": "c~ candidate", "c": "c memory"}
RUNS = ("Untouched", "Overwritten")


class Gru(Params):
    """What a person can move."""

    price: float = number(
        0.3,
        low=0.0,
        high=10.0,
        hint=(0.0, 1.0, 0.05),
        label="Price of writing",
        help="Added to the cost is this times the mean Γu: at 0, nothing asks the gate to stay closed.",
    )
    text: str = text(
        SENTENCE, longest=LONGEST, label="Sentence", help="Read up to its was or were, which the unit has to find."
    )
    step: int = integer(
        2,
        low=1,
        high=MOST_WORDS,
        hint=(1, 12, 1),
        label="Word",
        help="Which word is written out and overwritten; a click too.",
    )
    gate: Literal["none", "update", "relevance", "candidate", "c"] = choice(
        "update",
        label="Overwrite",
        help="What is overwritten at that word.",
        names={"none": "Nothing", "update": "Γu", "relevance": "Γr", "candidate": "c~", "c": "c"},
    )
    value: float = number(
        0.0, low=-1.0, high=1.0, hint=(-1.0, 1.0, 0.05), label="Its new value", help="A gate takes values below 0 as 0."
    )
    variant: Literal["full", "simplified"] = choice(
        "full", label="Unit", help="With the relevance gate Γr, or the course's simplified one without it."
    )
    unit: int = integer(0, low=0, high=16, label="Unit to overwrite", help="One unit, or 0 for all of them.", more=True)
    units: int = integer(4, low=1, high=16, hint=(1, 8, 1), label="Units n", help="Numbers in the memory c.", more=True)
    updates: int = integer(
        120, low=10, high=2000, hint=(10, 500, 10), label="Updates", help="Of 32 sentences each.", more=True
    )
    rate: float = number(0.05, low=1e-4, high=1.0, log=True, label="Learning rate", help="Adam's step size.", more=True)


@dataclass(frozen=True)
class Reading:
    """A sentence read twice: its words, all gates and states of both runs, (1, T, n) each, and P(were) by word (T,)."""

    words: list[str]
    states: tuple[GruStates, GruStates]
    plural: tuple[Tensor, Tensor]
    edit: Edit | None


def run(params: Gru) -> Frames:
    """The untrained unit at once, then some frames while it learns; the sentence is read by :func:`view`."""
    looks = fit(
        params.units,
        simplified=params.variant == "simplified",
        price=params.price,
        rate=params.rate,
        updates=params.updates,
        batch=32,
        seed=params.seed,
    )
    for history in paced(recorded(looks)):
        now = history[-1]
        updates = np.array([each.update for each in history], np.float32)
        found, opened = (np.array(v, np.float32) for v in zip(*((e.accuracy, e.opened) for e in history), strict=True))
        shares = {"verbs found": found, "mean Γu": opened}
        yield Frame(
            figures={"Training": figures.progress(updates, shares, params.updates)},
            says=f"After {now.update} updates it finds {now.accuracy:.0%} of the held-out verbs, with Γu at {now.opened:.2f}.",
            metrics={"Held-out verbs found": f"{now.accuracy:.1%}", "Mean Γu": f"{now.opened:.3f}"},
            progress=now.update / params.updates,
            state=now.reader,
        )


def up_to_the_verb(text: str) -> tuple[list[str], str]:
    """The sentence's words up to its was or were, and which of them stands there, "" for none."""
    words = re.findall(r"[^\W_]+", text.lower())[: MOST_WORDS + 1]
    at = next((i for i, word in enumerate(words) if word in FORMS), len(words))
    if at == 0:
        raise BadInput("The sentence must have a word before its was or were, got none.")
    return words[:at][:MOST_WORDS], words[at] if at < len(words) else ""


def overwriting(params: Gru, steps: int) -> Edit | None:
    """What is overwritten, None for nothing."""
    nothing = params.gate == "none" or (params.gate == "relevance" and params.variant == "simplified")
    if nothing or params.unit > params.units:
        return None
    return Edit(PANELS[params.gate], min(params.step, steps), params.unit)


@torch.no_grad()
def read_twice(params: Gru, reader: Reader) -> Reading:
    """The sentence read untouched, and with one gate or state overwritten."""
    words, _ = up_to_the_verb(params.text)
    x, edit = one_hots([words]), overwriting(params, len(words))
    edits: dict[int, dict[str, Tensor]] = {}
    if edit is not None:
        new = torch.full((1, params.units), math.nan)
        new[:, slice(None) if edit.unit == 0 else edit.unit - 1] = (
            max(params.value, 0) if "Γ" in edit.panel else params.value
        )
        edits = {edit.step - 1: {params.gate: new}}
    plain, changed = gru_forward(reader.cell, x), gru_forward(reader.cell, x, edits=edits)
    sure = [torch.sigmoid(reader.logits(states.c))[0] for states in (plain, changed)]
    return Reading(words, (plain, changed), (sure[0], sure[1]), edit)


def view(params: Gru, frame: Frame) -> Frame:
    """The typed sentence's gates and states in both runs, and one step written out."""
    reading = read_twice(params, frame.state)
    words, at = labels(reading.words), min(params.step, len(reading.words))
    seen = [name for name in PANELS if name != "relevance" or params.variant == "full"]
    runs = [{PANELS[name]: matrix(getattr(states, name)[0]) for name in seen} for states in reading.states]
    drawn = {
        f"{run}: gates and memory": figures.heatmaps(panels, words, at, edit)
        for run, panels, edit in zip(RUNS, runs, (None, reading.edit), strict=True)
    }
    opinions = dict(zip(RUNS, (sure.numpy() for sure in reading.plural), strict=True))
    first, second = (spoken(float(sure[-1])) for sure in reading.plural)
    return replace(
        frame,
        figures={
            "Was or were?": figures.opinions(words, opinions, FORMS, at),
            "One step: c = Γu ∗ c~ + (1 − Γu) ∗ c before": one_step(reading, at),
            **drawn,
        },
        says=f"{frame.says} After {words[-1]!r} it says {first} untouched, and {second} overwritten at {words[at - 1]!r}.",
        metrics={**frame.metrics, "Untouched says": first, "Overwritten says": second},
        note=notes(params, reading),
    )


def one_step(reading: Reading, at: int) -> Any:
    """The new memory at one word, of the overwritten run."""
    states = reading.states[1]
    _, candidate, update, c = (state[0, at - 1] for state in states)
    before = states.c[0, at - 2] if at > 1 else torch.zeros_like(c)
    blocks = [("Γu", update, ""), ("c~", candidate, "∗"), ("1−Γu", 1 - update, "+"), (f"c⟨{at - 1}⟩", before, "∗")]
    return figures.equation([Block(name, column(v), sign) for name, v, sign in [*blocks, (f"c⟨{at}⟩", c, "=")]])


def spoken(plural: float) -> str:
    """The likelier form with its probability."""
    return f"{FORMS[plural > 0.5]} {max(plural, 1 - plural):.0%}"


def notes(params: Gru, reading: Reading) -> str:
    """What a person should know of the sentence: its own verb, unknown words, and an overwriting that can't be."""
    _, verb = up_to_the_verb(params.text)
    unknown = sorted({label(word) for word in reading.words if word not in INDEX})
    said = f"The sentence itself has {verb}. " if verb else ""
    said += f"Not among its {len(INDEX)} words, so read as nothing: {', '.join(unknown)}. " if unknown else ""
    missing = params.gate == "relevance" and params.variant == "simplified"
    said += "The simplified unit has no relevance gate to overwrite. " if missing else ""
    return (said + (f"There is no unit {params.unit}." if params.unit > params.units else "")).strip()


def respond(params: Gru, event: Event) -> Mapping[str, Any]:
    """A click on a word picks it."""
    over_words = "gates and memory" in event.figure or event.figure == "Was or were?"
    return {"step": round(event.x)} if over_words and 1 <= event.x <= MOST_WORDS else {}


def forgotten_star(params: Gru) -> Mistake:
    """The memory after 20 steps where the old one is added, and where 1 - Γu multiplies it."""
    weights = initialize_gru(3, params.units, generator(params.seed, 9))
    x = torch.randn(1, 20, 3, generator=generator(params.seed, 10)).double()
    c = torch.zeros(1, params.units, dtype=torch.float64)
    for now in x.unbind(1):
        step = gru_cell(weights, now, c)
        c = step.update * step.candidate + (1 - step.update) + c
    right = float(gru_forward(weights, x).c[:, -1].abs().max())
    return Mistake(
        wrong=f"c = Γu ∗ c~ + (1 − Γu) + c: 20 random steps make the memory {float(c.abs().max()):.1f}, and growing.",
        right=f"c = Γu ∗ c~ + (1 − Γu) ∗ c: they make it {right:.2f}; a mean of c~ and c never leaves −1 to 1.",
    )


LAB = Lab(
    slug="gru",
    summary="Train a GRU to remember its subject, see its gates open and close over your sentence, and overwrite one.",
    params=Gru,
    run=run,
    look_for=(
        "As it learns, Γu opens at the subject and stays nearly shut over words that don't matter; where it opens at a later "
        "noun, c~ repeats what c holds already. Held shut at the subject, as it is here, the unit has nothing to remember and "
        "takes the next noun for the subject. Hold it wide open at a later noun and compare c~ with c: why does the memory "
        "survive? And where does Γu open once writing is free?"
    ),
    maths=(
        r"$$\tilde c^{\langle t \rangle} = \tanh\big(W_c [\Gamma_r * c^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_c\big)"
        r", \qquad a^{\langle t \rangle} = c^{\langle t \rangle}$$"
        "\n\n"
        r"$$\Gamma_u = \sigma\big(W_u [c^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_u\big), \qquad "
        r"\Gamma_r = \sigma\big(W_r [c^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_r\big)$$"
        "\n\n"
        r"$$c^{\langle t \rangle} = \Gamma_u * \tilde c^{\langle t \rangle} + (1 - \Gamma_u) * c^{\langle t-1 \rangle}$$"
        "\n\n"
        r"The simplified unit has $\Gamma_r = 1$. The cost is the cross-entropy of $\hat y = \sigma(W_y c + b_y)$ after the "
        r"last word before the verb, plus the price times the mean $\Gamma_u$. PyTorch's GRU lets $\Gamma_r$ multiply "
        r"$W_{cc} c^{\langle t-1 \rangle} + b_h$ instead of $c^{\langle t-1 \rangle}$."
    ),
    code=(gru_cell, gru_forward, fit),
    presets={
        "Simplified": {"variant": "simplified"},
        "Held open later": {"step": 7, "value": 1.0},
        "Memory wiped out": {"gate": "c", "step": 5},
        "Writing is free": {"price": 0.0},
        "Plural": {"text": "The friends of the old teacher here were full", "step": 6, "value": 1.0},
        "One unit": {"units": 1},
    },
    trains=True,
    mistakes={"gru-sum": forgotten_star},
    rows=(
        ("Was or were?", "Training"),
        tuple(f"{run}: gates and memory" for run in RUNS),
        ("One step: c = Γu ∗ c~ + (1 − Γu) ∗ c before",),
    ),
    listens=("click",),
    respond=respond,
    views=("text", "step", "gate", "value", "unit"),
    view=view,
)
