"""Plain and residual convolutional networks of any depth for small pictures, several trained side by side as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, cross_entropy, max_pool2d, pad, relu

Shortcut = Literal["projection", "padding"]
CLASSES = 10


class Convolution(nn.Module):
    """A convolution of every member of a fleet, then its batch normalization, or its bias where there is none.

    Channels of the members lie one after another, (m, F c, h, w): a grouped convolution keeps them apart.
    """

    def __init__(self, fleet: int, c_in: int, c_out: int, f: int, stride: int, normalized: bool) -> None:
        """Make room for the weights; :meth:`draw` fills it."""
        super().__init__()
        self.fleet, self.stride, self.padding = fleet, stride, f // 2
        self.weight = nn.Parameter(torch.empty(fleet * c_out, c_in, f, f))
        self.bias = None if normalized else nn.Parameter(torch.zeros(fleet * c_out))
        self.norm = nn.BatchNorm2d(fleet * c_out) if normalized else None

    def draw(self, member: int, generator: torch.Generator, scale: float = 1.0) -> None:
        """He's start for one member; its output begins ``scale`` times as large."""
        weight = self.weight.data.view(self.fleet, -1, *self.weight.shape[1:])[member]
        weight.copy_(torch.randn(weight.shape, generator=generator) * math.sqrt(2 / weight[0].numel()))
        if self.norm is not None:
            self.norm.weight.data.view(self.fleet, -1)[member] = scale
        else:
            weight.mul_(scale)

    def forward(self, x: Tensor) -> Tensor:
        """(m, F c_in, h, w) to (m, F c_out, h / stride, w / stride)."""
        z = conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=self.fleet)
        return z if self.norm is None else self.norm(z)


class Block(nn.Module):
    """Two convolutions and the way around them: a[l+2] = g(z[l+2] + gate * skip(a[l])). He et al. 2016, section 3.

    An identity block keeps its shape and skips with a[l] itself. Where channels double the picture halves, and a 1 x 1
    projection Ws or zeros give a[l] the new shape. ``gate``, (F,), is 1 for residual members and 0 for plain ones.
    """

    def __init__(self, gate: Tensor, c_in: int, c_out: int, normalized: bool, shortcut: Shortcut) -> None:
        """An identity block if c_in is c_out, else one of the other kind."""
        super().__init__()
        fleet, stride = len(gate), c_out // c_in
        self.c_in, self.c_out, self.stride = c_in, c_out, stride
        self.first = Convolution(fleet, c_in, c_out, 3, stride, normalized)
        self.second = Convolution(fleet, c_out, c_out, 3, 1, normalized)
        projects = stride > 1 and shortcut == "projection"
        self.projection = Convolution(fleet, c_in, c_out, 1, stride, normalized) if projects else None
        self.gate: Tensor
        self.register_buffer("gate", gate.repeat_interleave(c_out)[:, None, None])

    def branch(self, x: Tensor) -> Tensor:
        """z[l+2], what the two convolutions make of a[l]."""
        z: Tensor = self.second(relu(self.first(x)))
        return z

    def skip(self, x: Tensor) -> Tensor:
        """a[l] in the shape of z[l+2]."""
        if self.projection is not None:
            projected: Tensor = self.projection(x)
            return projected
        if self.stride == 1:
            return x
        members = torch.unflatten(x[:, :, :: self.stride, :: self.stride], 1, (-1, self.c_in))
        return pad(members, (0, 0, 0, 0, 0, self.c_out - self.c_in)).flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(m, F c_in, h, w) to (m, F c_out, h / stride, w / stride)."""
        return relu(torch.addcmul(self.branch(x), self.gate, self.skip(x)))


class Networks(nn.Module):
    """A fleet of networks of one depth: a convolution, blocks of two, and a dense layer, ``depth`` layers with weights.

    The first half of the blocks has ``width`` channels on 4 x 4, the second twice as many on 2 x 2. Members differ in
    their ``gates``, 1 for residual and 0 for plain, and in what their generator draws; nothing passes between them.
    """

    def __init__(
        self,
        depth: int,
        gates: Sequence[float],
        generators: Sequence[torch.Generator],
        width: int = 8,
        normalized: bool = True,
        shortcut: Shortcut = "projection",
        branch_scale: float = 1.0,
    ) -> None:
        """Draw each member's weights from its own generator; a residual member's branches begin ``branch_scale`` as large."""
        super().__init__()
        fleet, count = len(gates), (depth - 2) // 2
        channels = [width] * (count - count // 2) + [2 * width] * (count // 2)
        self.fleet, self.width = fleet, width
        self.stem = Convolution(fleet, 1, width, 3, 1, normalized)
        gate = torch.tensor(gates)
        pairs = zip([width, *channels], channels, strict=False)
        self.chain = [Block(gate, c_in, c_out, normalized, shortcut) for c_in, c_out in pairs]
        self.blocks = nn.ModuleList(self.chain)
        last = channels[-1] if channels else width
        self.dense = nn.Parameter(torch.empty(fleet, last, CLASSES))
        self.offset = nn.Parameter(torch.zeros(fleet, 1, CLASSES))
        for member, generator in enumerate(generators):
            self._draw(member, generator, branch_scale if gates[member] else 1.0)

    def _draw(self, member: int, generator: torch.Generator, scale: float) -> None:
        self.stem.draw(member, generator)
        for block in self.chain:
            block.first.draw(member, generator)
            block.second.draw(member, generator, scale)
            if block.projection is not None:
                block.projection.draw(member, generator)
        dense = self.dense.data[member]
        dense.copy_(torch.randn(dense.shape, generator=generator) / math.sqrt(len(dense)))

    def entered(self, x: Tensor) -> Tensor:
        """Pictures (m, 1, 8, 8) after the first convolution and a pool, (m, F width, 4, 4)."""
        return max_pool2d(relu(self.stem(x.repeat(1, self.fleet, 1, 1))), 2)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (F, m, 10) of pictures (m, 1, 8, 8)."""
        a = self.entered(x)
        for block in self.chain:
            a = block(a)
        features = torch.unflatten(avg_pool2d(a, a.shape[-1]).flatten(1), 1, (self.fleet, -1)).transpose(
            0, 1
        )  # (F, m, c)
        return torch.baddbmm(self.offset, features, self.dense)

    def costs(self, x: Tensor, y: Tensor) -> Tensor:
        """The cross-entropy of every member, (F,), on pictures (m, 1, 8, 8) of classes y (m,)."""
        z = self(x)
        flat = cross_entropy(z.flatten(0, 1), y.repeat(self.fleet), reduction="none")
        return flat.view(self.fleet, -1).mean(1)

    def gradient_norms(self) -> Tensor:
        """The norm of the gradient by each layer's weights on the main path, the dense one last: (layers, F)."""
        layers = [self.stem, *(layer for block in self.chain for layer in (block.first, block.second))]
        grads = [layer.weight.grad for layer in layers] + [self.dense.grad]
        return torch.stack([g.reshape(self.fleet, -1).norm(dim=1) for g in grads if g is not None])
