"""Rebuilding from depths: the error in pixels grows with depth, and the first layer gives the picture back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.labs.style_transfer._reading import read_in
from engine.labs.style_transfer.content_cost import LAB, Rebuild, depths, pixel_error, rebuilding
from engine.models.styling import textures


@pytest.mark.parametrize("name", ["photo-flower", "photo-china"])
def test_the_rebuild_error_grows_with_depth(name: str) -> None:
    frame = LAB.last_frame(Rebuild(picture=name, side=48, steps=40))
    [bars] = frame.figures["Pixel error"].data
    assert len(bars.y) == 6 and (np.diff(bars.y) > 0).all() and bars.y[0] < 0.02 < 0.15 < bars.y[-1]
    assert frame.metrics["Error from 1_1"] == f"{bars.y[0]:.3f}"


def test_every_depth_lowers_its_own_cost_from_the_same_noise() -> None:
    reader, wanted = textures(), read_in("photo-flower", 48)
    first, *_, last = rebuilding(reader, wanted, depths(reader), 30, 0)
    assert all(torch.equal(moment.picture, first[0].picture) for moment in first)
    for name, before, after in zip(depths(reader), first, last, strict=True):
        assert after.content < 0.15 * before.content, name
        a, b = (reader.read(p[None], [name])[0] for p in (wanted, after.picture))
        assert after.content == pytest.approx(float((a - b).square().sum() / (4 * a.numel() * a.mean() ** 2)), rel=1e-3)


def test_the_error_is_numpys() -> None:
    one, other = (read_in(name, 48)[:, :32, :32] for name in ("photo-flower", "photo-china"))
    expected = np.sqrt(((one.numpy() - other.numpy()) ** 2).mean())
    assert pixel_error(one, other) == pytest.approx(expected, rel=1e-5)
