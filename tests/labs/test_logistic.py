"""Logistic regression: its optimum against scikit-learn's, and what its figures and errata show."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from engine.examples import load
from engine.labs.foundations.logistic import LAB, Logistic
from engine.seeding import generator
from engine.training import Recipe, fit


def test_its_optimum_is_scikit_learns():
    params = Logistic(noise=1.5, rate=0.5, steps=20_000, seed=2)
    data = load(params, generator(params.seed, 0))
    start = [torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)]
    train, dev = ((x.double(), y.double()) for x, y in (data.train, data.dev))
    *_, last = fit(start, train, dev, Recipe("linear", 0.5), 20_000, every=10_000)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(train[0], train[1])
    np.testing.assert_allclose(last.params[0][0], oracle.coef_[0], atol=1e-3)
    np.testing.assert_allclose(last.params[1], oracle.intercept_, atol=1e-3)


def test_the_lab_shows_that_optimum():
    params = Logistic(noise=1.5, rate=0.5, steps=8000, seed=2)
    data = load(params, generator(params.seed, 0))
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(data.train[0], data.train[1])
    bars = LAB.last_frame(params).figures["Weights"].data[0]
    np.testing.assert_allclose(bars.x, oracle.coef_[0], atol=1e-3)


def test_it_learns_pictures_and_shows_its_weights_as_one():
    frame = LAB.last_frame(Logistic(**LAB.presets["Suns and moons"]))
    assert float(frame.metrics["Dev accuracy"].rstrip("%")) > 85
    levels = np.array(frame.figures["Weights"].data[0].z, dtype=float)
    assert levels.shape == (12, 12, 3)
    middle, corner = levels[4:8, 4:8].mean((0, 1)), levels[[0, 0, -1, -1], [0, -1, 0, -1]].mean(0)
    assert middle[0] > 127 > corner[0] and middle[2] < 127 < corner[2], "warm inside, cool outside"


def test_biopsies_are_told_apart():
    frame = LAB.last_frame(Logistic(examples="breast-cancer", rate=0.3))
    assert float(frame.metrics["Dev accuracy"].rstrip("%")) > 92
    assert len(frame.figures["Weights"].data[0].x) == 16


def test_the_errata_are_computed():
    wrong = LAB.mistakes["sigmoid-parentheses"](Logistic())
    assert "1.1353" in wrong.wrong and "0.8808" in wrong.right
    assert "0.6931" in LAB.mistakes["cost-sign"](Logistic()).right


def test_the_weights_start_at_zero():
    first = next(LAB.run(Logistic()))
    assert first.progress == 0 and not np.any(first.figures["Weights"].data[0].x)
    assert first.metrics["Train cost J"] == f"{np.log(2):.4g}"


@pytest.mark.parametrize("name", ["moons", "drawn", "breast-cancer", "suns"])
def test_every_kind_of_set_trains(name):
    frames = list(LAB.run(Logistic(examples=name, steps=60, rate=0.02)))
    assert frames[-1].figures["Cost"].data[0].y[-1] < np.log(2)
