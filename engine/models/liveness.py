"""A small network that tells a live face from a replayed one by its fine traces: it keeps no places, only how often each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from engine.data.faces import draw_faces, identities
from engine.data.replays import camera, replayed

WIDTHS, DETAIL = (16, 24, 32), 10.0


class Liveness(nn.Module):
    """Faces (m, 3, 64, 64) in [0, 1] to the log odds (m,) of being live."""

    def __init__(self) -> None:
        """A network at its random start, which finds live and replayed equally likely."""
        super().__init__()
        layers: list[nn.Module] = []
        for ins, outs in zip((6, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(ins, outs, 3, 2, 1, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(WIDTHS[-1], 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, 64, 64) -> (m,)."""
        # What differs from the neighbourhood is small beside the face, and all that tells.
        detail = x - avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        odds: Tensor = self.head(self.body(torch.cat([2 * x - 1, DETAIL * detail], 1))).flatten()
        return odds


def initialize(seed: int) -> Liveness:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Liveness()


def people(m: int, generator: torch.Generator) -> Tensor:
    """A face (m, 3, 64, 64) of each of m new people, before any camera."""
    return draw_faces(identities(m, generator), generator, noise=0.0).pictures


def mixed(faces: Tensor, attacks: Sequence[str], strength: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Faces (m, 3, s, s) the first half of which are live and the rest replayed, by each attack in turn; and which (m,)."""
    half = len(faces) // 2
    parts = [camera(faces[:half], generator)]
    for k, attack in enumerate(attacks):
        parts.append(replayed(faces[half + k :: len(attacks)], attack, strength, generator))
    return torch.cat(parts), (torch.arange(len(faces)) < half).float()


def batches(
    pool: int, size: int, attacks: Sequence[str], strength: float, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end of a pool of live and replayed faces, half of them mirrored; the first pass is drawn as it comes."""
    parts = []
    for start in range(0, pool, size):
        parts.append(mixed(people(min(size, pool - start), generator), attacks, strength, generator))
        yield parts[-1]
    x, y = (torch.cat(part) for part in zip(*parts, strict=True))
    both = torch.stack([x, x.flip(-1)])
    while True:
        chosen = torch.randint(0, len(x), (size,), generator=generator)
        yield both[torch.randint(0, 2, (size,), generator=generator), chosen], y[chosen]
