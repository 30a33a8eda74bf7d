"""Names as stretches of tags, and how many of them a tagger finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A name of some kind from the word ``start`` up to, not including, ``end``."""

    kind: str
    start: int
    end: int


class Score(NamedTuple):
    """Names ``found`` rightly, those the tagger ``claimed``, and those there ``are``."""

    found: int
    claimed: int
    are: int

    @property
    def precision(self) -> float:
        """The share of claimed names that are right."""
        return self.found / self.claimed if self.claimed else 0.0

    @property
    def recall(self) -> float:
        """The share of the names that were found."""
        return self.found / self.are if self.are else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.claimed + self.are
        return 2 * self.found / both if both else 0.0


def spans(tags: Sequence[str]) -> list[Span]:
    """The names that tags such as O, B-PER, I-PER mark, as conlleval reads them (Tjong Kim Sang and De Meulder 2003).

    An I that goes on with no name of its kind begins one.
    """
    found: list[Span] = []
    for i, tag in enumerate(tags):
        part, _, kind = tag.partition("-")
        goes_on = part == "I" and found and found[-1].end == i and found[-1].kind == kind
        if goes_on:
            found[-1] = found[-1]._replace(end=i + 1)
        elif part != "O":
            found.append(Span(kind, i, i + 1))
    return found


def named(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> list[tuple[set[Span], set[Span]]]:
    """Sentences, each (true tags, found tags), as (true names, found names)."""
    return [(set(spans(true)), set(spans(found))) for true, found in pairs]


def score(pairs: Iterable[tuple[set[Span], set[Span]]], kind: str = "") -> Score:
    """Over sentences, each (true names, found names): one counts as found if kind and both ends are right.

    Of one ``kind`` only, where it is given.
    """
    right = claimed = are = 0
    for true, found in pairs:
        if kind:
            true, found = ({span for span in names if span.kind == kind} for names in (true, found))
        right, claimed, are = right + len(true & found), claimed + len(found), are + len(true)
    return Score(right, claimed, are)
