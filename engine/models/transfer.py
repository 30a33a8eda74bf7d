"""Transfer learning: a network trained on much, its first stages frozen, a new head for a person's few pictures.

What the frozen stages make of a picture never changes, so it is computed once and kept (Yosinski et al. 2014).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.data.tensors import Weights
from engine.device import device
from engine.errors import BadInput
from engine.models.answering import BATCH, Answerer, views
from engine.models.atlas20 import Atlas20


class Stages(NamedTuple):
    """A network cut in two: ``frozen`` stays as it is to the bit, ``free`` learns along with the head."""

    frozen: nn.Sequential
    free: nn.Sequential


class Head(nn.Module):
    """Features (m, d), brought to mean 0 and deviation 1 over the training pictures, to logits (m, classes)."""

    mean: Tensor
    spread: Tensor

    def __init__(self, features: int, classes: int) -> None:
        """A head that knows nothing: every class is as likely."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.linear = nn.Linear(features, classes)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def fit_scale(self, features: Tensor) -> None:
        """Take mean and deviation from the training pictures' features (m, d)."""
        self.mean.copy_(features.mean(0))
        self.spread.copy_(features.std(0, correction=0).clamp_min(1e-3))

    def forward(self, x: Tensor) -> Tensor:
        """(m, d) -> (m, classes)."""
        return self.linear((x - self.mean) / self.spread)


def stages(network: nn.Module) -> list[nn.Module]:
    """The blocks of a network in order, up to its last maps; the head is left out."""
    if isinstance(network, Atlas20):
        return [nn.Sequential(network.scaled, network.stem), *network.blocks]
    if hasattr(network, "layer4"):
        begin = [network.get_submodule(name) for name in ("conv1", "bn1", "relu", "maxpool")]
        return [nn.Sequential(*begin), *(network.get_submodule(f"layer{i}") for i in range(1, 5))]
    return list(network.get_submodule("features").children())


def cut(network: nn.Module, unfrozen: int) -> Stages:
    """Leave all but the last ``unfrozen`` blocks frozen; the free ones are copies, so the network itself never changes."""
    blocks = stages(network)
    keep = max(0, len(blocks) - unfrozen)
    return Stages(nn.Sequential(*blocks[:keep]), nn.Sequential(*deepcopy(blocks[keep:])))


@torch.no_grad()
def cached(found: Answerer, parts: Stages, pictures: Sequence[np.ndarray]) -> Iterator[Tensor]:
    """What the frozen stages make of pictures (h, w, 3), a batch at a time: (n, c, h', w'); means (n, c) if nothing is free."""
    for i in range(0, len(pictures), BATCH):
        inputs = torch.cat([views(found, pixels, "centre") for pixels in pictures[i : i + BATCH]]).to(device())
        maps = parts.frozen.eval()(inputs)
        # Copied, so that autograd may save it even where the caller computed it without gradients.
        yield (maps if len(parts.free) else maps.mean((2, 3))).clone()


def features(parts: Stages, kept: Tensor) -> Tensor:
    """From what was cached to what the head sees (m, d). Batch norm keeps the averages that it came with."""
    return parts.free.eval()(kept).mean((2, 3)) if len(parts.free) else kept


class Step(NamedTuple):
    """After so many updates: the cost on the training pictures, and logits (m, classes) of all pictures."""

    step: int
    cost: float
    logits: Tensor


def train_head(
    parts: Stages,
    head: Head,
    kept: Tensor,
    labels: Tensor,
    train: Tensor,
    *,
    rate: float,
    steps: int,
    l2: float,
    scale: bool = True,
) -> Iterator[Step]:
    """Train the head, and what is free before it, by Adam on all training pictures at once; free blocks at a tenth the rate.

    ``kept`` are all pictures as :func:`cached` gives them, ``labels`` (m,), ``train`` (m,) says which to learn from.
    ``l2`` is the weight decay of the head; ``scale`` takes its scale from these training pictures, too.
    """
    if scale:
        with torch.no_grad():
            head.fit_scale(features(parts, kept[train]))
    groups = [{"params": head.linear.parameters(), "lr": rate, "weight_decay": l2}]
    if len(parts.free):
        groups.append({"params": parts.free.parameters(), "lr": rate / 10, "weight_decay": 0.0})
    optimizer = torch.optim.AdamW(groups)
    seen, truth = kept[train], labels[train]
    for step in range(steps + 1):
        cost = cross_entropy(head(features(parts, seen)), truth)
        with torch.no_grad():
            yield Step(step, cost.item(), head(features(parts, kept)))
        if step == steps:
            return
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def width(parts: Stages, kept: Tensor) -> int:
    """How many features the head sees, d."""
    with torch.no_grad():
        return features(parts, kept[:1]).shape[1]


def saved(head: Head, classes: Sequence[str], backbone: str) -> bytes:
    """A head as a safetensors file that says which network and classes it belongs to."""
    state = {name: value.cpu().contiguous() for name, value in head.state_dict().items()}
    return save(state, {"backbone": backbone, "classes": json.dumps(list(classes))})


def load_head(head: Head, given: Weights, classes: Sequence[str], backbone: str) -> None:
    """Take the weights of a saved head; BadInput if it was made for another network or other classes."""
    made_for = given.about.get("backbone", "none"), given.about.get("classes", "none")
    wanted = backbone, json.dumps(list(classes))
    if made_for != wanted:
        raise BadInput(
            f"The head must be for {wanted[0]} and {wanted[1]}, got one for {made_for[0][:40]} and {made_for[1][:200]}."
        )
    try:
        head.load_state_dict({name: torch.tensor(array) for name, array in given.arrays.items()})
    except RuntimeError as error:
        raise BadInput(
            "The head must hold a mean, a spread, weights and a bias of the right shapes, got others."
        ) from error
