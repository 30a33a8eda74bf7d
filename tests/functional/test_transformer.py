"""Heads, positions and the causal mask against torch.nn.MultiheadAttention, a plain loop, and what must not leak."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.functional.attention import causal_mask
from engine.functional.transformer import HeadWeights, join_heads, multi_head, positions, split_heads

M, TY, TX, D = 3, 5, 7, 12


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def made(heads: int) -> tuple[nn.MultiheadAttention, HeadWeights]:
    """PyTorch's layer with random weights and biases, and the same weights by our names."""
    theirs = nn.MultiheadAttention(D, heads, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for seed, parameter in enumerate(theirs.parameters()):
            parameter.copy_(numbers(*parameter.shape, seed=seed))
    (Wq, Wk, Wv), (bq, bk, bv) = theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3)
    return theirs, HeadWeights(Wq, Wk, Wv, theirs.out_proj.weight, bq, bk, bv, theirs.out_proj.bias)


@pytest.mark.parametrize("heads", [1, 2, 3, 4])
@pytest.mark.parametrize("masked", ["not", "causal", "padding"])
def test_many_heads_equal_torch(heads: int, masked: str) -> None:
    theirs, weights = made(heads)
    x = numbers(M, TX, D, seed=11)
    seen = x if masked == "causal" else numbers(M, TX, D, seed=12)
    x = x if masked == "causal" else x[:, :TY]
    lengths = torch.tensor([TX, 4, 1])
    filled = torch.arange(TX) >= lengths[:, None]
    mask = {"not": None, "causal": causal_mask(TX)[None], "padding": ~filled[:, None]}[masked]
    given = {
        "not": {},
        "causal": {"attn_mask": ~causal_mask(TX)},
        "padding": {"key_padding_mask": filled},
    }[masked]
    expected, alpha = theirs(x, seen, seen, need_weights=True, average_attn_weights=False, **given)
    found, ours = multi_head(x, seen, weights, heads, mask)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours, alpha, rtol=1e-6, atol=1e-6)
    assert ours.shape == (M, heads, x.shape[1], TX)
    torch.testing.assert_close(ours.sum(-1), torch.ones(M, heads, x.shape[1], dtype=torch.float64))


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(0, 8), st.sampled_from([1, 2, 4]))
@settings(deadline=None, max_examples=25)
def test_the_causal_mask_leaks_nothing(seed: int, T: int, after: int, heads: int) -> None:
    after = min(after, T - 1)
    _, weights = made(heads)
    x = 0.1 * numbers(1, T, D, seed=seed)  # small, so that no weight is rounded away
    other = x.clone()
    other[:, after:] += 0.1 * numbers(1, T - after, D, seed=seed + 1)
    first, second = (multi_head(each, each, weights, heads, causal_mask(T)[None])[0] for each in (x, other))
    assert torch.equal(first[:, :after], second[:, :after])
    assert not torch.equal(first[:, after:], second[:, after:])
    if after:
        open_ = [multi_head(each, each, weights, heads)[0] for each in (x, other)]
        assert not torch.equal(open_[0][:, :after], open_[1][:, :after]), "without the mask it does leak"


def test_the_causal_mask_blocks_gradients_too() -> None:
    _, weights = made(2)
    x = numbers(1, 6, D, seed=3).requires_grad_()
    multi_head(x, x, weights, 2, causal_mask(6)[None])[0][:, :3].sum().backward()
    assert x.grad is not None and x.grad[:, 3:].eq(0).all() and x.grad[:, :3].ne(0).any()


def test_heads_split_and_join() -> None:
    x = numbers(M, TX, D)
    assert split_heads(x, 4).shape == (M, 4, TX, 3)
    assert torch.equal(split_heads(x, 4)[:, 1], x[..., 3:6])
    assert torch.equal(join_heads(split_heads(x, 4)), x)


@pytest.mark.parametrize(("T", "d"), [(1, 2), (40, 64), (9, 7)])
def test_positions_equal_the_papers_formula(T: int, d: int) -> None:
    expected = np.empty((T, d))
    for t in range(T):
        for j in range(d):
            angle = t / 10000 ** (2 * (j // 2) / d)
            expected[t, j] = math.cos(angle) if j % 2 else math.sin(angle)
    np.testing.assert_allclose(positions(T, d).numpy(), expected, atol=1e-6)


def test_a_shift_turns_every_wave_by_the_same_angle_everywhere() -> None:
    p, k = positions(60, 16).double(), 7
    for i in range(8):
        angle = k / 10000 ** (2 * i / 16)
        turn = torch.tensor(
            [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]], dtype=torch.float64
        )
        torch.testing.assert_close(p[k:, 2 * i : 2 * i + 2], p[:-k, 2 * i : 2 * i + 2] @ turn.T, rtol=1e-5, atol=1e-5)
