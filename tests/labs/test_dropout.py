"""Dropout: its expectation over many masks, masks as shown and as used, and nothing dropped at test time."""

import numpy as np
import pytest
import torch
from torch import nn

from engine.examples import load
from engine.functional import mlp
from engine.functional.regularization import dropout_mask, inverted_dropout
from engine.labs.optimization.dropout import LAB, Dropout, kept_on_average, next_masks, pairs
from engine.seeding import generator
from engine.training import accuracy, cost


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8, 1.0])
def test_the_expected_activation_is_kept_within_a_percent_over_10_000_masks(keep):
    a = torch.rand(50, generator=generator(0)) + 0.5
    dropped, mask = inverted_dropout(a.expand(10_000, 50), keep, generator(1))
    assert float(dropped.mean()) == pytest.approx(float(a.mean()), rel=0.01)
    assert float((mask > 0).float().mean()) == pytest.approx(keep, abs=0.01)
    assert kept_on_average(a, keep, 0) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_what_is_kept_is_scaled_as_pytorchs_dropout_scales_it(keep):
    a = torch.randn(1000, generator=generator(0))
    ours, _ = inverted_dropout(a, keep, generator(1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = nn.functional.dropout(a, 1 - keep)
    for result in (ours, theirs):
        kept = result != 0
        torch.testing.assert_close(result[kept], a[kept] / keep)
        assert float(kept.float().mean()) == pytest.approx(keep, abs=0.05)


def test_the_masks_shown_are_those_of_the_next_pass():
    """Autograd through exactly those masks makes the very step that the training takes next."""
    params = Dropout(points=40, units=6, steps=5, keep1=0.7, keep2=0.4)
    data = load(params, generator(0, 0))
    steps = pairs(params, data)
    before = next(steps)
    leaves = [p.clone().requires_grad_() for p in before.dropped.params]
    z = mlp.forward(leaves, data.train[0], "tanh", [mask.mT for mask in before.masks])[-1]
    J = nn.functional.binary_cross_entropy_with_logits(z[:, 0], data.train[1])
    optimizer = torch.optim.Adam(leaves, lr=params.rate)
    J.backward()
    optimizer.step()
    torch.testing.assert_close(before.cost.clone(), J.detach())
    after = next(steps)
    for ours, theirs in zip(after.dropped.params, leaves, strict=True):
        torch.testing.assert_close(ours.clone(), theirs.detach(), rtol=0, atol=1e-5)
    assert not torch.equal(before.masks[0], after.masks[0])


def test_looking_ahead_leaves_the_generator_alone():
    random = generator(0)
    ahead = next_masks(random, 4, 9, (0.5, 0.8))
    drawn = [dropout_mask((4, 9), keep, random) for keep in (0.5, 0.8)]
    assert all(torch.equal(a, b) for a, b in zip(ahead, drawn, strict=True))


def test_at_test_time_nothing_is_dropped():
    """The boundary and the costs shown are those of torch.nn's network with its dropout in eval mode."""
    params = Dropout(points=40, units=6, steps=50)
    data = load(params, generator(0, 0))
    *_, last = pairs(params, data)
    net = nn.Sequential(
        nn.Linear(2, 6), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 1)
    )
    for theirs, ours in zip(net.parameters(), last.dropped.params, strict=True):
        theirs.data = ours.clone()
    net.eval()
    field = LAB.last_frame(params).figures["Boundary"].data[0]
    grid = torch.cartesian_prod(torch.from_numpy(field.y), torch.from_numpy(field.x)).flip(1)
    expected = torch.sigmoid(net(grid)).detach().reshape(61, 61)
    np.testing.assert_allclose(field.z, expected, atol=1e-5)
    shown = nn.functional.binary_cross_entropy_with_logits(net(data.dev[0])[:, 0], data.dev[1]).detach()
    assert float(last.dropped.dev) == pytest.approx(float(shown), abs=1e-5)
    assert float(cost(last.dropped.params, data.dev, "tanh")) == pytest.approx(float(shown), abs=1e-5)


def test_keeping_all_is_training_without_it():
    params = Dropout(keep1=1.0, keep2=1.0, steps=100)
    frame = LAB.last_frame(params)
    for name in ("train", "dev"):
        ours, theirs = ({t.name: t.y for t in frame.figures[title].data}[name] for title in ("Cost", "Cost without"))
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert frame.metrics["Average activation"] == "100.0% and 100.0%"


def test_both_start_from_the_same_weights_and_dropout_overfits_less():
    first = next(LAB.run(Dropout()))
    np.testing.assert_array_equal(first.figures["Boundary"].data[0].z, first.figures["Boundary without"].data[0].z)
    params = Dropout()
    data = load(params, generator(0, 0))
    *_, last = pairs(params, data)
    assert float(last.dropped.dev) < 0.5 * float(last.without.dev)
    right = [float(accuracy(step.params, data.dev, "tanh")) for step in (last.without, last.dropped)]
    assert right[1] > right[0] + 0.03


def test_the_masks_change_and_keep_their_share_of_each_layer():
    frames = list(LAB.run(Dropout(steps=20)))
    sheets = [np.array(f.figures["Masks"].data[0].z, float) for f in (frames[0], frames[-1])]
    assert sheets[0].shape == (32, 2 * 24 + 2) and not np.array_equal(*sheets, equal_nan=True)
    assert np.nanmean(sheets[0][:, :24]) == pytest.approx(0.8, abs=0.05)
    assert np.nanmean(sheets[0][:, 26:]) == pytest.approx(0.5, abs=0.06)
