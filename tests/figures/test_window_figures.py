"""Grids of numbers: where cells and frames stand, and where a point of the figure leads."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.figures.windows import NARROW, grid, sizes
from engine.results.windows import Box, Panels, Slide, inside, opening, padded, picked, section, written

SMALL = st.integers(0, 4)


@given(SMALL, SMALL, st.integers(1, 6), st.integers(1, 6), st.integers(0, 3), st.data())
def test_a_point_leads_back_to_its_cell(
    down: int, across: int, h: int, w: int, border: int, data: st.DataObject
) -> None:
    row, column = data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))
    off = data.draw(st.floats(-0.49, 0.49))
    x, y = across * (w + 1) + column - border + off, down * (h + 1) + row - border - off
    assert picked(x, y, h, w, border) == (down, across, row - border, column - border)
    assert picked(across * (w + 1) + w - border, y, h, w, border) is None
    assert picked(math.nan, y, h, w) is picked(x, -math.inf, h, w) is picked(-2, y, h, w) is None


def test_numbers_stand_where_their_cells_are() -> None:
    values = np.arange(24.0).reshape(2, 2, 2, 3)
    trace = grid(Panels(values)).data[0]
    for down, across, i, j in np.ndindex(values.shape):
        place = down * 3 + i, across * 4 + j
        assert trace.z[place] == values[down, across, i, j] == float(trace.text[place[0]][place[1]])
    assert np.isnan(trace.z[2]).all() and np.isnan(trace.z[:, 3]).all() and not any(trace.text[2])


def test_each_channel_has_its_own_scale_at_its_own_place() -> None:
    scales = ([[0, "#fff"], [1, "#f00"]], [[0, "#fff"], [1, "#0f0"]])
    red, green = grid(Panels(np.ones((1, 2, 3, 3))), 9.0, scales).data
    assert (red.x0, green.x0, red.zmin) == (0, 4, 0)
    assert (red.colorscale[1][1], green.colorscale[1][1]) == ("#f00", "#0f0")


@pytest.mark.parametrize("side", [1, 3, 9, 17])
def test_letters_fit_their_cells(side: int) -> None:
    figure = grid(padded(np.full((1, 1, side, side), -12.0), 0))
    cell = min(NARROW / side, figure.layout.height / (side + 1))
    size = figure.data[0].textfont.size
    assert 7 <= size <= 14 and (size == 7 or 0.6 * size * len("-12") <= cell)


def test_the_table_of_sizes_frames_the_setting_and_marks_n() -> None:
    table = np.array([[np.nan, 6], [4, 2]])
    figure = sizes(table, range(1, 3), range(2), (2, 0), 6)
    assert [list(row) for row in figure.data[0].text] == [["none", "<b>6</b>"], ["4", "2"]]
    shape = figure.layout.shapes[-1]
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (1.5, 2.5, -0.5, 0.5)


@given(
    st.integers(3, 9), st.integers(1, 7), st.integers(0, 4), st.integers(1, 4), st.integers(-5, 13), st.integers(-5, 13)
)
def test_the_first_window_over_a_cell(n: int, f: int, p: int, s: int, row: int, column: int) -> None:
    if f > n + 2 * p:
        return
    slide = Slide(n, f, p, s)
    over = [t for t in range(slide.count) if inside(slide.box(t), row, column)]
    assert slide.covering(row, column) == (over[0] if over else None)


@given(st.integers(1, 300), st.integers(0, 400))
def test_a_section_holds_the_step_it_opens_at(count: int, at: int) -> None:
    steps = section(count, at)
    assert len(steps) == min(count, 64) and steps.start >= 0 and steps.stop <= count
    assert steps[opening(count, at)] == min(at, count - 1)


def test_sums_are_written_with_brackets_around_what_is_negative() -> None:
    assert written([1, -2, 0.125], [3, 0, -1]) == "1·3 + (-2)·0 + 0.12·(-1)"
    assert not inside(Box(0, 0, 2, 2), 2, 0) and inside(Box(-1, -1, 2, 2), -1, 0)
