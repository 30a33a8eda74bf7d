"""The recurrent cell's lab: what it draws is torch.nn.RNN's, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import BadInput
from engine.labs.sequence_models import rnn_cell
from engine.labs.sequence_models.rnn_cell import LAB, RnnCell, read


def module_of(params: RnnCell) -> nn.RNN:
    """PyTorch's RNN with the lab's weights."""
    weights = read(params).weights
    module = nn.RNN(weights.Wax.shape[1], len(weights.ba), batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        module.weight_ih_l0.copy_(weights.Wax)
        module.weight_hh_l0.copy_(weights.Waa)
        module.bias_ih_l0.copy_(weights.ba)
        module.bias_hh_l0.zero_()
    return module


def states(frame, title: str) -> np.ndarray:
    return np.asarray(frame.figures[title].data[0].z).T


@pytest.mark.parametrize(
    "changed",
    [{}, {"text": "mississippi", "units": 7, "scale": 2.0}, {"level": "words", "text": "a b a"}, {"units": 1}],
)
def test_the_states_are_torchs(changed) -> None:
    params = RnnCell(**changed)
    with torch.no_grad():
        expected, _ = module_of(params)(read(params).x)
    assert np.abs(read(params).plain.numpy() - expected[0].numpy()).max() < 1e-12
    assert np.abs(states(LAB.last_frame(params), "Untouched") - expected[0].numpy()).max() < 1e-6


def test_each_step_written_out_is_its_own_arithmetic() -> None:
    params = RnnCell(edit_step=0)
    reading = read(params)
    z, y = reading.outputs(reading.plain)
    for t, frame in enumerate(LAB.frames(params), 1):
        sheet = np.asarray(frame.figures["New state: a = tanh(z)"].data[0].z)
        past, now, bias, total, new = sheet[:, ::2].T
        before = reading.plain[t - 2] if t > 1 else torch.zeros(4).double()
        assert np.abs(past - (reading.weights.Waa @ before).numpy()).max() < 1e-6
        assert np.abs(past + now + bias - total).max() < 1e-6 and np.abs(np.tanh(total) - new).max() < 1e-6
        out = np.asarray(frame.figures["Output: ŷ = softmax(z)"].data[0].z)
        assert np.abs(out[:3, -1] - torch.softmax(z[t - 1], 0).numpy()).max() < 1e-6
        assert frame.progress == t / 6
    assert torch.allclose(y.sum(1), torch.ones(6).double())


def test_the_same_letter_meets_another_state() -> None:
    reading = read(RnnCell())
    second, fourth = reading.plain[1], reading.plain[3]
    assert torch.equal(reading.x[0, 1], reading.x[0, 3]) and (second - fourth).abs().max() > 0.1
    alone = read(RnnCell(scale=0.0))
    assert torch.equal(alone.plain[1], alone.plain[3])


def test_the_fitted_output_names_the_next_letter() -> None:
    reading = read(RnnCell())
    _, y = reading.outputs(reading.plain)
    assert [reading.vocabulary[i] for i in y[:-1].argmax(1)] == list("anana")


def test_overwriting_changes_that_step_and_the_later_ones() -> None:
    reading = read(RnnCell(edit_step=3, edit_unit=2, edit_value=0.5))
    assert reading.edited[2, 1] == 0.5
    changed = (reading.edited - reading.plain).abs()
    assert changed[:2].max() == 0 and changed[2, [0, 2, 3]].max() == 0
    assert (changed[3:].amax(1) > 0).all()
    every = read(RnnCell(edit_step=3, edit_unit=0, edit_value=0.25))
    assert (every.edited[2] == 0.25).all()
    frames = list(LAB.frames(RnnCell(edit_step=3)))
    assert frames[1].metrics["Change by overwriting"] == "0.000" != frames[2].metrics["Change by overwriting"]


def test_overwriting_outside_the_text_says_so() -> None:
    for changed in ({"edit_step": 9}, {"edit_unit": 7}):
        frame = LAB.last_frame(RnnCell(**changed))
        assert "outside" in frame.note and frame.metrics["Change by overwriting"] == "0.000"
    assert not LAB.last_frame(RnnCell(edit_step=0)).note


def test_it_opens_at_the_step_or_the_last() -> None:
    assert [LAB.opens(RnnCell(step=step)) for step in (1, 4, 30)] == [0, 3, 5]


@pytest.mark.parametrize(
    "text", ["a", "😀👨‍👩‍👧🇨🇿", "שלום עולם", "<b>&lt;", " ", "a\tb\x07\x00", "ﷺ" * 120, "abc" * 40]
)
def test_any_text_is_read(text: str) -> None:
    params = RnnCell(text=text)
    frames = list(LAB.frames(params))
    assert 1 <= len(frames) == min(32, len(text))
    ticks = frames[-1].figures["Untouched"].layout.xaxis.ticktext
    assert all("<" not in tick and " " not in tick for tick in ticks)
    assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_200_000


def test_no_text_is_one_sentence() -> None:
    for changed in ({"text": ""}, {"text": "  ", "level": "words"}):
        with pytest.raises(BadInput, match="at least one"):
            LAB.last_frame(RnnCell(**changed))


def test_the_erratum_forgets_the_first_token() -> None:
    mistake = rnn_cell.same_step(RnnCell())
    assert "by 0." in mistake.wrong and mistake.wrong.endswith("by 0.")
    assert float(mistake.right.split("state by ")[1].split(",")[0]) > 0.01
