"""Fleets of recurrent networks: equal to torch.nn, clipped one by one, and untrained they cost what a guess costs."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot
from torch.nn.utils import clip_grad_norm_

from engine.data.sequences import NAMES, TOLD, remember
from engine.seeding import generator
from engine.training.sequences import CELLS, Recurrents, clip_each, errors, fit_fleets, share_right

COUNT, WORDS, UNITS, CLASSES = 3, 7, 5, 4


def fleet(cell, **more):
    return Recurrents(cell, COUNT, WORDS, UNITS, CLASSES, generator(1), **more)


def module(network, i):
    """PyTorch's own with the weights of one network."""
    twin = getattr(nn, network.cell.upper())(WORDS, UNITS, batch_first=True)
    twin.weight_ih_l0.data, twin.weight_hh_l0.data = network.inward.data[i].T, network.across.data[i].T
    twin.bias_ih_l0.data = network.bias.data[i, 0]
    twin.bias_hh_l0.data.zero_()
    if network.cell == "gru":
        twin.bias_hh_l0.data[2 * UNITS :] = network.under.data[i, 0]
    return twin


@pytest.mark.parametrize("cell", CELLS)
def test_states_equal_those_of_pytorch(cell):
    network = fleet(cell)
    words = torch.randint(WORDS, (6, 9), generator=generator(2))
    states = network(words)
    assert states.shape == (9, COUNT, 6, UNITS)
    for i in range(COUNT):
        expected, _ = module(network, i)(one_hot(words, WORDS).float())
        torch.testing.assert_close(states[:, i].transpose(0, 1), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_every_network_is_clipped_as_pytorch_clips_it(cell):
    network = fleet(cell)
    words = torch.randint(WORDS, (6, 9), generator=generator(2))
    errors(network, (words, words[:, -2:] % CLASSES)).sum().backward()
    raw = [p.grad.clone() for p in network.parameters()]
    limit = 0.9 * float(torch.stack([g.flatten(1).norm(dim=1) for g in raw]).norm(dim=0).median())
    norms = clip_each(network, limit)
    for i in range(COUNT):
        own = [nn.Parameter(torch.zeros_like(g[i])) for g in raw]
        for p, g in zip(own, raw, strict=True):
            p.grad = g[i].clone()
        assert float(norms[i]) == pytest.approx(float(clip_grad_norm_(own, limit)), rel=1e-5)
        for p, clipped in zip(own, network.parameters(), strict=True):
            torch.testing.assert_close(clipped.grad[i], p.grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("cell", CELLS)
def test_an_untrained_network_costs_what_a_guess_costs(cell):
    network = Recurrents(cell, 5, len(TOLD), 16, len(NAMES), generator(0))
    cost = errors(network, remember(200, 10, generator(1)))
    assert float((cost.detach() - math.log(len(NAMES))).abs().max()) < 0.25


def test_networks_of_a_fleet_learn_as_they_would_alone():
    together = fleet("lstm")
    alone = Recurrents("lstm", 1, WORDS, UNITS, CLASSES, generator(1))
    alone.load_state_dict({name: p[1:2].clone() for name, p in together.state_dict().items()})
    for networks in ({"LSTM": together}, {"LSTM": alone}):
        random = generator(3)

        def batch(random=random):
            words = torch.randint(WORDS, (4, 5), generator=random)
            return words, words[:, :1] % CLASSES

        *_, last = fit_fleets(networks, batch, rate=0.02, updates=20)
    assert last.update == 20
    for name, p in together.state_dict().items():
        torch.testing.assert_close(p[1:2], alone.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_the_share_right_counts_targets():
    network = fleet("rnn")
    words = torch.randint(WORDS, (50, 4), generator=generator(4))
    said = network.logits(network(words)[-1]).argmax(-1)  # (count, m)
    assert share_right(network, (words, said[1][:, None]))[1] == 1
    assert share_right(network, (words, (said[1][:, None] + 1) % CLASSES))[1] == 0
