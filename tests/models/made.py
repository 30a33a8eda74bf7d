"""Torchvision's networks with made-up weights whose answers vary over the picture, as real ones' do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import get_model

from engine.data.samples import picture_sample

CLASSES = 6
SMALL = {"min_size": 96, "max_size": 160}
FEW = {"rpn_pre_nms_top_n_test": 200, "rpn_post_nms_top_n_test": 20}
SPREAD = 1.0
SCALES = tuple(f"classification_head.module_list.{i}.1" for i in range(6))
LAST = ("cls_logits", "cls_score", "mask_fcn_logits", "classifier.4", "low_classifier", "high_classifier", *SCALES)


def made(name: str, seed: int = 1, **more: Any) -> Any:
    """A network in evaluation mode: random weights, its normalization fitted to one picture, its logits spread out."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = get_model(name, weights=None, weights_backbone=None, **more).eval()
        photo = torch.from_numpy(picture_sample("photo-china").pixels[:300, :400].copy())
        x = photo.permute(2, 0, 1) / 255
        for _ in range(2):  # where proposals are looked at, they change with what makes them
            settled(network, [x] if hasattr(network, "transform") else x[None])
    return network


def settled(network: nn.Module, x: Any) -> None:
    """Fit the normalization to one picture, then stretch whatever last layer gives the logits of the classes."""
    held = [m.register_forward_pre_hook(fit) for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    network(x)
    for hook in held:
        hook.remove()
    last = [(m, Stretch()) for name, m in network.named_modules() if name.endswith(LAST)]
    last += [(m, Stretch(0.2, 0.0)) for name, m in network.named_modules() if name.endswith("bbox_pred")]
    held = [module.register_forward_hook(stretch) for module, stretch in last]
    network(x)
    for hook in held:
        hook.remove()


def fit(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
    """Take the mean and the variance of what comes in, where there is more than one place to take them of."""
    if given[0][:, 0].numel() > 1:
        norm.running_mean.copy_(given[0].mean((0, 2, 3)))
        norm.running_var.copy_(given[0].var((0, 2, 3)) + 1e-3)


class Stretch:
    """Scale a layer, the first time that it is used, so that its outputs have this spread and this mean."""

    def __init__(self, spread: float = SPREAD, mean: float = -1.0) -> None:
        self.spread, self.mean, self.done = spread, mean, False

    def __call__(self, module: Any, given: Any, out: Tensor) -> None:
        if not self.done:
            self.done = True
            factor = self.spread / max(float(out.std()), 1e-6)
            module.weight *= factor
            if module.bias is not None:
                module.bias.copy_(module.bias * factor + self.mean - float(out.mean()) * factor)
