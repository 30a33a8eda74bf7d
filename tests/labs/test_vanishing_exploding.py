"""The linear case is scale^depth; ReLU halves the mean square; and what single precision can't hold is told."""

import numpy as np
import pytest
import torch
from torch import nn

from engine.labs.optimization.vanishing_exploding import LAB, Depth, factor, matrices, sizes
from engine.seeding import generator


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.9, 1.0, 1.1, 1.5, 4.0])
@pytest.mark.parametrize("layers", [1, 10, 50, 200])
def test_the_linear_case_is_scale_to_the_power_of_depth(scale, layers):
    found = sizes(Depth(scale=scale, layers=layers, units=7))
    powers = np.array([scale**k for k in range(layers + 1)])
    np.testing.assert_allclose(found.activations, powers, rtol=1e-9)
    np.testing.assert_allclose(found.gradients, powers[::-1], rtol=1e-9)
    np.testing.assert_allclose(found.expected, powers, rtol=1e-9)
    np.testing.assert_allclose(found.slopes, found.slopes[0] * np.ones(layers), rtol=1e-9)
    assert found.slopes[0] / scale ** (layers - 1) == pytest.approx(sizes(Depth(layers=1, units=7)).slopes[0], rel=1e-9)


def test_the_courses_example_is_half_to_the_power_of_ten():
    frame = next(LAB.run(Depth(**LAB.presets["Half the identity"])))
    assert frame.metrics["Signal at the output"] == f"{0.5**10:.3g}" == "0.000977"
    assert "vanishes" in frame.says


def test_the_random_linear_case_is_a_product_of_matrices():
    params = Depth(weights="random", scale=1.2, layers=5, units=20)
    net = nn.Sequential(*[nn.Linear(20, 20, bias=False, dtype=torch.float64) for _ in range(5)])
    for layer, W in zip(net, matrices(params), strict=True):
        layer.weight.data = W
    product = torch.linalg.multi_dot([layer.weight.data for layer in reversed(net)])
    x = torch.randn(4, 20, dtype=torch.float64, generator=generator(1))
    torch.testing.assert_close(net(x).detach(), x @ product.T)
    deviation = float(torch.stack(matrices(params)).std())
    assert deviation == pytest.approx(1.2 / 20**0.5, rel=0.05)


@pytest.mark.parametrize(
    ("activation", "gain"), [("linear", 1.0), ("relu", 0.5**0.5), ("leaky_relu", (1.0001 / 2) ** 0.5)]
)
def test_random_weights_multiply_the_mean_square_as_theory_says(activation, gain):
    """Averaged over seeds, the mean square after 4 layers is within 10 % of (s² gain²)^4, forward and back."""
    params = [Depth(weights="random", scale=1.3, layers=4, units=100, activation=activation, seed=s) for s in range(30)]
    assert factor(params[0]) == pytest.approx(1.3 * gain)
    found = [sizes(p) for p in params]
    for values in ([f.activations[-1] for f in found], [f.gradients[0] for f in found]):
        assert np.mean(np.square(values)) == pytest.approx((1.3 * gain) ** 8, rel=0.1)


def test_the_figures_hold_the_sizes_on_a_log_axis():
    params = Depth(weights="random", activation="tanh", scale=1.5, layers=20)
    found, frame = sizes(params), next(LAB.run(params))
    forward, backward = frame.figures["Activations, forward"], frame.figures["Gradients, backward"]
    assert forward.layout.yaxis.type == backward.layout.yaxis.type == "log"
    np.testing.assert_array_equal(forward.data[0].y, found.activations)
    assert [trace.name for trace in backward.data] == ["dJ/dA", "dJ/dW"]
    np.testing.assert_array_equal(backward.data[1].y, found.slopes)
    assert list(backward.data[1].x) == list(range(1, 21))


def test_the_sigmoid_loses_the_gradient_and_not_the_signal():
    found = sizes(Depth(**LAB.presets["Sigmoid"]))
    assert found.activations[-1] > 0.3 and found.gradients[0] < 0.25**40


@pytest.mark.parametrize(
    "changed",
    [
        {"scale": 4.0, "layers": 100},
        {"scale": 0.0},
        {"scale": 0.1, "layers": 60},
        {"scale": 4.0, "activation": "sigmoid", "layers": 100},
        {"units": 2, "layers": 100, "weights": "random", "activation": "relu"},
    ],
)
def test_what_single_precision_cannot_hold_is_told_and_mended(changed):
    frame = next(LAB.run(Depth(**changed)))
    assert "single precision" in frame.diverged
    assert not next(LAB.run(Depth(**{**changed, **frame.remedy}))).diverged
    assert not next(LAB.run(Depth())).diverged
