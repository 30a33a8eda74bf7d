"""Sliding windows: crops counted, each through the network, the same boxes kept as by definition."""

import math

import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms, box_iou

from engine.data.drawn import SHAPES
from engine.data.pasted import scene
from engine.errors import BadInput
from engine.functional.scanning import cut, window_boxes, window_count
from engine.lab import Event, Frame
from engine.labs.detection import sliding_windows as lab
from engine.labs.detection.sliding_windows import LAB, SlidingWindows, crops_of, window_sizes
from engine.models.answering import atlas
from engine.seeding import generator


@pytest.mark.parametrize(
    ("h", "w", "size", "stride"), [(160, 160, 48, 12), (107, 160, 40, 7), (50, 64, 50, 9), (30, 90, 31, 4)]
)
def test_the_formula_counts_as_the_loop_and_as_unfolding(h: int, w: int, size: int, stride: int) -> None:
    boxes, (down, across) = window_boxes(h, w, [size], stride), window_count(h, w, size, stride)
    assert len(boxes) == down * across
    if size > h:
        assert not len(boxes)
        return
    index = torch.arange(h * w).view(h, w).unfold(0, size, stride).unfold(1, size, stride)
    assert index.shape[:2] == (down, across)
    corners = index[:, :, 0, 0].flatten()
    assert torch.equal(boxes[:, 1] * w + boxes[:, 0], corners.float())
    assert torch.equal(boxes[:, 2:] - boxes[:, :2], torch.full((len(boxes), 2), float(size)))


@pytest.mark.parametrize("changed", [{}, *LAB.presets.values()])
def test_crops_are_counted_and_all_go_through_the_network(changed: dict) -> None:
    asked = []
    counting = atlas().network.register_forward_hook(lambda module, inputs, output: asked.append(len(inputs[0])))
    params = SlidingWindows(**changed)
    frames = list(LAB.frames(params))
    counting.remove()
    h, w = lab.looked_at(params)[0].shape[1:]
    s = params.stride
    by_formula = sum(((h - f) // s + 1) * ((w - f) // s + 1) for f in window_sizes(params))
    assert sum(asked) == by_formula == sum(frames[0].tables["Crops"]["crops"])
    assert len(frames) == min(49, by_formula) and frames[-1].progress == 1
    opened = frames[LAB.opens(params)]
    assert opened.metrics["Crops through the network"] == f"{min(params.crop, by_formula)} of {by_formula}"


def test_each_answer_is_the_networks_for_its_crop() -> None:
    params = SlidingWindows(sizes=2)
    picture, result = lab.looked_at(params)[0], lab.scan(params)
    for at in (0, 7, len(result.boxes) - 1):
        left, top, right, bottom = result.boxes[at].int().tolist()
        crop = torch.nn.functional.interpolate(
            picture[None, :, top:bottom, left:right], (64, 64), mode="bilinear", antialias=True, align_corners=False
        )
        with torch.no_grad():
            theirs = atlas().network(crop.to(next(atlas().network.parameters()).device)).softmax(1)[0].cpu()
        torch.testing.assert_close(result.probabilities[at], theirs, atol=1e-4, rtol=0)
    assert torch.equal(cut(picture, torch.tensor([[16.0, 32.0, 80.0, 96.0]]), 64)[0], picture[:, 32:96, 16:80])


def kept_by_definition(boxes: torch.Tensor, scores: torch.Tensor, classes: torch.Tensor, overlap: float) -> set[int]:
    kept: list[int] = []
    for k in scores.argsort(descending=True).tolist():
        rivals = [r for r in kept if classes[r] == classes[k]]
        if not rivals or float(box_iou(boxes[[k]], boxes[rivals]).max()) <= overlap:
            kept.append(k)
    return set(kept)


def framed(frame: Frame, title: str) -> list[tuple[float, ...]]:
    shapes = [s for s in frame.figures[title].layout.shapes if s.line.dash != "dot"]
    return [(s.x0, s.y0, s.x1, s.y1) for s in shapes]


@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.5, 1.0])
def test_thresholds_and_suppression_keep_what_their_definitions_keep(overlap: float) -> None:
    counts = []
    for score in (0.0, 0.5, 0.8, 0.95):
        params = SlidingWindows(score=score, overlap=overlap)
        result, last = lab.scan(params), LAB.last_frame(params)
        sure, best = (x.numpy() for x in result.probabilities.max(1))
        over = np.flatnonzero((sure >= score) & (best < len(SHAPES)))
        boxes, scores, classes = (x[over] for x in (result.boxes, torch.from_numpy(sure), torch.from_numpy(best)))
        kept = result.kept(score, overlap)
        left = batched_nms(boxes, scores, classes, overlap)
        assert kept.tolist() == over[left.numpy()].tolist()
        assert set(left.tolist()) == kept_by_definition(boxes, scores, classes, overlap)
        assert framed(last, "After non-max suppression") == [tuple(box) for box in result.boxes[kept].tolist()][:150]
        assert framed(last, "Crops over the threshold")[:-1] == [tuple(box) for box in boxes.tolist()]
        assert last.metrics["Over the threshold"] == f"{len(over)} of {len(over)}"
        assert last.metrics["After suppression"] == str(len(kept))
        assert len(last.figures["After non-max suppression"].layout.annotations) == min(20, len(kept))
        counts.append(len(over))
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1] > 0


def test_the_walk_shows_a_crop_a_frame() -> None:
    params = SlidingWindows()
    result, frames = lab.scan(params), list(LAB.frames(params))
    over = result.over(params.score)
    for at, frame in enumerate(frames):
        assert framed(frame, "Crops over the threshold")[-1] == tuple(result.boxes[at].tolist())
        assert len(framed(frame, "Crops over the threshold")) == int(over[: at + 1].sum()) + 1
        bars = frame.figures["Its answer"].data[0].x
        np.testing.assert_allclose(bars, np.sort(result.probabilities[at].numpy())[::-1][:5], rtol=1e-6)
    assert [f.progress for f in frames] == sorted(f.progress for f in frames)


@pytest.mark.parametrize("changed", [{}, *LAB.presets.values()])
def test_walks_stay_small(changed: dict) -> None:
    frames = LAB.frames(SlidingWindows(**changed))
    assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_000_000


def test_shapes_of_drawn_scenes_are_found() -> None:
    found = total = 0
    for seed in range(4):
        metric = LAB.last_frame(SlidingWindows(seed=seed)).metrics["Shapes found"].split()
        found, total = found + int(metric[0]), total + int(metric[2])
    assert total >= 10 and found >= 0.75 * total


def test_scenes_are_seeded_inside_the_picture_and_apart() -> None:
    for seed in range(5):
        picture, placed = scene(160, 160, SHAPES, 4, (18, 30), generator(seed), "clouds")
        again, _ = scene(160, 160, SHAPES, 4, (18, 30), generator(seed), "clouds")
        assert torch.equal(picture, again) and picture.shape == (3, 160, 160)
        for i, (_, one) in enumerate(placed):
            assert min(one) >= -1e-4 and max(one) <= 160 + 1e-4
            for _, other in placed[:i]:
                middles = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2, (b[2] - b[0]) / 2) for b in (one, other)]
                (x, y, r), (a, b, q) = middles
                assert math.hypot(x - a, y - b) > r + q - 1e-3


def test_a_click_picks_the_nearest_crop() -> None:
    params = SlidingWindows(sizes=2)
    boxes = crops_of(params, 160, 160)
    for at in (0, 33, len(boxes) - 1):
        middle = (boxes[at, :2] + boxes[at, 2:]) / 2
        assert LAB.respond(params, Event("click", "After non-max suppression", *middle.tolist())) == {"crop": at + 1}
    assert LAB.respond(params, Event("click", "Its answer", 3, 3)) == {}


def test_impossible_windows_say_so() -> None:
    with pytest.raises(BadInput, match="fit into the picture of 160 x 30 pixels, got 68"):
        crops_of(SlidingWindows(), 30, 160)
    with pytest.raises(BadInput, match="at most 1000 crops"):
        crops_of(SlidingWindows(size=24, sizes=3, stride=4), 160, 160)
