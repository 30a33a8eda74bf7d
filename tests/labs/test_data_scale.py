"""Accuracy against training-set size: measured on fleets, with seeds and error bars."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from engine.data import tables
from engine.examples import load
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.labs.foundations.data_scale import LAB, LARGEST, MODELS, DataScale, measure, measured, sizes
from engine.seeding import generator
from engine.training import Recipe, accuracy, fit


def test_a_point_is_what_single_runs_measure():
    params = DataScale(examples="breast-cancer", seeds=3, steps=60, rate=0.01)
    data = load(params, generator(0, 0), classes=10)
    together = measure(params, data, "medium", 100)
    for k, right in enumerate(together.right):
        start = mlp.initialize((30, *MODELS["medium"], 1), generator(k, 1), "xavier")
        chosen = torch.randperm(len(data.train[1]), generator=generator(k, 2))[:100]
        own = data.train[0][chosen], data.train[1][chosen]
        recipe = Recipe("relu", params.rate, adam, batch=32)
        *_, last = fit(start, own, data.dev, recipe, 60, every=60, generator=generator(k, 3))
        assert float(accuracy(last.params, data.dev, "relu")) == pytest.approx(float(right), abs=1e-6)


def test_the_bars_are_the_deviation_over_the_seeds():
    params = DataScale(examples="moons", seeds=4, steps=30, sizes=2)
    frame = LAB.last_frame(params)
    trace = frame.figures["Accuracy by training examples"].data[1]
    data = load(params, generator(0, 0), classes=10)
    point = measure(params, data, "small", 10)
    assert trace.y[0] == pytest.approx(np.mean(point.right))
    assert trace.error_y.array[0] == pytest.approx(np.std(point.right, ddof=1))
    assert np.std(point.right) > 0, "the seeds differ"


def test_more_examples_help_and_the_linear_model_is_logistic_regressions_equal():
    params = DataScale(examples="digits", rate=0.01, steps=300, sizes=2)
    data = load(params, generator(0, 0), classes=10)
    few, many = (measure(params, data, "linear", m) for m in (10, len(data.train[1])))
    assert many.mean > few.mean + 0.2
    oracle = LogisticRegression(max_iter=2000).fit(*(part.numpy() for part in data.train))
    assert many.mean == pytest.approx(oracle.score(*(part.numpy() for part in data.dev)), abs=0.03)


def test_a_larger_network_gains_from_all_examples_of_the_flower():
    params = DataScale(seeds=3, points=1000)
    data = load(params, generator(0, 0), classes=10)
    linear, large = (measure(params, data, model, len(data.train[1])) for model in ("linear", "large"))
    assert large.mean > linear.mean + 0.2


def test_the_sizes_grow_evenly_on_a_log_axis():
    found = sizes(DataScale(sizes=4), 10_000)
    assert found == [10, 100, 1000, 10_000]
    assert sizes(DataScale(sizes=4), 10) == [2, 3, 6, 10] and sizes(DataScale(), 1) == [1]


def test_points_appear_one_after_the_other_and_the_curves_keep_them():
    params = DataScale(examples="moons", steps=20, sizes=3, seeds=2, points=60)
    data = load(params, generator(0, 0), classes=10)
    history = list(measured(params, data))
    assert [len(done) for done in history] == list(range(3 * len(MODELS) + 1))
    assert all(later[: len(before)] == before for before, later in pairwise(history))
    assert [each.model for each in history[-1][: len(MODELS)]] == list(MODELS)
    assert next(LAB.run(params)).progress == 0 and LAB.last_frame(params).progress == 1


def test_the_boundary_is_of_the_network_measured_last():
    params = DataScale(examples="moons", steps=60, sizes=2, seeds=2, points=60)
    data = load(params, generator(0, 0), classes=10)
    *_, done = measured(params, data)
    field = LAB.last_frame(params).figures["Boundary"].data[0]
    points = torch.cartesian_prod(torch.from_numpy(field.y), torch.from_numpy(field.x)).flip(1)
    expected = mlp.predict(done[-1].weights, points, "relu").numpy()
    np.testing.assert_allclose(field.z.ravel(), expected, atol=1e-6)
    right = accuracy(done[-1].weights, data.dev, "relu")
    assert float(right) == pytest.approx(float(done[-1].right[0]))


def test_a_large_own_table_is_learned_from_in_part():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(3000, 2)).round(3)
    rows = "\n".join(f"{a},{b},{int(a > b)}" for a, b in x)
    own = tables.table(f"a,b,class\n{rows}".encode())
    frame = LAB.last_frame(DataScale(examples=own, steps=20, sizes=2, seeds=2))
    assert frame.tables["Measured"]["training examples"][-1] == LARGEST
    assert 0 <= frame.figures["Accuracy by training examples"].data[-1].y[-1] <= 1
