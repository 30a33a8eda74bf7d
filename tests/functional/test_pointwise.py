import numpy as np
import torch
from torch import nn

from engine.functional.pointwise import best_constants, dense_at_each_pixel, pointwise
from engine.seeding import generator


def some(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(sum(shape)), dtype=torch.float64)


def test_a_1_x_1_convolution_is_a_matrix_product() -> None:
    x, weights = some(5, 4, 6), some(3, 5)
    by_numpy = np.einsum("kc,chw->khw", weights.numpy(), x.numpy())
    for ours in (pointwise(x, weights), dense_at_each_pixel(x, weights)):
        np.testing.assert_allclose(ours.numpy(), by_numpy, rtol=0, atol=1e-12)


def test_it_is_nn_linear_at_each_pixel() -> None:
    x, weights = some(5, 4, 6), some(3, 5)
    dense = nn.Linear(5, 3, bias=False, dtype=torch.float64)
    dense.weight.data = weights
    torch.testing.assert_close(pointwise(x, weights), dense(x.permute(1, 2, 0)).permute(2, 0, 1), rtol=0, atol=1e-12)


def test_with_one_channel_it_is_a_constant() -> None:
    x = some(1, 4, 4)
    torch.testing.assert_close(pointwise(x, torch.tensor([[2.5]], dtype=torch.float64)), 2.5 * x)


def test_best_constants_are_numpys_least_squares() -> None:
    x, y = some(3, 4, 6), some(3, 6, 4).reshape(3, 4, 6)
    theirs = [
        np.linalg.lstsq(a.reshape(-1, 1), b.reshape(-1), rcond=None)[0][0]
        for a, b in zip(x.numpy(), y.numpy(), strict=True)
    ]
    np.testing.assert_allclose(best_constants(x, y), theirs, atol=1e-12)
    assert best_constants(torch.zeros(1, 2, 2), torch.ones(1, 2, 2)).tolist() == [0.0]
