"""Paths over a surface: what is drawn up to a step, in whose colour, and where a path leaves."""

import numpy as np
import pytest
import torch

from engine.figures import descent as figures
from engine.figures.theme import OPTIMIZERS
from engine.functional.optimizers import adam, descend, sgd
from engine.functional.surfaces import SURFACES
from engine.results.descent import GONE, paths

RAVINE = SURFACES["ravine"]


def found(rate: float, steps: int):
    start = torch.tensor(RAVINE.start, dtype=torch.float64)
    taken = {
        name: descend(RAVINE.cost, RAVINE.slope, start, rate, steps, f) for name, f in (("sgd", sgd), ("adam", adam))
    }
    return paths(RAVINE, taken), taken


def test_heights_are_the_roots_of_the_cost_above_the_least():
    result, _ = found(0.03, 5)
    i, j = 3, 40
    at = torch.tensor([result.x[j], result.y[i]])
    assert float(result.height[i, j]) == pytest.approx(float(RAVINE.cost(at)) ** 0.5, rel=1e-5)
    saddle = SURFACES["saddle"]
    assert paths(saddle, {}).height.min() >= 0


def test_paths_are_drawn_up_to_a_step_in_the_optimizers_colours():
    result, taken = found(0.03, 50)
    for until in (0, 20, 50, 99):
        drawn = [t for t in figures.paths(result, until).data if t.type == "scatter" and "lines" in t.mode]
        assert [t.line.color for t in drawn] == [OPTIMIZERS["sgd"], OPTIMIZERS["adam"]]
        for trace, (path, _) in zip(drawn, taken.values(), strict=True):
            np.testing.assert_allclose(np.stack([trace.x, trace.y], -1), path[: until + 1], atol=1e-6)
        curves = figures.costs(result, 50, until).data
        for trace, (_, costs) in zip(curves, taken.values(), strict=True):
            assert len(trace.y) == min(until, 50) + 1
            np.testing.assert_allclose(trace.y, costs[: until + 1].clamp(1e-9, 1e3), rtol=1e-5)


def test_a_path_that_leaves_is_drawn_to_its_first_point_far_outside():
    result, taken = found(0.1, 300)
    gone = result.paths["sgd"]
    assert len(gone) < len(taken["sgd"][0]) and len(result.paths["adam"]) == 301
    half = GONE * (RAVINE.y[1] - RAVINE.y[0])
    assert abs(gone[-1, 1]) > half and (abs(gone[:-1, 1]) <= half).all()
    assert np.isfinite(result.costs["sgd"]).all()
