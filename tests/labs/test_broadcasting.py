"""Broadcasting: the written-out rule against NumPy's, and what the lab says of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.functional.broadcasting import align, broadcast_shape, clash
from engine.labs.foundations.broadcasting import LAB, Broadcasting, read_shape

shapes = st.lists(st.integers(1, 4), max_size=5).map(tuple)


@given(shapes, shapes)
@settings(max_examples=500, deadline=None)
def test_it_agrees_with_numpy(a, b):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        expected = None
    assert broadcast_shape(a, b) == expected
    assert (clash(a, b) is None) == (expected is not None)
    if expected is None:
        axis = align(a, b)[clash(a, b)]
        assert axis.a != axis.b and 1 not in (axis.a, axis.b)


@pytest.mark.parametrize(("a", "b"), [("3, 1", "4"), ("2, 1, 4", "3, 1"), ("4, 6", "4, 1"), ("", "3")])
def test_the_result_is_numpys(a, b):
    figures = next(LAB.run(Broadcasting(a=a, b=b))).figures
    x, y = (10 * (1 + np.arange(np.prod(s, dtype=int))).reshape(s) for s in (read_shape(a, "A"), read_shape(b, "B")))
    expected = x + y // 10
    expected = expected.reshape((-1, *(1, 1, *expected.shape)[-2:]))[0]
    own, copies = (np.array(t.z, float) for t in figures["Result"].data)
    np.testing.assert_array_equal(np.where(np.isnan(own), copies, own), expected)


def test_copies_are_drawn_apart_from_the_array_itself():
    own, copies = next(LAB.run(Broadcasting(a="3, 1", b="4"))).figures["A, stretched"].data
    assert np.isfinite(np.array(own.z, float)).sum() == 3 and np.isfinite(np.array(copies.z, float)).sum() == 9


def test_a_failure_names_the_axis_and_the_trap_is_told():
    failed = next(LAB.run(Broadcasting(a="4, 3", b="4")))
    assert "axis -1 has 3 and 4" in failed.says and failed.metrics["Result"] == "fails"
    assert "(5, 5)" in next(LAB.run(Broadcasting(a="5", b="5, 1"))).note
    assert not next(LAB.run(Broadcasting(a="5, 1", b="1, 5"))).note


@pytest.mark.parametrize("typed", ["a", "1,,2", "-1", "0", "65", "1.5", "1, 2, 3, 1, 1, 1, 1", "９", "²", "(1", "__"])
def test_a_bad_shape_gets_one_sentence(typed):
    if typed == "(1":
        assert read_shape(typed, "A") == (1,)
        return
    with pytest.raises(BadInput, match="shape of A must"):
        next(LAB.run(Broadcasting(a=typed)))


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_shape_or_a_sentence(typed):
    try:
        shape = read_shape(typed, "A")
    except BadInput as problem:
        assert str(problem).endswith(".")
    else:
        assert all(1 <= size <= 64 for size in shape)
