"""From phonemes, frame by frame, to a word: the likeliest path through the phonemes of each word of a lexicon.

A path stays in a phoneme or goes on to the next. It may begin and end with silence, symbol 0. Log-probabilities are (T, K).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray
SILENCE = 0


def scaled(log_probabilities: Array, log_prior: Array) -> Array:
    """ln P(k | x) - ln P(k), which is ln p(x | k) but for what all k share: a prior counts how long each phoneme lasts.

    Bourlard and Wellekens 1990.
    """
    return log_probabilities - log_prior


def states(phonemes: Sequence[int]) -> list[int]:
    """The phonemes of a word with silence around them."""
    return [SILENCE, *phonemes, SILENCE]


def viterbi(log_probabilities: Array, phonemes: Sequence[int]) -> tuple[float, list[int]]:
    """The best path's sum of log-probabilities and the state of each frame, 0 to L + 1; -∞ and no path with too few frames.

    best[t, s] = log_probabilities[t, state s] + max(best[t - 1, s], best[t - 1, s - 1]).
    """
    emitted = log_probabilities[:, states(phonemes)]  # (T, L + 2)
    T, S = emitted.shape
    if len(phonemes) > T:
        return -math.inf, []
    best = np.full(S, -np.inf)
    best[:2] = emitted[0, :2]
    moved = np.zeros((T, S), bool)
    for t in range(1, T):
        entered = np.concatenate([[-np.inf], best[:-1]])
        moved[t] = entered > best
        best = np.maximum(best, entered) + emitted[t]
    state = S - 1 if best[-1] > best[-2] else S - 2
    score, path = float(best[state]), [state]
    for t in range(T - 1, 0, -1):
        state -= int(moved[t, state])
        path.append(state)
    return score, path[::-1]


def word_scores(log_probabilities: Array, lexicon: Sequence[Sequence[int]]) -> Array:
    """The best path's score of every word, (W,), all words advancing together."""
    longest = max(len(word) for word in lexicon)
    symbols = np.array([states(word) + [SILENCE] * (longest - len(word)) for word in lexicon])  # (W, S)
    best = np.full(symbols.shape, -np.inf)
    best[:, :2] = log_probabilities[0, symbols[:, :2]]
    for row in log_probabilities[1:]:
        best[:, 1:] = np.maximum(best[:, 1:], best[:, :-1])
        best += row[symbols]
    lengths, words = np.array([len(word) for word in lexicon]), np.arange(len(lexicon))
    return np.maximum(best[words, lengths], best[words, lengths + 1])
