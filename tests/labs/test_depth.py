"""Parity of n bits: the truth, the counts, and that both kinds of network learn it."""

from itertools import product

import pytest
import torch

from engine.labs.foundations.depth import LAB, Depth
from engine.models.parity import bits, tree, tree_forward, tree_units, wide, wide_forward, wide_units
from engine.seeding import generator


@pytest.mark.parametrize("n", range(2, 7))
@pytest.mark.parametrize("seed", [0, 1])
def test_both_learn_the_parity_of_up_to_six_bits(n, seed):
    frame = LAB.last_frame(Depth(bits=n, steps=300, seed=seed))
    assert frame.metrics["Strings right"] == "100% / 100%"


def test_the_bits_are_all_strings_with_their_parity():
    x, y = bits(4)
    assert sorted(map(tuple, ((x + 1) / 2).int().tolist())) == sorted(product((0, 1), repeat=4))
    expected = [sum(row) % 2 for row in ((x + 1) / 2).int().tolist()]
    assert y.tolist() == expected


def test_a_tree_written_by_hand_computes_the_parity():
    """XOR of -1 and 1 as tanh units: either, not both; the two-unit block that the count speaks of."""
    for n in range(2, 7):
        params = tree(n, 1, generator(0))
        for level in range(0, len(params), 4):
            W1, b1, W2, b2 = params[level : level + 4]
            W1.copy_(9 * torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]))
            b1.copy_(9 * torch.tensor([1.0, -1.0, 0.0]))
            W2.copy_(9 * torch.tensor([[1.0, -1.0, 0.0]]))
            b2.fill_(-9.0)
        x, y = bits(n)
        assert ((tree_forward(params, x)[0] > 0) == (y == 1)).all()
        blocks = sum(p.shape[1] for p in params[::4])
        assert blocks == n - 1 and tree_units(n) == 3 * blocks


@pytest.mark.parametrize(("n", "deep", "shallow"), [(2, 3, 3), (4, 9, 9), (6, 15, 33), (10, 27, 513)])
def test_the_counts(n, deep, shallow):
    assert (tree_units(n), wide_units(n)) == (deep, shallow)


def test_one_of_the_restarts_is_the_network_alone():
    x, _ = bits(5)
    for make, forward in ((tree, tree_forward), (wide, wide_forward)):
        params = make(5, 6, generator(3))
        alone = forward([p[2:3] for p in params], x)
        torch.testing.assert_close(forward(params, x)[2:3], alone)


def test_the_counting_curves_are_drawn():
    traces = {t.name: t for t in next(LAB.run(Depth())).figures["Units needed"].data}
    assert list(traces["tree"].y[:3]) == [3, 6, 9] and list(traces["one layer"].y[:3]) == [3, 5, 9]
