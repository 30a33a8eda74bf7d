"""Units on differences of encodings, against scikit-learn and autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import additive_chi2_kernel, manhattan_distances

from engine.functional.similarity import chi_square_of_signed, fit_units, manhattan, probability
from engine.seeding import generator


def pairs(m: int = 80, n: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Encodings a, b (m, n) in double precision and whether they belong together."""
    random = generator(0)
    a, other = (2 * torch.rand(m, n, generator=random, dtype=torch.float64) - 1 for _ in range(2))
    same = torch.arange(m) < m // 2
    near = (a + 0.35 * (2 * torch.rand(m, n, generator=random, dtype=torch.float64) - 1)).clamp(-1, 1)
    return a, torch.where(same[:, None], near, other), same


def test_differences_are_scikit_learns() -> None:
    a, b, _ = pairs()
    np.testing.assert_allclose(manhattan(a, b).sum(-1), manhattan_distances(a, b).diagonal(), rtol=1e-12)
    moved = -additive_chi2_kernel((1 + a) / 2, (1 + b) / 2).diagonal()
    np.testing.assert_allclose(chi_square_of_signed(a, b).sum(-1), moved, rtol=1e-10)


def test_a_probability_is_one_whatever_the_order_of_the_two() -> None:
    a, b, _ = pairs()
    w, bias = torch.randn(2, 5, generator=generator(1), dtype=torch.float64), torch.tensor([0.5, -2.0]).double()
    forward, back = (probability(torch.stack([manhattan(*x)] * 2), w, bias) for x in ((a, b), (b, a)))
    assert torch.equal(forward, back) and bool(((forward > 0) & (forward < 1)).all())
    expected = [1 / (1 + np.exp(-(np.abs(a[3] - b[3]) @ w[u] + bias[u]))) for u in range(2)]
    np.testing.assert_allclose(forward[:, 3], expected, rtol=1e-12)


def test_units_learn_what_scikit_learns_logistic_regression_does() -> None:
    a, b, same = pairs()
    features = torch.stack([manhattan(a, b), chi_square_of_signed(a, b)])
    *_, last = fit_units(features, same, rate=0.05, l2=0.02, steps=3000)
    for unit, x in enumerate(features):
        scale = x.std(0)
        known = LogisticRegression(C=1 / (0.02 * len(same)), tol=1e-10, max_iter=10_000).fit(x / scale, same)
        np.testing.assert_allclose(last.w[unit] * scale, known.coef_[0], rtol=2e-3, atol=2e-3)
        assert float(last.b[unit]) == pytest.approx(float(known.intercept_[0]), abs=5e-3)


def test_the_first_step_follows_the_gradient() -> None:
    a, b, same = pairs()
    features = manhattan(a, b)[None]
    start, after = list(fit_units(features, same, rate=0.01, l2=0.0, steps=1))
    assert start.step == 0 and not start.w.any() and float(start.cost) == pytest.approx(np.log(2))
    # Adam's first step is the rate, against the sign of the gradient.
    w = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    scale = features[0].std(0)
    cost = torch.nn.functional.binary_cross_entropy_with_logits(features[0] / scale @ w, same.double())
    (gradient,) = torch.autograd.grad(cost, w)
    np.testing.assert_allclose(after.w[0] * scale, -0.01 * gradient.sign(), rtol=1e-4)
