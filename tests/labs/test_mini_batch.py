"""Mini-batches: what each update uses, and three runs from one start."""

import math

import numpy as np
import pytest
import torch

from engine.examples import load
from engine.functional import mlp
from engine.labs.optimization.mini_batch import LAB, MiniBatch, frame, recommended, runners, strip, updates_an_epoch
from engine.seeding import generator
from engine.training import Recipe, batches, fit


@pytest.mark.parametrize(("m", "size"), [(400, 64), (400, 150), (7, 7), (10, 3), (5, 1)])
def test_every_example_once_an_epoch_and_the_last_batch_smaller(m, size):
    index = torch.arange(m)[None]
    drawn = batches((index, index), size, generator(0))
    count = updates_an_epoch(m, size)
    for _ in range(3):
        epoch = [next(drawn)[1][0] for _ in range(count)]
        assert sorted(torch.cat(epoch).tolist()) == list(range(m))
        assert [len(batch) for batch in epoch] == [size] * (m // size) + [m % size] * (m % size > 0)


def test_the_strip_shows_the_batches_that_the_training_uses_and_marks_the_smaller_last_one():
    params = MiniBatch(batch=80, points=200, epochs=1)
    cells = np.array(strip(params, 200).data[0].z, dtype=float)
    shown = np.isfinite(cells)
    assert shown.sum(1)[:6].tolist() == [80, 80, 40, 80, 80, 40]
    assert (shown[:3].sum(0) == 1).all() and (shown[3:6].sum(0) == 1).all()
    assert [set(row[np.isfinite(row)]) for row in cells[:6]] == [{0.0}, {0.0}, {2.0}, {1.0}, {1.0}, {2.0}]
    data = load(params, generator(0, 0))
    runner = runners(params, data)["mini-batch"]
    for row in shown[:6]:
        x, y = next(runner.drawn)
        assert torch.equal(x[:2].T.sort(0).values, data.train[0][torch.from_numpy(row)].sort(0).values)
        assert y.shape[-1] == row.sum()


def test_the_strip_labels_each_update_with_its_size():
    labels = strip(MiniBatch(batch=150), 400).layout.yaxis.ticktext
    assert list(labels[:4]) == ["1: 150", "2: 150", "3: 100", "4: 150"]


def test_all_three_start_from_the_same_cost():
    params = MiniBatch(epochs=2, points=50)
    racing = runners(params, load(params, generator(0, 0)))
    assert len({runner.costs[0] for runner in racing.values()}) == 1
    for runner in racing.values():
        runner.advance(2)
    assert [runner.done for runner in racing.values()] == [2, 2, 100]
    assert all(np.diff(runner.seconds).min() > 0 and runner.epochs[-1] == 2 for runner in racing.values())


@pytest.mark.parametrize("name", ["all", "mini-batch", "one"])
def test_each_learns_what_fit_learns(name):
    params = MiniBatch(epochs=3, points=50, batch=16)
    data = load(params, generator(0, 0))
    runner = runners(params, data)[name]
    runner.advance(3)
    start = mlp.initialize((2, params.units, 1), generator(0, 1), "xavier")
    recipe = Recipe("tanh", params.rate, batch={"all": 50, "mini-batch": 16, "one": 1}[name])
    *_, last = fit(start, data.train, data.dev, recipe, 3 * runner.updates, generator=generator(0, 2))
    for ours, theirs in zip(runner.params, last.params, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    assert runner.costs[-1] == pytest.approx(float(last.train), rel=1e-5)


def test_a_cost_that_overflows_ends_one_and_is_told():
    params = MiniBatch(epochs=2, points=50)
    data = load(params, generator(0, 0))
    racing = runners(params, data)
    runner = racing["one"]
    runner.rate = math.inf
    runner.advance(2)
    assert runner.overflowed and len(runner.costs) == 1
    shown = frame(params, data, racing, strip(params, 50), 2)
    assert "with one" in shown.diverged and shown.remedy["rate"] < params.rate
    assert all(torch.isfinite(p).all() for p in runner.params)


def test_more_updates_an_epoch_learn_more():
    shown = LAB.last_frame(MiniBatch(epochs=15))
    last = {trace.name: trace.y[-1] for trace in shown.figures["Cost by epoch"].data}
    assert last["all"] > last["mini-batch"] > last["one"]
    assert shown.metrics["Updates an epoch"] == "1 / 7 / 400"
    assert shown.metrics["Last mini-batch"] == "16 of 64"


def test_the_rule_turns_at_2000():
    assert recommended(2000) == "all at once" and "power of two" in recommended(2001)
