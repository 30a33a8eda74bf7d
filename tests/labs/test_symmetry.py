"""Equal units stay equal, to 0 ulp; random ones don't; and the run is gradient descent as torch.optim has it."""

import numpy as np
import pytest
import torch
from torch import nn

from engine.examples import load
from engine.lab import Event
from engine.labs.foundations.symmetry import BOUNDARIES, LAB, ROWS, Symmetry, descend, randn_tuple, starts
from engine.results.layers import unit_rows
from engine.seeding import generator
from engine.snapshot import snapshot


def trained(params):
    data = load(params, random := generator(params.seed, 0))
    return data, list(descend(starts(params), data.train, data.dev, params, random))


def ulps(rows):
    """The largest distance of any row (units, k) from the first, in units in the last place of float32."""
    bits = np.ascontiguousarray(rows, np.float32).view(np.int32).astype(np.int64)
    ordered = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    return int(np.abs(ordered - ordered[:1]).max())


@pytest.mark.parametrize("batch", [0, 37])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("units", [2, 5, 20])
def test_rows_stay_equal_to_0_ulp_under_the_zero_and_the_constant_start(units, activation, batch):
    params = Symmetry(units=units, activation=activation, batch=batch, steps=200, rate=0.5, points=397)
    _, steps = trained(params)
    for step in steps:
        W, b, v, _ = step.params
        rows = torch.cat([W, b[..., None], v.mT], -1).numpy()
        assert ulps(rows[0]) == 0 and ulps(rows[1]) == 0
        assert len(np.unique(rows[2], axis=0)) == units
    moved = torch.cat([p[:2].flatten() for p in steps[-1].params]).numpy()
    begun = torch.cat([p[:2].flatten() for p in steps[0].params]).numpy()
    assert np.abs(moved - begun).max() > 1e-3, "they moved, and together"


def test_the_measure_sees_a_single_ulp():
    rows = np.full((3, 2), 0.1, np.float32)
    assert ulps(rows) == 0
    rows[2, 1] = np.nextafter(rows[2, 1], np.float32(1))
    assert ulps(rows) == 1


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_each_of_the_three_is_torchs_gradient_descent(activation):
    params = Symmetry(activation=activation, steps=60, rate=0.5)
    data, steps = trained(params)
    x, y = data.train
    for i in range(3):
        act = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[activation]()
        net = nn.Sequential(nn.Linear(2, 4), act, nn.Linear(4, 1)).double()
        for theirs, ours in zip(net.parameters(), starts(params), strict=True):
            theirs.data = ours[i].double().reshape(theirs.shape).clone()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
        for _ in range(60):
            optimizer.zero_grad()
            cost = nn.functional.binary_cross_entropy_with_logits(net(x.double())[:, 0], y.double())
            cost.backward()
            optimizer.step()
        for theirs, ours in zip(net.parameters(), steps[-1].params, strict=True):
            torch.testing.assert_close(ours[i].double().reshape(theirs.shape), theirs.data, rtol=0, atol=1e-4)


def test_what_is_shown():
    frame = LAB.last_frame(Symmetry(steps=1500))
    assert set(frame.figures) == {*ROWS, *BOUNDARIES, "Cost"}
    assert [frame.metrics[f"Distinct, {name}"] for name in ("zero", "constant", "random")] == ["1 of 4"] * 2 + [
        "4 of 4"
    ]
    zero, constant, random = (np.array(frame.figures[title].data[0].z) for title in ROWS)
    assert not zero[:, :3].any() and np.ptp(constant, 0).max() == 0 and np.ptp(random, 0).min() > 0
    still, line, bent = (np.array(frame.figures[title].data[0].z) for title in BOUNDARIES)
    assert np.ptp(still) < 1e-5, "tanh of nothing gives every point one answer"
    assert 0.01 < np.ptp(line) < np.ptp(bent) and np.ptp(bent) > 0.9
    costs = {trace.name: np.array(trace.y) for trace in frame.figures["Cost"].data}
    assert costs["random"][-1] < costs["constant"][-1] < costs["zero"][-1]


def test_the_constant_starts_layer_is_a_single_unit():
    """Its logit depends on one direction of the plane only: that of the shared row."""
    _, steps = trained(Symmetry(steps=500))
    W, b, v, c = (p[1].double() for p in steps[-1].params)
    x = torch.randn(50, 2, dtype=torch.float64, generator=generator(9))
    layer = torch.tanh(x @ W.T + b) @ v[0] + c
    single = len(b) * v[0, 0] * torch.tanh(x @ W[0] + b[0]) + c
    torch.testing.assert_close(layer, single)


def test_an_overflow_of_any_ends_the_run_and_its_remedy_works():
    changed = LAB.presets["Too fast"]
    *_, frame = LAB.run(Symmetry(**changed))
    assert "overflowed" in frame.diverged and frame.progress == 1
    assert np.isfinite(np.array(frame.figures[ROWS[2]].data[0].z)).all()
    assert not LAB.last_frame(Symmetry(**{**changed, **frame.remedy, "steps": 500})).diverged


def test_the_tuple_raises_numpys_own_error():
    mistake = randn_tuple(Symmetry(seed=3))
    with pytest.raises(TypeError) as raised:
        np.random.RandomState(0).randn((2, 2))
    assert f"TypeError: {raised.value}" in mistake.wrong
    expected = np.round(np.random.RandomState(3).randn(2, 2) * 0.01, 4).tolist()
    assert str(expected) in mistake.right


def test_a_click_on_any_boundary_draws():
    params = Symmetry(examples="drawn")
    for title in BOUNDARIES:
        assert len(LAB.respond(params, Event("click", title, 1.0, 5.0))["drawn"]) == len(params.drawn) + 1
    assert LAB.respond(params, Event("click", ROWS[0], 1.0, 5.0)) == {}


def test_rows_name_the_numbers_they_show():
    params = [
        torch.tensor([[1.0, 2.0], [1.0, 2.0]]),
        torch.tensor([3.0, 3.0]),
        torch.tensor([[4.0, 4.0]]),
        torch.zeros(1),
    ]
    found = unit_rows(params, ("u", "v"))
    assert (found.names, found.rows.tolist(), found.kinds) == (("u", "v", "b", "out"), [[1.0, 2.0, 3.0, 4.0]] * 2, 1)


def test_every_frame_travels_light():
    for units in (2, 20):
        shot = snapshot(LAB.last_frame(Symmetry(units=units, points=2000, steps=400)))
        assert sum(map(len, shot.figures.values())) < 125_000
