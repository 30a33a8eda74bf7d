"""Classification with localization: what the loss looks at, what the target says, and that the boxes move onto the objects."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import box_convert, box_iou

from engine.data.scenes import draw_scenes
from engine.functional import losses
from engine.functional.losses import localization_loss
from engine.lab import Event
from engine.labs.detection import localization as lab
from engine.labs.detection.localization import LAB, Kept, Localization, loss, right, terms
from engine.models.localizer import CLASSES, SIDE, changed, corners, initialize, scenes, targets
from engine.seeding import generator


@pytest.fixture(scope="module")
def ends():
    frames = LAB.frames(Localization(which=2))
    first = next(frames)
    *_, last = frames
    return first, last


def slopes(prediction: torch.Tensor, y: torch.Tensor, masked: bool = True) -> torch.Tensor:
    prediction = prediction.clone().requires_grad_()
    return torch.autograd.grad(loss(prediction, y, masked), prediction)[0]


def no_box_loss_without_an_object() -> None:
    _, y = scenes(60, generator(3))
    found = torch.rand(60, 8, generator=generator(4))
    empty = y[:, 0] == 0
    assert 10 < int(empty.sum()) < 50
    slope = slopes(found, y)
    assert bool((slope[empty, 1:] == 0).all()) and bool((slope[empty, 0] != 0).all())
    assert bool((slope[~empty] != 0).all())
    # The closed form: 2 (ŷ - y) / m wherever a term counts.
    torch.testing.assert_close(slope[~empty], 2 * (found - y)[~empty] / 60, rtol=1e-6, atol=1e-7)
    # Boxes and classes of empty scenes may be anything at all.
    wild = found.clone()
    wild[empty, 1:] = 1e6
    assert float(localization_loss(wild, y)) == float(localization_loss(found, y))


def test_no_box_loss_where_there_is_no_object() -> None:
    no_box_loss_without_an_object()


def test_that_test_fails_without_the_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "localization_loss", lambda p, t: (p - t).square().sum(-1).mean())
    with pytest.raises(AssertionError):
        no_box_loss_without_an_object()


def test_gradients_of_weights_ignore_the_boxes_of_empty_scenes() -> None:
    network, (x, y) = initialize(0).eval(), scenes(20, generator(1))
    other = y.clone()
    other[y[:, 0] == 0, 1:] = 0.7
    got = []
    for target in (y, other):
        network.zero_grad()
        localization_loss(network(x), target).backward()
        got.append([p.grad.clone() for p in network.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*got, strict=True))
    assert localization_loss is losses.localization_loss


def test_the_target_holds_middle_height_and_width_as_torchvision_converts_them() -> None:
    made = draw_scenes(50, generator(2), SIDE, 1, fewest=0, classes=CLASSES)
    y = targets(made)
    there = y[:, 0] == 1
    assert torch.equal(there.nonzero().flatten(), made.scene)
    expected = box_convert(made.boxes / SIDE, "xyxy", "cxcywh")[:, [0, 1, 3, 2]]
    torch.testing.assert_close(y[there, 1:5], expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(corners(y[there], SIDE), made.boxes, rtol=0, atol=1e-4)
    assert bool((y[there, 5:].sum(1) == 1).all()) and float(y[~there].abs().max()) == 0


def test_changed_pictures_keep_their_boxes() -> None:
    x = torch.zeros(200, 3, SIDE, SIDE)
    x[..., 10:20, 4:12] = 1.0
    y = torch.tensor([1, 8 / 48, 15 / 48, 10 / 48, 8 / 48, 1, 0, 0]).repeat(200, 1)
    y[::4] = 0
    x, y = changed(x, y, generator(0))
    for picture, target in zip(x, y, strict=True):
        if target[0] == 0:
            assert float(target.abs().max()) == 0
            continue
        plane = picture[0]
        x0, y0, x1, y1 = corners(target, SIDE).round().int().tolist()
        inside = plane[y0:y1, x0:x1]
        assert inside.numel() == 80 and float(inside.std()) == 0 and float((plane == inside[0, 0]).sum()) == 80


def test_the_numbers_of_an_empty_scene_are_off(ends) -> None:
    kept: Kept = ends[1].state
    empty = int((kept.y[:, 0] == 0).nonzero()[0])
    shown = terms(kept.found[empty : empty + 1], kept.y[empty : empty + 1], True)
    assert shown.terms[1:].tolist() == [0] * 7 == shown.slopes[1:].tolist() and int(shown.counted.sum()) == 1
    every = terms(kept.found[empty : empty + 1], kept.y[empty : empty + 1], False)
    assert bool(every.counted.all()) and every.terms.sum() > shown.terms.sum()
    frame = LAB.seen(Localization(which=empty + 1), ends[1])
    assert "no object" in frame.says and "7 of 8 terms off" in frame.says
    drawn = frame.figures["Target, prediction, loss"].data[0]
    assert drawn["text"][0][1:] == ["?"] * 7 and drawn["text"][2][1:] == ["–"] * 7 and drawn["text"][3][1:] == ["0"] * 7
    full = int((kept.y[:, 0] == 1).nonzero()[0])
    frame = LAB.seen(Localization(which=full + 1), ends[1])
    assert "0 of 8 terms off" in frame.says


def test_boxes_move_onto_the_objects(ends) -> None:
    first, last = ends
    x, y = lab.held_out(0)
    assert torch.equal(x[: lab.SHOWN], last.state.x) and 3 <= int((y[: lab.SHOWN, 0] == 0).sum()) <= 5
    assert sorted(x.sum((1, 2, 3)).tolist()) == sorted(scenes(lab.HELD, generator(0, 0))[0].sum((1, 2, 3)).tolist())
    there = last.state.y[:, 0] == 1
    score = []
    for kept in (first.state, last.state):
        boxes = (corners(v[there]) for v in (kept.found, kept.y))
        score.append(float(box_iou(*boxes).diagonal().mean()))
    assert score[0] < 0.45 and score[1] > 0.55 and float(last.metrics["Mean IoU"]) > 0.6
    assert float(last.metrics["Answered right"].rstrip("%")) >= 70
    assert last.progress == 1 and first.progress == 0


def test_right_counts_presence_class_and_overlap() -> None:
    y = torch.tensor([[1, 0.5, 0.5, 0.4, 0.4, 1, 0, 0]] * 4 + [[0.0] * 8] * 2)
    found = y.clone()
    found[1, 0], found[2, 5:], found[3, 1] = 0.2, torch.tensor([0.1, 0.9, 0.0]), 0.8
    found[4, 1:] = 0.9
    found[5, 0] = 0.8
    answered, overlap = right(found, y)
    assert answered.tolist() == [True, False, False, False, True, False] and len(overlap) == 4


def test_the_threshold_and_the_scene_are_views_and_a_click_chooses(ends) -> None:
    last = ends[1]
    boxes = [len(LAB.seen(Localization(threshold=t), last).figures["Scenes"].layout.shapes) for t in (0.0, 0.5, 1.0)]
    truth = int((last.state.y[:, 0] == 1).sum())
    assert boxes[0] == lab.SHOWN + truth + 1 and boxes[0] > boxes[1] >= boxes[2]
    assert LAB.respond(Localization(), Event("click", "Scenes", 1.5, 1.5)) == {"which": 6}
