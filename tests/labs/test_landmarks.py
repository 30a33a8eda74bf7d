"""Landmark detection: the error in pixels is measured on persons never seen, mirrored faces, and the model of real faces."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.data.faces import LANDMARKS, SIDE
from engine.data.samples import picture_sample
from engine.lab import Event
from engine.labs.detection import landmarks as lab
from engine.labs.detection.landmarks import LAB, Landmarks
from engine.models import dlib_faces
from engine.models.landmarker import batches, errors, faces, initialize, mirrored
from engine.seeding import generator


@pytest.fixture(scope="module")
def ends():
    frames = LAB.frames(Landmarks())
    first = next(frames)
    *_, last = frames
    return first, last


def test_the_mean_error_in_pixels_is_measured_on_persons_never_seen(ends) -> None:
    first, last = ends
    assert last.progress == 1
    assert float(first.metrics["Mean error"].split()[0]) > 9 and float(last.metrics["Mean error"].split()[0]) < 2.6
    # The chosen faces by hand, from the points as they are drawn.
    frame = LAB.seen(Landmarks(which=5), last)
    traces = {trace["name"]: np.stack([trace["x"], trace["y"]], 1) for trace in frame.figures["Face"].data[2:]}
    by_hand = np.hypot(*(traces["true"] - traces["found"]).T)
    assert frame.metrics["This face"] == f"{by_hand.mean():.2f} px"
    x, y = faces(lab.HELD, generator(0, 0))
    assert torch.equal(x[: lab.SHOWN], last.state.x) and torch.equal(y[: lab.SHOWN], last.state.y)


def test_the_error_is_the_mean_over_all_held_out_faces() -> None:
    frame = LAB.last_frame(Landmarks(steps=3, people=32, variation=0.3))
    network = initialize(0)
    x, y = faces(lab.HELD, generator(0, 0), 0.3)
    first = next(LAB.frames(Landmarks(steps=3, people=32, variation=0.3)))
    with torch.no_grad():
        found = network.eval()(x)
    apart = np.linalg.norm((found - y).numpy().reshape(lab.HELD, 14, 2) * SIDE, axis=2)
    assert first.metrics["Mean error"] == f"{apart.mean():.2f} px of 64"
    bars = first.figures["Error of each landmark"].data[0]
    assert list(bars["y"]) == list(LANDMARKS) and bars["x"].tolist() == pytest.approx(apart.mean(0).tolist(), abs=1e-2)
    torch.testing.assert_close(errors(found, y).numpy(), apart, rtol=1e-4, atol=1e-4)
    assert f"{apart.mean(0).max():.2f} px" in first.says
    assert frame.figures["Training"].data[1]["x"].tolist() == [0, 1, 2, 3]


def test_a_mirrored_face_keeps_its_landmarks() -> None:
    x, y = faces(40, generator(3))
    flipped, points = mirrored(x, y, generator(1))
    swapped = (flipped != x).flatten(1).any(1)
    assert 10 < int(swapped.sum()) < 30
    assert torch.equal(points[~swapped], y[~swapped])
    before, after = (p.view(-1, 14, 2) for p in (y[swapped], points[swapped]))
    left, right = LANDMARKS.index("left eye, outer corner"), LANDMARKS.index("right eye, outer corner")
    torch.testing.assert_close(after[:, left, 0], 1 - before[:, right, 0])
    torch.testing.assert_close(after[:, left, 1], before[:, right, 1])
    # Left stays left of right, eye by eye and corner by corner.
    names = [(a, a.replace("left", "right")) for a in LANDMARKS if a.startswith("left")]
    for a, b in names:
        assert bool((after[:, LANDMARKS.index(a), 0] < after[:, LANDMARKS.index(b), 0]).all()), a


def test_batches_come_from_a_pool_of_so_many_faces() -> None:
    drawn = batches(20, 8, generator(0), generator(1))
    sizes = [len(next(drawn)[0]) for _ in range(5)]
    assert sizes == [8, 8, 4, 8, 8]


def test_fewer_faces_learn_less() -> None:
    few, many = (LAB.last_frame(Landmarks(people=people, steps=80)) for people in (16, 640))
    off = [float(frame.metrics["Mean error"].split()[0]) for frame in (few, many)]
    assert off[0] > off[1] + 0.5


def test_a_click_chooses_a_face() -> None:
    assert LAB.respond(Landmarks(), Event("click", "Held-out faces", 1.5, 1.5)) == {"which": 6}
    assert LAB.respond(Landmarks(), Event("click", "Face", 1.5, 1.5)) == {}


def test_without_a_model_of_real_faces_the_page_says_what_installs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_faces, "find_spec", lambda name: None)
    frame = LAB.last_frame(Landmarks(source="picture"))
    assert dlib_faces.INSTALL in frame.note and "requirements-faces.txt" in frame.note
    assert len(frame.figures["Picture"].data) == 1


def test_with_one_its_landmarks_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def predictor(pixels, face):
        points = [SimpleNamespace(x=face + i, y=2 * i) for i in range(68)]
        return SimpleNamespace(num_parts=68, part=points.__getitem__)

    def shape_predictor(path):
        asked.append(path)
        return predictor

    dlib = SimpleNamespace(
        get_frontal_face_detector=lambda: lambda pixels, up: [10, 90], shape_predictor=shape_predictor
    )
    monkeypatch.setitem(sys.modules, "dlib", dlib)
    monkeypatch.setattr(dlib_faces, "find_spec", lambda name: SimpleNamespace(submodule_search_locations=["folder"]))
    caches = (dlib_faces._detector, dlib_faces._predictor)
    for cached in caches:
        cached.cache_clear()
    try:
        frame = LAB.last_frame(Landmarks(source="picture"))
        found = dlib_faces.landmarks(picture_sample("photo-china").pixels)
    finally:
        for cached in caches:
            cached.cache_clear()
    assert asked == ["folder/models/shape_predictor_68_face_landmarks.dat"]
    assert found.shape == (2, 68, 2) and found[1, 3].tolist() == [93, 6]
    assert "2 faces, with 68 landmarks each" in frame.says and frame.note == dlib_faces.OUTLINE_LICENCE
    assert [len(trace["x"]) for trace in frame.figures["Picture"].data[1:]] == [68, 68]
