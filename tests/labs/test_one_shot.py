"""Enrolment by one picture against a softmax that must learn again, on people whom no training ever saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from engine.data.faces import identities
from engine.labs.face_recognition import one_shot as lab
from engine.labs.face_recognition.one_shot import LAB, OneShot, Sides, similar, softmax
from engine.seeding import generator


def share(frame, name: str) -> float:
    return float(frame.metrics[name].rstrip("%")) / 100


@pytest.fixture(scope="module")
def frames():
    return list(LAB.frames(OneShot(people=12)))


def sides(people: int, each: int, seed: int) -> Sides:
    """Encodings around one place a person."""
    random, found = generator(seed), Sides()
    places = torch.randn(people, 8, generator=generator(99))
    for person in range(people):
        encodings = places[person] + 0.7 * torch.randn(each, 8, generator=random)
        found.add(torch.rand(each, 3, 8, 8, generator=random), encodings, person)
    return found


def test_the_similarity_is_the_nearest_neighbour() -> None:
    enrolled, new = sides(7, 2, 0), sides(7, 5, 1)
    x, y = torch.cat(enrolled.encodings).numpy(), torch.cat(enrolled.whose).numpy()
    known = KNeighborsClassifier(1).fit(x, y).predict(torch.cat(new.encodings).numpy())
    assert similar(enrolled, torch.cat(new.encodings)).tolist() == known.tolist()


def test_one_picture_is_enough_for_the_similarity_and_not_for_the_softmax(frames) -> None:
    last = frames[-1]
    assert share(last, "Similarity") >= 0.9
    assert share(last, "Similarity") > share(last, "Softmax, retrained") + 0.1
    # Nobody who came after its training can be named by a softmax that is left as it was.
    assert share(last, "Softmax, left as it was") <= 3 / 12 + 1e-6


def test_a_frame_for_everyone_who_comes(frames) -> None:
    assert len(frames) == 12
    drawn = frames[-1].figures["Named right on new pictures"].data
    assert all(len(trace.x) == 12 and np.nanmax(trace.y) <= 1 for trace in drawn)


def test_the_shares_drawn_are_counted_on_the_new_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    real = lab.similar

    def watched(enrolled, new):
        answer = real(enrolled, new)
        counted.append((answer, torch.arange(len(new)) // 4))
        return answer

    monkeypatch.setattr(lab, "similar", watched)
    frame = LAB.last_frame(OneShot(people=6))
    answer, truth = counted[-1]
    assert share(frame, "Similarity") == pytest.approx(float((answer == truth).double().mean()), abs=0.006)


def test_a_retrained_softmax_learns_its_own_pictures() -> None:
    enrolled = sides(5, 3, 0)
    answer = softmax(OneShot(classifier="encodings", steps=200, rate=0.1), enrolled, 5)
    x, truth = enrolled.read("encodings")
    assert float((answer(x) == truth).double().mean()) == 1


def test_nobody_here_was_in_the_networks_training(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    def watched(m, random):
        shown.append(identities(m, random))
        return shown[0]

    monkeypatch.setattr(lab, "identities", watched)
    next(LAB.run(OneShot()))
    # The recipe's first batch came from the first stream of seed 0.
    assert not (shown[0][:, None] == identities(16, generator(0))).all(-1).any()
