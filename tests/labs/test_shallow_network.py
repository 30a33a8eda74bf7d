"""One hidden layer on planar data: what the syllabus promises of it, and what its figures show."""

import inspect

import numpy as np
import pytest
import torch

from engine import lab as registry
from engine.functional import mlp
from engine.labs.foundations import shallow_network
from engine.labs.foundations.shallow_network import LAB, ShallowNetwork
from engine.params import controls, parse
from engine.results.planar import GRID
from engine.snapshot import snapshot


def last(**changed):
    return LAB.last_frame(parse(ShallowNetwork, changed))


def share(frame, name):
    return float(frame.metrics[name].rstrip("%")) / 100


def logits(frame):
    probability = np.array(frame.figures["Boundary"].data[0].z, dtype=np.float64)
    return np.log(probability / (1 - probability))


def plane_residual(z):
    """The largest distance of a map (n, n) from the plane that fits it best."""
    n = len(z)
    rows, columns = np.mgrid[:n, :n] / n
    design = np.stack([rows.ravel(), columns.ravel(), np.ones(n * n)], 1)
    fitted = design @ np.linalg.lstsq(design, z.ravel(), rcond=None)[0]
    return float(np.abs(fitted - z.ravel()).max())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_four_tanh_units_reach_90_percent_on_the_flower(seed):
    frame = last(rate=1.2, steps=2000, seed=seed)
    assert share(frame, "Train accuracy") >= 0.9
    assert share(frame, "Dev accuracy") >= 0.85


def test_the_courses_settings_reach_90_percent():
    assert share(last(**{**LAB.presets["Four tanh units"], "steps": 2000}), "Train accuracy") >= 0.9


def test_a_small_start_can_get_stuck():
    assert share(last(**{**LAB.presets["Stuck"], "steps": 2000}), "Train accuracy") < 0.75


def test_fifty_linear_units_draw_the_straight_line_of_one():
    fifty, one = (last(activation="linear", units=units, steps=600) for units in (50, 1))
    assert plane_residual(logits(fifty)) < 1e-4
    assert plane_residual(logits(last(units=50, steps=600))) > 1
    np.testing.assert_allclose(logits(fifty), logits(one), atol=1e-3)
    assert fifty.metrics["Train accuracy"] == one.metrics["Train accuracy"]
    assert "straight" in fifty.says


def test_linear_units_equal_logistic_regression():
    """A straight line trained by autograd alone ends where the linear network ends."""
    train = shallow_network.LAB.last_frame(ShallowNetwork(activation="linear", units=3, steps=600, points=300)).figures[
        "Boundary"
    ]
    groups = {trace.name: np.stack([trace.x, trace.y], 1) for trace in train.data[1:]}
    x = torch.tensor(np.concatenate([groups["train, class 0"], groups["train, class 1"]]))
    y = torch.cat([torch.zeros(len(groups["train, class 0"])), torch.ones(len(groups["train, class 1"]))])
    line = torch.nn.Linear(2, 1)
    optimizer = torch.optim.LBFGS(line.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        cost = torch.nn.functional.binary_cross_entropy_with_logits(line(x)[:, 0], y)
        cost.backward()
        return cost

    optimizer.step(closure)
    across, up = (torch.tensor(np.array(axis)) for axis in (train.data[0].x, train.data[0].y))
    grid = torch.cartesian_prod(up, across).flip(1)
    expected = torch.sigmoid(line(grid)).detach().reshape(61, 61)
    np.testing.assert_allclose(np.array(train.data[0].z), expected, atol=1e-3)


def test_the_boundary_shows_what_the_network_predicts(monkeypatch):
    seen = []
    real = shallow_network.boundary
    monkeypatch.setattr(
        shallow_network, "boundary", lambda weights, *rest: seen.append(weights) or real(weights, *rest)
    )
    field = last(steps=50).figures["Boundary"].data[0]
    for i, j in ((0, 0), (10, 40), (60, 7)):
        point = torch.tensor([[field.x[j], field.y[i]]])
        assert field.z[i][j] == pytest.approx(float(mlp.predict(seen[-1], point, "tanh")), abs=1e-6)


def test_the_units_maps_add_up_to_the_logit(monkeypatch):
    """The maps and the last bias give the logit on the maps' grid, which holds every fifth point of the other."""
    seen = []
    real = shallow_network.unit_maps
    monkeypatch.setattr(shallow_network, "unit_maps", lambda w, *rest: seen.append((w, real(w, *rest))) or seen[-1][1])
    frame = last(steps=300)
    weights, maps = seen[-1]
    assert (GRID - 1) % (shallow_network.MAP - 1) == 0
    step = (GRID - 1) // (shallow_network.MAP - 1)
    np.testing.assert_allclose(maps.added.sum(0) + float(weights[3]), logits(frame)[::step, ::step], atol=1e-3)


def test_of_many_units_the_strongest_are_shown(monkeypatch):
    weights = [torch.ones(50, 2), torch.zeros(50), torch.arange(50.0)[None], torch.zeros(1)]
    train = torch.randn(20, 2), torch.ones(20)
    assert shallow_network.unit_maps(weights, train, "tanh").unit.tolist() == list(range(26, 51))


@pytest.mark.parametrize("changed", [{}, {"batch": 32, "activation": "relu"}, {"examples": "spiral", "noise": 0}])
def test_the_same_seed_gives_the_same_last_frame(changed):
    first, again = (snapshot(last(steps=150, **changed)) for _ in range(2))
    assert first == again


def test_another_seed_gives_other_examples_and_another_start(monkeypatch):
    seen = []
    real = shallow_network.boundary
    monkeypatch.setattr(shallow_network, "boundary", lambda *given: seen.append(given) or real(*given))
    for seed in (0, 1):
        next(LAB.run(ShallowNetwork(seed=seed)))
    (weights, (x, _), *_), (others, (other, _), *_) = seen
    assert not torch.equal(weights[0], others[0])
    assert not torch.equal(x, other)


@pytest.mark.parametrize("name", ["flower", "moons", "circles", "blobs", "xor", "spiral"])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_every_set_trains_without_noise_and_with_much(name, noise):
    frame = last(examples=name, noise=noise, steps=40, points=20)
    assert not frame.diverged
    assert frame.figures["Cost"].data[0].y[-1] < frame.figures["Cost"].data[0].y[0]


def test_the_first_frame_is_the_untrained_network_and_the_last_ends_the_run():
    frames = list(LAB.run(ShallowNetwork(steps=100)))
    assert frames[0].metrics["Step"] == "0 of 100"
    assert frames[0].progress == 0.0
    assert frames[-1].metrics["Step"] == "100 of 100"
    assert frames[-1].progress == 1.0
    steps = list(frames[-1].figures["Cost"].data[0].x)
    assert steps == list(range(101)), "the clock thins the frames, never the curve"


def test_closing_it_early_leaves_nothing_behind():
    frames = LAB.run(ShallowNetwork(steps=10_000))
    next(frames)
    frames.close()
    assert not torch.is_inference_mode_enabled()
    assert list(frames) == []


@pytest.mark.parametrize("changed", [LAB.presets["Too fast"], {"activation": "linear", "rate": 20.0, "units": 50}])
def test_an_overflow_is_told_and_its_remedy_works(changed):
    *_, frame = LAB.run(parse(ShallowNetwork, dict(changed)))
    assert "overflowed" in frame.diverged
    assert frame.progress == 1.0
    assert np.isfinite(np.array(frame.figures["Boundary"].data[0].z)).all()
    assert np.isfinite(np.array(frame.figures["Cost"].data[0].y)).all()
    assert not last(**{**changed, **frame.remedy, "steps": 1000}).diverged


@pytest.mark.parametrize("name", LAB.presets)
def test_every_preset_is_within_bounds(name):
    parse(ShallowNetwork, LAB.presets[name])


def test_the_largest_frame_travels_light():
    figures = snapshot(last(units=50, activation="relu", points=1000, steps=200)).figures
    assert len(figures["Boundary"]) < 60_000
    assert sum(map(len, figures.values())) < 125_000


def test_the_page_finds_the_lab():
    assert registry.load("shallow-network") is LAB and LAB.trains
    assert sum(not control.more for control in controls(ShallowNetwork)) <= 6
    assert {title for row in LAB.rows for title in row} == set(next(LAB.run(ShallowNetwork())).figures)
    assert all("def " in inspect.getsource(function) for function in LAB.code)
