"""What a run computed, with its axes and units: data only, drawn later by ``engine.figures``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Descent1D:
    """A cost curve over one parameter and the path taken on it: ``w``, ``cost`` (n,); ``path_w``, ``path_cost`` (k,)."""

    w: Array
    cost: Array
    path_w: Array
    path_cost: Array


@dataclass(frozen=True)
class Descent2D:
    """A cost surface over (w, b) and the path on it: ``cost`` is (len(b), len(w)); ``path`` (k, 2); ``path_cost`` (k,)."""

    w: Array
    b: Array
    cost: Array
    path: Array
    path_cost: Array


@dataclass(frozen=True)
class Waveform:
    """A sound: ``samples`` (n,) in [-1, 1], ``rate`` in Hz."""

    samples: Array
    rate: int


@dataclass(frozen=True)
class Spectrogram:
    """Energy over frequency and time: ``power`` (f, t), ``frequency`` (f,) in Hz, ``time`` (t,) in s at the windows' middles.

    Power is in squared amplitude per Hz at evenly spaced frequencies from 0; with ``mel``, the weighted sum of |STFT|² in
    bands around the frequencies.
    """

    power: Array
    frequency: Array
    time: Array
    mel: bool = False


@dataclass(frozen=True)
class BoxPair:
    """Two boxes (4,) as x1, y1, x2, y2 in pixels, the box they share (4,), and the areas of that and of both, in px²."""

    a: Array
    b: Array
    shared: Array
    intersection: float
    union: float


@dataclass(frozen=True)
class Slide:
    """IoU while a box slides: its left edge ``left`` (n,) in pixels and ``iou`` (n,); ``at`` and ``value`` are the present."""

    left: Array
    iou: Array
    at: float
    value: float


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


@dataclass(frozen=True)
class LossCurves:
    """The cost on both sets after so many updates: ``steps``, ``train``, ``dev`` (k,)."""

    steps: Array
    train: Array
    dev: Array


@dataclass(frozen=True)
class Boundary:
    """A classifier on the plane, and the examples: ``probability`` of class 1 is (len(y), len(x)).

    ``train`` (m, 2) and ``dev`` (d, 2) are points with ``train_labels`` (m,) and ``dev_labels`` (d,), 0 or 1.
    """

    x: Array
    y: Array
    probability: Array
    train: Array
    train_labels: Array
    dev: Array
    dev_labels: Array


@dataclass(frozen=True)
class UnitMaps:
    """What hidden units add to the logit over a square of the plane: ``unit`` (k,) counts from 1; ``added`` (k, side, side)."""

    unit: Array
    added: Array
