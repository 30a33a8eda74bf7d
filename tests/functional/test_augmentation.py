import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import map_coordinates
from sklearn.decomposition import PCA
from torch import Tensor

from engine.data.pixels import opened, to_tensor
from engine.data.samples import PICTURES
from engine.functional.augmentation import (
    Strengths,
    Variant,
    color_axes,
    displacement,
    distort,
    draw_variant,
    pca_shift,
    strongest,
)
from engine.seeding import generator

ALL = Strengths(mirror=True, crop=0.3, rotate=30.0, shear=20.0, warp=0.05, color=0.2, pca=2.0)
FILL = torch.tensor([0.2, 0.5, 0.8])


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=generator(seed))


def covariance(x: Tensor) -> np.ndarray:
    return np.cov(x.movedim(-3, 0).flatten(1).numpy().astype(np.float64), bias=True)


def fetched(x: Tensor, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Channel by channel what lies at these places by SciPy, and where all four neighbours are inside."""
    h, w = x.shape[-2:]
    inside = (rows >= 0) & (rows <= h - 1) & (columns >= 0) & (columns <= w - 1)
    return np.stack([map_coordinates(c.numpy(), [rows, columns], order=1) for c in x[0]]), inside


def test_nothing_leaves_a_picture_as_it_is() -> None:
    x = noise(2, 3, 11, 7)
    assert torch.equal(distort(x, Variant(), FILL), x)
    assert torch.equal(distort(x, draw_variant(Strengths(), generator(0)), FILL), x)


def test_mirror_reverses_the_columns() -> None:
    x = noise(2, 3, 5, 8)
    assert torch.equal(distort(x, Variant(mirror=True), FILL), torch.from_numpy(x.numpy()[..., ::-1].copy()))


@pytest.mark.parametrize(("rotate", "shear"), [(25.0, 0.0), (-140.0, 0.0), (0.0, 20.0)])
def test_rotation_and_shear_fetch_what_scipy_fetches(rotate: float, shear: float) -> None:
    x = noise(1, 3, 31, 24)
    rows, columns = np.mgrid[:31, :24].astype(float)
    y, across = rows - 15.0, columns - 11.5
    a = np.deg2rad(rotate)
    # Clockwise on the screen, whose rows run downwards; a shear moves rows sideways in proportion to their height.
    columns_from = np.cos(a) * across + np.sin(a) * y + np.tan(np.deg2rad(shear)) * y
    rows_from = -np.sin(a) * across + np.cos(a) * y
    theirs, inside = fetched(x, rows_from + 15.0, columns_from + 11.5)
    ours = distort(x, Variant(rotate=rotate, shear=shear), FILL)[0].numpy()
    assert inside.sum() > 300
    np.testing.assert_allclose(ours[:, inside], theirs[:, inside], atol=1e-4)


def test_what_lies_outside_is_filled() -> None:
    corner = distort(noise(1, 3, 32, 32), Variant(rotate=45.0), FILL)[0, :, 0, 0]
    torch.testing.assert_close(corner, FILL)


def test_warp_fetches_what_scipy_fetches() -> None:
    x = noise(1, 3, 26, 33)
    variant = draw_variant(Strengths(warp=0.05), generator(3))
    assert variant.warp is not None
    rows, columns = np.mgrid[:26, :33].astype(float)
    moved = displacement(variant.warp, 26, 33)[0].numpy() / 2
    theirs, inside = fetched(x, rows + 26 * moved[..., 1], columns + 33 * moved[..., 0])
    np.testing.assert_allclose(distort(x, variant, FILL)[0].numpy()[:, inside], theirs[:, inside], atol=1e-4)
    assert np.abs(33 * moved).max() > 1


def test_warp_is_smooth_and_meets_its_coarse_points() -> None:
    coarse = torch.randn(2, 4, 4, generator=generator(0))
    fine = displacement(coarse, 61, 61)[0].permute(2, 0, 1) / 2
    torch.testing.assert_close(fine[:, ::20, ::20], coarse)
    step = (fine[:, 1:] - fine[:, :-1]).abs().max()
    assert step < 0.12 * (coarse.max() - coarse.min())


def test_crop_equals_pillow() -> None:
    x = noise(1, 3, 40, 30)
    ours = distort(x, Variant(crop=(0.3, 0.5, 1.0)), FILL)[0]
    for channel, mine in zip(x[0].numpy(), ours.numpy(), strict=True):
        theirs = Image.fromarray(channel[6:34, 9:30]).resize((30, 40), Image.Resampling.BILINEAR)
        np.testing.assert_allclose(mine, np.asarray(theirs), atol=1e-5)


def test_colour_shift_adds_and_ends_at_the_limits() -> None:
    x = noise(2, 3, 6, 6)
    shifted = distort(x, Variant(color=(0.25, -0.25, 0.5)), FILL).numpy()
    np.testing.assert_allclose(
        shifted, np.clip(x.numpy() + np.array([0.25, -0.25, 0.5])[:, None, None], 0, 1), atol=1e-6
    )


@pytest.mark.parametrize("name", ["photo-flower", "photo-china", "brick"])
def test_colour_axes_equal_scikit_learns_pca(name: str) -> None:
    x = to_tensor([opened(name).pixels[::4, ::4]])
    mean, values, axes = color_axes(x)
    pixels = x[0].flatten(1).T.numpy().astype(np.float64)
    theirs = PCA().fit(pixels)
    np.testing.assert_allclose(mean, pixels.mean(0), atol=1e-9)
    np.testing.assert_allclose(
        values, theirs.explained_variance_ * (len(pixels) - 1) / len(pixels), rtol=1e-6, atol=1e-12
    )
    np.testing.assert_allclose(np.abs((axes.numpy() * theirs.components_.T).sum(0)), 1, atol=1e-5)
    assert (values.diff() <= 0).all()


def test_pca_colour_is_the_papers_formula() -> None:
    x, alpha = noise(3, 3, 9, 9), (0.7, -1.1, 0.4)
    _, values, axes = color_axes(x)
    by_hand = sum(a * v * p for a, v, p in zip(alpha, values.tolist(), axes.numpy().T, strict=True))
    np.testing.assert_allclose(pca_shift(x, alpha), by_hand, atol=1e-7)


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_pca_colour_moves_the_mean_and_keeps_the_covariance_and_its_axes(name: str) -> None:
    """Every pixel gets the same shift, so this holds exactly, but for rounding, as long as no level is cut off."""
    x = to_tensor([opened(name).pixels[::3, ::3]])
    shift = pca_shift(x, (0.9, -0.5, 1.3))
    moved = x.double() + shift.double()[:, None, None]
    before, after = color_axes(x.double()), color_axes(moved)
    torch.testing.assert_close(after[0] - before[0], shift.double(), atol=1e-12, rtol=0)
    np.testing.assert_allclose(covariance(moved), covariance(x), atol=1e-12)
    apart = before[1].diff().abs().min() > 1e-6  # axes of equal length, as of a grey picture, are any two
    if apart:
        torch.testing.assert_close(after[2], before[2], atol=1e-5, rtol=0)
    rounded = color_axes(x + shift[:, None, None])  # in single precision, as the lab computes
    np.testing.assert_allclose(rounded[1], before[1], atol=1e-6)
    if apart:
        torch.testing.assert_close(rounded[2], before[2], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["photo-flower", "photo-china"])
def test_a_variant_by_pca_colour_alone_keeps_the_axes(name: str) -> None:
    x = 0.4 + 0.2 * to_tensor([opened(name).pixels[::3, ::3]])  # far from 0 and 1
    variant = draw_variant(Strengths(pca=3.0), generator(0))
    before, after = color_axes(x), color_axes(distort(x, variant, FILL))
    np.testing.assert_allclose(after[0] - before[0], pca_shift(x, variant.pca), atol=1e-6)
    np.testing.assert_allclose(after[1], before[1], atol=1e-7)
    np.testing.assert_allclose(after[2], before[2], atol=1e-5)
    assert (after[0] - before[0]).abs().max() > 5e-3


def test_levels_that_end_at_one_do_change_the_covariance() -> None:
    x = to_tensor([opened("photo-china").pixels[::3, ::3]])
    pushed = distort(x, Variant(pca=(4.0, 0.0, 0.0)), FILL)
    assert (pushed == 1).float().mean() > 0.2
    assert np.abs(covariance(pushed) - covariance(x)).max() > 0.01


def test_an_axis_has_its_largest_component_positive() -> None:
    _, _, axes = color_axes(noise(1, 3, 20, 20))
    assert (axes.gather(0, axes.abs().argmax(0, keepdim=True)) > 0).all()


def test_one_seed_one_variant() -> None:
    x = noise(1, 3, 16, 16)
    one, same, other = (distort(x, draw_variant(ALL, generator(seed)), FILL) for seed in (5, 5, 6))
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize("kind", Strengths._fields)
def test_a_strength_leaves_the_draws_of_the_others_alone(kind: str) -> None:
    everything = draw_variant(ALL, generator(1))
    alone = draw_variant(ALL.only(kind), generator(1))
    without = draw_variant(ALL._replace(**{kind: Strengths._field_defaults[kind]}), generator(1))
    for name in Variant._fields:
        source = alone if name == kind else without
        assert str(getattr(source, name)) == str(getattr(everything, name)), name
    x = noise(1, 3, 12, 12)
    assert torch.equal(distort(x, everything.only(kind), FILL), distort(x, alone, FILL))
    assert ALL.only(kind).kinds == (kind,)


def test_draws_keep_to_their_strengths() -> None:
    random = generator(0)
    drawn = [draw_variant(ALL, random) for _ in range(400)]
    assert 0.4 < np.mean([v.mirror for v in drawn]) < 0.6
    for name, most in (("rotate", 30.0), ("shear", 20.0)):
        values = [getattr(v, name) for v in drawn]
        assert 0.9 * most < max(values) <= most and -most <= min(values) < -0.9 * most
    assert 0.27 < max(v.crop[0] for v in drawn) <= 0.3
    assert np.std([v.pca for v in drawn]) == pytest.approx(2.0, rel=0.1)
    assert torch.stack([v.warp for v in drawn if v.warp is not None]).std() == pytest.approx(0.05, rel=0.05)
    ends = strongest(ALL, generator(0))
    assert (ends.rotate, ends.shear, ends.crop[0], ends.color) == (30.0, 20.0, 0.3, (0.2, -0.2, 0.2))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 2)])
def test_the_smallest_pictures_can_be_distorted(size: tuple[int, int]) -> None:
    out = distort(noise(1, 3, *size), strongest(ALL, generator(0)), FILL)
    assert out.shape == (1, 3, *size) and out.isfinite().all() and 0 <= out.min() <= out.max() <= 1
