"""What a search for the best sequence found: its tree, what competes with it, and the product of small probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.functional.decoding import Hypothesis, Search
from engine.results import Array

Kind = Literal["root", "kept", "pruned"]
POINTS = 300
DEEP = 1.45  # how far below the smallest float32 a product goes on, in powers of ten to its own
MOST = 6000


@dataclass(frozen=True)
class Node:
    """A beginning in the tree: its depth, its place across (0 to 1), its parent's number, and what became of it.

    ``chance`` is log P of its last token after those before, ``total`` that of all of them; ``ended`` says that it is complete
    and ``answer`` that the sequence chosen begins so.
    """

    tokens: tuple[int, ...]
    depth: int
    across: float
    parent: int
    kind: Kind
    chance: float
    total: float
    ended: bool
    answer: bool


def tree(search: Search, eos: int, longest: int) -> list[Node]:
    """The nodes of a beam search, the root first, those of a step from left to right as their parents stand."""
    best = search.found[0].tokens if search.found else ()
    nodes = [Node((), 0, 0.5, -1, "root", 0.0, 0.0, False, True)]
    beam = [0]
    for depth, made in enumerate(search.rounds, 1):
        columns = (made.parents, made.tokens, made.chances, made.totals)
        each = list(zip(*(column.tolist() for column in columns), strict=True))
        order = sorted(range(len(each)), key=lambda j: (nodes[beam[each[j][0]]].across, j))
        numbers = {j: len(nodes) + place for place, j in enumerate(order)}
        for place, j in enumerate(order):
            parent, token, chance, total = each[j]
            tokens = (*nodes[beam[parent]].tokens, token)
            ended = j < made.kept and (token == eos or depth == longest)
            across = (place + 0.5) / len(order)
            kind: Kind = "kept" if j < made.kept else "pruned"
            answer = j < made.kept and tokens == best[:depth]
            nodes.append(Node(tokens, depth, across, beam[parent], kind, chance, total, ended, answer))
        beam = [numbers[j] for j in range(made.kept) if not nodes[numbers[j]].ended]
    return nodes


def chances_of(nodes: Sequence[Node]) -> list[float]:
    """log P of every token of the answer."""
    return [node.chance for node in nodes[1:] if node.answer]


@dataclass(frozen=True)
class Competitor:
    """A complete sequence as text, with what it is: found by the beam, greedy, or the best there is."""

    what: Literal["beam", "greedy", "exact"]
    text: str
    hypothesis: Hypothesis


def best_of_each_length(found: Iterable[Hypothesis]) -> list[Hypothesis]:
    """The likeliest hypothesis of every length, ended or cut: for any alpha one of them has the best score."""
    best: dict[tuple[bool, int], Hypothesis] = {}
    for each in found:
        key = (each.ended, len(each.tokens))
        if key not in best or each.log_probability > best[key].log_probability:
            best[key] = each
    return list(best.values())


@dataclass(frozen=True)
class Underflow:
    """The probability of more and more tokens, as powers of ten: summed from logs, and multiplied in float32.

    ``product`` is NaN once it is 0, which it is from ``zero`` tokens on (0 if it never is); all arrays are (k,).
    """

    tokens: Array
    logs: Array
    product: Array
    zero: int

    @property
    def logs_at_zero(self) -> float:
        """The natural log of the probability of as many tokens as float32 can't multiply."""
        return float(np.interp(self.zero, self.tokens, self.logs)) * math.log(10)


SMALLEST = float(np.log10(np.finfo(np.float32).smallest_subnormal.astype(np.float64)))


def underflow(chances: Sequence[float]) -> Underflow:
    """What multiplying does to tokens of these log-probabilities, said again and again until float32 has lost them."""
    mean = -sum(chances) / max(1, len(chances)) / math.log(10)
    count = min(MOST, math.ceil(DEEP * -SMALLEST / mean)) if mean > 0 else MOST
    each = np.resize(np.array(chances or [0.0]), count)
    logs = np.concatenate([[0.0], each.cumsum() / math.log(10)])
    product = np.concatenate([[1.0], np.cumprod(np.exp(each).astype(np.float32), dtype=np.float32)])
    with np.errstate(divide="ignore"):
        power = np.where(product > 0, np.log10(product, dtype=np.float64), np.nan)
    zero = int((product == 0).argmax())
    kept = np.unique(np.linspace(0, count, min(POINTS, count + 1)).round().astype(int))
    kept = np.unique(np.append(kept, max(0, zero - 1)))
    return Underflow(kept.astype(np.float32), logs[kept].astype(np.float32), power[kept].astype(np.float32), zero)


def spelled(begin: Sequence[int], found: Hypothesis, decode: Callable[[Sequence[int]], str]) -> str:
    """A sequence after its beginning as text, its <EOS> left out, an ellipsis where it never ended."""
    return decode((*begin, *found.tokens[:-1])) if found.ended else f"{decode((*begin, *found.tokens))} …"
