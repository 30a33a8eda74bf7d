"""The hand-written network against torch.nn and autograd."""

import pytest
import torch
from torch import nn

from engine.functional import mlp
from engine.functional.activations import ACTIVATIONS
from engine.functional.losses import binary_cross_entropy_with_logits
from engine.seeding import generator

SHAPES = [(2, 1), (2, 4, 1), (3, 8, 8, 1), (5, 1, 7, 2, 6, 1)]
MODULES = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "linear": nn.Identity,
}


def network(sizes, m=17, seed=0):
    """Parameters with biases that aren't zero, inputs and labels, in float64."""
    draw = generator(seed)
    params = [p.double() for p in mlp.initialize(sizes, draw, "xavier")]
    params = [p + 0.1 * torch.randn(p.shape, dtype=p.dtype, generator=draw) for p in params]
    x = torch.randn(m, sizes[0], dtype=torch.float64, generator=draw)
    return params, x, torch.randint(0, 2, (m,), generator=draw).double()


def sequential(params, activation):
    """The same network as torch.nn has it."""
    layers = []
    for W, b in zip(params[::2], params[1::2], strict=True):
        layer = nn.Linear(W.shape[1], W.shape[0], dtype=W.dtype)
        layer.weight.data, layer.bias.data = W.clone(), b.clone()
        layers += [layer, MODULES[activation]()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SHAPES)
def test_forward_is_torch_nns(sizes, activation):
    params, x, _ = network(sizes)
    cache = mlp.forward(params, x, activation)
    assert [a.shape for a in cache] == [(17, n) for n in sizes]
    torch.testing.assert_close(cache[-1], sequential(params, activation)(x).detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(mlp.predict(params, x, activation), torch.sigmoid(cache[-1][:, 0]))


@pytest.mark.parametrize("m", [1, 17])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SHAPES)
def test_backward_is_autograds(sizes, activation, m):
    params, x, y = network(sizes, m, seed=m)
    net = sequential(params, activation)
    binary_cross_entropy_with_logits(net(x)[:, 0], y).backward()
    grads = mlp.backward(params, mlp.forward(params, x, activation), y, activation)
    for ours, theirs in zip(grads, net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.grad, rtol=0, atol=1e-10)


def test_backward_stays_within_single_precision():
    params, x, y = network((2, 20, 1), 400)
    exact = mlp.backward(params, mlp.forward(params, x, "tanh"), y, "tanh")
    single = [p.float() for p in params]
    grads = mlp.backward(single, mlp.forward(single, x.float(), "tanh"), y.float(), "tanh")
    for ours, theirs in zip(grads, exact, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=1e-6)


def test_forward_and_backward_leave_their_inputs_alone():
    params, x, y = network((2, 4, 1))
    before = [t.clone() for t in (*params, x, y)]
    mlp.backward(params, mlp.forward(params, x, "relu"), y, "relu")
    assert all(torch.equal(a, b) for a, b in zip((*params, x, y), before, strict=True))


@pytest.mark.parametrize(
    ("scale", "deviation"), [("he", (2 / 100) ** 0.5), ("xavier", (1 / 100) ** 0.5), (0.01, 0.01), (3, 3.0)]
)
def test_the_start_has_the_asked_deviation_and_no_bias(scale, deviation):
    W1, b1, W2, b2 = mlp.initialize((100, 300, 1), generator(0), scale)
    assert (W1.shape, b1.shape, W2.shape, b2.shape) == ((300, 100), (300,), (1, 300), (1,))
    assert float(W1.std()) == pytest.approx(deviation, rel=0.02)
    assert not b1.any() and not b2.any()


def test_the_same_seed_gives_the_same_start():
    first, second, other = (mlp.initialize((2, 4, 1), generator(seed)) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])
