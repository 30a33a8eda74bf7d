"""The networks that style and content are read from, cut after the last layer that is used: the bundled one, or VGG-19."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from engine.device import device
from engine.models import bundled, pretrained, texture

BUNDLED = "texture"
NAMES = {BUNDLED: "Atlas texture network (bundled)", "vgg19": pretrained.TITLES["vgg19"]}
IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Reader:
    """A network without gradients for its weights; ``taps`` are its layers by name, from shallow to deep.

    Names are those of VGG: relu2_1 is the first nonlinearity after the first pooling. ``mean`` and ``spread`` (3, 1, 1)
    bring a picture in [0, 1] to the network's input. ``style`` and ``content`` are the layers that are used unless told.
    """

    name: str
    title: str
    layers: nn.Sequential
    taps: dict[str, int]
    mean: Tensor
    spread: Tensor
    style: tuple[str, ...]
    content: str

    def read(self, picture: Tensor, names: Sequence[str]) -> list[Tensor]:
        """The activations (m, C, h, w) of these layers for pictures (m, 3, H, W) in [0, 1]; layers beyond them don't run."""
        found, last = {}, max(self.taps[name] for name in names)
        x = ((picture - self.mean) / self.spread).contiguous(memory_format=torch.channels_last)
        for index, layer in enumerate(self.layers[: last + 1]):
            x = layer(x)
            found[index] = x
        return [found[self.taps[name]] for name in names]


def _taps(layers: nn.Sequential) -> dict[str, int]:
    """The nonlinearities by the names of VGG."""
    block, number, taps = 1, 0, {}
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.ReLU):
            number += 1
            taps[f"relu{block}_{number}"] = index
        elif isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
            block, number = block + 1, 0
    return taps


def reader(
    name: str,
    title: str,
    layers: nn.Sequential,
    mean: Sequence[float],
    spread: Sequence[float],
    style: int,
    content: str,
) -> Reader:
    """A reader of any network of convolutions, nonlinearities and poolings; style is read from its first ``style`` blocks."""
    layers = layers.eval().requires_grad_(False).to(device())
    layers = layers.to(memory_format=torch.channels_last)
    taps = _taps(layers)
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # what is read must not be overwritten
    given = [torch.tensor(values, device=device()).view(3, 1, 1) for values in (mean, spread)]
    first = tuple(f"relu{block}_1" for block in range(1, style + 1))
    return Reader(name, title, layers, taps, given[0], given[1], first, content)


@cache
def textures() -> Reader:
    """The bundled network, its normalisations folded into its convolutions."""
    known = bundled.card(BUNDLED)
    network = texture.Texture(len(known.labels))
    network.load_state_dict(bundled.state(BUNDLED))
    old: list[nn.Module] = list(network.features.eval())
    layers: list[nn.Module] = []
    for layer, following in zip(old, [*old[1:], nn.Identity()], strict=True):
        if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            layers.append(fuse_conv_bn_eval(layer, following))
        elif not isinstance(layer, nn.BatchNorm2d):
            layers.append(layer)
    mean, spread = (texture.MEAN,) * 3, (texture.SPREAD,) * 3
    return reader(BUNDLED, known.title, nn.Sequential(*layers), mean, spread, 3, "relu3_2")


def vgg(layers: nn.Sequential) -> Reader:
    """The convolutions of a VGG-19, whole or its beginning."""
    deep = "relu4_2" if "relu4_2" in _taps(layers) else list(_taps(layers))[-1]
    blocks = sum(name.endswith("_1") for name in _taps(layers))
    return reader("vgg19", NAMES["vgg19"], layers, IMAGENET_MEAN, IMAGENET_SPREAD, blocks, deep)


@cache
def _pretrained() -> Reader:
    layers = pretrained.load("vgg19").network.get_submodule("features")
    assert isinstance(layers, nn.Sequential)
    return vgg(layers)


def bring(name: str) -> Generator[float, None, tuple[Reader, str]]:
    """Fetch a network, yielding the share that has arrived; returns it, or the bundled one and a sentence that says why."""
    if name == BUNDLED:
        return textures(), ""
    try:
        yield from pretrained.fetch(name)
        return _pretrained(), ""
    except pretrained.Unavailable as problem:
        return textures(), f"{problem} The bundled {textures().title} reads instead."
