import numpy as np
import pytest

from engine.data.media import Picture
from engine.lab import Event
from engine.labs.cnns._classic import cropped, field_of
from engine.labs.cnns.alexnet import LAB, AlexNetParams
from engine.results.architectures import architecture


def table(params: AlexNetParams, at: int) -> dict[str, list[str]]:
    return list(LAB.last_frame(params).tables.values())[at]


def test_about_60_million_parameters_counted() -> None:
    frame = LAB.last_frame(AlexNetParams())
    assert frame.metrics["Parameters"] == "60,965,224"
    layers = table(AlexNetParams(), 1)
    assert sum(int(n.replace(",", "")) for n in layers["Parameters"]) == 60_965_224
    for version in ("alexnet_paper", "alexnet_one", "alexnet"):
        counted = int(LAB.last_frame(AlexNetParams(version=version)).metrics["Parameters"].replace(",", ""))
        assert counted == pytest.approx(60e6, rel=0.05)


def test_shapes_of_the_courses_drawing() -> None:
    course = ["55 × 55 × 96", "27 × 27 × 96", "27 × 27 × 256", "13 × 13 × 256", "13 × 13 × 384", "13 × 13 × 384"]
    course += ["13 × 13 × 256", "6 × 6 × 256", "4096", "4096", "1000"]
    assert table(AlexNetParams(version="alexnet_one"), 1)["Output"] == course


def test_arithmetic_of_the_first_layer_at_227_and_at_224() -> None:
    rows = [dict(zip(*table(AlexNetParams(side=side, layer=1), 0).values(), strict=True)) for side in (227, 224)]
    assert rows[0]["Side"] == "⌊(227 + 2·0 − 11) / 4⌋ + 1 = 55" and rows[1]["Side"].endswith("= 54")
    assert rows[0]["Parameters"] == "11·11·3·96 + 96 = 34,944"
    assert rows[0]["Multiplications"] == f"{55 * 55 * 96:,} outputs · 11·11·3 = {55 * 55 * 96 * 363:,}"


def test_most_parameters_are_dense_and_most_multiplications_are_not() -> None:
    net = architecture("alexnet_paper")
    dense = [layer for layer in net.layers if layer.kind == "dense"]
    assert sum(layer.parameters for layer in dense) > 0.9 * net.parameters
    assert sum(layer.multiplications for layer in dense) < 0.1 * net.multiplications


def test_own_picture_is_shown_with_what_the_layer_sees() -> None:
    pixels = np.zeros((300, 500, 3), np.uint8)
    pixels[:, 250:] = (250, 10, 20)
    own = Picture(pixels, "own", "1" * 12)
    shown = cropped(own, 112)
    assert shown.shape == (112, 112, 3)
    assert shown[:, :50].max() == 0 and (shown[:, 62:] == (250, 10, 20)).all()  # the middle of it, left and right kept
    sides = []
    for layer in (1, 5, 9):
        figure = LAB.last_frame(AlexNetParams(picture=own, layer=layer)).figures["Picture"]
        frame = figure.layout.shapes[-1]
        sides.append(frame.x1 - frame.x0)
    assert sides == [11, 99, 227]
    assert field_of(architecture("alexnet_paper"), 4).size == 99


def test_a_click_on_a_box_picks_its_layer() -> None:
    params = AlexNetParams()
    assert LAB.respond(params, Event("click", "Shapes", x=7.2)) == {"layer": 8}
    assert LAB.respond(params, Event("click", "Shapes", x=99.0)) == {"layer": 11}
    assert LAB.respond(params, Event("click", "Picture", x=2.0)) == {}
    beyond = LAB.last_frame(AlexNetParams(layer=40))
    assert "dense 3" in beyond.says


def test_every_version_at_the_smallest_and_largest_side() -> None:
    for version in ("alexnet_paper", "alexnet_one", "alexnet"):
        for side in (67, 512):
            assert LAB.last_frame(AlexNetParams(version=version, side=side)).figures


def test_every_rival_can_be_compared_with() -> None:
    from typing import get_args

    from engine.labs.cnns._classic import Rival

    for name in get_args(Rival):
        frame = LAB.last_frame(AlexNetParams(against=name))
        assert frame.figures["Parameters by stage"].data[1].name.startswith(architecture(name).title)


def test_the_picture_is_answered_by_its_own_weights_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = LAB.last_frame(AlexNetParams())
    assert "Atlas-20 takes the picture for" in frame.says and "AlexNet's weights are not here" in frame.says
    from dataclasses import replace

    from engine.labs.cnns import _classic
    from engine.models.answering import atlas

    asked = []
    monkeypatch.setattr(_classic, "answerer", lambda name: asked.append(name) or replace(atlas(), title="AlexNet"))
    frame = LAB.last_frame(AlexNetParams())
    assert asked == ["alexnet"] and "AlexNet takes the picture for" in frame.says
    bars = frame.figures["Answer"].data[0]
    assert len(bars.x) == 5 and list(bars.x) == sorted(bars.x, reverse=True)
