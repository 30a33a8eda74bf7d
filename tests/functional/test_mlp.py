"""The hand-written network against torch.nn and autograd."""

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from engine.functional import mlp
from engine.functional.activations import ACTIVATIONS
from engine.functional.regularization import dropout_mask
from engine.seeding import generator

SHAPES = [(2, 1), (2, 4, 1), (3, 8, 8, 1), (5, 1, 7, 2, 6, 1), (3, 4), (4, 6, 5, 3)]
LEADS = [(), (3,), (2, 3)]
MODULES = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "linear": nn.Identity,
}


class Masked(nn.Module):
    """An activation whose output is multiplied by a fixed mask."""

    def __init__(self, activation, mask):
        super().__init__()
        self.activation, self.mask = activation, mask

    def forward(self, z):
        return self.activation(z) * self.mask


def network(sizes, m=17, seed=0, lead=()):
    """Parameters with biases that aren't zero, inputs and labels, in float64."""
    draw = generator(seed)

    def normal(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=draw)

    params = []
    for n_in, n_out in pairwise(sizes):
        params += [n_in**-0.5 * normal(*lead, n_out, n_in), 0.3 * normal(*lead, n_out)]
    y = torch.randint(0, max(2, sizes[-1]), (*lead, m), generator=draw)
    return params, normal(*lead, m, sizes[0]), y.double() if sizes[-1] == 1 else y


def dropped(sizes, m, lead=(), keep=0.6):
    return [dropout_mask((*lead, m, n), keep, generator(9)).double() for n in sizes[1:-1]]


def sequential(params, activation, masks=()):
    """The same network as torch.nn has it."""
    layers = []
    for i, (W, b) in enumerate(zip(params[::2], params[1::2], strict=True)):
        layer = nn.Linear(W.shape[1], W.shape[0], dtype=W.dtype)
        layer.weight.data, layer.bias.data = W.clone(), b.clone()
        layers += [layer, Masked(MODULES[activation](), masks[i] if i < len(masks) else 1)]
    return nn.Sequential(*layers[:-1])


def cross_entropy(z, y):
    """PyTorch's, of one output or of several."""
    return F.binary_cross_entropy_with_logits(z[:, 0], y) if z.shape[1] == 1 else F.cross_entropy(z, y)


def by_autograd(params, x, y, activation, masks=()):
    """The logits, the cost and the gradients of one network, by torch.nn and autograd alone."""
    net = sequential(params, activation, masks)
    z = net(x)
    cost = cross_entropy(z, y)
    cost.backward()
    return z.detach(), cost.detach(), [p.grad for p in net.parameters()]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SHAPES)
def test_forward_is_torch_nns(sizes, activation):
    params, x, _ = network(sizes)
    cache = mlp.forward(params, x, activation)
    assert [a.shape for a in cache] == [(17, n) for n in sizes]
    net = sequential(params, activation)
    torch.testing.assert_close(cache[-1], net(x).detach(), rtol=0, atol=1e-12)
    for layer in range(1, len(sizes) - 1):
        torch.testing.assert_close(cache[layer], net[: 2 * layer](x).detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("sizes", SHAPES)
def test_predictions_are_pytorchs_probabilities(sizes):
    params, x, _ = network(sizes)
    z = sequential(params, "tanh")(x).detach()
    expected = torch.sigmoid(z[:, 0]) if sizes[-1] == 1 else torch.softmax(z, 1)
    torch.testing.assert_close(mlp.predict(params, x, "tanh"), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("m", [1, 17])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SHAPES)
def test_backward_is_autograds(sizes, activation, m, masked):
    params, x, y = network(sizes, m, seed=m)
    masks = dropped(sizes, m) if masked else []
    _, _, expected = by_autograd(params, x, y, activation, masks)
    grads = mlp.backward(params, mlp.forward(params, x, activation, masks), y, activation, masks)
    for ours, theirs in zip(grads, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("lead", LEADS[1:])
@pytest.mark.parametrize("sizes", SHAPES)
def test_networks_side_by_side_are_each_alone(sizes, lead, shared, masked):
    """With examples of their own or the same ones."""
    params, x, y = network(sizes, lead=lead)
    if shared:
        x, y = (t[(0,) * len(lead)] for t in (x, y))
    masks = dropped(sizes, 17, lead) if masked else []
    cache = mlp.forward(params, x, "tanh", masks)
    grads = mlp.backward(params, cache, y, "tanh", masks)
    costs = mlp.cost(cache[-1], y.expand(*lead, 17))
    assert costs.shape == lead
    for one in product(*map(range, lead)):
        own = (x, y) if shared else (x[one], y[one])
        z, cost, expected = by_autograd([p[one] for p in params], *own, "tanh", [mask[one] for mask in masks])
        torch.testing.assert_close(cache[-1][one], z, rtol=0, atol=1e-9)
        torch.testing.assert_close(costs[one], cost, rtol=0, atol=1e-9)
        for ours, theirs in zip(grads, expected, strict=True):
            torch.testing.assert_close(ours[one], theirs, rtol=0, atol=1e-9)


@given(
    hidden=st.lists(st.integers(1, 9), max_size=4),
    ends=st.tuples(st.integers(1, 6), st.integers(1, 5)),
    activation=st.sampled_from(list(ACTIVATIONS)),
    m=st.integers(1, 12),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=30)
def test_any_network_learns_by_autograds_gradient(hidden, ends, activation, m, seed):
    sizes = (ends[0], *hidden, ends[1])
    params, x, y = network(sizes, m, seed)
    _, cost, expected = by_autograd(params, x, y, activation)
    cache = mlp.forward(params, x, activation)
    torch.testing.assert_close(mlp.cost(cache[-1], y), cost, rtol=0, atol=1e-9)
    for ours, theirs in zip(mlp.backward(params, cache, y, activation), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_the_output_error_is_the_gradient_of_the_cost(outputs, size):
    draw = generator(0)
    z = size * torch.randn(20, outputs, dtype=torch.float64, generator=draw)
    y = torch.randint(0, max(2, outputs), (20,), generator=draw)
    leaf = z.clone().requires_grad_()
    cross_entropy(leaf, y.double() if outputs == 1 else y).backward()
    torch.testing.assert_close(mlp.output_error(z, y), leaf.grad, rtol=0, atol=1e-12)


def test_backward_stays_within_single_precision():
    params, x, y = network((2, 20, 1), 400)
    exact = mlp.backward(params, mlp.forward(params, x, "tanh"), y, "tanh")
    single = [p.float() for p in params]
    grads = mlp.backward(single, mlp.forward(single, x.float(), "tanh"), y.float(), "tanh")
    for ours, theirs in zip(grads, exact, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_and_backward_leave_their_inputs_alone(activation):
    sizes = (2, 4, 3, 1)
    params, x, y = network(sizes)
    masks = dropped(sizes, 17)
    cache = mlp.forward(params, x, activation, masks)
    given_ = (*params, x, y, *masks, *cache)
    before = [t.clone() for t in given_]
    mlp.forward(params, x, activation, masks)
    mlp.backward(params, cache, y, activation, masks)
    mlp.cost(cache[-1], y)
    assert all(torch.equal(a, b) for a, b in zip(given_, before, strict=True))


@pytest.mark.parametrize(
    ("scale", "deviation"),
    [("he", (2 / 100) ** 0.5), ("xavier", 0.1), ("glorot", (2 / 400) ** 0.5), (0.01, 0.01), (3, 3.0)],
)
def test_the_start_has_the_asked_deviation_and_no_bias(scale, deviation):
    W1, b1, W2, b2 = mlp.initialize((100, 300, 1), generator(0), scale)
    assert (W1.shape, b1.shape, W2.shape, b2.shape) == ((300, 100), (300,), (1, 300), (1,))
    assert float(W1.std()) == pytest.approx(deviation, rel=0.02)
    assert abs(float(W1.mean())) < 4 * deviation / 30_000**0.5
    assert not b1.any() and not b2.any()


def test_the_deviations_are_those_of_torch_nn_init():
    W = torch.empty(300, 100)
    he = nn.init.kaiming_normal_(W.clone(), nonlinearity="relu", generator=generator(0))
    xavier = nn.init.kaiming_normal_(W.clone(), nonlinearity="linear", generator=generator(0))
    glorot = nn.init.xavier_normal_(W.clone(), generator=generator(0))
    for rule, theirs in (("he", he), ("xavier", xavier), ("glorot", glorot)):
        torch.testing.assert_close(mlp.initialize((100, 300), generator(0), rule)[0], theirs, rtol=1e-6, atol=0)


def test_the_same_seed_gives_the_same_start():
    first, second, other = (mlp.initialize((2, 4, 1), generator(seed)) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])
