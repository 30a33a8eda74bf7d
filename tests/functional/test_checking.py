"""The cost and gradient over one long vector, against autograd; differences against the plain loop."""

import pytest
import torch

from engine.functional import mlp
from engine.functional.checking import BUGS, cost, differences, gradient, pack, unpack
from engine.functional.gradients import numerical_gradient
from engine.functional.regularization import dropout_mask
from engine.seeding import generator

SIZES = (4, 5, 5, 1)


def problem(activation="tanh"):
    draw = generator(2)
    params = [p.double() + 0.3 * torch.randn(p.shape, generator=draw).double() for p in mlp.initialize(SIZES, draw)]
    x = torch.randn(16, 4, generator=draw, dtype=torch.float64)
    return params, x, (torch.rand(16, generator=draw) < 0.5).double(), activation, 0.7


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_the_right_gradient_is_autograds(activation, dropout):
    params, *rest = problem(activation)
    masks = [dropout_mask((16, 5), 0.8, generator(0)).double() for _ in range(2)] if dropout else []
    leaves = [p.clone().requires_grad_() for p in params]
    expected = torch.autograd.grad(cost(leaves, *rest, masks), leaves)
    for ours, theirs in zip(gradient(params, *rest, masks), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_the_cost_is_cross_entropy_and_penalty():
    params, x, y, activation, l2 = problem()
    plain = torch.nn.functional.binary_cross_entropy_with_logits(mlp.forward(params, x, activation)[-1][:, 0], y)
    penalty = l2 / 32 * sum(float(W.square().sum()) for W in params[::2])
    assert float(cost(params, x, y, activation, l2)) == pytest.approx(float(plain) + penalty, rel=1e-12)


@pytest.mark.parametrize(
    ("bug", "spoiled"),
    [
        ("factor", {0, 1, 2, 3, 4, 5}),
        ("sign", {3}),
        ("slope", {0, 1}),
        ("transposed", {0, 1}),
        ("forgotten", {0, 1}),
        ("doubled", {2}),
        ("axis", {1, 3}),
        ("penalty", {0, 2, 4}),
    ],
)
def test_each_bug_spoils_what_it_says_and_nothing_else(bug, spoiled):
    params, *rest = problem()
    right, wrong = gradient(params, *rest), gradient(params, *rest, bug=bug)
    assert {i for i, (r, w) in enumerate(zip(right, wrong, strict=True)) if not torch.equal(r, w)} == spoiled
    assert [w.shape for w in wrong] == [r.shape for r in right]


def test_every_bug_is_tested_above():
    assert set(BUGS) == {"none", "factor", "sign", "slope", "transposed", "forgotten", "doubled", "axis", "penalty"}


def test_packing_comes_back_for_one_and_for_many():
    params, *_ = problem()
    theta = pack(params)
    many = unpack(torch.stack([theta, 2 * theta]), SIZES)
    for one, both, p in zip(unpack(theta, SIZES), many, params, strict=True):
        assert torch.equal(one, p) and torch.equal(both[1], 2 * p)


def test_many_differences_at_once_are_those_of_the_loop():
    params, *rest = problem()
    theta = pack(params)

    def f(t):
        return cost(unpack(t, SIZES), *rest)

    epsilons = torch.tensor([1e-3, 1e-5], dtype=torch.float64)
    one, two = differences(f, theta, epsilons)
    for k, epsilon in enumerate(epsilons.tolist()):
        torch.testing.assert_close(two[k], numerical_gradient(f, theta, epsilon), rtol=0, atol=1e-9)
        moved = theta.clone()
        moved[7] += epsilon
        assert float(one[k, 7]) == pytest.approx(float(f(moved) - f(theta)) / epsilon, abs=1e-9)
