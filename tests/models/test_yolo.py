"""The grid detector: what its raw numbers mean, its cost against a plain loop, and the bundled one's score."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import batched_nms, box_iou

from engine.data.scenes import CLASSES, draw_scenes
from engine.functional.boxes import decode_grid
from engine.labs.detection.yolo import trained
from engine.models.detecting import LEAST, OVERLAP, detect, kept, mean_average_precision
from engine.models.yolo import CELL, GRID, SIDE, Yolo, loss
from engine.seeding import generator

ANCHORS = torch.tensor([[20.0, 40.0], [50.0, 25.0]])


def raw_numbers(m: int, classes: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(m, GRID, GRID, len(ANCHORS), 5 + classes, generator=generator(seed), dtype=torch.float64)


def test_raw_numbers_become_boxes_as_in_the_paper() -> None:
    network, raw = Yolo(3, ANCHORS), raw_numbers(1, 3)
    boxes, scores, classes = decode_grid(network.grid(raw), (SIDE, SIDE))
    row, column, anchor = 5, 2, 1
    tc, tx, ty, th, tw, *named = raw[0, row, column, anchor].tolist()
    x, y = CELL * (column + 1 / (1 + math.exp(-tx))), CELL * (row + 1 / (1 + math.exp(-ty)))
    w, h = 50 * math.exp(tw), 25 * math.exp(th)
    at = (row * GRID + column) * len(ANCHORS) + anchor
    expected = torch.tensor([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dtype=torch.float64)
    torch.testing.assert_close(boxes[0, at], expected, rtol=1e-5, atol=1e-4)
    probability = torch.tensor(named).softmax(0).max().item() / (1 + math.exp(-tc))
    assert scores[0, at].item() == pytest.approx(probability, abs=1e-6)
    assert classes[0, at].item() == max(range(3), key=named.__getitem__)


def by_slots(raw: torch.Tensor, scene: torch.Tensor, boxes: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """The cost as its definition reads, slot by slot."""
    owner = {}
    spared = set()
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        cell = (int(scene[i]), int((y0 + y1) / 2 // CELL), int((x0 + x1) / 2 // CELL))
        shapes = torch.cat([torch.zeros(2, 2), ANCHORS], 1)
        fits = box_iou(torch.tensor([[0, 0, x1 - x0, y1 - y0]]), shapes)[0].tolist()
        owner[(*cell, fits.index(max(fits)))] = i
        spared |= {(*cell, a) for a, fit in enumerate(fits) if fit >= 0.5}
    total = torch.zeros((), dtype=raw.dtype)
    for slot in torch.cartesian_prod(*map(torch.arange, raw.shape[:-1])).tolist():
        out, key = raw[tuple(slot)], tuple(slot)
        if key not in owner:
            total = total + (0 if key in spared else 0.5 * F.softplus(out[0]))
            continue
        i = owner[key]
        x0, y0, x1, y1 = boxes[i].tolist()
        wanted = [(x0 + x1) / 2 / CELL - slot[2], (y0 + y1) / 2 / CELL - slot[1]]
        place = (out[1].sigmoid() - wanted[0]) ** 2 + (out[2].sigmoid() - wanted[1]) ** 2
        aw, ah = ANCHORS[slot[3]].tolist()
        size = (out[3] - math.log((y1 - y0) / ah)) ** 2 + (out[4] - math.log((x1 - x0) / aw)) ** 2
        total = total + F.softplus(-out[0]) + 5 * (place + size) - out[5:].log_softmax(0)[classes[i]]
    return total / max(len(boxes), 1)


@pytest.mark.parametrize("seed", range(4))
def test_the_cost_is_its_definition_slot_by_slot(seed: int) -> None:
    scenes = draw_scenes(3, generator(seed))
    raw = raw_numbers(3, len(CLASSES), seed).requires_grad_()
    truth = scenes.scene, scenes.boxes.double(), scenes.classes
    ours, theirs = loss(raw, ANCHORS.double(), *truth), by_slots(raw, *truth)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)
    torch.testing.assert_close(*(torch.autograd.grad(j, raw)[0] for j in (ours, theirs)), rtol=1e-5, atol=1e-9)


def test_an_empty_scene_teaches_only_that_nothing_is_there() -> None:
    raw = raw_numbers(2, 3).requires_grad_()
    none = torch.zeros(0, dtype=torch.long)
    (gradient,) = torch.autograd.grad(loss(raw, ANCHORS.double(), none, torch.zeros(0, 4).double(), none), raw)
    assert (gradient[..., 0] > 0).all() and not gradient[..., 1:].any()


def test_thresholds_and_suppression_are_torchvisions() -> None:
    raw = detect(trained(), draw_scenes(6, generator(5), held_out=True).pictures)
    for i, (score, overlap) in enumerate([(0.5, 0.5), (0.02, 0.3), (0.1, 0.7), (0.3, 0.05), (0.0, 0.5), (0.99, 0.5)]):
        above = raw.scores[i] > score
        boxes, scores, classes = raw.boxes[i][above], raw.scores[i][above], raw.classes[i][above]
        order = batched_nms(boxes, scores, classes, overlap)
        found = kept(raw, i, score, overlap)
        assert torch.equal(found.boxes, boxes[order]) and torch.equal(found.classes, classes[order])


def average_precision_by_hand(hits: list[bool], truths: int) -> float:
    """Area under the precision envelope, summed rank by rank."""
    precision = [sum(hits[: k + 1]) / (k + 1) for k in range(len(hits))]
    return sum(max(precision[k:]) for k, hit in enumerate(hits) if hit) / truths


def test_the_score_is_the_definitions_worked_by_hand() -> None:
    scenes = draw_scenes(40, generator(6), held_out=True)
    network = trained()
    raw = detect(network, scenes.pictures)
    averages = []
    for kind in range(len(CLASSES)):
        rows = [
            (float(s), i, b)
            for i in range(40)
            for b, s, k in zip(*kept(raw, i, LEAST, OVERLAP), strict=True)
            if k == kind
        ]
        mine = [scenes.boxes[scenes.of(i)][scenes.classes[scenes.of(i)] == kind] for i in range(40)]
        taken, hits = [set() for _ in mine], []
        for _, i, box in sorted(rows, key=lambda row: -row[0]):
            overlaps = box_iou(box[None], mine[i])[0].tolist() if len(mine[i]) else []
            best = max(range(len(overlaps)), key=overlaps.__getitem__, default=-1)
            hit = best >= 0 and overlaps[best] >= 0.5 and best not in taken[i]
            hits.append(hit)
            if hit:
                taken[i].add(best)
        if truths := sum(map(len, mine)):
            averages.append(average_precision_by_hand(hits, truths))
    assert mean_average_precision(network, scenes, len(CLASSES)) == pytest.approx(
        sum(averages) / len(averages), abs=1e-5
    )


def test_the_bundled_network_finds_what_it_never_saw() -> None:
    assert mean_average_precision(trained(), draw_scenes(60, generator(2), held_out=True), len(CLASSES)) >= 0.9


@pytest.mark.slow
def test_the_bundled_network_holds_its_bar_on_500_scenes() -> None:
    for seed in (1, 999):
        assert mean_average_precision(trained(), draw_scenes(500, generator(seed), held_out=True), len(CLASSES)) >= 0.8
