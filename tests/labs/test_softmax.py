"""Softmax regression: its gradient, its extremes, and two classes against logistic regression."""

import numpy as np
import pytest
import torch

from engine.functional.activations import softmax
from engine.functional.losses import cross_entropy
from engine.functional.mlp import output_error
from engine.lab import Event
from engine.labs.optimization.softmax import LAB, Softmax, hard_max, logits, sets
from engine.seeding import generator
from engine.training import Recipe, fit


def test_the_gradient_is_y_hat_minus_y():
    z = torch.randn(7, 5, generator=generator(0), dtype=torch.float64, requires_grad=True)
    y = torch.arange(7) % 5
    (expected,) = torch.autograd.grad(cross_entropy(z, y), z)
    with torch.no_grad():
        mine = (softmax(z) - torch.nn.functional.one_hot(y, 5)) / 7
    torch.testing.assert_close(mine, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(output_error(z.detach(), y), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_it_is_stable_for_logits_of_ten_thousand(scale):
    z = scale * torch.tensor([[1.0, 0.0, -1.0], [1.0, 1.0, 0.0]])
    a = softmax(z)
    assert torch.isfinite(a).all()
    torch.testing.assert_close(a, torch.softmax(z, -1))
    assert torch.isfinite(cross_entropy(z, torch.tensor([2, 0])))


def test_two_classes_are_logistic_regression():
    """Both weights move apart by the gradient each, so the difference learns like one unit at twice the rate."""
    params = Softmax(classes=2, noise=1.0)
    data = sets(params, generator(0, 0))
    zeros = [torch.zeros(2, 2), torch.zeros(2)]
    *_, two = fit(zeros, data.train, data.dev, Recipe("linear", 0.2), 300)
    binary = [(x, y.float()) for x, y in (data.train, data.dev)]
    *_, one = fit([torch.zeros(1, 2), torch.zeros(1)], *binary, Recipe("linear", 0.4), 300)
    W, b = two.params
    torch.testing.assert_close(W[1] - W[0], one.params[0][0], rtol=0, atol=1e-5)
    torch.testing.assert_close(b[1] - b[0], one.params[1][0], rtol=0, atol=1e-5)
    x = data.dev[0]
    torch.testing.assert_close(softmax(logits(two.params, x))[:, 1], torch.sigmoid(x @ (W[1] - W[0]) + b[1] - b[0]))
    torch.testing.assert_close(softmax(logits(one.params, x)), softmax(logits(two.params, x)), rtol=0, atol=1e-5)


def test_the_hard_max_is_the_one_hot_of_the_argmax():
    assert hard_max(torch.tensor([5.0, 2.0, -1.0, 3.0])).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("name", ["clusters", "wheel"])
def test_it_learns_its_sets(name):
    frame = LAB.last_frame(Softmax(examples=name, classes=5, noise=0.1))
    assert float(frame.metrics["Dev accuracy"].rstrip("%")) > 90


def test_temperature_moves_the_answer_and_not_its_order():
    soft = {
        t: LAB.last_frame(Softmax(temperature=t, steps=100)).figures["The picked point"].data for t in (0.02, 1.0, 20.0)
    }
    tops = [max(float(v) for v in traces[0].y) for traces in soft.values()]
    assert tops == sorted(tops, reverse=True) and tops[0] > 0.99
    assert len({int(np.argmax(traces[0].y)) for traces in soft.values()}) == 1
    assert all(list(traces[1].y).count(1) == 1 for traces in soft.values())


def test_a_click_picks_a_point_and_far_away_stays_inside():
    assert LAB.respond(Softmax(), Event("click", "Regions", 1.234, -2)) == {"x1": 1.23, "x2": -2}
    assert LAB.respond(Softmax(), Event("click", "Regions", 1e9, -1e9)) == {"x1": 6.0, "x2": -6.0}


def test_the_errata_are_computed():
    assert "-0.163" in LAB.mistakes["softmax-derivative"](Softmax()).right
    assert "(1, 0, 0, 0)" in LAB.mistakes["hard-max"](Softmax()).right
