"""The LSTM equals torch.nn.LSTM, remembers where the RNN can't, and forgets when its gate is overwritten."""

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from engine.data.sequences import NAMES, TOLD, remember
from engine.functional.recurrent import lstm_forward
from engine.lab import Event
from engine.labs.sequence_models.lstm import LAB, Lstm, built, first_lstm, read_twice
from engine.seeding import generator


@pytest.fixture(scope="module")
def frame():
    return LAB.last_frame(Lstm())


def loaded(params, frame):
    network = built(params)["LSTM"]
    network.load_state_dict(frame.state)
    return network


def test_gates_and_states_equal_torch_nn_lstm(frame):
    """Hidden states, last memory and answers, with the trained weights, to 1e-5."""
    network = loaded(Lstm(), frame)
    rows, _ = remember(6, 12, generator(3))
    x = one_hot(rows, len(TOLD)).float()
    states = lstm_forward(first_lstm(network), x)
    twin = nn.LSTM(len(TOLD), 10, batch_first=True)
    twin.weight_ih_l0.data, twin.weight_hh_l0.data = network.inward.data[0].T, network.across.data[0].T
    twin.bias_ih_l0.data = network.bias.data[0, 0]
    twin.bias_hh_l0.data.zero_()
    a, (_, c) = twin(x)
    torch.testing.assert_close(states.a, a.detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(states.c[:, -1], c[0].detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(network(rows)[:, 0].transpose(0, 1).detach(), a.detach(), rtol=0, atol=1e-5)


def test_peepholes_are_the_same_written_out_and_in_training():
    network = built(Lstm(peephole=True))["LSTM"]
    network.peeps.data = torch.randn(network.peeps.shape, generator=generator(4))
    rows, _ = remember(6, 12, generator(3))
    states = lstm_forward(first_lstm(network), one_hot(rows, len(TOLD)).float())
    torch.testing.assert_close(network(rows)[:, 0].transpose(0, 1).detach(), states.a, rtol=0, atol=1e-5)
    without = lstm_forward(first_lstm(network)._replace(pu=None, pf=None, po=None), one_hot(rows, len(TOLD)).float())
    assert float((without.a - states.a).abs().max()) > 0.01


def test_it_remembers_over_a_gap_where_the_rnn_guesses(frame):
    share = {name: float(frame.metrics[name].split("%")[0]) / 100 for name in ("RNN", "GRU", "LSTM")}
    assert share["LSTM"] >= 0.9 and share["GRU"] >= 0.9 and share["RNN"] <= 0.5, share
    rows, told = remember(400, 22, generator(98))
    with torch.no_grad():
        said = loaded(Lstm(), frame)
        right = (said.logits(said(rows)[-1]).argmax(-1) == told[:, 0]).float().mean(1)
    assert float(right.mean()) >= 0.9


def test_overwriting_changes_only_what_comes_later(frame):
    reading = read_twice(Lstm(), frame.state)
    plain, changed = reading.states
    at = Lstm().step - 1
    assert torch.equal(plain.c[:, :at], changed.c[:, :at]) and not changed.c[:, at : at + 1].any()
    untouched, overwritten = (float(chance[NAMES.index("finn")]) for chance in reading.chances)
    assert untouched > 0.9 and overwritten < 0.5
    closed = read_twice(Lstm(gate="forget"), frame.state).states[1]
    torch.testing.assert_close(closed.c[:, at], closed.update[:, at] * closed.candidate[:, at])
    kept = read_twice(Lstm(gate="none"), frame.state)
    assert torch.equal(*kept.chances)


def test_views_take_any_sentence_and_a_click(frame):
    for text in ("", "who", "🐈 שלום", "Ada " * 80, "<i>zoe</i>"):
        seen = LAB.seen(Lstm(text=text, step=40), frame)
        assert seen.figures["Who?"].data and seen.metrics["LSTM → overwritten"]
    assert "zoe" in seen.note
    assert LAB.respond(Lstm(), Event("click", "Untouched: gates and memory", 3.2)) == {"step": 3}
