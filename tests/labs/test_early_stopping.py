"""Early stopping: the restored network is the one with the lowest dev cost, and patience ends where it says."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from engine.examples import load
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.labs.optimization.early_stopping import LAB, EarlyStopping, best, stop
from engine.seeding import generator
from engine.training import Recipe, fit


def history(*costs):
    return [SimpleNamespace(step=i, dev=torch.tensor(c), finite=bool(np.isfinite(c))) for i, c in enumerate(costs)]


def trained(params):
    data = load(params, generator(params.seed, 0))
    start = mlp.initialize((2, params.units, params.units, 1), generator(params.seed, 1), "xavier")
    return data, list(fit(start, data.train, data.dev, Recipe("tanh", params.rate, adam), params.steps))


def test_the_restored_weights_have_the_minimal_dev_cost():
    """Measured anew by PyTorch on the restored weights."""
    data, steps = trained(EarlyStopping(steps=600))
    kept = best(steps)
    x, y = data.dev
    W1, b1, W2, b2, W3, b3 = (p.clone() for p in kept.params)
    z = torch.tanh(torch.tanh(x @ W1.T + b1) @ W2.T + b2) @ W3.T + b3
    restored = nn.functional.binary_cross_entropy_with_logits(z[:, 0], y)
    assert float(restored) == pytest.approx(min(float(s.dev) for s in steps), abs=1e-6)
    assert kept.step < steps[-1].step and float(kept.dev) < float(steps[-1].dev) - 0.02


def test_patience_counts_looks_without_a_new_best():
    assert stop(history(3.0, 2.0, 2.5, 2.4, 1.0), 2).step == 3
    assert stop(history(3.0, 2.0, 2.5, 1.0, 1.5), 2) is None
    assert stop(history(3.0, 3.0, 3.0), 2).step == 2, "an equal cost is no new best"
    assert best(history(3.0, 1.0, float("nan"), 1.0)).step == 1


def test_the_figure_marks_that_point_and_the_boundaries_differ():
    frame = LAB.last_frame(EarlyStopping(steps=600))
    traces = {t.name: t for t in frame.figures["Cost"].data}
    assert traces["restored"].y[0] == pytest.approx(min(traces["dev"].y), abs=1e-6)
    assert traces["stops"].x[0] > traces["restored"].x[0]
    fields = [np.array(frame.figures[name].data[0].z, float) for name in ("Boundary", "Without stopping")]
    assert np.abs(fields[0] - fields[1]).max() > 0.2


def test_a_table_is_taken_too():
    frame = LAB.last_frame(EarlyStopping(examples="breast-cancer", steps=60))
    assert "Boundary" not in frame.figures and float(frame.metrics["Best dev cost"]) < 0.3
