"""From log-probabilities to sequences: greedy and beam search, and the decoding of CTC's frames.

A search asks a step function as :func:`engine.functional.language.sample_sequence` does, but for log-probabilities: tokens
(m,) and the state behind them to log-probabilities (m, V) of the next token and the new state. A state is a tensor with m rows
or a tuple of such.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappush, heappushpop
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from engine.errors import BadInput

S = TypeVar("S")
T = TypeVar("T")

Step = Callable[[Tensor, S], tuple[Tensor, S]]
NEVER = -math.inf


def length_normalized(log_probability: float, length: int, alpha: float) -> float:
    """log P / T^alpha: at 0 the log-probability, at 1 its mean over the T tokens. Wu et al. 2016 have a close relative."""
    return log_probability / max(length, 1) ** alpha


@dataclass(frozen=True)
class Hypothesis:
    """A sequence, <EOS> included if it ``ended`` so, the log of its probability and the score that ranks it."""

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    ended: bool


@dataclass(frozen=True, eq=False)
class Round:
    """One step of a beam search, candidates from the best down: ``kept`` of them go on or end, the others are pruned.

    ``parents`` (k,) are places in the beam before, counted over those that go on; ``tokens``, ``chances`` (log P of the token
    alone) and ``totals`` (log P of all so far) are (k,) too.
    """

    parents: Tensor
    tokens: Tensor
    chances: Tensor
    totals: Tensor
    kept: int


@dataclass(frozen=True, eq=False)
class Search:
    """The complete hypotheses, best score first and the cut ones last, every round, and the highest log-probability pruned."""

    found: tuple[Hypothesis, ...]
    rounds: tuple[Round, ...]
    lost: float

    def proves(self, best: Hypothesis, longest: int, alpha: float) -> bool:
        """Whether no pruned sequence can beat ``best``: logs only fall, and none is divided by more than longest^alpha."""
        bound = length_normalized(self.lost, longest, alpha)
        return self.lost == NEVER or (best.ended and best.score >= bound)


def picked(state: Any, rows: Tensor) -> Any:
    """Some rows of a state."""
    if isinstance(state, Tensor):
        return state[rows]
    return tuple(picked(part, rows) for part in state) if isinstance(state, tuple) else state


def beam_search(
    step: Step[S],
    first: Tensor,
    state: S,
    *,
    width: int,
    eos: int,
    longest: int,
    alpha: float = 0.0,
    runners_up: int = 0,
) -> Search:
    """Keep the ``width`` likeliest beginnings at every step, and rank what ends by log P / T^alpha.

    ``first`` (1, V) are the log-probabilities of the first token and ``state``, of one row, what lies behind them. A
    hypothesis that ends keeps its place, so that the beam narrows by one; those that ``longest`` cuts off are complete too, but
    rank behind all that ended. Each round remembers so many ``runners_up`` of what it pruned.
    """
    size = first.shape[-1]
    rows, totals = first.reshape(1, size), first.new_zeros(1)
    prefixes = torch.empty(1, 0, dtype=torch.long)
    found, rounds, lost = list[Hypothesis](), list[Round](), NEVER
    for t in range(1, longest + 1):
        grown = (totals[:, None] + rows).flatten()
        best, flat = grown.topk(min(width + max(runners_up, 1), len(grown)))
        possible = int((best > NEVER).sum())
        best, flat = best[:possible], flat[:possible]
        parents, tokens, kept = flat.div(size, rounding_mode="floor"), flat % size, min(width, possible)
        if possible > kept:
            lost = max(lost, float(best[kept]))
        seen = slice(0, kept + runners_up)
        rounds.append(Round(parents[seen], tokens[seen], rows.flatten()[flat[seen]], best[seen], kept))
        parents, tokens, totals = parents[:kept], tokens[:kept], best[:kept]
        prefixes = torch.cat([prefixes[parents], tokens[:, None]], 1)
        over = (tokens == eos) | (t == longest)
        found += [
            Hypothesis(tuple(prefix), total, length_normalized(total, t, alpha), prefix[-1] == eos)
            for prefix, total in zip(prefixes[over].tolist(), totals[over].tolist(), strict=True)
        ]
        going = (~over).nonzero().squeeze(1)
        width -= kept - len(going)
        if not len(going):
            break
        prefixes, totals = prefixes[going], totals[going]
        rows, state = step(tokens[going], picked(state, parents[going]))
    return Search(tuple(ranked(found)), tuple(rounds), lost)


def ranked(found: Iterable[Hypothesis]) -> list[Hypothesis]:
    """The best score first, those that never ended after all others."""
    return sorted(found, key=lambda h: (not h.ended, -h.score))


def greedy(step: Step[S], first: Tensor, state: S, *, eos: int, longest: int, alpha: float = 0.0) -> Hypothesis:
    """Take the likeliest token at every step, until <EOS> or ``longest`` tokens."""
    rows, tokens, total = first.reshape(1, -1), list[int](), 0.0
    while len(tokens) < longest:
        token = rows[0].argmax()
        total += float(rows[0, token])
        tokens.append(int(token))
        if int(token) == eos or len(tokens) == longest:
            break
        rows, state = step(token[None], state)
    return Hypothesis(tuple(tokens), total, length_normalized(total, len(tokens), alpha), tokens[-1:] == [eos])


def step_of_table(table: Callable[[Sequence[int]], Tensor]) -> Step[Tensor]:
    """A step function whose state is the tokens so far (m, t), from a function of these to log-probabilities (V,)."""

    def step(tokens: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        prefixes = torch.cat([before, tokens[:, None]], 1)
        return torch.stack([table(prefix) for prefix in prefixes.tolist()]), prefixes

    return step


# What a step function said after a sequence of tokens: log-probabilities (V,), and the state of one row behind them.
Memory = dict[tuple[int, ...], tuple[Tensor, Any]]


def remembered(step: Step[Any], memory: Memory) -> Step[Tensor]:
    """A step function that asks another one only about sequences that aren't in the memory yet, and puts them there.

    Its own state is the tokens so far (m, t), each of which must be in the memory.
    """

    def asked(tokens: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        prefixes = torch.cat([before, tokens[:, None]], 1)
        keys = [tuple(prefix) for prefix in prefixes.tolist()]
        new = [i for i, key in enumerate(keys) if key not in memory]
        if new:
            rows, states = step(tokens[new], joined([memory[keys[i][:-1]][1] for i in new]))
            for k, i in enumerate(new):
                memory[keys[i]] = (rows[k], picked(states, torch.tensor([k])))
        return torch.stack([memory[key][0] for key in keys]), prefixes

    return asked


def joined(states: Sequence[Any]) -> Any:
    """States below each other."""
    if isinstance(states[0], Tensor):
        return torch.cat(list(states))
    return tuple(joined(parts) for parts in zip(*states, strict=True)) if isinstance(states[0], tuple) else states[0]


def ctc_collapse(path: Iterable[T], blank: T) -> list[T]:
    """The labelling of a path: repeats become one, then blanks go. Graves et al. 2006, Section 3.1."""
    labels, before = list[T](), blank
    for label in path:
        if label not in (before, blank):
            labels.append(label)
        before = label
    return labels


def ctc_greedy(log_probabilities: Tensor, blank: int = 0) -> list[int]:
    """The labelling of the likeliest path through frames (T, V). Graves et al. 2006, Section 3.2, best path decoding."""
    return ctc_collapse(log_probabilities.argmax(-1).tolist(), blank)


@dataclass(frozen=True)
class Labelling:
    """Labels, the log of the probability that the frames give them, summed over paths, and the score that ranks them."""

    labels: tuple[int, ...]
    log_probability: float
    score: float


class _Prefix:
    """A beginning of a labelling, in the tree of all those looked at.

    ``blank`` and ``label`` are the log-probabilities of its paths that end with a blank and with its last label, ``total``
    that of both; ``given`` is what else ranks it.
    """

    __slots__ = ("blank", "children", "given", "label", "last", "parent", "said", "total")

    def __init__(self, parent: _Prefix | None = None, last: int = -1, given: float = 0.0) -> None:
        self.parent, self.last, self.given = parent, last, given
        self.children: dict[int, _Prefix] = {}
        self.said: list[float] = []

    def reach(self, blank: float, label: float) -> _Prefix:
        """Be as probable as this from now on."""
        self.blank, self.label, self.total = blank, label, _either(blank, label)
        return self

    def child(self, label: int, given: float) -> _Prefix:
        """This one and one more label."""
        if label not in self.children:
            self.children[label] = _Prefix(self, label, given)
        return self.children[label]

    def before(self, label: int) -> float:
        """log P of the paths that this label can follow: a repeat needs a blank between."""
        return self.blank if label == self.last else self.total

    def labels(self) -> tuple[int, ...]:
        """From the first to the last."""
        labels, at = list[int](), self
        while at.parent:
            labels.append(at.last)
            at = at.parent
        return tuple(reversed(labels))


def _either(a: float, b: float) -> float:
    """log(e^a + e^b)."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == NEVER else high + math.log1p(math.exp(low - high))


class _Candidate(NamedTuple):
    """What a frame makes of a prefix, as it is or with one ``more`` label: its score, and log P of either ending."""

    score: float
    prefix: _Prefix
    more: int | None
    given: float
    blank: float
    label: float

    def taken(self) -> _Prefix:
        """What it stands for, as probable as it says."""
        prefix = self.prefix if self.more is None else self.prefix.child(self.more, self.given)
        return prefix.reach(self.blank, self.label)


@dataclass(frozen=True)
class PrefixSearch:
    """How :func:`ctc_beam`'s prefixes grow from frame to frame."""

    width: int
    blank: int
    model: Callable[[tuple[int, ...]], Tensor] | None
    weight: float
    bonus: float

    def advanced(self, beam: list[_Prefix], frame: list[float], likeliest: list[int]) -> list[_Prefix]:
        """The beam a frame (V,) later, best first. ``likeliest`` are its labels from the likeliest down."""
        here = set(beam)
        found = [self.staying(prefix, frame, here) for prefix in beam]
        found += self.growing(beam, frame, likeliest, here, [each.score for each in found])
        best = sorted(found, key=itemgetter(0), reverse=True)[: self.width]
        return [each.taken() for each in best if each.score > NEVER]

    def staying(self, prefix: _Prefix, frame: list[float], here: set[_Prefix]) -> _Candidate:
        """A blank follows, its last label goes on, or its parent in the beam grows into it."""
        by_blank, by_label = prefix.total + frame[self.blank], NEVER
        if prefix.parent:
            by_label = prefix.label + frame[prefix.last]
            if prefix.parent in here:
                by_label = _either(by_label, prefix.parent.before(prefix.last) + frame[prefix.last])
        score = _either(by_blank, by_label) + prefix.given
        return _Candidate(score, prefix, None, prefix.given, by_blank, by_label)

    def growing(
        self, beam: list[_Prefix], frame: list[float], likeliest: list[int], here: set[_Prefix], scores: list[float]
    ) -> Iterator[_Candidate]:
        """Those new to the beam that are among the best with the ``scores`` found so far.

        A language model only lowers what frames promise, so a label that promises too little ends a prefix's round.
        """
        heapify(scores)
        for prefix in beam:
            promise = prefix.total + prefix.given + self.bonus
            for label in likeliest:
                full = len(scores) >= self.width
                if full and promise + frame[label] <= scores[0]:
                    break
                if label == self.blank or prefix.children.get(label) in here:
                    continue
                by_label, given = prefix.before(label) + frame[label], self.given(prefix, label)
                yield _Candidate(by_label + given, prefix, label, given, NEVER, by_label)
                (heappushpop if full else heappush)(scores, by_label + given)

    def given(self, prefix: _Prefix, label: int) -> float:
        """What ranks a prefix with one more label beside the frames."""
        if self.model is None:
            return prefix.given + self.bonus
        if not prefix.said:
            prefix.said = self.model(prefix.labels()).tolist()
        return prefix.given + self.weight * prefix.said[label] + self.bonus


def ctc_beam(
    log_probabilities: Tensor,
    width: int,
    blank: int = 0,
    *,
    language_model: Callable[[tuple[int, ...]], Tensor] | None = None,
    weight: float = 1.0,
    bonus: float = 0.0,
) -> list[Labelling]:
    """The likeliest labellings of frames (T, V), best first, by prefix beam search. Hannun et al. 2014, Algorithm 1.

    A prefix is as probable as all its paths together, those that end with a blank apart from those that end with its last
    label. ``language_model`` goes from labels to log-probabilities (V,) of the next; prefixes are ranked by
    log P(prefix | frames) + ``weight`` · log P(prefix) + ``bonus`` · length. :class:`BadInput` for a ``weight`` below 0.
    """
    if weight < 0:
        raise BadInput(f"The language model's weight must be at least 0, got {weight:g}.")
    search = PrefixSearch(width, blank, language_model, weight, bonus)
    beam = [_Prefix().reach(0.0, NEVER)]
    likeliest = log_probabilities.argsort(-1, descending=True)
    for frame, labels in zip(log_probabilities.tolist(), likeliest.tolist(), strict=True):
        beam = search.advanced(beam, frame, labels)
    return [Labelling(prefix.labels(), prefix.total, prefix.total + prefix.given) for prefix in beam]
