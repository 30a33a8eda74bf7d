"""BLEU: how much of a translation's n-grams its references hold. Papineni et al. 2002."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tokens = Sequence[str]
Ngram = tuple[str, ...]
Smoothing = Literal["none", "exp"]
Unit = Literal["words", "characters"]

ORDER = 4
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_CUTS = (
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),  # a mark stands alone
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),  # so do a full stop and a comma, but inside a number
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def tokenize(text: str, unit: Unit = "words", *, lower: bool = True) -> list[str]:
    """Characters without the blanks, or words and marks as WMT's script mteval-v13a cuts them."""
    text = text.lower() if lower else text
    if unit == "characters":
        return [sign for sign in text if not sign.isspace()]
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    text = f" {text} "
    for pattern, cut in _CUTS:
        text = pattern.sub(cut, text)
    return text.split()


def ngrams(tokens: Tokens, n: int) -> list[Ngram]:
    """Every stretch of n tokens in order: max(0, T - n + 1) of them."""
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


@dataclass(frozen=True)
class Counted:
    """An n-gram of the candidate: how often it stands there, and how often in each reference."""

    ngram: Ngram
    count: int
    references: tuple[int, ...]

    @property
    def clipped(self) -> int:
        """The count, but no more than the reference that has most of it."""
        return min(self.count, max(self.references, default=0))


def count_ngrams(candidate: Tokens, references: Sequence[Tokens], n: int) -> list[Counted]:
    """The candidate's different n-grams, in the order that they come in."""
    counts = Counter(ngrams(candidate, n))
    others = [Counter(ngrams(reference, n)) for reference in references]
    return [Counted(ngram, count, tuple(other[ngram] for other in others)) for ngram, count in counts.items()]


def modified_precision(candidate: Tokens, references: Sequence[Tokens], n: int) -> tuple[int, int]:
    """The sum of Count_clip and the sum of Count over the candidate's n-grams, whose quotient is p_n. Section 2.1.1."""
    counted = count_ngrams(candidate, references, n)
    return sum(each.clipped for each in counted), sum(each.count for each in counted)


@dataclass(frozen=True)
class Cover:
    """What becomes of one n-gram of the candidate, that at ``start``: the reference and the place there that cover it.

    Where no reference has it, both are None; where the references hold fewer than the candidate, the rest is ``clipped``.
    """

    start: int
    reference: int | None = None
    place: int | None = None
    clipped: bool = False


def align(candidate: Tokens, references: Sequence[Tokens], n: int) -> list[Cover]:
    """Every n-gram of the candidate beside one of the reference that has most of it, as long as there are any left."""
    places: dict[Ngram, list[tuple[int, int]]] = {}
    for each in count_ngrams(candidate, references, n):
        most = max(each.references, default=0)
        owner = each.references.index(most) if most else 0
        there = ngrams(references[owner], n) if most else []
        places[each.ngram] = [(owner, i) for i, ngram in enumerate(there) if ngram == each.ngram]
    known = {ngram for ngram, free in places.items() if free}
    covers = []
    for start, ngram in enumerate(ngrams(candidate, n)):
        reference, place = places[ngram].pop(0) if places[ngram] else (None, None)
        covers.append(Cover(start, reference, place, reference is None and ngram in known))
    return covers


def closest_length(length: int, references: Sequence[Tokens]) -> int:
    """The reference's length that is closest to the candidate's, the shorter of two that are equally close."""
    return min((len(reference) for reference in references), key=lambda r: (abs(r - length), r), default=0)


def brevity_penalty(length: int, reference: int) -> float:
    """1 for a candidate of length c at least the reference's r, exp(1 - r/c) for a shorter one. Section 2.2.2."""
    if length >= reference:
        return 1.0
    return math.exp(1 - reference / length) if length else 0.0


@dataclass(frozen=True)
class Bleu:
    """A score from 0 to 1 and what it is made of, one entry an order n = 1, 2, ...

    ``matches`` over ``counts`` are the modified precisions; ``precisions`` are those after smoothing, of which the first
    ``orders`` enter the mean. ``length`` and ``reference`` are c and r.
    """

    score: float
    precisions: tuple[float, ...]
    matches: tuple[int, ...]
    counts: tuple[int, ...]
    orders: int
    penalty: float
    length: int
    reference: int


def smoothed(matches: Sequence[int], counts: Sequence[int], smoothing: Smoothing) -> tuple[float, ...]:
    """Precisions; with "exp" the k-th order without a match gets 1/2^k of a match. Chen and Cherry 2014, method 3.

    Orders without any n-gram stay at 0.
    """
    missing, precisions = 0, []
    for match, count in zip(matches, counts, strict=True):
        missing += smoothing == "exp" and not match and count > 0
        part = match if match or smoothing == "none" else 0.5**missing
        precisions.append(part / count if count else 0.0)
    return tuple(precisions)


def corpus_bleu(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    *,
    order: int = ORDER,
    smoothing: Smoothing = "none",
    effective: bool = False,
) -> Bleu:
    """BLEU of many candidates, each with references of its own: matches, counts and lengths are summed before they meet.

    BP · exp(mean of log p_n), n = 1 ... ``order``; ``effective`` leaves out the orders that no candidate is long enough for.
    """
    pairs = list(zip(candidates, references, strict=True))
    each = [[modified_precision(c, r, n) for c, r in pairs] for n in range(1, order + 1)]
    matches, counts = (tuple(sum(pair[k] for pair in pairs) for pairs in each) for k in (0, 1))
    length = sum(len(c) for c, _ in pairs)
    reference = sum(closest_length(len(c), r) for c, r in pairs)
    penalty = brevity_penalty(length, reference)
    precisions = smoothed(matches, counts, smoothing)
    orders = sum(count > 0 for count in counts) if effective else order
    used = precisions[:orders]
    score = penalty * math.exp(sum(map(math.log, used)) / orders) if any(matches) and all(used) else 0.0
    return Bleu(score, precisions, matches, counts, orders, penalty, length, reference)


def bleu(
    candidate: Tokens,
    references: Sequence[Tokens],
    *,
    order: int = ORDER,
    smoothing: Smoothing = "none",
    effective: bool = False,
) -> Bleu:
    """BLEU of a single candidate, which is that of a corpus of one."""
    return corpus_bleu([candidate], [references], order=order, smoothing=smoothing, effective=effective)
