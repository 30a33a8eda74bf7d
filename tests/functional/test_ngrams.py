"""Counted n-grams against counting by hand."""

from __future__ import annotations

import pytest
import torch

from engine.functional.ngrams import Ngrams


def test_without_counts_every_token_is_as_likely():
    assert torch.allclose(Ngrams([], 5).next((1, 2)), torch.full((5,), 0.2))


def test_counts_are_mixed_with_the_shorter_context():
    model = Ngrams([[0, 1], [0, 1], [0, 2]], 3, order=2, prior=1.0)
    # 0 began all three and follows nothing: seen 3 times of 6, 1 twice, 2 once.
    alone = [(3 + 1 / 3) / 7, (2 + 1 / 3) / 7, (1 + 1 / 3) / 7]
    assert model.next(()).tolist() == pytest.approx(alone)
    after_zero = [(0 + alone[0]) / 4, (2 + alone[1]) / 4, (1 + alone[2]) / 4]
    assert model.next((2, 0)).tolist() == pytest.approx(after_zero)
    assert model.next((1,)).tolist() == pytest.approx(alone)  # nothing was seen after 1


def test_the_probabilities_sum_to_one_after_anything_and_learn_a_number_by_heart():
    model = Ngrams([[3, 1, 4, 1, 5]] * 20, 10)
    for before in [(), (3,), (3, 1), (4, 1), (9, 9, 9), (3, 1, 4, 1)]:
        assert float(model.next(before).sum()) == pytest.approx(1, abs=1e-6)
    assert int(model.next((3, 1)).argmax()) == 4 and int(model.next((4, 1)).argmax()) == 5
    assert float(model.next((3, 1, 4, 1))[5]) > 0.9
