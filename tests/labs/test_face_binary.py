"""Verification as a binary classification, beside the distance, on the same pairs."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from engine.functional.similarity import fit_units
from engine.labs.face_recognition.face_binary import CHI, DISTANCE, LAB, MANHATTAN, FaceBinary, gathered, scores

PARAMS = FaceBinary(people=60, tested=60)


@pytest.fixture(scope="module")
def pairs():
    return [list(gathered(PARAMS, 60, stream))[-1] for stream in (1, 2)]


@pytest.fixture(scope="module")
def frame():
    return LAB.last_frame(PARAMS)


def test_pairs_of_one_person_and_of_two_are_as_many(pairs) -> None:
    for each in pairs:
        assert each.a.shape == each.b.shape == (120, 32) and int(each.same.sum()) == 60
        assert torch.equal(each.a[:60], each.a[60:])  # every first picture meets its own person and another
        assert each.distances()[each.same].mean() < each.distances()[~each.same].mean()


def test_all_three_are_measured_on_the_same_pairs(frame, pairs) -> None:
    train, test = pairs
    *_, unit = fit_units(train.features(), train.same, rate=PARAMS.rate, l2=PARAMS.l2, steps=PARAMS.steps)
    found = scores(test, unit)
    assert set(found) == {MANHATTAN, CHI, DISTANCE}
    same = test.same.numpy()
    for name, x in found.items():
        assert roc_auc_score(same, -x.numpy()) > 0.8
        curve = next(t for t in frame.figures["ROC on the same pairs"].data if t.name == name and len(t.x) > 2)
        accept, true, _ = roc_curve(same, -x.numpy(), drop_intermediate=False)
        drawn = np.asarray(curve.y, float)
        drawn = drawn if drawn[-1] > drawn[0] else 1 - drawn
        x_drawn = np.asarray(curve.x, float)
        # The axis, a logarithm, ends below the smallest rate: so does the curve.
        expected = np.trapezoid(true, np.maximum(accept, x_drawn.min()))
        assert np.trapezoid(drawn, x_drawn) == pytest.approx(expected, abs=2e-3)
    for name in (MANHATTAN, CHI):
        right = ((found[name] <= 0.5).numpy() == same).mean()
        assert frame.metrics[name] == f"{right:.1%} right"


def test_a_pair_without_any_difference_is_the_surest(pairs) -> None:
    train, _ = pairs
    *_, unit = fit_units(train.features(), train.same, rate=0.05, l2=0.03, steps=100)
    same = train._replace(b=train.a)
    for name in (MANHATTAN, CHI):
        assert float(scores(same, unit)[name].max()) < 0.5


def test_the_notes_form_is_no_probability_and_depends_on_the_order() -> None:
    mistake = LAB.mistakes["triplet-manhattan"](PARAMS)
    wrong = [float(number) for number in re.findall(r"-?\d+\.\d+", mistake.wrong)]
    (right,) = (float(number) for number in re.findall(r"\d\.\d+", mistake.right))
    assert len(wrong) == 2 and wrong[0] != wrong[1] and not all(0 <= number <= 1 for number in wrong)
    assert 0 <= right <= 1
