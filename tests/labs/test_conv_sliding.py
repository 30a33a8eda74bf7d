"""Convolutional sliding windows: the answers of one pass equal those of the crops, and the work is counted."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.lab import Event
from engine.labs.detection.conv_sliding import LAB, ConvSliding, chosen_picture
from engine.models.windowed import (
    CLASSES,
    as_convolutions,
    crop_by_crop,
    crops,
    crops_as_batch,
    examples,
    in_one_pass,
    initialize,
)
from engine.results.scanned import both_ways, multiplications
from engine.seeding import generator
from engine.training.windowed import trained


def network(seed: int = 0) -> torch.nn.Sequential:
    return initialize(seed).eval().requires_grad_(False)


@pytest.mark.parametrize(("side", "grid"), [(14, 1), (16, 2), (28, 8), (15, 1), (33, 10), (64, 26)])
def test_one_pass_equals_the_crops(side: int, grid: int) -> None:
    picture = torch.rand(3, side, side, generator=generator(side))
    for net in (network(side), trained(0, 2)[0].eval()):
        one = in_one_pass(as_convolutions(net), picture)
        assert one.shape == (4, grid, grid)
        for row in range(grid):
            for column in range(grid):
                window = picture[:, 2 * row : 2 * row + 14, 2 * column : 2 * column + 14]
                assert float((net(window[None])[0] - one[:, row, column]).abs().max()) < 1e-5
        for cropped in (crop_by_crop(net, picture), crops_as_batch(net, picture)):
            assert float((cropped - one).abs().max()) < 1e-5


def test_other_weights_give_other_answers() -> None:
    net, picture = network(), torch.rand(3, 28, 28, generator=generator(0))
    broken = as_convolutions(net)
    with torch.no_grad():
        broken.dense1.weight.copy_(broken.dense1.weight.flip(-1))
    assert float((in_one_pass(broken, picture) - crop_by_crop(net, picture)).abs().max()) > 1e-3


def test_the_networks_shapes_are_the_courses() -> None:
    net, shapes = as_convolutions(network()), []
    x = torch.zeros(1, 3, 28, 28)
    for layer in net:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes[0] == (16, 24, 24) and shapes[2] == (16, 12, 12)
    assert shapes[3] == (400, 8, 8) and shapes[-1] == (4, 8, 8)


@pytest.mark.parametrize("side", [14, 16, 28, 64])
def test_the_work_equals_pytorchs_count(side: int) -> None:
    params = ConvSliding(side=side, epochs=0)
    picture, net = chosen_picture(params), network()
    work = multiplications(side)
    for way, layers, x in (
        (0, as_convolutions(net), picture[None]),
        (1, net, crops(picture)),
        (2, net, crops(picture)),
    ):
        flops = []
        for layer in layers:
            with FlopCounterMode(display=False) as counter:
                x = layer(x)
            flops.append(counter.get_total_flops())
        assert [2 * n for n in work[way].tolist()] == [n for n in flops if n]
    frame = LAB.last_frame(params)
    assert (
        frame.tables["Layers"]["one pass"] == work[0].tolist()
        and frame.tables["Layers"]["all crops"] == work[1].tolist()
    )
    assert (both_ways(net, picture).times > 0).all()


def test_both_frames_show_the_same_picture_and_agree() -> None:
    frames = list(LAB.frames(ConvSliding()))
    assert len(frames) == 2 and frames[0].progress == 0
    for frame in frames:
        assert float(frame.metrics["Largest difference"]) < 1e-5
        assert frame.metrics["Answers"] == "8 × 8" and frame.figures["Answers of one pass"].data[0].z.shape == (8, 8)
    assert len(frames[1].tables["Layers"]["layer"]) == 4


def test_the_trained_network_is_good_and_its_weights_are_its_own() -> None:
    net, share = trained(0, 6)
    x, y = examples(100, generator(99))
    found = float((net.eval()(x).argmax(1) == y).float().mean())
    assert share > 0.93 and found > 0.93
    before = copy.deepcopy(net.state_dict())
    LAB.last_frame(ConvSliding())
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_shapes_of_a_scene_are_found(seed: int) -> None:
    from engine.data.pasted import scene
    from engine.models.windowed import SHAPES

    net = as_convolutions(trained(0, 6)[0].eval())
    picture, placed = scene(40, 40, SHAPES, 3, (5.0, 6.8), generator(seed, 50))
    best = in_one_pass(net, picture).softmax(0)
    right = 0
    for name, (x0, y0, x1, y1) in placed:
        column, row = (round(((a + b) / 2 - 7) / 2) for a, b in ((x0, x1), (y0, y1)))
        around = best[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].amax((1, 2))
        right += CLASSES[int(around[:3].argmax())] == name and float(around[:3].max()) > 0.5
    assert right >= len(placed) - 1


def test_pointing_at_an_answer_frames_its_window() -> None:
    params = ConvSliding(side=16)
    for row, column in ((0, 0), (1, 0), (1, 1)):
        changed = LAB.respond(params, Event("hover", "Answers of one pass", x=column, y=row))
        assert changed == {"window": 2 * row + column + 1}
        frame = next(LAB.frames(params.model_copy(update=changed)))
        (shape,) = frame.figures["Picture"].layout.shapes
        assert (shape.x0, shape.y0, shape.x1, shape.y1) == (2 * column, 2 * row, 2 * column + 14, 2 * row + 14)
    assert LAB.respond(params, Event("click", "Picture", x=15, y=15)) == {"window": 4}
    assert LAB.respond(params, Event("click", "Picture", x=0, y=0)) == {"window": 1}
    assert LAB.respond(params, Event("click", "Answers of one pass", x=2, y=0)) == {}


def test_moving_the_window_runs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = next(LAB.frames(ConvSliding()))
    monkeypatch.setattr(torch.nn.Sequential, "forward", None)
    moved = LAB.seen(ConvSliding(window=20), frame)
    assert moved.figures["Picture"] != frame.figures["Picture"]


def test_the_erratum_counts_four_windows_of_14() -> None:
    mistake = LAB.mistakes["sliding-size"](ConvSliding())
    assert "only 1 of that size" in mistake.wrong and mistake.right.startswith("4 windows of 14 x 14, 2 pixels apart")
    assert math.prod(in_one_pass(as_convolutions(network()), torch.zeros(3, 16, 16)).shape[1:]) == 4


def test_an_own_picture_is_squared() -> None:
    picture = chosen_picture(ConvSliding(source="own", picture="photo-china", side=40))
    assert picture.shape == (3, 40, 40) and 0 <= float(picture.min()) < float(picture.max()) <= 1
    assert np.isfinite(picture.numpy()).all()
