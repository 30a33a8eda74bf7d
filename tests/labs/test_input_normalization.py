"""Normalizing inputs: by the training set's numbers, and what that does to the cost."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from engine.labs.optimization.input_normalization import LAB, InputNormalization, cost, sets, slope, versions


def test_the_dev_set_is_scaled_by_the_training_sets_mean_and_deviation():
    (train, _), (dev, _) = sets(InputNormalization(stretch=7.0, offset=-2.0))
    scaled_train, scaled_dev = versions(train, dev)["Scaled"]
    scaler = StandardScaler().fit(train)
    np.testing.assert_allclose(scaled_train, scaler.transform(train), atol=1e-10)
    np.testing.assert_allclose(scaled_dev, scaler.transform(dev), atol=1e-10)
    assert abs(float(scaled_dev.mean())) > 1e-4, "a mean of its own would be 0"
    np.testing.assert_allclose(versions(train, dev)["Centred"][1], dev - train.mean(0), atol=1e-12)


def test_the_slope_is_autograds():
    (x, y), _ = sets(InputNormalization())
    w = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(cost(w, x, y), w)
    torch.testing.assert_close(slope(w.detach(), x, y), expected)


def test_scaled_inputs_learn_faster_and_their_contours_are_rounder():
    frame = next(LAB.run(InputNormalization()))
    ends = [float(frame.metrics[f"Cost, {name}"]) for name in ("raw", "scaled")]
    assert ends[1] < ends[0]
    long = [float(part) for part in frame.metrics["Longer than wide"].split(" / ")]
    assert long[1] > 2 * long[2] and long[0] > 1.5 * long[2] and long[2] < 2


def test_a_path_that_leaves_is_drawn_up_to_there():
    frame = next(LAB.run(InputNormalization(stretch=50.0, rate=100.0)))
    assert np.isfinite(np.array(frame.figures["Cost"].data[2].y, float)).any()


def test_dividing_by_the_variance_gives_the_wrong_deviations():
    mistake = LAB.mistakes["divide-by-variance"](InputNormalization())
    assert mistake.right.endswith("1, 1.")
    (train, _), _ = sets(InputNormalization())
    assert f"{1 / float(train.std(0, correction=0)[0]):.3g}" in mistake.wrong


@pytest.mark.parametrize("name", ["moons", "drawn"])
def test_other_sets_are_taken(name):
    assert next(LAB.run(InputNormalization(examples=name))).figures["Scaled"].data
