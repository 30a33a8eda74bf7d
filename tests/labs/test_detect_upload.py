"""Detectors on a person's own picture: what is shown of stored proposals, who answered, and what comes to be downloaded."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.ops import box_iou

from engine.data.media import Picture
from engine.data.media import picture as decoded
from engine.labs.detection import detect_upload as lab
from engine.labs.detection.detect_upload import CURVE, FIRST, LAB, SECOND, Detect
from engine.models import pretrained
from engine.models.detectors import LEAST, kept
from tests.data.test_media import ODD_PICTURES
from tests.models.served import served

SSD, FASTER = "ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"


@pytest.fixture(scope="module")
def shown():
    return LAB.last_frame(Detect(beside="proposals"))


def test_the_bundled_detector_finds_the_drawn_scenes() -> None:
    hits = truths = 0
    for seed in range(6):
        frame = LAB.last_frame(Detect(seed=seed, beside="proposals"))
        found = kept(frame.state.answers[0].proposed, 0.5, 0.5)
        hits += int((box_iou(frame.state.truths, found.boxes) > 0.5).any(1).sum())
        truths += len(frame.state.truths)
        assert frame.metrics["Detector"] == "Atlas YOLO"
    assert hits / truths >= 0.9


def test_without_a_network_it_is_said_and_the_bundled_one_answers() -> None:
    frames = list(LAB.frames(Detect()))
    assert frames[0].figures and frames[0].metrics["Detector"] == "Atlas YOLO"
    last = frames[-1]
    assert last.note.startswith("The weights of Faster R-CNN MobileNetV3 can't be had here (")
    assert last.note.endswith("The bundled Atlas YOLO answers instead.") and last.progress == 1
    assert list(last.files) == ["yolo.json"] and {FIRST, SECOND} <= last.figures.keys()


def test_both_out_of_reach_give_one_answer() -> None:
    last = LAB.last_frame(Detect(one=SSD, look="picture"))
    assert "SSDlite MobileNetV3 can't be had" in last.note and "Faster R-CNN MobileNetV3 can't be had" in last.note
    assert last.note.count("Knows four drawn shapes") == 1 and len(last.state.answers) == 1


def test_a_fetched_detector_answers_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(SSD, tmp_path, monkeypatch) as server:
        frames = list(LAB.frames(Detect(one=SSD, beside="proposals", look="picture", score=0.05)))
        assert server.asked == 1 and "is being fetched: 100%" in frames[-3].note
        assert frames[0].metrics["Detector"] == "Atlas YOLO" and frames[0].figures
        last = frames[-1]
        assert last.note == "" and last.metrics["Detector"] == "SSDlite MobileNetV3"
        labels = pretrained.weights(SSD).meta["categories"]
        for row in json.loads(last.files[f"{SSD}.json"]):
            assert labels[row["category_id"]] == row["category_name"]
        assert last.tables["Time and memory"]["stages"] == ["one-shot"]

        calls: list[int] = []
        pretrained.load(SSD).network.register_forward_hook(lambda *_: calls.append(1))
        few = LAB.seen(Detect(one=SSD, beside="proposals", look="picture", score=0.9, overlap=0.2), last)
        assert calls == [] and few.metrics["Boxes left"] != last.metrics["Boxes left"]
        again = LAB.last_frame(Detect(one=SSD, beside="proposals", look="picture", score=0.05))
        assert len(calls) in (1, 2) and server.asked == 1  # the first one slow or not, never more
        assert again.files == last.files


def test_a_broken_download_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(SSD, tmp_path, monkeypatch) as server:
        server.cut = len(server.content) // 2
        last = LAB.last_frame(Detect(one=SSD, beside="proposals"))
    assert "SSDlite MobileNetV3 can't be had here (" in last.note and last.metrics["Detector"] == "Atlas YOLO"
    assert last.note.count(". ") == 1 and not list((tmp_path / "checkpoints").iterdir())


def test_moving_a_threshold_asks_nobody(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "answer", lambda *_: pytest.fail("asked again"))
    monkeypatch.setattr(lab, "looked_at", lambda *_: pytest.fail("drawn again"))
    for score in (LEAST, 0.3, 0.9, 1.0):
        frame = LAB.seen(Detect(beside="proposals", score=score), shown)
        expected = kept(shown.state.answers[0].proposed, score, 0.5)
        assert frame.metrics["Boxes left"] == str(len(expected.boxes))
        assert len(frame.figures[FIRST].layout.shapes) == len(expected.boxes) + len(shown.state.truths)
        assert len(json.loads(frame.files["yolo.json"])) == len(expected.boxes)


def test_counts_and_the_curve_are_those_of_the_boxes(shown) -> None:
    frame = LAB.seen(Detect(beside="proposals", score=0.2, overlap=1.0), shown)
    rows, table = json.loads(frame.files["yolo.json"]), frame.tables["Things found"]
    counted = Counter(row["category_name"] for row in rows)
    assert dict(zip(table["class"][:-1], table["Atlas YOLO"][:-1], strict=True)) == counted
    assert table["Atlas YOLO"][-1] == len(rows)
    curve = frame.figures[CURVE].data[0]
    for at, count in zip(curve.x, curve.y, strict=True):
        assert count == len(kept(shown.state.answers[0].proposed, float(at), 1.0).boxes)


def test_the_download_is_in_cocos_results_format_and_in_the_pictures_pixels() -> None:
    pixels = np.zeros((1500, 1200, 3), np.uint8)
    scene = LAB.last_frame(Detect(beside="proposals")).state
    side = np.asarray(Image.fromarray(scene.pixels).resize((1200, 1200)))
    pixels[:1200] = side
    frame = LAB.last_frame(Detect(beside="proposals", picture=Picture(pixels, "mine.png", "0" * 12)))
    rows = json.loads(frame.files["yolo.json"])
    truths = scene.truths * 1200 / 256
    assert rows and "mine.png" in frame.says
    for row in rows:
        assert row.keys() == {"image_id", "category_id", "category_name", "bbox", "score"}
        x, y, w, h = row["bbox"]
        assert 0.5 < row["score"] <= 1 and 1 <= row["category_id"] <= 9 and row["image_id"] == 1
        assert x >= 0 and y >= 0 and x + w <= 1200 and y + h <= 1500
    x, y, w, h = max(rows, key=lambda row: row["score"])["bbox"]
    assert float(box_iou(torch.tensor([[x, y, x + w, y + h]]), truths).max()) > 0.7


@pytest.mark.parametrize("kind", ODD_PICTURES)
def test_an_odd_picture_gets_an_answer(kind: str) -> None:
    own = decoded(ODD_PICTURES[kind][0](), kind)
    frame = LAB.last_frame(Detect(picture=own, beside="proposals", score=LEAST))
    assert kind in frame.says and "Knows four drawn shapes" in frame.note
    assert all(min(row["bbox"][2:]) >= 0 for row in json.loads(frame.files["yolo.json"]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 2048), (2048, 3), (2048, 1365)])
def test_any_shape_gets_an_answer(shape: tuple[int, int]) -> None:
    own = Picture(np.full((*shape, 3), 90, np.uint8), "thin.png", "1" * 12)
    assert LAB.last_frame(Detect(picture=own, beside="proposals")).figures[FIRST].data


def test_two_stage_stands_beside_one_shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(FASTER, tmp_path, monkeypatch):
        last = LAB.last_frame(Detect())
    assert last.note == "" and last.metrics["Detector"] == "Atlas YOLO and Faster R-CNN MobileNetV3"
    cost = last.tables["Time and memory"]
    assert cost["stages"] == ["one-shot", "two-stage"] and all(ms > 0 for ms in cost["ms"])
    assert cost["weights in MB"][1] > 70 and cost["peak in MB"][1] > cost["peak in MB"][0]
    assert last.figures.keys() >= {FIRST, SECOND} and len(last.files) == 2
    assert "Faster R-CNN MobileNetV3: " in last.figures[SECOND].layout.xaxis.title.text
