"""Transposed convolution: equal to PyTorch's, and the adjoint of convolution."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d, interpolate

from engine.errors import BadInput
from engine.functional.convolution import conv_transpose
from engine.functional.transposed import (
    convolution_matrix,
    stamps_a_cell,
    transposed,
    transposed_matrix,
    transposed_size,
)
from engine.lab import Event, Frame
from engine.labs.detection.transposed_conv import (
    LAB,
    TransposedConv,
    both_products,
    chosen_input,
    chosen_kernels,
    extra_of,
    matrices,
)

SETTINGS = [
    (n, f, s, p, e)
    for n, f, s, p in product((1, 2, 4), range(1, 6), range(1, 5), range(3))
    for e in range(s)
    if (n - 1) * s - 2 * p + f + e > 0
]


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_it_equals_torch() -> None:
    for n, f, s, p, e in SETTINGS:
        x, w = drawn(2, 3, n, n), drawn(3, 2, f, f)
        theirs = conv_transpose2d(x, w, stride=s, padding=p, output_padding=e)
        ours = transposed(x, w, s, p, e)
        assert ours.shape[-1] == transposed_size(n, f, p, s, e)
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)
        if not e:
            torch.testing.assert_close(conv_transpose(x, w, torch.zeros(2), s, p), theirs, atol=1e-10, rtol=0)


def test_it_is_the_adjoint_of_torchs_convolution() -> None:
    for n, f, s, p, e in SETTINGS:
        side = transposed_size(n, f, p, s, e)
        x, w, y = drawn(1, 3, n, n), drawn(3, 2, f, f), drawn(1, 2, side, side)
        down = (conv2d(y, w, stride=s, padding=p) * x).sum()
        assert float(down) == pytest.approx(float((y * transposed(x, w, s, p, e)).sum()), abs=1e-9)


@pytest.mark.parametrize(("s", "p", "e"), [(1, 0, 0), (2, 1, 1), (3, 0, 2)])
def test_its_matrix_is_the_transpose_of_the_convolutions(s: int, p: int, e: int) -> None:
    w = drawn(2, 1, 3, 3)
    side = transposed_size(3, 3, p, s, e)
    down, up = convolution_matrix(w, side, s, p), transposed_matrix(w, 3, s, p, e)
    assert down.shape == (18, side**2) and torch.equal(down.T, up)
    x, y = drawn(2, 3, 3), drawn(1, side, side)
    theirs = (
        conv2d(y[None], w, stride=s, padding=p).flatten(),
        conv_transpose2d(x[None], w, stride=s, padding=p, output_padding=e),
    )
    torch.testing.assert_close(down @ y.flatten(), theirs[0])
    torch.testing.assert_close(up @ x.flatten(), theirs[1].flatten())


def output(frame: Frame) -> np.ndarray:
    return np.array([[float(t or "nan") for t in row] for row in frame.figures["Output"].data[0].text])


@pytest.mark.parametrize("changed", [{}, *LAB.presets.values(), {"input": "numbers", "n": 5, "channels": 3, "seed": 2}])
def test_the_walk_ends_at_torchs_output(changed: dict) -> None:
    params = TransposedConv(**changed)
    frames, x, w = list(LAB.frames(params)), chosen_input(params), chosen_kernels(params)
    assert len(frames) == min(64, x.numel()) and frames[LAB.opens(params)].metrics["Stamp"].startswith(
        f"{params.step} "
    )
    if x.numel() > 64:
        frames = list(LAB.frames(params.model_copy(update={"step": x.numel()})))
    p = params.padding
    theirs = conv_transpose2d(x[None], w, stride=params.stride, output_padding=extra_of(params))[0, 0].numpy()
    last = np.nan_to_num(output(frames[-1]))
    np.testing.assert_allclose(last, theirs, atol=0.0051)
    assert last.shape[0] - 2 * p == int(frames[-1].metrics["Output"].split()[0])


def test_every_stamp_adds_its_multiple_of_the_kernel() -> None:
    params = TransposedConv()
    before = np.zeros((6, 6))
    for t, frame in enumerate(LAB.frames(params)):
        now = np.nan_to_num(output(frame))
        (i, j), number = divmod(t, 2), float(chosen_input(params).flatten()[t])
        expected = np.zeros((6, 6))
        expected[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] = number * chosen_kernels(params)[0, 0].numpy()
        np.testing.assert_array_equal(now - before, expected)
        np.testing.assert_array_equal(frame.figures["Stamp"].data[0].z, number * chosen_kernels(params)[0, 0].numpy())
        assert frame.figures["Stamp"].data[0].text[0][1] == f"{number:g} × 2"
        before = now


def test_the_courses_example() -> None:
    frame = LAB.last_frame(TransposedConv())
    inside = output(frame)[1:-1, 1:-1]
    assert inside.tolist() == [[0, 4, 0, 1], [10, 7, 6, 3], [0, 7, 0, 2], [6, 3, 4, 2]]


def test_the_shown_products_and_matrices_agree() -> None:
    for changed in ({}, *LAB.presets.values()):
        one, other = both_products(TransposedConv(**changed))
        assert one == pytest.approx(other, abs=1e-9)
        down, up = matrices(TransposedConv(**changed))
        np.testing.assert_array_equal(down.T, up)
    frame = next(LAB.frames(TransposedConv()))
    w, transpose = (frame.figures[t].data[0].z for t in ("Convolution W", "Transposed convolution Wᵀ"))
    assert w.shape == (4, 16) and np.array_equal(w.T, transpose)


@pytest.mark.parametrize(("f", "s"), [(2, 1), (3, 2), (4, 2), (5, 3), (3, 3), (4, 4), (5, 2)])
def test_stamps_lie_evenly_only_where_the_stride_divides_the_kernel(f: int, s: int) -> None:
    params = TransposedConv(kernel="ones", f=f, stride=s)
    theirs = conv_transpose2d(torch.ones(1, 1, 5, 5), torch.ones(1, 1, f, f), stride=s)[0, 0].numpy()
    counts = stamps_a_cell(f, s, 5).numpy()
    np.testing.assert_array_equal(counts, theirs)
    edge = f - 1
    inner = counts[edge : len(counts) - edge, edge : len(counts) - edge]
    assert (inner.min() == inner.max()) == (f % s == 0)
    assert {inner.min(), inner.max()} == {(f // s) ** 2, (-(-f // s)) ** 2}
    assert (
        next(LAB.frames(params)).metrics["Stamps a cell"] == f"up to {theirs.max():g}, {'uneven' if f % s else 'even'}"
    )


@pytest.mark.parametrize("s", [2, 3])
def test_the_tent_enlarges_as_bilinear_interpolation_does(s: int) -> None:
    x, f = drawn(1, 1, 5, 5), 2 * s - s % 2
    w = chosen_kernels(TransposedConv(kernel="tent", f=f))
    ours = transposed(x, w, s, (f - s) // 2, (f - s) % 2)
    theirs = interpolate(x, scale_factor=s, mode="bilinear", align_corners=False)
    torch.testing.assert_close(ours[..., s:-s, s:-s], theirs[..., s:-s, s:-s])


def test_a_click_on_the_input_picks_its_stamp() -> None:
    params = TransposedConv(channels=2)
    assert LAB.respond(params, Event("click", "Input", x=1, y=1)) == {"step": 4}
    assert LAB.respond(params, Event("click", "Input", x=3, y=1)) == {"step": 7}
    assert LAB.respond(params, Event("click", "Output", x=1, y=1)) == {}


def test_hovering_the_input_knows_the_steps() -> None:
    for t, frame in enumerate(LAB.frames(TransposedConv()), start=1):
        figure = frame.figures["Input"]
        assert figure.layout.meta["step"] == t and figure.data[0].customdata.tolist() == [[1, 2], [3, 4]]


def test_padding_that_leaves_nothing_says_so() -> None:
    with pytest.raises(BadInput, match="at least one row of 3, got 3"):
        transposed_size(1, 3, 3)


def test_walks_stay_small() -> None:
    for changed in ({"n": 5, "input": "numbers", "f": 7, "kernel": "ones", "stride": 4}, {"n": 4, "input": "ones"}):
        frames = LAB.frames(TransposedConv(**changed))
        assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_000_000
