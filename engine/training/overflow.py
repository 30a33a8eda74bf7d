"""Why a training blew up, and what to try instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.training.loop import Step

# A fresh classifier of two classes costs about log 2 = 0.69; one that starts far above it was sure and wrong.
WILD_START = 20.0
DEEP = 6


def overflow(history: Sequence[Step], rate: float, layers: int, scale: str = "") -> tuple[str, dict[str, Any]]:
    """A sentence that says when, why and what to try, and the changed parameters that do it; both empty if nothing did.

    ``rate`` and ``layers`` are the run's; ``scale`` is the name of the parameter that holds the scale of the start, if the
    lab has one. A start that is far off already blames the scale, many layers share the blame, and else it is the rate.
    """
    last = history[-1]
    if last.finite:
        return "", {}
    when = f"The cost overflowed by step {last.step:,}"
    slower = {"rate": float(f"{rate / 30:.1g}")}
    if scale and not float(history[0].train.max()) < WILD_START:
        return f"{when}: it began with weights so large that every answer was sure and wrong. Start smaller.", {
            scale: 0.1
        }
    if layers >= DEEP:
        why = f"{layers} layers multiply what a rate of {rate:g} does to each"
        return f"{when}: {why}. Try a lower rate or fewer layers.", slower
    return f"{when}: a rate of {rate:g} overshoots further at every step. Try a lower one.", slower
