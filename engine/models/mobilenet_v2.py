"""The bottleneck block of MobileNet v2: Sandler et al. 2018, table 1 and figure 3b."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """Expand by 1 x 1, filter each channel by 3 x 3, project by 1 x 1 without activation, and add the input.

    (m, channels, n, n) -> (m, channels, n / stride, n / stride). The input is added where ``residual`` is wanted and the
    stride is 1. With an expansion of 1 there is nothing to expand and the first step is left out.
    """

    def __init__(self, channels: int, expansion: int = 6, stride: int = 1, residual: bool = True) -> None:
        """Draw the weights as PyTorch does."""
        super().__init__()
        wide = channels * expansion
        expand = [nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
        self.steps = nn.Sequential(
            *(expand if expansion > 1 else []),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.residual = residual and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, in the same number of channels."""
        out: Tensor = self.steps(x)
        return x + out if self.residual else out


def drawn(channels: int, expansion: int, residual: bool, generator: torch.Generator) -> Bottleneck:
    """A block of stride 1 whose convolutions are drawn from one generator, with He's variance 2/n."""
    with torch.device("meta"):
        block = Bottleneck(channels, expansion, 1, residual)
    block.to_empty(device="cpu")
    with torch.no_grad():
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d):
                fan_in = layer.weight[0].numel()
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * (2 / fan_in) ** 0.5)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.reset_parameters()
    return block
