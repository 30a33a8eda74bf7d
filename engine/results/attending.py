"""What a reader of dates wrote and where it looked, and what looking costs as texts grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.data.dates import DIGITS
from engine.functional.attention import additive_energies, attention_weights, context
from engine.functional.transformer import HeadWeights, multi_head
from engine.models.attending import Written
from engine.models.timing import timed
from engine.results import Array
from engine.seeding import generator

ENDS = "end"
SYMBOLS = (*DIGITS, ENDS)


@dataclass(frozen=True)
class Aligned:
    """One text read: its ``letters`` (Tx), the characters ``written`` (Ty), and row t what output t gave each letter.

    ``alpha`` (Ty, Tx) are the weights that were used, ``own`` those that the network gave itself; ``chances`` (Ty, V) are the
    probabilities of every character. ``edits`` are the places (t, t') from 1 that a person overwrote.
    """

    letters: Sequence[str]
    written: Sequence[str]
    alpha: Array
    own: Array
    chances: Array
    edits: frozenset[tuple[int, int]] = frozenset()

    @property
    def answer(self) -> str:
        """What was written, without the end."""
        return "".join(symbol for symbol in self.written if symbol != ENDS)

    @property
    def probability(self) -> float:
        """The product of the written characters' probabilities."""
        at = [SYMBOLS.index(symbol) for symbol in self.written]
        return float(np.prod(self.chances[np.arange(len(at)), at].astype(np.float64)))


def aligned(letters: Sequence[str], written: Written, edits: frozenset[tuple[int, int]] = frozenset()) -> Aligned:
    """What a decoder wrote from some letters."""
    symbols = [SYMBOLS[token] for token in written.tokens.tolist()]
    tensors = (written.alpha, written.own, written.log_probabilities.exp())
    alpha, own, chances = (tensor.numpy().astype(np.float32) for tensor in tensors)
    return Aligned(letters, symbols, alpha, own, chances, edits)


@dataclass(frozen=True)
class Learned:
    """After so many updates: the cost of a character, and the share of held-out dates that come out exact."""

    step: int
    cost: float
    exact: float


@dataclass(frozen=True)
class Growth:
    """Work for texts of ``lengths`` (n,): by name, the pairs counted and the milliseconds measured, (n,) each."""

    lengths: Array
    counted: dict[str, Array]
    measured: dict[str, Array]


def looking(Ty: int, Tx: int, units: int = 8) -> Tensor:
    """The weights (Ty, Tx) of an additive attention over random activations of ``units`` numbers, its contexts taken too."""
    random = generator(0)
    s, a, Ws, Wa = (torch.randn(n, units, generator=random) for n in (Ty, Tx, units, units))
    alpha = attention_weights(additive_energies(s, a, Ws, Wa, Ws[0]))
    context(alpha, a)
    return alpha


def attended(T: int, d: int = 64, heads: int = 4) -> Tensor:
    """The weights (heads, T, T) of a self-attention over T random vectors."""
    random = generator(0)
    weights = HeadWeights(*(torch.randn(*shape, generator=random) / d for shape in [(d, d)] * 4 + [(d,)] * 4))
    x = torch.randn(T, d, generator=random)
    return multi_head(x, x, weights, heads)[1]


def recurred(T: int, d: int = 64) -> Tensor:
    """The states (1, T, d) of an LSTM over T random vectors."""
    states: Tensor = _lstm(d)(torch.randn(1, T, d, generator=generator(0)))[0]
    return states


@cache
def _lstm(d: int) -> torch.nn.LSTM:
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False):
        torch.manual_seed(0)
        return torch.nn.LSTM(d, d, batch_first=True).requires_grad_(False)


def growth(lengths: Sequence[int], ways: Mapping[str, Callable[[int], Tensor]], calls: int = 3) -> Growth:
    """Ways of work for texts of some lengths: the numbers that each gives are counted, the quickest of its calls measured."""
    counted: dict[str, list[int]] = {name: [] for name in ways}
    measured: dict[str, list[float]] = {name: [] for name in ways}
    with torch.inference_mode():
        for name, work in ways.items():
            for T in lengths:
                given, spent = timed(partial(work, T), calls)
                counted[name].append(given.numel())
                measured[name].append(spent)
    rows = ({name: np.array(values) for name, values in each.items()} for each in (counted, measured))
    return Growth(np.array(lengths), *rows)


@dataclass(frozen=True)
class Heads:
    """Every head's weights (heads, Ty, Tx) of one attention: ``rows`` look at ``columns``; ``off`` are heads (from 0) that are
    switched off, ``hidden`` (Ty, Tx) is True where no one may look, and ``room`` is the shape that a map may have at most.
    """

    alpha: Array
    rows: Sequence[str]
    columns: Sequence[str]
    off: frozenset[int]
    hidden: Array
    room: tuple[int, int]


def letter_by_letter(*runs: Aligned) -> dict[str, list[Any]]:
    """Every output, its probability, and the letter that it looks at most; beside the first of two runs."""
    used, columns = runs[-1], dict[str, list[Any]]()
    columns["t"] = list(range(1, len(used.written) + 1))
    if len(runs) > 1:
        columns["Untouched"] = [*runs[0].written, *[""] * len(used.written)][: len(used.written)]
    columns["Writes"] = list(used.written)
    columns["P"] = [f"{p:.1%}" for p in used.chances.max(1).tolist()]
    most = used.alpha.argmax(1).tolist()
    columns["Looks most at"] = [f"{used.letters[i].replace(' ', '␣')} (t' = {i + 1})" for i in most]
    columns["α"] = [f"{a:.3f}" for a in used.alpha.max(1).tolist()]
    columns["Sum of row"] = [f"{total:.4f}" for total in used.alpha.sum(1, dtype=np.float64).tolist()]
    return columns
