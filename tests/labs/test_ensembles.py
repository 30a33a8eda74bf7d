"""Ensembles: the average of probabilities against NumPy and scikit-learn's soft vote, members against single runs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import accuracy_score, log_loss

from engine.examples import load
from engine.functional import ensembles as functional
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.labs.optimization import ensembles as lab
from engine.labs.optimization.ensembles import LAB, Ensembles
from engine.results.ensembles import boundaries, ensemble
from engine.seeding import generator
from engine.training import Recipe, fit

QUICK = Ensembles(members=3, steps=120)
# Sums in another order differ in float32's last digits, and training magnifies them.
CLOSE = 2e-3


@pytest.fixture(scope="module")
def data():
    return load(QUICK, generator(QUICK.seed, 0), classes=10, dev=lab.DEV)


@pytest.fixture(scope="module")
def last(data):
    *_, moment = lab.trained(QUICK, data)
    return moment


def members(classes, k=5, m=60, seed=0):
    """Probabilities of k members, and labels."""
    logits = torch.randn(k, m, classes, generator=generator(seed), dtype=torch.float64)
    y = torch.randint(0, classes, (m,), generator=generator(seed, 1))
    return (torch.sigmoid(logits[..., 0]) if classes == 2 else torch.softmax(logits, -1)), y


@pytest.mark.parametrize("classes", [2, 4])
def test_the_average_is_of_probabilities_and_measured_as_scikit_learn_does(classes):
    p, y = members(classes)
    found = ensemble(p, y)
    for k in range(1, len(p) + 1):
        average = p[:k].numpy().mean(0)
        np.testing.assert_allclose(functional.running_average(p)[k - 1], average, atol=1e-12)
        chosen = average > 0.5 if classes == 2 else average.argmax(-1)
        assert found.together[k - 1] == pytest.approx(accuracy_score(y, chosen), abs=1e-6)
        assert found.together_cost[k - 1] == pytest.approx(log_loss(y, average, labels=range(classes)), abs=1e-9)
        alone = p[k - 1].numpy()
        chosen = alone > 0.5 if classes == 2 else alone.argmax(-1)
        assert found.accuracy[k - 1] == pytest.approx(accuracy_score(y, chosen), abs=1e-6)
        assert found.cost[k - 1] == pytest.approx(log_loss(y, alone, labels=range(classes)), abs=1e-9)


class Sure:
    """A classifier that answers what it was given, as scikit-learn's vote takes it."""

    def __init__(self, p):
        self.p = p

    def predict_proba(self, x):
        return self.p.numpy()


def test_it_is_scikit_learns_soft_vote():
    p, _ = members(3)
    vote = VotingClassifier([(str(i), Sure(each)) for i, each in enumerate(p)], voting="soft")
    vote.estimators_ = [Sure(each) for each in p]
    np.testing.assert_allclose(functional.running_average(p)[-1], vote.predict_proba(None), atol=1e-12)


@given(st.integers(2, 6), st.integers(2, 5), st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_the_cost_of_an_average_is_at_most_the_mean_cost(k, classes, seed):
    p, y = members(classes, k=k, m=20, seed=seed)
    found = ensemble(p, y)
    assert found.together_cost[-1] <= found.cost.mean() + 1e-12


def alone(params, data, member, steps=None, **more):
    """One network trained by itself, with the start and the batches of a member, and its probabilities on the dev set."""
    recipe = Recipe("tanh", params.rate, adam, batch=lab.BATCH, **more)
    total = steps or params.steps // (2 * params.members) * 2 * params.members
    draw = generator(params.seed, 200 + member)
    *_, step = fit(lab.start(params, data, member), data.train, data.dev, recipe, total, generator=draw)
    return mlp.predict(step.params, data.dev[0], "tanh").numpy()


def test_each_member_is_a_run_of_its_own(data, last):
    together = mlp.predict(last.networks.params, data.dev[0], "tanh").numpy()
    for member in range(QUICK.members):
        np.testing.assert_allclose(together[member], alone(QUICK, data, member), atol=CLOSE)
    assert np.abs(together[0] - together[1]).max() > 0.1, "they differ"


def test_snapshots_are_the_run_stopped_in_its_second_half(data, last):
    every = QUICK.steps // 6
    assert len(last.snapshots) == 3
    for snapshot, steps in zip(last.snapshots, (4 * every, 5 * every, 6 * every), strict=True):
        found = mlp.predict(snapshot, data.dev[0], "tanh").numpy()
        np.testing.assert_allclose(found, alone(QUICK, data, 0, steps), atol=CLOSE)


def test_with_restarts_a_snapshot_ends_each_cycle_of_the_cosine(data):
    params = QUICK.model_copy(update={"restarts": True})
    *_, moment = lab.trained(params, data)
    cycle = params.steps // 3
    weights = [p.clone().requires_grad_() for p in lab.start(params, data, 0)]
    optimizer = torch.optim.Adam(weights, lr=params.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, cycle)
    draw, todo, found = generator(params.seed, 200), [], []
    for step in range(1, params.steps + 1):
        todo = todo or list(torch.randperm(len(data.train[1]), generator=draw).split(lab.BATCH))
        rows = todo.pop(0)
        optimizer.zero_grad()
        mlp.cost(mlp.forward(weights, data.train[0][rows], "tanh")[-1], data.train[1][rows]).backward()
        optimizer.step()
        schedule.step()
        if step % cycle == 0:
            found.append(mlp.predict(weights, data.dev[0], "tanh").detach().numpy())
    ours = [mlp.predict(p, data.dev[0], "tanh").numpy() for p in moment.snapshots]
    np.testing.assert_allclose(ours, found, atol=CLOSE)


def test_the_page_tells_what_single_runs_average_to(data):
    frame = LAB.last_frame(QUICK)
    p = np.stack([alone(QUICK, data, member) for member in range(3)])
    y = data.dev[1].numpy()
    right = {"Networks, alone": np.mean([accuracy_score(y, each > 0.5) for each in p])}
    right["Networks, averaged"] = accuracy_score(y, p.mean(0) > 0.5)
    for name, expected in right.items():
        assert float(frame.metrics[name].rstrip("%")) / 100 == pytest.approx(expected, abs=1.6e-3)
    bars = {trace.name: trace.y for trace in frame.figures["Each alone and averaged"].data}
    assert bars["networks"][-1] == pytest.approx(1 - right["Networks, averaged"], abs=1.6e-3)
    assert len(bars["networks"]) == len(bars["snapshots"]) == 4


def test_the_boundary_is_of_the_average(data, last):
    found = boundaries(last.networks.params, data.train, data.dev, "tanh")
    points = torch.cartesian_prod(*(torch.from_numpy(axis) for axis in (found.average.y, found.average.x))).flip(1)
    each = [mlp.predict([p[i] for p in last.networks.params], points, "tanh").numpy() for i in range(3)]
    np.testing.assert_allclose(found.average.probability.ravel(), np.mean(each, 0), atol=1e-6)
    signs = np.sign(
        mlp.forward([p[1] for p in last.networks.params], points, "tanh")[-1].numpy().reshape(61, 61)[::2, ::2]
    )
    clear = np.abs(found.logits[1]) > 1
    assert (np.sign(found.logits[1])[clear] == signs[clear]).all(), (
        "every other point of the fine grid is one of the coarse"
    )


def test_the_average_beats_the_mean_member():
    gains = []
    for seed in range(3):
        metrics = LAB.last_frame(Ensembles(seed=seed, steps=300)).metrics
        gains.append(float(metrics["Networks, averaged"].rstrip("%")) - float(metrics["Networks, alone"].rstrip("%")))
    assert min(gains) > 0
