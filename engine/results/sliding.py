"""A window on its way over a signal and over a volume."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class SignalSlide:
    """A signal (n,), a kernel (f,) and its response (o,); the window stands at number ``at`` of the response.

    ``smooth`` is the signal before it was sampled, as places and levels, each (k,).
    """

    signal: Array
    kernel: Array
    response: Array
    stride: int
    at: int
    smooth: tuple[Array, Array]

    @property
    def window(self) -> Array:
        """The numbers under the kernel, (f,)."""
        first = self.at * self.stride
        return self.signal[first : first + len(self.kernel)]


@dataclass(frozen=True)
class VolumeSlide:
    """A volume (n, n, n), a kernel (f, f, f), its response (o, o, o), and the place in it where the window stands."""

    volume: Array
    kernel: Array
    response: Array
    stride: int
    at: tuple[int, int, int]

    @property
    def window(self) -> Array:
        """The numbers under the kernel, (f, f, f)."""
        f = len(self.kernel)
        z, y, x = (a * self.stride for a in self.at)
        return self.volume[z : z + f, y : y + f, x : x + f]
