"""From pictures to judged pairs: the portrait and its copies, a zip with one folder a person, and without dlib."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score, roc_curve

from engine import cli
from engine.data.albums import album
from engine.data.faces import identities
from engine.data.people import drawn, portraits
from engine.lab import Event
from engine.labs.face_recognition import face_pipeline as lab
from engine.labs.face_recognition.face_pipeline import LAB, FacePipeline
from engine.models import dlib_faces
from engine.models.recognizing import DRAWN, REAL
from engine.seeding import generator

real = pytest.mark.skipif(not dlib_faces.installed(), reason=f"needs `{dlib_faces.INSTALL}`")


def zipped(people: dict[str, list[np.ndarray]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, pictures in people.items():
            for k, pixels in enumerate(pictures):
                packed = io.BytesIO()
                Image.fromarray(pixels).save(packed, "PNG")
                archive.writestr(f"faces/{name}/{k}.png", packed.getvalue())
    return file.getvalue()


@pytest.fixture
def twelve(monkeypatch: pytest.MonkeyPatch):
    """A zip of twelve drawn people, four pictures each, read as what they are."""
    monkeypatch.setattr(lab, "recognizer", lambda photographs: (DRAWN, ""))
    random = generator(3)
    people = identities(12, random)
    pictures = drawn(people.repeat_interleave(4, 0), random)
    return zipped({f"p{k:02}": pictures[4 * k : 4 * k + 4] for k in range(12)})


@real
def test_the_portrait_and_its_copies_are_told_from_all_others() -> None:
    frame = LAB.last_frame(FacePipeline())
    assert frame.metrics["Pair accuracy"] == "100.00%" and frame.metrics["Equal error rate"] == "0.00%"
    assert frame.metrics["Faces"].startswith("17 in 15") and dlib_faces.LICENCES in frame.note
    pairs = frame.state.pairs
    assert roc_auc_score(pairs.same, -pairs.distances) == 1 and len(pairs.same) == 28 + 8 * 6
    # The one of three beside whom two strangers stand is recognised, and they aren't.
    group = LAB.seen(FacePipeline(which=17), frame).figures["Picture"]
    names = sorted(shape["label"]["text"] for shape in group.layout["shapes"])
    assert names == ["not recognised", "not recognised", "portrait"]


@real
def test_a_zip_of_photographs_through_the_command_line(tmp_path: Path, capsys) -> None:
    pictures = [picture.pixels for picture in portraits()[0]]
    file = tmp_path / "FILE.zip"
    file.write_bytes(zipped({"her": pictures[:4], "him": [pictures[9], pictures[9][:, ::-1]]}))
    assert cli.main(["run", "face-pipeline", "--input", f"faces={file}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["Pair accuracy"] == "100.00%" and told["metrics"]["Faces"] == "6 in 6 pictures"
    table = told["tables"]["Thresholds"]
    assert table["squared distance"][0] == "0.360" and table["pairs right"][0] == "100.00% of 15"


def test_accuracy_and_errors_are_those_of_scikit_learn(twelve: bytes) -> None:
    frame = LAB.last_frame(FacePipeline(faces=album(twelve), threshold=0.2))
    pairs = frame.state.pairs
    assert len(pairs.same) == 48 * 47 // 2 and int(pairs.same.sum()) == 12 * 6
    false, true, thresholds = roc_curve(pairs.same, -pairs.distances, drop_intermediate=False)
    equal = np.abs(false - (1 - true)).argmin()
    rate = float(frame.metrics["Equal error rate"].rstrip("%")) / 100
    assert rate == pytest.approx((false[equal] + 1 - true[equal]) / 2, abs=6e-5)
    assert float(frame.metrics["Pair accuracy"].rstrip("%")) >= 95
    best = max(((pairs.distances <= -t).eq(pairs.same)).float().mean() for t in thresholds)
    assert frame.tables["Thresholds"]["pairs right"][2].startswith(f"{best:.2%}")
    # The place of the chosen threshold on the curve.
    here = frame.figures["ROC"].data[2]
    passed = pairs.distances <= 0.2
    assert here["x"][0] == pytest.approx(float(passed[~pairs.same].float().mean()))
    assert here["y"][0] == pytest.approx(float(passed[pairs.same].float().mean()))


def test_with_many_faces_the_distances_are_means_of_people(twelve: bytes) -> None:
    frame = LAB.last_frame(FacePipeline(faces=album(twelve)))
    cells, e = frame.figures["Distances"].data[0]["z"], frame.state.encodings
    by_hand = ((e[4:8, None] - e[8:12]) ** 2).sum(-1).mean()
    assert cells.shape == (12, 12) and cells[1, 2] == pytest.approx(float(by_hand), abs=6e-3)


def test_without_the_extra_one_sentence_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_faces, "find_spec", lambda name: None)
    frame = LAB.last_frame(FacePipeline())
    assert dlib_faces.INSTALL in frame.note and "mean little" in frame.note
    assert not LAB.last_frame(FacePipeline(faces="drawn")).note


def test_pictures_without_a_face_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "recognizer", lambda photographs: (DRAWN._replace(licence=REAL.licence), ""))
    assert "15 of them only as a whole picture" in LAB.last_frame(FacePipeline()).says


def test_a_click_chooses_a_face() -> None:
    assert LAB.respond(FacePipeline(), Event("click", "Distances", 2.0, 4.2)) == {"which": 5}
    assert LAB.respond(FacePipeline(), Event("click", "ROC", 2.0, 4.2)) == {}
