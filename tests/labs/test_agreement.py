"""Measured on held-out sentences: LSTM and GRU carry the subject's number where the RNN is left with a guess."""

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from engine.data.sequences import FORMS, INDEX, WORDS, agreement
from engine.labs.sequence_models.agreement import GAPS, LAB, Agreement, built
from engine.seeding import generator


@pytest.fixture(scope="module")
def frame():
    return LAB.last_frame(Agreement())


def shares(frame, gap, held=400):
    """The share right of every network, by kind, on sentences of one gap that neither training nor the lab has seen."""
    rows, forms = agreement(held, gap, generator(99), held_out=True)
    found = {}
    for name, network in built(Agreement()).items():
        network.load_state_dict(frame.state[name])
        with torch.no_grad():
            said = network.logits(network(rows)[-1]).argmax(-1)
        found[name] = (said == forms[:, 0]).float().mean(1).numpy()
    return found


@pytest.mark.parametrize("gap", [6, 12, 19])
def test_gated_cells_know_the_number_where_the_rnn_guesses(frame, gap):
    found = shares(frame, gap)
    assert found["LSTM"].min() >= 0.9 and found["GRU"].min() >= 0.9, found
    assert found["RNN"].mean() <= 0.75, found


def test_they_carry_it_beyond_the_gaps_they_trained_on(frame):
    found = shares(frame, 35)
    assert found["LSTM"].mean() >= 0.9 and found["GRU"].mean() >= 0.9 and found["RNN"].mean() <= 0.75, found


def test_the_figure_holds_what_was_measured(frame):
    drawn = {trace.name: trace for trace in frame.figures["Right by gap"].data}
    assert list(drawn["LSTM"].x) == list(GAPS)
    inside = [i for i, gap in enumerate(GAPS) if 5 <= gap <= 20]
    assert f"{np.mean(drawn['RNN'].y[inside]):.0%} right" == frame.metrics["RNN"]
    assert (drawn["RNN"].customdata[:, 0] <= drawn["RNN"].y).all()


def test_along_the_sentence_is_the_mean_probability_of_pytorchs_own_lstm(frame):
    words = ["the", "dogs", "near", "the", "old", "teacher"]
    seen = LAB.seen(Agreement(sentence=" ".join(words)), frame)
    network = built(Agreement())["LSTM"]
    network.load_state_dict(frame.state["LSTM"])
    x = one_hot(torch.tensor([[INDEX[word] for word in words]]), len(WORDS)).float()
    chances = []
    for i in range(3):
        twin = torch.nn.LSTM(len(WORDS), 16, batch_first=True)
        twin.weight_ih_l0.data, twin.weight_hh_l0.data = network.inward.data[i].T, network.across.data[i].T
        twin.bias_ih_l0.data = network.bias.data[i, 0]
        twin.bias_hh_l0.data.zero_()
        logits = twin(x)[0][0] @ network.outward[i] + network.offset[i]
        chances.append(logits.softmax(-1)[:, FORMS.index("were")].detach())
    solid = next(t for t in seen.figures["Along the sentence"].data if t.name == "LSTM" and t.line.dash == "solid")
    np.testing.assert_allclose(solid.y, torch.stack(chances).mean(0).numpy(), atol=1e-5)
    assert solid.y[-1] > 0.9


def test_any_sentence_can_be_typed(frame):
    for text in ("", "was", "🐈", "القط", "<b>cat</b>", "the cat " * 30, "zzz"):
        seen = LAB.seen(Agreement(sentence=text), frame)
        assert seen.figures["Along the sentence"].data
    assert "left out: zzz" in seen.note


def test_short_gaps_in_training_teach_the_rnn_the_long_ones():
    drawn = {
        trace.name: trace
        for trace in LAB.last_frame(Agreement(**LAB.presets["Short gaps help"])).figures["Right by gap"].data
    }
    assert drawn["RNN"].y[-1] >= 0.9
