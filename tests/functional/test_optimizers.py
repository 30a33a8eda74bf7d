"""Optimizers against torch.optim step for step, schedules against its schedulers."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import optim
from torch.optim import lr_scheduler

from engine.functional import mlp, optimizers
from engine.functional.optimizers import OPTIMIZERS, adam, descend, momentum, rmsprop, sgd
from engine.seeding import generator

STEPS = 150
CLOSE = {"rtol": 0, "atol": 1e-6}
# Ours, PyTorch's of some parameters and a rate, and the rates on a network and in Rosenbrock's valley with its steep walls.
PAIRS = {
    "sgd": (sgd, optim.SGD, 0.05, 5e-4),
    "momentum": (momentum, partial(optim.SGD, momentum=0.9), 0.01, 1e-4),
    "beta": (partial(momentum, beta=0.5), partial(optim.SGD, momentum=0.5), 0.01, 2e-4),
    "averaging": (
        partial(momentum, dampening=0.9),
        lambda params, lr: optim.SGD(params, lr * (1 - 0.9), momentum=0.9),
        0.05,
        5e-4,
    ),
    "rmsprop": (rmsprop, partial(optim.RMSprop, alpha=0.9), 0.001, 0.003),
    "rmsprop, epsilon": (
        partial(rmsprop, beta=0.5, epsilon=1e-3),
        partial(optim.RMSprop, alpha=0.5, eps=1e-3),
        0.003,
        0.003,
    ),
    "adam": (adam, optim.Adam, 0.01, 0.01),
    "adam, betas": (
        partial(adam, beta1=0.5, beta2=0.9, epsilon=1e-4),
        partial(optim.Adam, betas=(0.5, 0.9), eps=1e-4),
        0.01,
        0.01,
    ),
}


def examples():
    draw = generator(0)
    params = [p.double() for p in mlp.initialize((3, 6, 5, 1), draw, "xavier")]
    x = torch.randn(40, 3, dtype=torch.float64, generator=draw)
    return params, x, (x.prod(-1) > 0).double()


def rosenbrock(p):
    x, y = p.unbind(-1)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rosenbrock_slope(p):
    p = p.clone().requires_grad_()
    return torch.autograd.grad(rosenbrock(p), p)[0]


@pytest.mark.parametrize("name", PAIRS)
def test_on_a_network_the_path_is_torch_optims(name):
    update, make, rate, _ = PAIRS[name]
    params, x, y = examples()
    leaves = [p.clone().requires_grad_() for p in params]
    optimizer, state = make(leaves, lr=rate), {}
    for _ in range(STEPS):
        z = mlp.forward(leaves, x, "tanh")[-1]
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(z[:, 0], y).backward()
        optimizer.step()
        grads = mlp.backward(params, mlp.forward(params, x, "tanh"), y, "tanh")
        params, state = update(params, grads, state, rate)
        for ours, theirs in zip(params, leaves, strict=True):
            torch.testing.assert_close(ours, theirs.detach(), **CLOSE)


@pytest.mark.parametrize("name", PAIRS)
def test_in_rosenbrocks_valley_the_path_is_torch_optims(name):
    update, make, _, rate = PAIRS[name]
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    leaf = start.clone().requires_grad_()
    optimizer = make([leaf], lr=rate)
    expected = [start]
    for _ in range(STEPS):
        optimizer.zero_grad()
        rosenbrock(leaf).backward()
        optimizer.step()
        expected.append(leaf.detach().clone())
    path, costs = descend(rosenbrock, rosenbrock_slope, start, rate, STEPS, update)
    torch.testing.assert_close(path, torch.stack(expected), **CLOSE)
    torch.testing.assert_close(costs, rosenbrock(path), rtol=0, atol=1e-12)
    assert costs[-1] < costs[0] / 2, "it went somewhere"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rates_and_coefficients_may_be_tensors(name):
    """Three rates side by side go the ways of each alone."""
    update = OPTIMIZERS[name]
    rates = torch.tensor([0.001, 0.01, 0.1], dtype=torch.float64)
    slopes = torch.randn(60, 3, 4, dtype=torch.float64, generator=generator(0))

    def walk(rate, slopes):
        params, state = [torch.ones_like(slopes[0])], {}
        for slope in slopes:
            params, state = update(params, [slope], state, rate)
        return params[0]

    together = walk(rates[:, None], slopes)
    for i, rate in enumerate(rates.tolist()):
        torch.testing.assert_close(together[i], walk(rate, slopes[:, i]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "coefficient"), [("momentum", "beta"), ("rmsprop", "beta"), ("adam", "beta1")])
def test_coefficients_may_be_tensors(name, coefficient):
    values = torch.tensor([0.0, 0.5, 0.99], dtype=torch.float64)
    slopes = torch.randn(60, 3, 4, dtype=torch.float64, generator=generator(0))

    def walk(value, slopes):
        update = partial(OPTIMIZERS[name], **{coefficient: value})
        params, state = [torch.ones_like(slopes[0])], {}
        for slope in slopes:
            params, state = update(params, [slope], state, 0.01)
        return params[0]

    together = walk(values[:, None], slopes)
    for i, value in enumerate(values.tolist()):
        torch.testing.assert_close(together[i], walk(value, slopes[:, i]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_goes_in_is_left_alone(name):
    params, grads, state = [torch.ones(3)], [torch.full((3,), 0.5)], {}
    for _ in range(3):
        given_ = [t.clone() for t in (*params, *grads)], {k: repr(v) for k, v in state.items()}
        moved, after = OPTIMIZERS[name](params, grads, state, 0.1)
        assert all(torch.equal(a, b) for a, b in zip((*params, *grads), given_[0], strict=True))
        assert {k: repr(v) for k, v in state.items()} == given_[1]
        params, state = moved, after
    assert not torch.equal(params[0], torch.ones(3))


def test_adam_keeps_its_averages_uncorrected():
    """A corrected average written back would be the slope itself, since every slope is the same."""
    slope, state = torch.tensor([3.0], dtype=torch.float64), {}
    for t in range(1, 30):
        _, state = adam([torch.zeros(1, dtype=torch.float64)], [slope], state, 0.1)
        assert float(state["v"][0]) == pytest.approx(3 * (1 - 0.9**t))
        assert float(state["s"][0]) == pytest.approx(9 * (1 - 0.999**t))


@given(st.floats(1e-6, 1e6), st.floats(1e-4, 1.0))
@settings(deadline=None, max_examples=20)
def test_adams_first_step_is_the_rate_whatever_the_slope(size, rate):
    slope = torch.tensor([size, -size], dtype=torch.float64)
    [p], _ = adam([torch.zeros_like(slope)], [slope], {}, rate)
    torch.testing.assert_close(p, -rate * slope.sign(), rtol=0.011, atol=0)


def test_momentum_beyond_its_average_is_the_plain_step_divided_by_one_minus_beta():
    slope, state, params = torch.tensor([2.0], dtype=torch.float64), {}, [torch.zeros(1, dtype=torch.float64)]
    for _ in range(400):
        before = params
        params, state = momentum(params, [slope], state, 0.1)
    assert float(before[0] - params[0]) == pytest.approx(0.1 * 2 / (1 - 0.9))


# Schedules


def scheduled(make, steps):
    """The rates of one of PyTorch's schedulers, from 0.3."""
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (partial(optimizers.exponential, base=0.95), partial(lr_scheduler.ExponentialLR, gamma=0.95)),
        (
            partial(optimizers.staircase, factor=0.5, every=10),
            partial(lr_scheduler.StepLR, gamma=0.5, step_size=10),
        ),
        (
            partial(optimizers.inverse_time, decay=0.2),
            partial(lr_scheduler.LambdaLR, lr_lambda=lambda t: 1 / (1 + 0.2 * t)),
        ),
        (
            partial(optimizers.inverse_sqrt, k=1.0),
            partial(lr_scheduler.LambdaLR, lr_lambda=lambda t: 1 / max(t, 1) ** 0.5),
        ),
        (
            partial(optimizers.inverse_sqrt, k=3.0),
            partial(lr_scheduler.LambdaLR, lr_lambda=lambda t: min(1, 3 / max(t, 1) ** 0.5)),
        ),
    ],
    ids=["exponential", "staircase", "inverse time", "inverse sqrt", "inverse sqrt, k = 3"],
)
def test_schedules_are_pytorchs(ours, theirs):
    assert [ours(0.3, t) for t in range(100)] == pytest.approx(scheduled(theirs, 100), rel=1e-12)


def test_schedules_by_definition():
    assert [optimizers.inverse_time(0.2, t, 1.0) for t in range(1, 5)] == pytest.approx([0.1, 0.2 / 3, 0.05, 0.04])
    assert optimizers.exponential(0.2, 2, 0.95) == pytest.approx(0.2 * 0.9025)
    assert optimizers.inverse_sqrt(0.2, 4, 1.0) == pytest.approx(0.1)
    assert [optimizers.staircase(0.8, t, 0.5, 2) for t in range(6)] == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2])


@given(
    st.sampled_from(
        [
            partial(optimizers.inverse_time, decay=0.3),
            partial(optimizers.exponential, base=0.9),
            partial(optimizers.inverse_sqrt, k=2.0),
            partial(optimizers.staircase, factor=0.5, every=3),
        ]
    ),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
)
@settings(deadline=None, max_examples=60)
def test_rates_start_as_given_and_only_fall(schedule, a, b):
    assert schedule(0.1, 0) == 0.1
    early, late = sorted([a, b])
    assert 0.1 >= schedule(0.1, early) >= schedule(0.1, late) >= 0


# Paths


def test_a_path_ends_where_the_cost_stops_being_finite():
    start = torch.tensor([3.0])
    path, costs = descend(lambda p: (p**2).sum(-1), lambda p: 2 * p, start, 1e3, 100)
    assert 1 < len(path) == len(costs) < 100
    assert torch.isfinite(costs).all() and torch.equal(path[0], start)


def test_a_path_on_a_bowl_is_its_closed_form():
    start = torch.tensor([3.0, -2.0], dtype=torch.float64)
    path, _ = descend(lambda p: (p**2).sum(-1), lambda p: 2 * p, start, 0.1, 50)
    torch.testing.assert_close(path, start * 0.8 ** torch.arange(51, dtype=torch.float64)[:, None])
