"""1-D and 3-D convolution: the shapes as PyTorch counts them, and every window's sum as PyTorch computes it."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.data.volumes import SOLIDS, ball, heartbeat
from engine.lab import Event
from engine.labs.cnns.conv_1d_3d import LAB, Conv1d3d, feature_maps, inputs, responses, shapes
from engine.seeding import generator


def frames(**changed):
    return list(LAB.frames(Conv1d3d(**changed)))


def test_the_shapes_of_the_notes_are_those_of_pytorch():
    table = shapes(Conv1d3d())
    assert table["1-D, a signal"][:3] == ["14 × 1", "10 × 16", "6 × 32"]
    assert table["3-D, a volume"][:3] == ["14 × 14 × 14 × 1", "10 × 10 × 10 × 16", "6 × 6 × 6 × 32"]
    for d, (conv, name) in enumerate(zip((nn.Conv1d, nn.Conv2d, nn.Conv3d), list(table)[1:], strict=True), start=1):
        layers = nn.Sequential(conv(1, 16, 5), conv(16, 32, 5))
        out = layers(torch.zeros(1, 1, *(14,) * d))
        assert table[name][2] == " × ".join(map(str, (*out.shape[2:], out.shape[1])))
        assert table[name][3] == f"{sum(p.numel() for p in layers.parameters()):,}"
    frame = frames()[0]
    assert frame.metrics["Signal"] == "14→10×16→6×32" and frame.metrics["Volume"] == "14³→10³×16→6³×32"
    assert frame.figures["Layer 1 of the signal"].data[0].z.shape == (16, 10)
    assert frame.figures["Layer 2 of the signal"].data[0].z.shape == (32, 6)


@pytest.mark.parametrize("kernel", ["average", "change", "peak", "random"])
@pytest.mark.parametrize("changed", [{}, {"stride": 2, "n": 20}, {"size": "3", "stride": 3, "n": 11}, {"size": "7"}])
def test_responses_equal_pytorch(kernel, changed):
    params = Conv1d3d(kernel=kernel, **changed)
    for (x, k, response), conv in zip(responses(params), (functional.conv1d, functional.conv3d), strict=True):
        theirs = conv(x[None, None], k[None, None], stride=params.stride)[0, 0]
        assert response.shape == theirs.shape == (params.windows,) * x.dim()
        torch.testing.assert_close(response, theirs, atol=1e-5, rtol=1e-5)


def test_feature_maps_equal_pytorch_and_begin_with_the_kernel():
    params = Conv1d3d()
    (signal, kernel, response), _ = responses(params)
    first, second = feature_maps(params, signal, kernel)
    torch.testing.assert_close(first[:, 0], torch.relu(response), atol=1e-6, rtol=1e-5)
    random = generator(0, 4)
    w1 = torch.randn(16, 1, 5, generator=random) * math.sqrt(2 / 5)
    w2 = torch.randn(32, 16, 5, generator=random) * math.sqrt(2 / 80)
    w1[0, 0] = kernel
    theirs = functional.conv1d(functional.conv1d(signal[None, None], w1).relu(), w2).relu()[0].T
    torch.testing.assert_close(second, theirs, atol=1e-5, rtol=1e-4)


def test_every_frame_is_a_window_that_adds_up():
    walk = frames(kernel="peak", row=2, column=6)
    (signal, kernel, r1), (volume, cube, r3) = responses(Conv1d3d(kernel="peak"))
    assert len(walk) == 10 and [f.progress for f in walk][-1] == 1
    for step, frame in enumerate(walk):
        cells = frame.figures["One window"].data[0].text
        assert frame.figures["One window"].layout.xaxis.title.text == f"sum = {round(float(r1[step]), 2) + 0:g}"
        assert [float(x) for x in cells[0]] == pytest.approx(signal[step : step + 5].tolist(), abs=0.006)
        assert [float(x) for x in cells[2]] == pytest.approx((signal[step : step + 5] * kernel).tolist(), abs=0.006)
        total = (volume[step : step + 5, 2:7, 6:11] * cube).sum()
        assert frame.metrics["Sum in the volume"] == f"{float(total):.3f}" == f"{float(r3[step, 2, 6]):.3f}"
        slices = frame.tables["The volume's sum, slice by slice"]["sum of 25 products"]
        assert sum(map(float, slices[:-1])) == pytest.approx(float(slices[-1]), abs=0.004)
        box = frame.figures["Signal"].layout.shapes[0]
        assert (box.x0, box.x1) == (step - 0.5, step + 4.5)


def test_the_slices_under_the_window_are_drawn_with_their_square():
    figure = frames(row=1, column=7, noise=0.0)[3].figures["Volume"]
    volume = SOLIDS["head"](14).numpy()
    sheet = figure.data[0].z
    assert sheet.shape == (29, 44) and len(figure.layout.shapes) == 5
    np.testing.assert_array_equal(sheet[:14, :14], volume[3])
    np.testing.assert_array_equal(sheet[15:29, 15:29], volume[7])
    first = figure.layout.shapes[0]
    assert (first.x0, first.y0, first.x1, first.y1) == (6.5, 0.5, 11.5, 5.5)


def test_the_second_layer_marks_the_places_that_see_the_window():
    for step, frame in enumerate(frames()):
        box = frame.figures["Layer 2 of the signal"].layout.shapes[0]
        seeing = [j for j in range(6) if j <= step <= j + 4]
        assert (box.x0 + 0.5, box.x1 - 0.5) == (seeing[0], seeing[-1])


def test_the_walk_opens_at_the_window_asked_for_and_stays_small():
    assert LAB.opens is not None
    assert LAB.opens(Conv1d3d(step=7)) == 7 and LAB.opens(Conv1d3d(step=24)) == 9
    for changed in ({}, *LAB.presets.values(), {"n": 24, "size": "3"}):
        walk = frames(**changed)
        assert len(walk) <= 22 and LAB.opens(Conv1d3d(**changed)) < len(walk)
        assert sum(len(fig.to_json(validate=False)) for f in walk for fig in f.figures.values()) < 1_000_000


def test_a_second_layer_that_does_not_fit_is_left_out():
    params = {"n": 10, "size": "7"}
    assert shapes(Conv1d3d(**params))["3-D, a volume"][2] == "doesn't fit"
    assert "Layer 2 of the signal" not in frames(**params)[0].figures


def test_clicks_move_the_window():
    params = Conv1d3d()

    def click(figure, x, y):
        return LAB.respond(params, Event("click", figure, x, y))

    assert click("Signal", 6.2, 0.4) == {"step": 4} and click("Signal", 13, 0) == {"step": 9}
    assert click("Response to the signal", 6.2, 0) == {"step": 6}
    assert click("Response to the volume", 3, 8) == {"row": 8, "column": 3}
    assert click("Volume", 5, 9) == click("Volume", 20, 24) == {"row": 7, "column": 3}
    assert click("Volume", 14, 3) == {} == click("Layer 1 of the signal", 1, 1)


def test_the_heartbeat_and_the_solids():
    time = torch.linspace(0, 2, 401)[:-1]
    level = heartbeat(time)
    torch.testing.assert_close(level[:200], level[200:], atol=1e-4, rtol=1e-3)
    assert float(level.max()) == pytest.approx(1, abs=0.05) and float(time[level.argmax()]) == pytest.approx(
        0.43, abs=0.01
    )
    assert float(ball(24).mean()) * 8 == pytest.approx(4 / 3 * math.pi * 0.75**3, rel=0.02)
    for draw in SOLIDS.values():
        volume = draw(14)
        assert volume.shape == (14, 14, 14) and float(volume.min()) >= 0 and 0.9 < float(volume.max()) <= 1.01
    one, two = inputs(Conv1d3d()), inputs(Conv1d3d(seed=1))
    assert torch.equal(one[0], inputs(Conv1d3d())[0]) and not torch.equal(one[0], two[0])
