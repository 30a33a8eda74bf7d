"""Pictures of many numbers on a plane, against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA

from engine.functional.plane import plane
from engine.seeding import generator


def test_the_plane_is_that_of_the_main_components() -> None:
    points = torch.randn(40, 6, generator=generator(0), dtype=torch.float64) * torch.arange(1, 7)
    known = PCA(2).fit_transform(points.numpy())
    np.testing.assert_allclose(plane(points).abs(), np.abs(known), rtol=1e-8, atol=1e-8)


def test_the_next_picture_is_turned_nearest_to_the_one_before_and_keeps_its_distances() -> None:
    random = generator(1)
    points = torch.randn(30, 5, generator=random, dtype=torch.float64) * torch.tensor([4.0, 3.0, 1.0, 1.0, 1.0])
    angle = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    before = plane(points) @ angle
    after = plane(points + 0.1 * torch.randn(30, 5, generator=random, dtype=torch.float64), before)
    free = plane(points)
    torch.testing.assert_close(plane(points, before), before)
    np.testing.assert_allclose(free @ orthogonal_procrustes(free.numpy(), before.numpy())[0], before, atol=1e-8)
    torch.testing.assert_close(torch.pdist(plane(points, before)), torch.pdist(free))
    assert float((after - before).norm() / before.norm()) < 0.2
