import base64
import io
import pickle
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import conv2d

import engine.labs.cnns.conv_features as module
from engine.data.drawn import CLASSES, draw
from engine.data.media import Picture, fit_within
from engine.data.pixels import opened, to_levels, to_tensor
from engine.data.searched import windows
from engine.figures.pictures import packed
from engine.lab import Event, Frame
from engine.labs.cnns.conv_features import LAB, UNITS, ConvFeatures, first_filters, network, own_maps, patches
from engine.seeding import generator
from engine.snapshot import snapshot

FEW = 60


@cache
def last(**changed: object) -> Frame:
    return LAB.last_frame(ConvFeatures(**{"count": FEW, **changed}))


def every_activation(layer: str, x: torch.Tensor) -> np.ndarray:
    """One layer's activations (units, h, w) on one picture (1, 3, h, w), caught while the network classifies it."""
    caught = []
    place = network().stem if layer == "stem" else network().blocks[int(layer[-1]) - 1]
    hook = place.register_forward_hook(lambda _, __, out: caught.append(out[0].detach().numpy()))
    network()(x)
    hook.remove()
    return caught[0]


def images(frame: Frame, title: str) -> list[np.ndarray]:
    sources = [trace.source for trace in frame.figures[title].data if trace.type == "image"]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(s.partition(",")[2])))) for s in sources]


def captions(frame: Frame, title: str) -> list[str]:
    return list(next(trace.text for trace in frame.figures[title].data if trace.name == "captions"))


@pytest.mark.parametrize("layer", ["stem", "block3", "block6"])
def test_patches_shown_are_true_maxima_by_brute_force(layer: str) -> None:
    unit = 5
    best = []
    for n in range(FEW):
        x = draw(torch.tensor([n % 20]), generator(0, n))
        maps = every_activation(layer, x)[unit]
        best.append((float(maps.max()), n, *np.unravel_index(maps.argmax(), maps.shape)))
    best.sort(key=lambda found: -found[0])
    frame = last(layer=layer, unit=unit)
    peaks = frame.state[1][layer]
    assert peaks.picture[unit].tolist() == [n for _, n, _, _ in best[:9]]
    assert peaks.row[unit].tolist() == [row for _, _, row, _ in best[:9]]
    assert peaks.column[unit].tolist() == [column for _, _, _, column in best[:9]]
    np.testing.assert_allclose(peaks.value[unit], [value for value, *_ in best[:9]], rtol=1e-5)
    assert captions(frame, "Nine strongest patches") == [f"{k}: {v:.2f}" for k, (v, *_) in enumerate(best[:9], start=1)]
    assert captions(frame, "Where they lie") == [f"{k}: {CLASSES[n % 20]}" for k, (_, n, *_) in enumerate(best[:9], 1)]
    assert frame.metrics["Strongest activation"] == f"{best[0][0]:.3f}"


def test_a_patch_is_cut_where_its_frame_lies() -> None:
    frame = last(layer="stem", unit=13)
    peaks = frame.state[1]["stem"]
    shapes = frame.figures["Where they lie"].layout.shapes
    for k, (cut, shape) in enumerate(zip(images(frame, "Nine strongest patches"), shapes, strict=True)):
        n, row, column = (int(part[13, k]) for part in (peaks.picture, peaks.row, peaks.column))
        rows, columns = (slice(max(2 * at - 2, 0), 2 * at + 3) for at in (row, column))
        whole = to_levels(draw(torch.tensor([n % 20]), generator(0, n))[0])
        assert np.array_equal(cut, whole[rows, columns])
        left, top = (k % 3) * 64 * 1.06, (k // 3) * 64 * 1.2
        assert (shape.x0 - left, shape.y0 - top) == pytest.approx((columns.start, rows.start))
        assert (shape.x1 - left, shape.y1 - top) == pytest.approx((columns.stop, rows.stop))


def test_bars_are_means_over_the_whole_set() -> None:
    frame = last(layer="block2", unit=3)
    every = np.stack([every_activation("block2", draw(torch.tensor([n % 20]), generator(0, n))) for n in range(FEW)])
    mean, silent = (frame.figures[title].data[0] for title in ("Mean activation", "Silence"))
    np.testing.assert_allclose(mean.y, every.mean((0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(silent.y, (every == 0).mean((0, 2, 3)), atol=1e-3)
    marked = [k for k, color in enumerate(mean.marker.color) if color != mean.marker.color[0]]
    assert marked == [3] and len(mean.y) == UNITS["block2"]


def test_the_map_is_that_of_the_whole_picture() -> None:
    frame = last(layer="block4", unit=30)
    x = to_tensor([fit_within(opened("photo-china"), 128).pixels])
    shown = frame.figures["Its map of your picture"].data[0]
    np.testing.assert_allclose(shown.z, every_activation("block4", x)[30], rtol=1e-4, atol=1e-5)
    rows, columns = shown.z.shape
    picture = images(frame, "Your picture")[0]
    assert (rows * shown.dy, columns * shown.dx) == pytest.approx(picture.shape[:2])


def test_filters_are_the_first_layers_weights() -> None:
    frame = last()
    weights = network().stem[0].weight.detach()
    x = torch.rand(1, 3, 5, 5, generator=generator(0))
    by_hand = (first_filters() * x[0].permute(1, 2, 0).numpy()).sum((1, 2, 3))
    np.testing.assert_allclose(by_hand, conv2d(x, weights)[0, :, 0, 0], rtol=1e-4, atol=1e-5)
    for kernel, shown in zip(first_filters(), images(frame, "First-layer filters"), strict=True):
        assert np.abs(shown - 127.5 - 127.5 * kernel / np.abs(kernel).max()).max() <= 1
    assert not frame.figures["First-layer filters"].layout.shapes
    assert len(last(layer="stem").figures["First-layer filters"].layout.shapes) == 1


def test_own_patches_are_true_maxima_over_all_windows() -> None:
    params = ConvFeatures(among="own", picture="photo-flower", layer="block3", unit=4)
    frame = LAB.last_frame(params)
    cut = windows("photo-flower")
    best = [every_activation("block3", to_tensor([w.pixels]))[4].max() for w in cut]
    order = np.argsort(best)[::-1][:9]
    assert frame.state[1]["block3"].picture[4].tolist() == order.tolist()
    found = patches(params, frame.state[1]["block3"], 4)
    assert [p.activation for p in found] == pytest.approx([best[n] for n in order], rel=1e-4)
    boxes = frame.figures["Where they lie"].layout.shapes
    ratio = images(frame, "Your picture")[0].shape[1] / opened("photo-flower").pixels.shape[1]
    strongest, window = boxes[0], cut[order[0]]
    numbers = frame.figures["Where they lie"].data[1]
    assert (numbers.text[-1], numbers.x[-1], numbers.y[-1]) == (
        "1",
        pytest.approx(strongest.x0),
        pytest.approx(strongest.y0),
    )
    left, top, *_ = found[0].inside
    expected = (window.left + window.scale * left, window.top + window.scale * top)
    assert (strongest.x0 / ratio, strongest.y0 / ratio) == pytest.approx(expected)
    assert frame.state[0] == len(cut) and "windows of your picture" in frame.says


def test_another_unit_or_layer_needs_no_new_search(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, again = last(), last(layer="block6", unit=30)
    monkeypatch.setattr(module, "search", lambda *_: pytest.fail("searched again"))
    seen = LAB.seen(ConvFeatures(count=FEW, layer="block6", unit=30), frame)
    assert snapshot(seen).figures == snapshot(again).figures and seen.metrics == again.metrics


def test_what_is_kept_of_a_search_is_small() -> None:
    assert len(pickle.dumps(last().state)) < 500_000


def test_the_set_grows_from_frame_to_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_SECONDS", 0)
    frames = list(LAB.run(ConvFeatures(count=50)))
    assert [frame.state[0] for frame in frames] == [20, 40, 50]
    assert [frame.progress for frame in frames] == [0.4, 0.8, 1.0]
    tops = torch.stack([frame.state[1]["block3"].value[:, 0] for frame in frames])
    assert (tops.diff(dim=0) >= 0).all() and (tops[-1] > tops[0]).any()


def test_a_unit_beyond_the_last_is_the_last() -> None:
    assert last(layer="stem", unit=63).says.startswith("Unit 15 of stem")


def test_the_named_units_are_what_their_presets_say() -> None:
    searched = LAB.last_frame(ConvFeatures())
    alike = {name: changed for name, changed in LAB.presets.items() if changed.keys() <= set(LAB.views)}
    seen = {name: LAB.seen(ConvFeatures(**changed), searched) for name, changed in alike.items()}
    for preset, name in (("Hearts", "heart"), ("Grain", "grain")):
        assert sum(text.endswith(name) for text in captions(seen[preset], "Where they lie")) >= 7
    assert sum(text.endswith("bricks") for text in captions(searched, "Where they lie")) >= 7
    red = np.concatenate([p.reshape(-1, 3) for p in images(seen["Red"], "Nine strongest patches")])
    assert red[:, 0].mean() > 180 and red[:, 1:].mean() < 90


def test_figures_stay_small_in_every_layer() -> None:
    for layer in UNITS:
        for unit in (0, 7):
            shot = snapshot(LAB.seen(ConvFeatures(count=FEW, layer=layer, unit=unit), last()))
            assert sum(map(len, shot.figures.values())) < 140_000, (layer, unit)


def click(params: ConvFeatures, figure: str, x: float, y: float) -> ConvFeatures:
    assert LAB.respond is not None
    return params.model_validate(dict(params) | dict(LAB.respond(params, Event("click", figure, x=x, y=y))))


def test_a_click_picks_a_unit() -> None:
    start = ConvFeatures(layer="block5", unit=2)
    assert click(start, "Mean activation", 40.3, 0.1).unit == 40
    assert click(start, "Silence", 400, 0.1).unit == 63
    assert click(ConvFeatures(layer="stem"), "Silence", 40, 0.1).unit == 15
    on_filter = click(start, "First-layer filters", 1.06 * 2 + 0.5, 1.2 + 0.5)
    assert (on_filter.layer, on_filter.unit) == ("stem", 10)
    assert click(start, "First-layer filters", -3, 0) == click(start, "Your picture", 1, 1) == start


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (64, 64)])
def test_odd_pictures(shape: tuple[int, int]) -> None:
    flat = Picture(np.full((*shape, 3), 200, np.uint8), "flat", f"{shape[0]:06d}{shape[1]:06d}")
    for among in ("own", "drawn"):
        frame = LAB.last_frame(ConvFeatures(picture=flat, among=among, count=20))
        assert frame.progress == 1 and np.isfinite(frame.figures["Its map of your picture"].data[0].z).all()
    assert set(own_maps(flat)) == set(UNITS)


def test_small_pictures_are_packed_without_loss() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (33, 33, 3), dtype=np.uint8)
    back = np.asarray(Image.open(io.BytesIO(base64.b64decode(packed(pixels).partition(",")[2]))))
    assert np.array_equal(back, pixels) and packed(np.zeros((64, 64, 3), np.uint8)).startswith("data:image/jpeg")
