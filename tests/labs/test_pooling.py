"""Pooling forward and backward, against PyTorch."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, max_pool2d

from engine.lab import Event
from engine.labs.cnns.pooling import LAB, Pooling, both_ways, chosen_input, chosen_slide

SETTINGS = [
    {"kind": kind, "picture": picture, "n": n, "f": f, "stride": s, "seed": seed}
    for kind, picture, n, f, s, seed in product(
        ("max", "average"), ("numbers", "ties", "course"), range(4, 9), range(1, 5), range(1, 5), (0, 1)
    )
    if picture != "course" or n == 4
]
BACK, FORTH, MASK = "Gradient dA_prev", "Output A", "Mask × gradient"


def theirs(params: Pooling, grad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PyTorch's output and its gradient by the input."""
    x = chosen_input(params)[None, None].requires_grad_()
    pool = max_pool2d if params.kind == "max" else avg_pool2d
    output = pool(x, params.f, params.stride)
    output.backward(torch.from_numpy(grad)[None, None])
    return output[0, 0].detach().numpy(), x.grad[0, 0].numpy()


def test_both_ways_equal_torch_for_every_setting() -> None:
    assert len(SETTINGS) == 704
    for changed in SETTINGS:
        params = Pooling(**changed)
        ours = both_ways(params)
        output, gradient = theirs(params, ours.grad)
        np.testing.assert_allclose(ours.output, output, atol=1e-12, err_msg=str(changed))
        np.testing.assert_allclose(ours.gathered[-1], gradient, atol=1e-12, err_msg=str(changed))


@pytest.mark.parametrize("changed", [{}, *LAB.presets.values()])
def test_the_walk_goes_forward_and_then_backward(changed: dict) -> None:
    params = Pooling(**changed)
    frames, count = list(LAB.frames(params)), chosen_slide(params).count
    grad = frames[0].figures["Gradient dA"].data[0].z.astype(np.float64)
    output, gradient = theirs(params, grad)
    assert len(frames) == 2 * count
    for t, frame in enumerate(frames[:count]):
        shown = frame.figures[FORTH].data[0].z.flatten()
        np.testing.assert_allclose(shown[: t + 1], output.flatten()[: t + 1], rtol=1e-6)
        assert np.isnan(shown[t + 1 :]).all() and np.isnan(frame.figures[BACK].data[0].z).all()
        assert frame.metrics["Pass"] == "forward"
    held = np.zeros_like(gradient)
    slide = chosen_slide(params)
    for t, frame in enumerate(frames[count:]):
        top, left, f, _ = slide.box(t)
        share = frame.figures[MASK].data[0].z
        assert share.sum() == pytest.approx(grad.flatten()[t], rel=1e-6)
        held[top : top + f, left : left + f] += share
        np.testing.assert_allclose(frame.figures[BACK].data[0].z, held, atol=1e-5)
        assert frame.metrics["Pass"] == "backward"
    np.testing.assert_allclose(held, gradient, atol=1e-5)
    assert held.sum() == pytest.approx(grad.sum(), rel=1e-6)


def test_the_course_example() -> None:
    result = both_ways(Pooling())
    assert result.output.tolist() == [[9, 2], [6, 3]]
    (a, b), (c, d) = result.grad
    assert result.gathered[-1].tolist() == [[0, 0, b, 0], [0, a, 0, 0], [0, 0, 0, d], [0, c, 0, 0]]


def test_a_tie_gives_the_first_cell_everything_and_is_told() -> None:
    params = Pooling(picture="ties", f=3, stride=2)
    frames = list(LAB.frames(params))
    assert "4 times, and the first one counts" in frames[0].says
    assert [np.count_nonzero(f.figures[MASK].data[0].z) for f in frames[4:]] == [1] * 4


@pytest.mark.parametrize("kind", ["max", "average"])
def test_the_mask_is_written_with_its_gradient(kind: str) -> None:
    params = Pooling(kind=kind, picture="ties", f=3, stride=1)
    for frame in list(LAB.frames(params))[chosen_slide(params).count :]:
        cells = frame.figures[MASK].data[0]
        products = [[Fraction(part) for part in text.split(" × ")] for row in cells.text for text in row]
        np.testing.assert_allclose([float(mask * grad) for mask, grad in products], cells.z.flatten(), rtol=1e-6)
        assert sum(mask for mask, _ in products) == 1
    assert np.isnan(next(LAB.frames(params)).figures[MASK].data[0].z).all()


def test_shares_that_meet_are_told() -> None:
    average = Pooling(kind="average", picture="numbers", n=4, f=2, stride=1)
    says = [frame.says for frame in list(LAB.frames(average))[9:]]
    assert "add up" not in says[0] and "2 of its cells" in says[1] and "3 of its cells" in says[4]


def test_the_window_lights_what_its_output_is_made_of() -> None:
    for kind, expected in (("max", (1, 1, 1)), ("average", (0, 0, 2))):
        frame = next(LAB.frames(Pooling(kind=kind)))
        shape = frame.figures["One window"].layout.shapes[-1]
        assert (shape.y0 + 0.5, shape.x0 + 0.5, shape.x1 - shape.x0) == expected


def click(params: Pooling, figure: str, row: float, column: float) -> int:
    return Pooling(**dict(params) | LAB.respond(params, Event("click", figure, x=column, y=row))).step


def test_a_click_goes_to_the_window_in_its_direction() -> None:
    params = Pooling(step=7)
    assert [click(params, title, 1, 0) for title in ("Output A", "Gradient dA")] == [3, 7]
    assert [click(params, title, 2, 3) for title in ("Input A_prev", BACK)] == [4, 8]
    assert click(params, "One window", 0, 0) == click(params, "Output A", 5, 0) == click(params, BACK, 4, 4) == 7


def test_walks_stay_small_and_open_where_asked() -> None:
    params = Pooling(picture="numbers", n=8, f=1, stride=1, step=100)
    frames = list(LAB.frames(params))
    assert len(frames) == 64 and frames[LAB.opens(params)].metrics["Step"] == "100 of 128"
    assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_000_000
    assert LAB.opens(Pooling(step=128)) == 7
