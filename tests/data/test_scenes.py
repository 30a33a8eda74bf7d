"""Scenes: what is known of them is what their pixels show."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import masks_to_boxes

from engine.data.outlines import AT, CLASSES, CLUTTER, REACH, WIDEST, templates
from engine.data.scenes import FEWEST_SEEN, GROUNDS, draw_scenes
from engine.seeding import generator


@pytest.fixture(scope="module")
def drawn():
    return draw_scenes(150, generator(5))


def test_boxes_are_the_tight_bounds_of_what_is_visible(drawn) -> None:
    masks = torch.cat([drawn.masks(i) for i in range(150)])
    assert bool(masks.flatten(1).any(1).all())
    expected = masks_to_boxes(masks)
    expected[:, 2:] += 1  # torchvision's ends are the last pixels, ours the edges behind them
    assert torch.equal(drawn.boxes, expected)


def test_masks_of_a_scene_are_apart_and_labels_are_their_classes(drawn) -> None:
    labels = drawn.labels()
    assert labels.shape == (150, 128, 128)
    for i in range(20):
        masks, rows = drawn.masks(i), drawn.of(i)
        assert int(masks.sum(0).max()) <= 1
        rebuilt = (masks * (drawn.classes[rows] + 1)[:, None, None]).sum(0)
        assert torch.equal(labels[i], rebuilt)
    few = drawn.labels(("star", "car"))
    assert torch.equal(few == 1, labels == 1 + CLASSES.index("star")) and int(few.max()) == 2


def test_a_seed_gives_its_scenes_again(drawn) -> None:
    again = draw_scenes(150, generator(5))
    for name, value in vars(drawn).items():
        assert torch.equal(value, getattr(again, name)), name
    assert not torch.equal(draw_scenes(150, generator(6)).pictures, drawn.pictures)


def test_every_class_and_ground_turns_up_and_most_scenes_overlap_a_little(drawn) -> None:
    assert set(drawn.classes.tolist()) == set(range(len(CLASSES)))
    assert set(drawn.grounds.tolist()) == set(range(len(GROUNDS)))
    assert float(drawn.visible.min()) >= FEWEST_SEEN and float((drawn.visible < 0.95).float().mean()) > 0.05
    counts = torch.bincount(drawn.scene, minlength=150)
    assert int(counts.min()) == 1 and int(counts.max()) == 4 and drawn.scene.tolist() == sorted(drawn.scene.tolist())
    assert float(drawn.pictures.min()) >= 0 and float(drawn.pictures.max()) <= 1


def test_an_object_has_its_color_where_it_is_seen() -> None:
    plain = draw_scenes(40, generator(2), noise=0.0, clutter=0, texture=0.0)
    far = []
    for j, color in enumerate(plain.colors):
        inside = plain.pictures[plain.scene[j]][:, plain.owners[plain.scene[j]] == j]  # (3, pixels)
        light = inside.mean(1) - color
        far.append(float(light.abs().max()))
    assert sorted(far)[len(far) // 2] < 0.25  # light and shade, no other colour


def test_landmarks_lie_on_the_outline() -> None:
    alone = draw_scenes(60, generator(3), most=1, clutter=0, scale=(0.2, 0.2))
    for j, points in enumerate(alone.landmarks):
        y, x = alone.masks(int(alone.scene[j]))[0].nonzero().T.float() + 0.5
        whole = bool((alone.boxes[j] > 0).all() and (alone.boxes[j] < 128).all())
        for at in points:
            assert not whole or float(torch.hypot(x - at[0], y - at[1]).min()) < 4.0, CLASSES[int(alone.classes[j])]
    assert set(AT) == set(CLASSES)


def test_no_outline_leaves_its_window() -> None:
    axis = ((torch.arange(128) + 0.5) / 64 - 1) * REACH
    outside = torch.hypot(axis[None], axis[:, None]) > WIDEST
    assert len(templates()) == len(CLASSES) + len(CLUTTER)
    assert float(templates()[:, outside].max()) < 0


def test_captions_name_what_is_there(drawn) -> None:
    for i in range(30):
        sentence = drawn.caption(i)
        assert sentence.endswith(".") and all(CLASSES[int(c)] in sentence for c in drawn.classes[drawn.of(i)])
    empty = draw_scenes(3, generator(0), most=1, fewest=0, clutter=0)
    for i in range(3):
        assert ("Nothing before" in empty.caption(i)) == (len(empty.of(i)) == 0)


@pytest.mark.parametrize("side", [48, 64, 160])
def test_sides_and_few_classes(side: int) -> None:
    few = draw_scenes(40, generator(1), side=side, most=2, fewest=0, classes=("fish", "car"))
    assert few.pictures.shape == (40, 3, side, side) and few.owners.shape == (40, side, side)
    assert set(few.classes.tolist()) <= {CLASSES.index("fish"), CLASSES.index("car")}
    assert float(few.boxes.min()) >= 0 and float(few.boxes.max()) <= side
    assert bool((torch.bincount(few.scene, minlength=40) == 0).any())
    nothing = draw_scenes(2, generator(1), side=side, most=1, fewest=0, clutter=0)
    assert len(nothing.boxes) == len(nothing.classes) == len(nothing.landmarks)


@pytest.mark.alone
def test_five_hundred_scenes_a_second_on_two_cores() -> None:
    import time

    draw_scenes(64, generator(0))
    began = time.process_time()
    draw_scenes(256, generator(1))
    # Seconds of one core, over all threads, so that what else the machine does counts little.
    assert 2 * 256 / (time.process_time() - began) > 500


@torch.inference_mode()
def test_scenes_are_the_same_in_inference_mode_and_one_batch_or_many_follow_each_other(drawn) -> None:
    again = draw_scenes(150, generator(5))
    assert torch.equal(again.pictures, drawn.pictures) and torch.equal(again.owners, drawn.owners)
    assert drawn.owners.unique().tolist() == list(range(-1, len(drawn.classes)))


def test_an_error_while_painting_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no paint")

    monkeypatch.setattr("engine.data.scenes._paint", broken)
    with pytest.raises(RuntimeError, match="no paint"):
        draw_scenes(100, generator(0))
