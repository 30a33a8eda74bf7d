"""Four optimizers raced: every path and every network against torch.optim, and the erratum's wrong recursion."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn, optim

from engine.examples import load
from engine.figures.theme import OPTIMIZERS
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.functional.surfaces import SURFACES
from engine.lab import Event
from engine.labs.optimization import _race
from engine.labs.optimization.adam import LAB, Adam, in_place, place, racers
from engine.labs.optimization.adam import Race as RaceParams
from engine.params import controls
from engine.seeding import generator
from engine.training import batches

WHERE = ("ravine", "rosenbrock", "saddle", "plateau")
NAMES = {"sgd": "plain", "momentum": "momentum", "rmsprop": "RMSprop", "adam": "Adam"}


def torchs(params: Adam, name: str, leaves: list) -> optim.Optimizer:
    """PyTorch's optimizer with the lab's coefficients."""
    rate = params.rate * getattr(params, f"factor_{name}")
    if name == "sgd":
        return optim.SGD(leaves, lr=rate)
    if name == "momentum":
        return optim.SGD(leaves, lr=rate * (1 - params.beta1), momentum=params.beta1)
    if name == "rmsprop":
        return optim.RMSprop(leaves, lr=rate, alpha=0.9, eps=params.epsilon)
    return optim.Adam(leaves, lr=rate, betas=(params.beta1, params.beta2), eps=params.epsilon)


@pytest.fixture(autouse=True)
def few_frames_without_pause(monkeypatch):
    monkeypatch.setattr(_race, "PAUSE", 0.0)
    monkeypatch.setattr(_race, "FRAMES", 5)


def drawn(frame) -> dict:
    lines = (trace for trace in frame.figures["Paths"].data if trace.type == "scatter" and "lines" in trace.mode)
    return {trace.name: np.stack([trace.x, trace.y], -1) for trace in lines}


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    "changed",
    [{}, {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-4, "factor_adam": 2.0, "factor_momentum": 0.5}],
    ids=["defaults", "others"],
)
def test_on_every_surface_the_trajectories_are_torch_optims(where, changed):
    params = Adam(where=where, steps=120, **changed)
    surface, start = place(params)
    found = _race.walks(surface, start, racers(params), params.rate, params.steps)
    shown = drawn(LAB.last_frame(params))
    for name, (path, _) in found.items():
        point = start.clone().requires_grad_()
        optimizer, expected = torchs(params, name, [point]), [start]
        for _ in range(params.steps):
            optimizer.zero_grad()
            surface.cost(point).backward()
            optimizer.step()
            expected.append(point.detach().clone())
        torch.testing.assert_close(path, torch.stack(expected), rtol=0, atol=1e-6)
        np.testing.assert_allclose(shown[NAMES[name]], torch.stack(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_network_learns_as_with_torch_optim(name):
    """Identical weights and batches for all four, and PyTorch's own layers and gradients as the oracle."""
    params = Adam(where="network", rate=0.02, steps=40, batch=64)
    data = load(params, generator(params.seed, 0))
    fits = _race.fits(data, racers(params), params.rate, params.steps, params.batch, params.units, params.seed)
    *_, last = fits[name]
    start = mlp.initialize((2, params.units, 1), generator(params.seed, 1), "xavier")
    model = nn.Sequential(nn.Linear(2, params.units), nn.Tanh(), nn.Linear(params.units, 1))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), start, strict=True):
            parameter.copy_(value)
    optimizer = torchs(params, name, list(model.parameters()))
    x, y = data.train
    drawn_batches = batches((x.T, y[None]), params.batch, generator(params.seed, 2))
    for _ in range(params.steps):
        inputs, labels = next(drawn_batches)
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(inputs.T)[:, 0], labels[0]).backward()
        optimizer.step()
    assert last.step == params.steps
    for ours, theirs in zip(last.params, model.parameters(), strict=True):
        torch.testing.assert_close(ours.clone(), theirs.detach(), rtol=0, atol=2e-5)


def test_the_paths_grow_from_frame_to_frame(monkeypatch):
    monkeypatch.setattr(_race, "FRAMES", 50)
    frames = list(LAB.run(Adam(steps=100)))
    lengths = [len(drawn(frame)["Adam"]) for frame in frames]
    assert lengths[0] == 1 and lengths[-1] == 101 and len(frames) > 40
    assert lengths == [1, *range(1, 102, 2)], "two steps a frame"
    full = drawn(frames[-1])
    for frame in frames[::10]:
        for name, path in drawn(frame).items():
            np.testing.assert_array_equal(path, full[name][: len(path)])
    assert [frame.progress for frame in frames][-1] == 1
    assert {trace.line.color for trace in frames[-1].figures["Cost by step"].data} == set(OPTIMIZERS.values())


def test_the_network_shows_a_boundary_and_a_cost_for_each():
    frames = list(LAB.run(Adam(where="network", rate=0.02, steps=600)))
    first, last = ({t.name: t.y for t in frame.figures["Cost"].data} for frame in (frames[0], frames[-1]))
    assert list(last) == list(NAMES.values())
    assert len({float(y[0]) for y in last.values()}) == 1, "one start"
    assert float(last["Adam"][-1]) < float(last["plain"][-1]) / 2
    assert len(first["Adam"]) < len(last["Adam"])
    boundaries = [t for t in frames[-1].figures["Boundary"].data if t.type == "contour"]
    assert [t.line.color for t in boundaries] == list(OPTIMIZERS.values())


def test_arrivals_are_where_the_cost_stays_within_a_hundredth():
    params = Adam(steps=200)
    frame = LAB.last_frame(params)
    surface, start = place(params)
    for name, (_, costs) in _race.walks(surface, start, racers(params), params.rate, 200).items():
        step = int(frame.metrics[NAMES[name]].removeprefix("1 % from step "))
        assert (costs[step:] <= 0.01 * costs[0]).all() and costs[step - 1] > 0.01 * costs[0]


def test_adam_leaves_plateau_and_saddle_long_before_plain_descent():
    for where, rate in (("plateau", 0.1), ("saddle", 0.05)):
        params = Adam(where=where, rate=rate)
        surface, start = place(params)
        costs = {
            name: costs - surface.least
            for name, (_, costs) in _race.walks(surface, start, racers(params), rate, 150).items()
        }
        # Plain descent hasn't arrived where Adam arrived in the first third.
        assert costs["adam"][50] < 0.01 * costs["adam"][0] and costs["sgd"][150] > 0.01 * costs["sgd"][0]


def test_many_more_rates_work_for_adam():
    surface, start = place(Adam())
    found = _race.sweep(surface, start, racers(Adam()), 300)
    assert int(found["adam"].isfinite().sum()) > int(found["sgd"].isfinite().sum())
    assert _race.RATES[found["sgd"].isfinite()].max() < 2 / 50


def test_an_optimizer_that_leaves_is_named():
    frame = LAB.last_frame(Adam(rate=0.08, steps=100))
    assert "plain left" in frame.diverged and frame.metrics["plain"] == "left"
    assert not LAB.last_frame(Adam(**frame.remedy, steps=100)).diverged


def test_written_back_averages_run_away():
    """Of constant slopes the right average is the slope; the wrong one multiplies up by every 1 / (1 - beta^t)."""
    one, state = torch.ones(1, dtype=torch.float64), {}
    expected = 0.0
    for t in range(1, 11):
        _, state = in_place([one], [one], state, 0.1, 0.9, 0.999, 1e-8)
        expected = (0.9 * expected + 0.1) / (1 - 0.9**t)
    assert float(state["v"]) == pytest.approx(expected, rel=1e-12)
    assert expected > 1000
    [first], _ = in_place([one], [one], {}, 0.1, 0.9, 0.999, 1e-8)
    assert float(first) == pytest.approx(float(adam([one], [one], {}, 0.1)[0][0])), "the first step is right"
    mistake = LAB.mistakes["adam-in-place"](Adam())
    wrong, right = (float(text.split("cost is ")[1].split()[0]) for text in (mistake.wrong, mistake.right))
    assert wrong > 1 > 1e-6 > right


@pytest.mark.parametrize("where", WHERE)
def test_a_click_moves_the_start_there(where):
    params = Adam(where=where)
    moved = params.model_copy(update=LAB.respond(params, Event("click", "Paths", 0.5, -0.25)))
    assert place(moved)[1].tolist() == pytest.approx([0.5, -0.25], abs=1e-3)
    assert math.isclose(place(params)[1][0], SURFACES[where].start[0])


def test_a_click_on_the_boundary_draws():
    params = Adam(where="network", examples="drawn")
    assert len(LAB.respond(params, Event("click", "Boundary", 3.0, 3.0))["drawn"]) == len(params.drawn) + 1


def test_the_race_comes_first_among_the_controls():
    names = [control.name for control in controls(Adam)]
    assert names[: len(RaceParams.model_fields) - 1] == [n for n in RaceParams.model_fields if n != "seed"]


def test_each_optimizer_is_the_functional_one():
    found = racers(Adam(beta1=0.8))
    assert isinstance(found["adam"].update, partial) and found["adam"].update.func is adam
    assert found["momentum"].update.keywords == {"beta": 0.8, "dampening": 0.8}
