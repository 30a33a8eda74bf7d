import base64
import io
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from engine.data.few import DEV, few
from engine.data.media import Picture
from engine.data.samples import PICTURES
from engine.functional.augmentation import Strengths, color_axes
from engine.lab import Frame
from engine.labs.cnns.augmentation import BATCH, LAB, RATE, SEEDS, Augmentation, gallery, strengths_of
from engine.models.small import forward, initialize
from engine.results.augmentation import color_cloud
from engine.seeding import generator
from engine.snapshot import snapshot
from engine.training.augmented import ALL, NONE, arms, train, variants

TITLES = ("At full strength", "Random variants", "Colours", "Colours after PCA colour")
MILD = Strengths(mirror=True, crop=0.2, rotate=15.0, color=0.1)


@cache
def last(**changed: object) -> Frame:
    return LAB.last_frame(Augmentation(**changed))


def gains(frame: Frame) -> dict[str, float]:
    bars = frame.figures["Which help"].data[0]
    return dict(zip(bars.y, bars.x.tolist(), strict=True))


def decoded(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))).astype(float)


def tiles_of(params: Augmentation, title: str) -> dict[str, np.ndarray]:
    shown = gallery(params.picture, strengths_of(params), params.seed)[0][title]
    captions = next(trace.text for trace in shown.data if trace.name == "captions")
    pictures = [decoded(trace.source) for trace in shown.data if trace.type == "image"]
    return dict(zip(captions, pictures, strict=True))


def picture_of(pixels: np.ndarray) -> Picture:
    return Picture(pixels.astype(np.uint8), "test", f"{pixels.sum():012.0f}"[:12])


def test_mirrored_digits_hurt_and_cropped_ones_help() -> None:
    won = gains(last())
    assert list(won) == ["mirror", "crop", "rotate", "shear", "local warp", "all together"]
    assert won["mirror"] < -1 and won["crop"] > 3
    assert won["all together"] < 0 < gains(last(mirror=False))["all together"]


@pytest.mark.slow
def test_turning_digits_upside_down_hurts() -> None:
    assert gains(last(rotate=180.0))["rotate"] < -10


@pytest.mark.slow
def test_colour_helps_where_the_light_varies() -> None:
    won = gains(last(**LAB.presets["Suns and moons"]))
    assert won["colour shift"] > 2 and won["PCA colour"] > 2 and won["all together"] > 2
    assert all(abs(won[kind]) < 3 for kind in ("mirror", "rotate", "shear"))


def test_curves_bars_and_metrics_tell_the_same() -> None:
    frame = last()
    curves = {t.name: t for t in frame.figures["Dev accuracy"].data}
    none, everything = (float(curves[name].y[-1]) for name in ("no distortion", "all together"))
    assert frame.metrics["No distortion"] == f"{none:.1%}" and frame.metrics["All together"] == f"{everything:.1%}"
    assert gains(frame)["all together"] == pytest.approx(100 * (everything - none), abs=1e-3)
    dots = frame.figures["Which help"].data[1]
    assert len(dots.x) == SEEDS * len(gains(frame))
    assert np.mean(dots.x[:SEEDS]) == pytest.approx(gains(frame)["mirror"], abs=1e-4)
    assert curves["no distortion"].x[-1] == 200 and frame.progress == 1


def reference(x: Tensor, y: Tensor, start: list[Tensor], chosen: list[Tensor]) -> nn.Module:
    """The same network and training from torch.nn and torch.optim."""
    network = nn.Sequential(
        nn.Conv2d(x.shape[1], 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(start[4].shape[1], len(start[5])),
    )  # fmt: skip
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), start, strict=True):
            parameter.copy_(value)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    for batch in chosen:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()
    return network


@pytest.mark.parametrize("name", ["digits", "suns"])
def test_training_equals_pytorchs(name: str) -> None:
    examples, steps, seed = few(name, 50, 2, generator(0)), 12, 7
    *_, look = train(examples, [arms(examples, Strengths(), seed)[NONE]], seed, steps, RATE, BATCH, 3)
    for k in range(2):
        random = generator(seed, 30 + k)
        chosen = []
        for _ in range(steps):
            chosen.append(torch.randperm(50, generator=random)[:BATCH])
            torch.rand(BATCH, generator=random)
        x = (examples.x[k] * 255).round() / 255
        start = initialize(x.shape[1], x.shape[2], len(examples.classes), generator(seed, 20 + k))
        theirs = reference(x, examples.y[k], start, chosen)
        right = (theirs(examples.dev[0]).argmax(1) == examples.dev[1]).float().mean()
        assert float(look.dev[0, k]) == pytest.approx(float(right), abs=1.5 / DEV)
        assert look.step == steps and look.dev[0, k] > 0.2


def test_forward_equals_pytorchs_layers() -> None:
    x, start = torch.rand(4, 3, 12, 12, generator=generator(1)), initialize(3, 12, 2, generator(0))
    torch.testing.assert_close(forward(start, x), reference(x, torch.zeros(4), start, [])(x))


def test_arms_of_a_seed_differ_by_the_distortions_alone() -> None:
    examples = few("digits", 30, 3, generator(0))
    plain = arms(examples, Strengths(), 0)[NONE]
    *_, look = train(examples, [plain, plain], 0, 20, RATE, BATCH, 2)
    assert torch.equal(look.dev[0], look.dev[1]) and len(look.dev[0].unique()) > 1


def test_arms_and_their_copies() -> None:
    grey, colored = (arms(few(name, 20, 2, generator(0)), MILD, 0) for name in ("digits", "suns"))
    assert list(grey) == [NONE, "mirror", "crop", "rotate", ALL]
    assert list(colored) == [NONE, "mirror", "crop", "rotate", "color", ALL]
    assert grey[NONE].shape == (1, 2, 20, 1, 8, 8) and grey["crop"].shape == (16, 2, 20, 1, 8, 8)
    flipped = (grey["mirror"] != grey[NONE]).flatten(1).any(1)
    assert torch.equal(grey["mirror"][flipped], grey[NONE].flip(-1).expand_as(grey["mirror"])[flipped])
    assert 4 <= flipped.sum() <= 12
    assert list(arms(few("digits", 20, 2, generator(0)), Strengths(rotate=5.0), 0)) == [NONE, "rotate"]


def test_variants_are_seeded() -> None:
    x, fill = few("suns", 20, 1, generator(0)).x[0], torch.full((3,), 0.5)
    one, same, other = (variants(x, MILD, 5, generator(seed), fill) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other) and len(one) == 5


@pytest.mark.parametrize("name", ["digits", "suns"])
def test_no_two_trainings_share_an_example(name: str) -> None:
    found = few(name, 75, SEEDS, generator(0))
    everything = torch.cat([found.x.flatten(0, 1).flatten(1), found.dev[0].flatten(1)])
    assert len(everything) == DEV + 75 * SEEDS
    assert len(everything.unique(dim=0)) >= len(everything) - 2  # two of scikit-learn's digits are alike
    assert everything.min() >= 0 and everything.max() == 1


def test_tiles_show_what_they_say() -> None:
    shown = tiles_of(Augmentation(rotate=180.0, picture="photo-flower"), "At full strength")
    assert list(shown) == [
        "as it is", "mirror", "crop", "rotate", "shear", "local warp", "colour shift", "PCA colour", "all together"
    ]  # fmt: skip
    plain = shown["as it is"]
    assert np.abs(shown["mirror"] - plain[:, ::-1]).mean() < 3
    assert (shown["colour shift"] - plain).mean((0, 1)) == pytest.approx([38, -38, 38], abs=14)
    assert np.abs(shown["rotate"] - plain[::-1, ::-1]).mean() < 6
    for kind in ("crop", "shear", "local warp", "PCA colour", "all together"):
        assert np.abs(shown[kind] - plain).mean() > 3, kind
    drawn = tiles_of(Augmentation(), "Random variants")
    assert len(drawn) == 9 and len({one.tobytes() for one in drawn.values()}) == 9


def test_cloud_shows_the_axes_and_the_shift_of_the_mean() -> None:
    figures, shift = gallery("photo-china", Strengths(pca=2.0), 0)
    before, after = (figures[title].data for title in TITLES[2:])
    lines = [[t for t in traces if t.name.startswith("σ")] for traces in (before, after)]
    assert [t.name for t in lines[0]] == [t.name for t in lines[1]] and len(lines[0]) == 3
    for one, other in zip(*lines, strict=True):
        directions = [np.array([t.x[1] - t.x[0], t.y[1] - t.y[0]]) for t in (one, other)]
        np.testing.assert_allclose(*directions, atol=1e-5)
    mean = next(t for t in after if t.name == "mean")
    moved = np.array([mean.x[1] - mean.x[0], mean.y[1] - mean.y[0]])
    assert moved == pytest.approx([shift[0] + 0.42 * shift[1], shift[2] + 0.34 * shift[1]], abs=1e-5)
    assert np.abs(moved).max() > 0.02


def test_cloud_holds_pixels_of_the_picture() -> None:
    x = torch.rand(1, 3, 5, 6, generator=generator(0))
    cloud = color_cloud(x, generator(1))
    assert {tuple(p) for p in cloud.pixels} == {tuple(p) for p in x[0].flatten(1).T.numpy()}
    np.testing.assert_allclose(cloud.axes, color_axes(x)[2])


def test_another_picture_needs_no_new_training() -> None:
    *_, one = LAB.run(Augmentation(steps=20, examples=10))
    *_, other = LAB.run(Augmentation(steps=20, examples=10, picture="brick"))
    assert snapshot(one) == snapshot(other)
    seen = [LAB.seen(Augmentation(picture=name), one) for name in ("photo-flower", "brick")]
    assert seen[0].figures.keys() == seen[1].figures.keys() >= {*TITLES, "Which help"}
    assert seen[0].figures["Colours"] != seen[1].figures["Colours"]


def test_figures_stay_small_for_every_sample() -> None:
    trained = next(LAB.run(Augmentation(learns="suns")))
    for name in PICTURES:
        shot = snapshot(LAB.seen(Augmentation(picture=name, learns="suns"), trained))
        assert sum(map(len, shot.figures.values())) < 200_000, name
    assert sum(map(len, snapshot(last()).figures.values())) < 130_000


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (200, 3), (9, 9)])
def test_odd_pictures_and_no_distortion_at_all(shape: tuple[int, int]) -> None:
    flat = picture_of(np.full((*shape, 3), 90))
    nothing = dict.fromkeys(Strengths._fields, 0)
    for changed in ({}, nothing):
        frame = next(LAB.frames(Augmentation(picture=flat, examples=10, steps=20, **changed)))
        assert set(TITLES) <= set(frame.figures) and "nan" not in frame.says
        assert frame.metrics["PCA adds to R, G, B"] == "+0, +0, +0"
    assert "All together" not in frame.metrics
