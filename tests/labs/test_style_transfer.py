"""Style transfer on the page: its costs are the definitions, they fall, it goes on, and what is laid over what."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from engine.data.media import Picture
from engine.labs.style_transfer import _reading, style_transfer
from engine.labs.style_transfer._reading import read_in
from engine.labs.style_transfer.style_transfer import LAB, Transfer, normaliser, planned
from engine.models import styling as models
from engine.models.pretrained import Unavailable
from engine.models.styling import textures
from engine.training import styling

SMALL = {"side": 64, "steps": 12}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(styling, "_kept", styling._kept.__class__())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def curve(frame, name: str) -> np.ndarray:
    [trace] = [t for t in frame.figures["Costs"].data if t.name == name]
    return np.asarray(trace.y)


@pytest.mark.parametrize("changed", [{}, {"start": "noise"}, {"optimizer": "adam"}, {"smooth": 50.0}])
def test_the_total_falls_and_is_the_sum_of_its_parts(changed: dict) -> None:
    params = Transfer(**SMALL, **changed)
    frame = LAB.last_frame(params)
    total, style, content = (curve(frame, name) for name in ("total", "style", "content"))
    assert total[-1] < 0.5 * total[0] and np.nanmax(total) <= 1.05 * total[0]
    layers = sum(curve(frame, name) for name in ("1_1", "2_1", "3_1"))
    np.testing.assert_allclose(layers, style, rtol=1e-5)
    if not params.smooth:
        np.testing.assert_allclose(np.nan_to_num(content) + style, total, rtol=1e-5)


def test_the_costs_drawn_are_those_of_the_picture_drawn() -> None:
    """Written out from the activations, in the course's normalisation, for the very picture that is offered as a file."""
    params = Transfer(**SMALL)
    frame, reader = LAB.last_frame(params), textures()
    pixels = np.asarray(Image.open(io.BytesIO(frame.files["style-transfer.png"])))
    assert (pixels == frame.state.result).all()
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    expected = 0.0
    for name in reader.style:
        s, g = (reader.read(p[None], [name])[0][0].flatten(1) for p in (read_in(params.style, 64), x))
        s, g = s / s.mean(), g / s.mean()
        gap = (s @ s.T) * g.shape[1] / s.shape[1] - g @ g.T
        expected += 0.2 * float(gap.norm()) ** 2 / (2 * g.numel()) ** 2
    assert curve(frame, "style")[-1] == pytest.approx(params.beta * expected, rel=0.05)  # the file's levels are rounded


def test_more_steps_go_on_from_a_stop_with_the_same_numbers() -> None:
    frames = LAB.frames(Transfer(**SMALL))
    for frame in frames:
        if frame.metrics.get("Step", "0").startswith("4"):
            break
    frames.close()
    more = LAB.frames(Transfer(side=64, steps=20))
    next(more)
    assert int(next(more).metrics["Step"].split()[0]) >= 4
    *_, gone_on = more
    styling._kept.clear()
    anew = LAB.last_frame(Transfer(side=64, steps=20))
    assert (gone_on.state.result == anew.state.result).all()
    np.testing.assert_array_equal(curve(gone_on, "total"), curve(anew, "total"))


def test_the_slider_lays_the_content_over_the_left() -> None:
    params = Transfer(side=64, steps=1)
    plain = (np.full((43, 64, 3), level, np.uint8) for level in (200, 50))
    frame = replace(LAB.last_frame(params), state=style_transfer.Shown(*plain), unseen=None)

    def drawn(percent: int) -> np.ndarray:
        seen = LAB.seen(params.model_copy(update={"reveal": percent}), frame).figures["Picture"]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(seen.data[0].source.split(",")[1]))), float)

    before, half, after = drawn(100), drawn(50), drawn(0)
    middle = before.shape[1] // 2
    assert np.abs(before - 200).max() < 4 and np.abs(after - 50).max() < 4
    assert np.abs(half[:, : middle - 8] - 200).max() < 4 and np.abs(half[:, middle + 8 :] - 50).max() < 4


def test_without_the_way_out_the_bundled_network_reads_and_says_so(monkeypatch) -> None:
    def refused(name):
        raise Unavailable("VGG-19 can't be fetched.")
        yield 0.0

    monkeypatch.setattr(models.pretrained, "fetch", refused)
    frame = LAB.last_frame(Transfer(side=64, steps=2, network="vgg19"))
    assert frame.note.startswith("VGG-19 can't be fetched.") and frame.note.endswith(
        "Atlas texture network reads the pictures."
    )


def test_a_cost_that_overflows_ends_the_run_with_a_way_out(monkeypatch) -> None:
    real = style_transfer.moments

    def broken(*args):
        for moment in real(*args):
            yield moment._replace(total=math.nan) if moment.step == 3 else moment

    monkeypatch.setattr(style_transfer, "moments", broken)
    frame = LAB.last_frame(Transfer(**SMALL, beta=1e6))
    assert "step 3" in frame.diverged and frame.progress == 1.0
    assert LAB.params(**{**SMALL, **frame.remedy}).beta == 300


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 700, 3), (400, 2, 3)])
def test_slivers_are_transferred_too(shape) -> None:
    own = Picture(np.full(shape, 90, np.uint8), "own", "0" * 12)
    frame = LAB.last_frame(Transfer(content=own, style=own, side=64, steps=2, start="noise"))
    assert min(frame.state.result.shape[:2]) >= _reading.SHORTEST and not frame.diverged


def test_layers_of_no_weight_are_left_out() -> None:
    assert list(planned(Transfer(w1=0.0, w3=0.5), textures()).layers.items()) == [("relu2_1", 0.2), ("relu3_1", 0.5)]
    frame = LAB.last_frame(Transfer(side=64, steps=2, w1=0.0, w2=0.0, w3=0.0, start="noise"))
    assert frame.metrics["Style β J"] == "0"


def test_the_normaliser_is_squared() -> None:
    both = normaliser(Transfer())
    wrong, right = (float(text.rsplit("= ", 1)[1].split(",")[0].rstrip(".")) for text in (both.wrong, both.right))
    assert right == pytest.approx(wrong**2, rel=2e-3)
