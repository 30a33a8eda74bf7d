"""Recurrent cells written out, one step or a whole sequence at a time, forward and backward through time.

Batch first: x is (..., m, T, n_x), states are (..., m, n) at one step and (..., m, T, n) for all of them; step t of the
course is index t - 1. Weights are those of recurrent_weights.py. Leading dimensions hold networks of one shape side by
side. A state that isn't given starts at zero.

``edits`` overwrite what a step computes, by the name of the gate or state, NaN where a number stays: ``{"update": u}`` for
a cell, ``{t: {"update": u}}`` by index for a sequence. What comes later sees the new numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from engine.functional.activations import sigmoid, tanh
from engine.functional.recurrent_weights import GruWeights, LstmWeights, RnnWeights, halves

Edits = Mapping[str, Tensor]
NONE: Edits = {}


class GruStates(NamedTuple):
    """What a GRU computes, each (..., m, n_c) at one step, (..., m, T, n_c) for a sequence: Γr (all ones if simplified),
    the candidate c~, Γu, and the memory c, which is also the output a.
    """

    relevance: Tensor
    candidate: Tensor
    update: Tensor
    c: Tensor


class LstmStates(NamedTuple):
    """What an LSTM computes, each (..., m, n_a) at one step, (..., m, T, n_a) for a sequence: the candidate c~, Γu, Γf, Γo,
    the memory c and the output a.
    """

    candidate: Tensor
    update: Tensor
    forget: Tensor
    output: Tensor
    c: Tensor
    a: Tensor


class RnnGradients(NamedTuple):
    """dJ by the weights, by x (..., m, T, n_x), by every a<t> (..., m, T, n_a) with all later paths, and by a<0>."""

    weights: RnnWeights
    x: Tensor
    a: Tensor
    a0: Tensor


class GruGradients(NamedTuple):
    """dJ by the weights, by x (..., m, T, n_x), by every c<t> (..., m, T, n_c) with all later paths, and by c<0>."""

    weights: GruWeights
    x: Tensor
    c: Tensor
    c0: Tensor


class LstmGradients(NamedTuple):
    """dJ by the weights, by x (..., m, T, n_x), by every a<t> and c<t> (..., m, T, n_a) with all later paths, and by a<0>
    and c<0>.
    """

    weights: LstmWeights
    x: Tensor
    a: Tensor
    c: Tensor
    a0: Tensor
    c0: Tensor


Weights = TypeVar("Weights", RnnWeights, GruWeights, LstmWeights)


def rnn_cell(weights: RnnWeights, x: Tensor, a_prev: Tensor, edits: Edits = NONE) -> Tensor:
    """a<t> = tanh(Waa a<t-1> + Wax x<t> + ba): x (..., m, n_x), a_prev (..., m, n_a), the result like a_prev."""
    a = tanh(a_prev @ weights.Waa.mT + x @ weights.Wax.mT + weights.ba.unsqueeze(-2))
    return _edited(edits, "a", a)


def gru_cell(weights: GruWeights, x: Tensor, c_prev: Tensor, edits: Edits = NONE) -> GruStates:
    """c<t> = Γu * c~ + (1 - Γu) * c<t-1>: x (..., m, n_x), c_prev (..., m, n_c).

    Γu = σ(Wu [c<t-1>, x<t>] + bu), Γr likewise, c~ = tanh(Wc [Γr * c<t-1>, x<t>] + bc). Cho et al. 2014, section 2.3,
    whose z is 1 - Γu.
    """
    both = _stacked(c_prev, x)
    update = _edited(edits, "update", sigmoid(_linear(both, weights.Wu, weights.bu)))
    relevance = torch.ones_like(c_prev)
    if weights.Wr is not None and weights.br is not None:
        relevance = sigmoid(_linear(both, weights.Wr, weights.br))
    relevance = _edited(edits, "relevance", relevance)
    if weights.bh is None:
        z = _linear(_stacked(relevance * c_prev, x), weights.Wc, weights.bc)
    else:
        Wcc, Wcx = halves(weights.Wc)
        z = _linear(x, Wcx, weights.bc) + relevance * _linear(c_prev, Wcc, weights.bh)
    candidate = _edited(edits, "candidate", tanh(z))
    c = update * candidate + (1 - update) * c_prev
    return GruStates(relevance, candidate, update, _edited(edits, "c", c))


def lstm_cell(weights: LstmWeights, x: Tensor, a_prev: Tensor, c_prev: Tensor, edits: Edits = NONE) -> LstmStates:
    """c<t> = Γu * c~ + Γf * c<t-1> and a<t> = Γo * tanh(c<t>): x (..., m, n_x), a_prev and c_prev (..., m, n_a).

    Every gate is σ(W [a<t-1>, x<t>] + b), with p * c inside where there are peepholes, and c~ = tanh(Wc [a<t-1>, x<t>] + bc).
    """
    both = _stacked(a_prev, x)
    candidate = _edited(edits, "candidate", tanh(_linear(both, weights.Wc, weights.bc)))
    update = sigmoid(_linear(both, weights.Wu, weights.bu) + _peep(weights.pu, c_prev))
    update = _edited(edits, "update", update)
    forget = sigmoid(_linear(both, weights.Wf, weights.bf) + _peep(weights.pf, c_prev))
    forget = _edited(edits, "forget", forget)
    c = _edited(edits, "c", update * candidate + forget * c_prev)
    output = sigmoid(_linear(both, weights.Wo, weights.bo) + _peep(weights.po, c))
    output = _edited(edits, "output", output)
    return LstmStates(candidate, update, forget, output, c, _edited(edits, "a", output * tanh(c)))


def rnn_forward(
    weights: RnnWeights, x: Tensor, a0: Tensor | None = None, edits: Mapping[int, Edits] | None = None
) -> Tensor:
    """Every a<t> (..., m, T, n_a) of a sequence x (..., m, T, n_x), from a<0> (..., m, n_a)."""
    a = _start(weights.ba, x, a0)
    states = []
    for t, x_t in enumerate(x.unbind(-2)):
        a = rnn_cell(weights, x_t, a, (edits or {}).get(t, NONE))
        states.append(a)
    return torch.stack(states, -2)


def gru_forward(
    weights: GruWeights, x: Tensor, c0: Tensor | None = None, edits: Mapping[int, Edits] | None = None
) -> GruStates:
    """Every gate and state (..., m, T, n_c) of a sequence x (..., m, T, n_x), from c<0> (..., m, n_c)."""
    c = _start(weights.bc, x, c0)
    steps = []
    for t, x_t in enumerate(x.unbind(-2)):
        steps.append(gru_cell(weights, x_t, c, (edits or {}).get(t, NONE)))
        c = steps[-1].c
    return GruStates(*(torch.stack(column, -2) for column in zip(*steps, strict=True)))


def lstm_forward(
    weights: LstmWeights,
    x: Tensor,
    a0: Tensor | None = None,
    c0: Tensor | None = None,
    edits: Mapping[int, Edits] | None = None,
) -> LstmStates:
    """Every gate and state (..., m, T, n_a) of a sequence x (..., m, T, n_x), from a<0> and c<0> (..., m, n_a)."""
    a, c = _start(weights.bc, x, a0), _start(weights.bc, x, c0)
    steps = []
    for t, x_t in enumerate(x.unbind(-2)):
        steps.append(lstm_cell(weights, x_t, a, c, (edits or {}).get(t, NONE)))
        c, a = steps[-1][-2:]
    return LstmStates(*(torch.stack(column, -2) for column in zip(*steps, strict=True)))


def rnn_cell_backward(
    weights: RnnWeights, x: Tensor, a_prev: Tensor, a: Tensor, da: Tensor
) -> tuple[RnnWeights, Tensor, Tensor]:
    """From da = dJ/da<t> (..., m, n_a): what the step adds to the weights' gradients, dJ/dx<t> and dJ/da<t-1> through it."""
    dz = da * (1 - a**2)  # tanh'(z) = 1 - tanh(z)²
    grads = RnnWeights(dz.mT @ a_prev, dz.mT @ x, dz.sum(-2))
    return grads, dz @ weights.Wax, dz @ weights.Waa


def gru_cell_backward(
    weights: GruWeights, x: Tensor, c_prev: Tensor, step: GruStates, dc: Tensor
) -> tuple[GruWeights, Tensor, Tensor]:
    """From dc = dJ/dc<t> (..., m, n_c): what the step adds to the weights' gradients, dJ/dx<t> and dJ/dc<t-1> through it."""
    n, both = c_prev.shape[-1], _stacked(c_prev, x)
    r, u = step.relevance, step.update
    dz = dc * u * (1 - step.candidate**2)
    dbh = None
    if weights.bh is None:
        dWc, dbc, dstack = _linear_backward(dz, weights.Wc, _stacked(r * c_prev, x))
        dkept, dx = dstack[..., :n], dstack[..., n:]
        dr, dc_prev = dkept * c_prev, dkept * r
    else:
        Wcc, Wcx = halves(weights.Wc)
        dWcx, dbc, dx = _linear_backward(dz, Wcx, x)
        dWcc, dbh, dc_prev = _linear_backward(dz * r, Wcc, c_prev)
        dWc, dr = torch.cat([dWcc, dWcx], -1), dz * _linear(c_prev, Wcc, weights.bh)
    du = dc * (step.candidate - c_prev)
    dWu, dbu, dstack = _linear_backward(du * u * (1 - u), weights.Wu, both)  # σ'(z) = σ(z) (1 - σ(z))
    dWr, dbr = None, None
    if weights.Wr is not None:
        dWr, dbr, through = _linear_backward(dr * r * (1 - r), weights.Wr, both)
        dstack = dstack + through
    dc_prev = dc_prev + dc * (1 - u) + dstack[..., :n]
    return GruWeights(dWc, dbc, dWu, dbu, dWr, dbr, dbh), dx + dstack[..., n:], dc_prev


def lstm_cell_backward(
    weights: LstmWeights, x: Tensor, a_prev: Tensor, c_prev: Tensor, step: LstmStates, da: Tensor, dc: Tensor
) -> tuple[LstmWeights, Tensor, Tensor, Tensor]:
    """From da = dJ/da<t> and dc = dJ/dc<t> by later steps (..., m, n_a): what the step adds to the weights' gradients,
    dJ/dx<t>, dJ/da<t-1> and dJ/dc<t-1> through it.
    """
    candidate, u, f, o, c, _ = step
    both, n = _stacked(a_prev, x), c.shape[-1]
    dzo = da * tanh(c) * o * (1 - o)
    dc = lstm_cell_reach(weights, step, da, dc)
    dzc = dc * u * (1 - candidate**2)
    dzu, dzf = dc * candidate * u * (1 - u), dc * c_prev * f * (1 - f)
    dWc, dbc, dstack = _linear_backward(dzc, weights.Wc, both)
    dWu, dbu, through_u = _linear_backward(dzu, weights.Wu, both)
    dWf, dbf, through_f = _linear_backward(dzf, weights.Wf, both)
    dWo, dbo, through_o = _linear_backward(dzo, weights.Wo, both)
    dstack = dstack + through_u + through_f + through_o
    dc_prev = dc * f + _peep(weights.pu, dzu) + _peep(weights.pf, dzf)
    peeps: list[Tensor | None] = [None, None, None]
    if weights.po is not None:
        peeps = [(dz * seen).sum(-2) for dz, seen in ((dzu, c_prev), (dzf, c_prev), (dzo, c))]
    grads = LstmWeights(dWc, dbc, dWu, dbu, dWf, dbf, dWo, dbo, *peeps)
    return grads, dstack[..., n:], dstack[..., :n], dc_prev


def lstm_cell_reach(weights: LstmWeights, step: LstmStates, da: Tensor, dc: Tensor) -> Tensor:
    """All of dJ/dc<t>: what later steps hand back, what comes through a<t>, and through the output gate's peephole."""
    o, seen = step.output, tanh(step.c)
    return dc + da * o * (1 - seen**2) + _peep(weights.po, da * seen * o * (1 - o))


def rnn_backward(weights: RnnWeights, x: Tensor, a: Tensor, grad: Tensor, a0: Tensor | None = None) -> RnnGradients:
    """Backpropagation through time: ``a`` is what :func:`rnn_forward` gave for x, ``grad`` (..., m, T, n_a) what each a<t>
    gets from its own output. Werbos 1990.
    """
    before = _before(a, _start(weights.ba, x, a0))
    da_next = torch.zeros_like(before[0])
    parts, dxs, das = [], [], []
    for t in reversed(range(x.shape[-2])):
        da = grad.select(-2, t) + da_next
        part, dx, da_next = rnn_cell_backward(weights, x.select(-2, t), before[t], a.select(-2, t), da)
        parts.append(part)
        dxs.append(dx)
        das.append(da)
    return RnnGradients(_total(parts), _in_order(dxs), _in_order(das), da_next)


def gru_backward(
    weights: GruWeights, x: Tensor, states: GruStates, grad: Tensor, c0: Tensor | None = None
) -> GruGradients:
    """Backpropagation through time: ``states`` are what :func:`gru_forward` gave for x, ``grad`` (..., m, T, n_c) what each
    c<t> gets from its own output.
    """
    before = _before(states.c, _start(weights.bc, x, c0))
    dc_next = torch.zeros_like(before[0])
    parts, dxs, dcs = [], [], []
    for t in reversed(range(x.shape[-2])):
        dc = grad.select(-2, t) + dc_next
        step = GruStates(*(state.select(-2, t) for state in states))
        part, dx, dc_next = gru_cell_backward(weights, x.select(-2, t), before[t], step, dc)
        parts.append(part)
        dxs.append(dx)
        dcs.append(dc)
    return GruGradients(_total(parts), _in_order(dxs), _in_order(dcs), dc_next)


def lstm_backward(
    weights: LstmWeights,
    x: Tensor,
    states: LstmStates,
    grad: Tensor,
    a0: Tensor | None = None,
    c0: Tensor | None = None,
) -> LstmGradients:
    """Backpropagation through time: ``states`` are what :func:`lstm_forward` gave for x, ``grad`` (..., m, T, n_a) what each
    a<t> gets from its own output.
    """
    a_before = _before(states.a, _start(weights.bc, x, a0))
    c_before = _before(states.c, _start(weights.bc, x, c0))
    da_next, dc_next = torch.zeros_like(a_before[0]), torch.zeros_like(c_before[0])
    parts, dxs, das, dcs = [], [], [], []
    for t in reversed(range(x.shape[-2])):
        da = grad.select(-2, t) + da_next
        step = LstmStates(*(state.select(-2, t) for state in states))
        das.append(da)
        dcs.append(lstm_cell_reach(weights, step, da, dc_next))
        part, dx, da_next, dc_next = lstm_cell_backward(
            weights, x.select(-2, t), a_before[t], c_before[t], step, da, dc_next
        )
        parts.append(part)
        dxs.append(dx)
    return LstmGradients(_total(parts), _in_order(dxs), _in_order(das), _in_order(dcs), da_next, dc_next)


def _stacked(state: Tensor, x: Tensor) -> Tensor:
    """[state, x] (..., m, n + n_x); networks side by side may share their x."""
    return torch.cat([state, x.expand(*state.shape[:-1], x.shape[-1])], -1)


def _linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return x @ W.mT + b.unsqueeze(-2)


def _linear_backward(dz: Tensor, W: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dW, db and dx of z = W x + b for rows x (..., m, n_in) and dz (..., m, n)."""
    return dz.mT @ x, dz.sum(-2), dz @ W


def _peep(p: Tensor | None, c: Tensor) -> Tensor:
    return torch.zeros_like(c) if p is None else p.unsqueeze(-2) * c


def _edited(edits: Edits, name: str, value: Tensor) -> Tensor:
    """The value with the edit's numbers in place of its own, where the edit has one."""
    if name not in edits:
        return value
    return torch.where(edits[name].isnan(), value, edits[name].to(value))


def _start(b: Tensor, x: Tensor, given: Tensor | None) -> Tensor:
    """The state before the first step, (..., m, n) of the biases' type."""
    if given is not None:
        return given
    networks = b.shape[:-1] or x.shape[:-3]
    return b.new_zeros(*networks, x.shape[-3], b.shape[-1])


def _before(states: Tensor, start: Tensor) -> list[Tensor]:
    """The state before each step."""
    return [start, *states.unbind(-2)[:-1]]


def _in_order(backwards: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(reversed(backwards)), -2)


def _total(parts: Sequence[Weights]) -> Weights:
    """The sum over steps of every weight's gradient: the weights are shared by all of them."""
    columns: Any = zip(*parts, strict=True)
    sums: Any = (None if column[0] is None else sum(column) for column in columns)
    return type(parts[0])(*sums)
