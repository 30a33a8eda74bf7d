"""Dense, local and convolutional first layers: counted on PyTorch's modules, and measured."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.labs.cnns.why_conv import LAB, WhyConv, accuracy, counted, course, examples, networks, train
from engine.models.sharing import KINDS, Sharing, on_canvas
from engine.seeding import generator

N, F, MAPS = 9, 3, 4


def network(kind: str, pooled: int = 1) -> Sharing:
    return Sharing(kind, N, F, MAPS, pooled, generator(3))


def pictures(m: int = 6) -> torch.Tensor:
    return torch.rand(m, 1, N, N, generator=generator(1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_matrix_does_what_the_layer_does(kind):
    net, x = network(kind), pictures()
    by_matrix = (x.flatten(1) @ net.matrix().T).unflatten(1, (MAPS, 7, 7))
    torch.testing.assert_close(net.linear(x), by_matrix, atol=1e-5, rtol=1e-5)


def test_a_convolution_s_matrix_is_one_row_moved_along():
    net = network("conv")
    w, expected = net.weight.detach(), torch.zeros(MAPS, 7, 7, N, N)
    for i in range(7):
        for j in range(7):
            expected[:, i, j, i : i + F, j : j + F] = w[:, 0]
    assert torch.equal(net.matrix(), expected.view(MAPS * 49, N * N))
    rows = net.matrix().view(MAPS, 7, 7, -1)
    assert torch.equal(rows[:, 2, 3], rows[:, 0, 0].roll(2 * N + 3, -1))
    torch.testing.assert_close(net.linear(pictures()), functional.conv2d(pictures(), w))


def test_a_local_layer_with_shared_weights_is_the_convolution():
    conv, local = network("conv"), network("local")
    local.weight.data.copy_(conv.weight.view(MAPS, F * F).T.expand(49, F * F, MAPS))
    torch.testing.assert_close(local.linear(pictures()), conv.linear(pictures()), atol=1e-5, rtol=1e-5)
    assert torch.equal(local.matrix() != 0, conv.matrix() != 0)


def test_counts_are_those_of_pytorch_s_modules():
    o = 7
    dense, conv = nn.Linear(N * N, MAPS * o * o), nn.Conv2d(1, MAPS, F)
    table = counted([network(kind) for kind in KINDS])
    by_hand = [
        sum(p.numel() for p in dense.parameters()),
        MAPS * o * o * (F * F + 1),
        sum(p.numel() for p in conv.parameters()),
    ]
    assert table["parameters"] == [f"{count:,}" for count in by_hand]
    assert table["connections"] == [f"{count:,}" for count in (81 * 196, 9 * 196, 9 * 196)]
    assert table["different weights"][1:] == [f"{9 * 196:,}", "36"]
    assert table["of all possible"] == ["100.0%", "11.1%", "11.1%"]
    for kind, count in zip(KINDS, by_hand, strict=True):
        net = network(kind, pooled=2)
        assert sum(p.numel() for p in net.parameters()) == count + 10 * (MAPS * 4 + 1)


def test_the_course_s_counts():
    assert course()["parameters"] == ["14,455,392", "456"]


def test_a_shifted_picture_gives_shifted_maps_of_a_convolution_alone():
    digit = torch.rand(1, 1, 3, 3, generator=generator(5))
    here, there = (on_canvas(digit, N, 0, k) for k in (0, 1))
    same = {}
    for kind in KINDS:
        maps, moved = network(kind).first(here), network(kind).first(there)
        same[kind] = torch.allclose(maps[..., :-1], moved[..., 1:], atol=1e-6)
        pooled = [network(kind)(x) for x in (here, there)]
        assert torch.allclose(*pooled, atol=1e-5) == (kind == "conv"), "a global pool forgets where"
    assert same == {"dense": False, "local": False, "conv": True}


def test_the_canvas():
    digit = torch.ones(1, 1, 8, 8)
    moved = on_canvas(digit, 14, -3, 2)
    assert moved.shape == (1, 1, 14, 14) and moved.sum() == 64
    assert moved[0, 0, 0:8, 5:13].all() and torch.equal(on_canvas(digit, 14), on_canvas(digit, 14).flip(-1))


def test_accuracy_moves_every_way():
    params = WhyConv(maps=4)
    net, (_, (x, y)) = networks(params)[2], examples(params)
    padded = functional.pad(x, (3, 3, 3, 3))
    right = [(net(padded.roll(by, axis)).argmax(-1) == y).float().mean() for axis in (2, 3) for by in (-2, 2)]
    assert float(accuracy(net, (x, y), 2)) == pytest.approx(float(sum(right)) / 4, abs=1e-6)


def learned(params: WhyConv) -> torch.Tensor:
    """The accuracy of all three by shift at the end of a training, (3, 4)."""
    *_, last = train(params, networks(params), *examples(params))
    return last.right


def only_the_convolution(right: torch.Tensor) -> None:
    dense, local, conv = right
    assert min(dense[0], local[0], conv[0]) > 0.9, "all learn the centred digits"
    assert max(dense[2], local[2]) < 0.3 and conv[2] > 0.6, "one knows them elsewhere"
    assert conv[1] > max(dense[1], local[1]) + 0.2


def test_only_the_convolution_knows_the_digits_elsewhere():
    only_the_convolution(learned(WhyConv(maps=20, steps=120)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_only_the_convolution_knows_the_digits_elsewhere_over_seeds(seed):
    only_the_convolution(learned(WhyConv(seed=seed)))


def test_the_weights_shown_are_a_corner_of_the_matrix():
    params = WhyConv(maps=2, steps=1, size="3")
    figures = next(LAB.frames(params)).figures
    for net in networks(params):
        shown = figures[f"Weights: {net.kind}"].data[0].z
        assert shown.shape == (36, 70)
        np.testing.assert_allclose(shown, net.matrix().numpy()[:36, :70], atol=1e-6)
    repeated = figures["Weights: conv"].data[0].z
    np.testing.assert_array_equal(repeated[5, 5:70], repeated[0, 0:65])


def test_the_shift_only_changes_what_is_looked_at():
    params = [WhyConv(shift=k, steps=2, maps=2) for k in (-3, 2)]
    one, two = (LAB.last_frame(p) for p in params)
    assert one.figures["Accuracy by shift"].to_json() == two.figures["Accuracy by shift"].to_json()
    left, right = (f.figures["A digit, shifted"].data[0].z for f in (one, two))
    np.testing.assert_array_equal(np.roll(left, 5, 1), right)
    assert LAB.seen(params[1], one).figures["What they say"].to_json() == two.figures["What they say"].to_json()
    net, (_, (x, _)) = networks(WhyConv(maps=2))[2], examples(WhyConv())
    start = LAB.seen(params[1], next(LAB.frames(params[0])))
    expected = net(on_canvas(x[:1], 14, 0, 2)).softmax(-1)[0].detach()
    np.testing.assert_allclose(start.figures["What they say"].data[2].y, expected, atol=1e-6)


def test_too_high_a_rate_ends_without_numbers_that_are_not_finite():
    frame = LAB.last_frame(WhyConv(rate=1.0, steps=30, maps=2))
    assert all(np.isfinite(t.y).all() for t in frame.figures["Training cost"].data) and frame.progress == 1
