"""Drawn people and their encodings, some more at a time, so that what is measured on them can be shown as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.data.faces import draw_faces

FIRST, BATCH = 24, 48


class Crowd(NamedTuple):
    """m faces: ``pictures`` (m, 64, 64, 3) as levels from 0 to 255, ``encodings`` (m, n)."""

    pictures: Tensor
    encodings: Tensor


@torch.no_grad()
def encode(network: nn.Module, pictures: Tensor) -> Tensor:
    """Encodings (m, n) of faces (m, 3, 64, 64), wherever the network is."""
    return torch.Tensor.cpu(network(pictures.to(next(network.parameters()).device)))


def levels(pictures: Tensor) -> Tensor:
    """Pictures (m, 3, s, s) in [0, 1] as levels (m, s, s, 3) from 0 to 255."""
    return (pictures * 255).round().byte().movedim(1, -1)


def crowd(
    network: nn.Module,
    identity: Tensor,
    generator: torch.Generator,
    *,
    first: int = FIRST,
    variation: float = 1.0,
    noise: float = 0.03,
) -> Iterator[Crowd]:
    """A face of each of these persons (m, 21): all so far, after the ``first`` and after every 48 more."""
    seen: list[Crowd] = []
    for part in (identity[:first], *torch.split(identity[first:], BATCH)):
        if len(part):
            pictures = draw_faces(part, generator, variation=variation, noise=noise).pictures
            seen.append(Crowd(levels(pictures), encode(network, pictures)))
            yield Crowd(*(torch.cat(each) for each in zip(*seen, strict=True)))


def resembling(people: Tensor, likeness: float) -> Tensor:
    """People (m, 21) who all resemble the first of them: at 0 they stay as they are, at 1 they are one."""
    return torch.lerp(people, people[:1], likeness)
