import numpy as np
import pytest
import torch

from engine.labs.cnns.mobilenet import LAB, MobileNet
from engine.models.mobilenet_v2 import Bottleneck
from engine.results.separable import block, gradients, seconds, sizes


def test_2160_against_672_and_their_ratio() -> None:
    frame = next(LAB.frames(MobileNet()))
    assert (frame.metrics["Normal"], frame.metrics["Separable"]) == ("2,160", "672")
    assert float(frame.metrics["1/n + 1/f²"]) == pytest.approx(1 / 5 + 1 / 9, abs=5e-4)
    assert pytest.approx(1 / 5 + 1 / 9) == 672 / 2160
    bars = {trace.name: list(trace.y) for trace in frame.figures["Multiplications"].data}
    assert bars == {"normal": [2160, 0], "depthwise": [0, 432], "pointwise 1 × 1": [0, 240]}


def test_the_first_frame_has_measured_nothing_and_the_last_all() -> None:
    params = MobileNet(side=8, channels=16, filters=24, same=True)
    frames = list(LAB.frames(params))
    assert len(frames[0].figures["Measured time"].data[0].x) == 0 and frames[0].progress == 0
    assert frames[0].metrics["Share of the time"] == "not measured yet"
    last = frames[-1]
    normal, separable = last.figures["Measured time"].data
    assert list(normal.x) == [1, 2, 4, 8, 16, 24, 32, 64, 128, 256, 512] == sizes(*params.convolution)
    assert min(*normal.y, *separable.y) > 0 and last.progress == 1
    at = list(normal.x).index(24)
    assert last.metrics["Share of the time"] == f"{separable.y[at] / normal.y[at]:.2f}"
    share = last.figures["Separable over normal"].data[2]
    np.testing.assert_allclose(share.y, np.array(separable.y) / np.array(normal.y))


@pytest.mark.alone
def test_separable_is_measurably_quicker_on_a_layer_of_v1() -> None:
    frame = LAB.last_frame(MobileNet(side=28, channels=128, filters=256, same=True))
    assert float(frame.metrics["Share of the time"]) < 0.6


def test_a_clock_runs_for_each_call() -> None:
    calls = []
    assert seconds(lambda: calls.append(1), rounds=2) > 0 and len(calls) >= 2


def test_too_large_to_time_is_said() -> None:
    params = MobileNet(side=112, channels=256, filters=512, f=7, same=True)
    frame = LAB.last_frame(params)
    assert frame.metrics["Share of the time"] == "too large to time" and frame.progress == 1


@pytest.mark.parametrize(("expansion", "stride"), [(6, 1), (6, 2), (1, 1)])
def test_the_block_step_by_step_is_the_modules_own_shapes(expansion: int, stride: int) -> None:
    model = Bottleneck(24, expansion, stride)
    seen = []
    for layer in model.steps:
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda m, x, y: seen.append((tuple(y.shape[1:]), m.weight.numel())))
    model(torch.zeros(2, 24, 14, 14))
    steps = block(14, 24, expansion, stride)
    assert [(step.shape, step.parameters) for step in steps] == seen
    frame = next(LAB.frames(MobileNet(side=14, channels=24, expansion=expansion, stride=stride)))
    table = frame.tables["Bottleneck block step by step"]
    assert table["Step"][-1] == ("add the input" if stride == 1 else "nothing added")
    assert table["Output"][-1] == f"{14 // stride} × {14 // stride} × 24" and len(table["Step"]) == len(steps) + 2
    arcs = [trace for trace in frame.figures["Bottleneck block"].data if trace.name == "input added"]
    assert bool(arcs) == (stride == 1)


def test_the_residual_changes_what_is_added_and_no_count() -> None:
    on, off = (next(LAB.frames(MobileNet(residual=residual))) for residual in (True, False))
    tables = [frame.tables["Bottleneck block step by step"] for frame in (on, off)]
    assert tables[0]["Multiplications"] == tables[1]["Multiplications"] and tables[0]["Step"] != tables[1]["Step"]
    assert len(on.figures["Bottleneck block"].data) == len(off.figures["Bottleneck block"].data) + 1


@pytest.mark.parametrize("seed", range(4))
def test_gradients_grow_far_slower_with_the_residual(seed: int) -> None:
    with_input, without = (gradients(16, 6, residual, seed) for residual in (True, False))
    assert len(with_input) == 13 and with_input[-1] == without[-1] == 1
    assert without[0] > 3 * with_input[0] > 3
    # Without it by about a constant factor a block: its logarithm falls on a line.
    steps = np.diff(np.log(without))
    assert np.corrcoef(np.arange(13), np.log(without))[0, 1] < -0.99 and (steps < 0).all()


def test_networks_counted() -> None:
    frames = list(LAB.frames(MobileNet()))
    assert "Networks" not in frames[0].tables  # it would keep the first frame waiting
    table = frames[-1].tables["Networks"]
    counted = dict(zip(table["Network"], table["Parameters"], strict=True))
    assert counted["MobileNet v1"] == "4,231,976" and counted["MobileNet v2"] == "3,504,872"
    assert [sum(bar.y) for bar in frames[-1].figures["Parameters by stage"].data] == [4_231_976, 3_504_872]
