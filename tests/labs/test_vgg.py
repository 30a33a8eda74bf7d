import pytest
import torch
from torch import nn

from engine.labs.cnns.vgg import LAB, VggParams, first_dense, pooled
from engine.results.architectures import architecture


def test_138_million_parameters_counted() -> None:
    frame = LAB.last_frame(VggParams())
    assert frame.metrics["Parameters"] == "138,357,544" and frame.metrics["In dense layers"] == "89%"
    tree = frame.figures["Parameters"].data[0]
    assert tree["values"][0] == 138_357_544
    assert LAB.last_frame(VggParams(version="vgg19")).metrics["Parameters"] == "143,667,240"


def test_sixteen_layers_with_weights_of_two_kinds() -> None:
    layers = [layer for layer in architecture("vgg16").layers if layer.parameters]
    convolutions = {(layer.kernel, layer.stride, layer.padding) for layer in layers if layer.kind == "conv"}
    assert len(layers) == 16 and convolutions == {((3, 3), 1, 1)}
    pools = [layer for layer in architecture("vgg16").layers if layer.kind == "pool" and layer.stride]
    assert {(layer.kernel, layer.stride) for layer in pools} == {((2, 2), 2)}
    assert [layer.side for layer in pools] == [112, 56, 28, 14, 7]


def test_memory_lies_in_the_first_layers() -> None:
    result = architecture("vgg16")
    early = [layer.memory for layer in result.layers if layer.side >= 112 and layer.kind == "conv"]
    assert sum(early) > 0.6 * result.memory
    assert result.memory == pytest.approx(60.4e6, rel=0.01)


@pytest.mark.parametrize("stride", [1, 2])
def test_pooling_of_either_stride_is_pytorchs(stride: int) -> None:
    x = torch.empty(1, 1, 224, 224, device="meta")
    for _ in range(5):
        x = nn.MaxPool2d(2, stride)(x)
    assert pooled(224, stride) == x.shape[-1]
    if stride == 2:
        dense = nn.Linear(512 * 49, 4096, device="meta")
        assert first_dense(7) == sum(p.numel() for p in dense.parameters())


def test_pool_stride_mistake_is_computed() -> None:
    both = LAB.mistakes["vgg-pool-stride"](VggParams())
    assert "becomes 219" in both.wrong and "101 G" in both.wrong
    assert "becomes 7" in both.right and "103 M" in both.right
    assert "becomes 14" in LAB.mistakes["vgg-pool-stride"](VggParams(side=448)).right


def test_the_side_can_be_any() -> None:
    for side in (32, 67, 333, 512):
        frame = LAB.last_frame(VggParams(side=side, layer=40))
        assert frame.metrics["Parameters"] == "138,357,544"
