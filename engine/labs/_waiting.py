"""Waiting for something within a run: frames that say how far it is, then what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

from engine.lab import Frame

T = TypeVar("T")
# Drawing a frame takes as long as fetching some megabytes.
BETWEEN_SECONDS = 0.3


def waited(
    steps: Generator[float, None, T], title: str, waiting: Callable[[str, float], Frame]
) -> Generator[Frame, None, T]:
    """Yield ``waiting(sentence, share)`` while ``title`` is fetched in ``steps``; without a title nothing is on its way.

    Not every step gives a frame, but the last one does.
    """
    last = time.monotonic()
    if title:
        yield waiting(f"{title} is on its way.", 0.0)
    while True:
        try:
            share = next(steps)
        except StopIteration as done:
            found: T = done.value
            return found
        if share < 1 and time.monotonic() - last < BETWEEN_SECONDS:
            continue
        yield waiting(f"{title} is being fetched: {share:.0%}.", share)
        last = time.monotonic()
