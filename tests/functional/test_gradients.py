"""Measured gradients against autograd, clipping against torch.nn.utils."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from engine.functional.gradients import clip_by_norm, clip_by_value, gradient_difference, numerical_gradient
from engine.functional.mlp import backward, forward, initialize
from engine.seeding import generator

FUNCTIONS = {
    "cubic": lambda x: (x**3).sum(),
    "product": lambda x: x.prod(),
    "waves": lambda x: (torch.sin(x) * torch.exp(-(x**2))).sum(),
    "loss": lambda x: torch.logsumexp(x.flatten(), 0) - x.flatten()[0],
}


def drawn(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=generator(seed))


def autograd(f, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3), (2, 1, 4)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_differences_are_autograds(name, shape):
    f, x = FUNCTIONS[name], drawn(*shape)
    before = x.clone()
    found = numerical_gradient(f, x)
    assert found.shape == shape
    torch.testing.assert_close(found, autograd(f, x), rtol=0, atol=1e-7)
    assert torch.equal(x, before)


def test_a_transposed_tensor_and_a_leaf_of_autograd_have_a_gradient_too():
    f, x = FUNCTIONS["waves"], drawn(3, 2)
    torch.testing.assert_close(numerical_gradient(f, x.T), autograd(f, x.T), rtol=0, atol=1e-7)
    found = numerical_gradient(f, x.clone().requires_grad_())
    assert not found.requires_grad
    torch.testing.assert_close(found, autograd(f, x), rtol=0, atol=1e-7)


def test_two_sides_err_by_the_square_of_epsilon():
    x = drawn(6)
    exact = autograd(FUNCTIONS["cubic"], x)
    errors = [(numerical_gradient(FUNCTIONS["cubic"], x, e) - exact).abs() for e in (1e-1, 1e-2)]
    for error, e in zip(errors, (1e-1, 1e-2), strict=True):
        torch.testing.assert_close(error, torch.full_like(error, e**2), rtol=1e-6, atol=0)


def test_a_right_gradient_passes_the_check_and_a_wrong_one_fails():
    params = [p.double() for p in initialize((3, 5, 1), generator(0), "xavier")]
    x, y = drawn(20, 3), (drawn(20, seed=1) > 0).double()

    def cost(W):
        z = forward([W, *params[1:]], x, "tanh")[-1][:, 0]
        return torch.nn.functional.binary_cross_entropy_with_logits(z, y)

    right = backward(params, forward(params, x, "tanh"), y, "tanh")[0]
    measured = numerical_gradient(cost, params[0])
    assert gradient_difference(right, measured) < 1e-7
    assert gradient_difference(2 * right, measured) == pytest.approx(1 / 3, rel=1e-5)
    assert gradient_difference(-right, measured) == pytest.approx(1)


@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=30)
def test_the_difference_is_symmetric_free_of_scale_and_at_most_one(seed, scale):
    a, b = drawn(2, 9, seed=seed)
    found = gradient_difference(a, b)
    assert 0 < found <= 1
    assert gradient_difference(b, a) == found
    assert gradient_difference(scale * a, scale * b) == pytest.approx(found, rel=1e-9)
    assert gradient_difference(a, a) == gradient_difference(0 * a, 0 * a) == 0
    assert gradient_difference(a, 0 * a) == 1


def gradients(scale):
    return [scale * drawn(4, 3), scale * drawn(4, seed=1), scale * drawn(1, 4, seed=2)]


def clipped_by_torch(clip, grads, limit):
    leaves = [torch.zeros_like(g, requires_grad=True) for g in grads]
    for leaf, g in zip(leaves, grads, strict=True):
        leaf.grad = g.clone()
    clip(leaves, limit)
    return [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("limit", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("scale", [0.01, 1.0, 1e4])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(clip_by_norm, clip_grad_norm_), (clip_by_value, clip_grad_value_)], ids=["norm", "value"]
)
def test_clipping_is_torch_nn_utils(ours, theirs, scale, limit):
    """PyTorch adds 1e-6 to the norm that it divides by."""
    grads = gradients(scale)
    before = [g.clone() for g in grads]
    for found, expected in zip(ours(grads, limit), clipped_by_torch(theirs, grads, limit), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)
    assert all(torch.equal(a, b) for a, b in zip(grads, before, strict=True))


@given(st.floats(1e-6, 1e6), st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=30)
def test_a_clipped_norm_keeps_its_direction_and_its_limit(scale, limit):
    grads = gradients(scale)
    found = torch.cat([g.flatten() for g in clip_by_norm(grads, limit)])
    whole = torch.cat([g.flatten() for g in grads])
    assert float(found.norm()) == pytest.approx(min(limit, float(whole.norm())), rel=1e-12)
    assert float(torch.nn.functional.cosine_similarity(found, whole, dim=0)) == pytest.approx(1)


def test_no_gradient_is_clipped_to_none():
    assert not any(g.any() for g in clip_by_norm([torch.zeros(3)], 1.0))
