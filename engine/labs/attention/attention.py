"""Attention from any written date to its ISO form: where every character looks, and what changes if it looks elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.dates import EOS, LETTERS, LONGEST, encode, valid
from engine.figures import attending as figures
from engine.functional.attention import additive_energies, attention_weights, context
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.labs.attention._dates import STEPS, Reading, blown, kept, learned, learns, letters_of, told
from engine.models import bundled
from engine.models.attending import Decoder, Translator, dates, initialize, overwritten, write
from engine.params import choice, integer, number
from engine.results.attending import Aligned, aligned, growth, letter_by_letter, looking
from engine.training import paced, recorded

TY = len("2009-05-03") + 1


class Attention(Reading):
    """What a person can move."""

    t: int = integer(
        7,
        low=1,
        high=TY,
        label="Output t",
        help="The row that is drawn apart, and overwritten. A click on the map, too.",
    )
    at: int = integer(
        14, low=1, high=LONGEST, label="Letter t'", help="Which of the row's weights. A click on the map, too."
    )
    overwrite: Literal["none", "one", "all"] = choice(
        "none",
        label="Overwrite",
        help="Give that weight another value and decode again. The others of the row are scaled so that it still sums to 1.",
        names={"none": "Nothing", "one": "This weight", "all": "In every row"},
    )
    value: float = number(
        1.0, low=0.0, high=1.0, hint=(0.0, 1.0, 0.05), label="Its value", help="At 1 nothing else is seen."
    )


def run(params: Attention) -> Frames:
    """The bundled network at once, or frames of one that learns; the date is read by :func:`view`."""
    if params.network == "bundled":
        ready = Frame(figures={}, says="", note=f"Bundled: {bundled.card('dates').metric}", progress=0.5)
        yield ready
        yield replace(ready, figures=cost_of_looking(), progress=1.0)
        return
    network = fresh(params)
    for history in paced(recorded(learned(network, params))):
        now = history[-1]
        frame = Frame(
            figures={"Learning": figures.learning(history, params.updates)},
            says=f"After {now.step} of {params.updates} updates {now.exact:.1%} of held-out dates come out exact.",
            note=learns(params),
            progress=now.step / params.updates,
            state=kept(network),
        )
        if frame.progress == 1:
            frame = replace(frame, figures={**frame.figures, **cost_of_looking()})
        yield replace(frame, **blown(now))


def fresh(params: Attention) -> Translator:
    """A network at its random start."""
    return initialize(params.seed, len(LETTERS), EOS + 1, params.units // 2, params.units)


def reader(params: Attention, frame: Frame) -> Translator:
    """The network of a frame."""
    if frame.state is None:
        return dates()
    network = fresh(params)
    network.load_state_dict(frame.state)
    return network


def overwriting(params: Attention, Tx: int) -> dict[int, Tensor]:
    """By output step (from 0) the weights to take (Tx,), NaN where the network's own stay."""
    row = torch.full((Tx,), math.nan)
    row[min(params.at, Tx) - 1] = params.value
    rows = {"none": [], "one": [params.t - 1], "all": list(range(STEPS))}[params.overwrite]
    return dict.fromkeys(rows, row)


def read_twice(params: Attention, network: Translator) -> tuple[Aligned, Aligned]:
    """The date read with the network's own weights, and with some of them overwritten."""
    letters = letters_of(params.written)
    x, edits = encode([letters])[0][0], overwriting(params, len(letters))
    own = write(network, x, eos=EOS, longest=STEPS)
    changed = write(network, x, eos=EOS, longest=STEPS, edits=edits)
    places = frozenset((t + 1, min(params.at, len(letters))) for t in edits if t < len(changed.tokens))
    return aligned(letters, own), aligned(letters, changed, places)


def view(params: Attention, frame: Frame) -> Frame:
    """The typed date through the network of a frame."""
    if frame.diverged:
        return frame
    own, used = read_twice(params, reader(params, frame))
    (Ty, Tx), t = used.alpha.shape, min(params.t, len(used.written))
    sums = used.alpha.sum(1, dtype=np.float64)
    drawn = {
        "Attention": figures.attention(used, t, min(params.at, Tx)),
        "Probabilities in percent": figures.chances(used, own),
        "Row t": figures.row(used, t),
    }
    metrics = {
        "Answer": own.answer + ("" if valid(own.answer) else " ✗"),
        "Its probability": f"{own.probability:.1%}",
        "Sum of every row": f"{sums.min():.4f} to {sums.max():.4f}",
        "Weights Tx · Ty": f"{Tx} · {Ty} = {Tx * Ty}",
    }
    says = f"{frame.says} It reads “{params.written}” as {own.answer or 'nothing'}, probability {own.probability:.2f}."
    note = f"{told(params.written, own.answer)} {frame.note}"
    if params.overwrite != "none":
        where = f"α⟨{params.t},{min(params.at, Tx)}⟩" if params.overwrite == "one" else "that letter in every row"
        now = "still writes" if own.written == used.written else "now writes"
        change = (
            f"With {params.value:g} at {where}, and the rest of the row scaled, it {now} {used.answer or 'nothing'}"
        )
        says = f"{says} {change} with probability {used.probability:.2f}."
        metrics = {"Untouched": metrics.pop("Answer"), "Overwritten": used.answer, **metrics}
        del metrics["Its probability"]
    table = letter_by_letter(own, used) if params.overwrite != "none" else letter_by_letter(own)
    return replace(frame, figures=drawn, says=says.strip(), note=note, metrics=metrics, tables={"Step by step": table})


@lru_cache(maxsize=1)
def cost_of_looking() -> dict[str, Any]:
    """Weights counted and time measured, as the answer grows with the text and as only the text grows."""
    ways = {"Ty = Tx = T": lambda T: looking(T, T), f"Ty = {TY}, Tx = T": lambda T: looking(TY, T)}
    return {"Cost of looking": figures.growth(growth((16, 32, 64, 128, 256), ways))}


def quadratic(params: Attention) -> Mistake:
    """How many weights a text of twice the letters takes, alone and with an answer of twice the length."""
    Tx = len(letters_of(params.written))
    once, longer, both = (looking(Ty, T).numel() for Ty, T in ((TY, Tx), (TY, 2 * Tx), (2 * TY, 2 * Tx)))
    return Mistake(
        wrong="Attention takes quadratic time: twice the letters, four times the weights.",
        right=f"It takes Tx · Ty weights: {Tx} letters and {TY} outputs take {once}, and twice the letters, whose date is no "
        f"longer, {longer}: {longer / once:g} times as many. Only where both double are there {both}, {both / once:g} times.",
    )


def respond(params: Attention, event: Event) -> Mapping[str, Any]:
    """A click on the map picks a weight and overwrites it."""
    if event.figure != "Attention" or not (0.5 < event.y < TY + 0.5 and 0.5 < event.x < LONGEST + 0.5):
        return {}
    t, at = round(event.y), round(event.x)
    return {"t": t, "at": at, "overwrite": "one" if params.overwrite == "none" else params.overwrite}


LAB = Lab(
    slug="attention",
    summary="Any written date to ISO form: see which letters each character looks at, and make it look elsewhere.",
    params=Attention,
    run=run,
    look_for=(
        "Read the map row by row: the year's digits look at the digits of the year, the month at the letters of its name, the "
        "hyphens at almost anything, for they need nothing. Each row sums to 1. Click where a row doesn't look: that weight "
        "becomes 1, the rest of the row 0, and what is written may change, or it may not, for the LSTM remembers what it saw. "
        "Which single weight turns May into another month? And what is written for 30 February?"
    ),
    maths=(
        r"$$e^{\langle t, t' \rangle} = v^T \tanh\big(W_s s^{\langle t-1 \rangle} + W_a a^{\langle t' \rangle} + b\big), "
        r"\qquad \alpha^{\langle t, t' \rangle} = \frac{\exp(e^{\langle t, t' \rangle})}{\sum_{t''=1}^{T_x} "
        r"\exp(e^{\langle t, t'' \rangle})}, \qquad \sum_{t'} \alpha^{\langle t, t' \rangle} = 1$$"
        "\n\n"
        r"$$c^{\langle t \rangle} = \sum_{t'} \alpha^{\langle t, t' \rangle} a^{\langle t' \rangle}, \qquad "
        r"s^{\langle t \rangle} = \text{LSTM}\big([y^{\langle t-1 \rangle}, c^{\langle t \rangle}], s^{\langle t-1 \rangle}"
        r"\big), \qquad \hat y^{\langle t \rangle} = \text{softmax}\big(W_y [s^{\langle t \rangle}, "
        r"c^{\langle t \rangle}] + b_y\big)$$"
        "\n\n"
        r"$a^{\langle t' \rangle}$ are the activations of an LSTM that reads the letters both ways. There are "
        r"$T_x \cdot T_y$ weights. A weight that you set to $w$ keeps it; the others of its row are multiplied so that they "
        r"sum to $1 - w$. Where numbers alone leave the month open, it learned this rule: after slashes the month comes first, "
        r"after dots, dashes and spaces the day, and a number above 12 is the day; two digits of a year lie from 1950 to 2049."
    ),
    code=(Decoder.weights, Decoder.advance, overwritten, additive_energies, attention_weights, context),
    presets={
        "3/5/09": {"written": "3/5/09", "t": 7, "at": 1},
        "German": {"written": "Dienstag, den 3. März 1987", "at": 18},
        "Another month": {"written": "3 may 2009", "overwrite": "one", "t": 7, "at": 5},
        "Look at one letter only": {"overwrite": "all", "at": 28},
        "30 February": {"written": "30 February 2009", "t": 9, "at": 1},
        "No date": {"written": "tomorrow"},
        "Learn here": {"network": "live", "written": "3 May 1998"},
    },
    mistakes={"attention-quadratic": quadratic},
    trains=True,
    measures=True,
    rows=(("Attention",), ("Probabilities in percent", "Row t"), ("Learning", "Cost of looking")),
    listens=("click",),
    respond=respond,
    views=("written", "t", "at", "overwrite", "value"),
    view=view,
)
