"""Attention against a plain loop, PyTorch's own and automatic differentiation."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.functional.attention import (
    additive_energies,
    attention_weights,
    causal_mask,
    context,
    padding_mask,
    scaled_dot_energies,
)

M, TY, TX, N_S, N_A, K = 3, 4, 5, 6, 7, 8


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def network() -> tuple[torch.Tensor, ...]:
    return numbers(K, N_S, seed=1), numbers(K, N_A, seed=2), numbers(K, seed=3), numbers(K, seed=4)


def test_additive_energies_equal_a_small_network_on_every_pair() -> None:
    s, a = numbers(M, TY, N_S, seed=5), numbers(M, TX, N_A, seed=6)
    Ws, Wa, v, b = network()
    both = torch.nn.Linear(N_S + N_A, K, dtype=torch.float64)
    last = torch.nn.Linear(K, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        both.weight.copy_(torch.cat([Ws, Wa], 1))
        both.bias.copy_(b)
        last.weight.copy_(v[None])
        for i in range(M):
            for t in range(TY):
                for u in range(TX):
                    expected = last(torch.tanh(both(torch.cat([s[i, t], a[i, u]]))))[0]
                    close(additive_energies(s, a, Ws, Wa, v, b)[i, t, u], expected)
    close(additive_energies(s, a, Ws, Wa, v), additive_energies(s, a, Ws, Wa, v, torch.zeros_like(b)))
    close(additive_energies(s[:, 1:2], a, Ws, Wa, v, b), additive_energies(s, a, Ws, Wa, v, b)[:, 1:2])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.integers(0, 99))
def test_dot_attention_equals_pytorchs(Ty: int, Tx: int, d: int, seed: int) -> None:
    q, k, v = numbers(2, Ty, d, seed=seed), numbers(2, Tx, d, seed=seed + 1), numbers(2, Tx, 3, seed=seed + 2)
    alpha = attention_weights(scaled_dot_energies(q, k))
    close(alpha.sum(-1), torch.ones(2, Ty, dtype=torch.float64))
    close(context(alpha, v), F.scaled_dot_product_attention(q, k, v))
    mask = numbers(2, Ty, Tx, seed=seed + 3) > 0
    mask[..., 0] = True
    masked = attention_weights(scaled_dot_energies(q, k), mask)
    close(context(masked, v), F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    assert (masked[~mask] == 0).all()


def test_causal_and_heads_equal_pytorchs() -> None:
    q, k, v = (numbers(M, 2, TX, 4, seed=i) for i in range(3))  # (m, heads, T, d)
    ours = context(attention_weights(scaled_dot_energies(q, k), causal_mask(TX)), v)
    close(ours, F.scaled_dot_product_attention(q, k, v, is_causal=True))
    later = v.clone()
    later[..., 3:, :] += 100
    moved = context(attention_weights(scaled_dot_energies(q, k), causal_mask(TX)), later)
    close(moved[..., :3, :], ours[..., :3, :])


def test_weights_and_context_equal_a_plain_loop() -> None:
    e, a = numbers(M, TY, TX), numbers(M, TX, N_A, seed=1)
    alpha = attention_weights(e)
    c = context(alpha, a)
    for i in range(M):
        for t in range(TY):
            powers = [math.exp(x) for x in e[i, t].tolist()]
            weights = [p / sum(powers) for p in powers]
            assert alpha[i, t].tolist() == pytest.approx(weights, rel=1e-12)
            expected = [sum(w * x for w, x in zip(weights, a[i, :, j].tolist(), strict=True)) for j in range(N_A)]
            assert c[i, t].tolist() == pytest.approx(expected, rel=1e-9)


def test_padding_is_not_seen() -> None:
    lengths = torch.tensor([5, 2, 1])
    mask = padding_mask(lengths, TX)
    assert mask.shape == (M, 1, TX) and mask.sum(-1).flatten().tolist() == [5, 2, 1]
    e, a = numbers(M, TY, TX), numbers(M, TX, N_A, seed=1)
    c = context(attention_weights(e, mask), a)
    for i, n in enumerate(lengths.tolist()):
        close(c[i], context(attention_weights(e[i, :, :n]), a[i, :n]))


def test_large_energies_do_not_overflow_and_nothing_to_see_is_zero() -> None:
    sharp = attention_weights(torch.tensor([[1e4, 0.0, -1e4]]))
    assert sharp.tolist() == [[1.0, 0.0, 0.0]]
    e = numbers(2, TX).requires_grad_()
    mask = torch.ones(2, TX, dtype=torch.bool)
    mask[1] = False
    alpha = attention_weights(e, mask)
    assert alpha[1].tolist() == [0.0] * TX
    (slope,) = torch.autograd.grad(alpha[0, 0], e)
    assert torch.isfinite(slope).all() and (slope[1] == 0).all()


def test_slopes_are_those_written_out() -> None:
    e, a = numbers(M, TY, TX).requires_grad_(), numbers(M, TX, N_A, seed=1).requires_grad_()
    dc = numbers(M, TY, N_A, seed=2)
    alpha = attention_weights(e)
    de, da = torch.autograd.grad(context(alpha, a), (e, a), dc)
    dalpha = dc @ a.mT
    close(da, alpha.mT @ dc)
    close(de, alpha * (dalpha - (alpha * dalpha).sum(-1, keepdim=True)))
    Ws, Wa, v, b = (w.requires_grad_() for w in network())
    s = numbers(M, TY, N_S, seed=5).requires_grad_()
    assert torch.autograd.gradcheck(lambda *x: attention_weights(additive_energies(*x)), (s, a, Ws, Wa, v, b))
