"""k-means on box shapes against a plain reference and scikit-learn, and objects in a grid and back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from torch import Tensor
from torchvision.ops import box_iou

from engine.errors import BadInput
from engine.functional.boxes import (
    decode_grid,
    encode_grid,
    filter_by_score,
    kmeans_anchors,
    kmeans_steps,
    shape_iou,
    slots,
)


def made_sizes(seed: int, n: int = 200) -> Tensor:
    numbers = torch.Generator().manual_seed(seed)
    return (0.7 * torch.randn(n, 2, generator=numbers, dtype=torch.float64) + 3).exp()


def plain_iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    shared = min(a[0], b[0]) * min(a[1], b[1])
    return shared / (a[0] * a[1] + b[0] * b[1] - shared)


def plain_mean_best(sizes: Tensor, anchors: Tensor) -> float:
    return float(np.mean([max(plain_iou(a, b) for b in anchors.tolist()) for a in sizes.tolist()]))


def test_iou_of_shapes() -> None:
    a, b = made_sizes(0, 20), made_sizes(1, 5)
    corners = torch.zeros_like(a), torch.zeros_like(b)
    theirs = box_iou(torch.cat([corners[0], a], 1), torch.cat([corners[1], b], 1))
    torch.testing.assert_close(shape_iou(a, b), theirs)
    assert float(shape_iou(a, b)[3, 2]) == pytest.approx(plain_iou(a[3].tolist(), b[2].tolist()))


@pytest.mark.parametrize("k", [2, 3, 5, 9])
@pytest.mark.parametrize("seed", range(3))
def test_anchors_are_not_below_the_seeded_reference(k: int, seed: int) -> None:
    """scikit-learn's k-means on widths and heights, the best of ten starts, is the reference."""
    sizes = made_sizes(seed)
    anchors = kmeans_anchors(sizes, k, torch.Generator().manual_seed(seed))
    reference = KMeans(k, n_init=10, random_state=seed).fit(sizes.numpy()).cluster_centers_
    ours = plain_mean_best(sizes, anchors)
    assert anchors.shape == (k, 2) and (anchors.prod(1).diff() >= 0).all()
    assert ours >= plain_mean_best(sizes, torch.from_numpy(reference))
    again = kmeans_anchors(sizes, k, torch.Generator().manual_seed(seed))
    assert torch.equal(anchors, again)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_step_is_one_of_plain_k_means(k: int) -> None:
    sizes = made_sizes(4, 80)
    steps = list(kmeans_steps(sizes, k, torch.Generator().manual_seed(4)))
    for now, after in zip(steps, [*steps[1:], None], strict=True):
        anchors = now.anchors.tolist()
        nearest = [int(np.argmax([plain_iou(a, b) for b in anchors])) for a in sizes.tolist()]
        assert now.nearest.tolist() == nearest
        assert now.mean_iou == pytest.approx(plain_mean_best(sizes, now.anchors))
        if after:
            means = [sizes[np.array(nearest) == i].mean(0).tolist() for i in range(k)]
            np.testing.assert_allclose(after.anchors, means)
    assert torch.equal(steps[-1].nearest, steps[-2].nearest)


def test_euclidean_steps_end_where_sklearn_does() -> None:
    sizes = made_sizes(5)
    first, *_, last = kmeans_steps(sizes, 4, torch.Generator().manual_seed(5), "euclidean")
    theirs = KMeans(4, init=first.anchors.numpy(), n_init=1, tol=0, algorithm="lloyd").fit(sizes.numpy())
    np.testing.assert_allclose(last.anchors, theirs.cluster_centers_, rtol=1e-9)


def test_more_anchors_than_shapes() -> None:
    sizes = torch.tensor([[2.0, 3.0], [2.0, 3.0], [4.0, 1.0]])
    assert sorted(kmeans_anchors(sizes, 2, torch.Generator().manual_seed(0)).tolist()) == [[2, 3], [4, 1]]
    for k in (0, 3):
        with pytest.raises(BadInput, match="number of anchors"):
            kmeans_anchors(sizes, k, torch.Generator().manual_seed(0))


edge = st.floats(0, 1, width=32)
objects = st.lists(st.tuples(edge, edge, edge, edge, st.integers(0, 3)), max_size=12)
TALL_AND_WIDE = torch.tensor([[20.0, 60.0], [60.0, 20.0]], dtype=torch.float64)


@settings(deadline=None, max_examples=100)
@given(objects, st.integers(1, 19), st.booleans())
def test_encode_then_decode_gives_the_boxes_back(rows: list[tuple[float, ...]], grid: int, anchored: bool) -> None:
    table = torch.tensor(rows, dtype=torch.float64).reshape(-1, 5)
    low, high = torch.minimum(table[:, :2], table[:, 2:4]), torch.maximum(table[:, :2], table[:, 2:4])
    size = (200.0, 120.0)
    boxes, classes = torch.cat([low, high], 1) * torch.tensor(size * 2, dtype=torch.float64), table[:, 4].long()
    anchors = TALL_AND_WIDE if anchored else None
    target, held = encode_grid(boxes, classes, size, grid, 4, anchors)
    assert target.shape == (grid, grid, 1 + anchored, 9) and held.shape == target.shape[:3]
    found = decode_grid(target, size)
    index = held.flatten()
    torch.testing.assert_close(found[0][index >= 0], boxes[index[index >= 0]], atol=1e-9, rtol=0)
    assert torch.equal(found[2][index >= 0], classes[index[index >= 0]])
    assert found[1].tolist() == (index >= 0).double().tolist()
    filled = target[held >= 0]
    assert (filled[:, 0] == 1).all() and ((filled[:, 1:3] >= 0) & (filled[:, 1:3] <= 1)).all()
    assert (filled[:, 5:].sum(1) == 1).all() and (target[held < 0] == 0).all()


def test_worked_example() -> None:
    """Side 30, 3 x 3: cells of 10. A box of 16 x 24 with its middle at (14, 13) lies in row 1, column 1."""
    target, held = encode_grid(torch.tensor([[6.0, 1, 22, 25]]), torch.tensor([2]), (30, 30), 3, 3)
    expected = torch.tensor([1, 0.4, 0.3, 2.4, 1.6, 0, 0, 1])
    torch.testing.assert_close(target[1, 1, 0], expected)
    assert (held >= 0).nonzero().tolist() == [[1, 1, 0]]
    assert target.sum() == pytest.approx(expected.sum().item())


def test_of_two_in_a_slot_the_first_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 8, 4], [1, 0, 9, 4], [3, 0, 6, 10]])
    classes = torch.tensor([0, 1, 1])
    _, held = encode_grid(boxes, classes, (30, 30), 3, 2)
    assert held[0, 0].tolist() == [0] and (held >= 0).sum() == 1
    _, held = encode_grid(boxes, classes, (30, 30), 3, 2, torch.tensor([[4.0, 9.0], [9.0, 4.0]]))
    assert held[0, 0].tolist() == [2, 0]


def test_a_middle_on_the_border_belongs_to_the_last_cell() -> None:
    at = slots(torch.tensor([[20.0, 20, 40, 40], [-5, -5, 5, 5]]), (30, 30), 3)
    assert at.tolist() == [[2, 2, 0], [0, 0, 0]]


def test_decoding_takes_a_batch_and_multiplies_probabilities() -> None:
    target = torch.zeros(2, 3, 3, 1, 7)
    target[1, 0, 2, 0] = torch.tensor([0.8, 0.5, 0.5, 1, 2, 0.25, 0.75])
    boxes, scores, classes = decode_grid(target, (30, 30))
    assert boxes.shape == (2, 9, 4) and scores.shape == classes.shape == (2, 9)
    left = filter_by_score(boxes[1], scores[1], classes[1], 0.5)
    assert (
        left[0].tolist() == [[15, 0, 35, 10]] and left[1].tolist() == pytest.approx([0.6]) and left[2].tolist() == [1]
    )
