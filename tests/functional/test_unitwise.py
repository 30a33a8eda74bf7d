"""The layer computed unit by unit: autograd's gradients, and equal units that stay equal to the last bit."""

import pytest
import torch

from engine.functional import mlp, unitwise
from engine.seeding import generator


def network(units, n, lead=(), dtype=torch.float64):
    draw = generator(3)
    shapes = [(*lead, units, n), (*lead, units), (*lead, 1, units), (*lead, 1)]
    return [torch.randn(s, generator=draw, dtype=dtype) for s in shapes]


def examples(m, n, dtype=torch.float64):
    draw = generator(4)
    return torch.randn(m, n, generator=draw, dtype=dtype), torch.randint(0, 2, (m,), generator=draw).to(dtype)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "leaky_relu"])
@pytest.mark.parametrize("lead", [(), (3,)])
def test_the_gradient_is_autograds(activation, lead):
    params, (x, y) = network(5, 3, lead), examples(17, 3)
    leaves = [p.clone().requires_grad_() for p in params]
    z = mlp.forward(leaves, x, activation)[-1].squeeze(-1)
    costs = torch.nn.functional.binary_cross_entropy_with_logits(z, y.expand(z.shape), reduction="none").mean(-1)
    expected = torch.autograd.grad(costs.sum(), leaves)
    for ours, theirs in zip(unitwise.gradient(params, x, y, activation), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(unitwise.forward(params, x, activation)[1], z.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("m", [20, 61, 400])
@pytest.mark.parametrize("units", [2, 3, 7, 8, 13, 20])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_equal_units_have_gradients_equal_to_the_last_bit(units, m, activation):
    one = network(1, 2, (2,), torch.float32)
    same = [one[0].repeat(1, units, 1), one[1].repeat(1, units), one[2].repeat(1, 1, units), one[3]]
    dW, db, dv, _ = unitwise.gradient(same, *examples(m, 2, torch.float32), activation)
    for slopes in (dW, db[..., None], dv.mT):
        assert torch.equal(slopes, slopes[:, :1].expand_as(slopes))
