"""The window that slides: sizes, values and places against PyTorch and SciPy."""

import re
from itertools import product

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch.nn.functional import conv2d

from engine.errors import BadInput
from engine.lab import Event, Frame
from engine.labs.cnns.padding_stride import (
    LAB,
    PADDINGS,
    STRIDES,
    PaddingStride,
    chosen_kernel,
    chosen_picture,
    chosen_slide,
    size_table,
    slide_over,
)
from engine.results.windows import Slide

SETTINGS = [*product(range(3, 10), range(1, 8), PADDINGS, STRIDES)]
FITTING = [(n, f, p, s) for n, f, p, s in SETTINGS if f <= n + 2 * p]


def params_of(n: int, f: int, p: int, s: int, **more: object) -> PaddingStride:
    return PaddingStride(n=n, f=f, padding="own", p=p, stride=s, **more)


def theirs(params: PaddingStride) -> np.ndarray:
    """The whole output by SciPy's own convolution, or by PyTorch's."""
    picture, kernel, slide = chosen_picture(params), chosen_kernel(params), chosen_slide(params)
    if params.mode == "convolution":
        whole = convolve2d(np.pad(picture.numpy(), slide.padding), kernel.numpy(), "valid")
        return whole[:: slide.stride, :: slide.stride]
    return conv2d(picture[None, None], kernel[None, None], stride=slide.stride, padding=slide.padding)[0, 0].numpy()


def test_size_equals_torch_for_every_setting() -> None:
    assert len(FITTING) == 928
    for n, f, p, s in FITTING:
        shape = conv2d(torch.ones(1, 1, n, n), torch.ones(1, 1, f, f), stride=s, padding=p).shape
        slide = chosen_slide(params_of(n, f, p, s))
        assert (slide.side, slide.side) == tuple(shape[2:]), (n, f, p, s)
        assert size_table(n, f)[p, s - 1] == slide.side
    for n, f, p, s in set(SETTINGS) - set(FITTING):
        with pytest.raises(BadInput, match=f"at least {f} pixels"):
            chosen_slide(params_of(n, f, p, s))
        assert np.isnan(size_table(n, f)[p, s - 1])


def test_values_equal_torch_and_scipy_for_every_setting() -> None:
    source = torch.Generator().manual_seed(0)
    for n, f, p, s in FITTING:
        picture, kernel = (torch.randint(-9, 10, (k, k), generator=source).double() for k in (n, f))
        slide = Slide(n, f, p, s)
        correlated = conv2d(picture[None, None], kernel[None, None], stride=s, padding=p)[0, 0]
        convolved = convolve2d(np.pad(picture.numpy(), p), kernel.numpy(), "valid")[::s, ::s]
        for flipped, expected in ((False, correlated), (True, convolved)):
            ours = slide_over(picture, kernel, slide, flipped)
            np.testing.assert_allclose(ours, expected, atol=1e-9, err_msg=str((n, f, p, s, flipped)))


def test_windows_cover_what_autograd_says_they_cover() -> None:
    for n, f, p, s in FITTING:
        slide = Slide(n, f, p, s)
        picture = torch.zeros(1, 1, n + 2 * p, n + 2 * p, requires_grad=True)
        output = conv2d(picture, torch.ones(1, 1, f, f), stride=s)
        for window in {0, slide.count // 2, slide.count - 1}:
            (seen,) = torch.autograd.grad(output.flatten()[window], picture, retain_graph=True)
            rows, columns = np.nonzero(seen[0, 0].numpy())
            box = slide.box(window)
            assert (rows.min() - p, columns.min() - p) == (box.top, box.left)
            assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (box.height, box.width)
        (reached,) = torch.autograd.grad(output.sum(), picture)
        assert int(np.flatnonzero(reached[0, 0].numpy().any(1)).max()) == n + 2 * p - slide.lost - 1


@pytest.mark.parametrize("changed", [{}, *LAB.presets.values(), {"kernel": "own", "own": ((0.5,) * 5,) * 5, "n": 7}])
def test_the_walk_fills_the_output_window_by_window(changed: dict) -> None:
    params = PaddingStride(**changed)
    frames, expected, slide = list(LAB.frames(params)), theirs(params), chosen_slide(params)
    assert len(frames) == slide.count
    for t, frame in enumerate(frames):
        z = frame.figures["Output"].data[0].z
        np.testing.assert_allclose(z.flatten()[: t + 1], expected.flatten()[: t + 1], rtol=1e-6)
        assert np.isnan(z.flatten()[t + 1 :]).all()
        cells = frame.figures["One window"].data[0]
        assert cells.z.sum() == pytest.approx(expected.flatten()[t])
        factors = [re.fullmatch(r"(.+) × (.+)", text) for row in cells.text for text in row]
        assert [float(m[1]) * float(m[2]) for m in factors if m] == pytest.approx(cells.z.flatten().tolist())
        terms, total = re.search(r": (.+) = (-?[\d.]+)\.$", frame.says).groups()
        assert eval(terms.replace("·", "*")) == pytest.approx(float(total)) == pytest.approx(expected.flatten()[t])


def lit(frame: Frame, title: str) -> tuple[float, ...] | None:
    """Where the frame of the last shape starts, and its size."""
    boxes = [s for s in frame.figures[title].layout.shapes if s.line.width == 3]
    return (boxes[-1].y0 + 0.5, boxes[-1].x0 + 0.5, boxes[-1].y1 - boxes[-1].y0) if boxes else None


def test_the_window_and_its_output_are_lit_together() -> None:
    params = params_of(6, 3, 1, 2)
    for t, frame in enumerate(LAB.frames(params)):
        i, j = divmod(t, 3)
        assert lit(frame, "Input") == (2 * i - 1, 2 * j - 1, 3)
        assert lit(frame, "Output") == (i, j, 1)


def test_the_border_is_drawn_apart_and_the_lost_cells_are_dimmed() -> None:
    figure = next(LAB.frames(params_of(6, 3, 2, 4))).figures["Input"]
    cells = figure.data[0]
    assert (cells.x0, cells.y0, cells.z.shape) == (-2, -2, (10, 10))
    inner = np.full((10, 10), False)
    inner[2:8, 2:8] = True
    assert np.array_equal(np.isnan(cells.z), ~inner)
    assert (np.array(cells.text)[~inner] == "0").all()
    assert [s.type for s in figure.layout.shapes] == ["rect", "path", "rect", "rect", "rect"]
    dims = [s for s in figure.layout.shapes if s.opacity == 0.6]
    assert {(s.x0, s.y0, s.x1, s.y1) for s in dims} == {(-2.5, 4.5, 7.5, 7.5), (4.5, -2.5, 7.5, 4.5)}


def test_the_size_is_written_out_with_what_is_lost() -> None:
    note = next(LAB.frames(params_of(6, 3, 1, 2))).note
    assert "⌊(6 + 2·1 − 3)/2⌋ + 1 = ⌊2.5⌋ + 1 = 3" in note and "last row and column" in note
    assert "no window" not in next(LAB.frames(params_of(5, 3, 1, 2))).note
    assert "size isn't kept" in next(LAB.frames(PaddingStride(f=4, padding="same"))).note
    assert "skips" in next(LAB.frames(PaddingStride(f=2, stride=3))).note


@pytest.mark.parametrize("f", [1, 3, 5, 7])
def test_same_keeps_the_size(f: int) -> None:
    for n in range(3, 10):
        assert chosen_slide(PaddingStride(n=n, f=f, padding="same", stride=1)).side == n
        assert chosen_slide(PaddingStride(n=n, f=f, padding="same", stride=3)).side == -(-n // 3)


def test_both_kernels_are_shown_and_the_one_in_use_is_framed() -> None:
    for mode, used, other in (
        ("correlation", "Kernel", "Kernel turned by 180°"),
        ("convolution", "Kernel turned by 180°", "Kernel"),
    ):
        frame = next(LAB.frames(PaddingStride(mode=mode)))
        assert lit(frame, used) and not lit(frame, other)
        turned = np.rot90(frame.figures["Kernel"].data[0].z, 2)
        assert np.array_equal(frame.figures["Kernel turned by 180°"].data[0].z, turned)


def click(params: PaddingStride, figure: str, row: float, column: float) -> PaddingStride:
    changes = LAB.respond(params, Event("click", figure, x=column, y=row))
    return params.model_validate(dict(params) | changes)


def test_a_click_goes_to_the_window() -> None:
    params = params_of(6, 3, 1, 2)
    assert click(params, "Output", 1.2, 1.9).window == 6
    assert click(params, "Input", -1, -1).window == 1
    assert click(params, "Input", 3, 0).window == 4
    assert click(params, "Input", 6, 6) == params
    assert click(params, "Output", 3, 0) == click(params, "Input", 0, 9) == params
    sized = click(params, "Output size", 3.1, 3.9)
    assert (sized.padding, sized.p, sized.stride) == ("own", 3, 4)
    assert click(params, "Output size", 5, 5) == params


def test_opening_is_the_window_asked_for_or_the_last() -> None:
    for window, opens in ((1, 0), (9, 8), (200, 8)):
        assert LAB.opens(params_of(6, 3, 1, 2, window=window)) == opens


def test_long_walks_are_cut_around_the_window_and_say_so() -> None:
    params = params_of(9, 1, 4, 1, window=200)
    frames = list(LAB.frames(params))
    assert len(frames) == 64 and frames[LAB.opens(params)].metrics["Window"] == "200 of 289"
    assert "168 to 231 of 289" in frames[0].note
    assert frames[-1].progress == 1


def test_walks_stay_small() -> None:
    for changed in ({"n": 9, "f": 7, "padding": "own", "p": 4, "stride": 1}, {"n": 9, "f": 1, "stride": 1}):
        frames = LAB.frames(PaddingStride(**changed))
        assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_000_000


def test_the_erratum_counts_windows() -> None:
    mistake = LAB.mistakes["same-padding"](PaddingStride(n=6, f=3))
    assert "7 x 7" in mistake.wrong and "6 + 2 − 3 + 1 = 6" in mistake.right
    assert "= 1 windows" in LAB.mistakes["same-padding"](PaddingStride(n=3, f=7)).right
