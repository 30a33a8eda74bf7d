"""Sets with more than two features: scikit-learn's tables, and small pictures that are drawn here.

Each gives x (m, n) float32, unscaled, and y (m,) int64, the class of each row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

PICTURES = 600
SIDE = 12


@dataclass(frozen=True)
class Tabular:
    """A set with the names of its columns and classes; ``picture`` is the (h, w, channels) of an x that is a picture."""

    x: Tensor
    y: Tensor
    features: tuple[str, ...]
    classes: tuple[str, ...]
    picture: tuple[int, int, int] | None = None


@cache
def breast_cancer() -> Tabular:
    """569 biopsies with 30 measurements of their cells, malignant or benign. Wolberg et al., in scikit-learn."""
    from sklearn.datasets import load_breast_cancer

    return _of(load_breast_cancer())


@cache
def wine() -> Tabular:
    """178 wines of three growers with 13 measurements. Forina et al., in scikit-learn."""
    from sklearn.datasets import load_wine

    return _of(load_wine())


@cache
def iris() -> Tabular:
    """150 irises of three kinds with 4 measurements. Fisher 1936, in scikit-learn."""
    from sklearn.datasets import load_iris

    return _of(load_iris())


@cache
def digits() -> Tabular:
    """1797 handwritten digits of 8 x 8 pixels, levels from 0 to 16. Alpaydin and Kaynak, in scikit-learn."""
    from sklearn.datasets import load_digits

    found = _of(load_digits())
    return Tabular(found.x, found.y, found.features, found.classes, (8, 8, 1))


@cache
def suns() -> Tabular:
    """600 drawn RGB pictures of 12 x 12: class 1 has a disc warmer than its ground, class 0 a cooler one.

    Place, size, brightness and tint vary and noise is added, so no single pixel tells the class.
    """
    draw = np.random.default_rng(12)
    y = (np.arange(PICTURES) % 2).astype(np.int64)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    warm, cool = np.array([0.9, 0.6, 0.2]), np.array([0.2, 0.5, 0.8])
    pictures = np.empty((PICTURES, SIDE, SIDE, 3), np.float32)
    for picture, label in zip(pictures, y, strict=True):
        middle, radius = draw.uniform(3.5, SIDE - 4.5, 2), draw.uniform(2.0, 4.0)
        disc = np.hypot(rows - middle[0], columns - middle[1])[..., None] < radius
        front, back = (warm, cool) if label else (cool, warm)
        picture[:] = np.where(disc, front, back) * draw.uniform(0.5, 1.1) + draw.normal(0, 0.4, 3)
    pictures += draw.normal(0, 0.1, pictures.shape)
    x = torch.from_numpy(np.clip(pictures, 0, 1).reshape(PICTURES, -1))
    names = tuple(f"{c}{i},{j}" for i in range(SIDE) for j in range(SIDE) for c in "RGB")
    return Tabular(x, torch.from_numpy(y), names, ("moon", "sun"), (SIDE, SIDE, 3))


TABULAR: dict[str, Callable[[], Tabular]] = {
    "breast-cancer": breast_cancer,
    "wine": wine,
    "iris": iris,
    "digits": digits,
    "suns": suns,
}


def _of(bunch: object) -> Tabular:
    """One of scikit-learn's bunches."""
    found = {name: getattr(bunch, name) for name in ("data", "target", "feature_names", "target_names")}
    x = torch.from_numpy(np.asarray(found["data"], np.float32))
    y = torch.from_numpy(np.asarray(found["target"], np.int64))
    return Tabular(x, y, tuple(map(str, found["feature_names"])), tuple(map(str, found["target_names"])))
