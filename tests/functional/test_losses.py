"""Losses against PyTorch's own, at the extremes too."""

import torch
from torch.nn import functional as F

from engine.functional.losses import binary_cross_entropy, binary_cross_entropy_with_logits


def test_binary_cross_entropy_with_logits_is_pytorchs():
    draw = torch.Generator().manual_seed(0)
    z = 5 * torch.randn(50, 3, dtype=torch.float64, generator=draw)
    y = torch.randint(0, 2, (50, 3), generator=draw).double()
    torch.testing.assert_close(
        binary_cross_entropy_with_logits(z, y), F.binary_cross_entropy_with_logits(z, y), rtol=1e-12, atol=0
    )
    textbook = -(y * torch.sigmoid(z).log() + (1 - y) * (1 - torch.sigmoid(z)).log()).mean()
    torch.testing.assert_close(binary_cross_entropy_with_logits(z, y), textbook, rtol=1e-9, atol=0)


def test_binary_cross_entropy_of_probabilities_is_pytorchs():
    draw = torch.Generator().manual_seed(1)
    a = torch.rand(50, 3, dtype=torch.float64, generator=draw)
    a[0] = torch.tensor([0.0, 1.0, 0.5])
    y = torch.randint(0, 2, (50, 3), generator=draw).double()
    y[0] = torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(binary_cross_entropy(a, y), F.binary_cross_entropy(a, y), rtol=1e-12, atol=0)


def test_it_is_exact_at_the_extremes():
    z = torch.tensor([1e4, -1e4, 1e4, -1e4])
    y = torch.tensor([1.0, 0.0, 0.0, 1.0])
    costs = [float(binary_cross_entropy_with_logits(a, b)) for a, b in zip(z, y, strict=True)]
    assert costs == [0.0, 0.0, 1e4, 1e4]


def test_a_confident_right_answer_still_costs_something():
    cost = binary_cross_entropy_with_logits(
        torch.tensor([40.0], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    )
    torch.testing.assert_close(cost, torch.tensor(-40.0, dtype=torch.float64).exp(), rtol=1e-12, atol=0)
