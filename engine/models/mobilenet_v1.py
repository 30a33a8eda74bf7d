"""MobileNet v1: Howard et al. 2017, table 1."""

from __future__ import annotations

from torch import Tensor, nn

# Filters and stride of the 13 depthwise-separable layers.
LAYERS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def separable(channels: int, filters: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """A convolution in two: one kernel a channel, then 1 x 1 across channels; normalization and ReLU after each."""
    return nn.Sequential(
        *_normalized(nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)),
        *_normalized(nn.Conv2d(channels, filters, 1, bias=False)),
    )


def _normalized(conv: nn.Conv2d) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU(inplace=True)


class MobileNetV1(nn.Module):
    """A convolution, 13 depthwise-separable ones and a dense layer for pictures (m, 3, 224, 224), logits (m, 1000)."""

    def __init__(self, classes: int = 1000) -> None:
        """Draw the weights as PyTorch does."""
        super().__init__()
        inputs = (32, *(filters for filters, _ in LAYERS))
        blocks = [separable(channels, *layer) for channels, layer in zip(inputs, LAYERS, strict=False)]
        self.features = nn.Sequential(*_normalized(nn.Conv2d(3, 32, 3, 2, 1, bias=False)), *blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (m, classes) of pictures (m, 3, h, w)."""
        logits: Tensor = self.classifier(self.pool(self.features(x)).flatten(1))
        return logits
