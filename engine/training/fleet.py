"""The inner loop of every training: networks of one shape, as many as wanted, as one batch of tensors changed in place.

On small networks an operation costs a few microseconds whatever it computes, so a step is as few operations as can be: a
layer's bias is the last column of its weights and meets a last row of ones in its input, all parameters lie in one vector
that is updated at once, and products are written into buffers made once. Examples are columns here, as in the course, which
keeps every buffer contiguous. The result is that of :mod:`engine.functional.mlp`, which says the same in the plainest form.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from engine.functional.activations import ACTIVATIONS
from engine.functional.mlp import Parameters, cost, output_error


class Fleet:
    """Networks of one shape. Their parameters W (..., n_out, n_in), b (..., n_out) have one leading dimension, or none.

    Attributes:
        flat: Every parameter, (P,): layer by layer, all networks' W with b as its last column, so each layer is contiguous.
        grad: The gradient of the last call of :meth:`gradient`, (P,).
    """

    def __init__(self, start: Parameters, activation: str) -> None:
        """Copy the start, [W1, b1, ..., WL, bL], into one vector."""
        self._activation = ACTIVATIONS[activation]
        self._lead = start[0].shape[:-2]
        self._product = torch.bmm if self._lead else torch.mm
        layers = [torch.cat([W, b.unsqueeze(-1)], -1) for W, b in zip(start[::2], start[1::2], strict=True)]
        self._shapes = [layer.shape for layer in layers]
        self.flat = torch.cat([layer.flatten() for layer in layers])
        self.grad = torch.zeros_like(self.flat)
        self._layers, self._slopes = self._views(self.flat), self._views(self.grad)
        self._rooms: dict[int, _Room] = {}

    def _views(self, flat: Tensor) -> list[Tensor]:
        """Each layer's (..., n_out, n_in + 1) inside a flat vector."""
        parts = torch.split(flat, [shape.numel() for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def unpack(self, flat: Tensor) -> Parameters:
        """[W1, b1, ..., WL, bL] as views of a vector laid out like ``flat``."""
        return [part for layer in self._views(flat) for part in (layer[..., :-1], layer[..., -1])]

    def spread(self, value: float | Tensor, weights_only: bool = False) -> float | Tensor:
        """A number of each network, (F,), laid out like ``flat``, with 0 for biases if ``weights_only``; one stays one."""
        if not isinstance(value, Tensor) and not weights_only:
            return value
        spread = torch.zeros_like(self.flat)
        for layer in self._views(spread):
            target = layer[..., :-1] if weights_only else layer
            target.copy_(value[:, None, None] if isinstance(value, Tensor) else torch.tensor(value))
        return spread

    def cost(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean cross-entropy of every network, (...), on examples as for :meth:`gradient`."""
        return cost(self._logits(x).mT, y.squeeze(-2))

    def _logits(self, x: Tensor, masks: Sequence[Tensor] = ()) -> Tensor:
        """The last layer's z, (..., n_L, m), in its buffer; the hidden activations stay in theirs."""
        room, product, into = self._room(x.shape[-1]), self._product, self._activation.into
        a = x
        for layer, (W, z, inner, inputs) in enumerate(room.forward):
            product(W, a, out=z)
            into(z, out=inner)
            if masks:
                inner.mul_(masks[layer])
            a = inputs
        return product(self._layers[-1], a, out=room.last)

    def gradient(self, x: Tensor, y: Tensor, masks: Sequence[Tensor] = ()) -> None:
        """Forward and backward over one batch: sets ``grad``.

        x is (..., n0 + 1, m) with a last row of ones, y (..., 1, m); ``masks`` (..., n_l, m) multiply the hidden activations.
        """
        room, product, backprop = self._room(x.shape[-1]), self._product, self._activation.backprop
        d = self._logits(x, masks)
        if d.shape[-2] == 1:
            d.sigmoid_().sub_(y).mul_(room.share)
        else:
            d.copy_(output_error(d.mT, y.squeeze(-2)).mT)
        for layer, W_T, inner, inputs_T, below in room.backward:
            product(d, inputs_T, out=self._slopes[layer])
            d = product(W_T, d, out=below)
            if masks:
                mask = masks[layer - 1]
                d.mul_(mask)
                # A kept activation was multiplied by its mask; its slope is read from what it was before.
                inner = torch.where(mask > 0, inner / mask, 0)
            backprop(d, inner)
        product(d, x.mT, out=self._slopes[0])

    def _room(self, m: int) -> _Room:
        """The buffers for m examples, made when first asked for."""
        return self._rooms.get(m) or self._furnish(m)

    def _furnish(self, m: int) -> _Room:
        rows = [shape[-2] for shape in self._shapes]
        errors = [self.flat.new_empty(*self._lead, n, m) for n in rows]
        inputs = [self.flat.new_ones(*self._lead, n + 1, m) for n in rows[:-1]]
        inner = [a[..., :-1, :] for a in inputs]
        forward = list(zip(self._layers[:-1], errors[:-1], inner, inputs, strict=True))
        backward = [
            (layer, self._layers[layer][..., :-1].mT, inner[layer - 1], inputs[layer - 1].mT, errors[layer - 1])
            for layer in range(len(rows) - 1, 0, -1)
        ]
        share = torch.tensor(1 / m, dtype=self.flat.dtype, device=self.flat.device)
        self._rooms[m] = _Room(forward, errors[-1], share, backward)
        return self._rooms[m]


class _Room(NamedTuple):
    """Buffers for m examples, and views of them and of the weights, since making a view costs as much as using it.

    ``forward``, for each hidden layer: W, a buffer (..., n, m) for z and later for dJ/dz, the activations (..., n, m), and
    the input they make for the next layer, (..., n + 1, m) with its ones. ``last`` is the output's buffer, ``share`` 1 / m.
    ``backward``, from the last layer down to the second: its number, W.T but for the biases, the activations that it was
    given, its whole input's transpose, and the buffer for dJ/dz of the layer below.
    """

    forward: list[tuple[Tensor, Tensor, Tensor, Tensor]]
    last: Tensor
    share: Tensor
    backward: list[tuple[int, Tensor, Tensor, Tensor, Tensor]]


def sizes_of(params: Parameters) -> list[int]:
    """The units of every layer, n0, n1, ..., nL."""
    return [params[0].shape[-1], *(b.shape[-1] for b in params[1::2])]


def count(sizes: Sequence[int]) -> int:
    """How many parameters layers of these sizes have, biases included."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
