import numpy as np
import pytest

from engine.figures.architectures import shapes, side_by_side, treemap
from engine.models.counting import NETWORKS
from engine.results.architectures import architecture, millions


@pytest.mark.parametrize("name", ["alexnet_paper", "vgg16", "googlenet", "mobilenet_v3_large", "efficientnet_b0"])
@pytest.mark.parametrize("by", ["parameters", "multiplications"])
def test_areas_add_up_to_the_whole(name: str, by: str) -> None:
    result = architecture(name)
    (trace,) = treemap(result, by).data
    values, parents = dict(zip(trace["ids"], trace["values"], strict=True)), trace["parents"]
    assert values["all"] == getattr(result, by)
    for group in {"all", *parents} - {""}:
        inside = [v for v, parent in zip(trace["values"], parents, strict=True) if parent == group]
        assert sum(inside) == values[group], group
    assert len(set(trace["ids"])) == len(trace["ids"])


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_hold_every_layer_once_and_shrink(name: str) -> None:
    result = architecture(name)
    assert sum(len(stage.layers) for stage in result.stages) == len(result.layers)
    order = [stage.halvings for stage in result.stages if stage.halvings >= 0]
    assert order == sorted(order) and max(order) == (4 if name == "squeezenet1_1" else 5)
    assert result.stages[-1].halvings == -1


def test_squeezed_layers_stay_with_their_stage() -> None:
    dense = architecture("efficientnet_b0").stages[-1]
    assert dense.parameters == 1281 * 1000  # the classifier alone, though every block looks at its whole map


def test_boxes_are_as_high_and_wide_as_the_shapes() -> None:
    result = architecture("vgg16")
    figure = shapes(result, 2)
    boxes = {x: (y, width) for trace in figure.data for x, y, width in zip(trace.x, trace.y, trace.width, strict=True)}
    sides, channels = [224, 224, 112, 112], [64, 64, 64, 128]
    np.testing.assert_allclose([boxes[k][0] for k in range(4)], 2 * np.sqrt(sides))
    assert boxes[3][1] > boxes[2][1] == boxes[0][1] and channels[3] > channels[2]
    assert len(boxes) == 13 + 5 + 3
    assert {note.text for note in figure.layout.annotations} >= {
        "224",
        "112",
        "56",
        "28",
        "14",
        "7",
        "64",
        "4096",
        "1000",
    }
    frame = figure.layout.shapes[0]
    assert frame.x0 < 2 < frame.x1 and frame.x1 - frame.x0 < 1.2


def test_two_networks_side_by_side_add_up() -> None:
    one, two = architecture("alexnet_one"), architecture("efficientnet_b7")
    for by in ("parameters", "multiplications"):
        figure = side_by_side(one, two, by)
        assert [sum(trace.y) for trace in figure.data] == [getattr(one, by), getattr(two, by)]
        assert figure.data[0].name == f"{one.title}: {millions(getattr(one, by))}"


def test_large_numbers_in_words() -> None:
    assert [millions(n) for n in (0, 999, 2160, 999_600, 120_422_400, 15_470_264_320)] == [
        "0", "999", "2.16 k", "1000 k", "120 M", "15.5 G",
    ]  # fmt: skip
