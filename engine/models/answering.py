"""Any network that answers pictures, bundled or pretrained, behind one form; and how it is asked: crops, and in company."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from engine.device import device
from engine.functional.attribution import grad_cam
from engine.models import atlas20, bundled, pretrained

BUNDLED = "atlas20"
NAMES = {BUNDLED: "Atlas-20 (bundled)", **pretrained.TITLES}
Crops = Literal["centre", "five", "ten"]
BATCH = 16


@dataclass(frozen=True)
class Answerer:
    """A network with its labels; ``prepare`` is its weights' own preprocessing, from a picture to its input (3, side, side).

    ``look`` names the module whose maps Grad-CAM reads: the last that keeps places apart. ``size`` is its weights' bytes.
    """

    name: str
    title: str
    network: nn.Module
    prepare: Callable[[Image.Image], Tensor]
    labels: tuple[str, ...]
    look: nn.Module
    size: int


@cache
def atlas() -> Answerer:
    """The bundled network, which is always here."""
    from torchvision.transforms._presets import ImageClassification

    network = atlas20.Atlas20()
    network.load_state_dict(bundled.state(BUNDLED))
    prepare = ImageClassification(crop_size=atlas20.SIDE, resize_size=72, mean=(0.0,) * 3, std=(1.0,) * 3)
    size = sum(p.numel() * p.element_size() for p in network.state_dict().values())
    known = bundled.card(BUNDLED)
    return Answerer(BUNDLED, known.title, network.eval().to(device()), prepare, known.labels, network.blocks, size)


def answerer(name: str) -> Answerer:
    """A network by name, its weights fetched before; raises Unavailable if they aren't here."""
    if name == BUNDLED:
        return atlas()
    found = pretrained.load(name)
    network = found.network.to(device())
    return Answerer(name, found.title, network, found.prepare, found.labels, _last_maps(name, network), found.size)


def bring(name: str) -> Generator[float, None, tuple[Answerer, str]]:
    """Fetch a network, yielding the share that has arrived; returns it, or the bundled one and a sentence that says why."""
    try:
        if name != BUNDLED:
            yield from pretrained.fetch(name)
        return answerer(name), ""
    except pretrained.Unavailable as problem:
        return atlas(), f"{problem} The bundled {atlas().title} answers instead."


def _last_maps(name: str, network: nn.Module) -> nn.Module:
    path = "layer4" if name.startswith("resnet") else "features"
    return network.get_submodule(path)


def views(found: Answerer, pixels: np.ndarray, crops: Crops) -> Tensor:
    """The crops of one picture (h, w, 3) as the network's input (n, 3, side, side), with its own resizing and normalising.

    One from the middle, which is the weights' own preprocessing; or the four corners and the middle; or those, mirrored too
    (Krizhevsky et al. 2012, section 4.1).
    """
    from torchvision.transforms import v2

    picture = Image.fromarray(pixels)
    if crops == "centre":
        return found.prepare(picture)[None]
    given: Any = found.prepare
    cut = v2.functional.five_crop if crops == "five" else v2.functional.ten_crop
    parts = [v2.functional.pil_to_tensor(part) for part in cut(_resized(found, pixels), given.crop_size * 2)]
    return v2.functional.normalize(torch.stack(parts).float() / 255, given.mean, given.std)


def _resized(found: Answerer, pixels: np.ndarray) -> Image.Image:
    """A picture in the size that the network's crops are taken from."""
    from torchvision.transforms import v2

    given: Any = found.prepare
    image = Image.fromarray(pixels)
    resized: Image.Image = v2.functional.resize(
        image, given.resize_size, given.interpolation, antialias=given.antialias
    )
    return resized


@torch.inference_mode()
def ask(found: Answerer, pictures: Sequence[np.ndarray], crops: Crops) -> Tensor:
    """Probabilities (m, classes) of pictures (h, w, 3): the mean over each one's crops, which go through as one batch."""
    inputs = [views(found, pixels, crops) for pixels in pictures]
    together = torch.cat(inputs).to(device())
    answers = torch.cat([torch.softmax(found.network(part), 1) for part in torch.split(together, BATCH)])
    return answers.view(len(pictures), -1, answers.shape[1]).mean(1).cpu()


def looks(found: Answerer, pictures: Sequence[np.ndarray], classes: Tensor) -> Tensor:
    """Grad-CAM (m, k, h, w) of the middle crop of each picture, for its ``classes`` (m, k)."""
    inputs = torch.cat([views(found, pixels, "centre") for pixels in pictures])
    parts = zip(torch.split(inputs, BATCH), torch.split(classes, BATCH), strict=True)
    return torch.cat([grad_cam(found.network, found.look, x.to(device()), y.to(device()))[0].cpu() for x, y in parts])


def centre(found: Answerer, pixels: np.ndarray) -> np.ndarray:
    """The middle crop of a picture as a person sees it: (side, side, 3) uint8, what the network is shown."""
    from torchvision.transforms import v2

    given: Any = found.prepare
    return np.asarray(v2.functional.center_crop(_resized(found, pixels), given.crop_size))
