"""Ensembles: the average of probabilities, against scikit-learn's soft vote, and accuracies as measured."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

from engine.examples import load
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.labs.optimization.ensembles import LAB, Ensembles, average, share_right, taken
from engine.seeding import generator
from engine.training import Recipe, fit


def test_it_averages_probabilities():
    p = torch.rand(5, 7, generator=generator(0))
    for k in range(1, 6):
        np.testing.assert_allclose(average(p)[k - 1], p.numpy()[:k].mean(0), atol=1e-6)
    many = torch.softmax(torch.randn(4, 7, 3, generator=generator(1)), -1)
    np.testing.assert_allclose(average(many)[-1], many.numpy().mean(0), atol=1e-6)


def test_accuracy_is_scikit_learns_of_the_vote():
    y = torch.arange(40) % 3
    p = torch.softmax(torch.randn(6, 40, 3, generator=generator(2)), -1)
    expected = accuracy_score(y, p.numpy().mean(0).argmax(-1))
    assert float(share_right(average(p), y)[-1]) == pytest.approx(expected)
    two = torch.rand(6, 40, generator=generator(3))
    expected = accuracy_score(y == 1, two.numpy().mean(0) > 0.5)
    assert float(share_right(average(two), (y == 1).float())[-1]) == pytest.approx(expected)


def test_the_lab_shows_what_single_runs_average_to():
    params = Ensembles(members=3, steps=60)
    frame = LAB.last_frame(params)
    data = load(params, generator(0, 0), classes=10)
    answers = []
    for k in range(3):
        start = mlp.initialize((2, 16, 16, 1), generator(0, 100 + k), "xavier")
        recipe = Recipe("tanh", params.rate, adam, batch=params.batch)
        *_, last = fit(start, data.train, data.dev, recipe, 60, generator=generator(0, 200 + k))
        answers.append(mlp.predict(last.params, data.dev[0], "tanh").numpy())
    right = accuracy_score(data.dev[1] == 1, np.mean(answers, 0) > 0.5)
    assert float(frame.metrics["Average of all"].rstrip("%")) / 100 == pytest.approx(right, abs=6e-4)
    traces = {t.name: t for t in frame.figures["Accuracy by members"].data}
    alone = [accuracy_score(data.dev[1] == 1, a > 0.5) for a in answers]
    np.testing.assert_allclose(traces["each alone"].y, alone, atol=1e-6)


def test_the_average_beats_the_mean_member():
    gains = []
    for seed in range(3):
        metrics = LAB.last_frame(Ensembles(seed=seed, steps=300)).metrics
        gains.append(float(metrics["Average of all"].rstrip("%")) - float(metrics["One alone, mean"].rstrip("%")))
    assert np.mean(gains) > 0


def test_snapshots_come_from_the_second_half():
    assert taken(list(range(101)), 3) == [50, 75, 100]
    assert taken([0], 5) == [0]
