"""A word and the paths that spell it: one typed path, the trellis of all, the likeliest, and how many there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from engine.functional import ctc
from engine.results import Array


@dataclass(frozen=True)
class Collapsed:
    """A path, a symbol a frame (T,). ``kind`` (T,) is 0 for a blank, 1 for a repeat that is merged, 2 for what stays.

    ``begins`` (T,) tells where a run of one symbol, or of blanks, begins.
    """

    symbols: Sequence[str]
    kind: Array
    begins: Array


@dataclass(frozen=True)
class Trellis:
    """All ways of a word of S states through T frames of a network with K symbols.

    ``symbols`` (K,) and ``states`` (S,) are their names, ``y`` (T, K) the network's outputs, ``posterior`` (T, K) what they
    are if the word was said. ``stands`` (S,) is each state's symbol by index. ``alpha`` and ``beta`` are (T, S), and Σ of
    their product over the states is the ``total`` at every frame. ``path`` is the state at every frame of a typed path that
    spells the word, empty for another.
    """

    symbols: Sequence[str]
    states: Sequence[str]
    stands: Sequence[int]
    y: Array
    posterior: Array
    alpha: Array
    beta: Array
    total: float
    path: Sequence[int]


@dataclass(frozen=True)
class Likeliest:
    """The likeliest alignments (n, T) by the names of their symbols, and the ``share`` (n,) of the word that each holds.

    ``kind`` (n, T) is that of :class:`Collapsed`.
    """

    symbols: Sequence[Sequence[str]]
    kind: Array
    share: Array


@dataclass(frozen=True)
class Counts:
    """By number of ``frames`` (n,): the ``paths`` there are, how many ``spell`` the word, and how many were ``listed``.

    ``listed`` is NaN where there are too many to list.
    """

    frames: Array
    paths: Array
    spell: Array
    listed: Array


def collapsed(names: Sequence[str], path: Sequence[int], blank: int = 0) -> Collapsed:
    """A path of symbols (T,) with the names of its frames."""
    ids = np.array(path, int)
    begins = np.diff(ids, prepend=-1) != 0
    return Collapsed(names, np.where(ids == blank, 0, np.where(begins, 2, 1)), begins)


def trellis(names: Sequence[str], log_probs: Tensor, word: Sequence[int], path: Sequence[int]) -> Trellis:
    """The trellis of a word over ln y (T, K), the symbols' ``names`` being (K,)."""
    return Trellis(
        names,
        [names[k] for k in ctc.states(word)],
        ctc.states(word),
        log_probs.exp().numpy(),
        ctc.symbol_posteriors(log_probs, word).numpy(),
        ctc.forward(log_probs, word).exp().numpy(),
        ctc.backward(log_probs, word).exp().numpy(),
        math.exp(-float(ctc.ctc_loss(log_probs, word))),
        path,
    )


def likeliest(names: Sequence[str], log_probs: Tensor, word: Sequence[int], most: int) -> Likeliest:
    """The likeliest alignments, as far as there are any."""
    best = ctc.best_alignments(log_probs, word, most)
    total = -float(ctc.ctc_loss(log_probs, word))
    ways = np.array([way for _, way in best], int).reshape(len(best), len(log_probs))
    stays = np.diff(ways, axis=1, prepend=-1) != 0
    states = [names[k] for k in ctc.states(word)]
    symbols = [[states[s] for s in way] for _, way in best]
    return Likeliest(symbols, np.where(ways % 2 == 0, 0, np.where(stays, 2, 1)), np.exp([p - total for p, _ in best]))


def counts(word: Sequence[int], symbols: int, frames: int, most: int) -> Counts:
    """From 1 to so many frames; alignments are listed one by one as long as there are at most ``most``."""
    lengths = range(1, frames + 1)
    spell = [ctc.count_alignments(word, T) for T in lengths]
    few = [T if 0 < n <= most else 0 for T, n in zip(lengths, spell, strict=True)]
    listed = [sum(1 for _ in ctc.alignments(word, T)) if T else math.nan for T in few]
    paths = [float(symbols) ** T for T in lengths]
    return Counts(np.array(lengths), np.array(paths), np.array(spell, float), np.array(listed))
