"""The detector's lab: stages of one scene from stored outputs, and a training that improves."""

from __future__ import annotations

import numpy as np
import pytest

from engine.labs.detection import yolo as lab
from engine.labs.detection.yolo import LAB, RAW, YoloLab


@pytest.fixture(scope="module")
def frame():
    return LAB.last_frame(YoloLab())


def named(frame, title: str) -> int:
    """How many boxes with a hover text a figure draws."""
    return len(frame.figures[title].data[1].hovertext or ())


def test_sliders_move_without_another_run_of_the_network(frame, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_):
        raise AssertionError("the network ran again")

    monkeypatch.setattr(lab, "detect", never)
    counts = []
    for score in (0.02, 0.3, 0.6, 0.95):
        seen = LAB.seen(YoloLab(score=score, overlap=0.4), frame)
        counts.append((named(seen, "Above the score threshold"), named(seen, "After non-max suppression")))
        assert named(seen, RAW) == 60 and counts[-1][1] <= counts[-1][0]
    assert counts == sorted(counts, reverse=True) and counts[0][0] > counts[-1][0]
    assert LAB.seen(YoloLab(which=3), frame).figures[RAW] != frame.figures[RAW]


def test_the_target_holds_one_cell_an_object(frame) -> None:
    seen = LAB.seen(YoloLab(which=2), frame)
    sheet = np.array(seen.figures["Target, all anchors together"].data[0].z, float)
    scenes = seen.state.scenes
    truths = scenes.of(1)
    # The first 8 x 8 part of the sheet is pc.
    assert set(map(tuple, np.argwhere(sheet[1:9, :8] == 1).tolist())) == {
        (int((y0 + y1) / 2 // 16), int((x0 + x1) / 2 // 16)) for x0, y0, x1, y1 in scenes.boxes[truths].tolist()
    }
    assert seen.metrics["Boxes left"].endswith(f"for {len(truths)} objects")


def test_the_bundled_network_is_scored_on_scenes_it_never_saw(frame) -> None:
    assert float(frame.metrics["mAP@0.5"].rstrip("%")) >= 80
    assert frame.metrics["Scenes measured"] == "120"


def test_a_training_improves_before_your_eyes() -> None:
    frames = list(LAB.frames(YoloLab(network="live", steps=60)))
    cost = np.array(frames[-1].figures["Cost"].data[0].y)
    assert len(cost) > 30 and cost[-1] < 0.4 * cost[0]
    assert frames[-1].progress == 1 and frames[0].figures.keys() == frames[-1].figures.keys()


@pytest.mark.slow
def test_a_training_learns_to_find_three_shapes() -> None:
    frames = list(LAB.frames(YoloLab(network="live")))
    first, last = (float(f.metrics["mAP@0.5"].rstrip("%")) for f in (frames[0], frames[-1]))
    assert first < 5 and last > 50
