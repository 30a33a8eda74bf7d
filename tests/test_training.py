"""The training loop against torch.optim, fleets against single runs, and how it starts, thins and stops."""

import math
from dataclasses import replace
from functools import partial
from itertools import chain, pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score
from torch import nn, optim
from torch.nn import functional as F

from engine.data import planar
from engine.functional import mlp, optimizers
from engine.functional.activations import ACTIVATIONS
from engine.functional.optimizers import OPTIMIZERS, momentum
from engine.functional.regularization import dropout_mask, l1_penalty, l2_penalty
from engine.seeding import generator
from engine.training import (
    Fleet,
    Recipe,
    accuracy,
    batches,
    cost,
    fit,
    overflow,
    paced,
    recorded,
    thinned,
)
from engine.training.fleet import count, sizes_of

SIZES = (2, 5, 3, 1)
TENS = {
    "sgd": partial(optim.SGD, lr=0.3),
    "momentum": partial(optim.SGD, lr=0.3, momentum=0.9),
    "rmsprop": partial(optim.RMSprop, lr=0.003, alpha=0.9),
    "adam": partial(optim.Adam, lr=0.01),
}


@pytest.fixture
def sets():
    return planar.split(planar.moons(90, 0.2, generator(0)), 30, generator(1))


@pytest.fixture
def exact_sets(sets):
    return [(x.double(), y.double()) for x, y in sets]


def start(seed=2, sizes=SIZES, dtype=torch.float32):
    return [p.to(dtype) for p in mlp.initialize(sizes, generator(seed), 0.5)]


def stacked(starts):
    """A fleet's start."""
    return [torch.stack(layer) for layer in zip(*starts, strict=True)]


def torch_network(params):
    """A tanh network of torch.nn and its weights, which alone bear penalties."""
    layers = []
    for W, b in zip(params[::2], params[1::2], strict=True):
        layer = nn.Linear(W.shape[1], W.shape[0], dtype=W.dtype)
        layer.weight.data, layer.bias.data = W.clone(), b.clone()
        layers += [layer, nn.Tanh()]
    net = nn.Sequential(*layers[:-1])
    return net, [p for p in net.parameters() if p.ndim == 2]


def torch_cost(net, examples):
    x, y = examples
    return F.binary_cross_entropy_with_logits(net(x)[:, 0], y)


def order(m, size, draw):
    """The examples of one epoch's batches."""
    return torch.randperm(m, generator=draw).split(size) if size else [slice(None)]


def assert_same(ours, theirs, atol=1e-9):
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.clone(), b.detach(), rtol=0, atol=atol)


# One network


@pytest.mark.parametrize("batch", [0, 16])
@pytest.mark.parametrize("name", TENS)
def test_the_path_is_torch_optims(exact_sets, name, batch):
    train, dev = exact_sets
    params = start(dtype=torch.float64)
    net, _ = torch_network(params)
    optimizer = TENS[name](net.parameters())
    draw, todo = generator(3), []
    recipe = Recipe("tanh", optimizer.param_groups[0]["lr"], OPTIMIZERS[name], batch=batch)
    for step in fit(params, train, dev, recipe, 20, every=1, generator=generator(3)):
        assert_same(step.params, net.parameters())
        assert_same([step.train, step.dev], [torch_cost(net, train), torch_cost(net, dev)])
        todo = todo or list(order(60, batch, draw))
        rows = todo.pop(0)
        optimizer.zero_grad()
        torch_cost(net, (train[0][rows], train[1][rows])).backward()
        optimizer.step()


def test_l2_is_torchs_weight_decay_under_plain_descent(exact_sets):
    """Of l2 / m, on weights only, and of the whole training set's m also in mini-batches."""
    train, dev = exact_sets
    params = start(dtype=torch.float64)
    net, weights = torch_network(params)
    biases = [p for p in net.parameters() if p.ndim == 1]
    optimizer = optim.SGD([{"params": weights, "weight_decay": 3.0 / 60}, {"params": biases}], lr=0.3)
    draw = generator(3)
    *_, last = fit(params, train, dev, Recipe("tanh", 0.3, l2=3.0, batch=20), 30, generator=generator(3))
    for _ in range(10):
        for rows in order(60, 20, draw):
            optimizer.zero_grad()
            torch_cost(net, (train[0][rows], train[1][rows])).backward()
            optimizer.step()
    assert_same(last.params, net.parameters())
    assert_same([last.train], [torch_cost(net, train)])


def test_penalties_and_dropout_are_autograds(exact_sets):
    train, dev = exact_sets
    params = start(dtype=torch.float64)
    leaves = [p.clone().requires_grad_() for p in params]
    optimizer, draw = optim.SGD(leaves, lr=0.1), generator(3)
    recipe = Recipe("tanh", 0.1, l2=2.0, l1=0.5, keep=(0.5, 0.8))
    *_, last = fit(params, train, dev, recipe, 15, generator=generator(3))
    for _ in range(15):
        masks = [dropout_mask((n, 60), keep, draw).double().T for n, keep in ((5, 0.5), (3, 0.8))]
        z = mlp.forward(leaves, train[0], "tanh", masks)[-1]
        penalties = l2_penalty(leaves[::2], 2.0, 60) + l1_penalty(leaves[::2], 0.5, 60)
        optimizer.zero_grad()
        (F.binary_cross_entropy_with_logits(z[:, 0], train[1]) + penalties).backward()
        optimizer.step()
    assert_same(last.params, leaves)
    assert_same([last.train], [cost(leaves, train, "tanh")])  # nothing is dropped or punished in what is reported


def test_a_schedule_is_torchs_lambda(exact_sets):
    train, dev = exact_sets
    params = start(dtype=torch.float64)
    net, _ = torch_network(params)

    def factor(step):
        return optimizers.inverse_time(1.0, step, 0.3)

    optimizer = optim.SGD(net.parameters(), lr=0.5)
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, factor)
    for step in fit(params, train, dev, Recipe("tanh", 0.5, schedule=factor), 20, every=1):
        assert_same(step.params, net.parameters())
        optimizer.zero_grad()
        torch_cost(net, train).backward()
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_several_classes_are_learned_by_torchs_cross_entropy(dtype):
    draw = generator(0)
    x, y = torch.randn(80, 4, generator=draw).to(dtype), torch.randint(0, 3, (80,), generator=draw)
    params = start(sizes=(4, 6, 3), dtype=dtype)
    net, _ = torch_network(params)
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    *_, last = fit(params, (x, y), (x[:20], y[:20]), Recipe("tanh", 0.01, OPTIMIZERS["adam"]), 30)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    atol = 1e-9 if dtype == torch.float64 else 1e-5
    assert_same(last.params, net.parameters(), atol)
    assert_same([last.train, last.dev], [F.cross_entropy(net(x), y), F.cross_entropy(net(x[:20]), y[:20])], atol)


# How it starts, thins and stops


@pytest.mark.parametrize(
    ("steps", "every", "expected"),
    [(10, 4, [0, 4, 8, 10]), (8, 4, [0, 4, 8]), (0, 1, [0]), (1000, 0, [*range(0, 1000, 3), 1000])],
)
def test_it_yields_the_start_every_so_often_and_the_end(sets, steps, every, expected):
    assert [s.step for s in fit(start(), *sets, Recipe(), steps, every=every)] == expected


def test_thinning_changes_no_number(sets):
    often, seldom = ([*fit(start(), *sets, Recipe("relu"), 30, every=every)] for every in (1, 10))
    assert [s.train for s in often[::10]] == [s.train for s in seldom]


@pytest.mark.parametrize("lead", [(), (2,)])
def test_later_updates_leave_the_start_and_an_earlier_step_alone(sets, lead):
    begin = stacked([start(), start(3)]) if lead else start()
    kept = [p.clone() for p in begin]
    first, *_, last = fit(begin, *sets, Recipe(rate=0.5), 10)
    assert all(torch.equal(a, b) for a, b in zip(begin, kept, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(first.params, kept, strict=True))
    assert not torch.equal(last.params[0], kept[0])


def test_it_records_no_graph(sets):
    *_, last = fit([p.requires_grad_() for p in start()], *sets, Recipe(), 3)
    assert not any(p.requires_grad for p in last.params)


def test_a_cost_that_is_not_finite_ends_it(sets):
    *before, last = fit(start(), *sets, Recipe("relu", 1e6), 1000, every=1)
    assert not last.finite and not math.isfinite(last.train)
    assert all(step.finite for step in before)
    assert 0 < last.step < 1000


def test_closing_it_early_leaves_inference_mode_too(sets):
    steps = fit(start(), *sets, Recipe(), 100)
    next(steps)
    assert not torch.is_inference_mode_enabled(), "the mode must not leak to who iterates"
    next(steps)
    steps.close()
    assert not torch.is_inference_mode_enabled()
    assert list(steps) == []


@pytest.mark.parametrize("recipe", [Recipe(), Recipe("relu", batch=7, keep=(0.5, 0.5), l2=1.0)])
def test_the_same_seed_gives_the_same_numbers(sets, recipe):
    once, again = ([*fit(start(), *sets, recipe, 30, generator=generator(5))] for _ in range(2))
    assert [(s.train, s.dev) for s in once] == [(s.train, s.dev) for s in again]
    assert torch.equal(once[-1].flat, again[-1].flat)


# Fleets


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_a_fleet_of_64_is_64_single_runs(dtype, atol, name, outputs):
    """Of own starts, mini-batches, masks, rates and penalties."""
    draw, sizes, many = generator(0), (2, 5, 4, outputs), range(64)
    x = torch.randn(50, 2, generator=draw).to(dtype)
    y = torch.randint(0, max(2, outputs), (50,), generator=draw)
    train, dev = ((part, labels.to(dtype) if outputs == 1 else labels) for part, labels in ((x, y), (x[:9], y[:9])))
    starts = [start(seed, sizes, dtype) for seed in many]
    rates, l2, l1 = (top * torch.linspace(0.1, 1, 64, dtype=dtype) for top in (0.01, 2.0, 0.2))
    recipe = Recipe("tanh", rates, OPTIMIZERS[name], l2=l2, l1=l1, keep=(0.9, 0.7), batch=16)
    together = [*fit(stacked(starts), train, dev, recipe, 12, every=4, generator=[generator(seed) for seed in many])]
    for i in many:
        own = replace(recipe, rate=float(rates[i]), l2=float(l2[i]), l1=float(l1[i]))
        alone = fit(starts[i], train, dev, own, 12, every=4, generator=generator(i))
        for ours, theirs in zip(together, alone, strict=True):
            assert_same([p[i] for p in ours.params], theirs.params, atol)
            assert_same([ours.train[i], ours.dev[i]], [theirs.train, theirs.dev], atol)


@pytest.mark.parametrize("recipe", [Recipe(), Recipe("relu", 0.1, batch=16, keep=(0.8, 0.8), l2=1.0)])
def test_one_generator_gives_all_the_same_batches_and_masks(exact_sets, recipe):
    starts = [start(seed, dtype=torch.float64) for seed in range(4)]
    *_, together = fit(stacked(starts), *exact_sets, recipe, 20, generator=generator(7))
    for i, one in enumerate(starts):
        *_, alone = fit(one, *exact_sets, recipe, 20, generator=generator(7))
        assert_same([p[i] for p in together.params], alone.params, 1e-10)


@pytest.mark.parametrize("own", [False, True], ids=["one generator", "own generators"])
@pytest.mark.parametrize("batch", [0, 16])
def test_each_network_may_have_its_own_examples(batch, own):
    sets = [[(x.double(), y.double()) for x, y in planar.split(planar.moons(60, 0.2, generator(i)), 20, generator(i))]
            for i in range(3)]  # fmt: skip
    train, dev = (tuple(torch.stack([s[k][j] for s in sets]) for j in (0, 1)) for k in (0, 1))
    starts = [start(seed, dtype=torch.float64) for seed in range(3)]
    recipe = Recipe("tanh", 0.3, batch=batch)
    draw = [generator(seed) for seed in range(3)] if own else generator(7)
    *_, together = fit(stacked(starts), train, dev, recipe, 20, generator=draw)
    for i, one in enumerate(starts):
        *_, alone = fit(one, *sets[i], recipe, 20, generator=generator(i if own else 7))
        assert_same([p[i] for p in together.params], alone.params, 1e-10)
        assert_same([together.train[i], together.dev[i]], [alone.train, alone.dev], 1e-10)


def test_a_diverged_network_leaves_the_others_alone(exact_sets):
    starts = [start(seed, dtype=torch.float64) for seed in range(3)]
    rates = torch.tensor([0.1, 1e6, 0.3], dtype=torch.float64)
    *_, last = fit(stacked(starts), *exact_sets, Recipe("leaky_relu", rates), 60)
    assert last.step == 60 and last.finite
    assert torch.isfinite(last.train).tolist() == [True, False, True]
    for i in (0, 2):
        *_, alone = fit(starts[i], *exact_sets, Recipe("leaky_relu", float(rates[i])), 60)
        assert_same([p[i] for p in last.params], alone.params, 1e-10)
    *_, last = fit(stacked(starts), *exact_sets, Recipe("leaky_relu", torch.full_like(rates, 1e6)), 1000)
    assert last.step < 1000 and not last.finite


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("lead", [(), (3,)])
@pytest.mark.parametrize("sizes", [(2, 1), SIZES, (3, 4), (4, 6, 5, 3)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_its_gradient_is_that_of_the_plain_form(activation, sizes, lead, masked):
    draw = generator(0)
    params = (
        stacked([start(seed, sizes, torch.float64) for seed in range(3)]) if lead else start(0, sizes, torch.float64)
    )
    fleet = Fleet(params, activation)
    for m in (17, 1, 17):  # the buffers of one batch size leave those of another alone
        x = torch.randn(*lead, m, sizes[0], dtype=torch.float64, generator=draw)
        y = torch.randint(0, max(2, sizes[-1]), (*lead, m), generator=draw)
        masks = [dropout_mask((*lead, m, n), 0.7, draw).double() for n in sizes[1:-1]] if masked else []
        columns = torch.cat([x, torch.ones_like(x[..., :1])], -1).mT.contiguous(), y.unsqueeze(-2)
        cache = mlp.forward(params, x, activation, masks)
        fleet.gradient(*columns, [mask.mT for mask in masks])
        assert_same(fleet.unpack(fleet.grad), mlp.backward(params, cache, y, activation, masks), 1e-12)
        plain = mlp.cost(mlp.forward(params, x, activation)[-1], y)
        assert_same([fleet.cost(*columns)], [plain], 1e-12)
    assert_same(fleet.unpack(fleet.flat), params, 0)


def test_a_number_of_each_network_is_spread_over_its_parameters():
    fleet = Fleet(stacked([start(seed) for seed in range(3)]), "tanh")
    values = torch.tensor([1.0, 2.0, 3.0])
    for p in fleet.unpack(fleet.spread(values)):
        assert all(bool((part == value).all()) for part, value in zip(p, values, strict=True))
    W, b, *_ = fleet.unpack(fleet.spread(values, weights_only=True))
    assert W[2].unique().tolist() == [3.0] and not b.any()
    assert fleet.spread(0.5) == 0.5


@given(st.lists(st.integers(1, 20), min_size=2, max_size=6))
@settings(deadline=None, max_examples=20)
def test_parameters_are_counted_as_torch_counts_them(sizes):
    params = start(0, sizes)
    assert sizes_of(params) == sizes
    assert count(sizes) == sum(p.numel() for p in torch_network(params)[0].parameters())
    assert sizes_of(stacked([params, params])) == sizes


# Batches


def epochs_of(columns, size, draw, number=2):
    drawn, each = batches(columns, size, draw), -(-columns[1].shape[-1] // size)
    return [[next(drawn) for _ in range(each)] for _ in range(number)]


def test_every_example_once_an_epoch_in_a_fresh_order_and_the_last_batch_smaller():
    y = torch.arange(10.0)
    epochs = epochs_of((torch.stack([y, -y]), y[None]), 4, generator(0))
    for epoch in epochs:
        assert [labels.shape for _, labels in epoch] == [(1, 4), (1, 4), (1, 2)]
        assert sorted(torch.cat([labels[0] for _, labels in epoch]).tolist()) == list(range(10))
        assert all(torch.equal(x, torch.stack([labels[0], -labels[0]])) for x, labels in epoch)
    orders = [torch.cat([labels[0] for _, labels in epoch]).tolist() for epoch in epochs]
    assert orders[0] != orders[1]


def test_several_generators_draw_each_their_own_order():
    y = torch.arange(10.0)
    columns = torch.stack([y, -y]).expand(3, 2, 10), y.expand(3, 1, 10)
    epochs = epochs_of(columns, 4, [generator(seed) for seed in range(3)])
    for i in range(3):
        alone = epochs_of((columns[0][i], columns[1][i]), 4, generator(i))
        for ours, theirs in zip(chain(*epochs), chain(*alone), strict=True):
            assert torch.equal(ours[0][i], theirs[0]) and torch.equal(ours[1][i], theirs[1])
    first = epochs[0][0][1]
    assert not torch.equal(first[0], first[1])


@given(st.integers(1, 40), st.integers(1, 50))
@settings(deadline=None, max_examples=30)
def test_an_epoch_holds_every_example_once(m, size):
    y = torch.arange(m)
    (epoch,) = epochs_of((y, y), size, generator(m), 1)
    assert sorted(torch.cat([labels for _, labels in epoch]).tolist()) == list(range(m))
    assert all(len(labels) == size for _, labels in epoch[:-1])


@pytest.mark.parametrize("size", [0, 10, 99])
def test_a_batch_of_none_or_of_more_than_all_is_all(size):
    x = torch.arange(10.0)[None]
    drawn = batches((x, x), size, generator(0))
    assert all(torch.equal(next(drawn)[0], x) for _ in range(3))


# What is kept and measured


def test_recorded_steps_hold_all_that_came_before():
    assert [len(history) for history in recorded(iter("abc"))] == [1, 2, 3]


@given(st.integers(0, 2000), st.integers(1, 400))
@settings(deadline=None, max_examples=60)
def test_a_thinned_history_is_evenly_spaced_up_to_its_last(length, most):
    history = list(range(length))
    kept = thinned(history, most)
    assert len(kept) <= most
    assert kept[-1:] == history[-1:]
    assert len({b - a for a, b in pairwise(kept)}) <= 1
    assert length > most or kept == history
    assert len(kept) > most // 2 or kept == history


def test_cost_and_accuracy_of_a_known_network():
    params = [torch.tensor([[1.0, 0.0]]), torch.zeros(1)]  # the probability is sigmoid(x₁)
    examples = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [1.0, 0.0], [3.0, 0.0]]), torch.tensor([1.0, 0.0, 1.0, 0.0])
    assert accuracy(params, examples, "tanh") == 0.75
    expected = sum(math.log1p(math.exp(-z)) for z in (2, 2, 1, -3)) / 4
    assert cost(params, examples, "tanh") == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_accuracy_and_cost_of_a_fleet_are_scikit_learns_and_pytorchs(outputs):
    starts = [start(seed, (2, 4, outputs)) for seed in range(5)]
    x = 3 * torch.randn(40, 2, generator=generator(0))
    y = torch.randint(0, max(2, outputs), (40,), generator=generator(1))
    labels = y.float() if outputs == 1 else y
    shares, costs = (measure(stacked(starts), (x, labels), "tanh") for measure in (accuracy, cost))
    assert shares.shape == costs.shape == (5,)
    for i, params in enumerate(starts):
        z = torch_network(params)[0](x).detach()
        chosen = (z[:, 0] > 0).long() if outputs == 1 else z.argmax(1)
        assert float(shares[i]) == pytest.approx(accuracy_score(y, chosen))
        theirs = F.binary_cross_entropy_with_logits(z[:, 0], labels) if outputs == 1 else F.cross_entropy(z, y)
        assert float(costs[i]) == pytest.approx(float(theirs), rel=1e-5)


def test_an_overflow_blames_the_rate_the_depth_or_the_start(sets):
    def ran(params, rate):
        return [*fit(params, *sets, Recipe("leaky_relu", rate), 500, every=1)]

    told, remedy = overflow(ran(start(), 1e6), 1e6, layers=3)
    assert "rate of 1e+06" in told and remedy == {"rate": 3e4}
    told, remedy = overflow(ran(start(), 1e6), 1e6, layers=8, scale="start")
    assert "8 layers" in told and remedy == {"rate": 3e4}
    wild = [100 * p for p in start()]
    told, remedy = overflow(ran(wild, 1e3), 1e3, layers=8, scale="start")
    assert "so large" in told and remedy == {"start": 0.1}
    assert overflow(ran(start(), 0.1), 0.1, layers=3) == ("", {})


def test_the_averaging_form_of_momentum_takes_the_plain_ones_path(exact_sets):
    """The course's, at ten times the rate for beta = 0.9."""
    averaging = Recipe("tanh", 0.5, partial(momentum, dampening=0.9), batch=16)
    plain = Recipe("tanh", 0.05, momentum, batch=16)
    ours, theirs = (
        [*fit(start(dtype=torch.float64), *exact_sets, recipe, 40, generator=generator(0))][-1]
        for recipe in (averaging, plain)
    )
    assert_same(ours.params, theirs.params, 1e-10)


def test_pacing_keeps_the_first_and_the_last():
    assert list(paced(iter(range(1000)), seconds=60)) == [0, 999]
    assert list(paced(iter(range(3)), seconds=0)) == [0, 1, 2]
    assert list(paced(iter([]))) == []


def test_closing_a_paced_stream_early_ends_it():
    steps = paced(iter(range(1000)), seconds=0)
    assert next(steps) == 0
    steps.close()
    assert list(steps) == []
