import math
from itertools import combinations

import numpy as np
import pytest

from engine.functional.lexicon import scaled, states, viterbi, word_scores


def random_frames(T, K, seed):
    x = np.random.default_rng(seed).standard_normal((T, K)) * 2
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def every_path(T, S):
    """All ways to walk states 0 to S - 1 that start at 0 or 1, end at S - 2 or S - 1 and go on by at most one a frame."""
    for first in (0, 1):
        for last in (S - 2, S - 1):
            steps = last - first
            if steps < 0:
                continue
            for when in combinations(range(1, T), steps):
                yield [first + sum(t >= w for w in when) for t in range(T)]


@pytest.mark.parametrize("seed", range(20))
def test_viterbi_equals_brute_force(seed):
    random = np.random.default_rng(100 + seed)
    T, K = int(random.integers(1, 8)), 5
    word = random.integers(1, K, int(random.integers(1, 4))).tolist()
    log_p = random_frames(T, K, seed)
    symbols = states(word)
    each = {tuple(path): sum(log_p[t, symbols[s]] for t, s in enumerate(path)) for path in every_path(T, len(symbols))}
    score, path = viterbi(log_p, word)
    if not each:
        assert score == -math.inf and path == []
        return
    assert score == pytest.approx(max(each.values()), abs=1e-9)
    assert each[tuple(path)] == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_all_words_together_score_as_each_alone(seed):
    log_p = random_frames(9, 6, seed)
    lexicon = [[1], [2, 3], [5, 4, 3, 2], [1, 2, 1], [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]]
    together = word_scores(log_p, lexicon)
    np.testing.assert_allclose(together, [viterbi(log_p, word)[0] for word in lexicon], atol=1e-9)
    assert together[-1] == -math.inf


def test_a_clear_path_is_found():
    said = [0, 0, 2, 2, 1, 1, 1, 0]
    log_p = np.log(np.full((8, 3), 0.05))
    log_p[np.arange(8), said] = math.log(0.9)
    score, path = viterbi(log_p, [2, 1])
    assert [states([2, 1])[s] for s in path] == said
    assert score == pytest.approx(8 * math.log(0.9))
    assert word_scores(log_p, [[1, 2], [2, 1], [1]]).argmax() == 1


def test_scaling_divides_by_the_prior():
    log_p, prior = random_frames(4, 3, 0), np.log([0.7, 0.2, 0.1])
    np.testing.assert_allclose(np.exp(scaled(log_p, prior)), np.exp(log_p) / [0.7, 0.2, 0.1])
