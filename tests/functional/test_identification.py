"""Recognition among K people, against plain loops and exact shares."""

from __future__ import annotations

import itertools

import pytest
import torch

from engine.functional.identification import if_independent, named_right, nearest_others, strangers_let_in
from engine.seeding import generator


def distances(n: int = 9) -> torch.Tensor:
    return torch.rand(n, n, generator=generator(3), dtype=torch.float64)


def test_the_nearest_of_k_others_is_on_average_that_of_all_choices() -> None:
    d = distances(6)
    found = nearest_others(d, [0, 1, 3, 5], 4000, generator(0))
    assert found.shape == (4000, 6, 4) and found[..., 0].isinf().all()
    for query in range(6):
        others = [float(d[query, j]) for j in range(6) if j != query]
        for column, k in ((1, 1), (2, 3), (3, 5)):
            exact = sum(min(chosen) for chosen in itertools.combinations(others, k)) / len(
                list(itertools.combinations(others, k))
            )
            assert float(found[:, query, column].mean()) == pytest.approx(exact, abs=0.02)


def test_strangers_are_let_in_as_often_as_somebody_is_near_enough() -> None:
    d = distances()
    found = nearest_others(d, [1, 4, 8], 500, generator(1))
    shares = strangers_let_in(found, 0.1)
    off = ~torch.eye(9, dtype=torch.bool)
    assert float(shares[0]) == pytest.approx(float((d[off] <= 0.1).double().mean()), abs=0.02)
    # Among all the others there is nothing left to chance.
    assert float(shares[2]) == pytest.approx(sum(bool((d[i][off[i]] <= 0.1).any()) for i in range(9)) / 9)
    assert (shares.diff() >= 0).all()


def test_the_enrolled_are_named_if_they_pass_and_nobody_is_nearer() -> None:
    own = torch.tensor([0.1, 0.3, 0.6])
    nearest = torch.tensor([[[0.2, 0.05], [0.4, 0.4], [0.9, 0.9]]])
    assert named_right(own, nearest, 0.5).tolist() == pytest.approx([2 / 3, 1 / 3])


def test_independent_comparisons_add_up_to_the_formula() -> None:
    found = if_independent(0.01, torch.tensor([0, 1, 100]))
    torch.testing.assert_close(found, torch.tensor([0.0, 0.01, 1 - 0.99**100]))
