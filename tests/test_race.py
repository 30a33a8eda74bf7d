"""Trainings beside each other: what they share, and what happens when one ends early."""

from functools import partial

import numpy as np
import pytest
import torch

from engine.data import planar
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.results.rivals import rivals
from engine.seeding import generator
from engine.training import Recipe, fit
from engine.training.race import raced


def trainings(rates: dict[str, float], steps: int = 20) -> dict:
    examples = planar.make("moons", 60, 0.2, generator(0))
    start = mlp.initialize((2, 4, 1), generator(1), "xavier")
    train = examples[0], examples[1].float()
    recipe = partial(Recipe, "relu", update=adam)
    return {
        name: fit(start, train, train, recipe(rate), steps, every=5, generator=generator(2))
        for name, rate in rates.items()
    }


def test_each_goes_as_it_would_alone():
    rates = {"slow": 0.001, "quick": 0.1}
    *_, together = (dict(h) for h in raced(trainings(rates)))
    alone = {name: list(steps) for name, steps in trainings(rates).items()}
    for name, history in together.items():
        assert [step.step for step in history] == [0, 5, 10, 15, 20]
        for ours, theirs in zip(history, alone[name], strict=True):
            assert torch.equal(ours.flat, theirs.flat)


def test_one_that_overflows_stays_behind():
    rates = {"quick": 0.1, "lost": float("inf")}
    rounds = [{name: len(h) for name, h in histories.items()} for histories in raced(trainings(rates))]
    assert rounds[-1]["quick"] == 5 and rounds[-1]["lost"] == 2
    assert [each["quick"] for each in rounds] == [1, 2, 3, 4, 5]
    *_, histories = raced(trainings(rates))
    assert not histories["lost"][-1].finite
    result = rivals(histories)
    assert result.names == ("quick", "lost") and result.steps.tolist() == [0, 5, 10, 15, 20]
    assert np.isfinite(result.cost).tolist() == [[True] * 5, [True] + [False] * 4]
    assert result.cost[0, -1] == pytest.approx(float(histories["quick"][-1].train))
