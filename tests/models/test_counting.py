import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from engine.errors import BadInput
from engine.models.counting import NETWORKS, OWN, SIDES, build, count, layers, numbered
from engine.models.mobilenet_v1 import separable

ON_SHELF = [name for name in NETWORKS if name not in OWN]


def totals(name: str) -> tuple[int, int]:
    rows = layers(name)
    return sum(row.parameters for row in rows), sum(row.multiplications for row in rows)


@pytest.mark.parametrize("name", ON_SHELF)
def test_parameters_equal_what_torchvision_documents(name: str) -> None:
    from torchvision.models import get_model_weights

    documented = {weights.meta["num_params"] for weights in get_model_weights(name)}
    heads = 3_326_696 if name == "inception_v3" else 0  # documented with its auxiliary head, which evaluation skips
    assert totals(name)[0] + heads in documented


@pytest.mark.parametrize("name", NETWORKS)
def test_multiplications_are_half_of_pytorchs_flops(name: str) -> None:
    side = SIDES.get(name, 224)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        build(name).eval()(torch.empty(1, 3, side, side, device="meta"))
    assert 2 * totals(name)[1] == counter.get_total_flops()


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "mobilenet_v2", "squeezenet1_1"])
def test_shapes_are_those_of_a_real_pass(name: str) -> None:
    from torchvision import models

    network = models.get_model(name, weights=None, **({"init_weights": False} if name == "googlenet" else {})).eval()
    seen: list[tuple[int, ...]] = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda m, x, y: seen.append(tuple(y.shape[1:])))
    with torch.no_grad():
        network(torch.zeros(1, 3, 96, 96))
    assert [row.shape for row in layers(name, 96)] == seen


def test_published_totals() -> None:
    assert totals("alexnet_paper") == (60_965_224, 724_406_816)
    assert totals("vgg16") == (138_357_544, 15_470_264_320)
    assert totals("mobilenet_v1") == (4_231_976, 568_740_352)  # 4.2 M and 569 M in the paper


def test_auxiliary_heads_are_counted_in_training_only() -> None:
    assert not [row for row in layers("googlenet") if row.name.startswith("aux")]
    assert {row.name.split(".")[0] for row in layers("googlenet", training=True) if row.name.startswith("aux")} == {
        "aux1",
        "aux2",
    }


def test_rows_of_a_network_of_ones_own() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), separable(8, 4),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5),
    )  # fmt: skip
    before = [p.clone() for p in model.parameters()]
    rows = count(model, (3, 10, 10))
    kinds = [
        "conv",
        "norm",
        "activation",
        "depthwise",
        "norm",
        "activation",
        "conv",
        "norm",
        "activation",
        "pool",
        "other",
    ]
    assert [row.kind for row in rows] == [*kinds, "dense"]
    assert [row.multiplications for row in rows if row.multiplications] == [25 * 8 * 27, 25 * 8 * 9, 25 * 4 * 8, 20]
    assert [row.memory for row in rows] == [800, 800, 0, 800, 800, 0, 400, 400, 0, 16, 0, 20]
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())
    assert numbered(rows)[3] == "depthwise 1" and numbered(rows)[6] == "conv 2"
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)) and model.training
    assert model[1](torch.ones(2, 8, 4, 4)).abs().max() < 1e-3  # its normalization still normalizes


def test_a_module_passed_twice_has_its_parameters_once() -> None:
    layer = nn.Linear(4, 4)
    rows = count(nn.Sequential(layer, layer), (4,))
    assert [(row.parameters, row.multiplications) for row in rows] == [(20, 16), (0, 16)]


def test_a_network_on_the_meta_device_is_given_back_as_it_was() -> None:
    model = build("mobilenet_v1")
    count(model, (3, 64, 64))
    assert model.training
    assert not any("forward" in vars(module) or module._forward_hooks for module in model.modules())


def test_counting_draws_no_random_number() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    count(build("mobilenet_v1"), (3, 64, 64))
    count(build("resnet18"), (3, 64, 64))
    assert torch.equal(before, torch.get_rng_state())


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(BadInput, match="must be one of"):
        build("lenet-9000")
