"""Learning-rate decay: schedules and trainings against torch.optim, hand-drawn rates, the noisy bowl."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn, optim
from torch.optim import lr_scheduler

from engine.errors import BadInput
from engine.examples import load
from engine.functional import mlp
from engine.lab import Event
from engine.labs.optimization._schedules import by_hand, rate_at, redrawn
from engine.labs.optimization.lr_decay import LAB, LrDecay, fits, on_bowl, shaken
from engine.seeding import generator
from engine.training import batches

TORCHS = {
    "exponential": partial(lr_scheduler.ExponentialLR, gamma=0.95),
    "staircase": partial(lr_scheduler.StepLR, gamma=0.3, step_size=15),
    "inverse-time": partial(lr_scheduler.LambdaLR, lr_lambda=lambda t: 1 / (1 + 0.2 * t)),
    "inverse-sqrt": partial(lr_scheduler.LambdaLR, lr_lambda=lambda t: min(1, 1 / max(t, 1) ** 0.5)),
    "drawn": partial(lr_scheduler.LambdaLR, lr_lambda=lambda t: [1, 1, 0.2, 0.03, 0.03][t // 15]),
}


@pytest.mark.parametrize("schedule", TORCHS)
def test_the_schedules_drawn_are_pytorchs(schedule):
    params = LrDecay(schedule=schedule)
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=params.rate)
    scheduler, expected = TORCHS[schedule](optimizer), []
    for _ in range(params.epochs):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert [rate_at(params, t) for t in range(params.epochs)] == pytest.approx(expected, rel=1e-12)
    frames = LAB.run(params)
    curve = {trace.name: trace.y for trace in next(frames).figures["Learning rate"].data}
    frames.close()
    np.testing.assert_allclose(curve["decayed"], expected, rtol=1e-6)
    np.testing.assert_allclose(curve["constant"], params.rate, rtol=1e-6)


@pytest.mark.parametrize("name", ["constant", "decayed"])
def test_the_training_is_torch_optims_with_its_scheduler(name):
    params = LrDecay(schedule="exponential", epochs=3, batch=32, rate=0.5, base=0.5)
    data = load(params, generator(params.seed, 0))
    updates = math.ceil(len(data.train[1]) / params.batch)
    *_, last = fits(params, data, updates)[name]
    start = mlp.initialize((2, params.units, 1), generator(params.seed, 1), "xavier")
    model = nn.Sequential(nn.Linear(2, params.units), nn.Tanh(), nn.Linear(params.units, 1))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), start, strict=True):
            parameter.copy_(value)
    optimizer = optim.SGD(model.parameters(), lr=params.rate)
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=1.0 if name == "constant" else 0.5)
    drawn = batches((data.train[0].T, data.train[1][None]), params.batch, generator(params.seed, 2))
    for _ in range(params.epochs):
        for _ in range(updates):
            x, y = next(drawn)
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(model(x.T)[:, 0], y[0]).backward()
            optimizer.step()
        scheduler.step()
    assert last.step == params.epochs * updates
    for ours, theirs in zip(last.params, model.parameters(), strict=True):
        torch.testing.assert_close(ours.clone(), theirs.detach(), rtol=0, atol=1e-5)


def test_decay_settles_where_the_constant_rate_bounces():
    frame = LAB.last_frame(LrDecay())
    bounces = {}
    for trace in frame.figures["Cost"].data:
        bounces[trace.name] = float(np.std(np.array(trace.y)[-60:]))
    assert bounces["decayed"] < bounces["constant"] / 4
    costs = {
        name: frame.metrics[label]
        for name, label in (("constant", "Cost, constant rate"), ("decayed", "Cost, with decay"))
    }
    assert float(costs["decayed"].split()[0]) < float(costs["constant"].split()[0])
    first = {trace.name: float(trace.y[0]) for trace in frame.figures["Cost"].data}
    assert first["constant"] == first["decayed"]


def test_at_a_constant_rate_the_path_stays_as_spread_as_the_formula_says():
    """x <- (1 - a) x - a * noise has the variance a² / (1 - (1 - a)²) = a / (2 - a) in the long run."""
    noise = torch.randn(20_000, 2, generator=generator(1), dtype=torch.float64)
    path, costs = shaken([0.3] * len(noise), noise)
    assert float(path[100:].std()) == pytest.approx(math.sqrt(0.3 / 1.7), rel=0.03)
    torch.testing.assert_close(costs, path.square().sum(-1) / 2)


def test_both_paths_on_the_bowl_are_shaken_alike_and_the_decayed_one_closes_in():
    params = LrDecay(rate=0.5, epochs=100)
    costs = on_bowl(params).costs
    assert costs["decayed"][-50:].mean() < costs["constant"][-50:].mean() / 4
    same = on_bowl(LrDecay(rate=0.5, epochs=100, decay=0.0))
    np.testing.assert_array_equal(same.paths["constant"], same.paths["decayed"])


@pytest.mark.parametrize(
    ("text", "rates"), [("0.3, 0.1, 0.01", [0.3, 0.1, 0.01]), (" 1e-3 ", [0.001]), (".5,5.,1E-6", [0.5, 5.0, 1e-6])]
)
def test_rates_are_read_from_text(text, rates):
    assert by_hand(text) == rates


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "0.1,",
        "0.1 0.2",
        "0.1; 0.2",
        "nan",
        "inf",
        "-0.1",
        "0",
        "11",
        "1_0",
        "0.1, x",
        "1e999",
        "0.1," * 20 + "0.1",
    ],
)
def test_what_is_no_list_of_rates_is_refused_in_a_sentence(text):
    with pytest.raises(BadInput, match=r"must be 1 to 20 numbers from 1e-06 to 10 .* got "):
        by_hand(text)


def test_a_click_sets_the_rate_of_its_stretch():
    params = LrDecay(schedule="drawn", epochs=40)
    assert redrawn(params, 25.0, 0.4567) == "1, 1, 0.457, 0.03"
    assert LAB.respond(params, Event("click", "Learning rate", 39.9, 1e-9)) == {"stretches": "1, 1, 0.2, 1e-06"}
    assert LAB.respond(LrDecay(), Event("click", "Learning rate", 3.0, 0.1)) == {}, "only where rates are drawn by hand"
    assert LAB.respond(LrDecay(schedule="drawn", stretches="what"), Event("click", "Learning rate", 3.0, 0.1)) == {}
    drawn = LAB.respond(LrDecay(examples="drawn"), Event("click", "Boundary", 3.0, 3.0))
    assert len(drawn["drawn"]) == len(LrDecay().drawn) + 1
