"""Standardizing against scikit-learn, batch normalization against PyTorch's in both modes."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from engine.functional.normalization import batch_norm, standardize
from engine.seeding import generator

CLOSE = {"rtol": 0, "atol": 1e-10}


def drawn(*shape, seed=0):
    return 3 + 2 * torch.randn(shape, dtype=torch.float64, generator=generator(seed))


def test_standardizing_is_scikit_learns_and_gives_the_test_set_the_trainings_numbers():
    train, test = drawn(50, 4), drawn(20, 4, seed=1)
    scaler = StandardScaler().fit(train.numpy())
    x, mean, deviation = standardize(train)
    torch.testing.assert_close(x, torch.from_numpy(scaler.transform(train.numpy())), **CLOSE)
    again, used_mean, used_deviation = standardize(test, mean, deviation)
    torch.testing.assert_close(again, torch.from_numpy(scaler.transform(test.numpy())), **CLOSE)
    assert used_mean is mean and used_deviation is deviation
    assert abs(float(again.mean())) > 1e-3, "the test set's own mean isn't used"


@example(0.1, 300, torch.float32)
@example(1234.5678, 333, torch.float32)
@example(0.045, 1, torch.float32)
@example(0.1, 333, torch.float64)
@given(st.floats(-1e6, 1e6, width=32), st.integers(1, 400), st.sampled_from([torch.float32, torch.float64]))
@settings(deadline=None, max_examples=40)
def test_a_column_that_does_not_vary_is_only_centred(value, m, dtype):
    """Also where rounding gives its mean, and so its deviation, a last digit of their own."""
    x = torch.full((m, 2), value, dtype=dtype)
    x[:, 1] = torch.arange(m)
    found, mean, deviation = standardize(x)
    assert float(found[:, 0].abs().max()) <= 1e-6 * abs(value)
    assert float(standardize(x + 1, mean, deviation)[0][0, 0]) == pytest.approx(1, abs=1e-6 * max(1, abs(value)))


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_shifting_and_scaling_columns_changes_nothing(shift, scale, seed):
    x = drawn(30, 3, seed=seed)
    found, mean, deviation = standardize(scale * x + shift)
    torch.testing.assert_close(found, standardize(x)[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(found * deviation + mean, scale * x + shift, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("epsilon", [1e-5, 1e-2])
def test_batch_norm_is_pytorchs_in_both_modes(epsilon):
    z, gamma, beta = drawn(32, 5), drawn(5, seed=1), drawn(5, seed=2)
    running_mean, running_variance = torch.zeros(5, dtype=z.dtype), torch.ones(5, dtype=z.dtype)
    expected = F.batch_norm(z, running_mean, running_variance, gamma, beta, training=True, momentum=1.0, eps=epsilon)
    found, mean, variance = batch_norm(z, gamma, beta, epsilon=epsilon)
    torch.testing.assert_close(found, expected, **CLOSE)
    torch.testing.assert_close(mean, running_mean, **CLOSE)
    torch.testing.assert_close(variance * 32 / 31, running_variance, **CLOSE)
    other = drawn(7, 5, seed=3)
    expected = F.batch_norm(other, running_mean, running_variance, gamma, beta, training=False, eps=epsilon)
    found, *used = batch_norm(other, gamma, beta, running_mean, running_variance, epsilon)
    torch.testing.assert_close(found, expected, **CLOSE)
    assert used[0] is running_mean and used[1] is running_variance


def test_its_gradient_is_pytorchs():
    given_ = [drawn(16, 4).requires_grad_(), drawn(4, seed=1).requires_grad_(), drawn(4, seed=2).requires_grad_()]
    weight = drawn(16, 4, seed=3)
    ours = torch.autograd.grad((batch_norm(*given_)[0] * weight).sum(), given_)
    z, gamma, beta = given_
    theirs = torch.autograd.grad((F.batch_norm(z, None, None, gamma, beta, training=True) * weight).sum(), given_)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, **CLOSE)


def test_a_bias_before_it_cancels():
    z, gamma, beta = drawn(32, 5), drawn(5, seed=1), drawn(5, seed=2)
    bias = 10 * drawn(5, seed=3)
    torch.testing.assert_close(batch_norm(z + bias, gamma, beta)[0], batch_norm(z, gamma, beta)[0], **CLOSE)


def test_it_has_the_mean_beta_and_the_deviation_gamma():
    z, gamma, beta = drawn(500, 5), drawn(5, seed=1).abs(), drawn(5, seed=2)
    found = batch_norm(z, gamma, beta, epsilon=0)[0]
    torch.testing.assert_close(found.mean(0), beta, **CLOSE)
    torch.testing.assert_close(found.std(0, correction=0), gamma, **CLOSE)
