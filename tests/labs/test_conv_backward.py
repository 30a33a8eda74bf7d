"""The gradients of a convolution built window by window, against autograd."""

import re
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from engine.lab import Event
from engine.labs.cnns.conv_backward import LAB, ConvBackward, chosen_slide, layer
from engine.results.windows import GradientStep, gradient_steps

SETTINGS = [
    {"n": n, "f": f, "padding": p, "stride": s, "channels": c, "filters": k, "seed": n + f}
    for n, f, p, s, c, k in product(range(3, 7), range(1, 4), range(3), range(1, 4), (1, 2), (1, 2))
]


def theirs(params: ConvBackward) -> tuple[np.ndarray, ...]:
    """dA_prev, dW and db by automatic differentiation of PyTorch's own convolution."""
    x, w, dz = layer(params)
    x, w, b = x[None].requires_grad_(), w.requires_grad_(), torch.zeros(len(w), dtype=x.dtype, requires_grad=True)
    z = conv2d(x, w, b, stride=params.stride, padding=params.padding)
    return tuple(g.numpy() for g in torch.autograd.grad(z, (x, w, b), dz[None]))


def last_step(params: ConvBackward) -> GradientStep:
    x, w, dz = layer(params)
    (step,) = gradient_steps(x, w, dz, chosen_slide(params), range(dz.numel() - 1, dz.numel()))
    return step


def test_the_sums_equal_autograd_for_every_setting() -> None:
    assert len(SETTINGS) == 432
    for changed in SETTINGS:
        params, p = ConvBackward(**changed), changed["padding"]
        step, (dx, dw, db) = last_step(params), theirs(params)
        inner = step.dx[:, p : p + params.n, p : p + params.n]
        for ours, expected in ((inner, dx[0]), (step.dw, dw), (step.db, db)):
            np.testing.assert_allclose(ours, expected, atol=1e-9, err_msg=str(changed))


@pytest.mark.parametrize("changed", [{}, *LAB.presets.values()])
def test_every_step_adds_one_filter_at_one_window(changed: dict) -> None:
    params = ConvBackward(**changed)
    x, w, dz = (tensor.numpy() for tensor in layer(params))
    p, s, f = params.padding, params.stride, params.f
    wide = np.pad(x, ((0, 0), (p, p), (p, p)))
    dx, dw, db = np.zeros_like(wide), np.zeros_like(w), np.zeros(len(w))
    frames = LAB.frames(params)
    for i, j, k in np.ndindex(*dz.shape[1:], len(dz)):
        frame = next(frames)
        window = (slice(None), slice(i * s, i * s + f), slice(j * s, j * s + f))
        dx[window] += w[k] * dz[k, i, j]
        dw[k] += wide[window] * dz[k, i, j]
        db[k] += dz[k, i, j]
        for title, expected in (("dA_prev", dx[None]), ("dW", dw), ("db", db[None, :, None, None])):
            np.testing.assert_array_equal(numbers(frame.figures[title], expected.shape), expected, title)
        for title, left in (("Added to dA_prev", w[k]), ("Added to dW", wide[window])):
            cells = frame.figures[title].data[0]
            texts = [re.fullmatch(r"(\S+) × (\S+)", text) for row in cells.text for text in row if text]
            assert sorted((float(m[1]), float(m[2])) for m in texts) == sorted((v, dz[k, i, j]) for v in left.ravel())
        assert f"dz = {dz[k, i, j]:g}" in frame.says
    assert next(frames, None) is None
    for shown, expected in zip((dx[:, p : p + params.n, p : p + params.n][None], dw, db), theirs(params), strict=True):
        np.testing.assert_allclose(shown, expected, atol=1e-9)


def numbers(figure, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers written in the cells of panels, back in their shape (down, across, h, w)."""
    down, across, h, w = shape
    text = np.array(figure.data[0].text, dtype=object)
    panels = [[text[r * (h + 1) :, c * (w + 1) :][:h, :w] for c in range(across)] for r in range(down)]
    return np.array(panels).astype(float)


def test_what_falls_on_the_border_is_shown_without_colour() -> None:
    frame = LAB.last_frame(ConvBackward(f=3, padding=1))
    cells = frame.figures["dA_prev"].data[0]
    assert np.isnan(cells.z[0]).all() and np.isfinite(cells.z[1:5, 1:5]).all()
    assert any(text not in ("", "0") for text in cells.text[0]) and "dropped" in frame.note


def test_the_window_is_lit_in_every_channel_and_the_filter_in_its_row() -> None:
    params = ConvBackward(channels=2, filters=2, padding=1)
    for step, frame in enumerate(LAB.frames(params)):
        window, k = divmod(step, 2)
        box = chosen_slide(params).box(window)
        for title in ("A_prev", "dA_prev"):
            shapes = [s for s in frame.figures[title].layout.shapes if s.line.width == 3]
            assert [(s.y0 + 0.5, s.x0 + 0.5) for s in shapes] == [(box.top, box.left), (box.top, box.left + 7)]
        for title in ("W", "dW"):
            shapes = [s for s in frame.figures[title].layout.shapes if s.line.width == 3]
            assert [(s.y0 + 0.5, s.x0 + 0.5) for s in shapes] == [(3 * k, 0), (3 * k, 3)]


def click(params: ConvBackward, figure: str, row: float, column: float) -> int:
    return ConvBackward(**dict(params) | LAB.respond(params, Event("click", figure, x=column, y=row))).step


def test_a_click_goes_to_the_step() -> None:
    params = ConvBackward(filters=2, channels=2, step=18)
    assert click(params, "dZ", 1, 2) == 11 and click(params, "dZ", 1, 6) == 12
    assert click(params, "A_prev", 2, 5) == click(params, "dA_prev", 2, 0) == 7
    assert click(params, "dZ", 1, 3) == click(params, "dZ", 1, 8) == click(params, "W", 0, 0) == 18


def test_walks_stay_small_and_open_where_asked() -> None:
    params = ConvBackward(n=6, f=3, padding=2, channels=2, filters=2, step=70)
    frames = list(LAB.frames(params))
    assert frames[LAB.opens(params)].metrics["Step"] == "70 of 128"
    assert "46 to 93 of 128" in frames[0].note
    assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_000_000
    assert LAB.opens(ConvBackward(step=200)) == 8
