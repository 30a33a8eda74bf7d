"""L1: the sign's gradient against autograd, sparsity growing with λ, and only proximal zeros being exact."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engine.examples import load
from engine.functional import mlp
from engine.functional.regularization import l1_penalty
from engine.labs.optimization.l1 import KINDS, L1, LAB, SWEPT, penalties, strengths
from engine.seeding import generator
from engine.training import Recipe, fit

SPARSE, SIGN, L2 = KINDS


def curves(frame, title="Zero weights by λ"):
    return {t.name: np.array(t.y) for t in frame.figures[title].data}


@pytest.fixture(scope="module")
def biopsies():
    return LAB.last_frame(L1(**LAB.presets["Biopsies"]))


@pytest.fixture(scope="module")
def suns():
    return LAB.last_frame(L1())


@pytest.mark.parametrize(("name", "most"), [("biopsies", 0.15), ("suns", 0.35)])
def test_sparsity_grows_with_lambda_and_l2_leaves_few_zeros(name, most, request):
    frame = request.getfixturevalue(name)
    zeros = curves(frame)
    assert (np.diff(zeros[SPARSE]) > 0).all(), "at every λ more than at the one before"
    assert zeros[SPARSE][0] < 0.15 and zeros[SPARSE][-1] > 0.9
    assert zeros[L2].max() < most
    chosen = SWEPT.index({"biopsies": 1.0, "suns": 3.0}[name])
    assert frame.metrics["Zero under L1"] == f"{zeros[SPARSE][chosen]:.0%}"


def test_only_the_proximal_step_makes_exact_zeros():
    zeros = curves(LAB.last_frame(L1(threshold=0.0, steps=300)))
    assert zeros[SPARSE][-1] > 0.8 and not zeros[SIGN].any() and not zeros[L2].any()


def test_the_sign_jumps_across_zero_when_the_step_is_wider_than_the_threshold(biopsies):
    """At λ = 30 and rate 0.5 on 456 examples a step is 0.033, more than the threshold of 0.01."""
    zeros = curves(biopsies)
    assert zeros[SIGN][SWEPT.index(1.0)] == pytest.approx(zeros[SPARSE][SWEPT.index(1.0)], abs=0.02)
    assert zeros[SIGN][-1] < 0.6 < zeros[SPARSE][-1]


def test_the_gradient_of_the_penalized_cost_is_autograds():
    data = load(L1(examples="breast-cancer"), generator(0, 0))
    train, dev = ((x.double(), y.double()) for x, y in (data.train, data.dev))
    start = [p.double() for p in mlp.initialize((30, 4, 1), generator(1), "xavier")]
    leaves = [p.clone().requires_grad_() for p in start]
    W1, b1, W2, b2 = leaves
    z = (torch.tanh(train[0] @ W1.T + b1) @ W2.T + b2)[:, 0]
    m = len(train[1])
    cost = F.binary_cross_entropy_with_logits(z, train[1]) + 3.0 / m * sum(W.abs().sum() for W in leaves[::2])
    torch.testing.assert_close(
        cost.detach(),
        F.binary_cross_entropy_with_logits(z.detach(), train[1]) + l1_penalty(start[::2], 3.0, m),
    )
    *_, after = fit(start, train, dev, Recipe("tanh", 1.0, l1=3.0), 1)
    for before, now, slope in zip(start, after.params, torch.autograd.grad(cost, leaves), strict=True):
        torch.testing.assert_close(before - now, slope, rtol=0, atol=1e-12)


def test_every_lambda_meets_every_penalty_once():
    swept = strengths(0.5)
    assert 0.5 in swept and set(SWEPT) < set(swept) and strengths(1.0) == list(SWEPT)
    total = sum(penalties(swept).values())
    assert total.tolist() == pytest.approx(swept * len(KINDS))
    for i, each in enumerate(penalties(swept).values()):
        assert each.nonzero().flatten().tolist() == list(range(i * len(swept), (i + 1) * len(swept)))


def test_the_first_layer_shown_is_sparse_under_l1_and_full_under_l2(biopsies):
    one, other = (np.array(biopsies.figures[f"First layer under {n}"].data[0].z, float) for n in ("L1", "L2"))
    assert one.shape == other.shape == (8, 30)
    assert np.isnan(one).mean() > 0.7 and not np.isnan(other).any()
    used = int((~np.isnan(one)).any(0).sum())
    assert biopsies.metrics["Inputs in use"] == f"{used} of 30" and used < 30


@pytest.mark.parametrize(
    "changed",
    [
        {"examples": "moons", "noise": 0.3},
        {"examples": "wine", "units": 0},
        {"examples": "digits", "steps": 60, "units": 4},
        {"examples": "drawn", "strength": 0.01},
    ],
)
def test_other_sets_are_taken(changed):
    frame = LAB.last_frame(L1(**{"steps": 200, **changed}))
    zeros = curves(frame)[SPARSE]
    assert zeros[-1] >= zeros[0] and not frame.diverged
    assert ("Boundary" in frame.figures) == (changed["examples"] in ("moons", "drawn"))


def test_a_decay_that_grows_is_told_and_its_remedy_works():
    changed = {"examples": "drawn", "strength": 100.0, "rate": 1.0, "steps": 200}
    frame = LAB.last_frame(L1(**changed))
    assert "which grows them" in frame.diverged and frame.progress == 1
    assert not LAB.last_frame(L1(**{**changed, **frame.remedy})).diverged


def test_of_pictures_the_first_layer_is_shown_as_pictures_with_more_grey_under_l1(suns):
    grey = []
    for name in ("L1", "L2"):
        pixels = np.array(suns.figures[f"First layer under {name}"].data[0].z)
        inside = pixels[pixels[..., 3] > 0][:, :3]
        grey.append(float((inside == 128).mean()))
    assert grey[0] > 0.5 > 5 * grey[1]
