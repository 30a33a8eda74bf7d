"""Receptive fields on the page: what is drawn is where the gradient isn't zero."""

import numpy as np
import pytest
import torch
from torch import nn

from engine.data.media import Picture
from engine.errors import BadInput
from engine.lab import Event, Frame
from engine.labs.cnns.receptive_field import LAB, ReceptiveField


def frame(**changed) -> Frame:
    return LAB.last_frame(ReceptiveField(**changed))


def box(trace) -> tuple[float, float, float, float]:
    """Top, bottom, left and right edge of a drawn field."""
    return min(trace.y), max(trace.y), min(trace.x), max(trace.x)


def seen_by_autograd(rows: list[tuple[int, int, int]], n: int, unit: tuple[int, int]) -> tuple[int, int, int, int]:
    """The edges of the region where the gradient of PyTorch's convolutions with positive weights isn't zero."""
    layers = nn.Sequential(*(nn.Conv2d(1, 1, f, s, p, bias=False) for f, s, p in rows)).double()
    for p in layers.parameters():
        nn.init.constant_(p, 1.0)
    x = torch.zeros(1, 1, n, n, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(layers(x)[0, 0, unit[0], unit[1]], x)
    rows_, columns = (torch.nonzero(gradient[0, 0].any(axis)).flatten() for axis in (1, 0))
    return int(rows_[0]), int(rows_[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


@pytest.mark.parametrize("place", [(0.5, 0.5), (0.02, 0.9), (1.0, 0.0), (0.3, 0.71)])
def test_the_drawn_fields_are_the_regions_of_nonzero_gradient(place):
    own, rows = "conv 5 2 2, conv 3 1 1, pool 2 2, conv 3 1 1", [(5, 2, 2), (3, 1, 1), (2, 2, 0), (3, 1, 1)]
    shown = frame(network="own", own=own, side=60, layer=4, down=place[0], across=place[1])
    units = [tuple(map(int, unit.split(", "))) for unit in shown.tables["Layer by layer"]["unit"][1:]]
    for depth, trace in enumerate(shown.figures["Picture"].data[1:], start=1):
        assert box(trace) == seen_by_autograd(rows[:depth], 60, units[depth - 1])
    assert box(shown.figures["Effective field"].data[1]) == box(shown.figures["Picture"].data[-1])


def test_the_table_is_the_course_s_arithmetic():
    table = frame(network="own", own="conv 3 2 1, conv 3 2 1", side=9, layer=2).tables["Layer by layer"]
    assert (table["n"], table["jump"], table["size"], table["start"]) == (
        [9, 5, 3],
        [1, 2, 4],
        [1, 3, 7],
        [0.5, 0.5, 0.5],
    )
    vgg = frame(network="vgg16", side=224, layer=18, weights="equal")
    assert vgg.metrics["Field size"] == "212 px" and vgg.metrics["Units n"] == "7 x 7"


def test_three_small_kernels_see_as_far_as_one_large():
    three, one = (frame(**LAB.presets[name]) for name in ("Three 3 x 3", "One 7 x 7"))
    assert three.metrics["Field size"] == one.metrics["Field size"] == "7 px"
    assert box(three.figures["Picture"].data[-1]) == box(one.figures["Picture"].data[-1])


def test_a_click_picks_the_unit_there():
    params = ReceptiveField()
    changes = LAB.respond(params, Event("click", "Picture", x=60.0, y=170.0))
    clicked = frame(**changes)
    top, bottom, left, right = box(clicked.figures["Picture"].data[-1])
    jump = 16
    assert abs((top + min(bottom, 170 + 65.5)) / 2 - 170) < jump + 16 and top <= 170 <= bottom and left <= 60 <= right
    row, column = map(int, clicked.tables["Layer by layer"]["unit"][-1].split(", "))
    start = clicked.tables["Layer by layer"]["start"][-1]
    assert abs(start + row * jump - 170) <= jump / 2 and abs(start + column * jump - 60) <= jump / 2
    assert LAB.respond(params, Event("click", "The way down", x=1, y=1)) == {}


def test_the_way_down_ends_in_the_field():
    shown = frame(network="small", side=40, layer=4)
    seen = [trace for trace in shown.figures["The way down"].data if trace.name == "seen"]
    assert len(seen) == 5 and list(seen[-1].y) == [4]
    _, _, left, right = box(shown.figures["Picture"].data[-1])
    assert (seen[0].x[0] - 0.5, seen[0].x[-1] + 0.5) == (left, right)


def test_the_effective_field_of_equal_weights_is_a_bell_inside_the_theoretical_one():
    shown = frame(network="own", own=", ".join(["conv 3 1 1"] * 10), layer=10, side=64, weights="equal")
    levels = shown.figures["Effective field"].data[0].z.astype(float)
    top, bottom, left, right = box(shown.figures["Picture"].data[-1])
    outside = levels.copy()
    outside[top:bottom, left:right] = 0
    assert not outside.any()
    row = levels[(top + bottom) // 2, left:right] ** 2  # the root is drawn
    assert row.argmax() == 10 and (np.diff(row[:11]) >= 0).all() and (np.diff(row[10:]) <= 0).all()
    # Ten steps of -1, 0 or 1 have a variance of 20/3; its bell curve falls to exp(-9 / (2 · 20/3)) three pixels off.
    assert row[13] / row[10] == pytest.approx(np.exp(-9 / (40 / 3)), abs=0.03)
    assert int(shown.metrics["90% of the gradient"].split()[0]) < 21


def test_the_persons_own_picture_is_shown():
    pixels = np.zeros((30, 50, 3), np.uint8)
    pixels[:, :25] = 255
    shown = frame(picture=Picture(pixels, "mine", "0" * 12), side=32, network="small", layer=1)
    levels = shown.figures["Picture"].data[0].z
    assert levels.shape == (32, 32) and (levels[:, :14] > 250).all() and (levels[:, 18:] < 5).all()


def test_layers_beyond_the_last_and_wrong_rows():
    assert frame(network="small", layer=40, side=40).says == frame(network="small", layer=5, side=40).says
    with pytest.raises(BadInput, match="A row must be conv or pool"):
        frame(network="own", own="three by three")
    with pytest.raises(BadInput, match="Layer 1 must have a window of at most 8"):
        frame(network="own", own="conv 11 4", side=8)


def test_padding_beyond_the_picture_is_said():
    assert "sees padding" in frame(network="vgg16", side=64, layer=18).note and not frame().note
