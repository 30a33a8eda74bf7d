"""The soft threshold against PyTorch's, and proximal descent against scikit-learn's L1."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from engine.functional.optimizers import sgd
from engine.functional.sparsity import proximal, share_of_zeros, soft_threshold
from engine.seeding import generator
from engine.training import Fleet, Recipe, fit


@pytest.mark.parametrize("reach", [0.0, 0.3, 5.0])
def test_the_soft_threshold_is_pytorchs(reach):
    w = torch.randn(200, dtype=torch.float64, generator=generator(0))
    torch.testing.assert_close(soft_threshold(w, reach), torch.nn.functional.softshrink(w, reach), rtol=0, atol=0)


def test_without_a_penalty_a_proximal_step_is_plain_descent():
    p, g = torch.randn(2, 50, generator=generator(0))
    torch.testing.assert_close(proximal([p], [g], {}, 0.3, 0.0)[0], sgd([p], [g], {}, 0.3)[0], rtol=0, atol=0)


@pytest.mark.parametrize("strength", [10.0, 30.0])
def test_it_finds_the_optimum_and_the_zeros_of_scikit_learns_l1(strength):
    """Biases go without a penalty, as under saga, and C = 1 / λ is a sum over examples where ours is a mean."""
    x, y = load_breast_cancer(return_X_y=True)
    x = torch.from_numpy(StandardScaler().fit_transform(x))
    train = x, torch.from_numpy(y).double()
    start = [torch.zeros(1, 30, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)]
    shrink = Fleet(start, "linear").spread(strength / len(y), weights_only=True)
    recipe = Recipe("linear", 0.5, partial(proximal, strength=shrink))
    *_, last = fit(start, train, train, recipe, 12_000, every=12_000)
    oracle = LogisticRegression(C=1 / strength, l1_ratio=1.0, solver="saga", tol=1e-6, max_iter=20_000).fit(x, y)
    W, b = last.params
    np.testing.assert_allclose(W[0], oracle.coef_[0], atol=1e-3)
    np.testing.assert_allclose(b, oracle.intercept_, atol=1e-3)
    assert ((W[0] == 0).numpy() == (oracle.coef_[0] == 0)).all() and float(share_of_zeros([W])) > 0.7


def test_zeros_are_counted_for_each_network_over_all_its_weights():
    layers = [torch.tensor([[[0.0, 1.0]], [[0.005, -0.005]]]), torch.tensor([[[0.0]], [[-2.0]]])]
    assert share_of_zeros(layers).tolist() == pytest.approx([2 / 3, 0])
    assert share_of_zeros(layers, 0.01).tolist() == pytest.approx([2 / 3, 2 / 3])
    assert float(share_of_zeros([W[0] for W in layers])) == pytest.approx(2 / 3)
