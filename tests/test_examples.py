"""What a lab learns from: both sets' shapes, scaling by the training set alone, own tables, drawn points."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from engine.data import planar, tables, tabular
from engine.errors import BadInput
from engine.examples import DEV, ERASE, NAMES, PLANAR, REACH, SKETCH, TABULAR, AnyExamples, PlanarExamples, draw, load
from engine.lab import Event
from engine.params import MOST_POINTS, controls
from engine.seeding import generator

MADE = tuple(name for name in PLANAR if name != "drawn")


def own(classes=2, columns=2, m=50, scaling="standardized", seed=0):
    """A table as it is uploaded."""
    random = np.random.default_rng(seed)
    x = random.normal(3, 5, (m, columns)).round(4)
    header = ",".join([*(f"c{j}" for j in range(columns)), "class"])
    rows = "\n".join(",".join([*map(str, row), f"k{i % classes}"]) for i, row in enumerate(x))
    return tables.table(f"{header}\n{rows}\n".encode(), "own.csv", scaling=scaling)


def unscaled(x, y, seed, held):
    """The rows of both sets as they were before scaling."""
    order = torch.randperm(len(y), generator=generator(seed)).numpy()
    return (x[order[:-held]], y[order[:-held]]), (x[order[-held:]], y[order[-held:]])


# Made sets


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("points", [20, 400])
def test_a_made_set_has_as_many_examples_as_asked_for(name, points):
    data = load(PlanarExamples(examples=name, points=points), generator(0))
    assert data.train[0].shape == (points, 2) and data.dev[0].shape == (DEV, 2)
    for x, y in (data.train, data.dev):
        assert x.dtype == y.dtype == torch.float32 and set(y.tolist()) == {0.0, 1.0}
    assert (data.planar, data.inputs, data.outputs, data.classes) == (True, 2, 1, ("class 0", "class 1"))


def test_a_made_set_is_the_generators_shuffled_and_as_it_is():
    data = load(PlanarExamples(examples="moons", points=100, noise=0.3), generator(5), dev=40)
    random = generator(5)
    train, dev = planar.split(planar.make("moons", 140, 0.3, random), 40, random)
    for ours, theirs in zip((*data.train, *data.dev), (*train, *dev), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", [*PLANAR, *TABULAR])
def test_the_same_seed_gives_the_same_sets_and_another_gives_others(name):
    params = AnyExamples(examples=name)
    first, again, other = (load(params, generator(seed), classes=10) for seed in (3, 3, 4))
    for a, b in zip((*first.train, *first.dev), (*again.train, *again.dev), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.train[0], other.train[0])


# Tables and pictures


@pytest.mark.parametrize("name", TABULAR)
def test_a_fifth_is_held_out_and_scaled_by_the_training_set_as_scikit_learn_does(name):
    whole = tabular.TABULAR[name]()
    data = load(AnyExamples(examples=name), generator(1), classes=10)
    held = len(whole.y) // 5
    train, dev = unscaled(whole.x.numpy(), whole.y.numpy(), 1, held)
    scaler = (StandardScaler if whole.picture is None else MinMaxScaler)().fit(train[0])
    for ours, theirs in ((data.train, train), (data.dev, dev)):
        np.testing.assert_allclose(ours[0].numpy(), scaler.transform(theirs[0]), atol=2e-4)
        np.testing.assert_array_equal(ours[1].numpy(), theirs[1])
    assert data.features == whole.features and data.picture == whole.picture and not data.planar
    assert data.inputs == len(whole.features)
    assert data.outputs == (1 if len(whole.classes) == 2 else len(whole.classes))
    assert data.train[1].dtype == (torch.float32 if len(whole.classes) == 2 else torch.int64)


@pytest.mark.parametrize("seed", range(10))
def test_a_pixel_that_is_blank_in_training_stays_small_in_dev(seed):
    data = load(AnyExamples(examples="digits"), generator(seed), classes=10)
    assert float(data.dev[0].abs().max()) <= 16


@pytest.mark.parametrize(("scaling", "scaler"), [("standardized", StandardScaler), ("from 0 to 1", MinMaxScaler)])
def test_an_own_table_is_scaled_by_its_training_rows(scaling, scaler):
    given = own(columns=12, scaling=scaling)
    data = load(AnyExamples(examples=given), generator(2))
    train, dev = unscaled(given.x, given.y, 2, 10)
    fitted = scaler().fit(train[0])
    np.testing.assert_allclose(data.train[0].numpy(), fitted.transform(train[0]), atol=1e-5)
    np.testing.assert_allclose(data.dev[0].numpy(), fitted.transform(dev[0]), atol=1e-5)
    other = scaler().fit(given.x).transform(dev[0])
    assert np.abs(data.dev[0].numpy() - other).max() > 1e-3, "the whole table's numbers would be others"


def test_an_own_table_may_be_left_as_it_is():
    given = own(scaling="as they are")
    data = load(PlanarExamples(examples=given), generator(2))
    train, _ = unscaled(given.x, given.y, 2, 10)
    np.testing.assert_array_equal(data.train[0].numpy(), train[0])
    assert data.features == ("c0", "c1") and data.classes == ("k0", "k1") and data.planar


def test_loading_leaves_the_table_alone():
    given = own()
    before = given.x.copy()
    load(PlanarExamples(examples=given), generator(0)).train[0].mul_(0)
    np.testing.assert_array_equal(given.x, before)


def test_a_constant_column_is_only_shifted():
    rows = "\n".join(f"{i},7,{i % 2}" for i in range(20))
    for scaling in ("standardized", "from 0 to 1"):
        given = tables.table(f"a,b,class\n{rows}".encode(), scaling=scaling)
        data = load(PlanarExamples(examples=given), generator(0))
        assert not data.train[0][:, 1].any() and not data.dev[0][:, 1].any()


# Sentences


def test_too_many_classes_are_one_sentence():
    with pytest.raises(BadInput, match=r"^The examples must have at most 2 classes here, got 3\.$"):
        load(AnyExamples(examples="wine"), generator(0))
    with pytest.raises(BadInput, match=r"^The examples must have at most 3 classes here, got 4\.$"):
        load(AnyExamples(examples=own(classes=4)), generator(0), classes=3)
    assert load(AnyExamples(examples=own(classes=4)), generator(0), classes=4).outputs == 4


def test_a_lab_of_the_plane_takes_two_columns():
    with pytest.raises(BadInput, match=r"^The table must be used with two columns to learn from here, got 3\.$"):
        load(PlanarExamples(examples=own(columns=3)), generator(0))
    assert load(AnyExamples(examples=own(columns=3)), generator(0)).inputs == 3


@pytest.mark.parametrize("drawn", [(), SKETCH[:4], tuple((float(i), 0.0, 1) for i in range(6))])
def test_too_few_drawn_points_or_one_class_are_one_sentence(drawn):
    with pytest.raises(BadInput, match=r"^The drawn points must be at least 5, of both classes, got \d\.$"):
        load(PlanarExamples(examples="drawn", drawn=drawn), generator(0))


# Drawing


def test_drawn_points_are_learned_from_as_they_are():
    data = load(PlanarExamples(examples="drawn"), generator(3))
    rows = torch.cat([torch.cat([x, y[:, None]], 1) for x, y in (data.train, data.dev)])
    assert sorted(rows.tolist()) == sorted([*map(float, np.float32(row))] for row in SKETCH)
    assert len(data.dev[1]) == len(SKETCH) // 5


def drawing(**more):
    return PlanarExamples(examples="drawn", **more)


def test_a_click_draws_a_point_of_the_brushs_class():
    answer = draw(drawing(), Event("click", "Boundary", 2.004, -5.0))
    assert answer == {"drawn": (*SKETCH, (2.0, -5.0, 1))}
    assert draw(drawing(brush="class 0"), Event("click", "Boundary", 2.0, -5.0))["drawn"][-1] == (2.0, -5.0, 0)
    assert len(drawing(**answer).drawn) == len(SKETCH) + 1


def test_a_click_on_a_point_takes_it_away():
    x, y, _ = SKETCH[4]
    assert draw(drawing(), Event("click", "Boundary", x + 0.9 * ERASE, y))["drawn"] == SKETCH[:4] + SKETCH[5:]
    assert len(draw(drawing(), Event("click", "Boundary", x, y - 1.2 * ERASE))["drawn"]) == len(SKETCH) + 1
    twice = drawing(drawn=draw(drawing(), Event("click", "Boundary", 5.5, 5.5))["drawn"])
    assert draw(twice, Event("click", "Boundary", 5.5, 5.5))["drawn"] == SKETCH, "what a click drew the next one erases"


def test_only_a_click_on_the_boundary_of_drawn_points_draws():
    assert draw(drawing(), Event("click", "Cost", 1.0, 1.0)) == {}
    assert draw(PlanarExamples(examples="moons"), Event("click", "Boundary", 1.0, 1.0)) == {}
    for outside in (REACH + 0.01, -REACH - 0.01, math.nan, math.inf):
        assert draw(drawing(), Event("click", "Boundary", outside, 0.0)) == {}
        assert draw(drawing(), Event("click", "Boundary", 0.0, outside)) == {}


def test_a_full_sheet_takes_no_more_points_but_gives_them_back():
    full = drawing(drawn=tuple((-6 + i * 0.04, 0.0, i % 2) for i in range(MOST_POINTS)))
    assert draw(full, Event("click", "Boundary", 0.0, 5.0)) == {"drawn": full.drawn}
    assert len(draw(full, Event("click", "Boundary", 0.0, 0.0))["drawn"]) < MOST_POINTS


@given(st.lists(st.tuples(st.floats(-7, 7), st.floats(-7, 7), st.sampled_from(["class 0", "class 1"])), max_size=12))
@settings(deadline=None, max_examples=50)
def test_any_clicks_leave_points_that_the_parameters_take(clicks):
    params = drawing(drawn=())
    for x, y, brush in clicks:
        params = params.model_copy(update={"brush": brush})
        params = PlanarExamples(**{**params.changed(), **draw(params, Event("click", "Boundary", x, y))})
        assert all(abs(p[0]) <= REACH and abs(p[1]) <= REACH for p in params.drawn)
    close = [(p, q) for p in params.drawn for q in params.drawn if p is not q and math.dist(p[:2], q[:2]) <= ERASE]
    assert not close, "a point can't be drawn where one can be erased"


def test_every_set_has_a_label_and_the_defaults_are_among_them():
    for kind, sets in ((PlanarExamples, PLANAR), (AnyExamples, PLANAR + TABULAR)):
        control = next(found for found in controls(kind) if found.name == "examples")
        assert control.options == sets and control.default in sets
        assert set(control.names) == set(NAMES)
