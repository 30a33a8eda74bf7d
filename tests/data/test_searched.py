import numpy as np
import pytest
import torch

from engine.data.drawn import CLASSES, draw
from engine.data.media import Picture, fit_within
from engine.data.pixels import opened, to_levels, to_tensor
from engine.data.searched import SCALES, Drawn, Windows, resized, windows
from engine.seeding import generator


def picture_of(pixels: np.ndarray) -> Picture:
    return Picture(pixels.astype(np.uint8), "test", f"{abs(hash(pixels.tobytes())):012x}"[:12])


def noise(height: int, width: int) -> Picture:
    return picture_of(np.random.default_rng(0).integers(0, 256, (height, width, 3)))


def test_levels_and_tensors_are_the_same_picture() -> None:
    pixels = noise(5, 7).pixels
    assert np.array_equal(to_levels(to_tensor([pixels])[0]), pixels)
    assert np.array_equal(to_levels(torch.full((1, 2, 3), 0.5)), np.full((2, 3, 3), 128))


def test_a_drawn_picture_is_found_again_by_its_number() -> None:
    some = Drawn(3, 50)
    batch = some.batch(range(20, 45))
    assert torch.equal(batch[7:8], some.batch(range(27, 28)))
    assert torch.equal(batch[7:8], draw(torch.tensor([7]), generator(3, 27)))
    assert np.array_equal(some.pixels(27), to_levels(batch[7]))
    assert [some.name(n) for n in (0, 27, 39)] == [CLASSES[0], CLASSES[7], CLASSES[19]]
    assert not torch.equal(batch, Drawn(4, 50).batch(range(20, 45)))


def test_a_picture_of_one_window() -> None:
    source = noise(64, 64)
    [only] = [w for w in windows(source) if w.scale == 1]
    assert np.array_equal(only.pixels, source.pixels) and only[1:] == (0, 0, 1)
    assert Windows(source).place(windows(source).index(only), (1, 2, 30, 40)) == (1, 2, 30, 40)


def test_windows_lie_side_by_side_around_the_middle() -> None:
    source = noise(130, 256)
    full = [w for w in windows(source) if w.scale == 1]
    assert [(w.left, w.top) for w in full] == [(left, top) for top in (1, 65) for left in (0, 64, 128, 192)]
    for window in full:
        left, top = int(window.left), int(window.top)
        assert np.array_equal(window.pixels, source.pixels[top : top + 64, left : left + 64])


def test_windows_at_every_scale_lie_where_they_say() -> None:
    source = opened("photo-china")
    full = max(source.pixels.shape[:2])
    scales = sorted({w.scale for w in windows(source)})
    assert scales == pytest.approx(sorted({full / min(n, 2 * full) for n in SCALES}))
    for n, window in enumerate(windows(source)):
        small = resized(source, round(full / window.scale))
        left, top = round(window.left / window.scale), round(window.top / window.scale)
        inside = window.pixels[max(0, -top) : small.shape[0] - top, max(0, -left) : small.shape[1] - left]
        there = small[max(0, top) : top + 64, max(0, left) : left + 64]
        assert np.array_equal(inside, there)
        a, b, c, d = Windows(source.name).place(n, (0, 0, 64, 64))
        assert (c - a, d - b) == pytest.approx((64 * window.scale,) * 2)


def test_a_picture_shrinks_as_everywhere_and_grows_to_twice_its_size() -> None:
    source = opened("photo-china")
    assert np.array_equal(resized(source, 128), fit_within(source, 128).pixels)
    assert min(w.scale for w in windows(source)) == 320 / 512
    assert min(w.scale for w in windows(noise(40, 30))) == 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 3), (63, 65)])
def test_what_is_narrower_than_a_window_gets_grey_edges(shape: tuple[int, int]) -> None:
    source = picture_of(np.zeros((*shape, 3)))
    found = windows(source)
    assert found and all(w.pixels.shape == (64, 64, 3) for w in found)
    levels = set(np.unique(np.stack([w.pixels for w in found])))
    assert levels == {0, 128}
    assert Windows(source).batch(range(len(found))).shape == (len(found), 3, 64, 64)


def test_the_largest_picture_has_few_windows() -> None:
    assert Windows(noise(2048, 2048)).count < 200
