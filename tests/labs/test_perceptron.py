"""Perceptron and sigmoid unit: what a nudge does to each."""

import numpy as np
import pytest
import torch

from engine.functional.activations import step
from engine.labs.foundations.perceptron import LAB, Perceptron, weighted_sum


def frame(**changed):
    return next(LAB.run(Perceptron(**changed)))


def test_the_step_at_zero_gives_zero():
    assert float(step(torch.zeros(()))) == 0
    shown = frame(w1=1.0, w2=1.0, b=-1.5, x1=1.0, x2=0.5, nudge=0.0)
    assert shown.metrics["z = w·x + b"].startswith("0 ") and shown.metrics["Step"] == "0 → 0"


@pytest.mark.parametrize(("preset", "answers"), [("AND", [0, 0, 0, 1]), ("OR", [0, 1, 1, 1]), ("NAND", [1, 1, 1, 0])])
def test_the_presets_are_the_gates_they_say(preset, answers):
    assert frame(**LAB.presets[preset]).tables["Both units on the corners"]["step"] == answers


def test_no_weights_on_the_sliders_grid_make_an_xor():
    """A perceptron separates by one line."""
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    axis = torch.linspace(-3, 3, 25)
    w = torch.cartesian_prod(axis, axis, axis)
    answers = step(w[:, :2] @ x.T + w[:, 2:])
    assert not (answers == torch.tensor([0.0, 1, 1, 0])).all(1).any()


@pytest.mark.parametrize("nudge", [-0.1, 0.05, 0.1])
def test_the_sigmoid_moves_by_its_slope_times_the_nudge(nudge):
    shown = frame(nudge=nudge, x1=1.0, x2=0.5)
    moved = float(shown.metrics["Moved by"].split(" and ")[1])
    w = torch.tensor([1.0, 1.0], dtype=torch.float64)
    z = weighted_sum(torch.tensor([1.0, 0.5], dtype=torch.float64), w, torch.tensor(-1.5)).requires_grad_()
    (slope,) = torch.autograd.grad(torch.sigmoid(z), z)
    assert moved == pytest.approx(float(slope) * nudge, abs=1e-3)
    assert shown.metrics["Step"] == ("0 → 1" if nudge > 0 else "0 → 0")


def test_the_planes_show_both_units():
    figures = frame(nudge=0.0).figures
    hard, smooth = (np.array(figures[name].data[0].z, float) for name in ("Step unit", "Sigmoid unit"))
    assert set(np.unique(hard)) == {0.0, 1.0}
    clear = np.abs(smooth - 0.5) > 1e-6  # on the line itself rounding decides
    np.testing.assert_array_equal((hard == 1)[clear], (smooth > 0.5)[clear])
