"""Style transfer on a small network: what is read, what it costs, that it falls, stops, goes on and repeats itself."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from engine.functional.style import content_cost, layer_style_cost
from engine.models.styling import Reader, reader
from engine.seeding import generator
from engine.training.styling import Plan, aims, costs, transfer

LAYERS = {"relu1_1": 0.5, "relu2_1": 2.0}


@pytest.fixture(scope="module")
def small() -> Reader:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, 1, 1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, 1, 1), nn.ReLU(),
        )  # fmt: skip
    return reader("small", "Small", layers, (0.5,) * 3, (0.25,) * 3, 2, "relu2_2")


def pictures(side: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    random = generator(1)
    return torch.rand(3, side, side, generator=random), torch.rand(3, 1, side, generator=random).expand(3, side, side)


def test_layers_are_named_as_vggs_and_those_beyond_the_last_do_not_run(small: Reader, monkeypatch) -> None:
    assert small.taps == {"relu1_1": 1, "relu2_1": 4, "relu2_2": 6}
    x = torch.rand(1, 3, 16, 16, generator=generator(2))
    expected = small.layers[:5]((x - 0.5) / 0.25)

    def never(_):
        raise AssertionError("a layer beyond the last ran")

    monkeypatch.setattr(small.layers[5], "forward", never)
    shallow, deep = small.read(x, ["relu1_1", "relu2_1"])
    torch.testing.assert_close(deep, expected)
    assert shallow.shape == (1, 8, 16, 16) and not any(p.requires_grad for p in small.layers.parameters())


def test_costs_are_the_definitions_on_scaled_activations(small: Reader) -> None:
    content, style = pictures()
    plan = Plan("relu2_2", LAYERS, alpha=3.0, beta=7.0, smooth=0.5)
    x = torch.rand(3, 24, 24, generator=generator(3))
    found = costs(small, x[None], aims(small, content, style, plan), plan)
    read = {n: [small.read(p[None], [n])[0][0] for p in (content, style, x)] for n in (*LAYERS, "relu2_2")}
    scale = {n: 1 / s.mean() for n, (_, s, _) in read.items()}
    for name in LAYERS:
        expected = layer_style_cost(read[name][1] * scale[name], read[name][2] * scale[name])
        torch.testing.assert_close(found.layers[name], expected, rtol=1e-4, atol=1e-7)
    c, _, g = read["relu2_2"]
    torch.testing.assert_close(found.content, content_cost(c, g) * scale["relu2_2"] ** 2, rtol=1e-4, atol=1e-7)
    variation = x.diff(dim=1).square().mean() + x.diff(dim=2).square().mean()
    weighted = 0.5 * found.layers["relu1_1"] + 2.0 * found.layers["relu2_1"]
    torch.testing.assert_close(found.total, 3 * found.content + 7 * weighted + 0.5 * variation)


@pytest.mark.parametrize(("optimizer", "start"), [("adam", "content"), ("lbfgs", "content"), ("lbfgs", "noise")])
def test_the_total_falls_and_the_picture_stays_a_picture(small: Reader, optimizer, start) -> None:
    content, style = pictures()
    plan = Plan("relu2_2", LAYERS, optimizer=optimizer, start=start, steps=30)
    moments = list(transfer(small, content, style, plan, generator(0)))
    assert [m.step for m in moments] == list(range(31))
    assert moments[-1].total < 0.5 * moments[0].total
    assert all(float(m.picture.min()) >= 0 and float(m.picture.max()) <= 1 for m in moments[1:])
    assert torch.equal(moments[0].picture, content) == (start == "content")
    again = list(itertools.islice(transfer(small, content, style, plan, generator(0)), 5))
    assert [m.total for m in again] == [m.total for m in moments[:5]]


def test_pictures_once_yielded_stay_as_they_are(small: Reader) -> None:
    content, style = pictures()
    moments = list(transfer(small, content, style, Plan("relu2_2", LAYERS, steps=4), generator(0)))
    assert len({float(m.picture.sum()) for m in moments}) == 5


def test_it_goes_on_from_a_picture(small: Reader) -> None:
    content, style = pictures()
    plan = Plan("relu2_2", LAYERS, optimizer="adam", steps=10)
    first = list(transfer(small, content, style, plan, generator(0)))[-1]
    more = list(transfer(small, content, style, plan, generator(0), begun=first.picture))
    assert more[0].total == pytest.approx(first.total, rel=1e-5) and more[-1].total < first.total


def test_pictures_of_two_sizes_meet(small: Reader) -> None:
    content, style = pictures(24)[0][:, :20], pictures(32)[1]
    last = list(transfer(small, content, style, Plan("relu2_2", LAYERS, steps=8), generator(0)))[-1]
    assert last.picture.shape == (3, 20, 24)


def test_content_alone_rebuilds_a_picture(small: Reader) -> None:
    content, style = pictures()
    plan = Plan("relu1_1", {}, start="noise", steps=40)
    moments = list(transfer(small, content, style, plan, generator(0)))
    assert moments[-1].style == 0 and moments[-1].content < 0.05 * moments[0].content
