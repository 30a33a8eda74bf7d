"""Who is it: answers by hand, errors by threshold and by people enrolled, own pictures enrolled and held out."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from engine.data.albums import album
from engine.data.faces import identities
from engine.data.people import drawn
from engine.errors import BadInput
from engine.functional.faces import squared_distance
from engine.lab import Event
from engine.labs.face_recognition import face_database as lab
from engine.labs.face_recognition.face_database import COUNTS, LAB, FaceDatabase
from engine.models.recognizing import DRAWN
from engine.seeding import generator


@pytest.fixture(scope="module")
def frame():
    return LAB.last_frame(FaceDatabase())


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch):
    """An album of three people with three pictures, one with one, and one picture without a name."""
    monkeypatch.setattr(lab, "recognizer", lambda photographs: (DRAWN, ""))
    random = generator(9)
    faces = drawn(identities(5, random).repeat_interleave(3, 0), random)
    kept = [(f"p{k // 3}/{k}.png", face) for k, face in enumerate(faces[:10])] + [("z.png", faces[12])]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, pixels in kept:
            packed = io.BytesIO()
            Image.fromarray(pixels).save(packed, "PNG")
            archive.writestr(name, packed.getvalue())
    return album(file.getvalue(), "own.zip")


def test_answers_are_those_of_the_nearest_neighbour(frame) -> None:
    kept = frame.state
    near = KNeighborsClassifier(1).fit(kept.database.numpy(), kept.owners.numpy())
    distance = near.kneighbors(kept.askers.numpy())[0].ravel() ** 2
    for threshold in (0.1, 0.35, 0.8):
        seen = LAB.seen(FaceDatabase(threshold=threshold), frame)
        expected = np.where(distance <= threshold, near.predict(kept.askers.numpy()), -1)
        assert seen.metrics["Right answers"] == f"{int((expected == kept.truth.numpy()).sum())} of 12"
        assert seen.metrics["Answer"] == (kept.names[expected[0]] if expected[0] >= 0 else "not recognised")


def test_known_people_are_named_and_strangers_are_not(frame) -> None:
    kept = frame.state
    answers = lab.recognised(kept.askers, kept.database, kept.owners, 0.2)
    assert float((answers == kept.truth).float().mean()) >= 0.9 and set(kept.truth[6:].tolist()) == {-1}
    assert LAB.seen(FaceDatabase(threshold=0.0), frame).metrics["Answer"] == "not recognised"


def test_errors_grow_with_the_people_enrolled(frame) -> None:
    seen = LAB.seen(FaceDatabase(threshold=0.35), frame)
    traces = {t["name"]: t["y"] for t in seen.figures["Errors by people enrolled"].data}
    strangers = traces["strangers let in"]
    assert (np.diff(strangers) >= 0).all() and strangers[-1] > 5 * strangers[0]
    # With all others enrolled, nothing is left to chance: count by hand.
    study = frame.state.study.numpy()
    others = np.where(np.eye(len(study), dtype=bool), np.inf, study).min(1)
    assert COUNTS[-1] == len(study) - 1 and strangers[-1] == pytest.approx((others <= 0.35).mean(), abs=1e-6)
    # One enrolled: the false accept rate of a pair, within what 20 rounds of 64 draws tell.
    pair = (study[~np.eye(len(study), dtype=bool)] <= 0.35).mean()
    assert strangers[0] == pytest.approx(pair, abs=4 * np.sqrt(pair * (1 - pair) / 1280) + 1e-9)


def test_the_mean_of_a_persons_pictures_is_compared(frame) -> None:
    kept = frame.state
    means, owners = lab.database(kept, "mean")
    assert owners.tolist() == list(range(8))
    torch.testing.assert_close(means[3], kept.database[6:8].mean(0))
    seen = LAB.seen(FaceDatabase(rule="mean"), frame)
    bars = seen.figures["Distances of the chosen face"].data[0]
    assert bars["x"][0] == pytest.approx(float(squared_distance(kept.askers[0], means).min()), abs=1e-5)


def test_own_pictures_are_enrolled_and_one_of_each_is_held_out(own) -> None:
    frame = LAB.last_frame(FaceDatabase(people=own))
    kept = frame.state
    assert kept.names == ("p0", "p1", "p2", "p3") and kept.owners.tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert sorted(kept.truth.tolist()) == [-2, 0, 1, 2] and frame.metrics["Right answers"] == "3 of 3"
    assert frame.metrics["Encodings kept"] == "11, 7 enrolled"


def test_people_without_names_are_refused(own) -> None:
    bare = type(own)(own.pictures, ("",) * len(own.labels), (), "bare", "0" * 12)
    with pytest.raises(BadInput, match="must have a name"):
        LAB.last_frame(FaceDatabase(people=bare))


def test_a_click_chooses_who_asks() -> None:
    assert LAB.respond(FaceDatabase(), Event("click", "Who asks", 1.5, 1.5)) == {"which": 6}
    assert LAB.respond(FaceDatabase(), Event("click", "Errors by threshold", 1.5, 1.5)) == {}
