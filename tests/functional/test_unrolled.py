"""Whole sequences of many networks equal PyTorch's cells, and their backward passes equal differences."""

import pytest
import torch
from torch import nn

from engine.functional.unrolled import Gru, Lstm, Rnn
from engine.seeding import generator

T, F, M, N = 6, 3, 4, 5
KINDS = {
    "rnn": (Rnn, 1, ()),
    "gru": (Gru, 3, ((F, 1, N),)),
    "lstm": (Lstm, 4, (None,)),
    "peephole": (Lstm, 4, ((F, 3, N),)),
}


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator(sum(shape)), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_equal_differences(kind):
    function, gates, extra = KINDS[kind]
    more = [None if shape is None else drawn(*shape) for shape in extra]
    assert torch.autograd.gradcheck(
        function.apply,
        (
            drawn(3, 2, 2, gates * N),
            drawn(2, N, gates * N),
            *(None if m is None else m[:2].detach().clone().requires_grad_() for m in more),
        ),
    )


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_states_and_gradients_equal_those_of_pytorch(kind):
    """Each network of a fleet is torch.nn's module with its weights, to 1e-10 in double precision."""
    function, gates, extra = KINDS[kind]
    x, across = drawn(T, F, M, gates * N), drawn(F, N, gates * N)
    more = [None if shape is None else drawn(*shape) for shape in extra]
    states = function.apply(x, across, *more)
    states.square().sum().backward()
    for i in range(F):
        module = getattr(nn, kind.upper())(gates * N, N, dtype=torch.float64)
        module.weight_ih_l0.data = torch.eye(gates * N, dtype=torch.float64)
        module.weight_hh_l0.data = across.detach()[i].T.clone()
        for bias in (module.bias_ih_l0, module.bias_hh_l0):
            bias.data.zero_()
        if kind == "gru":
            module.bias_hh_l0.data[2 * N :] = more[0].detach()[i, 0]
        own = x.detach()[:, i].clone().requires_grad_()
        expected = module(own)[0]
        torch.testing.assert_close(states[:, i], expected, rtol=0, atol=1e-10)
        expected.square().sum().backward()
        torch.testing.assert_close(x.grad[:, i], own.grad, rtol=0, atol=1e-10)
        torch.testing.assert_close(across.grad[i], module.weight_hh_l0.grad.T, rtol=0, atol=1e-10)
