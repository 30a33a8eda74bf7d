"""The training loop against torch.optim, and how it starts, thins and stops."""

import math

import pytest
import torch
from torch import nn

from engine.data import planar
from engine.functional import mlp
from engine.seeding import generator
from engine.training import accuracy, batches, cost, fit, paced, recorded

SIZES = (2, 5, 3, 1)


@pytest.fixture
def sets():
    return planar.split(planar.moons(90, 0.2, generator(0)), 30, generator(1))


def start():
    return mlp.initialize(SIZES, generator(2), 0.5)


@pytest.mark.parametrize("batch", [0, 16])
def test_the_path_is_torch_optims(sets, batch):
    params = [p.double() for p in start()]
    train, dev = ((x.double(), y.double()) for x, y in sets)
    net = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    for theirs, ours in zip(net.parameters(), params, strict=True):
        theirs.data = ours.clone()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    drawn = batches(train, batch, generator(3))
    for step in fit(params, train, dev, "tanh", 0.3, 20, every=1, batch=batch, generator=generator(3)):
        for theirs, ours in zip(net.parameters(), step.params, strict=True):
            torch.testing.assert_close(ours, theirs.data, rtol=0, atol=1e-9)
        for measured, (x, y) in ((step.train, train), (step.dev, dev)):
            expected = nn.functional.binary_cross_entropy_with_logits(net(x)[:, 0], y)
            assert measured == pytest.approx(expected.item())
        x, y = next(drawn)
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(x)[:, 0], y).backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("steps", "every", "expected"),
    [(10, 4, [0, 4, 8, 10]), (8, 4, [0, 4, 8]), (0, 1, [0]), (1000, 0, [*range(0, 1000, 3), 1000])],
)
def test_it_yields_the_start_every_so_often_and_the_end(sets, steps, every, expected):
    assert [s.step for s in fit(start(), *sets, "tanh", 0.1, steps, every=every)] == expected


def test_thinning_changes_no_number(sets):
    often, seldom = ([*fit(start(), *sets, "relu", 0.1, 30, every=every)] for every in (1, 10))
    assert [s.train for s in often[::10]] == [s.train for s in seldom]


def test_later_updates_leave_an_earlier_step_alone(sets):
    begin = start()
    kept = [p.clone() for p in begin]
    first, *_, last = fit(begin, *sets, "tanh", 0.5, 10)
    assert all(torch.equal(a, b) for a, b in zip(first.params, kept, strict=True))
    assert not torch.equal(last.params[0], kept[0])


def test_it_records_no_graph(sets):
    *_, last = fit([p.requires_grad_() for p in start()], *sets, "tanh", 0.1, 3)
    assert not any(p.requires_grad for p in last.params)


def test_a_cost_that_is_not_finite_ends_it(sets):
    *before, last = fit(start(), *sets, "relu", 1e6, 1000, every=1)
    assert not last.finite and not math.isfinite(last.train)
    assert all(step.finite for step in before)
    assert 0 < last.step < 1000


def test_closing_it_early_leaves_inference_mode_too(sets):
    steps = fit(start(), *sets, "tanh", 0.1, 100)
    next(steps)
    assert not torch.is_inference_mode_enabled(), "the mode must not leak to who iterates"
    next(steps)
    steps.close()
    assert not torch.is_inference_mode_enabled()
    assert list(steps) == []


def test_every_example_once_an_epoch_in_a_fresh_order_and_the_last_batch_smaller():
    x = torch.arange(10.0)[:, None]
    drawn = batches((x, x[:, 0]), 4, generator(0))
    epochs = [[next(drawn) for _ in range(3)] for _ in range(2)]
    for epoch in epochs:
        assert [len(y) for _, y in epoch] == [4, 4, 2]
        assert sorted(torch.cat([y for _, y in epoch]).tolist()) == list(range(10))
        assert all(torch.equal(a[:, 0], b) for a, b in epoch)
    orders = [torch.cat([y for _, y in epoch]).tolist() for epoch in epochs]
    assert orders[0] != orders[1]


@pytest.mark.parametrize("size", [0, 10, 99])
def test_a_batch_of_none_or_of_more_than_all_is_all(size):
    x = torch.arange(10.0)[:, None]
    drawn = batches((x, x[:, 0]), size, generator(0))
    assert all(torch.equal(next(drawn)[0], x) for _ in range(3))


def test_recorded_steps_hold_all_that_came_before():
    assert [len(history) for history in recorded(iter("abc"))] == [1, 2, 3]


def test_cost_and_accuracy_of_a_known_network():
    params = [torch.tensor([[1.0, 0.0]]), torch.zeros(1)]  # the probability is sigmoid(x₁)
    examples = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [1.0, 0.0], [3.0, 0.0]]), torch.tensor([1.0, 0.0, 1.0, 0.0])
    assert accuracy(params, examples, "tanh") == 0.75
    expected = sum(math.log1p(math.exp(-z)) for z in (2, 2, 1, -3)) / 4
    assert cost(params, examples, "tanh") == pytest.approx(expected, rel=1e-6)


def test_pacing_keeps_the_first_and_the_last():
    assert list(paced(iter(range(1000)), seconds=60)) == [0, 999]
    assert list(paced(iter(range(3)), seconds=0)) == [0, 1, 2]
    assert list(paced(iter([]))) == []


def test_closing_a_paced_stream_early_ends_it():
    steps = paced(iter(range(1000)), seconds=0)
    assert next(steps) == 0
    steps.close()
    assert list(steps) == []
