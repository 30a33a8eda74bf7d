"""Below 1e-7 when right, above 1e-3 for each planted bug; dropout breaks it, and held masks mend it."""

import numpy as np
import pytest
import torch

from engine.functional.checking import BUGS
from engine.labs.optimization.gradient_checking import LAB, NAMES, Checking, problem

PLANTED = [bug for bug in BUGS if bug != "none"]


def frame(**changed):
    return next(LAB.run(Checking(**changed)))


def ratio(shown):
    return float(shown.metrics["Ratio"])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_right_code_is_below_1e_7(activation, seed):
    shown = frame(bug="none", activation=activation, seed=seed)
    assert ratio(shown) < 1e-7
    assert shown.metrics["It looks"] == "right" and shown.metrics["Components off"] == "0 of 61"


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("bug", PLANTED)
def test_every_planted_bug_is_above_1e_3(bug, activation, seed):
    shown = frame(bug=bug, activation=activation, seed=seed)
    assert ratio(shown) > 1e-3 and shown.metrics["It looks"] == "wrong"


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_ratio_is_that_of_autograd_and_the_right_code(activation):
    """What the check measures against is the true gradient: autograd's differs from the differences by no more."""
    found = problem(Checking(bug="none", activation=activation))
    leaf = found.theta.clone().requires_grad_()
    (expected,) = torch.autograd.grad(found.cost(leaf), leaf)
    torch.testing.assert_close(found.gradient("none"), expected, rtol=0, atol=1e-12)


def test_the_bars_are_of_the_spoiled_components_in_their_layers_colours():
    shown = frame(bug="doubled")
    bars = {trace.name: trace for trace in shown.figures["Where they part"].data}
    assert list(bars) == ["dW¹", "db¹", "dW²", "db²", "dW³", "db³"]
    assert [len(trace.y) for trace in bars.values()] == [20, 5, 25, 5, 5, 1]
    assert min(bars["dW²"].y) > 1e-5
    assert max(max(trace.y) for name, trace in bars.items() if name != "dW²") < 1e-7
    assert len({bars[name].marker.color for name in ("dW¹", "dW²", "dW³")}) == 3
    assert all(name.startswith("dW²") for name in shown.tables["Farthest off"]["Component"])
    assert shown.metrics["Farthest off"] == shown.tables["Farthest off"]["Component"][0]


def test_the_ratio_curve_falls_with_the_square_of_epsilon_and_rises_again():
    curves = {trace.name: trace for trace in frame(bug="slope").figures["Ratio against ε"].data}
    epsilon, right = np.array(curves["right code"].x), np.array(curves["right code"].y)
    one = np.array(curves["one-sided"].y)
    coarse = epsilon > 1e-3
    assert np.polyfit(np.log(epsilon[coarse]), np.log(right[coarse]), 1)[0] == pytest.approx(2, abs=0.1)
    assert np.polyfit(np.log(epsilon[coarse]), np.log(one[coarse]), 1)[0] == pytest.approx(1, abs=0.1)
    assert right.min() < 1e-9 and right[0] > 1e-5
    assert np.array(curves["this code"].y)[12:-1].min() > 1e-2
    assert curves["chosen ε"].x[0] == 1e-7


def test_dropout_breaks_it_and_held_masks_mend_it():
    shown = frame(bug="none", dropout=True)
    assert ratio(shown) > 0.5
    assert float(shown.metrics["With masks held"]) < 1e-7 and "masks held" in shown.says
    assert float(frame(bug="doubled", dropout=True).metrics["With masks held"]) > 1e-3


def test_small_weights_hide_a_forgotten_slope():
    assert ratio(frame(**LAB.presets["Hidden by small weights"])) < 1e-3 < ratio(frame(bug="slope"))


def test_single_precision_cannot_reach_it():
    assert min(ratio(frame(bug="none", precision="float32", epsilon=e)) for e in (1e-4, 1e-3, 1e-2)) > 1e-6


def test_every_bug_has_a_name():
    assert set(NAMES) == set(BUGS)


@pytest.mark.parametrize(
    "changed", [{"units": 2}, {"units": 8, "dropout": True}, {"scale": 10.0, "activation": "sigmoid"}]
)
@pytest.mark.parametrize("epsilon", [1e-14, 1.0])
def test_extremes_still_say_something(changed, epsilon):
    assert np.isfinite(ratio(frame(epsilon=epsilon, **changed)))
