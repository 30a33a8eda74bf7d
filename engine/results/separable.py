"""Normal against separable convolution, measured, and a stack of bottleneck blocks with and without residual."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from engine.functional.separable import normal_cost, separable_conv
from engine.models.counting import Layer, count
from engine.models.mobilenet_v2 import Bottleneck, drawn
from engine.results.architectures import shape
from engine.seeding import generator

FILTERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
# A convolution of so many multiplications takes about a tenth of a second on one core.
MOST_MULTIPLICATIONS = 2e9
LEAST_SECONDS, MOST_CALLS = 0.004, 2000
BLOCKS, BATCH, SIDE, MOST_CHANNELS = 12, 4, 8, 16


@dataclass(frozen=True)
class Timing:
    """Seconds of one call each way for so many filters."""

    filters: int
    normal: float
    separable: float


def timings(side: int, channels: int, filters: int, f: int, padding: int, seed: int) -> Iterator[Timing]:
    """Both convolutions measured for growing numbers of filters and the given one, too large ones left out."""
    for k in sizes(side, channels, filters, f, padding):
        random = generator(seed, k)
        x = torch.randn(1, channels, side, side, generator=random)
        depth = torch.randn(channels, 1, f, f, generator=random)
        point = torch.randn(k, channels, 1, 1, generator=random)
        whole = whole_kernel(depth, point)
        with torch.inference_mode():
            # Bound to this round's tensors: the calls are over before the next round.
            normal = seconds(lambda x=x, w=whole: conv2d(x, w, padding=padding))  # type: ignore[misc]
            apart = seconds(lambda x=x, d=depth, p=point: separable_conv(x, d, p, padding))  # type: ignore[misc]
        yield Timing(k, normal, apart)


def sizes(side: int, channels: int, filters: int, f: int, padding: int) -> list[int]:
    """The numbers of filters that are measured: powers of two and the given one."""
    tried = sorted({*FILTERS, filters})
    return [k for k in tried if normal_cost(side, channels, k, f, padding) <= MOST_MULTIPLICATIONS]


def whole_kernel(depth: Tensor, point: Tensor) -> Tensor:
    """The normal kernels (k, c, f, f) that give what depthwise (c, 1, f, f) and pointwise (k, c, 1, 1) ones give."""
    return point * depth[:, 0]


def seconds(call: Callable[[], Tensor], rounds: int = 4) -> float:
    """How long one call takes: the quickest of a few rounds, each long enough for the clock, the first to warm up."""
    calls, best = 1, float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - began) / calls)
        calls = max(1, min(MOST_CALLS, round(LEAST_SECONDS / best)))
    return best


def block(side: int, channels: int, expansion: int, stride: int) -> tuple[Layer, ...]:
    """The convolutions of a bottleneck block, counted."""
    with torch.device("meta"):
        model = Bottleneck(channels, expansion, stride, residual=False)  # the addition is no layer
    return tuple(row for row in count(model, (channels, side, side)) if row.multiplications)


def block_table(steps: Sequence[Layer], added: bool) -> dict[str, list[str]]:
    """Each step of a bottleneck block with the shape that leaves it; ``added`` says whether the input is added."""
    names = ["expand 1 × 1, ReLU6", "depthwise 3 × 3, ReLU6", "project 1 × 1, linear"][-len(steps) :]
    return {
        "Step": ["input", *names, "add the input" if added else "nothing added"],
        "Output": [shape(steps[0].inputs), *(shape(step.shape) for step in steps), shape(steps[-1].shape)],
        "Weights": ["", *(f"{step.parameters:,}" for step in steps), "0"],
        "Multiplications": ["", *(f"{step.multiplications:,}" for step in steps), "0"],
    }


@lru_cache(maxsize=32)
def gradients(channels: int, expansion: int, residual: bool, seed: int) -> tuple[float, ...]:
    """Root mean square of a random cost's gradient at the input of each of 12 stacked blocks, that behind the last being 1.

    Fresh weights, 4 random maps of 8 x 8, and at most 16 channels: the size changes next to nothing.
    """
    channels = min(channels, MOST_CHANNELS)
    stack = [drawn(channels, expansion, residual, generator(seed, at)) for at in range(BLOCKS)]
    maps = [torch.randn(BATCH, channels, SIDE, SIDE, generator=generator(seed, BLOCKS)).requires_grad_()]
    for each in stack:
        maps.append(each(maps[-1]))
    upstream = torch.randn(maps[-1].shape, generator=generator(seed, BLOCKS + 1))
    found = torch.autograd.grad(maps[-1], maps, upstream)
    last = float(found[-1].square().mean().sqrt())
    return tuple(float(g.square().mean().sqrt()) / last for g in found)
