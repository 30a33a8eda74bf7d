import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import box_area, box_iou

from engine.functional.boxes import area, intersection, iou

edge = st.integers(-1000, 1000).map(float)
side = st.integers(0, 500).map(float)


def boxes() -> st.SearchStrategy[Tensor]:
    one = st.tuples(edge, edge, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
    return st.lists(one, min_size=1, max_size=6).map(lambda rows: torch.tensor(rows, dtype=torch.float64))


def random_boxes(count: int, seed: int) -> Tensor:
    """Boxes of which every fourth is without width, height or both."""
    corners = torch.rand(count, 2, 2, generator=torch.Generator().manual_seed(seed)) * 100
    found = torch.cat([corners.amin(1), corners.amax(1)], dim=1)
    found[::4, 2] = found[::4, 0]
    found[::8, 3] = found[::8, 1]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_iou_equals_torchvision(seed: int) -> None:
    a, b = random_boxes(200, seed), random_boxes(150, seed + 100)
    b[:50] = a[:50]
    theirs = box_iou(a, b)
    ours = iou(a, b)
    assert ours.shape == (200, 150)
    degenerate = theirs.isnan()
    assert degenerate.any()
    assert (ours[degenerate] == 0).all()
    torch.testing.assert_close(ours[~degenerate], theirs[~degenerate], atol=1e-6, rtol=0)


def test_area_equals_torchvision() -> None:
    found = random_boxes(200, 0)
    torch.testing.assert_close(area(found), box_area(found))
    assert area(torch.tensor([[4.0, 4, 2, 2], [2, 2, 4, 1]])).tolist() == [0, 0]


def test_worked_example_is_one_seventh() -> None:
    a, b = torch.tensor([[2.0, 1, 4, 3]]), torch.tensor([[1.0, 2, 3, 4]])
    assert intersection(a, b).tolist() == [[[2, 2, 3, 3]]]
    assert iou(a, b).item() == pytest.approx(1 / 7)


@settings(deadline=None)
@given(boxes(), boxes())
def test_symmetric_and_between_zero_and_one(a: Tensor, b: Tensor) -> None:
    found = iou(a, b)
    assert ((found >= 0) & (found <= 1)).all()
    assert torch.equal(found, iou(b, a).T)


@settings(deadline=None)
@given(boxes(), boxes(), edge, edge)
def test_moving_both_changes_nothing(a: Tensor, b: Tensor, right: float, down: float) -> None:
    by = torch.tensor([right, down, right, down], dtype=torch.float64)
    torch.testing.assert_close(iou(a + by, b + by), iou(a, b))


@settings(deadline=None)
@given(boxes())
def test_a_box_with_itself(a: Tensor) -> None:
    assert torch.equal(iou(a, a).diagonal(), (area(a) > 0).double())
