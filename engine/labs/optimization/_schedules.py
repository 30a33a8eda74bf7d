"""How a learning rate falls with the epochs, by a formula or by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from engine.errors import BadInput
from engine.functional.optimizers import exponential, inverse_sqrt, inverse_time, staircase
from engine.params import Params, choice, integer, number, text

LEAST, MOST, STRETCHES = 1e-6, 10.0, 20
NUMBER = re.compile(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
SCHEDULES = {
    "inverse-time": "1/(1+kt)",
    "exponential": "Exponential",
    "inverse-sqrt": "k/√t",
    "staircase": "Staircase",
    "drawn": "Drawn by hand",
}


class Decay(Params):
    """The schedule."""

    schedule: Literal["inverse-time", "exponential", "inverse-sqrt", "staircase", "drawn"] = choice(
        "inverse-time", label="Schedule", help="How the rate falls with the epochs t.", names=SCHEDULES
    )
    rate: float = number(
        1.0,
        low=1e-4,
        high=MOST,
        hint=(0.01, 3.0, 0.01),
        log=True,
        label="First rate α₀",
        help="The constant one's, too.",
    )
    decay: float = number(
        0.2,
        low=0.0,
        high=10.0,
        hint=(0.0, 2.0, 0.01),
        label="Decay rate k of 1/(1+kt)",
        help="The rate halves at t = 1/k.",
    )
    stretches: str = text(
        "1, 1, 0.2, 0.03",
        longest=200,
        label="Rates drawn by hand",
        help="One for each of equally long stretches. Where you draw by hand, a click on the rate's figure sets one too.",
    )
    epochs: int = integer(60, low=1, high=200, hint=(10, 120, 5), label="Epochs", help="Times all examples are used.")
    base: float = number(
        0.95, low=0.1, high=1.0, hint=(0.8, 1.0, 0.01), label="Base", help="Of the exponential, α₀ · base^t.", more=True
    )
    k: float = number(
        1.0, low=0.01, high=100.0, log=True, label="k of k/√t", help="The rate is α₀ · k/√t, at most α₀.", more=True
    )
    factor: float = number(
        0.3, low=0.01, high=1.0, hint=(0.1, 0.9, 0.05), label="Stair", help="What each stair multiplies by.", more=True
    )
    every: int = integer(
        15, low=1, high=200, hint=(1, 50, 1), label="Epochs a stair", help="How wide it is.", more=True
    )


def by_hand(drawn: str) -> list[float]:
    """The rates of a text such as "0.3, 0.1, 0.01"."""
    parts = drawn.split(",")
    rates = [float(part) for part in parts if NUMBER.fullmatch(part)]
    if len(rates) < len(parts) or len(rates) > STRETCHES or not all(LEAST <= rate <= MOST for rate in rates):
        raise BadInput(
            f"The rates drawn by hand must be 1 to {STRETCHES} numbers from {LEAST:g} to {MOST:g} with commas between, "
            f"such as 0.3, 0.1, 0.01; got {drawn[:60]!r}."
        )
    return rates


def rate_at(params: Decay, t: int) -> float:
    """The learning rate in epoch t, counted from 0."""
    if params.schedule == "drawn":
        rates = by_hand(params.stretches)
        return rates[min(t * len(rates) // params.epochs, len(rates) - 1)]
    known: dict[str, Callable[[float, float], float]] = {
        "inverse-time": partial(inverse_time, decay=params.decay),
        "exponential": partial(exponential, base=params.base),
        "inverse-sqrt": partial(inverse_sqrt, k=params.k),
        "staircase": partial(staircase, factor=params.factor, every=params.every),
    }
    return known[params.schedule](params.rate, t)


def redrawn(params: Decay, t: float, rate: float) -> str:
    """The hand-drawn rates as text, the one of the stretch that epoch t is in set to ``rate``."""
    rates = by_hand(params.stretches)
    stretch = min(max(int(t / params.epochs * len(rates)), 0), len(rates) - 1)
    rates[stretch] = min(max(float(f"{rate:.3g}"), LEAST), MOST)
    return ", ".join(f"{each:g}" for each in rates)
