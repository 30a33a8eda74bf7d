"""The search: many networks trained at once equal each trained alone, here and in torch.optim; rounds, ranks, the panda."""

from functools import partial

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F

from engine.examples import load
from engine.figures import search as figures
from engine.functional.optimizers import momentum
from engine.lab import Event
from engine.labs.optimization import hyperparameter_search as lab
from engine.labs.optimization.hyperparameter_search import LAB, HyperparameterSearch
from engine.results.search import ranked, search
from engine.seeding import generator
from engine.training import Recipe, fit

QUICK = HyperparameterSearch(side=3, steps=60, points=150, zoom=False)
EXACT = 1e-9


@pytest.fixture
def data():
    found = load(QUICK, generator(QUICK.seed, 0))
    train, dev = ((x.double(), y.double()) for x, y in (found.train, found.dev))
    return lab.Data(train, dev, found.features, found.classes)


@pytest.fixture
def exact(monkeypatch):
    """Starts in float64, so that many at once and one by one can be told apart from rounding."""
    plain = lab.start
    monkeypatch.setattr(lab, "start", lambda *given: [p.double() for p in plain(*given)])


def settings_of(params):
    return lab.drawn(params, lab.ranges(params), 1)


def test_all_at_once_equals_one_by_one(data, exact):
    settings = settings_of(QUICK)
    *_, many = lab.caviar(QUICK, data, settings)
    for i in range(0, len(settings), 4):
        rate, beta, decay = settings[i].float().tolist()
        recipe = Recipe("tanh", rate, partial(momentum, beta=beta), l2=decay, batch=lab.BATCH)
        *_, one = fit(
            lab.start(QUICK, data), data.train, data.dev, recipe, QUICK.steps, generator=generator(QUICK.seed, 2)
        )
        torch.testing.assert_close(many.dev[i], one.dev, rtol=1e-6, atol=EXACT, equal_nan=True)
        for together, alone in zip(many.params, one.params, strict=True):
            torch.testing.assert_close(together[i], alone, rtol=1e-5, atol=1e-7)


def trained_by_torch(data, rates, beta, decay):
    """Dev costs by step, with PyTorch's optimizer on the same batches; ``rates`` has one for every step."""
    W, b, v, c = lab.start(QUICK, data)
    net = nn.Sequential(nn.Linear(2, len(b)), nn.Tanh(), nn.Linear(len(b), 1)).double()
    net[0].weight.data, net[0].bias.data, net[2].weight.data, net[2].bias.data = (p.clone() for p in (W, b, v, c))
    weights, biases = ([p for p in net.parameters() if p.ndim == n] for n in (2, 1))
    m = len(data.train[1])
    groups = [{"params": weights, "weight_decay": decay / m}, {"params": biases}]
    optimizer = optim.SGD(groups, lr=1.0, momentum=beta)
    draw, todo, costs = generator(QUICK.seed, 2), [], []
    for rate in rates:
        todo = todo or list(torch.randperm(m, generator=draw).split(lab.BATCH))
        rows = todo.pop(0)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(net(data.train[0][rows])[:, 0], data.train[1][rows]).backward()
        optimizer.step()
        with torch.no_grad():
            costs.append(float(F.binary_cross_entropy_with_logits(net(data.dev[0])[:, 0], data.dev[1])))
    return costs


@pytest.mark.parametrize("i", [0, 11, 26])
def test_a_network_of_the_fleet_is_torchs(data, exact, i):
    settings = settings_of(QUICK)
    *_, many = lab.caviar(QUICK, data, settings)
    rate, beta, decay = settings[i].float().tolist()
    costs = trained_by_torch(data, [rate] * QUICK.steps, beta, decay)
    assert float(many.dev[i]) == pytest.approx(costs[-1], rel=1e-4)


def test_the_panda_is_torchs_under_the_rates_of_its_days(data, exact):
    params = QUICK.model_copy(update={"day_1": 0.03, "day_2": 0.2, "day_3": 0.002, "day_4": 0.1, "day_5": 0.01})
    rates = np.repeat([0.03, 0.2, 0.002, 0.1, 0.01], QUICK.steps // 5)
    costs = trained_by_torch(data, rates, lab.PANDA_BETA, 0.0)
    for step in list(lab.panda(params, data))[1:]:
        assert float(step.dev) == pytest.approx(costs[step.step - 1], abs=EXACT)


def test_a_nudge_leaves_the_days_before_it_alone(data, exact):
    before, after = (
        [float(step.dev) for step in lab.panda(QUICK.model_copy(update={"day_3": rate}), data)] for rate in (0.01, 0.3)
    )
    day_3 = 2 * len(before) // 5
    assert before[:day_3] == after[:day_3] and before[-1] != after[-1]


def test_the_second_round_is_drawn_around_the_best_of_the_first():
    params = QUICK.model_copy(update={"zoom": True})
    data = load(params, generator(0, 0))
    *_, (found, _, zoomed) = lab.rounds(params, data)
    *_, (first, _, _) = lab.rounds(QUICK, data)
    best = found[0].settings[found[0].costs[-1].nan_to_num(torch.inf).argmin()]
    assert torch.equal(found[0].settings, first[0].settings) and len(found) == 2
    for part, whole, x, drawn in zip(zoomed, lab.ranges(params), best.tolist(), found[1].settings.T, strict=True):
        assert whole.share(part.high) - whole.share(part.low) == pytest.approx(0.25)
        assert part.low - 1e-12 <= x <= part.high + 1e-12
        assert part.low <= drawn.min() and drawn.max() <= part.high
    assert float(found[1].costs[-1].min()) < float(found[0].costs[-1].min()), "looking closer found something better"


@pytest.mark.parametrize("way", ["random", "grid"])
def test_both_ways_have_the_same_budget(way):
    for side in (2, 4):
        assert settings_of(QUICK.model_copy(update={"way": way, "side": side})).shape == (side**3, 3)


def test_the_linear_scale_is_of_rate_and_beta():
    linear = settings_of(HyperparameterSearch(scale="linear", side=5)).numpy()
    log = settings_of(HyperparameterSearch(side=5)).numpy()
    for column, edge in ((0, 1.0), (1, 0.9)):
        assert (linear[:, column] > edge).mean() == pytest.approx((0.9, 0.1)[column], abs=0.1)
        assert (log[:, column] > edge).mean() == pytest.approx((0.2, 0.67)[column], abs=0.12)


def test_the_table_is_in_order_of_dev_cost_and_names_what_overflowed():
    params = HyperparameterSearch(side=3, steps=200, points=60, decades=(0.0, 2.0), zoom=False)
    data = load(params, generator(0, 0))
    *_, (found, _, _) = lab.rounds(params, data)
    result = lab.measured(found[0], 1, params, data)
    table = ranked(result, 27)
    told = [float(cost) for cost in table["Dev cost"] if cost != "overflowed"]
    assert told == sorted(told) and 0 < len(told) < 27
    assert set(table["Dev cost"][len(told) :]) == {"overflowed"}
    costs = found[0].costs[-1].numpy()
    assert told[0] == pytest.approx(np.nanmin(costs), abs=5e-5)
    at = int(np.nanargmin(costs))
    assert table["rate α"][0] == pytest.approx(float(found[0].settings[at, 0]), rel=5e-3)


def test_a_search_in_which_everything_overflows_says_so():
    params = HyperparameterSearch(side=2, steps=400, points=20, decades=(1.5, 2.0), way="grid")
    hot = [lab.Range(50, 100, "log"), lab.Range(0, 0.5, "one minus"), lab.Range(80, 100, "log")]
    frame = None
    original, lab.ranges = lab.ranges, lambda _: hot
    try:
        frame = LAB.last_frame(params)
    finally:
        lab.ranges = original
    assert frame.diverged and frame.progress == 1 and frame.remedy == {"decades": (-4.0, 0.0)}
    for figure in frame.figures.values():
        go.Figure(figure.to_plotly_json())


def test_parallel_coordinates_join_a_networks_settings_with_its_cost():
    frame = LAB.last_frame(QUICK)
    lines = [trace for trace in frame.figures["Parallel coordinates"].data if trace.mode == "lines"]
    strokes = [np.array(trace.customdata, float).reshape(-1, 5)[:, :4] for trace in lines]
    drawn = np.concatenate(strokes)
    settings = settings_of(QUICK).numpy()
    assert len(drawn) == 27
    assert all(np.isclose(settings, row[:3], rtol=1e-5).all(1).any() for row in drawn)
    best = strokes[-1]
    assert lines[-1].name == "best tenth" and best[:, 3].max() <= strokes[1][:, 3].min()


def test_a_dev_cost_of_nothing_is_drawn_too():
    """Sure and right answers cost less than float32 can tell from 0, which has no logarithm."""
    where = lab.ranges(QUICK)
    costs = [torch.rand(27, generator=generator(0)), torch.linspace(0, 1, 27)]
    steps = np.array([0, 60])
    result = search(lab.HYPERPARAMETERS, settings_of(QUICK), costs, torch.ones(27), 1, steps, np.log(2))
    drawn = [figures.samples(result, where, []), figures.parallel(result, where), figures.caviar(result, 60)]
    for figure in drawn:
        assert not any(np.isinf(np.asarray(trace.y, float)).any() for trace in figure.data)
        assert go.Figure(figure.to_plotly_json()).data
    assert np.isfinite(drawn[0].data[0].marker.color).all()
    assert min(np.nanmin(trace.y) for trace in drawn[2].data) > 0


def test_a_click_on_the_pandas_rate_sets_that_day():
    params = HyperparameterSearch(steps=500)
    title = "Panda: one, watched"
    assert lab.respond(params, Event("click", title, 250.0, 0.123)) == {"day_3": 0.12}
    assert lab.respond(params, Event("click", title, 499.9, 1.0)) == {"day_5": 1.0}
    assert lab.respond(params, Event("click", title, 250.0, 1e-7)) == {}, "below: the costs"
    assert (
        lab.respond(params, Event("click", title, -1.0, 0.1))
        == lab.respond(params, Event("click", title, 500.0, 0.1))
        == {}
    )
