import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from engine.functional.separable import normal_cost, ratio, separable_conv, separable_cost
from engine.models.counting import count
from engine.results.separable import whole_kernel
from engine.seeding import generator


def test_the_courses_example() -> None:
    assert normal_cost(6, 3, 5, 3) == 2160
    assert separable_cost(6, 3, 5, 3) == (432, 240) and 432 + 240 == 672
    assert ratio(5, 3) == pytest.approx(672 / 2160, abs=1e-15)


@pytest.mark.parametrize(
    ("side", "c", "k", "f", "p"), [(6, 3, 5, 3, 0), (28, 16, 32, 5, 2), (9, 4, 1, 1, 0), (12, 2, 7, 7, 3)]
)
def test_costs_are_those_of_the_modules_and_their_ratio_is_exact(side: int, c: int, k: int, f: int, p: int) -> None:
    (normal,) = count(nn.Conv2d(c, k, f, padding=p), (c, side, side))
    steps = count(nn.Sequential(nn.Conv2d(c, c, f, padding=p, groups=c), nn.Conv2d(c, k, 1)), (c, side, side))
    assert normal_cost(side, c, k, f, p) == normal.multiplications
    assert separable_cost(side, c, k, f, p) == tuple(step.multiplications for step in steps)
    assert sum(separable_cost(side, c, k, f, p)) / normal.multiplications == pytest.approx(ratio(k, f), rel=1e-12)


def test_the_two_steps_are_one_convolution_of_products() -> None:
    random = generator(0)
    x = torch.randn(2, 3, 7, 7, generator=random, dtype=torch.float64)
    depth, point = (
        torch.randn(*shape, generator=random, dtype=torch.float64) for shape in ((3, 1, 3, 3), (5, 3, 1, 1))
    )
    both = separable_conv(x, depth, point, padding=1)
    torch.testing.assert_close(both, conv2d(x, whole_kernel(depth, point), padding=1), rtol=0, atol=1e-12)
