"""Penalties against autograd and torch's weight decay, dropout against its expectation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.functional import mlp
from engine.functional.regularization import dropout_mask, inverted_dropout, l1_penalty, l2_penalty
from engine.seeding import generator


def weights():
    return [p.double() for p in mlp.initialize((3, 6, 1), generator(0))[::2]]


@pytest.mark.parametrize("m", [1, 50])
@pytest.mark.parametrize(
    ("penalty", "value", "slope"),
    [
        (l2_penalty, lambda W: (W**2).sum() / 2, lambda W: W),
        (l1_penalty, lambda W: W.norm(p=1), torch.sign),
    ],
    ids=["l2", "l1"],
)
def test_penalties_and_their_slopes(penalty, value, slope, m):
    given_ = [W.requires_grad_() for W in weights()]
    found = penalty(given_, 0.7, m)
    found.backward()
    assert found.item() == pytest.approx(0.7 / m * sum(value(W).item() for W in given_), rel=1e-12)
    for W in given_:
        torch.testing.assert_close(W.grad, 0.7 / m * slope(W.detach()), rtol=0, atol=1e-12)


def test_a_step_down_the_l2_penalty_is_torchs_weight_decay():
    start, rate, strength, m = weights(), 0.1, 5.0, 40
    ours, theirs = ([W.clone().requires_grad_() for W in start] for _ in range(2))
    plain = torch.optim.SGD(ours, lr=rate)
    decaying = torch.optim.SGD(theirs, lr=rate, weight_decay=strength / m)
    for _ in range(20):
        plain.zero_grad()
        (l2_penalty(ours, strength, m) + sum(W.sin().sum() for W in ours)).backward()
        plain.step()
        decaying.zero_grad()
        sum(W.sin().sum() for W in theirs).backward()
        decaying.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8, 1.0])
def test_dropout_keeps_the_expectation_over_ten_thousand_masks(keep):
    """To a hundredth; the mean of one unit over n masks has deviation sqrt((1 - keep) / keep / n) of the unit."""
    a = torch.linspace(0.5, 2, 40, dtype=torch.float64)
    draw, total, kept, n = generator(0), torch.zeros_like(a), 0, 10_000
    for _ in range(n):
        dropped, mask = inverted_dropout(a, keep, draw)
        total += dropped
        kept += int((mask > 0).sum())
    assert float((total / n).sum()) == pytest.approx(float(a.sum()), rel=0.01)
    assert kept / n / len(a) == pytest.approx(keep, rel=0.01)
    deviation = ((1 - keep) / keep / n) ** 0.5
    assert float(((total / n - a) / a).abs().max()) <= 5 * deviation + 1e-6


@given(st.floats(0.05, 1.0), st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_a_unit_is_dropped_or_scaled(keep, seed):
    a = torch.randn(6, 5, generator=generator(seed))
    dropped, mask = inverted_dropout(a, keep, generator(seed))
    assert torch.equal(dropped, a * mask)
    kept = mask > 0
    assert not dropped[~kept].any()
    torch.testing.assert_close(dropped[kept], a[kept] / keep)
    assert torch.equal(mask, dropout_mask((6, 5), keep, generator(seed)))


def test_its_slope_is_the_mask():
    a = torch.randn(6, 5, dtype=torch.float64, generator=generator(0), requires_grad=True)
    dropped, mask = inverted_dropout(a, 0.5, generator(1))
    dropped.sum().backward()
    assert torch.equal(a.grad, mask) and mask.dtype == a.dtype


def test_a_keep_for_each_network():
    mask = dropout_mask((3, 100, 50), torch.tensor([0.2, 0.5, 0.9])[:, None, None], generator(0))
    for layer, keep in zip(mask, (0.2, 0.5, 0.9), strict=True):
        assert float((layer > 0).float().mean()) == pytest.approx(keep, abs=0.03)
        torch.testing.assert_close(layer[layer > 0], torch.full_like(layer[layer > 0], 1 / keep))
