"""What to do next: reading errors."""

from __future__ import annotations

from typing import NamedTuple

# From how many points on a gap is worth closing, and how many times larger the other must be to come first.
WORTH, DWARFED = 0.02, 3.0
ROUNDING = 1e-9

RECIPE = {
    "bias": ("a bigger network", "longer training", "another optimizer", "another architecture"),
    "variance": ("more data", "regularization", "another architecture"),
}


class Diagnosis(NamedTuple):
    """Two gaps as shares, and which of them are high."""

    bias: float
    variance: float
    high_bias: bool
    high_variance: bool

    @property
    def name(self) -> str:
        """In words."""
        found = [word for word, high in (("bias", self.high_bias), ("variance", self.high_variance)) if high]
        return "high " + " and ".join(found) if found else "neither"

    @property
    def steps(self) -> tuple[str, ...]:
        """What the recipe tries, in order: bias first; nothing when both are low."""
        if self.high_bias:
            return RECIPE["bias"]
        return RECIPE["variance"] if self.high_variance else ()


def diagnose(human: float, train: float, dev: float) -> Diagnosis:
    """Read three errors, shares from 0 to 1: ``human`` stands for the optimal one.

    Avoidable bias is train - human, variance dev - train, neither below 0. A gap is high from 2 points on, unless the
    other is more than three times as large.
    """
    bias, variance = max(train - human, 0.0), max(dev - train, 0.0)
    least = max(WORTH, max(bias, variance) / DWARFED) - ROUNDING
    return Diagnosis(bias, variance, bias >= least, variance >= least)
