import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

from engine.data.media import Picture
from engine.errors import BadInput
from engine.functional.convolution import EDGE_KERNELS
from engine.lab import Event, Frame
from engine.labs.cnns.edges import LAB, SIDE, Edges, chosen_kernel, frame_steps, grey_levels


def grey_picture(levels: np.ndarray) -> Picture:
    return Picture(np.repeat(levels.astype(np.uint8)[:, :, None], 3, axis=2), "test", "0" * 12)


def first(params: Edges) -> Frame:
    return next(LAB.run(params))


def half_bright() -> Picture:
    levels = np.zeros((6, 6))
    levels[:, :3] = 10
    return grey_picture(levels)


def test_half_bright_picture_of_the_course() -> None:
    frame = first(Edges(picture=half_bright()))
    assert frame.figures["Response"].data[0].z.tolist() == [[0, 30, 30, 0]] * 4
    assert (frame.metrics["Strongest response"], frame.metrics["Map"]) == ("+30", "4 x 4")


@pytest.mark.parametrize("kernel", [*EDGE_KERNELS, "own"])
def test_response_equals_scipy(kernel: str) -> None:
    params = Edges(kernel=kernel, own=((0.5, -1.25, 3), (0, 2, 0), (1, 0, 0.1)))
    shown = first(params).figures["Response"].data[0].z
    theirs = correlate2d(grey_levels(params.picture).numpy(), chosen_kernel(params).numpy(), "valid")
    np.testing.assert_allclose(shown, theirs, rtol=1e-6, atol=1e-3)
    assert np.abs(theirs).max() > 100


@pytest.mark.parametrize("kernel", ["vertical", "scharr-vertical", "laplacian"])
def test_learned_kernel_converges_to_the_target(kernel: str) -> None:
    params = Edges(kernel=kernel)
    frame = LAB.last_frame(params)
    learned = frame.figures["Learned kernel"].data[0].z
    assert np.abs(learned - EDGE_KERNELS[kernel]).max() < 1e-2
    assert frame.progress == 1 and not frame.diverged


def test_costs_only_fall_and_frames_follow_the_steps() -> None:
    *_, before, last = LAB.run(Edges(steps=3000))
    curve = last.figures["Matching cost"].data[0]
    assert (np.diff(curve.y) <= 0).all()
    assert {0, *curve.x} == frame_steps(3000)
    assert before.progress < last.progress == 1


def test_same_seed_same_frames() -> None:
    one, two = (list(LAB.run(Edges(seed=3, steps=200))) for _ in range(2))
    assert [f.figures["Learned kernel"].to_json() for f in one] == [f.figures["Learned kernel"].to_json() for f in two]
    assert [f.metrics for f in one] == [f.metrics for f in two]
    other = first(Edges(seed=4)).figures["Learned kernel"].data[0].z
    assert not np.array_equal(one[0].figures["Learned kernel"].data[0].z, other)


def test_one_edge_does_not_pin_the_kernel_down() -> None:
    frame = LAB.last_frame(Edges(picture="half-and-half"))
    assert float(frame.metrics["Matching cost"]) < 1e-9
    assert float(frame.metrics["Largest gap to the kernel"]) > 0.1


def test_too_high_a_rate_diverges_with_a_remedy() -> None:
    frame = LAB.last_frame(Edges(rate=1.05))
    assert frame.diverged and np.isfinite(frame.figures["Learned kernel"].data[0].z).all()
    assert not LAB.last_frame(Edges(**frame.remedy)).diverged


def test_window_is_the_sum_of_its_products() -> None:
    params = Edges(kernel="sobel-vertical", row=30, column=40)
    frame = first(params)
    cells = frame.figures["One window"].data[0]
    picture, response = frame.figures["Picture"], frame.figures["Response"]
    expected = picture.data[0].z[30:33, 40:43] * np.array(EDGE_KERNELS["sobel-vertical"])
    assert cells.z.tolist() == expected.tolist()
    assert cells.z.sum() == response.data[0].z[30, 40]
    assert frame.figures["One window"].layout.xaxis.title.text == f"sum {cells.z.sum():g}"
    factors = [[re.fullmatch(r"(\d+) × (-?\d+)", text) for text in row] for row in cells.text]
    assert [[int(m[1]) * int(m[2]) for m in row if m] for row in factors] == expected.tolist()
    frame_on_picture = picture.layout.shapes[0]
    assert (frame_on_picture.x0, frame_on_picture.y0, frame_on_picture.x1) == (39.5, 29.5, 42.5)


def test_absolute_value_drops_the_sign() -> None:
    signed, absolute = (first(Edges(absolute=on)).figures["Response"].data[0] for on in (False, True))
    assert np.array_equal(np.abs(signed.z), absolute.z)
    assert (signed.zmin, absolute.zmin) == (-signed.zmax, 0)


def size(frame: Frame) -> int:
    return sum(len(figure.to_json(validate=False)) for figure in frame.figures.values())


def test_figures_stay_small() -> None:
    usual = first(Edges())
    assert [usual.figures[title].data[0].z.dtype for title in ("Picture", "Response")] == [np.uint8, np.int16]
    assert size(usual) < 125_000
    assert size(first(Edges(picture="checkerboard", kernel="own", own=((0.1,) * 7,) * 7))) < 250_000


@pytest.mark.parametrize(("shape", "size"), [((1, 1), 3), ((1, 20), 3), ((20, 2), 3), ((6, 6), 7)])
def test_picture_smaller_than_the_kernel(shape: tuple[int, int], size: int) -> None:
    params = Edges(picture=grey_picture(np.zeros(shape)), kernel="own", own=((1.0,) * size,) * size)
    with pytest.raises(BadInput, match=f"at least {size} pixels"):
        first(params)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_picture_and_empty_kernel(level: int) -> None:
    flat = grey_picture(np.full((3, 3), level))
    frame = LAB.last_frame(Edges(picture=flat, steps=50))
    assert (frame.metrics["Map"], frame.metrics["Strongest response"], frame.metrics["Matching cost"]) == (
        "1 x 1",
        "+0",
        "0",
    )
    assert not frame.diverged
    LAB.last_frame(Edges(kernel="own", own=((0,) * 3,) * 3, steps=10))


def click(params: Edges, figure: str, x: float, y: float) -> Edges:
    assert LAB.respond is not None
    changes = LAB.respond(params, Event("click", figure, x=x, y=y))
    return params.model_validate(dict(params) | changes)


def test_a_click_picks_the_window() -> None:
    on_picture, on_map = (click(Edges(), figure, 50.2, 33.4) for figure in ("Picture", "Response"))
    assert (on_picture.row, on_picture.column) == (32, 49)
    assert (on_map.row, on_map.column) == (33, 50)
    assert click(Edges(), "Kernel", 1, 1) == Edges()


@settings(deadline=None)
@given(st.sampled_from(["Picture", "Response", "Kernel", ""]), st.floats(), st.floats())
def test_any_click_stays_valid(figure: str, x: float, y: float) -> None:
    clicked = click(Edges(), figure, x, y)
    assert 0 <= clicked.row < SIDE and 0 <= clicked.column < SIDE
