"""Weights that are zero: a step that makes them so, and a count."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.functional.optimizers import Rate, State, sgd


def soft_threshold(w: Tensor, reach: float | Tensor) -> Tensor:
    """sign(w) max(|w| - reach, 0): every weight moves towards 0 by ``reach`` and stays there once it arrives."""
    return w.sign() * (w.abs() - reach).clamp(min=0)


def proximal(
    params: Sequence[Tensor], grads: Sequence[Tensor], state: State, rate: Rate, strength: Rate
) -> tuple[list[Tensor], State]:
    """One step of descent on the smooth part of a cost, then a soft threshold for ``strength`` * sum |w|.

    ``strength`` broadcasts over the parameters, with 0 where nothing is to shrink. The gradient's sign alone overshoots 0
    at every step; this lands on it. Daubechies et al. 2004.
    """
    moved, state = sgd(params, grads, state, rate)
    return [soft_threshold(p, rate * strength) for p in moved], state


def share_of_zeros(weights: Sequence[Tensor], threshold: float = 0.0) -> Tensor:
    """The share of each network's weights with |w| <= threshold: matrices (..., n_out, n_in), biases left out, to (...)."""
    return (torch.cat([W.flatten(-2) for W in weights], -1).abs() <= threshold).float().mean(-1)
