"""The lab of backpropagation through time: what it draws is autograd's, and vanishes and explodes as it should."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from engine.functional.recurrent import rnn_cell, rnn_forward
from engine.lab import Event
from engine.labs.sequence_models import bptt
from engine.labs.sequence_models.bptt import LAB, Bptt, exactly, reaching, stretched, way_back


@pytest.mark.parametrize(
    "changed", [{}, {"scale": 4.0, "loss": "every"}, {"units": 3, "length": 6}, {"length": 2, "units": 1}]
)
def test_what_reaches_each_step_is_autograds(changed) -> None:
    params = Bptt(**changed)
    way = way_back(params)
    a, states, cost = torch.zeros_like(way.a[:, 0]), [], 0
    for x, grad in zip(way.x.unbind(1), way.grad.unbind(1), strict=True):
        a = rnn_cell(way.weights, x, a).requires_grad_()
        states.append(a)
        cost = cost + (a * grad).sum()
    expected = torch.stack([d[0].norm() for d in torch.autograd.grad(cost, states)])
    drawn = next(LAB.frames(params)).figures["Gradient that reaches each step"].data[0].y
    assert np.allclose(np.asarray(drawn), expected.numpy(), rtol=1e-5, equal_nan=True)
    assert torch.allclose(way.back.a[0].norm(dim=-1), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_gated_cells_pass_on_what_torchs_do(cell: str) -> None:
    """dJ/dc<t> by autograd through PyTorch's LSTM cell, and through the course's formulas of the GRU."""
    params = Bptt(length=5, units=3)
    way = way_back(params)
    _, gru, lstm = bptt.cells(params, way.x.shape[-1], exactly(params.scale))
    found = reaching(params, way.x, way.grad, exactly(params.scale))[cell]
    x, n = way.x[0], params.units
    for t in range(1, 6):
        if cell == "GRU":
            c = leaf = torch.zeros(n).double()
            for step in range(5):
                update = torch.sigmoid(gru.Wu @ torch.cat([c, x[step]]) + gru.bu)
                relevance = torch.sigmoid(gru.Wr @ torch.cat([c, x[step]]) + gru.br)
                c = update * torch.tanh(gru.Wc @ torch.cat([relevance * c, x[step]])) + (1 - update) * c
                leaf = c.requires_grad_() if step == t - 1 else leaf
            (expected,) = torch.autograd.grad((c * way.grad[0, -1]).sum(), leaf)
        else:
            module = torch.nn.LSTMCell(x.shape[-1], n, dtype=torch.float64)
            W = torch.cat([lstm.Wu, lstm.Wf, lstm.Wc, lstm.Wo])
            with torch.no_grad():
                module.weight_hh.copy_(W[:, :n])
                module.weight_ih.copy_(W[:, n:])
                module.bias_ih.copy_(torch.cat([lstm.bu, lstm.bf, lstm.bc, lstm.bo]))
                module.bias_hh.zero_()
            h, c = torch.zeros(n).double(), torch.zeros(n).double()
            for step in range(5):
                h_new, c = module(x[step], (h, c))
                if step == t - 1:
                    leaf = c.detach().requires_grad_()
                    both = torch.cat([h, x[step]])
                    h_new, c = torch.sigmoid(lstm.Wo @ both + lstm.bo).detach() * torch.tanh(leaf), leaf
                h = h_new
            (expected,) = torch.autograd.grad((h * way.grad[0, -1]).sum(), leaf)
        assert float(found[t - 1]) == pytest.approx(float(expected.norm()), rel=1e-9)


def test_the_weights_gradient_so_far_ends_as_autograds() -> None:
    params = Bptt(units=4, length=9)
    way, frames = way_back(params), list(LAB.frames(params))
    W = way.weights.Waa.clone().requires_grad_()
    cost = (rnn_forward(way.weights._replace(Waa=W), way.x) * way.grad).sum()
    (expected,) = torch.autograd.grad(cost, W)
    drawn = np.asarray(frames[-1].figures["dJ/dWaa so far"].data[0].z)
    assert np.allclose(drawn, expected.numpy(), atol=1e-6)
    assert torch.allclose(bptt.by_autograd(way), expected, rtol=1e-12)
    assert all(float(frame.metrics["dJ/dWaa off autograd's"]) < 1e-12 for frame in frames)
    assert not np.allclose(np.asarray(frames[3].figures["dJ/dWaa so far"].data[0].z), expected.numpy(), atol=1e-3)


def test_one_step_back_hands_on_the_next_steps_gradient() -> None:
    frames = list(LAB.frames(Bptt(units=4, length=6, loss="every")))
    sheets = [np.asarray(frame.figures["One step back"].data[0].z)[:, ::2].T for frame in frames]
    for sheet, earlier in pairwise(sheets):
        own, later, da, slope, dz, handed = sheet
        assert np.allclose(own + later, da, atol=1e-6) and np.allclose(da * slope, dz, atol=1e-6)
        assert np.allclose(handed, earlier[1], atol=1e-6)
    assert np.abs(sheets[0][1]).max() == 0


def ratios(**changed) -> dict[str, float]:
    """By cell, the geometric mean over seeds of the gradient at the first step over that at the last."""
    logs = []
    for seed in range(3):
        params = Bptt(seed=seed, **changed)
        way = way_back(params)
        sizes = reaching(params, way.x, way.grad, exactly(params.scale))
        logs.append([float(torch.log(size[0] / size[-1])) for size in sizes.values()])
    return dict(zip(sizes, np.exp(np.mean(logs, 0)), strict=True))


def test_it_vanishes_and_explodes_by_scale_and_length() -> None:
    low, high = ratios(scale=1.0, keep=4.0), ratios(scale=4.0)
    assert low["RNN"] < 1e-2 and high["RNN"] > 10
    assert ratios(scale=1.0, length=40)["RNN"] < 0.1 * low["RNN"]
    assert ratios(scale=4.0, length=40)["RNN"] > 10 * high["RNN"]
    closed = ratios(keep=0.0)
    for cell in ("GRU", "LSTM"):
        assert low[cell] > 30 * low["RNN"] and low[cell] > 10 * closed[cell]


def test_the_scales_drawn_are_single_runs() -> None:
    params = Bptt(length=8, units=5)
    way = way_back(params)
    curves = next(LAB.frames(params)).figures["By the scale of the weights"].data
    for i, s in ((2, 0.5), (6, 2.0)):
        alone = reaching(params, way.x, way.grad, exactly(float(bptt.SCALES[i])))
        assert float(bptt.SCALES[i]) == pytest.approx(s)
        for curve in curves:
            size = alone[curve.name]
            assert float(curve.y[i]) == pytest.approx(float(size[0] / size[-1]), rel=2e-3)


def test_sentences_are_brought_to_length() -> None:
    words = ["cats", "which", "ate", "were"]
    assert stretched(words, 4) == words and stretched(words, 2) == ["cats", "were"]
    assert stretched(words, 8) == ["cats", "which", "ate", "ate", "ate", "ate", "ate", "were"]
    for given in (["a"], ["a", "b"], ["a", "b", "c"]):
        for length in range(2, 12):
            found = stretched(given, length)
            assert len(found) == length and found[-1] == given[-1]


def test_it_walks_back_from_the_last_step() -> None:
    frames = list(LAB.frames(Bptt(length=7)))
    assert [frame.figures["Gradient that reaches each step"].layout.meta["step"] for frame in frames] == [
        7,
        6,
        5,
        4,
        3,
        2,
        1,
    ]
    assert [LAB.opens(Bptt(length=7, step=step)) for step in (1, 5, 40)] == [6, 2, 0]


def test_a_click_goes_to_the_step_or_takes_the_scale() -> None:
    params = Bptt()
    assert LAB.respond(params, Event("click", "Gradient that reaches each step", x=3.2)) == {"step": 3}
    assert LAB.respond(params, Event("click", "By the scale of the weights", x=2.0)) == {"scale": 2.0}
    assert LAB.respond(params, Event("click", "Gradient that reaches each step", x=33)) == {}


def test_the_longest_walk_stays_small() -> None:
    frames = LAB.frames(Bptt(length=48, units=32))
    assert sum(len(figure.to_json(validate=False)) for f in frames for figure in f.figures.values()) < 1_000_000
