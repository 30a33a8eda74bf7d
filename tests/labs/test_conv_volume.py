"""Filters over three channels, against PyTorch."""

import re
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, relu

from engine.data.media import Picture
from engine.errors import BadInput
from engine.lab import Event, Frame
from engine.labs.cnns.conv_volume import LAB, ConvVolume, chosen_filters, chosen_volume, layer, pixels_and_patch

VOLUMES, ZOOMS = ("edge", "numbers", "picture"), ("network", "layer", "window")


def theirs(params: ConvVolume) -> np.ndarray:
    """The maps (k, o, o) after ReLU, by PyTorch's own layer."""
    bias = torch.full((params.count,), float(params.bias), dtype=torch.float64)
    return relu(conv2d(chosen_volume(params)[None], chosen_filters(params), bias))[0].numpy()


def maps(frame: Frame, count: int, side: int) -> np.ndarray:
    """The maps as they are shown, (k, o, o)."""
    z, across = frame.figures["Stacked maps"].data[0].z, 2 if count == 4 else count
    places = [divmod(i, across) for i in range(count)]
    return np.stack([z[r * (side + 1) :, c * (side + 1) :][:side, :side] for r, c in places])


def test_maps_equal_torch_for_every_setting() -> None:
    for volume, n, count, bias, channel in product(VOLUMES, range(4, 9), range(1, 5), (-7, 0, 3), ("all", "green")):
        params = ConvVolume(volume=volume, n=n, count=count, bias=bias, channel=channel)
        _, _, z = layer(params)
        np.testing.assert_allclose(relu(z).numpy(), theirs(params), atol=1e-9)


@pytest.mark.parametrize("changed", [*LAB.presets.values(), {"count": 3, "zoom": "window", "volume": "numbers"}])
def test_the_walk_fills_every_map_and_writes_the_sum(changed: dict) -> None:
    params = ConvVolume(**changed)
    expected, side = theirs(params), params.n - 2
    x, w, z = (tensor.numpy() for tensor in layer(params))
    k = min(params.filter, params.count) - 1
    frames = list(LAB.frames(params))
    assert len(frames) == side**2
    for t, frame in enumerate(frames):
        i, j = divmod(t, side)
        red, green, blue, bias, terms, total, final = re.search(
            r"red (\S+), green (\S+), blue (\S+) and bias (\S+) make (.+) = (\S+), and ReLU makes that (\S+)\.$",
            frame.says,
        ).groups()
        by_channel = (x[:, i : i + 3, j : j + 3] * w[k]).sum((1, 2))
        assert [float(v) for v in (red, green, blue)] == by_channel.tolist() and int(bias) == params.bias
        assert eval(terms) == float(total) == z[k, i, j] and float(final) == expected[k, i, j]
        if params.zoom == "network":
            continue
        shown = maps(frame, params.count, side).reshape(params.count, -1)
        np.testing.assert_allclose(shown[:, : t + 1], expected.reshape(params.count, -1)[:, : t + 1], rtol=1e-6)
        assert np.isnan(shown[:, t + 1 :]).all()
        if params.zoom == "window":
            cells = frame.figures["One window"].data[0]
            sums = [np.nansum(cells.z[:, 4 * c : 4 * c + 3]) for c in range(3)]
            assert sums == by_channel.tolist()
            assert frame.figures["One window"].layout.xaxis.title.text.endswith(f"ReLU {expected[k, i, j]:g}")


def test_each_zoom_shows_its_level() -> None:
    titles = {zoom: set(next(LAB.frames(ConvVolume(zoom=zoom))).figures) for zoom in ZOOMS}
    assert titles["network"] == {"Network", "Picture"}
    assert titles["layer"] == {"Volume", "Filters", "Stacked maps"}
    assert titles["window"] == {"Volume", "One window", "Stacked maps"}


def test_the_network_shows_volume_filters_and_maps_as_stacks() -> None:
    params = ConvVolume(zoom="network", count=4, volume="numbers")
    frame = LAB.last_frame(params)
    sheets = [np.asarray(trace.z) for trace in frame.figures["Network"].data]
    assert [sheet.shape for sheet in sheets] == [(6, 6)] * 3 + [(3, 3)] * 12 + [(4, 4)] * 4
    assert np.array_equal(sheets[2::-1], chosen_volume(params).numpy())
    np.testing.assert_allclose(sheets[:-5:-1], theirs(params), rtol=1e-6)
    texts = [note.text for note in frame.figures["Network"].layout.annotations]
    assert texts[:3] == ["6 × 6 × 3", "4 filters<br>3 × 3 × 3", "4 × 4 × 4"]
    frames = [shape for shape in frame.figures["Network"].layout.shapes if shape.line.width == 3]
    assert [shape.x1 - shape.x0 for shape in frames] == pytest.approx([3] * 3 + [1] * 4)


def test_the_first_filter_sees_red_only_and_the_second_cancels() -> None:
    params = ConvVolume()
    filters = chosen_filters(params)
    assert filters[0, 1:].abs().sum() == 0 and filters[0, 0].tolist() == filters[1, 2].tolist() == [[1, 0, -1]] * 3
    expected = theirs(params)
    assert expected[0].max() == 27 and expected[1].max() == 0


def test_own_filter_is_the_fourth_on_its_channels() -> None:
    own = ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), (7.0, 8.0, 9.0))
    green = chosen_filters(ConvVolume(count=4, own=own, channel="green"))[3]
    assert green[1].tolist() == [list(row) for row in own] and green[[0, 2]].abs().sum() == 0
    assert (chosen_filters(ConvVolume(count=4, own=own))[3] == torch.tensor(own)).all()
    with pytest.raises(BadInput, match="3 rows"):
        chosen_filters(ConvVolume(count=4, own=((0.0,) * 5,) * 5))


def photo(height: int, width: int) -> Picture:
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Picture(levels, "test", "0" * 12)


def test_a_patch_of_the_own_picture_in_levels_from_0_to_9() -> None:
    picture = photo(12, 20)
    params = ConvVolume(volume="picture", picture=picture, row=3, column=31)
    _, box = pixels_and_patch(params)
    assert box[:2] == (3, 14)
    expected = np.rint(picture.pixels[3:9, 14:20].astype(float) * 9 / 255).transpose(2, 0, 1)
    assert np.array_equal(chosen_volume(params), expected)
    shown = next(LAB.frames(params)).figures["Volume"].data
    assert all(np.array_equal(shown[c].z, expected[c]) for c in range(3))
    with pytest.raises(BadInput, match="at least 6 x 6, got 5 x 30"):
        chosen_volume(ConvVolume(volume="picture", picture=photo(5, 30)))


def click(params: ConvVolume, figure: str, row: float, column: float) -> dict:
    return dict(LAB.respond(params, Event("click", figure, x=column, y=row)))


def test_a_click_picks_a_window_a_filter_or_a_patch() -> None:
    params = ConvVolume(count=3)
    assert click(params, "Stacked maps", 1, 6) == {"window": 6, "filter": 2}
    assert click(params, "Stacked maps", 1, 4) == click(params, "Stacked maps", 1, 15) == {}
    assert click(ConvVolume(count=4), "Stacked maps", 5, 7) == {"window": 3, "filter": 4}
    assert click(params, "Volume", 5, 7) == {"window": 13}
    assert click(params, "Volume", 5, 21) == click(params, "One window", 0, 0) == {}
    assert click(params, "Filters", 9, 5) == {"filter": 3} and click(params, "Filters", 13, 0) == {}
    assert click(params, "Network", 0, 0) == {"zoom": "layer"}
    assert click(params, "Picture", 20, 10) == {}
    assert click(ConvVolume(volume="picture"), "Picture", 20, 1) == {"row": 17, "column": 0}


def test_walks_stay_small_and_open_where_asked() -> None:
    for zoom, count in product(ZOOMS, (1, 4)):
        params = ConvVolume(zoom=zoom, count=count, n=8, volume="picture", window=36)
        frames = list(LAB.frames(params))
        assert LAB.opens(params) == len(frames) - 1 == 35
        assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_000_000
