"""From log-probabilities to sequences: greedy and beam search, and the decoding of CTC's frames.

A search asks a step function as :func:`engine.functional.language.sample_sequence` does, but for log-probabilities: tokens
(m,) and the state behind them to log-probabilities (m, V) of the next token and the new state. A state is a tensor with m rows
or a tuple of such.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

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


class _Prefixes:
    """Every prefix once, as a number: its parent's number, its last label, and what the language model says of it."""

    def __init__(
        self, size: int, model: Callable[[tuple[int, ...]], Tensor] | None, weight: float, bonus: float
    ) -> None:
        self.silent, self.model, self.weight, self.bonus = np.zeros((1, size)), model, weight, bonus
        self.parents, self.labels, self.given = [-1], [-1], [0.0]
        self.children: dict[tuple[int, int], int] = {}
        self.asked: dict[int, np.ndarray] = {}

    def child(self, parent: int, label: int, given: float) -> int:
        """The number of a prefix with one more label, and what ranks it beside the frames."""
        known = self.children.get((parent, label))
        if known is None:
            known = self.children[parent, label] = len(self.parents)
            self.parents.append(parent)
            self.labels.append(label)
            self.given.append(given)
        return known

    def said(self, prefixes: list[int]) -> np.ndarray:
        """The weighted log-probabilities (k, V) of the next label by the language model; (1, V) of 0 without one."""
        model = self.model
        if model is None:
            return self.silent
        for prefix in prefixes:
            if prefix not in self.asked:
                self.asked[prefix] = self.weight * model(self.spelled(prefix)).double().numpy()
        return np.stack([self.asked[prefix] for prefix in prefixes])

    def spelled(self, prefix: int) -> tuple[int, ...]:
        """The labels of a prefix."""
        labels = []
        while prefix:
            labels.append(self.labels[prefix])
            prefix = self.parents[prefix]
        return tuple(reversed(labels))


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
    log P(prefix | frames) + ``weight`` · log P(prefix) + ``bonus`` · length.
    """
    frames = log_probabilities.double().numpy()
    size = frames.shape[1]
    known = _Prefixes(size, language_model, weight, bonus)
    prefixes, with_blank, with_label = np.zeros(1, np.int64), np.zeros(1), np.full(1, NEVER)
    for frame in frames:
        beam, stays, grows = _advanced(frame, blank, known, prefixes, with_blank, with_label)
        given = _granted(beam, known)
        scores = np.concatenate([np.logaddexp(*stays) + beam.given, (grows + given).ravel()])
        best = np.argpartition(-scores, width)[:width] if len(scores) > width else np.arange(len(scores))
        best = best[scores[best] > NEVER]
        best = best[np.argsort(-scores[best], kind="stable")]
        count = len(prefixes)
        old = best < count
        parent, label = np.divmod(np.where(old, 0, best - count), size)
        at = np.where(old, best, 0)
        with_blank = np.where(old, stays[0][at], NEVER)
        with_label = np.where(old, stays[1][at], grows[parent, label])
        columns = (old, prefixes[at], prefixes[parent], label, given[parent, label])
        each = zip(*(column.tolist() for column in columns), strict=True)
        prefixes = np.array([p if is_old else known.child(q, v, g) for is_old, p, q, v, g in each], np.int64)
    totals = np.logaddexp(with_blank, with_label)
    made = [
        Labelling(known.spelled(p), total, total + known.given[p])
        for p, total in zip(prefixes.tolist(), totals.tolist(), strict=True)
    ]
    return sorted(made, key=lambda labelling: -labelling.score)


@dataclass(frozen=True, eq=False)
class _Beam:
    """The beam's last labels and parents, and what ranks its prefixes beside the frames, (k,) each."""

    labels: np.ndarray
    parents: np.ndarray
    given: np.ndarray
    numbers: list[int]


def _advanced(
    frame: np.ndarray,
    blank: int,
    known: _Prefixes,
    prefixes: np.ndarray,
    with_blank: np.ndarray,
    with_label: np.ndarray,
) -> tuple[_Beam, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """A frame (V,) later: log-probabilities of the prefixes as they are, ended either way (k,), and one longer (k, V).

    What grows into another prefix of the beam is added to that one.
    """
    numbers = prefixes.tolist()
    labels, parents = (np.array([column[p] for p in numbers]) for column in (known.labels, known.parents))
    total = np.logaddexp(with_blank, with_label)
    grows = total[:, None] + frame
    spoken = (labels >= 0).nonzero()[0]
    grows[spoken, labels[spoken]] = with_blank[spoken] + frame[labels[spoken]]  # a repeat needs a blank between
    grows[:, blank] = NEVER
    stay_label = np.where(labels >= 0, with_label + frame[labels], NEVER)
    child, parent = (parents[:, None] == prefixes).nonzero()
    stay_label[child] = np.logaddexp(stay_label[child], grows[parent, labels[child]])
    grows[parent, labels[child]] = NEVER
    given = np.array([known.given[p] for p in numbers])
    return _Beam(labels, parents, given, numbers), (total + frame[blank], stay_label), grows


def _granted(beam: _Beam, known: _Prefixes) -> np.ndarray:
    """What ranks prefixes one longer (k, V) beside the frames."""
    return known.said(beam.numbers) + (beam.given + known.bonus)[:, None]
