"""Mini-batches: what each update uses, and three runs from one start."""

import numpy as np
import pytest
import torch

from engine.examples import load
from engine.labs.optimization.mini_batch import LAB, MiniBatch, recommended, runners, strip, updates_an_epoch
from engine.seeding import generator
from engine.training import batches


@pytest.mark.parametrize(("m", "size"), [(400, 64), (400, 150), (7, 7), (10, 3), (5, 1)])
def test_every_example_once_an_epoch_and_the_last_batch_smaller(m, size):
    index = torch.arange(m)[None]
    drawn = batches((index, index), size, generator(0))
    count = updates_an_epoch(m, size)
    for _ in range(3):
        epoch = [next(drawn)[1][0] for _ in range(count)]
        assert sorted(torch.cat(epoch).tolist()) == list(range(m))
        assert [len(batch) for batch in epoch] == [size] * (m // size) + [m % size] * (m % size > 0)


def test_the_strip_shows_the_batches_that_the_training_used():
    cells = strip(MiniBatch(batch=150), 400).data[0]
    used = np.isfinite(np.array(cells.z, dtype=float))
    assert used[:6].sum(1).tolist() == [150, 150, 100, 150, 150, 100]
    assert (used[:3].sum(0) == 1).all() and (used[3:6].sum(0) == 1).all()


def test_all_three_start_from_the_same_cost():
    params = MiniBatch(epochs=2, points=50)
    racing = runners(params, load(params, generator(0, 0)))
    for runner in racing.values():
        runner.advance(0)
    assert len({runner.costs[0] for runner in racing.values()}) == 1
    for runner in racing.values():
        runner.advance(2)
    assert [runner.step.step for runner in racing.values()] == [2, 2, 100]
    assert all(np.diff(runner.seconds).min() > 0 and runner.epochs[-1] == 2 for runner in racing.values())


def test_more_updates_an_epoch_learn_more():
    frame = LAB.last_frame(MiniBatch(epochs=15))
    last = {trace.name: trace.y[-1] for trace in frame.figures["Cost by epoch"].data}
    assert last["all"] > last["mini-batch"] > last["one"]
    assert frame.metrics["Updates an epoch"] == "1 / 7 / 400"
    assert frame.metrics["Last mini-batch"] == "16 of 64"


def test_the_rule_turns_at_2000():
    assert recommended(2000) == "all at once" and "power of two" in recommended(2001)
