"""Pairs of faces: which count, how they are judged, and by thresholds of other people."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score
from sklearn.metrics.pairwise import euclidean_distances

from engine.functional.pairs import ANYBODY, UNKNOWN, accuracy, all_pairs, balanced, cross_validated
from engine.seeding import generator

PEOPLE = torch.tensor([0, 0, 1, UNKNOWN, ANYBODY, UNKNOWN, 2])


def test_pairs_are_all_but_those_of_strangers_and_of_anybody() -> None:
    encodings = torch.randn(7, 4, generator=generator(0), dtype=torch.float64)
    pairs = all_pairs(encodings, PEOPLE)
    expected = [
        (i, j)
        for i, j in combinations(range(7), 2)
        if ANYBODY not in (PEOPLE[i], PEOPLE[j]) and not PEOPLE[i] == PEOPLE[j] == UNKNOWN
    ]
    found = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert found == expected and len(found) == 14
    squares = euclidean_distances(encodings.numpy()) ** 2
    np.testing.assert_allclose(pairs.distances, [squares[i, j] for i, j in found], atol=1e-12)
    assert [pair for pair, same in zip(found, pairs.same, strict=True) if same] == [(0, 1)]


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    random = generator(1)
    same = torch.rand(200, generator=random) < 0.1
    distances = torch.rand(200, generator=random) + torch.where(same, 0.0, 0.4)
    for threshold in (0.3, 0.6, 0.9):
        judged = distances <= threshold
        expected = balanced_accuracy_score(same, judged)
        assert balanced(distances, same, threshold) == pytest.approx(expected, abs=1e-6)
        assert accuracy(distances, same, threshold) == pytest.approx(float(np.mean((judged == same).numpy())))


def test_a_threshold_is_chosen_on_other_people() -> None:
    people = torch.arange(20).repeat_interleave(2)
    encodings = torch.eye(20).repeat_interleave(2, 0) * 3 + torch.arange(40)[:, None] % 2 * 0.1
    pairs = all_pairs(encodings, people)
    assert cross_validated(pairs, people, 5, generator(0)) == 1


def test_a_fold_judges_all_pairs_with_somebody_of_it() -> None:
    people = torch.arange(6).repeat_interleave(3)
    pairs = all_pairs(torch.randn(18, 3, generator=generator(7)) + people[:, None] * 0.4, people)
    dealt = np.empty(6, int)
    dealt[torch.randperm(6, generator=generator(5)).numpy()] = np.arange(6) % 3
    squares, same = pairs.distances.numpy(), pairs.same.numpy()
    folds = dealt[people[torch.stack([pairs.first, pairs.second])].numpy()]  # (2, p)
    shares = []
    for fold in range(3):
        outside = (folds != fold).all(0)
        steps = np.sort(squares[outside])
        middles = [steps[0] - 1, *((steps[1:] + steps[:-1]) / 2)]
        rights = [((squares <= t) == same)[outside].sum() for t in middles]
        best = middles[int(np.argmax(rights))]
        shares.append(((squares <= best) == same)[~outside].mean())
    assert 0.5 < cross_validated(pairs, people, 3, generator(5)) == pytest.approx(np.mean(shares), abs=1e-6)
