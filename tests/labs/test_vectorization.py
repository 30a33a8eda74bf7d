"""Vectorization: three ways to one result, and times that are measured."""

import time

import numpy as np
import pytest
import torch

from engine.labs.foundations import vectorization
from engine.labs.foundations.vectorization import LAB, Vectorization, difference, dot_loop, layer_loop, seconds, tasks


@pytest.mark.parametrize("task", ["dot", "layer"])
@pytest.mark.parametrize("n", [10, 999, 20_000])
def test_all_ways_give_the_same(task, n):
    params = Vectorization(task=task)
    results = [torch.as_tensor(way(), dtype=torch.float64).numpy() for way in tasks(params, n)[0].values()]
    np.testing.assert_allclose(results[0], results[1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(results[2], results[1], rtol=1e-9, atol=1e-9)
    assert difference(params, n) < 1e-9


def test_the_loops_by_hand():
    assert dot_loop([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) == 32
    assert layer_loop([[1.0, 2.0], [3.0, 4.0]], [[1.0], [10.0]]) == [[21.0], [43.0]]


def test_the_clock_measures_what_runs():
    assert seconds(lambda: time.sleep(0.01), 2) >= 0.01


def test_the_times_shown_are_the_measured_ones(monkeypatch):
    """Each way is told apart by what the clock is made to say, and drawn as told."""
    told = iter(range(1, 1000))
    monkeypatch.setattr(vectorization, "seconds", lambda way, repeats: next(told) / 1000)
    frame = LAB.last_frame(Vectorization(largest=1000))
    traces = {t.name: list(t.y) for t in frame.figures["Time of one call"].data}
    assert traces["loop"][:2] == [0.001, 0.004] and traces["NumPy"][:2] == [0.002, 0.005]
    ratio = next(t for t in frame.figures["Times faster than the loop"].data if t.name == "PyTorch")
    assert ratio.y[0] == pytest.approx(1 / 3)
