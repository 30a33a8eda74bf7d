"""Matching and average precision against published cases and the definitions written out."""

import math
import time

import pytest
import torch
from torch import Tensor

from engine.data.detections import Labelled, detect, truths
from engine.functional import boxes
from engine.functional import detection_scores as module
from engine.functional.boxes import average_precision, precision_recall
from engine.functional.detection_scores import average_precisions, match_detections
from tests.plain_scores import plain_average, plain_averages, plain_verdicts

COCO = [0.5 + 0.05 * i for i in range(10)]
RULES = ("free", "best")
# Padilla, Netto and da Silva (2020), "A survey on performance metrics for object-detection algorithms": 24 detections from
# the highest score down, of which these ranks count, of 15 objects.
PUBLISHED = (24, {1, 3, 10, 12, 13, 14, 23}, 15)


def ranked(count: int, right: set[int]) -> tuple[Tensor, Tensor]:
    return torch.linspace(0.95, 0.14, count), torch.tensor([rank in right for rank in range(1, count + 1)])


@pytest.mark.parametrize(("points", "expected"), [(None, 0.2457), (11, 0.2684)])
def test_the_published_case(points: int | None, expected: float) -> None:
    n, right, objects = PUBLISHED
    scores, correct = ranked(n, right)
    found = average_precision(scores, correct, objects, points)
    assert found == pytest.approx(expected, abs=5e-5)
    assert found == pytest.approx(float(plain_average(scores, correct.tolist(), objects, points)), abs=1e-12)


def test_the_published_curve() -> None:
    precision, recall = precision_recall(*ranked(24, PUBLISHED[1]), 15)
    assert precision[[0, 1, 2, 9, 13, 22]].tolist() == pytest.approx([1, 0.5, 0.6667, 0.3, 0.4286, 0.3043], abs=5e-5)
    assert recall[[0, 1, 2, 9, 13, 23]].tolist() == pytest.approx([0.0667, 0.0667, 0.1333, 0.2, 0.4, 0.4667], abs=5e-5)


@pytest.mark.parametrize(
    ("right", "objects", "points", "expected"),
    [
        ({1, 2, 3}, 3, None, 1),  # all found, none wrong
        ({1, 2, 3}, 3, 101, 1),
        ({1}, 2, None, 1 / 2),  # one of two found: half of the recalls
        ({1}, 2, 11, 6 / 11),  # recalls 0, 0.1, ... 0.5
        ({1}, 2, 101, 51 / 101),
        ({2}, 1, None, 1 / 2),  # one wrong before it
        ({1, 2, 3}, 10, 11, 4 / 11),  # a recall of exactly 3 / 10 reaches the level 0.3
        (set(), 3, 101, 0),
    ],
)
def test_worked_cases(right: set[int], objects: int, points: int | None, expected: float) -> None:
    assert average_precision(*ranked(3, right), objects, points) == pytest.approx(expected, abs=1e-12)


def test_nothing_found_and_nothing_there() -> None:
    none = torch.zeros(0), torch.zeros(0, dtype=torch.bool)
    assert average_precision(*none, 3) == 0 and math.isnan(average_precision(*none, 0))
    assert match_detections(torch.zeros(0, 4), none[0], torch.zeros(2, 4), 0.5).tolist() == []
    assert match_detections(torch.ones(2, 4), torch.ones(2), torch.zeros(0, 4), 0.5).tolist() == [-1, -1]


def test_a_second_find_is_a_false_alarm_and_the_better_score_comes_first() -> None:
    truth = torch.tensor([[0.0, 0, 10, 10]])
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 8], [20, 20, 30, 30]])
    assert match_detections(boxes, torch.tensor([0.5, 0.9, 0.7]), truth, 0.5).tolist() == [-1, 0, -1]
    assert match_detections(boxes, torch.tensor([0.5, 0.9, 0.7]), truth, 0.85).tolist() == [0, -1, -1]


def test_voc_insists_on_the_best_object_and_coco_on_the_best_free_one() -> None:
    objects = torch.tensor([[0.0, 0, 10, 10], [0, 3, 10, 13]])
    boxes, scores = torch.tensor([[0.0, 0, 10, 10], [0, 1, 10, 11]]), torch.tensor([0.9, 0.8])
    assert match_detections(boxes, scores, objects, 0.5, rule="best").tolist() == [0, -1]
    assert match_detections(boxes, scores, objects, 0.5, rule="free").tolist() == [0, 1]


def made(seed: int) -> tuple[Labelled, Labelled]:
    """Detections near objects on whole pixels, with ties of score and IoU; pictures and classes without either."""
    numbers = torch.Generator().manual_seed(seed)

    def some(n: int, boxes: Tensor) -> Labelled:
        classes, pictures = (torch.randint(0, most, (n,), generator=numbers) for most in (3, 4))
        return Labelled(boxes, classes, pictures, torch.randint(1, 12, (n,), generator=numbers) / 12)

    n, m = (int(torch.randint(0, most, (1,), generator=numbers)) for most in (30, 14))
    corners = torch.randint(0, 6, (n + m, 2), generator=numbers).double()
    boxes = torch.cat([corners, corners + torch.randint(1, 5, (n + m, 2), generator=numbers)], dim=1)
    return some(n, boxes[:n]), some(m, boxes[n:])


def disagreements(seeds: int) -> float:
    """The largest difference of any average precision from the definitions."""
    worst = 0.0
    for seed in range(seeds):
        found, objects = made(seed)
        points, rule, threshold = (None, 11, 101)[seed % 3], RULES[seed % 2], (0.3, 0.5, 0.75, 1 / 3)[seed % 4]
        ours = average_precisions(found, objects, (threshold,), points, rule)[0]
        theirs = plain_averages(found, objects, threshold, points, rule, len(ours))
        for mine, other in zip(ours.tolist(), theirs, strict=True):
            assert math.isnan(mine) == (other is None)
            worst = max(worst, abs(mine - (other or 0)) if other is not None else 0)
    return worst


def test_average_precision_equals_the_definitions() -> None:
    assert disagreements(120) < 1e-12


def test_the_comparison_sees_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    right = module.paired_iou
    monkeypatch.setattr(module, "paired_iou", lambda a, b: right(a, b) - 1e-6)
    assert disagreements(24) > 0.01
    monkeypatch.setattr(module, "paired_iou", right)
    monkeypatch.setattr(boxes, "precision_recall", lambda *given: tuple(reversed(precision_recall(*given))))
    assert disagreements(24) > 0.01


@pytest.mark.parametrize("rule", RULES)
def test_matches_equal_the_definitions(rule: str) -> None:
    for seed in range(30):
        found, objects = made(seed)
        groups = found.pictures * 3 + found.classes, objects.pictures * 3 + objects.classes
        match = match_detections(found.boxes, found.scores, objects.boxes, 0.4, groups, rule)
        assert (match >= 0).tolist() == plain_verdicts(found, objects, 0.4, rule)
        taken = match[match >= 0]
        assert len(taken.unique()) == len(taken)
        assert torch.equal(groups[0][match >= 0], groups[1][taken])


def test_mean_over_thresholds_is_that_of_the_definitions() -> None:
    numbers = torch.Generator().manual_seed(0)
    objects = truths(6, 3, numbers)
    found = detect(objects, 3.0, 0.1, 1.0, 0.3, numbers)
    ours = average_precisions(found, objects, COCO, 101)
    theirs = torch.tensor([plain_averages(found, objects, each, 101, "free", 3) for each in COCO], dtype=torch.float64)
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


@pytest.mark.alone
def test_five_thousand_pictures_within_ten_seconds() -> None:
    numbers = torch.Generator().manual_seed(0)
    objects = truths(5000, 7, numbers)
    found = detect(objects, 2.0, 0.15, 8.0, 0.2, numbers)
    start = time.perf_counter()
    average_precisions(found, objects, COCO, 101)
    assert time.perf_counter() - start < 10
