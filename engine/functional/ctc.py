"""Connectionist temporal classification: the loss of a word over all the paths that spell it. Graves et al. 2006.

A path has one symbol a frame, the blank among them; merging repeats and then dropping blanks leaves a word. Words and paths
are sequences of indices into the K symbols of the network. Walking through the S = 2L + 1 states, which are the word's
symbols with a blank before, between and after them, gives every path that spells the word, an alignment, exactly once.

Batch first: ``log_probs`` is ln y (..., T, K); leading dimensions hold utterances of one word side by side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import BadInput


def states(word: Sequence[int], blank: int = 0) -> list[int]:
    """The symbol of each of the 2L + 1 states, l′ in section 4.1: a blank, and a blank after every symbol."""
    if blank in word:
        raise BadInput(f"A word must not hold the blank, symbol {blank}, got {list(word)}.")
    return [blank, *(symbol for each in word for symbol in (each, blank))]


def repeats(word: Sequence[int]) -> int:
    """How many symbols equal the one before: only with a blank between them do both stay."""
    return sum(a == b for a, b in pairwise(word))


def skippable(word: Sequence[int], blank: int = 0) -> list[bool]:
    """Per state, whether it may follow the state two before it: a symbol that differs from the word's last one."""
    symbols = states(word, blank)
    return [symbol != blank and (s < 2 or symbol != symbols[s - 2]) for s, symbol in enumerate(symbols)]


def count_alignments(word: Sequence[int], frames: int) -> int:
    """How many paths of T frames spell a word of L symbols, r of them repeats: T + L - r over 2L.

    Each state holds for some frames: symbols, and blanks between repeats, for one at least. The other T - L - r frames fall
    to the 2L + 1 states in any way.
    """
    return math.comb(max(0, frames + len(word) - repeats(word)), 2 * len(word))


def alignments(word: Sequence[int], frames: int, blank: int = 0) -> Iterator[tuple[int, ...]]:
    """Every path of T frames that spells the word, one after another, each once: (T,) symbols."""
    symbols, skip = states(word, blank), skippable(word, blank)
    last = len(symbols) - 1
    needed = [0] * len(symbols)  # frames still to come after a state
    for s in range(last - 2, -1, -1):
        needed[s] = 1 + (needed[s + 2] if skip[s + 2] else needed[s + 1])

    def following(state: int, left: int) -> Iterator[tuple[int, ...]]:
        if left == 0 and state >= last - 1:
            yield ()
        for s in range(max(0, state), min(state + 3, len(symbols))) if left else ():
            if needed[s] < left and (s < state + 2 or skip[s]):
                for rest in following(s, left - 1):
                    yield (symbols[s], *rest)

    return following(-1, frames)


def path_states(path: Sequence[int], blank: int = 0) -> list[int]:
    """The state of every frame of a path, among those of the word that it spells."""
    found: list[int] = []
    state, before = 0, blank
    for symbol in path:
        if symbol != before:
            state += 1 if blank in (symbol, before) else 2
        found.append(state)
        before = symbol
    return found


def best_alignments(log_probs: Tensor, word: Sequence[int], most: int, blank: int = 0) -> list[tuple[float, list[int]]]:
    """The most likely alignments with their ln p, best first, from ln y (T, K); each as the state of every frame (T,).

    Viterbi's algorithm with ``most`` ways kept to every state instead of one.
    """
    symbols, skip = states(word, blank), skippable(word, blank)
    frames = log_probs.tolist()
    kept: list[list[tuple[float, list[int]]]]
    kept = [[(frames[0][symbol], [s])] if s < 2 else [] for s, symbol in enumerate(symbols)]
    for y in frames[1:]:
        kept = [
            nlargest(most, [(p + y[symbol], [*way, s]) for before in _before(s, skip) for p, way in kept[before]])
            for s, symbol in enumerate(symbols)
        ]
    return nlargest(most, [way for ways in kept[-2:] for way in ways])


def forward(log_probs: Tensor, word: Sequence[int], blank: int = 0) -> Tensor:
    """ln α (..., T, S): the probability of all ways through frames 1 to t that end in state s. Section 4.1."""
    y, skip = _by_state(log_probs, word, blank)
    starts = torch.arange(y.shape[-1], device=y.device) < 2
    alpha = [y[..., 0, :].masked_fill(~starts, -torch.inf)]
    for t in range(1, y.shape[-2]):
        before = F.pad(alpha[-1], (2, 0), value=-torch.inf)
        ways = torch.stack([before[..., 2:], before[..., 1:-1], before[..., :-2].masked_fill(~skip, -torch.inf)])
        alpha.append(torch.logsumexp(ways, 0) + y[..., t, :])
    return torch.stack(alpha, -2)


def backward(log_probs: Tensor, word: Sequence[int], blank: int = 0) -> Tensor:
    """ln β (..., T, S): the probability of all ways from state s at frame t through frames t + 1 to T to the word's end.

    Section 4.1, less the probability of frame t itself, which α holds already: so Σ over s of α β is P(word) at every frame.
    """
    y, skip = _by_state(log_probs, word, blank)
    ends = torch.arange(y.shape[-1], device=y.device) >= y.shape[-1] - 2
    beta = [torch.zeros_like(y[..., 0, :]).masked_fill(~ends, -torch.inf)]
    for t in range(y.shape[-2] - 1, 0, -1):
        entered = beta[-1] + y[..., t, :]
        after = F.pad(entered, (0, 1), value=-torch.inf)
        skipped = F.pad(entered.masked_fill(~skip, -torch.inf), (0, 2), value=-torch.inf)
        beta.append(torch.logsumexp(torch.stack([entered, after[..., 1:], skipped[..., 2:]]), 0))
    return torch.stack(beta[::-1], -2)


def ctc_loss(log_probs: Tensor, word: Sequence[int], blank: int = 0) -> Tensor:
    """J = -ln P(word | x), (...): infinite where there are fewer frames than symbols and the blanks between repeats.

    Its slope is :func:`logit_gradient`; automatic differentiation gives NaN, as states that no way leads to have ln α = -∞.
    """
    return -torch.logsumexp(forward(log_probs, word, blank)[..., -1, -2:], -1)


def state_posteriors(log_probs: Tensor, word: Sequence[int], blank: int = 0) -> Tensor:
    """γ (..., T, S) = α β / P(word): how likely frame t is in state s if the word was said; 0 if no path spells it."""
    alpha = forward(log_probs, word, blank)
    total = torch.logsumexp(alpha[..., -1:, -2:], -1, keepdim=True)
    return (alpha + backward(log_probs, word, blank) - total.clamp_min(torch.finfo(total.dtype).min)).exp()


def symbol_posteriors(log_probs: Tensor, word: Sequence[int], blank: int = 0) -> Tensor:
    """γ (..., T, K): the same for the symbols, summed over the states that stand for each."""
    symbol = torch.tensor(states(word, blank), device=log_probs.device)
    return torch.zeros_like(log_probs).index_add(-1, symbol, state_posteriors(log_probs, word, blank))


def logit_gradient(log_probs: Tensor, word: Sequence[int], blank: int = 0) -> Tensor:
    """dJ/dz = y - γ (..., T, K) for y = softmax(z), section 4.2; 0 where J is infinite."""
    gamma = symbol_posteriors(log_probs, word, blank)
    return torch.where(gamma.sum(-1, keepdim=True) > 0, log_probs.exp() - gamma, torch.zeros_like(gamma))


def _by_state(log_probs: Tensor, word: Sequence[int], blank: int) -> tuple[Tensor, Tensor]:
    """ln y of each state's symbol (..., T, S), and which states may skip a blank (S,)."""
    if log_probs.shape[-2] < 1:
        raise BadInput("There must be at least 1 frame, got none.")
    return log_probs[..., states(word, blank)], torch.tensor(skippable(word, blank), device=log_probs.device)


def _before(state: int, skip: Sequence[bool]) -> list[int]:
    """The states that may come right before one."""
    return [s for s in (state, state - 1, state - 2) if s >= 0 and (s > state - 2 or skip[state])]
