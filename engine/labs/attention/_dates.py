"""What both readers of dates share: an easier task to learn here, held-out dates, and what the calendar says of an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engine.data.dates import (
    ENGLISH,
    EOS,
    LETTERS,
    LONGEST,
    NUMBER,
    RECENT,
    YEARS,
    Form,
    answers,
    draw_dates,
    encode,
    plain,
    read,
    valid,
)
from engine.data.dates import written as write_date
from engine.errors import BadInput
from engine.params import Params, choice, integer, number, text
from engine.results.attending import Learned
from engine.seeding import generator
from engine.training.attending import Batch, exact, fit_attending, written

DRAWN, HELD_OUT, FEW, BATCH, LOOKS = 3000, 200, 100, 32, 8
STEPS = 12  # characters of an answer and its end, and one more


class Reading(Params):
    """What a person can move of either reader."""

    written: str = text(
        "Saturday the 9th of May 1998",
        longest=200,
        label="Your date",
        help="In any form, in English, German, French, Spanish, Italian, Dutch, Portuguese, Swedish, Danish, Norwegian, "
        "Finnish or Polish. 40 letters are read, in small letters without accents.",
    )
    network: Literal["bundled", "live"] = choice(
        "bundled",
        label="Network",
        help="One that learned all forms and languages from a recipe, or one that learns a few English forms as you watch.",
        names={"bundled": "Bundled", "live": "Trained live"},
    )
    updates: int = integer(
        170, low=10, high=3000, hint=(20, 600, 10), label="Updates", help="Of 32 dates each, to learn here.", more=True
    )
    forms: int = integer(
        2,
        low=1,
        high=len(ENGLISH),
        label="Forms",
        help="In how many ways the dates to learn from here are written, all English.",
        more=True,
    )
    units: int = integer(
        32, low=8, high=96, hint=(8, 64, 8), label="Units", help="Of the network that learns here.", more=True
    )
    rate: float = number(0.01, low=1e-5, high=1.0, log=True, label="Learning rate", help="Of Adam.", more=True)


def letters_of(written: str) -> str:
    """What the network reads of a typed text."""
    letters = plain(written)[:LONGEST]
    if not letters:
        raise BadInput("Your date must have a letter or a digit, got none.")
    return "".join(letter if letter in NUMBER else LETTERS[0] for letter in letters)


@lru_cache(maxsize=4)
def easier(forms: int, seed: int) -> tuple[Batch, Batch]:
    """Dates from 1950 to 2049 in a few English forms, to learn from, and held out."""
    ways = [Form("en", pattern) for pattern in ENGLISH[:forms]]

    def drawn(count: int, held: bool) -> Batch:
        return batch_of(draw_dates(count, generator(seed, 1 + held), forms=ways, years=RECENT, held_out=held))

    return drawn(DRAWN, False), drawn(FEW, True)


def batch_of(dates: Any) -> Batch:
    """Dates as numbers."""
    return Batch(*encode([each.text for each in dates]), answers([each.day for each in dates]))


@lru_cache(maxsize=1)
def held_out() -> Batch:
    """Held-out dates of every form."""
    return batch_of(draw_dates(HELD_OUT, generator(1), held_out=True))


def share_exact(network: Any, batch: Batch) -> float:
    """The share of dates that greedy search writes exactly."""
    with torch.inference_mode():
        found = written(network.decoder, *network.encode(batch.x, batch.lengths), eos=EOS, longest=STEPS)
    return float(exact(found, batch.targets).float().mean())


def learned(network: nn.Module, params: Any) -> Iterator[Learned]:
    """The network as it learns the easier dates, measured on held-out ones."""
    train, held = easier(params.forms, params.seed)
    random = generator(params.seed, 5)

    def draw() -> Batch:
        chosen = torch.randint(len(train.x), (BATCH,), generator=random)
        lengths = train.lengths[chosen]
        return Batch(train.x[chosen, : int(lengths.max())], lengths, train.targets[chosen])

    every = max(1, params.updates // LOOKS)
    for update in fit_attending(network, draw, steps=params.updates, rate=params.rate, every=every):
        yield Learned(update.step, update.cost, share_exact(network, held) if update.finite else 0.0)


def learns(params: Any) -> str:
    """What a network that learns here gets to see."""
    ways = [write_date(date(1998, 8, 23), Form("en", pattern)) for pattern in ENGLISH[: params.forms]]
    return (
        f"It sees years from {RECENT[0]} to {RECENT[1]}, written like {' or '.join(f'“{way}”' for way in ways)}, alone."
    )


def kept(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights that later updates leave alone."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def blown(now: Learned) -> Mapping[str, Any]:
    """What a frame says of a training that left the numbers a computer holds."""
    if now.cost == now.cost and abs(now.cost) != float("inf"):
        return {}
    why = f"After {now.step} updates the cost is no number any more: the learning rate is too high for these weights."
    return {"diverged": why, "remedy": {"rate": 0.005}, "progress": 1.0}


def told(typed: str, answer: str) -> str:
    """What the calendar and a reading by rule say of a text and of the network's answer."""
    reading, letters = read(typed), plain(typed)
    notes = []
    if reading.problem:
        real = "a day of the calendar" if valid(answer) else "no day of the calendar"
        notes.append(
            f"{reading.problem} The network writes {answer or 'nothing'} all the same, {real}: it learned to write a date and "
            "never to refuse, so it copies and guesses parts."
        )
    elif answer != reading.iso:
        no_day = "" if valid(answer) else ", and what it writes is no day of the calendar"
        notes.append(f"By rule this is {reading.iso}: the network is wrong{no_day}.")
    else:
        notes.append(f"Right: the rule and the calendar say {reading.iso} too.")
    if reading.parts and not YEARS[0] <= reading.parts[0] <= YEARS[1]:
        notes.append(f"It learned years from {YEARS[0]} to {YEARS[1]} only.")
    if reading.ambiguous:
        notes.append(
            "Two numbers here could be the month: after slashes the month comes first, after dots or dashes the day."
        )
    if len(letters) > LONGEST:
        notes.append(f"Only the first {LONGEST} letters are read.")
    unknown = sorted({letter for letter in letters if letter not in NUMBER})
    if unknown:
        notes.append(f"It knows no sign {' '.join(unknown[:5])} and reads {LETTERS[0]} there.")
    return " ".join(notes)
