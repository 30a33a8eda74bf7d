"""The device that models run on: CUDA, then Apple's MPS, then the CPU. Chosen here and nowhere else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@cache
def device() -> torch.device:
    """The device that models run on."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@cache
def description() -> str:
    """The device in words a person knows: the card's name, or the number of cores."""
    import os

    import torch

    kind = device().type
    if kind == "cuda":
        return f"CUDA: {torch.cuda.get_device_name()}"
    return "Apple GPU (MPS)" if kind == "mps" else f"CPU: {os.cpu_count()} cores"
