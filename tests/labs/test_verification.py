"""Verification: rates are scikit-learn's, sliders move on stored distances, and nobody shown was in the training."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from engine.data.faces import identities
from engine.labs.face_recognition import verification as lab
from engine.labs.face_recognition.verification import LAB, Verification
from engine.seeding import generator


@pytest.fixture(scope="module")
def frame():
    return LAB.last_frame(Verification(people=40))


def pairs(frame) -> tuple[np.ndarray, np.ndarray]:
    d = frame.state.distances.numpy()
    return d.ravel(), np.eye(len(d), dtype=bool).ravel()


@pytest.mark.parametrize("threshold", [0.1, 0.33, 0.9])
def test_rates_are_those_of_scikit_learns_curve(frame, threshold: float) -> None:
    distances, same = pairs(frame)
    accept, true, scores = roc_curve(same, -distances, drop_intermediate=False)
    at = np.searchsorted(-scores, threshold, side="right") - 1  # the last point that accepts no more than the threshold
    seen = LAB.seen(Verification(people=40, threshold=threshold), frame)
    assert seen.metrics["False accept"] == f"{accept[at]:.2%}"
    assert seen.metrics["False reject"] == f"{1 - true[at]:.2%}"


def test_the_roc_drawn_is_scikit_learns(frame) -> None:
    distances, same = pairs(frame)
    accept, true, _ = roc_curve(same, -distances, drop_intermediate=False)
    drawn = frame.figures["ROC"].data
    line = next(trace for trace in drawn if trace.name == "verification" and len(trace.x) > 2)
    x, y = np.asarray(line.x, float), np.asarray(line.y, float)
    y = y if y[-1] > y[0] else 1 - y
    for share, hit in zip(x, y, strict=True):
        # Every point drawn lies on a step of the curve; the axis, a logarithm, ends below the smallest rate.
        assert np.any((np.abs(np.maximum(accept, x.min()) - share) < 1e-5) & (np.abs(true - hit) < 1e-5))


def test_recognition_degrades_as_people_are_enrolled(frame) -> None:
    params = Verification(people=40, threshold=0.9, enrolled=1)
    few, many = (LAB.seen(Verification(people=40, threshold=0.9, enrolled=k), frame) for k in (1, 39))
    shares = [float(list(seen.metrics.values())[3].rstrip("%")) for seen in (few, many)]
    assert shares[0] < shares[1]
    people = lab.recognised(frame.state, 0.9, 0.02)
    assert (np.diff(people.strangers) >= -0.03).all() and (np.diff(people.named) <= 0.03).all()
    d = frame.state.distances.numpy()
    everyone = frame.state.counts[-1]
    off = d + np.where(np.eye(len(d), dtype=bool), np.inf, 0)
    nearest = np.sort(off, axis=1)
    exact = (nearest[:, 0] <= 0.9).mean()
    if everyone == len(d) - 1:
        assert people.strangers[-1] == pytest.approx(exact)
    assert people.strangers[0] == pytest.approx((off[np.isfinite(off)] <= 0.9).mean(), abs=0.05)
    assert params.enrolled == 1


def test_the_threshold_moves_on_stored_distances(frame, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_, **__):
        raise AssertionError("faces were drawn again")

    monkeypatch.setattr(lab, "crowd", never)
    strict, lax = (LAB.seen(Verification(people=40, threshold=t), frame) for t in (0.05, 1.5))
    assert strict.metrics["False accept"] == "0.00%" and lax.metrics["False reject"] == "0.00%"


def test_nobody_here_was_in_the_networks_training(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    def watched(network, people, *rest, **more):
        shown.append(people)
        return iter(())

    monkeypatch.setattr(lab, "crowd", watched)
    list(LAB.run(Verification()))
    # The recipe's first batch came from the first stream of seed 0.
    assert not (shown[0][:, None] == identities(16, generator(0))).all(-1).any()


def test_people_who_resemble_each_other_are_confused_more_often(frame) -> None:
    family = LAB.last_frame(Verification(people=40, likeness=0.8))
    errors = [float(f.metrics["Equal error"].split("%")[0]) for f in (frame, family)]
    assert errors[0] < errors[1]
