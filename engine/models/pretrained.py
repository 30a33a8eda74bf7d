"""Networks trained by others, on ImageNet and COCO, through torchvision's weights: fetched once, hash checked, then kept.

The files lie where torchvision itself keeps them, so whatever has been fetched by either serves both. Where a school has no
way out, DEEP_ATLAS_WEIGHTS names a server of its own that holds the same files.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import urlopen

from engine.errors import AtlasError, BadInput

if TYPE_CHECKING:
    from torch import Tensor, nn

# Of each network the member of torchvision's weights; names and titles as its documentation has them.
WEIGHTS = {
    "squeezenet1_0": "IMAGENET1K_V1",
    "squeezenet1_1": "IMAGENET1K_V1",
    "mobilenet_v2": "IMAGENET1K_V1",
    "mobilenet_v3_small": "IMAGENET1K_V1",
    "resnet18": "IMAGENET1K_V1",
    "resnet50": "IMAGENET1K_V2",
    "efficientnet_b0": "IMAGENET1K_V1",
    "alexnet": "IMAGENET1K_V1",
    "vgg16": "IMAGENET1K_V1",
    "vgg19": "IMAGENET1K_V1",
}
DETECTORS = {
    "ssdlite320_mobilenet_v3_large": "COCO_V1",
    "fasterrcnn_mobilenet_v3_large_320_fpn": "COCO_V1",
    "fasterrcnn_resnet50_fpn_v2": "COCO_V1",
    "retinanet_resnet50_fpn_v2": "COCO_V1",
    "fcos_resnet50_fpn": "COCO_V1",
    "maskrcnn_resnet50_fpn_v2": "COCO_V1",
}
SEGMENTERS = {
    "lraspp_mobilenet_v3_large": "COCO_WITH_VOC_LABELS_V1",
    "deeplabv3_mobilenet_v3_large": "COCO_WITH_VOC_LABELS_V1",
    "deeplabv3_resnet50": "COCO_WITH_VOC_LABELS_V1",
}
MEMBERS = {**WEIGHTS, **DETECTORS, **SEGMENTERS}
TITLES = {
    "squeezenet1_0": "SqueezeNet 1.0",
    "squeezenet1_1": "SqueezeNet 1.1",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "MobileNetV3 small",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "efficientnet_b0": "EfficientNet-B0",
    "alexnet": "AlexNet",
    "vgg16": "VGG-16",
    "vgg19": "VGG-19",
    "ssdlite320_mobilenet_v3_large": "SSDlite MobileNetV3",
    "fasterrcnn_mobilenet_v3_large_320_fpn": "Faster R-CNN MobileNetV3",
    "fasterrcnn_resnet50_fpn_v2": "Faster R-CNN ResNet-50",
    "retinanet_resnet50_fpn_v2": "RetinaNet ResNet-50",
    "fcos_resnet50_fpn": "FCOS ResNet-50",
    "maskrcnn_resnet50_fpn_v2": "Mask R-CNN ResNet-50",
    "lraspp_mobilenet_v3_large": "LR-ASPP MobileNetV3",
    "deeplabv3_mobilenet_v3_large": "DeepLabV3 MobileNetV3",
    "deeplabv3_resnet50": "DeepLabV3 ResNet-50",
}
CHUNK = 1 << 18
PATIENCE_SECONDS = 10
# A download that failed isn't tried again at once: every moved slider would wait for it.
PAUSE_SECONDS = 60
MOST_MEMORY = 700_000_000


class Unavailable(AtlasError):
    """A network's weights can't be had; the sentence says why."""


@dataclass(frozen=True)
class Pretrained:
    """A network ready to answer.

    ``prepare`` is the preprocessing that its weights were trained with: a picture, of Pillow or as a tensor, to its input.
    ``size`` is the bytes of its weights.
    """

    name: str
    title: str
    network: nn.Module
    prepare: Callable[[Any], Tensor]
    labels: tuple[str, ...]
    size: int


def weights(name: str) -> Any:
    """Torchvision's weights of a network: address, preprocessing and labels; BadInput if it isn't one of ours."""
    if name not in MEMBERS:
        raise BadInput(f"A pretrained network must be one of {', '.join(MEMBERS)}, got {name[:60]!r}.")
    from torchvision.models import get_model_weights

    return get_model_weights(name)[MEMBERS[name]]


def address(name: str) -> str:
    """Where the file comes from."""
    official: str = weights(name).url
    mirror = os.environ.get("DEEP_ATLAS_WEIGHTS")
    return f"{mirror.rstrip('/')}/{Path(urlparse(official).path).name}" if mirror else official


def place(name: str) -> Path:
    """Where the file lies, once it is here: torchvision's own cache."""
    from torch import hub

    return Path(hub.get_dir()) / "checkpoints" / Path(urlparse(weights(name).url).path).name


_failed: dict[str, tuple[float, str]] = {}


def fetch(name: str) -> Generator[float]:
    """Bring a network's file here, yielding the share that has arrived; nothing happens if it is here already.

    Raises:
        Unavailable: There is no way to it, it broke off, its hash is wrong, or it can't be kept.
    """
    if place(name).exists():
        return
    when, why = _failed.get(name, (-PAUSE_SECONDS, ""))
    if time.monotonic() - when < PAUSE_SECONDS:
        raise Unavailable(why)
    try:
        yield from _download(address(name), place(name))
    except (OSError, URLError, ValueError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        why = f"The weights of {TITLES[name]} can't be had here ({reason})."
        _failed[name] = (time.monotonic(), why)
        raise Unavailable(why) from error


def _download(source: str, target: Path) -> Generator[float]:
    """Into a file beside the target, which becomes the target only when it is whole and its hash is right."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Torchvision writes the beginning of the hash into the name: resnet18-f37072fd.pth.
    wanted = target.stem.rpartition("-")[2]
    taken, found = 0, hashlib.sha256()
    with (
        urlopen(source, timeout=PATIENCE_SECONDS) as answer,
        tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as part,
    ):
        try:
            whole = int(answer.headers.get("Content-Length") or 0)
            while data := answer.read(CHUNK):
                part.write(data)
                found.update(data)
                taken += len(data)
                yield taken / whole if whole else 0.0
            part.close()
            if taken < whole:
                raise OSError(f"the connection broke after {taken:,} of {whole:,} bytes")
            if not found.hexdigest().startswith(wanted):
                raise OSError(f"the file's hash must begin with {wanted}, got {found.hexdigest()[:8]}")
            Path(part.name).replace(target)
        finally:
            part.close()
            Path(part.name).unlink(missing_ok=True)


_loaded: OrderedDict[str, Pretrained] = OrderedDict()


def load(name: str) -> Pretrained:
    """A fetched network, ready to answer; the ones used longest ago make room for it in memory.

    Raises:
        Unavailable: Its file is not here, or isn't what it should be.
    """
    if name in _loaded:
        _loaded.move_to_end(name)
        return _loaded[name]
    import torch

    member, file = weights(name), place(name)
    if not file.exists():
        raise Unavailable(f"The weights of {TITLES[name]} are not here yet.")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        network = _bare(name)
        left = network.load_state_dict(state, strict=False, assign=True)
        # A detector's file was saved with frozen normalization, which counts no batches and needs none to answer.
        if left.unexpected_keys or not all(key.endswith("num_batches_tracked") for key in left.missing_keys):
            raise ValueError(left)
    except Exception as error:  # unpickling a damaged file raises anything
        raise Unavailable(
            f"The file {file.name} must hold the weights of {TITLES[name]}, got a damaged one: delete it."
        ) from error
    size = sum(p.numel() * p.element_size() for p in network.state_dict().values())
    while _loaded and size + sum(held.size for held in _loaded.values()) > MOST_MEMORY:
        _loaded.popitem(last=False)
    labels = tuple(member.meta["categories"])
    _loaded[name] = Pretrained(name, TITLES[name], network.eval(), member.transforms(), labels, size)
    return _loaded[name]


def _bare(name: str) -> nn.Module:
    """A network without weights, formed as the file of its weights expects it."""
    import torch
    from torchvision.models import get_model

    if name in DETECTORS:
        # Their anchors are made with them, so they need a real device, and a random start that nobody keeps.
        with torch.random.fork_rng(devices=[]):
            return get_model(name, weights=None, weights_backbone=None)
    more: dict[str, Any] = {"weights_backbone": None} if name in SEGMENTERS else {}
    more |= {"aux_loss": True} if name.startswith("deeplab") else {}
    more |= {"init_weights": False} if name.startswith("vgg") else {}
    with torch.device("meta"):
        return get_model(name, weights=None, **more)
