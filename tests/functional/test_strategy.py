"""The diagnosis against the course's tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.functional.strategy import RECIPE, diagnose

SHARE = st.floats(0, 1)


@pytest.mark.parametrize(
    ("human", "train", "dev", "name"),
    [
        (0.0, 0.01, 0.11, "high variance"),
        (0.0, 0.15, 0.16, "high bias"),
        (0.0, 0.15, 0.30, "high bias and variance"),
        (0.0, 0.005, 0.01, "neither"),
        (0.01, 0.08, 0.10, "high bias"),
        (0.075, 0.08, 0.10, "high variance"),
        (0.15, 0.15, 0.16, "neither"),
    ],
)
def test_the_textbooks_tables_give_its_diagnosis(human, train, dev, name):
    assert diagnose(human, train, dev).name == name


def test_bias_is_cured_first_and_nothing_is_left_to_cure_when_both_are_low():
    assert diagnose(0, 0.15, 0.30).steps == RECIPE["bias"]
    assert diagnose(0, 0.01, 0.11).steps == RECIPE["variance"]
    assert diagnose(0, 0.005, 0.01).steps == ()


@given(SHARE, SHARE, SHARE)
def test_gaps_are_never_negative_and_low_ones_never_high(human, train, dev):
    found = diagnose(human, train, dev)
    assert found.bias == max(train - human, 0) and found.variance == max(dev - train, 0)
    for gap, high in ((found.bias, found.high_bias), (found.variance, found.high_variance)):
        assert not high or gap > 0.0199
    assert max(found.bias, found.variance) < 0.02 or found.high_bias or found.high_variance


def test_two_points_are_high_whatever_rounding_makes_of_them():
    assert diagnose(0.0, 0.08, 0.10).high_variance is False, "dwarfed by a bias of 8"
    assert all(diagnose(x, x, x + 0.02).high_variance for x in (0.0, 0.1, 0.17, 0.29, 0.55))
