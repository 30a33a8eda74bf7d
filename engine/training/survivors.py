"""Networks trained side by side that are compared as long as all of them live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from engine.training.loop import Step


def until_overflow(steps: Iterator[Step]) -> Iterator[Step]:
    """The steps of a fleet, up to the first at which any of its networks has a cost that isn't finite."""
    for step in steps:
        yield step
        if not whole(step):
            return


def whole(step: Step) -> bool:
    """Whether every network's cost is finite."""
    return bool(torch.isfinite(step.train).all())


def decay(rate: float, strength: float, m: int) -> float:
    """1 - rate * strength / m: what one step of plain descent multiplies a weight by under L2's penalty of m examples."""
    return 1 - rate * strength / m


def overflow_of_any(last: Step, rate: float, strength: float, m: int) -> tuple[str, dict[str, Any]]:
    """A sentence that says when, why and what to try, and the changed rate that does it; both empty if none overflowed.

    ``strength`` is the largest L2 penalty of the fleet, ``m`` the number of examples.
    """
    if whole(last):
        return "", {}
    when, factor = f"A cost overflowed by step {last.step:,}", decay(rate, strength, m)
    if factor < -1:
        why = f"λ = {strength:g} multiplies the weights by 1 − αλ/m = {factor:.3g} at every step, which grows them"
        return f"{when}: {why}. Try a smaller λ or a lower rate.", {"rate": _lower(m / strength / 2)}
    return f"{when}: a rate of {rate:g} overshoots further at every step. Try a lower one.", {"rate": _lower(rate / 30)}


def _lower(rate: float) -> float:
    return max(1e-4, float(f"{rate:.1g}"))
