"""Gram matrices of a picture: F^T F, symmetric, positive semidefinite; an entry is the sum of a product of two maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.lab import Event
from engine.labs.style_transfer._reading import read_in
from engine.labs.style_transfer.gram import LAB, MOST, Gram, transposed
from engine.models.styling import textures


def features(params: Gram, layer: str) -> np.ndarray:
    with torch.no_grad():
        return textures().read(read_in(params.picture, params.side)[None], [layer])[0][0].double().numpy()


@pytest.mark.parametrize("picture", ["brush-strokes", "photo-china"])
def test_the_matrices_drawn_are_f_transposed_f_symmetric_and_positive_semidefinite(picture: str) -> None:
    params = Gram(picture=picture)
    frame = LAB.last_frame(params)
    for layer in textures().style:
        a = features(params, layer)
        f = a.reshape(len(a), -1).T  # HW x C
        whole = f.T @ f / len(f)
        z = np.asarray(frame.figures[f"Gram matrix, {layer}"].data[0].z, float)
        assert z.shape == (min(MOST, len(a)),) * 2 and (z == z.T).all()
        assert np.linalg.eigvalsh(z).min() > -1e-5 * np.trace(z)
        strongest = np.sort(np.argsort(-whole.diagonal(), kind="stable")[: len(z)])
        if f"relu{params.layer}" != layer:
            np.testing.assert_allclose(z, whole[np.ix_(strongest, strongest)], rtol=1e-4, atol=1e-6 * whole.max())


def test_an_entry_is_the_sum_of_the_product_of_two_maps() -> None:
    params = Gram(layer="3_1", first=12, second=77)
    frame = LAB.last_frame(params)
    a = features(params, "relu3_1")
    product = a[11] * a[76]
    assert float(frame.metrics["Entry of G"]) == pytest.approx(product.sum(), rel=1e-3)
    assert frame.metrics["Entry of G"] == frame.metrics["Sum of the product"]
    cosine = product.sum() / np.linalg.norm(a[11]) / np.linalg.norm(a[76])
    assert float(frame.metrics["Cosine"]) == pytest.approx(cosine, abs=0.006)


@pytest.mark.parametrize("name", ["1_1", "2_1", "3_1"])
def test_a_click_opens_the_entry_that_was_clicked(name: str) -> None:
    title, params = f"Gram matrix, relu{name}", Gram()
    z = np.asarray(LAB.last_frame(params).figures[title].data[0].z, float)
    row, column = 5, 21
    clicked = params.model_copy(update=dict(LAB.respond(params, Event("click", title, column, row))))
    frame = LAB.last_frame(clicked)
    places = features(clicked, f"relu{name}")[0].size
    assert clicked.layer == name
    assert float(frame.metrics["Entry of G"]) == pytest.approx(z[row, column] * places, rel=2e-3, abs=1e-2)


def test_channels_beyond_the_layer_are_its_last() -> None:
    assert "channels 32 and 32" in LAB.last_frame(Gram(layer="1_1", first=512, second=400)).says
    assert "In relu3_1" in LAB.last_frame(Gram(layer="5_1")).says


def test_the_erratum_has_both_shapes_and_one_trace() -> None:
    both = transposed(Gram())
    assert "F Fᵀ: 256 x 256" in both.wrong and "Fᵀ F: 64 x 64" in both.right
