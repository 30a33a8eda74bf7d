"""CTC against PyTorch's loss and against every path there is."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.functional.ctc import (
    alignments,
    backward,
    best_alignments,
    count_alignments,
    ctc_loss,
    forward,
    logit_gradient,
    path_states,
    repeats,
    skippable,
    state_posteriors,
    states,
    symbol_posteriors,
)

TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}
K = 4
words = st.lists(st.integers(1, K - 1), max_size=4)


def logits(*shape: int, seed: int = 0) -> torch.Tensor:
    return 2 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_torch(z: torch.Tensor, word: list[int], blank: int = 0) -> torch.Tensor:
    """PyTorch's loss of a batch (m, T, K) of one word, a loss for each."""
    m, T, _ = z.shape
    log_probs = F.log_softmax(z, -1).transpose(0, 1)
    return F.ctc_loss(log_probs, torch.tensor([word] * m), [T] * m, [len(word)] * m, blank=blank, reduction="none")


def spelled(path: tuple[int, ...], blank: int = 0) -> list[int]:
    """What a path spells, by the rule alone."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != blank]


def every_path(T: int, symbols: int = K) -> list[tuple[int, ...]]:
    return list(itertools.product(range(symbols), repeat=T))


@pytest.mark.parametrize("word", [[1], [1, 2], [1, 1], [1, 2, 3, 1], [2, 2, 2], [3, 1, 1, 2, 2]])
@pytest.mark.parametrize("blank", [0, K])
def test_loss_and_gradient_equal_pytorchs(word: list[int], blank: int) -> None:
    z = logits(3, 12, K + 1, seed=len(word)).requires_grad_()
    theirs = by_torch(z, word, blank)
    log_probs = F.log_softmax(z, -1).detach()
    torch.testing.assert_close(ctc_loss(log_probs, word, blank), theirs.detach(), **TOLERANCE)
    (slope,) = torch.autograd.grad(theirs.sum(), z)
    torch.testing.assert_close(logit_gradient(log_probs, word, blank), slope, **TOLERANCE)


@settings(max_examples=25, deadline=None)
@given(words, st.integers(1, 6), st.integers(0, 99))
def test_everything_equals_the_sum_over_every_path(word: list[int], T: int, seed: int) -> None:
    log_probs = F.log_softmax(logits(T, K, seed=seed), -1)
    paths = [path for path in every_path(T) if spelled(path) == word]
    assert sorted(alignments(word, T)) == paths
    assert count_alignments(word, T) == len(paths)
    chance = {path: math.exp(sum(float(log_probs[t, k]) for t, k in enumerate(path))) for path in paths}
    total = sum(chance.values())
    assert math.exp(-float(ctc_loss(log_probs, word))) == pytest.approx(total, rel=1e-10)
    expected = torch.zeros(T, K, dtype=torch.float64)
    for path, p in chance.items():
        expected[range(T), path] += p / total
    torch.testing.assert_close(symbol_posteriors(log_probs, word), expected, **TOLERANCE)
    best = best_alignments(log_probs, word, 5)
    assert [math.exp(p) for p, _ in best] == pytest.approx(sorted(chance.values(), reverse=True)[:5], rel=1e-10)
    for p, way in best:
        path = tuple(states(word)[s] for s in way)
        assert chance[path] == pytest.approx(math.exp(p), rel=1e-10) and path_states(path) == way


@pytest.mark.parametrize("word", [[], [1], [1, 2, 1], [2, 2], [1, 1, 3, 3]])
def test_alpha_times_beta_is_the_words_probability_at_every_frame(word: list[int]) -> None:
    log_probs = F.log_softmax(logits(2, 10, K), -1)
    through = (forward(log_probs, word) + backward(log_probs, word)).exp().sum(-1)
    total = (-ctc_loss(log_probs, word)).exp()
    torch.testing.assert_close(through, total[:, None].expand(2, 10), **TOLERANCE)
    torch.testing.assert_close(state_posteriors(log_probs, word).sum(-1), torch.ones(2, 10).double(), **TOLERANCE)


def test_alpha_and_beta_are_what_they_say() -> None:
    """Probabilities of all ways to a state, and of all ways from it to the end, counted out."""
    word, T = [1, 1, 2], 6
    log_probs = F.log_softmax(logits(T, K), -1)
    symbols = states(word)
    ways = [path_states(path) for path in alignments(word, T)]
    alpha, beta = forward(log_probs, word).exp(), backward(log_probs, word).exp()
    for t in range(T):
        for s in range(len(symbols)):
            ends = {tuple(way[t + 1 :]) for way in ways if way[t] == s}
            after = sum(math.exp(sum(float(log_probs[t + 1 + i, symbols[x]]) for i, x in enumerate(e))) for e in ends)
            assert float(beta[t, s]) == pytest.approx(after, rel=1e-10) if ends else True
            starts = {tuple(way[: t + 1]) for way in ways if way[t] == s}
            before = sum(math.exp(sum(float(log_probs[i, symbols[x]]) for i, x in enumerate(b))) for b in starts)
            assert float(alpha[t, s]) == pytest.approx(before, rel=1e-10) if starts else True


def test_the_formula_counts_what_is_listed() -> None:
    assert count_alignments([1, 2, 3], 8) == math.comb(11, 6) == len(list(alignments([1, 2, 3], 8)))
    assert count_alignments([1, 2, 2], 8) == math.comb(10, 6) == len(list(alignments([1, 2, 2], 8)))
    assert count_alignments([1, 2, 3], 2) == 0 == len(list(alignments([1, 2, 3], 2)))
    assert list(alignments([], 2)) == [(0, 0)] and count_alignments([], 2) == 1
    assert repeats([1, 1, 2, 2, 2]) == 3


def test_uniform_outputs_make_the_probability_a_ratio_of_counts() -> None:
    log_probs = torch.full((8, K), -math.log(K), dtype=torch.float64)
    ratio = count_alignments([1, 2, 3], 8) / K**8
    assert math.exp(-float(ctc_loss(log_probs, [1, 2, 3]))) == pytest.approx(ratio, rel=1e-12)


def test_too_few_frames_cost_infinitely_and_pull_nowhere() -> None:
    log_probs = F.log_softmax(logits(3, K), -1)
    assert float(ctc_loss(log_probs, [1, 1, 2])) == math.inf == float(by_torch(log_probs[None], [1, 1, 2]))
    assert not symbol_posteriors(log_probs, [1, 1, 2]).any() and not logit_gradient(log_probs, [1, 1, 2]).any()
    assert best_alignments(log_probs, [1, 1, 2], 3) == []


def test_a_thousand_frames_do_not_underflow() -> None:
    z = logits(1, 1000, 29)
    word = [1 + i % 28 for i in range(19)]
    ours = ctc_loss(F.log_softmax(z, -1), word)
    torch.testing.assert_close(ours, by_torch(z, word), rtol=1e-10, atol=0)
    assert float(ours) > 745  # where exp(-J) is 0 in double precision
    torch.testing.assert_close(symbol_posteriors(F.log_softmax(z, -1), word).sum(-1), torch.ones(1, 1000).double())


def test_states_and_what_may_be_skipped() -> None:
    assert states([1, 2, 2]) == [0, 1, 0, 2, 0, 2, 0]
    assert skippable([1, 2, 2]) == [False, True, False, True, False, False, False]
    assert path_states([0, 1, 1, 2, 0, 2, 0]) == [0, 1, 1, 3, 4, 5, 6]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match=r"must not hold the blank, symbol 0, got \[1, 0\]"):
        states([1, 0])
    with pytest.raises(BadInput, match="at least 1 frame"):
        ctc_loss(torch.zeros(0, K), [1])
