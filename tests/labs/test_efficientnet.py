import numpy as np
import pytest
import torch

from engine.functional.efficientnet import PUBLISHED, cost
from engine.labs.cnns.efficientnet import LAB, EfficientNet
from engine.results.efficientnet import PHIS


def test_the_budget_is_near_two() -> None:
    frame = next(LAB.frames(EfficientNet()))
    assert float(frame.metrics["α·β²·γ²"]) == pytest.approx(2, abs=0.1)
    assert float(next(LAB.frames(EfficientNet(gamma=1.0))).metrics["α·β²·γ²"]) == pytest.approx(1.2 * 1.21, abs=1e-3)


def test_the_published_networks_are_torchvisions_counted() -> None:
    from torchvision import models

    frames = list(LAB.frames(EfficientNet()))
    assert frames[0].progress == 0 and frames[-1].progress == 1
    assert set(frames[0].tables["As published, counted"]["Parameters"]) == {""}
    table = frames[-1].tables["As published, counted"]
    for at in (0, 3, 7):
        with torch.device("meta"):
            network = models.get_model(f"efficientnet_b{at}", weights=None)
        assert table["Parameters"][at] == f"{sum(p.numel() for p in network.parameters()):,}"
    dots = frames[-1].figures["Multiplications"].data[-1]
    assert list(dots.text) == list(PUBLISHED) and list(dots.y) == [cost(*net)[1] for net in PUBLISHED.values()]


def test_the_law_is_what_counting_comes_to() -> None:
    """Over the whole range the counted cost grows as (α β² γ²)^φ, but for the rounding of layers."""
    curves = {trace.name: trace.y for trace in next(LAB.frames(EfficientNet())).figures["Multiplications"].data}
    ratio = np.array(curves["compound"]) / np.array(curves["law"])
    assert ratio[0] == pytest.approx(1) and ratio.max() < 1.6 and 0.95 < ratio[-1] < 1.15
    assert (np.array(curves["compound"]) >= np.array(curves["width alone"])).all()


@pytest.mark.parametrize(("changed", "power"), [({"alpha": 2.0}, 1), ({"beta": 1.5}, 2), ({"gamma": 1.5}, 2)])
def test_each_dimension_alone_costs_its_power(changed: dict[str, float], power: int) -> None:
    alone = {"alpha": 1.0, "beta": 1.0, "gamma": 1.0, **changed}
    frame = next(LAB.frames(EfficientNet(phi=2, **alone)))
    times = float(frame.metrics["Multiplications"].split(", ")[1].split()[0])
    (factor,) = changed.values()
    assert times == pytest.approx(factor ** (2 * power), rel=0.15)


def test_the_slider_scales_all_three() -> None:
    frame = next(LAB.frames(EfficientNet(phi=2.0)))
    assert frame.metrics["Depth, width"] == "1.44, 1.21" and frame.metrics["Input"] == "296 × 296"
    assert frame.figures["Scaling"].layout.shapes[0].x0 == 2.0
    layers = {trace.name: list(trace.y) for trace in frame.figures["Layers by stage"].data}
    assert layers == {"B0": [1, 2, 2, 3, 3, 4, 1], "at φ": [2, 3, 3, 5, 5, 6, 2]}
    assert PHIS[0] == 0 and PHIS[-1] > 7


def test_table_mistake_is_computed() -> None:
    both = LAB.mistakes["efficientnet-table"](EfficientNet())
    assert "12,233,232" in both.wrong and "B3's" in both.wrong and "9,109,994" in both.right
