"""How two ways to write down spoken digits fare on held-out voices, by the number of digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch

from engine.data.voices import DIGITS
from engine.functional.word_errors import WordErrors, word_error_rate, word_errors
from engine.models.speller import rises, spell
from engine.training.listening import digits_of, held_out_digits


@dataclass(frozen=True)
class Heard:
    """One string: the errors of attention and of CTC, and whether the attention only moved forward."""

    attention: WordErrors
    ctc: WordErrors
    rose: bool


@dataclass(frozen=True)
class Fared:
    """How both ways fare on ``strings`` of so many digits: digits wrong, missing or too many over the digits said."""

    digits: int
    strings: int
    attention: float
    ctc: float
    rose: float


@cache
def heard(which: int, digits: int) -> Heard:
    """What the bundled network makes of a held-out string."""
    said = held_out_digits(which, digits)
    found = spell(torch.from_numpy(said.samples))
    names = [DIGITS[digit] for digit in digits_of(said)]
    by_attention, by_ctc = ([DIGITS[digit] for digit in read] for read in (found.digits, found.read))
    return Heard(word_errors(names, by_attention), word_errors(names, by_ctc), rises(found.alpha))


def fared(strings: int, digits: int) -> Fared:
    """Over the first held-out strings of so many digits."""
    every: Sequence[Heard] = [heard(which, digits) for which in range(strings)]
    attention, ctc = (word_error_rate([getattr(each, way) for each in every]) for way in ("attention", "ctc"))
    return Fared(digits, strings, attention, ctc, sum(each.rose for each in every) / strings)
