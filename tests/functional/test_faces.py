"""Verification and identification against scikit-learn's curves and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics import accuracy_score, roc_curve
from sklearn.metrics.pairwise import additive_chi2_kernel

from engine.errors import BadInput
from engine.functional.faces import (
    best_threshold,
    chi_square,
    equal_error,
    error_rates,
    identify,
    squared_distance,
    triplets,
    verify,
)
from engine.seeding import generator


def encodings(m: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(m, 16, generator=generator(seed), dtype=torch.float64)


def pairs(n: int = 400, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Distances and truths, with ties."""
    random = generator(seed)
    same = torch.rand(n, generator=random) < 0.4
    distances = torch.rand(n, generator=random, dtype=torch.float64) + torch.where(same, 0.0, 0.5)
    return (distances * 50).round() / 50, same


def test_distances_are_scipys() -> None:
    a, b = encodings(7), encodings(9, 1)
    np.testing.assert_allclose(squared_distance(a[:, None], b), cdist(a, b, "sqeuclidean"), rtol=1e-12)
    assert squared_distance(a, a).eq(0).all()


def test_chi_square_is_scikit_learns() -> None:
    a, b = encodings(7).relu(), encodings(9, 1).relu()
    np.testing.assert_allclose(chi_square(a[:, None], b).sum(-1), -additive_chi2_kernel(a, b), rtol=1e-10)
    assert chi_square(torch.zeros(3), torch.zeros(3)).eq(0).all()


@pytest.mark.parametrize("seed", range(3))
def test_error_rates_are_those_of_scikit_learns_curve(seed: int) -> None:
    distances, same = pairs(seed=seed)
    accept, true, scores = roc_curve(same, -distances, drop_intermediate=False)
    rates = error_rates(distances, same, torch.from_numpy(-scores[1:].copy()))
    np.testing.assert_allclose(rates.false_accept, accept[1:], rtol=0, atol=1e-7)
    np.testing.assert_allclose(rates.false_reject, 1 - true[1:], rtol=0, atol=1e-7)


def test_the_ends_accept_nobody_and_everybody() -> None:
    distances, same = pairs()
    rates = error_rates(distances, same, torch.tensor([-1.0, 10.0]))
    assert rates.false_accept.tolist() == [0, 1] and rates.false_reject.tolist() == [1, 0]
    alone = error_rates(distances, torch.ones_like(same), torch.tensor([0.5]))
    assert alone.false_accept.isnan().all() and not alone.false_reject.isnan().any()


def test_the_equal_error_is_where_the_curves_cross() -> None:
    distances, same = pairs()
    found = equal_error(distances, same)
    wrong = [float((distances[~same] <= t).double().mean() - (distances[same] > t).double().mean()) for t in distances]
    at = error_rates(distances, same, torch.tensor([found.threshold]))
    assert abs(float(at.false_accept - at.false_reject)) <= min(map(abs, wrong)) + 1e-7
    assert found.rate == pytest.approx(float(at.false_accept + at.false_reject) / 2)
    assert equal_error(torch.tensor([0.1, 0.2, 0.8, 0.9]), torch.tensor([True, True, False, False])).rate == 0


def test_no_threshold_judges_more_pairs_right() -> None:
    distances, same = pairs()
    threshold, right = best_threshold(distances, same)
    assert right == pytest.approx(accuracy_score(same, distances <= threshold), abs=1e-6)
    assert right >= max(accuracy_score(same, distances <= t) for t in distances.tolist()) - 1e-6


def test_verification_is_a_threshold_on_the_distance() -> None:
    a, b = encodings(20), encodings(20, 1)
    distances = ((a - b) ** 2).sum(1)
    threshold = float(distances[3])
    assert torch.equal(verify(a, b, threshold), distances <= threshold) and bool(verify(a, b, threshold)[3])


def test_identification_is_a_loop_over_the_people() -> None:
    people, queries = encodings(12), encodings(30, 1) * 0.5
    for threshold in (0.0, 8.0, 14.0, 100.0):
        expected = []
        for query in queries:
            distances = [float(((query - person) ** 2).sum()) for person in people]
            nearest = min(range(12), key=distances.__getitem__)
            expected.append(nearest if distances[nearest] <= threshold else -1)
        assert identify(queries, people, threshold).tolist() == expected
    assert identify(queries, people[:0], 10.0).tolist() == [-1] * 30
    assert identify(people[4], people, 0.0).item() == 4


def test_a_distance_without_a_truth_is_said() -> None:
    with pytest.raises(BadInput, match="got 3 distances and 2 truths"):
        error_rates(torch.zeros(3), torch.zeros(2), torch.zeros(1))


@pytest.mark.parametrize("mining", ["random", "semi-hard", "hard"])
def test_triplets_are_a_loop_over_the_pairs(mining: str) -> None:
    people = torch.tensor([0, 0, 0, 1, 1, 2, 2, 3])
    points = encodings(8, 3)
    d = cdist(points, points, "sqeuclidean")
    found = triplets(points, people, mining, generator(0)).tolist()
    expected = []
    for a in range(8):
        for p in range(8):
            if a == p or people[a] != people[p]:
                continue
            others = [n for n in range(8) if people[n] != people[a]]
            beyond = [n for n in others if d[a, n] > d[a, p]]
            choices = {
                "hard": [min(others, key=lambda n: d[a, n])],
                "semi-hard": [min(beyond, key=lambda n: d[a, n])] if beyond else [max(others, key=lambda n: d[a, n])],
                "random": others,
            }
            expected.append((a, p, choices[mining]))
    assert [(a, p) for a, p, _ in found] == [(a, p) for a, p, _ in expected]
    assert all(n in allowed for (_, _, n), (_, _, allowed) in zip(found, expected, strict=True))
    if mining == "random":
        assert len({n for _, _, n in found}) > 3


def test_where_there_is_nobody_else_there_are_no_triplets() -> None:
    assert triplets(encodings(4), torch.zeros(4), "hard", generator(0)).shape == (0, 3)
    assert triplets(encodings(3), torch.arange(3), "random", generator(0)).shape == (0, 3)
