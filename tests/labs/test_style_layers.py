"""Textures from chosen layers: the cost falls there, and more than where nobody asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.functional.style import layer_style_cost
from engine.labs.style_transfer._reading import read_in
from engine.labs.style_transfer.style_layers import LAB, StyleLayers, measured, sets
from engine.models.styling import textures
from engine.seeding import generator


@pytest.mark.parametrize("name", ["stained-glass", "waves"])
def test_the_cost_falls_at_the_chosen_layers(name: str) -> None:
    frame = LAB.last_frame(StyleLayers(style=name, side=48, steps=20))
    [table] = frame.figures["Cost left at each layer"].data
    share = 10 ** np.asarray(table.z)  # of each texture at each layer, of the noise's cost
    chosen = np.array([[layer in made for layer in textures().style] for made in sets(textures()).values()])
    assert share.shape == (5, 3) and (share[chosen] < 0.08).all()
    for k in range(3):  # alone: no layer is as low as that which it was made from
        assert share[k, k] == share[k].min() and share[k, k] < 0.5 * np.delete(share[k], k).min()
    for trace in frame.figures["Style cost"].data:
        assert trace.y[-1] < 0.05 * trace.y[0], trace.name
    frames = frame.figures["Cost left at each layer"].layout.shapes
    assert {(round(s.y0 + 0.45), round(s.x0 + 0.47)) for s in frames} == {
        tuple(at) for at in np.argwhere(chosen).tolist()
    }


def test_what_is_measured_is_the_definition() -> None:
    reader, style = textures(), read_in("waves", 48)
    noise = torch.rand(style.shape, generator=generator(0))
    found = measured(reader, style, [noise, style])
    for k, name in enumerate(reader.style):
        s, g = (reader.read(p[None], [name])[0][0] for p in (style, noise))
        torch.testing.assert_close(found[0, k], layer_style_cost(s / s.mean(), g / s.mean()), rtol=1e-4, atol=1e-8)
    assert (found[1] < 1e-6 * found[0]).all()
