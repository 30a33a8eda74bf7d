"""The slope by a nudge and by the graph, against autograd and SciPy, and what the figures show of it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.differentiate import derivative

from engine.errors import BadInput
from engine.functional.expressions import parse as parse_expression
from engine.functional.quotients import curvature, quotient, value_and_slope
from engine.labs.foundations.derivative import LAB, Derivative
from engine.params import parse

FUNCTIONS = {
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "log": torch.log,
    "x*sin(x)": lambda x: x * torch.sin(x),
    "sigmoid(2*a)-a/3": lambda x: torch.sigmoid(2 * x) - x / 3,
    "exp(-square(x))*(1+tanh(a))": lambda x: torch.exp(-torch.square(x)) * (1 + torch.tanh(x)),
    "relu(x)+abs(x-1)": lambda x: torch.relu(x) + torch.abs(x - 1),
    "7": lambda x: 7 + 0 * x,
}


def settings_of(name, **changed):
    return {"function": name, **changed} if name in ("square", "cube", "log") else {
        "function": "typed", "typed": name, **changed
    }  # fmt: skip


def last(name, **changed):
    return LAB.last_frame(parse(Derivative, settings_of(name, **changed)))


def autograd(name, a):
    x = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    value = FUNCTIONS[name](x)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    bend = torch.autograd.grad(slope, x, allow_unused=True)[0] if slope.requires_grad else None
    return float(value.detach()), float(slope.detach()), 0.0 if bend is None else float(bend)


def trace(frame, figure, name):
    return next(t for t in frame.figures[figure].data if t.name == name)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(a=st.floats(0.05, 3), h=st.floats(1e-6, 1))
@settings(max_examples=15, deadline=None)
def test_the_metrics_are_autograds(name, a, h):
    metrics = last(name, a=a, h=h).metrics
    value, slope, _ = autograd(name, a)
    after, _, _ = autograd(name, a + h)
    rounding = 1e-14 * (1 + abs(value))
    assert float(metrics["f(a)"]) == pytest.approx(value, rel=1e-5, abs=rounding)
    assert float(metrics["f(a + h)"]) == pytest.approx(after, rel=1e-5, abs=rounding)
    assert float(metrics["f'(a)"]) == pytest.approx(slope, rel=1e-5, abs=rounding)
    assert float(metrics["Δf / h"]) == pytest.approx((after - value) / h, rel=1e-5, abs=rounding / h)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slope_and_curvature_are_autograds_to_the_last_digits(name):
    f = parse_expression({"square": "x^2", "cube": "x^3", "log": "log(x)"}.get(name, name), ("x", "a"))
    for a in (0.1, 0.7, 2.0, 2.9):
        x = torch.full((3,), a, dtype=torch.float64)
        value, slope = value_and_slope(f, x)
        expected = autograd(name, a)
        assert value.tolist() == pytest.approx([expected[0]] * 3, rel=1e-12)
        assert slope.tolist() == pytest.approx([expected[1]] * 3, rel=1e-9, abs=1e-15)
        assert curvature(f, a) == pytest.approx(expected[2], rel=1e-9, abs=1e-12)


def test_scipys_own_differentiation_agrees():
    f = parse_expression("x*sin(x)+log(x)", ("x",))
    theirs = derivative(lambda x: x * np.sin(x) + np.log(x), 1.7).df
    _, slope = value_and_slope(f, torch.tensor(1.7, dtype=torch.float64))
    assert float(slope) == pytest.approx(float(theirs), rel=1e-9)


@pytest.mark.parametrize(("name", "a", "after", "slope"), [("square", 2.0, 4.004, 4), ("cube", 5.0, 125.075, 75)])
def test_the_courses_nudge_of_a_thousandth(name, a, after, slope):
    metrics = last(name, a=a, h=0.001).metrics
    assert float(metrics["f(a + h)"]) == pytest.approx(after, rel=1e-5)
    assert float(metrics["f'(a)"]) == slope
    assert float(metrics["Δf / h"]) == pytest.approx(slope, rel=1e-3)


def test_triangle_tangent_and_lens_are_drawn_where_they_belong():
    frame = last("cube", a=1.5, h=0.5)
    legs = trace(frame, "Slope triangle", "h and Δf")
    assert np.array(legs.x).tolist() == [1.5, 2.0, 2.0]
    assert np.array(legs.y).tolist() == [3.375, 3.375, 8.0]
    curve, tangent = (trace(frame, "Slope triangle", name) for name in ("f", "tangent"))
    np.testing.assert_allclose(curve.y, np.array(curve.x, np.float64) ** 3, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tangent.y, 3.375 + 6.75 * (np.array(tangent.x, np.float64) - 1.5), rtol=1e-5, atol=1e-5)
    seen, line = (trace(frame, "Under the lens", name) for name in ("f", "tangent"))
    x = np.array(seen.x, np.float64)
    np.testing.assert_allclose(seen.y, ((1.5 + 0.5 * x) ** 3 - 1.5**3) / 0.5, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(line.y, 6.75 * x, rtol=1e-5, atol=1e-6)


def test_the_lens_shows_the_tangent_once_h_is_small():
    frame = last("cube", a=1.5, h=1e-6)
    seen, line = (np.array(trace(frame, "Under the lens", name).y) for name in ("f", "tangent"))
    np.testing.assert_allclose(seen, line, atol=1e-4)


@pytest.mark.parametrize("name", ["square", "cube", "log", "x*sin(x)"])
def test_the_error_is_truncation_then_rounding(name):
    frame = last(name, a=1.7)
    shown = {t.name: np.array(t.y, np.float64) for t in frame.figures["Error of the quotient"].data}
    h = np.array(trace(frame, "Error of the quotient", "measured").x, np.float64)
    value, _, bend = autograd(name, 1.7)
    np.testing.assert_allclose(shown["truncation"], h * abs(bend) / 2, rtol=1e-9)
    large = (h > 1e-5) & (h < 1e-3)
    np.testing.assert_allclose(shown["measured"][large], shown["truncation"][large], rtol=2e-2)
    known = np.isfinite(shown["measured"]) & (h < 1e-2)
    assert (shown["measured"][known] < 2 * (shown["truncation"] + shown["rounding"])[known]).all()
    best = h[np.nanargmin(shown["measured"])]
    assert 1e-10 < best < 1e-6
    assert np.nanmedian(shown["measured"][h < 1e-14]) > 1e3 * np.nanmin(shown["measured"])
    f = parse_expression({"square": "x^2", "cube": "x^3", "log": "log(x)"}.get(name, name), ("x", "a"))
    exact = [(float(FUNCTIONS[name](torch.tensor(1.7 + s, dtype=torch.float64))) - value) / s for s in h]
    np.testing.assert_allclose(
        quotient(f, 1.7, torch.tensor(h)).numpy()[h > 1e-6], np.array(exact)[h > 1e-6], rtol=1e-8
    )


@pytest.mark.parametrize(
    ("name", "a", "remedy"),
    [("log", -1.0, 0.5), ("log", 0.0, 0.5), ("sqrt(x)", 0.0, 0.5), ("1/x", 0.0, 0.5), ("sqrt(1-x)", 0.75, 0.0)],
)
def test_where_there_is_no_slope_it_says_so_and_how_to_go_on(name, a, remedy):
    frame = last(name, a=a, h=0.5)
    assert "no finite value or slope" in frame.diverged and list(frame.figures) == ["Slope triangle"]
    assert frame.remedy["a"] == pytest.approx(remedy, abs=0.5)
    assert not last(name, h=0.5, **frame.remedy).diverged


def test_a_function_without_a_place_has_no_remedy():
    frame = last("log(-1-square(x))")
    assert frame.diverged and not frame.remedy


@pytest.mark.parametrize("typed", ["", "y", "x..2", "__import__", "(" * 200, "\u0445"])
def test_a_typed_function_that_is_none_ends_in_one_sentence(typed):
    with pytest.raises(BadInput):
        last(typed)
    assert last("square", typed=typed).metrics["f(a)"] == "4", "it isn't read until it is chosen"
