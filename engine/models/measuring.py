"""What asking a network once costs: time, and the memory of everything that is alive at the same moment."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engine.device import device

T = TypeVar("T")
# Asked again for its time alone, unless that takes so long that counting its tensors can't matter.
LONG_SECONDS = 1.0


class Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, counts the bytes of all tensors made since that are still held: now, and at most.

    What an operation uses within itself isn't seen.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.most = 0, 0
        self._held: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and count what it made."""
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor) and each.device.type != "meta":
                self._count(each.untyped_storage())
        return made

    def _count(self, storage: Any) -> None:
        if id(storage) in self._held:
            return
        self._held.add(id(storage))
        self.now += storage.nbytes()
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._drop, id(storage), storage.nbytes()).atexit = False

    def _drop(self, key: int, size: int) -> None:
        self._held.discard(key)
        self.now -= size


@dataclass(frozen=True)
class Asked(Generic[T]):
    """A network's answer, the milliseconds it took, and the most bytes that its tensors held at once, weights aside."""

    answer: T
    ms: float
    peak: int


def measured(ask: Callable[[], T]) -> Asked[T]:
    """Ask once with tensors counted, which also warms up; then, if that was quick, again with a clock alone."""
    alive = Alive()
    began = time.perf_counter()
    with alive:
        answer = ask()
    _wait()
    spent = time.perf_counter() - began
    if spent < LONG_SECONDS:
        began = time.perf_counter()
        answer = ask()
        _wait()
        spent = time.perf_counter() - began
    return Asked(answer, 1000 * spent, alive.most)


def _wait() -> None:
    """Until the device has done what it was told."""
    if device().type == "cuda":
        torch.cuda.synchronize()


def weight_bytes(network: nn.Module) -> int:
    """The bytes of a network's parameters and buffers."""
    return sum(p.numel() * p.element_size() for p in network.state_dict().values())
