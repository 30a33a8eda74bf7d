"""Style transfer's costs against their definitions written out, published worked values, and autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.functional.style import (
    content_cost,
    gram_cost,
    gram_matrix,
    layer_style_cost,
    style_cost,
    total_cost,
    total_variation,
)
from engine.seeding import generator


def features(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=25)
@given(c=st.integers(1, 6), h=st.integers(1, 7), w=st.integers(1, 7), seed=st.integers(0, 99))
def test_the_gram_matrix_is_that_of_the_unrolled_features(c: int, h: int, w: int, seed: int) -> None:
    a = features(c, h, w, seed=seed)
    unrolled = a.numpy().transpose(1, 2, 0).reshape(h * w, c)
    g = gram_matrix(a)
    np.testing.assert_allclose(g, unrolled.T @ unrolled, rtol=1e-12, atol=1e-12)
    assert torch.equal(g, g.T)
    assert torch.linalg.eigvalsh(g).min() >= -1e-9 * max(1.0, float(g.diagonal().max()))


def test_worked_values() -> None:
    """By hand, in the course's normalisation: 1 / (4 HWC) for content, 1 / (2 HWC)^2 for style."""
    a = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])  # C 2, H 1, W 2
    b = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert gram_matrix(a).tolist() == [[5.0, 11.0], [11.0, 25.0]]
    assert content_cost(a, b).item() == pytest.approx((0 + 4 + 9 + 9) / 16)
    assert layer_style_cost(a, b).item() == pytest.approx((16 + 121 + 121 + 576) / 64)
    assert total_cost(torch.tensor(0.2), torch.tensor(0.8)).item() == pytest.approx(34.0)
    assert total_cost(torch.tensor(3.0), torch.tensor(5.0), 2, 7).item() == pytest.approx(41.0)


def test_a_gatys_normaliser_is_the_same_number() -> None:
    """Gatys et al. have E = 1 / (4 N^2 M^2) sum (G - A)^2 with N maps of M places: the same as the course's."""
    a, b = features(3, 4, 5), features(3, 4, 5, seed=1)
    expected = (gram_matrix(a) - gram_matrix(b)).square().sum() / (4 * 3**2 * 20**2)
    torch.testing.assert_close(layer_style_cost(a, b), expected)


def test_pictures_side_by_side_cost_as_alone() -> None:
    a, b = features(4, 3, 6, 5), features(4, 3, 6, 5, seed=1)
    for cost in (content_cost, layer_style_cost):
        torch.testing.assert_close(cost(a, b), torch.stack([cost(x, y) for x, y in zip(a, b, strict=True)]))


def test_style_is_weighted_by_layer_and_cares_not_where_things_are() -> None:
    layers = [features(3, 4, 4), features(5, 2, 2, seed=1)]
    others = [features(3, 4, 4, seed=2), features(5, 2, 2, seed=3)]
    parts = [layer_style_cost(a, b) for a, b in zip(layers, others, strict=True)]
    torch.testing.assert_close(style_cost(layers, others, (0.3, 2.0)), 0.3 * parts[0] + 2.0 * parts[1])
    shuffled = layers[0].flatten(1)[:, torch.randperm(16, generator=generator(4))].view(3, 4, 4)
    assert layer_style_cost(layers[0], shuffled).item() < 1e-20 < content_cost(layers[0], shuffled).item()


def test_a_style_picture_of_another_size_counts_by_its_share() -> None:
    small = features(3, 4, 4)
    torch.testing.assert_close(layer_style_cost(small.repeat(1, 2, 2), small), torch.zeros((), dtype=torch.float64))
    target = gram_matrix(features(3, 4, 4, seed=1))
    torch.testing.assert_close(gram_cost(target, small), layer_style_cost(features(3, 4, 4, seed=1), small))


def test_gradients_are_the_papers() -> None:
    """dE/dF = ((F (F^T F - A)) / (N^2 M^2) in Gatys et al.'s equation 6, for all activations."""
    a, b = features(3, 4, 5), features(3, 4, 5, seed=1).requires_grad_()
    (found,) = torch.autograd.grad(layer_style_cost(a, b), b)
    flat = b.detach().flatten(1)
    expected = (gram_matrix(b.detach()) - gram_matrix(a)) @ flat / (3**2 * 20**2)
    torch.testing.assert_close(found.flatten(1), expected)


def test_total_variation_is_zero_on_a_plain_picture_and_that_of_its_steps() -> None:
    assert total_variation(torch.full((3, 5, 6), 0.4)).item() == 0
    checks = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).expand(3, 2, 2)
    assert total_variation(checks).item() == pytest.approx(2.0)
    assert total_variation(torch.rand(2, 3, 5, 6)).shape == (2,)


def test_what_can_not_be_compared_is_said() -> None:
    with pytest.raises(BadInput, match=r"same size, got \(3, 4, 4\) and \(3, 2, 4\)"):
        content_cost(features(3, 4, 4), features(3, 2, 4))
    with pytest.raises(BadInput, match="same channels, got 3 and 2"):
        layer_style_cost(features(3, 4, 4), features(2, 4, 4))
