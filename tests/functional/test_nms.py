"""Non-max suppression against torchvision.ops, and its steps."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, product
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision import ops

from engine.functional import boxes as module
from engine.functional.boxes import batched_nms, filter_by_score, nms, nms_steps

THRESHOLDS = (0.0, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.7, 1.0)
MOST, EACH = 12, 313  # boxes in a case, and cases of every kind at every threshold: 10,016 cases


def made(kind: int, n: int, numbers: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, scores and classes: anywhere, on whole pixels (with ties of IoU, and some without area), crowded, in float64."""
    if kind == 1:
        corners = torch.randint(0, 8, (n, 2, 2), generator=numbers).float()
    elif kind == 2:
        first = torch.rand(n, 2, generator=numbers) * 20
        corners = torch.stack([first, first + torch.rand(n, 2, generator=numbers) * 50], dim=1)
    else:
        corners = torch.rand(n, 2, 2, generator=numbers, dtype=torch.float64 if kind else torch.float32) * 50
    scores = torch.rand(n, generator=numbers)
    if kind % 2:
        scores = torch.randint(0, 5, (n,), generator=numbers) / 4  # equal scores
    classes = torch.randint(0, 3, (n,), generator=numbers)
    return torch.cat([corners.amin(1), corners.amax(1)], dim=1), scores.to(corners.dtype), classes


class Cases(NamedTuple):
    """Cases of one kind, one after another: boxes, scores and classes of all, and how many boxes each case has, 0 to 12."""

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    sizes: list[int]
    threshold: float

    def each(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        return zip(*(table.split(self.sizes) for table in self[:3]), strict=True)


def cases(each: int) -> Iterator[Cases]:
    numbers = torch.Generator().manual_seed(0)
    for kind, threshold in product(range(4), THRESHOLDS):
        sizes = torch.randint(0, MOST + 1, (each,), generator=numbers).tolist()
        yield Cases(*made(kind, sum(sizes), numbers), sizes, threshold)


def disagreements(each: int) -> Counter[str]:
    """In how many sets of cases NMS, alone and by class, keeps other boxes than torchvision in any of them.

    A set is asked at once, each case being classes of its own, because that is quicker.
    """
    told: Counter[str] = Counter()
    for some in cases(each):
        case = torch.arange(each).repeat_interleave(torch.tensor(some.sizes))
        start = [0, *accumulate(some.sizes)]
        theirs = [ops.nms(boxes, scores, some.threshold) for boxes, scores, _ in some.each()]
        by_class = [ops.batched_nms(*one, some.threshold) for one in some.each()]
        for name, groups, found in (("nms", case, theirs), ("batched", case * 3 + some.classes, by_class)):
            kept = batched_nms(some.boxes, some.scores, groups, some.threshold)
            expected = torch.cat([one + first for one, first in zip(found, start, strict=False)])
            told[name] += kept[case[kept].argsort(stable=True)].tolist() != expected.tolist()
        told["cases"] += each
        told["empty"] += some.sizes.count(0)
        told["degenerate"] += int((ops.box_area(some.boxes) == 0).sum())
    return told


def disagreements_one_by_one(each: int) -> Counter[str]:
    """In how many cases NMS, NMS by class, and the steps of both keep other boxes than torchvision."""
    told: Counter[str] = Counter()
    for some in cases(each):
        for boxes, scores, classes in some.each():
            theirs = ops.nms(boxes, scores, some.threshold).tolist()
            by_class = ops.batched_nms(boxes, scores, classes, some.threshold).tolist()
            told["nms"] += nms(boxes, scores, some.threshold).tolist() != theirs
            told["batched"] += batched_nms(boxes, scores, classes, some.threshold).tolist() != by_class
            told["steps"] += [cut.pick for cut in nms_steps(boxes, scores, some.threshold)] != theirs
            told["steps by class"] += [
                cut.pick for cut in nms_steps(boxes, scores, some.threshold, classes)
            ] != by_class
    return told


def test_ten_thousand_cases_keep_the_same_boxes_as_torchvision() -> None:
    told = disagreements(EACH)
    assert told["cases"] > 10_000 and told["empty"] > 500 and told["degenerate"] > 500
    assert told["nms"] == told["batched"] == 0


def test_the_steps_keep_the_same_boxes_as_torchvision() -> None:
    assert disagreements_one_by_one(10).total() == 0


@pytest.mark.slow
def test_the_steps_keep_the_same_boxes_as_torchvision_in_ten_thousand_cases() -> None:
    assert disagreements_one_by_one(EACH).total() == 0


@pytest.mark.parametrize("off", [1e-6, -0.1])
def test_the_comparison_sees_a_wrong_rule(monkeypatch: pytest.MonkeyPatch, off: float) -> None:
    right = module.paired_iou
    monkeypatch.setattr(module, "paired_iou", lambda a, b: right(a, b) + off)
    told = disagreements(20)
    assert told["nms"] and told["batched"]
    assert all(disagreements_one_by_one(5).values())


def test_many_boxes_in_blocks() -> None:
    numbers = torch.Generator().manual_seed(2)
    for spread in (100, 3000):
        first = torch.rand(3000, 2, generator=numbers) * spread
        boxes = torch.cat([first, first + 20 + torch.rand(3000, 2, generator=numbers) * 50], dim=1)
        scores = torch.rand(3000, generator=numbers)
        assert torch.equal(nms(boxes, scores, 0.5), ops.nms(boxes, scores, 0.5))


@pytest.mark.alone
def test_ten_thousand_boxes_within_five_seconds() -> None:
    numbers = torch.Generator().manual_seed(3)
    first = torch.rand(10_000, 2, generator=numbers) * 5000
    boxes, scores = torch.cat([first, first + 40], dim=1), torch.rand(10_000, generator=numbers)
    start = time.perf_counter()
    kept = nms(boxes, scores, 0.5)
    assert time.perf_counter() - start < 5
    assert torch.equal(kept, ops.nms(boxes, scores, 0.5))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_in_nothing_out(dtype: torch.dtype) -> None:
    boxes, scores = torch.zeros(0, 4, dtype=dtype), torch.zeros(0, dtype=dtype)
    assert nms(boxes, scores, 0.5).tolist() == []
    assert batched_nms(boxes, scores, torch.zeros(0, dtype=torch.long), 0.5).tolist() == []
    assert list(nms_steps(boxes, scores, 0.5)) == []


def test_boxes_without_area_are_never_discarded() -> None:
    boxes = torch.tensor([[5.0, 5, 5, 5], [5, 5, 5, 5], [5, 0, 5, 9], [0, 0, 9, 9], [9, 9, 0, 0]])
    scores = torch.ones(5)
    assert nms(boxes, scores, 0.0).tolist() == ops.nms(boxes, scores, 0.0).tolist() == [0, 1, 2, 3, 4]


def test_of_equal_scores_the_first_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]]).repeat(4, 1)
    assert nms(boxes, torch.tensor([0.5, 0.7, 0.7, 0.5]), 0.5).tolist() == [1]


def test_an_overlap_at_the_threshold_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5]])
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.5).tolist() == [0, 1]
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.4999).tolist() == [0]


whole = st.integers(0, 6)
one = st.tuples(whole, whole, st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.integers(0, 2))


@settings(deadline=None, max_examples=80)
@given(st.lists(one, max_size=12), st.sampled_from(THRESHOLDS))
def test_the_steps_keep_the_same_boxes(rows: list[tuple[int, ...]], threshold: float) -> None:
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    boxes, scores, classes = torch.cat([table[:, :2], table[:, :2] + table[:, 2:4]], 1), table[:, 4], table[:, 5].long()
    alone, by_class = list(nms_steps(boxes, scores, threshold)), list(nms_steps(boxes, scores, threshold, classes))
    assert [cut.pick for cut in alone] == ops.nms(boxes, scores, threshold).tolist()
    assert [cut.pick for cut in by_class] == ops.batched_nms(boxes, scores, classes, threshold).tolist()
    for steps in (alone, by_class):
        told = [i for cut in steps for i in (cut.pick, *cut.discarded.tolist())]
        assert sorted(told) == list(range(len(rows)))
        for cut in steps:
            if len(cut.discarded):
                theirs = ops.box_iou(boxes[cut.pick][None], boxes[cut.discarded])[0]
                torch.testing.assert_close(cut.overlaps, theirs)
                assert (theirs.double() > threshold).all()
    assert all((classes[cut.discarded] == classes[cut.pick]).all() for cut in by_class)


def test_scores_at_the_threshold_go() -> None:
    boxes, classes = torch.arange(12.0).view(3, 4), torch.tensor([2, 0, 1])
    left = filter_by_score(boxes, torch.tensor([0.4, 0.5, 0.6], dtype=torch.float64), classes, 0.5)
    assert torch.equal(left[0], boxes[2:]) and left[1].tolist() == [0.6] and left[2].tolist() == [1]
