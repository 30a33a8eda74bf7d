"""Bias and variance: the diagnoses shown, the fleet of padded networks, and what capacity and the cures do."""

import numpy as np
import pytest
import torch

from engine.data import tables
from engine.examples import load
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.labs.optimization.bias_variance import HELD_OUT, LAB, SWEPT, BiasVariance, capacities, padded
from engine.seeding import generator
from engine.training import Recipe, accuracy, fit


def test_the_textbooks_four_tables_are_shown_with_its_diagnosis():
    table = next(LAB.run(BiasVariance())).tables["Diagnoses"]
    assert table["Diagnosis"][1:] == ["high variance", "high bias", "high bias and variance", "neither"]
    assert table["Training"][1:] == ["1.0%", "15.0%", "15.0%", "0.5%"]
    assert table["Dev"][1:] == ["11.0%", "16.0%", "30.0%", "1.0%"]
    firsts = [steps.split(",")[0] for steps in table["The recipe tries"][1:]]
    assert firsts == ["more data", "a bigger network", "a bigger network", "nothing: on to the test set"]


@pytest.mark.parametrize("l2", [0.0, 1.0])
def test_a_padded_network_learns_as_it_does_alone_and_its_missing_units_stay_dead(l2):
    params = BiasVariance(points=60)
    data, sizes = load(params, generator(0)), [1, 3, 8, 64]
    recipe = Recipe("tanh", 0.05, adam, l2=l2)
    start = [p.double() for p in padded(sizes, 0)]
    train, dev = ((x.double(), y.double()) for x, y in (data.train, data.dev))
    *_, fleet = fit(start, train, dev, recipe, 200)
    W, b, v, c = fleet.params
    for i, n in enumerate(sizes):
        own = [p.double() for p in mlp.initialize((2, n, 1), generator(0, 1), "xavier")]
        *_, alone = fit(own, train, dev, recipe, 200)
        for ours, theirs in zip((W[i, :n], b[i, :n], v[i, :, :n], c[i]), alone.params, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-8)
        assert not W[i, n:].any() and not b[i, n:].any() and not v[i, :, n:].any()


def shown(**changed):
    return LAB.last_frame(BiasVariance(**changed))


@pytest.mark.parametrize(
    ("preset", "diagnosis"),
    [
        ("High bias", "high bias"),
        pytest.param("High variance", "high variance", marks=pytest.mark.slow),
        ("Both", "high bias and variance"),
        pytest.param("Both cures", "neither", marks=pytest.mark.slow),
    ],
)
def test_the_presets_show_what_their_names_say(preset, diagnosis):
    frame = shown(**LAB.presets[preset])
    assert frame.metrics["Diagnosis"] == diagnosis and diagnosis in frame.says
    assert frame.tables["Diagnoses"]["Diagnosis"][0] == diagnosis


def by_capacity(**changed):
    return {t.name: np.array(t.y) for t in shown(**changed).figures["Error by capacity"].data}


def test_training_error_falls_with_capacity_and_l2_narrows_the_gap():
    plain, cured = by_capacity(), by_capacity(l2=0.3)
    assert plain["train"][0] > 0.3 and plain["train"][-1] == 0
    assert plain["dev"].argmin() not in (0, len(SWEPT) - 1), "the best capacity lies between"
    assert cured["dev"][-1] - cured["train"][-1] < (plain["dev"][-1] - plain["train"][-1]) / 2


@pytest.mark.slow
def test_more_data_narrows_the_gap():
    few, many = by_capacity(), by_capacity(points=1000, steps=800)
    assert many["dev"][-1] - many["train"][-1] < (few["dev"][-1] - few["train"][-1]) / 2


def test_the_errors_shown_are_those_of_the_chosen_network():
    params = BiasVariance(units=5, steps=200)
    data = load(params, generator(0, 0), dev=HELD_OUT)
    own = mlp.initialize((2, 5, 1), generator(0, 1), "xavier")
    *_, alone = fit(own, data.train, data.dev, Recipe("tanh", params.rate, adam), 200)
    frame = LAB.last_frame(params)
    expected = [1 - float(accuracy(alone.params, part, "tanh")) for part in (data.train, data.dev)]
    assert [t.y[-1] for t in frame.figures["Error by step"].data] == pytest.approx(expected, abs=0.011)
    at = capacities(5).index(5)
    assert [t.y[at] for t in frame.figures["Error by capacity"].data] == pytest.approx(expected, abs=0.011)


def test_the_optimal_error_is_where_bias_begins():
    easy, hard = (shown(units=1, steps=300, human=human) for human in (0.0, 40.0))
    assert easy.metrics["Diagnosis"] == "high bias" and "bias" not in hard.metrics["Diagnosis"]
    assert easy.metrics["Train error"] == hard.metrics["Train error"]


def test_of_an_own_table_no_more_examples_are_used_than_asked_for():
    draw = np.random.default_rng(0).normal(size=(900, 2))
    rows = "\n".join(f"{a:.4f},{b:.4f},{int(a * b > 0)}" for a, b in draw)
    own = tables.table(f"u,v,class\n{rows}".encode(), "own.csv")
    few, many = (shown(examples=own, points=points, steps=100) for points in (20, 600))
    assert float(few.metrics["Train error"].rstrip("%")) * 20 % 100 == pytest.approx(0, abs=1e-6)
    assert few.metrics != many.metrics
