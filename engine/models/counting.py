"""Layers of a network counted on PyTorch's meta device, where tensors have shapes and no numbers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count as numbers
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import BadInput
from engine.models.alexnet import AlexNet
from engine.models.mobilenet_v1 import MobileNetV1

FLOAT_BYTES = 4
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh)

# Name to title; the first three are written here, the others are torchvision's.
NETWORKS = {
    "alexnet_paper": "AlexNet on two GPUs", "alexnet_one": "AlexNet on one GPU", "mobilenet_v1": "MobileNet v1",
    "alexnet": "AlexNet of torchvision", "vgg16": "VGG-16", "vgg19": "VGG-19", "resnet18": "ResNet-18",
    "resnet50": "ResNet-50", "googlenet": "GoogLeNet", "inception_v3": "Inception v3", "squeezenet1_1": "SqueezeNet 1.1",
    "mobilenet_v2": "MobileNet v2", "mobilenet_v3_small": "MobileNet v3 small",
    "mobilenet_v3_large": "MobileNet v3 large", "efficientnet_b0": "EfficientNet-B0", "efficientnet_b1": "EfficientNet-B1",
    "efficientnet_b2": "EfficientNet-B2", "efficientnet_b3": "EfficientNet-B3", "efficientnet_b4": "EfficientNet-B4",
    "efficientnet_b5": "EfficientNet-B5", "efficientnet_b6": "EfficientNet-B6", "efficientnet_b7": "EfficientNet-B7",
}  # fmt: skip
OWN: dict[str, Callable[[], nn.Module]] = {
    "alexnet_paper": partial(AlexNet, gpus=2),
    "alexnet_one": partial(AlexNet, gpus=1),
    "mobilenet_v1": MobileNetV1,
}
# The input each was published with where it isn't 224 pixels.
SIDES = {
    "alexnet_paper": 227, "alexnet_one": 227, "inception_v3": 299, "efficientnet_b1": 240, "efficientnet_b2": 260,
    "efficientnet_b3": 300, "efficientnet_b4": 380, "efficientnet_b5": 456, "efficientnet_b6": 528,
    "efficientnet_b7": 600,
}  # fmt: skip
USUAL_SIDE = 224


@dataclass(frozen=True)
class Layer:
    """One pass through one layer, for one input.

    ``name`` is the module's path, ``kind`` one of conv, depthwise, dense, pool, norm, activation and other. ``inputs`` and
    ``shape`` are (channels, height, width), or (units,) behind the last map. ``kernel``, ``stride`` and ``padding`` are 0
    where a layer slides no window. ``memory`` is what its output takes in bytes, nothing where it overwrites its input.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    parameters: int
    multiplications: int
    memory: int
    kernel: tuple[int, int] = (0, 0)
    stride: int = 0
    padding: int = 0
    groups: int = 1

    @property
    def side(self) -> int:
        """Pixels along one side of the output; 1 behind the last map."""
        return self.shape[1] if len(self.shape) == 3 else 1


def count(model: nn.Module, shape: Sequence[int], training: bool = False) -> tuple[Layer, ...]:
    """The layers of a network for one input of this shape (channels, height, width), in the order they are passed.

    Only modules make rows: an addition or a concatenation between them has no weight and is left out. Multiplications are
    those of convolutions and dense layers. A module passed twice makes two rows, the second without parameters.
    """
    model = model if all(p.is_meta for p in model.parameters()) else copy.deepcopy(model).to("meta")
    rows: list[Layer] = []
    seen: set[nn.Module] = set()

    def note(name: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        rows.append(_row(name, module, inputs[0], output, module not in seen))
        seen.add(module)

    hooks = [m.register_forward_hook(partial(note, name)) for name, m in model.named_modules() if _is_layer(m)]
    even = [m for m in model.modules() if isinstance(m, NORMS + ACTIVATIONS)]
    was = model.training
    try:
        for module in even:
            # What keeps the shape says so itself: PyTorch would load its compiler to tell.
            vars(module)["forward"] = nn.Identity() if getattr(module, "inplace", False) else torch.empty_like
        with torch.no_grad():
            model.train(training)(torch.empty(1, *shape, device="meta"))
    finally:
        model.train(was)
        for hook in hooks:
            hook.remove()
        for module in even:
            del vars(module)["forward"]
    return tuple(rows)


def _is_layer(module: nn.Module) -> bool:
    return not any(True for _ in module.children()) or any(True for _ in module.parameters(recurse=False))


def _row(name: str, module: nn.Module, x: Tensor, output: Any, first: bool) -> Layer:
    parameters = sum(p.numel() for p in module.parameters(recurse=False)) if first else 0
    kept = x.untyped_storage()._cdata == output.untyped_storage()._cdata  # overwritten, reshaped or passed on
    memory = 0 if kept else output[0].numel() * FLOAT_BYTES
    shapes = tuple(x.shape[1:]), tuple(output.shape[1:])
    return Layer(name, _kind(module), *shapes, parameters, multiplications(module, output), memory, **_window(module))


def multiplications(module: nn.Module, output: Tensor) -> int:
    """Products that a layer forms for one input: for each number of its output one a weight of that number's window."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return output[0].numel() * module.in_channels // module.groups * math.prod(module.kernel_size)
    return output[0].numel() * module.in_features if isinstance(module, nn.Linear) else 0


def _kind(module: nn.Module) -> str:
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return "depthwise" if 1 < module.groups == module.in_channels else "conv"
    kinds: dict[str, tuple[type[nn.Module], ...]] = {
        "dense": (nn.Linear,),
        "pool": (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
        "norm": NORMS,
        "activation": ACTIVATIONS,
    }
    return next((kind for kind, types in kinds.items() if isinstance(module, types)), "other")


def _window(module: nn.Module) -> dict[str, Any]:
    """Kernel, stride and padding of a layer that slides a window; height before width where they differ."""
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return {}
    kernel, stride, padding = (_pair(x) for x in (module.kernel_size, module.stride, module.padding))
    return {"kernel": kernel, "stride": stride[0], "padding": padding[0], "groups": getattr(module, "groups", 1)}


def _pair(x: Any) -> tuple[int, int]:
    return (int(x), int(x)) if isinstance(x, int) else (int(x[0]), int(x[1]))


def build(name: str) -> nn.Module:
    """A network of :data:`NETWORKS` on the meta device, GoogLeNet and Inception v3 with their auxiliary heads."""
    if name not in NETWORKS:
        raise BadInput(f"The network must be one of {', '.join(NETWORKS)}, got {name[:60]!r}.")
    with torch.device("meta"):
        if name in OWN:
            return OWN[name]()
        from torchvision import models

        heads = {"aux_logits": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
        network: nn.Module = models.get_model(name, weights=None, **heads)
        return network


@lru_cache(maxsize=256)
def layers(name: str, side: int = 0, training: bool = False) -> tuple[Layer, ...]:
    """The layers of a network of :data:`NETWORKS` for a picture of this side, or of the side it was published with."""
    side = side or SIDES.get(name, USUAL_SIDE)
    return count(build(name), (3, side, side), training)


def numbered(rows: Sequence[Layer]) -> list[str]:
    """A short name for each layer: its kind and how manieth of its kind it is, such as conv 3."""
    counters = {row.kind: numbers(1) for row in rows}
    return [f"{row.kind} {next(counters[row.kind])}" for row in rows]
