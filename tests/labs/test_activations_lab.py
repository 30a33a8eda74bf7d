"""Activation functions: every derivative against autograd, and what the figures mark."""

import numpy as np
import pytest
import torch

from engine.functional.activations import step
from engine.lab import Event
from engine.labs.foundations.activations import LAB, Activations, functions, saturated


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu"])
@pytest.mark.parametrize("slope", [0.01, 0.3])
def test_derivatives_are_autograds(name, slope):
    function, derivative = functions(slope)[name]
    z = torch.linspace(-9, 9, 181, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(function(z).sum(), z)
    torch.testing.assert_close(derivative(z.detach()), expected, rtol=0, atol=1e-12)


def test_the_figures_draw_functions_and_derivatives():
    figures = next(LAB.run(Activations(z=0.5))).figures
    for which, title in enumerate(("Functions", "Derivatives")):
        for name, label in (("sigmoid", "sigmoid"), ("tanh", "tanh"), ("relu", "ReLU"), ("leaky_relu", "Leaky ReLU")):
            trace = next(t for t in figures[title].data if t.name == label)
            x = torch.tensor(np.array(trace.x), dtype=torch.float64)
            np.testing.assert_allclose(trace.y, functions(0.1)[name][which](x), atol=1e-6)


def test_the_tangent_has_the_slope_that_is_read():
    tangent = next(LAB.run(Activations(function="tanh", z=0.5))).figures["Functions"].data[-1]
    rise = (float(tangent.y[1]) - float(tangent.y[0])) / (float(tangent.x[1]) - float(tangent.x[0]))
    assert rise == pytest.approx(1 - np.tanh(0.5) ** 2, abs=1e-5)


def test_saturation_is_where_the_slope_is_small():
    z = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    low, high = saturated(z, functions(0.1)["sigmoid"][1])
    assert low[0] == -8 and high[1] == 8
    edge = np.log((1 + np.sqrt(1 - 0.2)) / (1 - np.sqrt(1 - 0.2)))  # where s(1 - s) = 0.05
    assert low[1] == pytest.approx(-edge, abs=0.02) and high[0] == pytest.approx(edge, abs=0.02)
    assert saturated(z, functions(0.1)["leaky_relu"][1]) == []
    assert len(next(LAB.run(Activations(function="sigmoid"))).figures["Functions"].layout.shapes) == 2


def test_a_click_moves_z():
    assert LAB.respond(Activations(), Event("click", "Derivatives", 2.345)) == {"z": 2.35}
    assert LAB.respond(Activations(), Event("click", "Functions", 99.0)) == {"z": 8.0}


def test_relu_has_two_slopes_at_zero():
    told = LAB.mistakes["relu-at-zero"](Activations()).right
    assert "is 1, from the left 0" in told and "takes 0" in told


def test_a_step_is_zero_at_zero():
    assert step(torch.tensor([-1.0, 0.0, 1e-9])).tolist() == [0, 0, 1]
