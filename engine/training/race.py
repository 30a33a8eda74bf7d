"""Several trainings from one start, step by step beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.training.loop import Step


def raced(fits: Mapping[str, Iterator[Step]]) -> Iterator[dict[str, list[Step]]]:
    """All steps so far of each training, every time that all have taken one more; one that overflowed just stays behind.

    For networks that a fleet can't hold, because they differ in more than numbers: in their optimizer, their schedule.
    """
    histories: dict[str, list[Step]] = {name: [] for name in fits}
    running = dict(fits)
    while running:
        for name in list(running):
            step = next(running[name], None)
            if step is None:
                del running[name]
            else:
                histories[name].append(step)
        if running:
            yield histories
