"""Planar figures hold the numbers they were given, in the colours of the house."""

import json

import numpy as np
import pytest

from engine.figures import curves, planar
from engine.figures.theme import DEV, NEGATIVE, POSITIVE, TRAIN
from engine.results.curves import LossCurves
from engine.results.planar import Boundary, UnitMaps


@pytest.fixture
def result():
    draw = np.random.default_rng(0)
    x, y = np.linspace(-2, 2, 61, dtype=np.float32), np.linspace(-1, 3, 61, dtype=np.float32)
    probability = draw.random((61, 61), dtype=np.float32)
    train, dev = draw.normal(size=(40, 2)).astype(np.float32), draw.normal(size=(20, 2)).astype(np.float32)
    return Boundary(x, y, probability, train, (train[:, 0] > 0) * 1.0, dev, (dev[:, 0] > 0) * 1.0)


def test_the_boundary_shows_the_probabilities_and_the_line_at_one_half(result):
    field = planar.boundary(result).data[0]
    np.testing.assert_array_equal(field.z, result.probability)
    np.testing.assert_array_equal(field.x, result.x)
    np.testing.assert_array_equal(field.y, result.y)
    assert (field.contours.start, field.contours.end) == (0.5, 0.5)
    assert (field.zmin, field.zmax) == (0, 1)
    assert (field.colorscale[0][1], field.colorscale[-1][1]) == (NEGATIVE, POSITIVE)
    assert "%{z" in field.hovertemplate


def test_the_boundary_shows_every_example_in_its_classs_colour(result):
    traces = {trace.name: trace for trace in planar.boundary(result).data[1:]}
    for name, x, labels in (("train", result.train, result.train_labels), ("dev", result.dev, result.dev_labels)):
        for label, color in ((0, NEGATIVE), (1, POSITIVE)):
            trace = traces[f"{name}, class {label}"]
            np.testing.assert_array_equal(np.stack([trace.x, trace.y], 1), x[labels == label])
            assert trace.marker.color == color
    assert traces["train, class 1"].marker.symbol != traces["dev, class 1"].marker.symbol


def test_both_axes_of_the_plane_have_one_scale(result):
    assert planar.boundary(result).layout.yaxis.scaleanchor == "x"


@pytest.mark.parametrize("count", [1, 4, 7, 25])
def test_every_unit_has_its_map_under_its_number(count):
    added = np.random.default_rng(0).normal(size=(count, 13, 13)).astype(np.float32)
    maps, titles = planar.units(UnitMaps(np.arange(count) + 3, added)).data
    sheet = np.array(maps.z)
    assert list(titles.text) == [str(k + 3) for k in range(count)]
    for values, x, y in zip(added, titles.x, titles.y, strict=True):
        left, top = round(x - 13 / 2), round(y - planar.GAP / 2)
        np.testing.assert_array_equal(sheet[top - 13 : top, left : left + 13], values)
    assert np.isfinite(sheet).sum() == added.size
    assert maps.zmax == -maps.zmin == pytest.approx(np.abs(added).max())


def test_units_that_add_nothing_still_draw():
    maps = planar.units(UnitMaps(np.ones(1, int), np.zeros((1, 13, 13), np.float32))).data[0]
    assert maps.zmax > maps.zmin


def test_the_cost_curves_have_the_colours_of_their_sets():
    result = LossCurves(np.array([0.0, 5.0]), np.array([0.7, 0.4]), np.array([0.7, 0.5]))
    figure = curves.cost(result, 100)
    train, dev = figure.data
    assert (train.name, train.line.color, list(train.y)) == ("train", TRAIN, [0.7, 0.4])
    assert (dev.name, dev.line.color, list(dev.y)) == ("dev", DEV, [0.7, 0.5])
    assert list(train.x) == list(dev.x) == [0.0, 5.0]
    assert list(figure.layout.xaxis.range) == [0, 100]


def test_a_boundary_travels_light(result):
    text = planar.boundary(result).to_json(validate=False)
    assert len(text) < 60_000
    assert json.loads(text)
