"""Pictures and kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.results import Array


@dataclass(frozen=True)
class KernelMap:
    """Grey levels (h, w), a kernel (f, f), and its response (h - f + 1, w - f + 1); ``row``, ``column`` pick one window."""

    grey: Array
    kernel: Array
    response: Array
    row: int
    column: int

    @property
    def window(self) -> Array:
        """The picked window, (f, f)."""
        f = len(self.kernel)
        return self.grey[self.row : self.row + f, self.column : self.column + f]

    @property
    def reach(self) -> float:
        """The largest weight without its sign, at which colours end; 1 for a kernel of zeros."""
        return float(np.abs(self.kernel).max()) or 1.0


@dataclass(frozen=True)
class KernelFit:
    """A kernel (f, f) while it learns: ``costs`` (k,) at ``steps`` (k,) so far; ``blown_up`` if it diverged here."""

    kernel: Array
    steps: Array
    costs: Array
    blown_up: bool
