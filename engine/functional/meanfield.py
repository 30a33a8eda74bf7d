"""How large a random network's signals are on average over its weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.functional.activations import ACTIVATIONS

NODES = 128


def expected_mean_squares(x: Tensor, deviations: Sequence[float], units: Sequence[int], activation: str) -> Tensor:
    """E[z²] in each layer for normal weights of these deviations and no biases: (layers,), averaged over x (m, n0).

    Given its input a layer's z is normal with variance q = deviation² · |a|², so that q of the next layer follows from
    E[g(z)²], an integral over one normal number for each example. Exact for wide layers. Poole et al. 2016, section 3.
    """
    nodes, shares = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(NODES))
    shares = shares / shares.sum()
    g = ACTIVATIONS[activation].function
    q, found = x.double().square().sum(1), []  # |a|² of every example, (m,)
    for deviation, n in zip(deviations, units, strict=True):
        q = deviation**2 * q
        found.append(q.mean())
        q = n * (g(q.sqrt()[:, None] * nodes).square() @ shares)
    return torch.stack(found)
