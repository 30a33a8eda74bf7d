"""What a network makes of pictures: its answers, its maps, its progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.results import Array


@dataclass(frozen=True)
class Answer:
    """The likeliest classes of one picture, best first: ``labels`` and their ``probabilities`` (k,)."""

    labels: tuple[str, ...]
    probabilities: Array


@dataclass(frozen=True)
class Maps:
    """The maps of one layer for one picture: ``values`` (k, h, w)."""

    name: str
    values: Array


@dataclass(frozen=True)
class Progress:
    """Cost on the training set and accuracy on the held-out one after so many epochs, (k,) each."""

    epochs: Array
    cost: Array
    accuracy: Array
    last: float


def top(probabilities: Tensor, labels: Sequence[str], k: int) -> Answer:
    """The k likeliest of all classes (C,)."""
    best = probabilities.topk(min(k, len(labels)))
    return Answer(tuple(labels[i] for i in best.indices.tolist()), best.values.numpy(force=True))


def maps(name: str, values: Tensor) -> Maps:
    """The maps (1, k, h, w) of one picture."""
    return Maps(name, values[0].numpy(force=True))


def progress(history: Sequence[tuple[float, float, float]], last: float) -> Progress:
    """From (epoch, cost, accuracy) so far; ``last`` is the epoch at which training ends."""
    epochs, cost, accuracy = np.array(history, np.float32).T
    return Progress(epochs, cost, accuracy, last)


def softmax(logits: Tensor) -> Tensor:
    """Probabilities of one picture's logits (1, C) -> (C,)."""
    return torch.softmax(logits[0].float(), 0)
