"""AlexNet as published: Krizhevsky, Sutskever and Hinton 2012, section 3.5."""

from __future__ import annotations

from torch import Tensor, nn


class AlexNet(nn.Module):
    """Five convolutions and three dense layers for pictures (m, 3, 227, 227), giving logits (m, 1000).

    With ``gpus`` = 2 the second, fourth and fifth convolution see only the half of the maps that lies on their own GPU;
    with 1 they see all, as courses draw it. The paper says 224, which fits its first layer only with padding. Its local
    response normalization, which has no weights and was soon given up, is left out.
    """

    def __init__(self, gpus: int = 2, classes: int = 1000) -> None:
        """Draw the weights as PyTorch does."""
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=gpus), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, 3, padding=1, groups=gpus), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1, groups=gpus), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.pool = nn.AdaptiveAvgPool2d(6)  # nothing at 227 pixels; lets pictures of other sizes in
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Logits (m, classes) of pictures (m, 3, h, w)."""
        logits: Tensor = self.classifier(self.pool(self.features(x)))
        return logits
