from functools import partial

import pytest
import torch

from engine.functional.efficientnet import B0, PUBLISHED, Published, budget, compound, cost, divisible, scaled
from engine.models.counting import count, layers


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_closed_form_is_torchvisions_network_counted(name: str) -> None:
    rows = layers(f"efficientnet_{name.lower()}")
    counted = sum(row.parameters for row in rows), sum(row.multiplications for row in rows)
    assert cost(*PUBLISHED[name]) == counted
    assert rows[0].inputs == (3, PUBLISHED[name].side, PUBLISHED[name].side)


@pytest.mark.parametrize(
    ("phi", "alpha", "beta", "gamma"), [(0.7, 1.2, 1.1, 1.15), (2.3, 1.1, 1.25, 1.0), (1.0, 2.0, 1.0, 1.3)]
)
def test_the_closed_form_holds_between_the_published_ones(phi: float, alpha: float, beta: float, gamma: float) -> None:
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig

    depth, width, side = compound(phi, alpha, beta, gamma)
    block = partial(MBConvConfig, width_mult=width, depth_mult=depth)
    inputs = (32, *(stage.channels for stage in B0))
    setting = [
        block(s.expansion, s.kernel, s.stride, c, s.channels, s.layers) for c, s in zip(inputs, B0, strict=False)
    ]
    with torch.device("meta"):
        network = EfficientNet(setting, dropout=0.2)
    rows = count(network, (3, side, side))
    assert cost(depth, width, side) == (sum(r.parameters for r in rows), sum(r.multiplications for r in rows))


def test_the_budget_is_near_two() -> None:
    assert budget(1.2, 1.1, 1.15) == pytest.approx(1.2 * 1.21 * 1.3225) and abs(budget(1.2, 1.1, 1.15) - 2) < 0.1


def test_the_rule_at_a_few_places() -> None:
    assert compound(0, 1.2, 1.1, 1.15) == Published(1, 1, 224)
    assert compound(1, 1.2, 1.1, 1.15) == pytest.approx((1.2, 1.1, 258))
    assert [stage.layers for stage in scaled(1.2, 1.1)] == [2, 3, 3, 4, 4, 5, 2]
    assert [stage.channels for stage in scaled(1.2, 1.1)] == [16, 24, 48, 88, 120, 208, 352]


def test_channels_are_rounded_as_torchvision_does() -> None:
    from torchvision.models._utils import _make_divisible

    tried = [c / 10 for c in range(1, 4000, 7)]
    assert [divisible(c) for c in tried] == [_make_divisible(c, 8) for c in tried]
