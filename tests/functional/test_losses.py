"""Losses against PyTorch's own, at the extremes too."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from engine.functional.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    localization_loss,
    multi_label_loss,
    squared_error,
    triplet_loss,
)
from engine.seeding import generator

DOUBLE = {"rtol": 1e-12, "atol": 1e-12}


def drawn(*shape, seed=0, scale=5.0):
    return scale * torch.randn(shape, dtype=torch.float64, generator=generator(seed))


def slope(loss, x, *rest):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(loss(x, *rest), x)[0]


def test_squared_error_is_pytorchs():
    a, y = drawn(50, 3), drawn(50, 3, seed=1)
    torch.testing.assert_close(squared_error(a, y), F.mse_loss(a, y), **DOUBLE)


def test_binary_cross_entropy_with_logits_is_pytorchs_and_the_textbooks():
    z, y = drawn(50, 3), (drawn(50, 3, seed=1) > 0).double()
    torch.testing.assert_close(
        binary_cross_entropy_with_logits(z, y), F.binary_cross_entropy_with_logits(z, y), rtol=1e-12, atol=0
    )
    textbook = -(y * torch.sigmoid(z).log() + (1 - y) * (1 - torch.sigmoid(z)).log()).mean()
    torch.testing.assert_close(binary_cross_entropy_with_logits(z, y), textbook, rtol=1e-9, atol=0)
    each = F.binary_cross_entropy_with_logits(z, y, reduction="none").mean(0)
    torch.testing.assert_close(binary_cross_entropy_with_logits(z, y, 0), each, **DOUBLE)
    torch.testing.assert_close(
        slope(binary_cross_entropy_with_logits, z, y), slope(F.binary_cross_entropy_with_logits, z, y), **DOUBLE
    )


def test_binary_cross_entropy_of_probabilities_is_pytorchs():
    a = torch.sigmoid(drawn(50, 3))
    a[0] = torch.tensor([0.0, 1.0, 0.5])
    y = (drawn(50, 3, seed=1) > 0).double()
    y[0] = torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(binary_cross_entropy(a, y), F.binary_cross_entropy(a, y), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_a_sure_answer_costs_nothing_or_its_logit(size, dtype):
    z = torch.tensor([size, -size, size, -size], dtype=dtype)
    y = torch.tensor([1, 0, 0, 1], dtype=dtype)
    costs = [float(binary_cross_entropy_with_logits(a, b)) for a, b in zip(z, y, strict=True)]
    assert costs == [0.0, 0.0, float(z[0]), float(z[0])]
    logits = torch.stack([z, torch.zeros_like(z)], -1)
    costs = [float(cross_entropy(a[None], b[None])) for a, b in zip(logits, 1 - y, strict=True)]
    assert costs == [0.0, 0.0, float(z[0]), float(z[0])]


@pytest.mark.parametrize(("z", "y"), [(40.0, 1.0), (-40.0, 0.0)])
def test_a_confident_right_answer_still_costs_something(z, y):
    z, y = torch.tensor([[z], [y]], dtype=torch.float64)
    expected = torch.tensor(math.exp(-40.0), dtype=torch.float64)
    torch.testing.assert_close(binary_cross_entropy_with_logits(z, y), expected, rtol=1e-12, atol=0)
    single = binary_cross_entropy_with_logits(z.float(), y.float())
    torch.testing.assert_close(single, expected.float(), rtol=1e-5, atol=0)


@given(st.floats(-80, 80, width=32), st.sampled_from([0.0, 1.0]))
@settings(deadline=None, max_examples=50)
def test_single_precision_is_double_precision_rounded(z, y):
    exact = float(F.softplus(torch.tensor((1 - 2 * y) * z, dtype=torch.float64), threshold=1e9))
    found = float(binary_cross_entropy_with_logits(torch.tensor([z]), torch.tensor([y])))
    assert found == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_cross_entropy_is_pytorchs(lead):
    z = drawn(*lead, 40, 5)
    y = torch.randint(0, 5, (*lead, 40), generator=generator(1))
    expected = F.cross_entropy(z.flatten(0, -2), y.flatten())
    torch.testing.assert_close(cross_entropy(z, y), expected, **DOUBLE)
    each = F.cross_entropy(z.movedim(-1, 0)[None], y[None], reduction="none")[0].mean(-1)
    torch.testing.assert_close(cross_entropy(z, y, -1), each, **DOUBLE)
    torch.testing.assert_close(cross_entropy(z, y.float()), expected, **DOUBLE)


def test_two_classes_of_softmax_are_one_sigmoid():
    z, y = drawn(40), (drawn(40, seed=1) > 0).double()
    both = torch.stack([torch.zeros_like(z), z], -1)
    torch.testing.assert_close(cross_entropy(both, y), binary_cross_entropy_with_logits(z, y), **DOUBLE)


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cross_entropy_is_exact_where_logits_are_far_from_zero(shift, dtype):
    z = torch.tensor([[0.25, -0.5, 1.5], [3.0, 0.0, -8.0]], dtype=dtype)  # kept by the shift to the last bit
    y = torch.tensor([0, 2])
    exact = F.cross_entropy(z.double(), y).to(dtype)
    torch.testing.assert_close(cross_entropy(z + shift, y), exact, rtol=1e-6, atol=0)


def test_cross_entropys_gradient_is_the_error_over_m():
    z, y = drawn(40, 5, scale=1e4), torch.randint(0, 5, (40,), generator=generator(1))
    error = (torch.softmax(z, -1) - F.one_hot(y, 5)) / 40
    torch.testing.assert_close(slope(cross_entropy, z, y), error, **DOUBLE)


def test_the_multi_label_loss_sums_pytorchs_over_the_labels():
    a, y = torch.sigmoid(drawn(30, 4)), (drawn(30, 4, seed=1) > 0).double()
    torch.testing.assert_close(multi_label_loss(a, y), 4 * F.binary_cross_entropy(a, y), **DOUBLE)
    assert torch.isfinite(multi_label_loss(1 - y, y)), "sure and wrong costs much but not infinity"


def test_localization_counts_the_box_only_where_there_is_one():
    prediction, target = drawn(20, 8, scale=1.0), drawn(20, 8, seed=1, scale=1.0)
    target[:, 0] = torch.arange(20) % 2
    by_hand = [float(((p - t)[: 8 if t[0] == 1 else 1] ** 2).sum()) for p, t in zip(prediction, target, strict=True)]
    assert float(localization_loss(prediction, target)) == pytest.approx(sum(by_hand) / 20, rel=1e-12)


@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_the_triplet_loss_is_pytorchs_of_squared_distances(margin):
    anchor, positive, negative = (drawn(50, 6, seed=seed, scale=0.4) for seed in range(3))
    expected = F.triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=lambda a, b: ((a - b) ** 2).sum(-1), margin=margin
    )
    torch.testing.assert_close(triplet_loss(anchor, positive, negative, margin), expected, **DOUBLE)
    assert triplet_loss(anchor, anchor, anchor + 10, margin) == 0
