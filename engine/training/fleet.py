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
from engine.functional.mlp import Parameters, cost


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
        self._layers, self._grads = (_cut(flat, self._shapes) for flat in (self.flat, self.grad))
        self._rooms: dict[int, _Room] = {}

    def unpack(self, flat: Tensor) -> Parameters:
        """[W1, b1, ..., WL, bL] as views of a vector laid out like ``flat``."""
        return [part for layer in _cut(flat, self._shapes) for part in (layer[..., :-1], layer[..., -1])]

    def spread(self, value: float | Tensor, weights_only: bool = False) -> float | Tensor:
        """A number of each network, (F,), laid out like ``flat``, with 0 for biases if ``weights_only``; one stays one."""
        if not isinstance(value, Tensor) and not weights_only:
            return value
        spread = torch.zeros_like(self.flat)
        for layer in _cut(spread, self._shapes):
            target = layer[..., :-1] if weights_only else layer
            target[...] = value[:, None, None] if isinstance(value, Tensor) else value
        return spread

    def cost(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean cross-entropy of every network, (...), on examples as for :meth:`gradient`."""
        return cost(self._logits(x).mT, y.squeeze(-2))

    def _logits(self, x: Tensor, masks: Sequence[Tensor] = ()) -> Tensor:
        """The last layer's z, (..., n_L, m), in its buffer; the hidden activations stay in theirs."""
        room, product, into = self._room(x.shape[-1]), self._product, self._activation.into
        a = x
        for layer, (W, z, inner, inputs, slope) in enumerate(room.forward):
            into(product(W, a, out=z), out=inner)
            if masks:
                # The slope is read from what the activation was before its mask, and meets the same mask.
                self._activation.slope(inner, out=slope).mul_(masks[layer])
                inner.mul_(masks[layer])
            a = inputs
        return product(self._layers[-1], a, out=room.last)

    def gradient(self, x: Tensor, y: Tensor, masks: Sequence[Tensor] = ()) -> None:
        """Forward and backward over one batch: sets ``grad``.

        x is (..., n0 + 1, m) with a last row of ones, y (..., 1, m); ``masks`` (..., n_l, m) multiply the hidden activations.
        """
        room, product = self._room(x.shape[-1]), self._product
        d = self._logits(x, masks)
        if not masks:
            self._activation.slope(room.activations, out=room.slopes)  # of all layers at once
        if d.shape[-2] == 1:
            d.sigmoid_().sub_(y).mul_(room.share)  # dJ/dz = (a - y) / m
        else:
            d.copy_(torch.softmax(d, -2)).scatter_add_(-2, y.long(), room.hit).mul_(room.share)
        for grad, inputs_T, W_T, below, slope in room.backward:
            product(d, inputs_T, out=grad)
            d = product(W_T, d, out=below).mul_(slope)
        product(d, x.mT, out=self._grads[0])

    def _room(self, m: int) -> _Room:
        """The buffers for m examples, made when first asked for."""
        return self._rooms.get(m) or self._furnish(m)

    def _furnish(self, m: int) -> _Room:
        errors = [self.flat.new_empty(*shape[:-1], m) for shape in self._shapes]
        sizes = [torch.Size((*self._lead, shape[-2] + 1, m)) for shape in self._shapes[:-1]]
        activations = self.flat.new_ones(sum(size.numel() for size in sizes))
        slopes = torch.empty_like(activations)
        inputs = _cut(activations, sizes)
        inner, steep = ([part[..., :-1, :] for part in _cut(flat, sizes)] for flat in (activations, slopes))
        # One network's activations are contiguous and hold z before; a fleet's would make its products slow.
        z = errors[:-1] if self._lead else inner
        forward = list(zip(self._layers[:-1], z, inner, inputs, steep, strict=True))
        W_T = [layer[..., :-1].mT for layer in self._layers[1:]]
        inputs_T = [part.mT for part in inputs]
        backward = list(zip(self._grads[1:], inputs_T, W_T, errors[:-1], steep, strict=True))[::-1]
        hit = self.flat.new_full((*self._lead, 1, m), -1)
        self._rooms[m] = _Room(forward, activations, errors[-1], hit, self.flat.new_tensor(1 / m), slopes, backward)
        return self._rooms[m]


class _Room(NamedTuple):
    """Buffers for m examples, and views of them and of the weights, since making a view costs as much as using it.

    ``forward``, for each hidden layer: W, a buffer (..., n, m) for z, the activations (..., n, m), the input that they make
    for the next layer, (..., n + 1, m) with its ones, and their slopes (..., n, m). ``activations`` and ``slopes`` are
    those of all layers in a vector, and ``last`` is the output's buffer. ``hit`` is -1 for each example, ``share`` 1 / m.
    ``backward``, from the last layer down to the second: its gradient, its input's transpose, W.T but for the biases, and
    for the layer below the buffer for dJ/dz and the slopes.
    """

    forward: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]
    activations: Tensor
    last: Tensor
    hit: Tensor
    share: Tensor
    slopes: Tensor
    backward: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]


def _cut(flat: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    """Views of these shapes, one after another, of a vector."""
    parts = torch.split(flat, [shape.numel() for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


def sizes_of(params: Parameters) -> list[int]:
    """The units of every layer, n0, n1, ..., nL."""
    return [params[0].shape[-1], *(b.shape[-1] for b in params[1::2])]


def count(sizes: Sequence[int]) -> int:
    """How many parameters layers of these sizes have, biases included."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
