"""Recurrent cells and whole sequences, forward and backward, against torch.nn and autograd."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from engine.functional import recurrent as rec
from engine.functional import recurrent_weights as made
from engine.seeding import generator

SHAPES = {"m": st.integers(1, 4), "T": st.integers(1, 7), "n_x": st.integers(1, 5), "n": st.integers(1, 6)}
CLOSE = {"rtol": 1e-9, "atol": 1e-9}
shapes = settings(deadline=None, max_examples=30)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, 7), dtype=torch.float64)


def moved(weights: Any, seed: int = 1) -> Any:
    """Weights with biases that are not zero, ready for autograd."""
    draws = generator(seed, 8)
    return type(weights)(
        *(
            w if w is None else (w + 0.3 * torch.randn(w.shape, generator=draws).double()).requires_grad_()
            for w in weights
        )
    )


def gru_after(n_x: int, n: int) -> made.GruWeights:
    return made.initialize_gru(n_x, n, generator(0))._replace(bh=numbers(n, seed=9))


MAKERS: dict[str, Callable[[int, int], Any]] = {
    "rnn": lambda n_x, n: made.initialize_rnn(n_x, n, generator(0)),
    "gru": lambda n_x, n: made.initialize_gru(n_x, n, generator(0)),
    "gru simplified": lambda n_x, n: made.initialize_gru(n_x, n, generator(0), simplified=True),
    "gru of PyTorch": gru_after,
    "lstm": lambda n_x, n: made.initialize_lstm(n_x, n, generator(0)),
    "lstm with peepholes": lambda n_x, n: made.initialize_lstm(n_x, n, generator(0), peephole=True),
}


def run(weights: Any, x: Tensor, start: Tensor, c0: Tensor) -> tuple[Tensor, Any]:
    """The output (m, T, n) and the states."""
    if isinstance(weights, made.RnnWeights):
        states: Any = rec.rnn_forward(weights, x, start)
        return states, states
    if isinstance(weights, made.GruWeights):
        states = rec.gru_forward(weights, x, start)
        return states.c, states
    states = rec.lstm_forward(weights, x, start, c0)
    return states.a, states


@shapes
@given(**SHAPES)
def test_the_rnn_is_torchs(m: int, T: int, n_x: int, n: int) -> None:
    module = nn.RNN(n_x, n, batch_first=True, dtype=torch.float64)
    check_module(module, made.from_torch(module), numbers(m, T, n_x), numbers(m, n, seed=1))


@shapes
@given(**SHAPES)
def test_the_gru_of_pytorch_is_torchs(m: int, T: int, n_x: int, n: int) -> None:
    module = nn.GRU(n_x, n, batch_first=True, dtype=torch.float64)
    check_module(module, made.from_torch(module), numbers(m, T, n_x), numbers(m, n, seed=1))


@shapes
@given(**SHAPES)
def test_the_lstm_is_torchs(m: int, T: int, n_x: int, n: int) -> None:
    module = nn.LSTM(n_x, n, batch_first=True, dtype=torch.float64)
    check_module(module, made.from_torch(module), numbers(m, T, n_x), numbers(m, n, seed=1))


def check_module(module: Any, weights: Any, x: Tensor, start: Tensor) -> None:
    """Outputs, and the gradients of a random loss by x and the first state, are those of the PyTorch module."""
    c0 = start.flip(1)
    leaves = [v.clone().requires_grad_() for v in ((x, start, c0) if isinstance(module, nn.LSTM) else (x, start))]
    state = tuple(v[None] for v in leaves[1:])
    theirs, _ = module(leaves[0], state if isinstance(module, nn.LSTM) else state[0])
    mine, states = run(weights, x, start, c0)
    torch.testing.assert_close(mine, theirs, **CLOSE)
    grad = numbers(*mine.shape, seed=2)
    parameters = [module.weight_ih_l0, module.weight_hh_l0]
    *expected, dW_ih, dW_hh = torch.autograd.grad(theirs, leaves + parameters, grad)
    got = backward(weights, x, states, grad, start, c0)
    for ours, torchs in zip((got.x, *got[len(got) - len(leaves) + 1 :]), expected, strict=True):
        torch.testing.assert_close(ours, torchs, **CLOSE)
    dW = in_torchs_order(got.weights)
    torch.testing.assert_close(dW, torch.cat([dW_hh, dW_ih], 1), **CLOSE)


def in_torchs_order(grads: Any) -> Tensor:
    if isinstance(grads, made.RnnWeights):
        return torch.cat([grads.Waa, grads.Wax], 1)
    if isinstance(grads, made.GruWeights):
        return torch.cat([grads.Wr, -grads.Wu, grads.Wc])
    return torch.cat([grads.Wu, grads.Wf, grads.Wc, grads.Wo])


def backward(weights: Any, x: Tensor, states: Any, grad: Tensor, start: Tensor, c0: Tensor) -> Any:
    if isinstance(weights, made.RnnWeights):
        return rec.rnn_backward(weights, x, states, grad, start)
    if isinstance(weights, made.GruWeights):
        return rec.gru_backward(weights, x, states, grad, start)
    return rec.lstm_backward(weights, x, states, grad, start, c0)


@pytest.mark.parametrize("kind", MAKERS)
@shapes
@given(**SHAPES)
def test_backpropagation_through_time_is_autograds(kind: str, m: int, T: int, n_x: int, n: int) -> None:
    weights = moved(MAKERS[kind](n_x, n))
    x, start, c0 = (v.requires_grad_() for v in (numbers(m, T, n_x), numbers(m, n, seed=1), numbers(m, n, seed=3)))
    out, states = run(weights, x, start, c0)
    lstm = isinstance(weights, made.LstmWeights)
    inputs = [w for w in weights if w is not None] + [x, start] + ([c0] if lstm else [])
    grad = numbers(m, T, n, seed=2)
    expected = torch.autograd.grad(out, inputs, grad)
    with torch.no_grad():
        got = backward(weights, x, states, grad, start, c0)
    starts = (got.a0, got.c0) if lstm else (got[-1],)
    mine = [w for w in got.weights if w is not None] + [got.x, *starts]
    for ours, theirs in zip(mine, expected, strict=True):
        torch.testing.assert_close(ours, theirs, **CLOSE)


@pytest.mark.parametrize("kind", MAKERS)
def test_what_reaches_each_step_is_autograds(kind: str) -> None:
    """A change of a state at step t by its edit is autograd's leaf there: dJ/da<t> with all later paths."""
    m, T, n_x, n = 2, 6, 3, 4
    weights, x, grad = MAKERS[kind](n_x, n), numbers(m, T, n_x), numbers(m, T, n, seed=2)
    nothing = torch.zeros(m, n, dtype=torch.float64)
    out, states = run(weights, x, nothing, nothing)
    got = backward(weights, x, states, grad, nothing, nothing)
    forward = {made.RnnWeights: rec.rnn_forward, made.GruWeights: rec.gru_forward, made.LstmWeights: rec.lstm_forward}
    names = {made.RnnWeights: ("a",), made.GruWeights: ("c",), made.LstmWeights: ("a", "c")}[type(weights)]
    for t in range(T):
        for name in names:
            state = states if name == "a" and isinstance(states, Tensor) else getattr(states, name)
            leaf = state[:, t].clone().requires_grad_()
            again: Any = forward[type(weights)](weights, x, edits={t: {name: leaf}})
            again = again if isinstance(again, Tensor) else again[-1]
            torch.testing.assert_close(again, out, **CLOSE)
            [expected] = torch.autograd.grad(again, leaf, grad)
            torch.testing.assert_close(getattr(got, name)[:, t], expected, **CLOSE)


def test_peepholes_and_relevance_change_the_result() -> None:
    x, nothing = numbers(2, 5, 3), torch.zeros(2, 4, dtype=torch.float64)
    for kind in ("gru", "lstm with peepholes"):
        weights = MAKERS[kind](3, 4)
        less = weights._replace(**({"Wr": None, "br": None} if kind == "gru" else {"pu": None, "pf": None, "po": None}))
        assert (run(weights, x, nothing, nothing)[0] - run(less, x, nothing, nothing)[0]).abs().max() > 0.01


def test_the_courses_gru_written_out_with_numbers() -> None:
    weights = made.GruWeights(
        *(torch.tensor(v, dtype=torch.float64) for v in ([[0.5, 1.0]], [0.1], [[1.0, -1.0]], [0.2]))
    )
    x, c = (torch.tensor([[v]], dtype=torch.float64) for v in (2.0, 0.4))
    step = rec.gru_cell(weights, x, c)
    update = 1 / (1 + torch.tensor(1.4, dtype=torch.float64).exp())  # 0.4 - 2 + 0.2 = -1.4
    candidate = torch.tensor(2.3, dtype=torch.float64).tanh()  # 0.2 + 2 + 0.1 = 2.3
    torch.testing.assert_close(step.c[0, 0], update * candidate + (1 - update) * 0.4, **CLOSE)


@pytest.mark.parametrize("kind", MAKERS)
def test_edits_change_their_step_and_what_comes_later_only(kind: str) -> None:
    weights, x, n, t = MAKERS[kind](3, 4), numbers(1, 6, 3), 4, 2
    forward = {made.RnnWeights: rec.rnn_forward, made.GruWeights: rec.gru_forward, made.LstmWeights: rec.lstm_forward}
    plain: Any = forward[type(weights)](weights, x)
    fields = plain._fields if hasattr(plain, "_fields") else ("a",)
    new = torch.full((1, n), float("nan"), dtype=torch.float64)
    new[0, 1] = 0.25
    for name in fields:
        if kind == "gru simplified" and name == "relevance":
            continue
        edited: Any = forward[type(weights)](weights, x, edits={t: {name: new}})
        before, after = (
            dict(zip(fields, v, strict=True)) if hasattr(v, "_fields") else {"a": v} for v in (plain, edited)
        )
        assert after[name][0, t, 1] == 0.25
        assert torch.equal(after[name][0, t, [0, 2, 3]], before[name][0, t, [0, 2, 3]])
        last = fields[-1]
        assert torch.equal(after[last][:, :t], before[last][:, :t])
        assert not torch.equal(after[last][:, t + 1 :], before[last][:, t + 1 :])


@pytest.mark.parametrize("kind", MAKERS)
def test_networks_side_by_side_are_networks_alone(kind: str) -> None:
    one = MAKERS[kind](3, 4)
    two = type(one)(*(w if w is None else 0.5 * w for w in one))
    both = type(one)(*(w if w is None else torch.stack([w, v]) for w, v in zip(one, two, strict=True)))
    x, grad, nothing = numbers(2, 5, 3), numbers(2, 5, 4), torch.zeros(2, 4).double()
    together, states = run(both, x, torch.zeros(2, 2, 4).double(), torch.zeros(2, 2, 4).double())
    backs = backward(both, x, states, grad, torch.zeros(2, 2, 4).double(), torch.zeros(2, 2, 4).double())
    for i, weights in enumerate((one, two)):
        alone, states = run(weights, x, nothing, nothing)
        torch.testing.assert_close(together[i], alone, **CLOSE)
        back = backward(weights, x, states, grad, nothing, nothing)
        for a, b in zip(chain(back.weights, back[1:]), chain(backs.weights, backs[1:]), strict=True):
            assert a is b is None or torch.allclose(a, b[i], rtol=1e-9, atol=1e-9)


def test_states_start_at_zero() -> None:
    for kind, make in MAKERS.items():
        weights, x, nothing = make(3, 4), numbers(2, 5, 3), torch.zeros(2, 4).double()
        forward = {
            made.RnnWeights: rec.rnn_forward,
            made.GruWeights: rec.gru_forward,
            made.LstmWeights: rec.lstm_forward,
        }
        started: Any = forward[type(weights)](weights, x)
        started = started if isinstance(started, Tensor) else started[-1]
        torch.testing.assert_close(started, run(weights, x, nothing, nothing)[0], msg=kind)


def test_peepholes_are_the_papers_unit_by_unit() -> None:
    """Gers and Schmidhuber 2000 in plain loops: input and forget gate see the old memory, the output gate the new one."""
    weights, x = moved(MAKERS["lstm with peepholes"](3, 4)), numbers(1, 5, 3)
    got = rec.lstm_forward(weights, x)
    w = {name: value.tolist() for name, value in weights._asdict().items()}
    a, c = [0.0] * 4, [0.0] * 4
    for t, now in enumerate(x[0].tolist()):
        both, old, new = a + now, c, []
        z = {
            g: [sum(p * q for p, q in zip(w[f"W{g}"][i], both, strict=True)) + w[f"b{g}"][i] for i in range(4)]
            for g in "cufo"
        }
        for i in range(4):
            update, forget = (1 / (1 + math.exp(-z[g][i] - w[f"p{g}"][i] * old[i])) for g in "uf")
            new.append(update * math.tanh(z["c"][i]) + forget * old[i])
        c = new
        a = [math.tanh(c[i]) / (1 + math.exp(-z["o"][i] - w["po"][i] * c[i])) for i in range(4)]
        torch.testing.assert_close(got.c[0, t], torch.tensor(c).double(), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(got.a[0, t], torch.tensor(a).double(), rtol=1e-6, atol=1e-6)
