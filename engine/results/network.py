"""A network as a drawing: its units, its weights, and what its first layer looks for in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from engine.data.planar import Examples
from engine.functional import mlp
from engine.functional.activations import sigmoid, softmax
from engine.functional.mlp import Parameters
from engine.results import Array
from engine.results.curves import LayerSpread, layer_spread
from engine.training.fleet import count

MOST_UNITS = 8
MOST_PICTURES = 25
MOST_EXAMPLES = 200


@dataclass(frozen=True)
class NetworkSketch:
    """``sizes`` n0, ..., nL; ``units`` holds which of a layer's are drawn, counted from 0; ``weights`` W between drawn units.

    Each of ``weights`` is (drawn of layer l, drawn of layer l - 1), as a share of the largest of its whole layer.
    """

    sizes: tuple[int, ...]
    units: tuple[Array, ...]
    weights: tuple[Array, ...]


@dataclass(frozen=True)
class WeightPictures:
    """Rows of W as pictures: ``unit`` (k,) counts from 1; ``weights`` (k, h, w, channels) as a share of each row's largest."""

    unit: Array
    weights: Array


@dataclass(frozen=True)
class NetworkSpreads:
    """How each layer's weights W, activations A and gradients dJ/dW are spread, the first layer first."""

    weights: LayerSpread
    activations: LayerSpread
    gradients: LayerSpread


def sketch(params: Parameters) -> NetworkSketch:
    """The network as it is drawn: of a wide layer only the first and the last few units."""
    matrices = params[::2]
    sizes = (matrices[0].shape[-1], *(W.shape[-2] for W in matrices))
    units = [_drawn(n) for n in sizes]
    weights = [
        (W / W.abs().max().clamp(min=1e-12))[above][:, below].numpy(force=True)
        for W, below, above in zip(matrices, units, units[1:], strict=False)
    ]
    return NetworkSketch(sizes, tuple(u.numpy() for u in units), tuple(weights))


def _drawn(n: int) -> Tensor:
    """The numbers of the units that are drawn out of n."""
    every = torch.arange(n)
    return every if n <= MOST_UNITS else torch.cat([every[: MOST_UNITS // 2], every[-MOST_UNITS // 2 :]])


def weight_pictures(W: Tensor, shape: Sequence[int]) -> WeightPictures:
    """The rows of a first layer's W (n, h * w * channels) as pictures; of many only those with the largest norm."""
    unit = W.norm(dim=1).topk(min(MOST_PICTURES, len(W))).indices.sort().values
    chosen = W[unit]
    chosen = chosen / chosen.abs().amax(1, keepdim=True).clamp(min=1e-12)
    return WeightPictures((unit + 1).numpy(force=True), chosen.reshape(-1, *shape).numpy(force=True))


def layer_spreads(params: Parameters, examples: Examples, activation: str) -> NetworkSpreads:
    """The spreads in every layer on the first few hundred examples x (m, n), y (m,)."""
    x, y = (part[:MOST_EXAMPLES] for part in examples)
    cache = mlp.forward(params, x, activation)
    output = (sigmoid if cache[-1].shape[-1] == 1 else softmax)(cache[-1])
    grads = mlp.backward(params, cache, y, activation)
    parts = (params[::2], [*cache[1:-1], output], grads[::2])
    return NetworkSpreads(*(layer_spread(part) for part in parts))


def layer_table(sizes: Sequence[int], activation: str, m: int) -> dict[str, list[Any]]:
    """A row for each layer: its units, the shapes of W, b and A in the course's order, and how many parameters it has."""
    pairs = list(pairwise(sizes))
    last = "sigmoid" if sizes[-1] == 1 else "softmax"
    return {
        "Layer": list(range(1, len(sizes))),
        "Units": list(sizes[1:]),
        "Activation": [*[activation.replace("_", " ")] * (len(pairs) - 1), last],
        "W": [f"({n_out}, {n_in})" for n_in, n_out in pairs],
        "b": [f"({n_out}, 1)" for n_out in sizes[1:]],
        "Z and A": [f"({n_out}, {m})" for n_out in sizes[1:]],
        "Parameters": [count(pair) for pair in pairs],
    }
