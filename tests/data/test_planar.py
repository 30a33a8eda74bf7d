"""The planar sets: shapes, seeds, and the shapes they promise."""

import math

import pytest
import torch
from sklearn.datasets import make_circles, make_moons

from engine.data import planar
from engine.seeding import generator


@pytest.mark.parametrize("m", [2, 20, 401])
@pytest.mark.parametrize("name", planar.SETS)
def test_every_set_has_two_equal_classes_of_finite_points(name, m):
    x, y = planar.make(name, m, 0.2, generator(0))
    assert x.shape == (m, 2) and y.shape == (m,)
    assert x.dtype == y.dtype == torch.float32
    assert torch.isfinite(x).all()
    assert y.tolist() == [0.0] * (m - m // 2) + [1.0] * (m // 2)


@pytest.mark.parametrize("name", planar.SETS)
def test_the_generator_decides_the_set(name):
    first, again, other = (planar.make(name, 50, 0.2, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", planar.SETS)
def test_noise_moves_the_points(name):
    clean, noisy = (planar.make(name, 200, noise, generator(0))[0] for noise in (0.0, 0.5))
    assert not torch.allclose(clean, noisy)


def test_a_flower_without_noise_has_petals_of_the_known_recipe():
    x, y = planar.flower(400, 0.0, generator(0))
    for j in (0, 1):
        t = torch.linspace(j * 3.12, (j + 1) * 3.12, 200)
        r = 4 * torch.sin(4 * t)
        torch.testing.assert_close(x[y == j], torch.stack([r * torch.sin(t), r * torch.cos(t)], 1), rtol=0, atol=1e-4)


def test_a_flowers_noise_falls_on_angle_and_radius():
    x, _ = planar.flower(100, 0.2, generator(0))
    draw = generator(0)
    angle, radius = (0.2 * torch.randn(100, generator=draw) for _ in range(2))
    t = torch.cat([torch.linspace(j * 3.12, (j + 1) * 3.12, 50) for j in (0, 1)]) + angle
    r = 4 * torch.sin(4 * t) + radius
    torch.testing.assert_close(x, torch.stack([r * torch.sin(t), r * torch.cos(t)], 1), rtol=0, atol=1e-4)


def test_moons_without_noise_are_scikit_learns():
    x, y = planar.moons(100, 0.0, generator(0))
    theirs, labels = make_moons(100, shuffle=False, noise=None)
    torch.testing.assert_close(x.double(), torch.tensor(theirs), rtol=0, atol=1e-6)
    assert y.tolist() == labels.tolist()


def test_circles_without_noise_are_scikit_learns():
    x, y = planar.circles(100, 0.0, generator(0), inner=0.8)
    theirs, labels = make_circles(100, shuffle=False, noise=None, factor=0.8)
    torch.testing.assert_close(x.double(), torch.tensor(theirs), rtol=0, atol=1e-6)
    assert y.tolist() == labels.tolist()


def test_added_noise_has_the_asked_deviation():
    clean, noisy = (planar.circles(5000, noise, generator(0))[0] for noise in (0.0, 0.3))
    assert float((noisy - clean).std()) == pytest.approx(0.3, rel=0.03)


def test_xor_without_noise_is_the_sign_of_the_product_over_all_quadrants():
    x, y = planar.xor(400, 0.0, generator(0))
    assert torch.equal(y == 1, x.prod(1) < 0)
    assert len({tuple(q) for q in (x > 0).tolist()}) == 4


def test_blobs_lie_around_their_centres():
    x, y = planar.blobs(4000, 0.0, generator(0))
    for label, centre in ((0, -2.0), (1, 2.0)):
        torch.testing.assert_close(x[y == label].mean(0), torch.full((2,), centre), rtol=0, atol=0.1)


def test_a_spirals_arms_are_half_a_turn_apart():
    x, y = planar.spiral(100, 0.0, generator(0))
    torch.testing.assert_close(x[y == 0], -x[y == 1], rtol=0, atol=1e-5)
    assert float(x.norm(dim=1).max()) == pytest.approx(4.0)


def test_a_split_shares_out_every_example_once():
    x, y = planar.moons(50, 0.1, generator(0))
    (a, ya), (b, yb) = planar.split((x, y), 15, generator(1))
    assert len(a) == len(ya) == 35 and len(b) == len(yb) == 15
    rows = sorted(
        (*p, label) for p, label in zip(torch.cat([a, b]).tolist(), torch.cat([ya, yb]).tolist(), strict=True)
    )
    assert rows == sorted((*p, label) for p, label in zip(x.tolist(), y.tolist(), strict=True))
    assert not torch.equal(torch.cat([a, b]), x)


def test_a_grid_is_square_row_by_row_and_holds_the_points():
    x = torch.tensor([[0.0, 1.0], [4.0, 2.0]])
    points, across, up = planar.grid(x, 5)
    assert math.isclose(float(across[-1] - across[0]), 4.4, rel_tol=1e-6)
    assert math.isclose(float(up[-1] - up[0]), 4.4, rel_tol=1e-6)
    assert torch.equal(points.reshape(5, 5, 2)[3, 1], torch.stack([across[1], up[3]]))
