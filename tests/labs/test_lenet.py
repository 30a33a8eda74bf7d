"""LeNet-5: what it reaches, what it counts, and that it reads drawings the way the set was made."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

from engine.data.handwriting import BLOCK, digits, enlarged, from_picture, from_strokes
from engine.data.media import Picture
from engine.labs.cnns.lenet import GOAL, LAB, Digits
from engine.models.lenet import initialize
from engine.seeding import generator
from engine.training.pictures import distorted, fit_pictures, share_found

# Strokes on a pad of 256 x 256, as a person draws them: a zero, a one and a six.
ZERO = (tuple(int(v) for t in np.linspace(0, 2 * np.pi, 30) for v in (128 + 50 * np.sin(t), 128 - 80 * np.cos(t))),)
ONE = ((95, 80, 135, 45, 135, 210),)
SIX = ((150, 40, 105, 90, 85, 150, 95, 200, 140, 212, 170, 180, 150, 145, 100, 150),)


@pytest.fixture(scope="module")
def trained():
    torch.set_num_threads(1)
    began = time.monotonic()
    frame = LAB.last_frame(Digits())
    return frame, time.monotonic() - began


def test_it_finds_98_percent_of_the_held_out_digits(trained) -> None:
    frame, seconds = trained
    network = initialize(0, "relu", "max")
    network.load_state_dict(frame.state)
    data = digits()
    with torch.inference_mode():
        found = network.eval()(data.test).argmax(1)
    from sklearn.metrics import accuracy_score

    assert accuracy_score(data.test_labels, found) >= GOAL == 0.98
    # The bar is 60 s on two cores; a machine busy with other tests gets five times that.
    assert seconds < 300


def test_training_and_held_out_digits_are_apart_and_all_there() -> None:
    from sklearn.datasets import load_digits

    data = digits()
    everything = torch.cat([data.train, data.test]).flatten(1)
    expected = enlarged(torch.from_numpy(load_digits().images).float()).flatten(1)
    assert len(data.test) == 360 and len(everything) == 1797
    assert {tuple(x.tolist()) for x in everything} == {tuple(x.tolist()) for x in expected}


def test_drawn_digits_are_read(trained) -> None:
    frame, _ = trained
    for digit, strokes in ((0, ZERO), (1, ONE), (6, SIX)):
        assert LAB.seen(Digits(pad=strokes), frame).metrics["It reads"] == str(digit)


def test_a_view_needs_no_new_run_and_a_photographed_digit_is_read(trained) -> None:
    frame, _ = trained
    page = Image.new("L", (300, 400), 215)
    pen = ImageDraw.Draw(page)
    pen.ellipse((90, 110, 210, 320), outline=40, width=26)
    own = Picture(np.asarray(page.convert("RGB")), "zero.png", "0" * 12)
    seen = LAB.seen(Digits(look="picture", picture=own), frame)
    assert seen.metrics["It reads"] == "0" and "your picture" in seen.says
    assert seen.figures["Training"] is frame.figures["Training"]
    held_out = LAB.seen(Digits(look="held-out", which=5), frame)
    assert held_out.says.endswith(f"it is {int(digits().test_labels[5])}.")


def test_the_network_has_lenets_shapes_and_parameters() -> None:
    maps, logits = initialize(0, "tanh", "average").every(torch.zeros(2, 1, 32, 32))
    assert [tuple(m.shape[1:]) for m in maps.values()] == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]
    assert logits.shape == (2, 10)
    count = sum(p.numel() for p in initialize(0, "tanh", "average").parameters())
    # C1 156 and, with every map joined to every map, C3 2,416; C5 48,120, F6 10,164, output 850.
    assert count == 156 + 2416 + 48120 + 10164 + 850


def test_a_drawing_is_counted_in_blocks_as_the_set_was() -> None:
    x = from_strokes(ONE)
    assert x.shape == (1, 1, 32, 32) and float(x.min()) >= 0 and 0.8 < float(x.max()) <= 1
    # Moved and enlarged on the pad it is the same digit.
    moved = tuple(tuple(int(v * 0.5 + 30) for v in stroke) for stroke in ONE)
    assert float((from_strokes(moved) - x).abs().max()) < 0.3
    assert float(from_strokes(()).abs().max()) == 0
    full = enlarged(torch.full((1, 8, 8), float(BLOCK**2)))
    torch.testing.assert_close(full[0, 0, 2:-2, 2:-2], torch.ones(28, 28))
    assert float(full[0, 0, :2].max()) == 0


def test_an_empty_page_is_no_digit_and_polarity_does_not_matter() -> None:
    assert float(from_picture(np.full((50, 40, 3), 200, np.uint8)).max()) == 0
    page = np.full((60, 60, 3), 230, np.uint8)
    page[10:50, 25:35] = 20
    assert torch.equal(from_picture(page), from_picture(255 - page))


def test_distorted_pictures_keep_their_bounds_and_are_the_same_for_a_seed() -> None:
    x = digits().train[:20]
    torch.testing.assert_close(distorted(x, 0.0, generator(0)), x, rtol=0, atol=1e-5)
    one, two = (distorted(x, 1.0, generator(4)) for _ in range(2))
    assert torch.equal(one, two) and float(one.min()) >= 0 and float(one.max()) <= 1
    assert float((one - x).abs().amax((1, 2, 3)).min()) > 0.1


def test_a_distorted_picture_is_sampled_where_turn_stretch_and_shift_say() -> None:
    # The middle of a picture is moved by the shift alone: by draws[3] / 8 and draws[4] / 8 of half a side.
    side = 32
    ramp = torch.arange(side).float()
    x = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side)])[None].repeat(6, 1, 1, 1)  # column, row
    draws = 2 * torch.rand(5, 6, generator=generator(9)) - 1
    moved = distorted(x, 1.0, generator(9))
    middle = moved[:, :, 15:17, 15:17].mean((2, 3))
    expected = 15.5 + draws[3:].T / 8 * side / 2
    torch.testing.assert_close(middle, expected, rtol=0, atol=1e-4)


def test_training_is_torchs_adam_under_a_one_cycle_rate() -> None:
    data = digits()
    x, y = data.train[:96], data.train_labels[:96]
    mine, theirs = initialize(3, "relu", "max"), initialize(3, "relu", "max")
    list(fit_pictures(mine, (x, y), (x, y), rate=0.01, epochs=2, batch=32, generator=generator(1)))
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=6)
    order = generator(1)
    for _ in range(2):
        for chosen in torch.randperm(96, generator=order).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(theirs(x[chosen]), y[chosen]).backward()
            optimizer.step()
            schedule.step()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert share_found(mine, x, y) == pytest.approx(share_found(theirs, x, y))
