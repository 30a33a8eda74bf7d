"""Backward passes, pooling, the transposed convolution and receptive fields against PyTorch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from engine.errors import BadInput
from engine.functional import convolution as conv
from engine.seeding import generator

SIZES = {"n": st.integers(4, 9), "f": st.integers(1, 4), "stride": st.integers(1, 3), "padding": st.integers(0, 2)}


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=40)
@given(**SIZES)
def test_gradients_of_a_convolution_are_autograds(n: int, f: int, stride: int, padding: int) -> None:
    x, w, b = (v.requires_grad_() for v in (numbers(2, 3, n, n + 1), numbers(4, 3, f, f, seed=1), numbers(4, seed=2)))
    out = F.conv2d(x, w, b, stride, padding)
    torch.testing.assert_close(conv.conv_forward(x, w, b, stride, padding), out)
    grad = numbers(*out.shape, seed=3)
    expected = torch.autograd.grad(out, (x, w, b), grad)
    got = conv.conv_backward(grad, x.detach(), w.detach(), stride, padding)
    for mine, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


@settings(deadline=None, max_examples=40)
@given(n=SIZES["n"], f=SIZES["f"], stride=SIZES["stride"], kind=st.sampled_from(["max", "average"]))
def test_pooling_forward_and_backward_is_torchs(n: int, f: int, stride: int, kind: conv.Pooling) -> None:
    x = numbers(2, 3, n, n + 1).mul(2).round().requires_grad_()  # whole numbers: ties
    out = (F.max_pool2d if kind == "max" else F.avg_pool2d)(x, f, stride)
    torch.testing.assert_close(conv.pool_forward(x, f, stride, kind), out)
    grad = numbers(*out.shape, seed=3)
    [expected] = torch.autograd.grad(out, x, grad)
    torch.testing.assert_close(conv.pool_backward(grad, x.detach(), f, stride, kind), expected)
    assert torch.allclose(conv.pool_mask(x, f, stride, kind).sum((-2, -1)), torch.ones((), dtype=x.dtype))


@settings(deadline=None, max_examples=40)
@given(n=SIZES["n"], f=st.integers(2, 4), stride=SIZES["stride"], padding=st.integers(0, 1))
def test_the_transposed_convolution_is_torchs(n: int, f: int, stride: int, padding: int) -> None:
    x, w, b = numbers(2, 3, n, n + 1), numbers(3, 4, f, f, seed=1), numbers(4, seed=2)
    torch.testing.assert_close(
        conv.conv_transpose(x, w, b, stride, padding), F.conv_transpose2d(x, w, b, stride, padding)
    )


LAYERS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(layers=LAYERS)
@example(layers=[(2, 2, 0), (3, 3, 0), (3, 3, 1), (2, 2, 0)])
def test_a_receptive_field_is_where_the_gradient_is_not_zero(layers: list[tuple[int, int, int]]) -> None:
    n = 64
    try:
        fields = conv.receptive_field(n, layers)
    except BadInput:
        return
    x = out = torch.ones(1, 1, n, dtype=torch.float64, requires_grad=True)
    for f, stride, padding in layers:
        out = F.conv1d(out, torch.ones(1, 1, f, dtype=torch.float64), stride=stride, padding=padding)
    assert out.shape[-1] == fields[-1].n
    unit = fields[-1].n // 2
    [grad] = torch.autograd.grad(out[0, 0, unit], x)
    seen = grad[0, 0].nonzero().flatten()
    last = fields[-1]
    left = last.start + unit * last.jump - last.size / 2
    if layers and all(stride <= f for f, stride, _ in layers):  # without gaps between windows
        inside = range(max(0, round(left)), min(n, round(left + last.size)))
        if len(inside):  # a unit may see nothing but padding
            assert int(seen[0]) == inside[0]
            # Over the far end it may see less: strides leave out the last pixels, and padding stands in their place.
            assert int(seen[-1]) == inside[-1] if left + last.size <= n else inside[0] <= int(seen[-1]) <= inside[-1]


def test_a_layer_that_cannot_fit_is_named() -> None:
    with pytest.raises(BadInput, match="Layer 2 must have a window of at most 2 pixels there, got 3"):
        conv.receptive_field(8, [(3, 3, 0), (3, 1, 0)])
