"""A classifier of points with batch normalization before every hidden activation, or without it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.functional.mlp import initialize
from engine.functional.normalization import batch_norm

MEMORY = 0.9


class NormalizedMlp(nn.Module):
    """Dense layers of these sizes with tanh between them; z is normalized before each tanh if ``normalized``.

    In training mode the batch's own mean and variance are used and remembered in running averages, beta 0.9; in evaluation
    mode the averages are used. Ioffe and Szegedy 2015, algorithm 2.
    """

    def __init__(self, sizes: Sequence[int], generator: torch.Generator, normalized: bool) -> None:
        """Draw the weights; with and without normalization the same generator gives the same."""
        super().__init__()
        start = initialize(sizes, generator, "xavier")
        self.weights = nn.ParameterList(start[::2])
        self.biases = nn.ParameterList(start[1::2])
        self.normalized = normalized
        hidden = sizes[1:-1]
        self.gammas = nn.ParameterList([torch.ones(n) for n in hidden] if normalized else [])
        self.betas = nn.ParameterList([torch.zeros(n) for n in hidden] if normalized else [])
        self.means = [torch.zeros(n) for n in hidden]
        self.variances = [torch.ones(n) for n in hidden]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (m,) of points (m, n0)."""
        for layer in range(len(self.weights) - 1):
            x = torch.tanh(self.normalize(layer, self.preactivation(layer, x)))
        return torch.addmm(self.biases[-1], x, self.weights[-1].T).squeeze(-1)

    def preactivation(self, layer: int, x: Tensor) -> Tensor:
        """z of one hidden layer, (m, n)."""
        return torch.addmm(self.biases[layer], x, self.weights[layer].T)

    def normalize(self, layer: int, z: Tensor) -> Tensor:
        """What the tanh of one hidden layer is given for z (m, n)."""
        if not self.normalized:
            return z
        known = () if self.training else (self.means[layer], self.variances[layer])
        out, mean, variance = batch_norm(z, self.gammas[layer], self.betas[layer], *known)
        if self.training:
            self.means[layer] = MEMORY * self.means[layer] + (1 - MEMORY) * mean.detach()
            self.variances[layer] = MEMORY * self.variances[layer] + (1 - MEMORY) * variance.detach()
        return out
