import numpy as np
import pytest
import torch
from torch import nn

from engine.data.media import Picture
from engine.lab import Event
from engine.labs.cnns.one_by_one import LAB, OneByOne, levels


def own(height: int, width: int) -> Picture:
    random = np.random.default_rng(4)
    return Picture(random.integers(0, 256, (height, width, 3)).astype(np.uint8), "own", "2" * 12)


WEIGHTS = ((0.5, -1.25, 3), (0, 2, 0), (1, 0, -0.1))


def test_the_maps_are_a_matrix_product_of_ones_own_picture() -> None:
    picture = own(20, 30)
    frame = LAB.last_frame(OneByOne(picture=picture, weights=WEIGHTS))
    expected = np.einsum("kc,hwc->khw", np.array(WEIGHTS), picture.pixels.astype(float))
    shown = np.stack([trace.z for trace in frame.figures["Channels out"].data])
    assert np.abs(shown - expected).max() <= 0.5 + 1e-9  # drawn in whole levels
    assert float(frame.metrics["Off the matrix product"]) < 1e-10


def test_filters_shrink_the_channels() -> None:
    for filters in (1, 2, 3):
        frame = LAB.last_frame(OneByOne(filters=filters))
        assert len(frame.figures["Channels out"].data) == filters
        assert f"into 48 × 72 × {filters}," in frame.says
    assert len(LAB.last_frame(OneByOne(filters=1)).figures["Channels in"].data) == 3


def test_one_pixel_is_the_dense_layers_sum() -> None:
    params = OneByOne(picture=own(20, 30), weights=WEIGHTS, row=7, column=11)
    x = levels(params.picture)[:, 7, 11]
    dense = nn.Linear(3, 3, bias=False, dtype=torch.float64)
    dense.weight.data = torch.tensor(WEIGHTS, dtype=torch.float64)
    (cells,) = LAB.last_frame(params).figures["One pixel"].data
    torch.testing.assert_close(torch.from_numpy(cells.z.sum(1)), dense(x).detach(), rtol=0, atol=1e-9)
    written = [float(label.split("<br>")[1]) for label in cells.y]
    np.testing.assert_allclose(written, dense(x).detach().numpy(), rtol=1e-3)


def test_relu_cuts_the_negative_answers() -> None:
    plain, cut = (LAB.last_frame(OneByOne(relu=relu)) for relu in (False, True))
    for a, b in zip(plain.figures["Channels out"].data, cut.figures["Channels out"].data, strict=True):
        np.testing.assert_array_equal(np.maximum(a.z, 0), b.z)
    assert min(trace.z.min() for trace in plain.figures["Channels out"].data) < 0
    assert cut.metrics["Negative answers"].endswith("cut off")


@pytest.mark.parametrize(("side", "channels", "out"), [(28, 192, 32), (6, 32, 5), (1, 1, 1)])
def test_counts_are_those_of_pytorchs_modules(side: int, channels: int, out: int) -> None:
    frame = LAB.last_frame(OneByOne(side=side, channels=channels, out=out))
    dense = nn.Linear(channels, out)
    assert frame.metrics["Parameters"] == f"{sum(p.numel() for p in dense.parameters()):,}"
    assert frame.metrics["Multiplications"] == f"{side * side * channels * out:,}"
    bars = frame.figures["Multiplications by kernel"].data[0]
    assert list(bars.y) == [side * side * channels * out * f * f for f in (1, 3, 5)]


def test_constant_mistake_is_computed_and_only_right_without_mixing() -> None:
    mixing = LAB.mistakes["one-by-one-constant"](OneByOne())
    assert float(mixing.wrong.split("up to ")[1].split()[0]) > 50
    diagonal = ((1.5, 0, 0), (0, 1, 0), (0, 0, 0.5))
    plain = LAB.mistakes["one-by-one-constant"](OneByOne(weights=diagonal))
    assert "1.5, 1, 0.5, miss the maps by up to 0 " in plain.wrong


def test_a_click_picks_a_pixel_on_the_picture_and_on_any_map() -> None:
    params = OneByOne()  # 48 x 72 and a gap of 3
    for figure, x in (("Picture", 10.2), ("Channels in", 10.2), ("Channels out", 85.1), ("Channels out", 159.9)):
        assert LAB.respond(params, Event("click", figure, x=x, y=20.4)) == {"row": 20, "column": 10}
    assert LAB.respond(params, Event("click", "Channels shrunk", x=0, y=0)) == {}


def test_a_pixel_beyond_the_picture_is_its_last() -> None:
    frame = LAB.last_frame(OneByOne(picture=own(5, 4), row=70, column=70))
    assert frame.figures["Picture"].layout.shapes[-1].x1 == 4 + 0.5
